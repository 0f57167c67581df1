/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * peer.c - the open policy connections: reading, writing, their epochs and their deadlines
 */
#include "policyd/peer.h"

#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void gp_peers_init(struct gp_peers *peers, int epoll)
{
    peers->epoll = epoll;
    peers->n = 0;
    peers->now_ns = 0;
    TAILQ_INIT(&peers->all);
    TAILQ_INIT(&peers->ready);
}

void gp_peers_free(struct gp_peers *peers)
{
    while (!TAILQ_EMPTY(&peers->all))
        gp_peer_close(peers, TAILQ_FIRST(&peers->all));
}

void gp_peer_add(struct gp_peers *peers, int fd)
{
    struct gp_peer *p = malloc(sizeof *p);
    if (p == NULL) {
        close(fd);
        return;
    }
    p->fd = fd;
    p->ended = p->ready = false;
    p->interest = EPOLLIN;
    p->epoch = NULL;
    p->watched = false;
    gp_connection_init(&p->io);
    struct epoll_event e = {.events = p->interest, .data.ptr = p};
    if (epoll_ctl(peers->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        gp_log_errno(GP_WARN, "connection", "cannot watch a connection");
        close(fd);
        free(p);
        return;
    }
    TAILQ_INSERT_TAIL(&peers->all, p, all);
    peers->n++;
}

void gp_peer_close(struct gp_peers *peers, struct gp_peer *p)
{
    TAILQ_REMOVE(&peers->all, p, all);
    if (p->ready)
        TAILQ_REMOVE(&peers->ready, p, queue);
    peers->n--;
    close(p->fd);
    gp_epoch_unref(p->epoch);
    free(p);
}

static void complain(struct gp_peers *peers, struct gp_peer *p, const char *why)
{
    gp_log(GP_WARN, "connection", "closed: %s", why);
    gp_peer_close(peers, p);
}

/* Both return false when the connection is lost. */
static bool receive(struct gp_peer *p, uint64_t now_ms)
{
    size_t room;
    char *at = gp_connection_room(&p->io, &room);
    if (room == 0 || p->ended)
        return true;
    ssize_t n = recv(p->fd, at, room, 0);
    if (n > 0)
        gp_connection_received(&p->io, (size_t)n, now_ms);
    p->ended = n == 0;
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool transmit(struct gp_peer *p, uint64_t now_ms)
{
    struct gp_str unsent = gp_connection_unsent(&p->io);
    if (unsent.n == 0)
        return true;
    ssize_t n = send(p->fd, unsent.p, unsent.n, MSG_NOSIGNAL);
    if (n > 0)
        gp_connection_sent(&p->io, (size_t)n, now_ms);
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* After anything happened to p: queue it, watch for what it waits for, or let it go. */
static void settle(struct gp_peers *peers, struct gp_peer *p)
{
    bool unsent = gp_connection_unsent(&p->io).n > 0, whole = gp_connection_ready(&p->io);
    size_t room;
    gp_connection_room(&p->io, &room);
    if (gp_connection_overlong(&p->io)) {
        complain(peers, p, "a request is too long");
        return;
    }
    if (p->ended && !unsent && !whole) {
        gp_peer_close(peers, p);
        return;
    }
    if (whole && !p->ready) {
        TAILQ_INSERT_TAIL(&peers->ready, p, queue);
        p->whole_ns = peers->now_ns;
        p->ready = true;
    }
    uint32_t interest = unsent ? EPOLLOUT : p->ended || room == 0 ? 0 : EPOLLIN;
    struct epoll_event e = {.events = interest, .data.ptr = p};
    if (interest != p->interest && epoll_ctl(peers->epoll, EPOLL_CTL_MOD, p->fd, &e) == 0)
        p->interest = interest;
}

void gp_peer_event(struct gp_peers *peers, struct gp_peer *p, uint32_t events, uint64_t now_ms)
{
    bool alive = (events & EPOLLERR) == 0;
    if (alive && gp_connection_unsent(&p->io).n > 0)
        alive = transmit(p, now_ms);
    else if (alive)
        alive = receive(p, now_ms);
    if (alive)
        settle(peers, p);
    else
        gp_peer_close(peers, p);
}

void gp_peer_answer(struct gp_peers *peers, struct gp_peer *p, struct gp_str action, uint64_t now_ms)
{
    gp_connection_reply(&p->io, action, now_ms);
    if (transmit(p, now_ms))
        settle(peers, p);
    else
        gp_peer_close(peers, p);
}

struct gp_peer *gp_peer_next(struct gp_peers *peers)
{
    struct gp_peer *p = TAILQ_FIRST(&peers->ready);
    if (p != NULL) {
        TAILQ_REMOVE(&peers->ready, p, queue);
        p->ready = false;
    }
    return p;
}

/* smtpd keeps a connection that it does not need for minutes: it shall not keep a configuration that nobody will ask for. */
static void drop_drained(struct gp_peer *p, uint64_t now_ms)
{
    if (p->epoch != NULL && gp_epoch_drained(p->epoch, now_ms)) {
        gp_epoch_unref(p->epoch);
        p->epoch = NULL;
    }
}

void gp_peers_expire(struct gp_peers *peers, uint64_t now_ms)
{
    for (struct gp_peer *p = TAILQ_FIRST(&peers->all), *next; p != NULL; p = next) {
        next = TAILQ_NEXT(p, all);
        drop_drained(p, now_ms);
        if (gp_connection_deadline(&p->io) > now_ms)
            continue;
        bool unread = gp_connection_unsent(&p->io).n > 0;
        complain(peers, p, unread ? "a reply was not read in time" : "a request was not finished in time");
    }
}

void gp_peers_retire(struct gp_peers *peers)
{
    for (struct gp_peer *p = TAILQ_FIRST(&peers->all), *next; p != NULL; p = next) {
        next = TAILQ_NEXT(p, all);
        if (!gp_connection_ready(&p->io) && gp_connection_unsent(&p->io).n == 0)
            gp_peer_close(peers, p);
    }
}
