/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns.c - questions to the DNS, each with a deadline: c-ares carries them, one server at a time
 *
 * c-ares would begin every question with the first server of its list, silent or not. So it is given one server for one
 * try, and which is next is decided here.
 */
#include "shared/dns.h"

#include "shared/clock.h"
#include "shared/dns_message.h"
#include "shared/ip.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EDNS_SIZE 1232        /* octets a UDP answer may have: no fragments on any path */
#define SOCKETS_MAX 4         /* of one server: UDP, TCP */
#define TRY_MS_OF_CARES 60000 /* longer than any try of ours, which ends it */

struct gp_dns {
    ares_channel channel;
    size_t servers, current; /* current: the one that answered last */
    struct ares_addr_port_node *server;
};

/* One question to one server. */
struct asked {
    enum gp_dns_type type;
    struct gp_dns_answer *out;
    bool done, silent; /* silent: no word came, so that another try may help */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int library = ARES_ENOTINITIALIZED;

static void init_library(void)
{
    library = ares_library_init(ARES_LIB_INIT_ALL);
}

static struct gp_str from(struct gp_str s, size_t at)
{
    return (struct gp_str){s.p + at, s.n - at};
}

/* Part "192.0.2.53", "192.0.2.53:5353", "2001:db8::53" or "[2001:db8::53]:5353". */
static bool split_server(struct gp_str s, struct gp_str *host, struct gp_str *port)
{
    size_t colon = gp_str_find(s, ':'), bracket = gp_str_find(s, ']');
    *host = s;
    *port = GP_STR("53");
    if (s.n > 0 && s.p[0] == '[') {
        if (bracket == s.n || (bracket + 1 < s.n && s.p[bracket + 1] != ':'))
            return false;
        *host = (struct gp_str){s.p + 1, bracket - 1};
        if (bracket + 1 < s.n)
            *port = from(s, bracket + 2);
    } else if (colon < s.n && gp_str_find(from(s, colon + 1), ':') == s.n - colon - 1) {
        host->n = colon;
        *port = from(s, colon + 1);
    }
    return true;
}

static bool read_server(struct gp_str s, struct ares_addr_port_node *out)
{
    struct gp_str host, port;
    struct gp_ip ip;
    uint64_t number;
    if (!split_server(s, &host, &port) || !gp_ip_parse(host, &ip) || !gp_str_u64(port, UINT16_MAX, &number) ||
        number == 0)
        return false;
    *out = (struct ares_addr_port_node){.udp_port = (int)number, .tcp_port = (int)number};
    out->family = gp_ip_is_v4(&ip) ? AF_INET : AF_INET6;
    if (out->family == AF_INET)
        memcpy(&out->addr.addr4, ip.b + 12, sizeof out->addr.addr4);
    else
        memcpy(&out->addr.addr6, ip.b, sizeof ip.b);
    return true;
}

static bool read_servers(struct gp_dns *d, const struct gp_strings *servers)
{
    bool fine = true;
    d->servers = servers->n;
    d->server = calloc(servers->n, sizeof *d->server);
    for (size_t i = 0; fine && i < servers->n; i++)
        fine = d->server != NULL && read_server(gp_str_z(servers->v[i]), &d->server[i]);
    return fine;
}

/* Those of /etc/resolv.conf, which the channel has. */
static bool take_servers(struct gp_dns *d)
{
    struct ares_addr_port_node *list = NULL;
    bool fine = ares_get_servers_ports(d->channel, &list) == ARES_SUCCESS;
    for (const struct ares_addr_port_node *s = list; s != NULL; s = s->next)
        d->servers++;
    d->server = calloc(d->servers + 1, sizeof *d->server);
    fine = fine && d->servers > 0 && d->server != NULL;
    size_t i = 0;
    for (const struct ares_addr_port_node *s = list; fine && s != NULL; s = s->next, i++) {
        d->server[i] = *s;
        d->server[i].next = NULL;
    }
    ares_free_data(list);
    return fine;
}

struct gp_dns *gp_dns_new(const struct gp_strings *servers)
{
    struct ares_options options = {.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH,
                                   .ednspsz = EDNS_SIZE,
                                   .timeout = TRY_MS_OF_CARES,
                                   .tries = 1};
    int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NOROTATE;
    pthread_once(&once, init_library);
    struct gp_dns *d = calloc(1, sizeof *d);
    if (d == NULL || library != ARES_SUCCESS || ares_init_options(&d->channel, &options, mask) != ARES_SUCCESS) {
        free(d);
        return NULL;
    }
    if (servers->n > 0 ? !read_servers(d, servers) : !take_servers(d)) {
        gp_dns_free(d);
        return NULL;
    }
    return d;
}

void gp_dns_free(struct gp_dns *d)
{
    if (d == NULL)
        return;
    ares_destroy(d->channel);
    free(d->server);
    free(d);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *message, int n)
{
    struct asked *asked = arg;
    (void)timeouts;
    asked->done = true;
    asked->silent = status == ARES_ECANCELLED || status == ARES_ETIMEOUT;
    if (message != NULL && n > 0)
        gp_dns_read(message, (size_t)n, asked->type, asked->out);
    else if (asked->silent)
        *asked->out = gp_dns_trouble("no answer in time");
    else if (status == ARES_ECONNREFUSED)
        *asked->out = gp_dns_trouble("the server cannot be reached");
    else if (status == ARES_EBADNAME)
        *asked->out = gp_dns_trouble("no name that the DNS could hold");
    else
        *asked->out = gp_dns_trouble("the question could not be asked");
}

/* Wait for the channel's sockets, and let it do what there is to do. */
static void work(ares_channel channel, uint64_t left_ms)
{
    ares_socket_t sockets[SOCKETS_MAX];
    struct pollfd fds[SOCKETS_MAX];
    int bits = ares_getsock(channel, sockets, SOCKETS_MAX);
    nfds_t n = 0;
    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        bool reads = ARES_GETSOCK_READABLE(bits, i) != 0, writes = ARES_GETSOCK_WRITABLE(bits, i) != 0;
        short events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
        if (events != 0)
            fds[n++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    poll(fds, n, (int)left_ms);
    for (nfds_t i = 0; i < n; i++) {
        bool odd = (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        bool reads = odd || (fds[i].revents & POLLIN) != 0, writes = (fds[i].revents & POLLOUT) != 0;
        if (reads || writes)
            ares_process_fd(channel, reads ? fds[i].fd : ARES_SOCKET_BAD, writes ? fds[i].fd : ARES_SOCKET_BAD);
    }
}

/* Ask the server of this index until its time is over. Returns true when it had no word for us. */
static bool ask_one(struct gp_dns *d, size_t index, const char *name, enum gp_dns_type type, uint64_t end_ms,
                    struct gp_dns_answer *out)
{
    struct asked asked = {.type = type, .out = out};
    if (ares_set_servers_ports(d->channel, &d->server[index]) != ARES_SUCCESS) {
        *out = gp_dns_trouble("the question could not be asked");
        return false;
    }
    ares_query(d->channel, name, 1, (int)type, on_answer, &asked);
    while (!asked.done) {
        uint64_t now = gp_clock_monotonic_ms();
        if (now >= end_ms)
            ares_cancel(d->channel);
        else
            work(d->channel, end_ms - now);
    }
    return asked.silent;
}

void gp_dns_query(struct gp_dns *d, const char *name, enum gp_dns_type type, uint64_t deadline_ms,
                  struct gp_dns_answer *out)
{
    bool silent = true;
    *out = gp_dns_trouble("no time was left to ask");
    for (unsigned round = 0; silent && round < GP_DNS_ROUNDS; round++) {
        silent = false;
        size_t first = d->current;
        for (size_t i = 0; i < d->servers; i++) {
            size_t index = (first + i) % d->servers;
            uint64_t now = gp_clock_monotonic_ms(), end = now + ((uint64_t)GP_DNS_TRY_MS << round);
            if (now >= deadline_ms)
                return;
            silent |= ask_one(d, index, name, type, end < deadline_ms ? end : deadline_ms, out);
            if (out->state != GP_DNS_TROUBLE) {
                d->current = index;
                return;
            }
        }
    }
}
