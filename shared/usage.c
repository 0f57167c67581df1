/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage.c - what an agency has used: rings of buckets and three durable counters
 *
 * The bucket with absolute number k stands in slot k modulo slots. Buckets between two charges are empty, so moving a
 * ring forward clears what it steps over.
 */
#include "shared/usage.h"

#include "shared/clock.h"

#include <string.h>

static const struct {
    uint32_t ms, slots;
} shape[GP_USAGE_RINGS] = {{1000, 128}, {10000, 128}, {120000, 128}, {1800000, 97}};

void gp_usage_init(struct gp_usage *u, uint64_t birth)
{
    memset(u, 0, sizeof *u);
    u->birth = birth;
}

uint32_t gp_usage_day(uint64_t now_ms)
{
    return (uint32_t)(now_ms / GP_DAY_MS);
}

/* Days of an era of 400 years, counted from 1 March 0000, as in Hinnant's civil_from_days. */
uint32_t gp_usage_month(uint64_t now_ms)
{
    uint64_t day = now_ms / GP_DAY_MS + 719468;
    uint64_t era = day / 146097, of_era = day % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t since_march = (5 * of_year + 2) / 153;
    return (uint32_t)((era * 400 + year) * 12 + since_march + 2 - 1970 * 12);
}

static void add_u32(uint32_t *to, uint32_t n)
{
    *to = n > UINT32_MAX - *to ? UINT32_MAX : *to + n;
}

static void add_u64(uint64_t *to, uint64_t n)
{
    *to = n > UINT64_MAX - *to ? UINT64_MAX : *to + n;
}

static void ring_advance(struct gp_usage_ring *r, size_t i, uint64_t to)
{
    if (to <= r->newest)
        return;
    if (to - r->newest >= shape[i].slots) {
        memset(r->slot, 0, sizeof r->slot);
    } else {
        for (uint64_t k = r->newest + 1; k <= to; k++)
            r->slot[k % shape[i].slots] = 0;
    }
    r->newest = to;
}

static bool ring_mend(struct gp_usage_ring *r, size_t i, uint64_t now_ms)
{
    if (r->newest <= (now_ms + GP_USAGE_SKEW_MS) / shape[i].ms)
        return false;
    struct gp_usage_ring back = {.newest = now_ms / shape[i].ms};
    for (uint64_t k = 0; k < shape[i].slots && k <= back.newest; k++)
        back.slot[(back.newest - k) % shape[i].slots] = r->slot[(r->newest - k) % shape[i].slots];
    *r = back;
    return true;
}

bool gp_usage_mend(struct gp_usage *u, uint64_t now_ms)
{
    bool moved = false;
    for (size_t i = 0; i < GP_USAGE_RINGS; i++)
        moved = ring_mend(&u->ring[i], i, now_ms) || moved;
    if (u->counts.day > gp_usage_day(now_ms + GP_USAGE_SKEW_MS)) {
        u->counts.day = gp_usage_day(now_ms);
        moved = true;
    }
    if (u->counts.month > gp_usage_month(now_ms + GP_USAGE_SKEW_MS)) {
        u->counts.month = gp_usage_month(now_ms);
        moved = true;
    }
    return moved;
}

static void calendar_charge(uint32_t *period, uint64_t *count, uint32_t current, uint32_t recipients)
{
    if (*period < current) {
        *period = current;
        *count = 0;
    }
    add_u64(count, recipients);
}

void gp_usage_charge(struct gp_usage *u, uint64_t now_ms, uint32_t recipients)
{
    gp_usage_mend(u, now_ms);
    for (size_t i = 0; i < GP_USAGE_RINGS; i++) {
        struct gp_usage_ring *r = &u->ring[i];
        ring_advance(r, i, now_ms / shape[i].ms);
        add_u32(&r->slot[r->newest % shape[i].slots], recipients);
    }
    calendar_charge(&u->counts.day, &u->counts.day_count, gp_usage_day(now_ms), recipients);
    calendar_charge(&u->counts.month, &u->counts.month_count, gp_usage_month(now_ms), recipients);
    add_u64(&u->counts.total, recipients);
}

