/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * packets.c - octets out and in
 */
#include "t/bench/load/packets.h"

#include "t/bench/load/fail.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void ask_to_poll(struct packets *p, uint32_t events, int how)
{
    struct epoll_event e = {.events = events, .data.ptr = p->owner};
    if (epoll_ctl(p->poller, how, p->fd, &e) != 0)
        load_fail("epoll_ctl", strerror(errno));
}

void packets_open(struct packets *p, const char *socket_path)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    snprintf(place.sun_path, sizeof place.sun_path, "%s", socket_path);
    p->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&place, sizeof place) != 0)
        load_fail(socket_path, strerror(errno));
    p->in_n = p->out_n = 0;
    ask_to_poll(p, EPOLLIN, EPOLL_CTL_ADD);
}

void packets_close(struct packets *p)
{
    close(p->fd);
    p->fd = -1;
}

static void put(struct packets *p, const void *octets, size_t n)
{
    if (p->out_cap - p->out_n < n) {
        p->out_cap = 2 * (p->out_cap + n);
        if ((p->out = realloc(p->out, p->out_cap)) == NULL)
            load_fail("no memory", NULL);
    }
    memcpy(p->out + p->out_n, octets, n);
    p->out_n += n;
}

void packets_put(struct packets *p, char command, const void *data, size_t n)
{
    uint32_t length = htonl((uint32_t)n + 1);
    put(p, &length, sizeof length);
    put(p, &command, 1);
    if (n > 0)
        put(p, data, n);
}

void packets_put_macros(struct packets *p, char command, const void *macros, size_t n)
{
    uint32_t length = htonl((uint32_t)n + 2);
    put(p, &length, sizeof length);
    put(p, (char[]){'D', command}, 2);
    if (n > 0)
        put(p, macros, n);
}

void packets_send(struct packets *p)
{
    size_t sent = 0;
    while (sent < p->out_n) {
        ssize_t n = send(p->fd, p->out + sent, p->out_n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            load_fail("the milter closed a session", strerror(errno));
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    memmove(p->out, p->out + sent, p->out_n - sent);
    p->out_n -= sent;
    if (sent > 0)
        ask_to_poll(p, p->out_n > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void packets_receive(struct packets *p)
{
    ssize_t got = recv(p->fd, p->in + p->in_n, sizeof p->in - 1 - p->in_n, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        load_fail("the milter closed a session", got < 0 ? strerror(errno) : NULL);
    p->in_n += (size_t)got;
}

bool packets_next(struct packets *p, char *command, unsigned char data[PACKET_MAX], size_t *n)
{
    uint32_t length;
    if (p->in_n < 5)
        return false;
    memcpy(&length, p->in, sizeof length);
    size_t whole = 4 + (size_t)ntohl(length);
    if (whole < 5 || whole >= sizeof p->in)
        load_fail("an answer is empty or too long", NULL);
    if (p->in_n < whole)
        return false;
    *command = (char)p->in[4];
    *n = whole - 5;
    memcpy(data, p->in + 5, *n);
    data[*n] = '\0';
    p->in_n -= whole;
    memmove(p->in, p->in + whole, p->in_n);
    return true;
}
