/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counters_wants.c - which items want which key
 */
#include "shared/counters_wants.h"

#include <stdlib.h>
#include <string.h>

bool gp_wants_init(struct gp_wants *w, size_t n)
{
    *w = (struct gp_wants){.slots = 4};
    while (w->slots < 2 * n)
        w->slots *= 2;
    w->key = calloc(n + 1, sizeof *w->key);
    w->length = calloc(n + 1, sizeof *w->length);
    w->item = calloc(n + 1, sizeof(struct gp_item *));
    w->slot = calloc(w->slots, sizeof *w->slot);
    return w->key != NULL && w->length != NULL && w->item != NULL && w->slot != NULL;
}

void gp_wants_free(struct gp_wants *w)
{
    free(w->key);
    free(w->length);
    free(w->item);
    free(w->slot);
}

void gp_wants_clear(struct gp_wants *w)
{
    w->keys = 0;
    memset(w->slot, 0, w->slots * sizeof *w->slot);
}

/* Where the key stands, or the free place where it would. At most half of all places are taken. */
static uint32_t *place(const struct gp_wants *w, struct gp_str key)
{
    uint32_t at = (uint32_t)gp_str_hash(key) & (w->slots - 1);
    while (w->slot[at] != 0) {
        size_t i = w->slot[at] - 1;
        if (gp_str_eq((struct gp_str){w->key[i], w->length[i]}, key))
            break;
        at = (at + 1) & (w->slots - 1);
    }
    return &w->slot[at];
}

void gp_wants_add(struct gp_wants *w, struct gp_item *item)
{
    struct gp_str key = gp_str_z(item->key);
    uint32_t *at = place(w, key);
    if (*at != 0) {
        item->same = w->item[*at - 1];
        w->item[*at - 1] = item;
        return;
    }
    item->same = NULL;
    w->key[w->keys] = key.p;
    w->length[w->keys] = key.n;
    w->item[w->keys] = item;
    *at = (uint32_t)++w->keys;
}

struct gp_item *gp_wants_of(const struct gp_wants *w, struct gp_str key)
{
    uint32_t at = *place(w, key);
    return at != 0 ? w->item[at - 1] : NULL;
}
