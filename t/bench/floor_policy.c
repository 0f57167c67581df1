/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * floor_policy.c - policy services that do only what must be done: what any of them costs at least
 *
 * bench_floor_policy echo SOCKET
 * bench_floor_policy sync SOCKET MEMCACHED       one increment for each request, waited for
 * bench_floor_policy batch SOCKET MEMCACHED      the increments of all requests ready at once share one round trip
 *
 * Counted is by client_address; the answer is always DUNNO. Both sockets are UNIX sockets. One thread, until TERM.
 */
#include "shared/str.h"

#include <errno.h>
#include <libmemcached-1.0/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 64
#define REQUEST_MAX 8192
#define KEY_MAX 64
#define ANSWER "action=DUNNO\n\n"

struct client {
    int fd;
    size_t n;
    char in[REQUEST_MAX];
};

struct waiting {
    struct client *client;
    char key[KEY_MAX];
    size_t key_n;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_at(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct gp_buf b = gp_buf_on(a.sun_path, sizeof a.sun_path);
    gp_buf_putz(&b, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || b.full || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1024) != 0)
        die(path);
    return fd;
}

static memcached_st *store_open(const char *path, bool batch)
{
    memcached_st *m = memcached_create(NULL);
    if (m == NULL || memcached_behavior_set(m, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1) != MEMCACHED_SUCCESS ||
        memcached_behavior_set(m, MEMCACHED_BEHAVIOR_NOREPLY, batch) != MEMCACHED_SUCCESS ||
        memcached_behavior_set(m, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, batch) != MEMCACHED_SUCCESS ||
        memcached_server_add_unix_socket(m, path) != MEMCACHED_SUCCESS)
        die("memcached");
    return m;
}

/* The key of a whole request; false without client_address. */
static bool key_of(struct gp_str request, struct waiting *w)
{
    struct gp_str line, name = GP_STR("client_address=");
    while (gp_str_split(&request, '\n', &line)) {
        if (!gp_str_starts_nocase(line, name))
            continue;
        struct gp_buf b = gp_buf_on(w->key, sizeof w->key);
        gp_buf_putz(&b, "floor:");
        gp_buf_put(&b, (struct gp_str){line.p + name.n, line.n - name.n});
        w->key_n = b.n;
        return !b.full;
    }
    return false;
}

/* Reads once; whether that made a request whole. Closes at the end of the stream. */
static bool take(struct client *c, struct waiting *w, bool keyed)
{
    ssize_t n = recv(c->fd, c->in + c->n, sizeof c->in - c->n, 0);
    if (n <= 0) {
        close(c->fd);
        free(c);
        return false;
    }
    c->n += (size_t)n;
    if (c->n < 2 || memcmp(c->in + c->n - 2, "\n\n", 2) != 0)
        return false;
    w->client = c;
    if (keyed && !key_of((struct gp_str){c->in, c->n}, w))
        die("a request without an address");
    c->n = 0;
    return true;
}

static void answer(const struct waiting *w)
{
    if (send(w->client->fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        perror("send");
}

static void count(memcached_st *m, const struct waiting *w)
{
    uint64_t value;
    memcached_return_t rc = memcached_increment_with_initial(m, w->key, w->key_n, 1, 1, 600, &value);
    if (memcached_failed(rc) && rc != MEMCACHED_BUFFERED)
        die(memcached_strerror(m, rc));
}

/* The counts are buffered and quiet: reading all of them is what sends them, and what tells that they were taken. */
static void count_all(memcached_st *m, const struct waiting *w, size_t n)
{
    const char *keys[EVENTS];
    size_t lengths[EVENTS], found = 0;
    memcached_return_t rc;
    memcached_result_st result;
    for (size_t i = 0; i < n; i++) {
        count(m, &w[i]);
        keys[i] = w[i].key;
        lengths[i] = w[i].key_n;
    }
    rc = memcached_mget(m, keys, lengths, n);
    if (memcached_failed(rc))
        die(memcached_strerror(m, rc));
    memcached_result_create(m, &result);
    while (memcached_fetch_result(m, &result, &rc) != NULL)
        found++;
    memcached_result_free(&result);
    if (found < n)
        die("memcached did not return every count");
}

static void serve(int listener, memcached_st *m, bool batch)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    struct waiting w[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) != 0)
        die("epoll");
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        size_t whole = 0;
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c != NULL) {
                whole += take(c, &w[whole], m != NULL);
            } else if ((c = calloc(1, sizeof *c)) == NULL || (c->fd = accept(listener, NULL, NULL)) < 0) {
                die("accept");
            } else {
                struct epoll_event add = {.events = EPOLLIN, .data.ptr = c};
                epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &add);
            }
            if (whole == 0 || batch)
                continue;
            if (m != NULL)
                count(m, w);
            answer(w);
            whole = 0;
        }
        if (whole > 0)
            count_all(m, w, whole);
        for (size_t i = 0; i < whole; i++)
            answer(&w[i]);
    }
}

int main(int argc, char **argv)
{
    bool echo = argc == 3 && strcmp(argv[1], "echo") == 0, batch = argc == 4 && strcmp(argv[1], "batch") == 0;
    if (!echo && !batch && !(argc == 4 && strcmp(argv[1], "sync") == 0)) {
        fputs("usage: bench_floor_policy echo SOCKET | {sync|batch} SOCKET MEMCACHED\n", stderr);
        return 2;
    }
    serve(listen_at(argv[2]), echo ? NULL : store_open(argv[3], batch), batch);
}
