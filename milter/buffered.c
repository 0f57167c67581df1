/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * buffered.c - accept, poll, read, writev and close of this program, with buffers for what was accepted
 *
 * A socket is one thread's at a time, as libmilter hands it on under a lock; so are its buffers. Without fortification:
 * it would have other functions of these names.
 */
#undef _FORTIFY_SOURCE
#include "milter/buffered.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 65536 /* sockets with a higher number have no buffers */
#define UNREAD_MS 60000   /* how long a mail server may leave its answers unread */

struct buffers {
    bool ready;    /* the kernel said that there is more to read, and nobody has fetched it */
    size_t at, n;  /* in[at..n) was not taken yet */
    size_t behind; /* octets of out that were not sent yet */
    char in[GP_BUFFERED_IN], out[GP_BUFFERED_OUT];
};

static _Atomic(struct buffers *) buffers[DESCRIPTORS];
static _Atomic bool on;
/* What close would be without this file; a checker of threads has one of its own and must know what is closed. */
static _Atomic(int (*)(int)) next_close;

void gp_buffered_on(void)
{
    int (*next)(int) = NULL;
    void *found = dlsym(RTLD_NEXT, "close");
    memcpy(&next, &found, sizeof next);
    atomic_store(&next_close, next);
    atomic_store(&on, true);
}

static struct buffers *buffers_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? atomic_load(&buffers[fd]) : NULL;
}

int accept(int listener, __SOCKADDR_ARG peer, socklen_t *restrict n)
{
    int fd = accept4(listener, peer, n, 0);
    if (atomic_load(&on) && fd >= 0 && fd < DESCRIPTORS)
        atomic_store(&buffers[fd], calloc(1, sizeof(struct buffers))); /* without memory: as ever */
    return fd;
}

static bool wait_for(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    const struct timespec timeout = {ms / 1000, ms % 1000 * 1000000L};
    return ppoll(&p, 1, &timeout, NULL) > 0;
}

/* What cannot be sent within that time ends the session: its next read finds the end. */
static void flush(int fd, struct buffers *b, int ms)
{
    size_t sent = 0;
    while (sent < b->behind) {
        ssize_t n = send(fd, b->out + sent, b->behind - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
        } else if (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLOUT, ms))) {
            shutdown(fd, SHUT_RDWR);
            break;
        }
    }
    b->behind = 0;
}

int close(int fd)
{
    struct buffers *b = buffers_of(fd);
    if (b != NULL) {
        flush(fd, b, 0);
        atomic_store(&buffers[fd], NULL); /* before the number is anybody else's */
        free(b);
    }
    int (*next)(int) = atomic_load(&next_close);
    return next != NULL ? next(fd) : (int)syscall(SYS_close, fd);
}

ssize_t read(int fd, void *out, size_t n)
{
    struct buffers *b = buffers_of(fd);
    if (b == NULL)
        return readv(fd, &(struct iovec){out, n}, 1);
    flush(fd, b, UNREAD_MS);
    if (b->at == b->n) {
        b->ready = false;
        if (n >= sizeof b->in)
            return recv(fd, out, n, 0);
        ssize_t got = recv(fd, b->in, sizeof b->in, 0);
        if (got <= 0)
            return got;
        b->at = 0;
        b->n = (size_t)got;
    }
    if (n > b->n - b->at)
        n = b->n - b->at;
    memcpy(out, b->in + b->at, n);
    b->at += n;
    return (ssize_t)n;
}

ssize_t writev(int fd, const struct iovec *part, int parts)
{
    struct buffers *b = buffers_of(fd);
    size_t total = 0;
    for (int i = 0; i < parts; i++)
        total += part[i].iov_len;
    if (b != NULL && total > sizeof b->out - b->behind)
        flush(fd, b, UNREAD_MS);
    if (b == NULL || total > sizeof b->out)
        return pwritev2(fd, part, parts, -1, 0);
    for (int i = 0; i < parts; i++) {
        memcpy(b->out + b->behind, part[i].iov_base, part[i].iov_len);
        b->behind += part[i].iov_len;
    }
    return (ssize_t)total;
}

/* Marks those that need no kernel: what was read is there, and what is written has room, though it first empties. One
 * that will wait is told all that it has coming; where it is one of many, that must not hold up the others.
 */
static int look(struct pollfd *fds, nfds_t n)
{
    int found = 0;
    for (nfds_t i = 0; i < n; i++) {
        struct buffers *b = buffers_of(fds[i].fd);
        fds[i].revents = 0;
        if (b == NULL)
            continue;
        if ((fds[i].events & POLLIN) != 0) {
            flush(fds[i].fd, b, n == 1 ? UNREAD_MS : 0);
            if (b->at < b->n || b->ready)
                fds[i].revents = POLLIN;
        } else if ((fds[i].events & POLLOUT) != 0) {
            fds[i].revents = POLLOUT;
        }
        found += fds[i].revents != 0;
    }
    return found;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int found = look(fds, n);
    if (found > 0)
        return found; /* the others have their turn at the next call */
    found = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, NULL);
    if (found == 1 && n == 1 && fds->revents == POLLIN) {
        struct buffers *b = buffers_of(fds->fd);
        if (b != NULL)
            b->ready = true;
    }
    return found;
}
