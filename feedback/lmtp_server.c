/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp_server.c - accepting LMTP connections, and their end
 */
#include "feedback/lmtp_server.h"

#include "feedback/lmtp_connection.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 200 /* without file descriptors to spare */
#define STACK_OCTETS (1u << 20)

struct gp_lmtp_server {
    int listener;
    struct gp_lmtp_shared shared;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t left;
    size_t connections; /* under the lock */
};

/* One connection's thread and what it was given. */
struct task {
    struct gp_lmtp_server *server;
    int fd;
};

static void *serve(void *arg)
{
    struct task *task = arg;
    struct gp_lmtp_server *s = task->server;
    gp_lmtp_connection_run(task->fd, &s->shared);
    close(task->fd);
    free(task);
    pthread_mutex_lock(&s->lock);
    s->connections--;
    pthread_cond_broadcast(&s->left);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool enter(struct gp_lmtp_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool room = s->connections < GP_LMTP_CONNECTIONS_MAX;
    s->connections += room;
    pthread_mutex_unlock(&s->lock);
    return room;
}

static void send_away(int fd)
{
    static const char sorry[] = "421 4.3.2 Too many connections, try again later\r\n";
    (void)!send(fd, sorry, sizeof sorry - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void begin(struct gp_lmtp_server *s, int fd)
{
    pthread_attr_t attributes;
    pthread_t thread;
    struct task *task = NULL;
    if (!enter(s)) {
        gp_log(GP_WARN, "connection", "refused: %d connections are the most", GP_LMTP_CONNECTIONS_MAX);
        send_away(fd);
        return;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_OCTETS);
    task = malloc(sizeof *task);
    if (task != NULL)
        *task = (struct task){s, fd};
    errno = task != NULL ? pthread_create(&thread, &attributes, serve, task) : ENOMEM;
    if (errno != 0) {
        gp_log_errno(GP_ERROR, "connection", "cannot start a thread");
        free(task);
        send_away(fd);
        pthread_mutex_lock(&s->lock);
        s->connections--;
        pthread_mutex_unlock(&s->lock);
    }
    pthread_attr_destroy(&attributes);
}

static void *accept_all(void *arg)
{
    struct gp_lmtp_server *s = arg;
    struct pollfd watched[] = {{.fd = s->shared.end, .events = POLLIN}, {.fd = s->listener, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            gp_log_errno(GP_ERROR, "connection", "cannot wait for connections");
        if ((watched[0].revents & POLLIN) != 0)
            return NULL;
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            begin(s, fd);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            gp_log_errno(GP_WARN, "connection", "cannot accept a connection");
            poll(watched, 1, PAUSE_MS);
        }
    }
}

struct gp_lmtp_server *gp_lmtp_server_start(int listener, struct gp_archive *archive, struct gp_intake *intake)
{
    struct gp_lmtp_server *s = calloc(1, sizeof *s);
    int end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s == NULL || end < 0)
        goto fail;
    s->listener = listener;
    s->shared = (struct gp_lmtp_shared){.archive = archive, .intake = intake, .end = end};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->left, NULL);
    errno = pthread_create(&s->acceptor, NULL, accept_all, s);
    if (errno == 0) {
        pthread_setname_np(s->acceptor, "lmtp");
        return s;
    }
fail:
    gp_log_errno(GP_ERROR, "start", "cannot serve LMTP");
    if (end >= 0)
        close(end);
    close(listener);
    free(s);
    return NULL;
}

void gp_lmtp_server_end(struct gp_lmtp_server *s)
{
    const uint64_t one = 1;
    if (s != NULL && write(s->shared.end, &one, sizeof one) != sizeof one)
        gp_log_errno(GP_ERROR, "end", "cannot tell the LMTP connections");
}

void gp_lmtp_server_stop(struct gp_lmtp_server *s)
{
    if (s == NULL)
        return;
    gp_lmtp_server_end(s);
    pthread_join(s->acceptor, NULL);
    close(s->listener);
    pthread_mutex_lock(&s->lock);
    while (s->connections > 0)
        pthread_cond_wait(&s->left, &s->lock);
    pthread_mutex_unlock(&s->lock);
    close(s->shared.end);
    pthread_cond_destroy(&s->left);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

size_t gp_lmtp_server_connections(struct gp_lmtp_server *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->connections;
    pthread_mutex_unlock(&s->lock);
    return n;
}
