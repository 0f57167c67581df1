/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters.h - memcached as a store of small items
 *
 * Threads: one struct gp_counters serves any number of threads; each call borrows a libmemcached handle of its own from
 * a free list and returns it. A call takes at most 200 ms; after a failure the server's circuit breaker answers "unknown"
 * at once until gp_counters_probe, called each second by a housekeeping thread, finds it back. So clients never wait
 * twice, and agencies on other servers not at all. Unknown is a value of its own: a write that timed out may have
 * happened. A key or group that memcached could not take is unknown and never sent.
 */
#ifndef GP_SHARED_COUNTERS_H
#define GP_SHARED_COUNTERS_H

#include "shared/keys.h"
#include "shared/str.h"

#define GP_ITEM_MAX 2048 /* octets of a value; a longer one (nothing of ours is) reads as found and empty */

struct gp_counters;

enum gp_fetch {
    GP_UNKNOWN, /* the store did not answer */
    GP_ABSENT,  /* it answered: no such item */
    GP_FOUND
};

/* One item wanted. The caller sets key; the rest is set by the call. */
struct gp_item {
    char key[GP_KEY_MAX];
    enum gp_fetch state;
    uint64_t cas; /* for gp_counters_swap */
    size_t n;
    struct gp_item *same; /* private: another one of the same key */
    char value[GP_ITEM_MAX];
};

/* Items of one group (see keys.h) wanted together. */
struct gp_look {
    const char *group;
    struct gp_item *items;
    size_t n;
};

enum gp_put {
    GP_PUT_DONE,
    GP_PUT_LOST,   /* another writer was faster, or the item is gone (swap) or there (add) */
    GP_PUT_UNKNOWN /* may or may not have happened */
};

/* gp_counters_new - a pool over servers, n >= 1; connects lazily
 * A server is "/run/x.sock", "192.0.2.1:11211", "[2001:db8::1]:11211" or "localhost:11211". Other host names are refused:
 * looking them up could take longer than a call may.
 * Returns NULL with a static text in *why when a server cannot be used. The strings are copied.
 */
struct gp_counters *gp_counters_new(const char *const *servers, size_t n, const char **why);
void gp_counters_free(struct gp_counters *c); /* NULL is fine; no call may be running */

/* gp_counters_get - fetch items; one round trip for each server that holds any of the groups
 * Sets state, cas and value of every item; the same key may be wanted more than once, and is asked for once. Never fails otherwise: what did
 * not answer is GP_UNKNOWN.
 */
void gp_counters_get(struct gp_counters *c, struct gp_look *looks, size_t n);

/* gp_counters_swap - replace the item if it is still the one with this cas */
enum gp_put gp_counters_swap(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                             uint64_t cas, uint32_t ttl_s);

/* gp_counters_add - make the item if there is none; ttl_s 0 = no expiry, at most 30 days */
enum gp_put gp_counters_add(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                            uint32_t ttl_s);

/* gp_counters_set, gp_counters_delete - for operators' keys; deleting what is not there is GP_PUT_LOST */
enum gp_put gp_counters_set(struct gp_counters *c, const char *group, const char *key, struct gp_str value,
                            uint32_t ttl_s);
enum gp_put gp_counters_delete(struct gp_counters *c, const char *group, const char *key);

/* gp_counters_up - did every server answer when it was last asked? */
bool gp_counters_up(const struct gp_counters *c);

/* gp_counters_probe - ask every server for the mark it bears; closes or opens its breaker. Returns gp_counters_up.
 * A mark that is gone shows that the server lost its items, also when no call was in the way.
 */
bool gp_counters_probe(struct gp_counters *c);

/* gp_counters_breaks - how often a connection failed or a mark was gone: when it grows, a server may have lost items */
uint64_t gp_counters_breaks(const struct gp_counters *c);

/* gp_counters_server - name of the server that holds a group, as configured; owned by c */
const char *gp_counters_server(struct gp_counters *c, const char *group);

#endif
