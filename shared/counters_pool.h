/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters_pool.h - libmemcached handles for counters.c and nobody else: made, lent, thrown away; servers and breakers
 *
 * Any thread may call anything here; a handle belongs to the thread that borrowed it.
 */
#ifndef GP_SHARED_COUNTERS_POOL_H
#define GP_SHARED_COUNTERS_POOL_H

#include "shared/counters.h"

#include <libmemcached-1.0/memcached.h>
#include <pthread.h>
#include <stdatomic.h>

/* One server waits at most GP_CONNECT_MS to connect and GP_POLL_MS for an answer; a second attempt begins only within
 * the first GP_AGAIN_MS of a call. Together they stay within the 200 ms of counters.h.
 */
#define GP_CONNECT_MS 40
#define GP_POLL_MS 140
#define GP_AGAIN_MS 20

struct gp_server {
    char *name;            /* as configured */
    char *host;            /* path of the socket, or numeric address */
    in_port_t port;        /* 0: UNIX socket */
    atomic_bool down;      /* the breaker: open */
    _Atomic uint64_t mark; /* hash of the mark it bore at the last probe; 0: never probed */
};

struct gp_handle {
    memcached_st *memc;
    uint64_t generation;
    struct gp_handle *next;
};

struct gp_counters {
    size_t n;
    struct gp_server *server;
    _Atomic uint64_t breaks; /* see gp_counters_breaks */
    pthread_mutex_t lock;    /* over what follows */
    struct gp_handle *idle;
    size_t idle_n;
    uint64_t generation; /* handles of an earlier one are thrown away when they come back */
};

/* gp_server_parse - fill *out from a server's configured name; NULL, or a static text that says what is wrong */
const char *gp_server_parse(const char *name, struct gp_server *out);

/* gp_memc_new - a handle over n servers, freed by memcached_free; NULL without memory */
memcached_st *gp_memc_new(const struct gp_server *server, size_t n);

/* gp_pool_borrow - a handle; fresh: a new one, not one that may hold a dead connection. NULL without memory. */
struct gp_handle *gp_pool_borrow(struct gp_counters *c, bool fresh);

/* gp_pool_return - give it back; after a failure (sound = false) it goes, and with it everything that is idle */
void gp_pool_return(struct gp_counters *c, struct gp_handle *h, bool sound);

/* gp_pool_server - which server holds the group */
struct gp_server *gp_pool_server(struct gp_counters *c, const struct gp_handle *h, const char *group);

/* gp_server_breaker - open or close its breaker; a change is logged */
void gp_server_breaker(struct gp_server *s, bool down);

#endif
