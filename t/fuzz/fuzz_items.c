/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_items.c - the usage and sessions items, as read from a store that anyone on the relay may have written to
 *
 * The first octet picks the item and whether its checksum is put right, the next eight are the time.
 */
#include "shared/octets.h"
#include "shared/sessions.h"
#include "shared/usage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define USAGE_LENGTH 2008
#define USAGE_LENGTH_1 2000 /* of the version before */

static void expect(bool good)
{
    if (!good)
        abort();
}

static void usage_item(struct gp_str item, uint64_t now_ms)
{
    static const struct gp_limits limits = {.rates = 4,
                                            .rate = {{10, 1}, {100, 600}, {1000, 15000}, {UINT64_MAX, GP_WINDOW_MAX_S}},
                                            .package = {50, GP_PACKAGE_DAY}};
    struct gp_usage u, other;
    char again[GP_USAGE_ITEM_MAX];
    if (!gp_usage_decode(item, &u))
        return;
    size_t n = gp_usage_encode(&u, again);
    expect(item.n == USAGE_LENGTH_1 || (n == item.n && memcmp(again, item.p, item.n) == 0));
    expect(gp_usage_decode((struct gp_str){again, n}, &other) && memcmp(&u, &other, sizeof u) == 0);
    (void)gp_usage_judge(&u, &limits, now_ms, 1);
    other = u;
    gp_usage_mend(&u, now_ms);
    expect(!gp_usage_mend(&u, now_ms));
    gp_usage_merge(&other, &u);
    uint64_t before = gp_usage_window(&u, 600, now_ms);
    gp_usage_charge(&u, now_ms, 3);
    expect(gp_usage_window(&u, 600, now_ms) >= before);
    expect(gp_usage_package(&u, GP_PACKAGE_MONTH, now_ms) >= 3);
    gp_usage_merge(&u, &other);
}

static void sessions_item(struct gp_str item, uint64_t now_ms)
{
    struct gp_sessions s;
    char again[GP_SESSIONS_ITEM_MAX];
    if (!gp_sessions_decode(item, &s))
        return;
    expect(gp_sessions_encode(&s, again) == item.n && memcmp(again, item.p, item.n) == 0);
    expect(gp_sessions_elsewhere(&s, 1, now_ms) <= gp_sessions_open(&s, now_ms));
    if (gp_sessions_set(&s, 1, 1, 7, now_ms))
        expect(gp_sessions_open(&s, now_ms) - gp_sessions_elsewhere(&s, 1, now_ms) == 7);
    expect(gp_sessions_set(&s, 1, 1, 0, now_ms) && s.rows <= GP_SESSIONS_ROWS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char item[4096];
    if (n < 9 || n - 9 > sizeof item)
        return 0;
    /* what wall clocks show, until the year 10889 */
    uint64_t now_ms = gp_octets_get((const char *)data + 1, 8) >> 16;
    size_t length = n - 9;
    memcpy(item, data + 9, length);
    if ((data[0] & 1) == 0 && length < USAGE_LENGTH && length != USAGE_LENGTH_1 && (data[0] & 2) != 0) {
        memset(item + length, 0, USAGE_LENGTH - length);
        length = USAGE_LENGTH;
    }
    if ((data[0] & 2) != 0 && length > 8) {
        const char *usage = length == USAGE_LENGTH_1 ? "GPU1" : "GPU2";
        memcpy(item, (data[0] & 1) == 0 ? usage : "GPS1", 4);
        gp_octets_put(item + length - 8, 8, gp_str_hash((struct gp_str){item, length - 8}));
    }
    if ((data[0] & 1) == 0)
        usage_item((struct gp_str){item, length}, now_ms);
    else
        sessions_item((struct gp_str){item, length}, now_ms);
    return 0;
}