static uint64_t ring_window(const struct gp_usage_ring *r, size_t i, uint64_t window_ms, uint64_t now_ms)
{
    uint64_t slots = shape[i].slots, sum = 0;
    uint64_t last = (now_ms + GP_USAGE_SKEW_MS) / shape[i].ms;
    uint64_t first = now_ms > window_ms ? (now_ms - window_ms) / shape[i].ms : 0;
    if (last > r->newest)
        last = r->newest;
    if (r->newest >= slots && first <= r->newest - slots)
        first = r->newest - slots + 1;
    for (uint64_t k = first, slot = first % slots; k <= last; k++, slot = slot + 1 < slots ? slot + 1 : 0)
        sum += r->slot[slot];
    return sum;
}

uint64_t gp_usage_window(const struct gp_usage *u, uint32_t seconds, uint64_t now_ms)
{
    uint64_t window_ms = (uint64_t)seconds * 1000;
    size_t i = 0;
    while (i < GP_USAGE_RINGS - 1 && (window_ms + shape[i].ms - 1) / shape[i].ms + 1 > shape[i].slots)
        i++;
    return ring_window(&u->ring[i], i, window_ms, now_ms);
}

static uint64_t calendar_count(uint32_t period, uint64_t count, uint32_t current, uint32_t soon)
{
    return period >= current && period <= soon ? count : 0;
}

uint64_t gp_counts_package(const struct gp_counts *c, enum gp_package_period period, uint64_t now_ms)
{
    uint64_t soon = now_ms + GP_USAGE_SKEW_MS;
    switch (period) {
    case GP_PACKAGE_NONE:
        break;
    case GP_PACKAGE_DAY:
        return calendar_count(c->day, c->day_count, gp_usage_day(now_ms), gp_usage_day(soon));
    case GP_PACKAGE_MONTH:
        return calendar_count(c->month, c->month_count, gp_usage_month(now_ms), gp_usage_month(soon));
    case GP_PACKAGE_TOTAL:
        return c->total;
    }
    return 0;
}

uint64_t gp_usage_package(const struct gp_usage *u, enum gp_package_period period, uint64_t now_ms)
{
    return gp_counts_package(&u->counts, period, now_ms);
}

static bool fits(uint64_t used, uint64_t limit, uint32_t recipients)
{
    return used <= limit && recipients <= limit - used;
}

enum gp_reason gp_usage_judge(const struct gp_usage *u, const struct gp_limits *limits, uint64_t now_ms,
                              uint32_t recipients)
{
    const struct gp_package *p = &limits->package;
    if (p->period != GP_PACKAGE_NONE && !fits(gp_usage_package(u, p->period, now_ms), p->count, recipients))
        return GP_PACKAGE;
    for (size_t i = 0; i < limits->rates; i++)
        if (!fits(gp_usage_window(u, limits->rate[i].seconds, now_ms), limits->rate[i].count, recipients))
            return GP_RATE;
    return GP_ACCEPTED;
}

unsigned gp_usage_warning(uint64_t before, uint64_t after, uint64_t package)
{
    static const unsigned steps[] = {100, 90, 80};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        /* package * step / 100 rounded up, without overflow */
        uint64_t line = package / 100 * steps[i] + (package % 100 * steps[i] + 99) / 100;
        if (before < line && line <= after)
            return steps[i];
    }
    return 0;
}

static void ring_merge(struct gp_usage_ring *r, const struct gp_usage_ring *seen, size_t i)
{
    ring_advance(r, i, seen->newest);
    for (uint64_t k = 0; k < shape[i].slots && k <= seen->newest; k++) {
        uint64_t bucket = seen->newest - k;
        if (r->newest - bucket >= shape[i].slots)
            break;
        uint32_t *mine = &r->slot[bucket % shape[i].slots], theirs = seen->slot[bucket % shape[i].slots];
        if (theirs > *mine)
            *mine = theirs;
    }
}

static void calendar_merge(uint32_t *period, uint64_t *count, uint32_t seen_period, uint64_t seen_count)
{
    if (seen_period > *period || (seen_period == *period && seen_count > *count)) {
        *period = seen_period;
        *count = seen_count;
    }
}

void gp_usage_merge(struct gp_usage *u, const struct gp_usage *seen)
{
    for (size_t i = 0; i < GP_USAGE_RINGS; i++)
        ring_merge(&u->ring[i], &seen->ring[i], i);
    calendar_merge(&u->counts.day, &u->counts.day_count, seen->counts.day, seen->counts.day_count);
    calendar_merge(&u->counts.month, &u->counts.month_count, seen->counts.month, seen->counts.month_count);
    if (seen->counts.total > u->counts.total)
        u->counts.total = seen->counts.total;
}
