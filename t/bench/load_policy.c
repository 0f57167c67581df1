/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * load_policy.c - asks a policy service as Postfix 3.7 does, over persistent connections, and tells how long it takes
 *
 * bench_load_policy --socket PATH | --port PORT [--connections N] [--milliseconds N] [--requests N]
 *     [--clients N] [--idle N]
 *
 * One thread; each connection has one request under way, of one of N clients at random: 10.0.0.0 + K, the whole set of
 * attributes of a recipient. --idle: so many connections more that never ask. It ends after --milliseconds (1000) or --requests,
 * whichever is first, and prints one JSON object: requests a second, quantiles in microseconds, and how many answers
 * were neither DUNNO nor OK.
 */
#include "shared/clock.h"
#include "shared/str.h"
#include "t/bench/load/figures.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define TIMES_MAX 4000000
#define REQUEST_MAX 1024
#define REPLY_MAX 1024

struct options {
    const char *socket;
    uint64_t port, connections, milliseconds, requests, clients, idle;
};

struct request {
    size_t n;
    char text[REQUEST_MAX];
};

struct connection {
    int fd;
    uint64_t begun_ns;
    size_t n;
    char in[REPLY_MAX];
};

struct load {
    struct request *request; /* one of each client */
    uint64_t clients, random;
    size_t times, refused;
    uint32_t *ns;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int connect_to(const struct options *o)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct gp_buf b = gp_buf_on(un.sun_path, sizeof un.sun_path);
    gp_buf_putz(&b, o->socket != NULL ? o->socket : "");
    int fd = socket(o->socket != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0), on = 1;
    const void *address = o->socket != NULL ? (const void *)&un : &in;
    if (fd < 0 || connect(fd, address, o->socket != NULL ? sizeof un : sizeof in) != 0)
        die("connect");
    if (o->socket == NULL)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* As Postfix 3.7.11 sends it at RCPT, and in its order. */
static void request_write(struct request *r, uint64_t client)
{
    struct gp_buf b = gp_buf_on(r->text, sizeof r->text);
    gp_buf_printf(&b,
                  "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
                  "client_address=10.%u.%u.%u\nclient_name=client%u.agency.example\nclient_port=39110\n"
                  "reverse_client_name=client%u.agency.example\nserver_address=192.0.2.1\nserver_port=25\n"
                  "helo_name=client%u.agency.example\nsender=notices@agency.example\nrecipient=user%u@dest.example\n"
                  "recipient_count=0\nqueue_id=\ninstance=378e.6b00f4d0.%x.0\nsize=4096\netrn_domain=\nstress=\n"
                  "sasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
                  "ccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
                  "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\n"
                  "policy_context=gatepost-address\n\n",
                  (unsigned)(client >> 16 & 255), (unsigned)(client >> 8 & 255), (unsigned)(client & 255),
                  (unsigned)client, (unsigned)client, (unsigned)client, (unsigned)client, (unsigned)client);
    r->n = b.n;
}

/* The same clients in the same order in each run (Knuth's MMIX). */
static void ask(struct load *l, struct connection *c)
{
    l->random = l->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const struct request *r = &l->request[(l->random >> 33) % l->clients];
    c->n = 0;
    c->begun_ns = gp_clock_monotonic_ns();
    if (send(c->fd, r->text, r->n, MSG_NOSIGNAL) != (ssize_t)r->n)
        die("send");
}

static bool whole(const struct connection *c)
{
    return c->n >= 2 && memcmp(c->in + c->n - 2, "\n\n", 2) == 0;
}

static void hear(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->n, sizeof c->in - c->n, 0);
    if (n <= 0)
        die("recv");
    c->n += (size_t)n;
    if (!whole(c))
        return;
    struct gp_str reply = {c->in, c->n};
    if (l->times < TIMES_MAX)
        l->ns[l->times++] = (uint32_t)(gp_clock_monotonic_ns() - c->begun_ns);
    l->refused += !gp_str_starts_nocase(reply, GP_STR("action=DUNNO")) && !gp_str_starts_nocase(reply, GP_STR("action=OK"));
    ask(l, c);
}

static void report(struct load *l, uint64_t spent_ns)
{
    static const struct {
        const char *name;
        double of;
    } quantiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}};
    figures_sort(l->ns, l->times);
    printf("{\"requests\": %zu, \"rate\": %.1f, \"refused\": %zu", l->times, (double)l->times * 1e9 / (double)spent_ns,
           l->refused);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf(", \"%s\": %.1f", quantiles[i].name, l->ns[(size_t)((double)l->times * quantiles[i].of)] / 1e3);
    puts("}");
}

static void run(const struct options *o, struct load *l)
{
    struct connection *all = calloc(o->connections, sizeof *all);
    struct epoll_event events[64];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || epoll < 0)
        die("epoll");
    for (uint64_t i = 0; i < o->idle; i++)
        connect_to(o);
    for (uint64_t i = 0; i < o->connections; i++) {
        all[i].fd = connect_to(o);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e) != 0)
            die("epoll_ctl");
    }
    uint64_t begin = gp_clock_monotonic_ns(), end = begin + o->milliseconds * 1000000;
    for (uint64_t i = 0; i < o->connections; i++)
        ask(l, &all[i]);
    while (l->times < o->requests && gp_clock_monotonic_ns() < end) {
        int n = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < n; i++)
            hear(l, events[i].data.ptr);
    }
    if (l->times == 0) {
        fputs("nothing was answered\n", stderr);
        exit(1);
    }
    report(l, gp_clock_monotonic_ns() - begin);
    free(all);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"socket", 1, NULL, 's'},   {"port", 1, NULL, 'p'},
                                          {"connections", 1, NULL, 'c'}, {"milliseconds", 1, NULL, 'm'},
                                          {"requests", 1, NULL, 'r'}, {"clients", 1, NULL, 'n'},
                                          {"idle", 1, NULL, 'i'},     {NULL, 0, NULL, 0}};
    int c;
    bool good = true;
    while (good && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        struct gp_str v = gp_str_z(optarg);
        good = c == 's'   ? (o->socket = optarg) != NULL
               : c == 'p' ? gp_str_u64(v, 65535, &o->port)
               : c == 'c' ? gp_str_u64(v, CONNECTIONS_MAX, &o->connections)
               : c == 'm' ? gp_str_u64(v, 86400000, &o->milliseconds)
               : c == 'r' ? gp_str_u64(v, TIMES_MAX, &o->requests)
               : c == 'n' ? gp_str_u64(v, 1000000, &o->clients)
               : c == 'i' ? gp_str_u64(v, CONNECTIONS_MAX, &o->idle)
                          : false;
    }
    return good && optind == argc && (o->socket != NULL) != (o->port != 0) && o->connections > 0 && o->clients > 0;
}

int main(int argc, char **argv)
{
    struct options o = {.connections = 1, .milliseconds = 1000, .requests = TIMES_MAX, .clients = 1000};
    if (!read_options(argc, argv, &o)) {
        fputs("usage: bench_load_policy --socket PATH | --port PORT [--connections N] [--milliseconds N]\n"
              "           [--requests N] [--clients N] [--idle N]\n",
              stderr);
        return 2;
    }
    struct load l = {.clients = o.clients, .random = 1};
    l.request = calloc(l.clients, sizeof *l.request);
    l.ns = calloc(TIMES_MAX, sizeof *l.ns);
    if (l.request == NULL || l.ns == NULL)
        die("memory");
    for (uint64_t i = 0; i < l.clients; i++)
        request_write(&l.request[i], i);
    run(&o, &l);
    free(l.request);
    free(l.ns);
    return 0;
}
