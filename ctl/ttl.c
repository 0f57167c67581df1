/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ttl.c - a tiny, bounded client of memcached's "mg KEY t"
 */
#include "ctl/ttl.h"

#include "shared/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 500
#define TTL_MAX INT32_MAX

int64_t gp_ctl_ttl_answer(struct gp_str line)
{
    uint64_t left;
    if (gp_str_eq(line, GP_STR("HD t-1")))
        return GP_CTL_TTL_FOREVER;
    if (!gp_str_starts_nocase(line, GP_STR("HD t")))
        return GP_CTL_TTL_UNKNOWN;
    struct gp_str number = {line.p + 4, line.n - 4};
    return gp_str_u64(number, TTL_MAX, &left) ? (int64_t)left : GP_CTL_TTL_UNKNOWN;
}

/* Wait for the socket; false when the deadline (monotonic) passes first. */
static bool wait_for(int fd, short events, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t now = gp_clock_monotonic_ms();
    return now < deadline_ms && poll(&p, 1, (int)(deadline_ms - now)) == 1;
}

static int connect_to(const struct sockaddr *sa, socklen_t n, uint64_t deadline_ms)
{
    int error = 0;
    socklen_t size = sizeof error;
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, sa, n) == 0)
        return fd;
    if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline_ms) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_unix(const char *path, uint64_t deadline_ms)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof sa.sun_path)
        return -1;
    memcpy(sa.sun_path, path, n);
    return connect_to((const struct sockaddr *)&sa, sizeof sa, deadline_ms);
}

static int connect_inet(const char *host_port, uint64_t deadline_ms)
{
    char text[256];
    struct gp_buf host = gp_buf_on(text, sizeof text);
    const char *colon = strrchr(host_port, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (colon == NULL)
        return -1;
    struct gp_str name = {host_port, (size_t)(colon - host_port)};
    if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = (struct gp_str){name.p + 1, name.n - 2};
    gp_buf_put(&host, name);
    if (host.full || getaddrinfo(text, colon + 1, &hints, &found) != 0)
        return -1;
    int fd = connect_to(found->ai_addr, found->ai_addrlen, deadline_ms);
    freeaddrinfo(found);
    return fd;
}

static bool send_all(int fd, struct gp_str s, uint64_t deadline_ms)
{
    while (s.n > 0) {
        ssize_t sent = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || !wait_for(fd, POLLOUT, deadline_ms)))
            return false;
        if (sent > 0) {
            s.p += sent;
            s.n -= (size_t)sent;
        }
    }
    return true;
}

/* Read until n lines are whole, each at most 64 octets. */
static void read_answers(int fd, size_t n, int64_t *left, uint64_t deadline_ms)
{
    char line[64];
    size_t have = 0, answered = 0;
    while (answered < n && have < sizeof line) {
        ssize_t got = recv(fd, line + have, sizeof line - have, 0);
        if (got == 0 || (got < 0 && (errno != EAGAIN || !wait_for(fd, POLLIN, deadline_ms))))
            return;
        have += got > 0 ? (size_t)got : 0;
        char *end;
        while (answered < n && (end = memchr(line, '\n', have)) != NULL) {
            size_t used = (size_t)(end - line) + 1;
            left[answered++] = gp_ctl_ttl_answer(gp_str_trim((struct gp_str){line, used}));
            memmove(line, line + used, have - used);
            have -= used;
        }
    }
}

void gp_ctl_ttl(const char *server, const char (*keys)[GP_KEY_MAX], size_t n, int64_t *left)
{
    char request[GP_CTL_TTL_KEYS_MAX * (GP_KEY_MAX + 8)];
    struct gp_buf b = gp_buf_on(request, sizeof request);
    uint64_t deadline_ms = gp_clock_monotonic_ms() + WAIT_MS;
    for (size_t i = 0; i < n; i++) {
        left[i] = GP_CTL_TTL_UNKNOWN;
        gp_buf_printf(&b, "mg %s t\r\n", keys[i]);
    }
    if (n == 0 || b.full)
        return;
    int fd = server[0] == '/' ? connect_unix(server, deadline_ms) : connect_inet(server, deadline_ms);
    if (fd < 0)
        return;
    if (send_all(fd, gp_buf_str(&b), deadline_ms))
        read_answers(fd, n, left, deadline_ms);
    close(fd);
}
