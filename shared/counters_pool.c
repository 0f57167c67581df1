/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters_pool.c - libmemcached handles: made, lent, thrown away; servers and breakers
 */
#include "shared/counters_pool.h"

#include "shared/ip.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define IDLE_MAX 64

const char *gp_server_parse(const char *name, struct gp_server *out)
{
    struct gp_str host = gp_str_z(name);
    struct gp_ip ip;
    uint64_t port = 0;
    char text[GP_IP_TEXT];
    if (name[0] == '/') {
        if (host.n >= sizeof((struct sockaddr_un *)NULL)->sun_path)
            return "the path of the socket is too long";
        text[0] = '\0';
    } else {
        const char *colon = strrchr(name, ':');
        if (colon == NULL || !gp_str_u64(gp_str_z(colon + 1), 65535, &port) || port == 0)
            return "a server is a path, or an address with a port: \"10.0.0.1:11211\"";
        host.n = (size_t)(colon - name);
        if (gp_str_eq(host, GP_STR("localhost")))
            host = GP_STR("127.0.0.1");
        else if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
            host = (struct gp_str){host.p + 1, host.n - 2};
        else if (gp_str_find(host, ':') != host.n)
            return "an IPv6 address stands in brackets: \"[2001:db8::1]:11211\"";
        if (!gp_ip_parse(host, &ip))
            return "a server is an address, not a host name: \"10.0.0.1:11211\"";
        gp_ip_text(&ip, text);
    }
    out->name = strdup(name);
    out->host = strdup(text[0] == '\0' ? name : text);
    out->port = (in_port_t)port;
    atomic_init(&out->down, false);
    return out->name == NULL || out->host == NULL ? "out of memory" : NULL;
}

memcached_st *gp_memc_new(const struct gp_server *server, size_t n)
{
    static const struct {
        memcached_behavior_t name;
        uint64_t value;
    } settings[] = {
        {MEMCACHED_BEHAVIOR_VERIFY_KEY, 1},
        {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
        {MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA},
        {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, GP_CONNECT_MS},
        {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, GP_POLL_MS},
        {MEMCACHED_BEHAVIOR_SND_TIMEOUT, GP_POLL_MS * 1000},
        {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, GP_POLL_MS * 1000},
    };
    memcached_st *memc = memcached_create(NULL);
    bool good = memc != NULL;
    for (size_t i = 0; good && i < sizeof settings / sizeof settings[0]; i++)
        good = memcached_behavior_set(memc, settings[i].name, settings[i].value) == MEMCACHED_SUCCESS;
    for (size_t i = 0; good && i < n; i++)
        good = (server[i].port == 0 ? memcached_server_add_unix_socket(memc, server[i].host)
                                    : memcached_server_add(memc, server[i].host, server[i].port)) == MEMCACHED_SUCCESS;
    if (!good && memc != NULL) {
        memcached_free(memc);
        memc = NULL;
    }
    return memc;
}

static void handle_free(struct gp_handle *h)
{
    while (h != NULL) {
        struct gp_handle *next = h->next;
        memcached_free(h->memc);
        free(h);
        h = next;
    }
}

struct gp_handle *gp_pool_borrow(struct gp_counters *c, bool fresh)
{
    struct gp_handle *h = NULL;
    uint64_t generation;
    pthread_mutex_lock(&c->lock);
    generation = c->generation;
    if (!fresh && c->idle != NULL) {
        h = c->idle;
        c->idle = h->next;
        c->idle_n--;
    }
    pthread_mutex_unlock(&c->lock);
    if (h == NULL && (h = calloc(1, sizeof *h)) != NULL) {
        h->generation = generation;
        h->memc = gp_memc_new(c->server, c->n);
        if (h->memc == NULL) {
            handle_free(h);
            return NULL;
        }
    }
    if (h != NULL)
        h->next = NULL;
    return h;
}

void gp_pool_return(struct gp_counters *c, struct gp_handle *h, bool sound)
{
    struct gp_handle *gone = h;
    pthread_mutex_lock(&c->lock);
    if (sound && h->generation == c->generation && c->idle_n < IDLE_MAX) {
        h->next = c->idle;
        c->idle = h;
        c->idle_n++;
        gone = NULL;
    } else if (!sound) {
        h->next = c->idle;
        c->idle = NULL;
        c->idle_n = 0;
        c->generation++;
    }
    pthread_mutex_unlock(&c->lock);
    handle_free(gone);
}

struct gp_server *gp_pool_server(struct gp_counters *c, const struct gp_handle *h, const char *group)
{
    return c->n == 1 ? c->server : &c->server[memcached_generate_hash(h->memc, group, strlen(group))];
}

void gp_server_breaker(struct gp_server *s, bool down)
{
    if (atomic_exchange(&s->down, down) == down)
        return;
    if (down)
        gp_log(GP_WARN, "store", "memcached %s does not answer", s->name);
    else
        gp_log(GP_INFO, "store", "memcached %s answers again", s->name);
}
