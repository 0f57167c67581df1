/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage_item.c - the usage item as octets; gatepost-keys(5)
 *
 * "GPU2", birth (8 octets), day and month (4 each), their counts (8 each), the total (8), then each ring: its newest
 * bucket's number (8) and its slots (4 each), last FNV-1a of all before it (8). "GPU1" is the same without the total.
 * One length each, so nothing has to be measured or searched.
 */
#include "shared/usage.h"

#include "shared/octets.h"

#include <string.h>

static const size_t slots[GP_USAGE_RINGS] = {128, 128, 128, 97};

#define HEAD 44
#define HEAD_1 36
#define RINGS (GP_USAGE_RINGS * 8 + (128 + 128 + 128 + 97) * 4)
#define TAIL 8
#define LENGTH (HEAD + RINGS + TAIL)
#define LENGTH_1 (HEAD_1 + RINGS + TAIL)

_Static_assert(LENGTH <= GP_USAGE_ITEM_MAX, "the usage item has outgrown its bound");

size_t gp_usage_encode(const struct gp_usage *u, char out[GP_USAGE_ITEM_MAX])
{
    char *at = out + HEAD;
    memcpy(out, "GPU2", 4);
    gp_octets_put(out + 4, 8, u->birth);
    gp_octets_put(out + 12, 4, u->counts.day);
    gp_octets_put(out + 16, 4, u->counts.month);
    gp_octets_put(out + 20, 8, u->counts.day_count);
    gp_octets_put(out + 28, 8, u->counts.month_count);
    gp_octets_put(out + 36, 8, u->counts.total);
    for (size_t i = 0; i < GP_USAGE_RINGS; i++) {
        gp_octets_put(at, 8, u->ring[i].newest);
        at += 8;
        for (size_t k = 0; k < slots[i]; k++, at += 4)
            gp_octets_put(at, 4, u->ring[i].slot[k]);
    }
    gp_octets_put(at, TAIL, gp_str_hash((struct gp_str){out, LENGTH - TAIL}));
    return LENGTH;
}

static bool begins(struct gp_str item, const char *mark, size_t length)
{
    return item.n == length && memcmp(item.p, mark, 4) == 0;
}

bool gp_usage_decode(struct gp_str item, struct gp_usage *out)
{
    bool first = begins(item, "GPU1", LENGTH_1);
    if (!first && !begins(item, "GPU2", LENGTH))
        return false;
    if (gp_octets_get(item.p + item.n - TAIL, TAIL) != gp_str_hash((struct gp_str){item.p, item.n - TAIL}))
        return false;
    const char *at = item.p + (first ? HEAD_1 : HEAD);
    gp_usage_init(out, gp_octets_get(item.p + 4, 8));
    out->counts = (struct gp_counts){.day = (uint32_t)gp_octets_get(item.p + 12, 4),
                                     .month = (uint32_t)gp_octets_get(item.p + 16, 4),
                                     .day_count = gp_octets_get(item.p + 20, 8),
                                     .month_count = gp_octets_get(item.p + 28, 8),
                                     .total = first ? 0 : gp_octets_get(item.p + 36, 8)};
    for (size_t i = 0; i < GP_USAGE_RINGS; i++) {
        out->ring[i].newest = gp_octets_get(at, 8);
        at += 8;
        for (size_t k = 0; k < slots[i]; k++, at += 4)
            out->ring[i].slot[k] = (uint32_t)gp_octets_get(at, 4);
    }
    return true;
}
