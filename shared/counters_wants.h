/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters_wants.h - which items want which key: for counters.c and nobody else (pure; one thread at a time)
 *
 * A key that many items want is asked for once: the requests of a batch are often of the same few agencies.
 */
#ifndef GP_SHARED_COUNTERS_WANTS_H
#define GP_SHARED_COUNTERS_WANTS_H

#include "shared/counters.h"

struct gp_wants {
    size_t keys;            /* different ones */
    const char **key;       /* key[i] is item[i]->key, length[i] its octets: as libmemcached takes them */
    size_t *length;
    struct gp_item **item;  /* the newest that wants key i; the others follow by item->same */
    uint32_t *slot, slots;  /* private: a hash table of numbers of keys plus 1; 0: free */
};

/* gp_wants_init - room for n items; false without memory. gp_wants_free in either case. */
bool gp_wants_init(struct gp_wants *w, size_t n);
void gp_wants_free(struct gp_wants *w);
void gp_wants_clear(struct gp_wants *w);

/* gp_wants_add - its key is one that may be sent (and so ends with a NUL); sets item->same */
void gp_wants_add(struct gp_wants *w, struct gp_item *item);

/* gp_wants_of - the newest item that wants this key; NULL when none does */
struct gp_item *gp_wants_of(const struct gp_wants *w, struct gp_str key);

#endif
