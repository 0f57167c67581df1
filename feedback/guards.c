/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * guards.c - shares that must not grow: addresses that do not exist, complaints
 */
#include "feedback/guards.h"

#include "feedback/notices.h"
#include "shared/clock.h"
#include "shared/statistics.h"

bool gp_guard_invalid(uint64_t hard, uint64_t results)
{
    return results >= GP_GUARD_INVALID_LEAST && hard * 100 > results * GP_GUARD_INVALID_PERCENT;
}

enum gp_guard_level gp_guard_complaints(uint64_t complaints, uint64_t delivered)
{
    if (delivered < GP_GUARD_DELIVERED_LEAST || complaints * 1000 < delivered)
        return GP_GUARD_QUIET;
    return complaints * 1000 < delivered * 3 ? GP_GUARD_WARNS : GP_GUARD_ALARMS;
}

/* What the statistics of a day say of an agency, of one of its providers or of all. */
struct tally {
    uint64_t hard, bounced, delivered, complaints;
};

struct rates {
    struct gp_store *s;
    uint64_t now_ms;
    char agency[33], provider[256]; /* of the sums below */
    struct tally at_provider, in_all;
    bool failed;
};

static void sum_up(struct tally *t, struct gp_str what, uint64_t count)
{
    if (gp_str_eq(what, GP_STR(GP_STAT_DELIVERED)))
        t->delivered += count;
    else if (gp_str_eq(what, GP_STR(GP_STAT_COMPLAINTS)))
        t->complaints += count;
    else if (gp_str_starts_nocase(what, GP_STR(GP_STAT_BOUNCED)))
        t->bounced += count;
    if (gp_str_eq(what, GP_STR("bounced-hard-bounce")))
        t->hard += count;
}

static bool tell_complaints(const struct rates *r, struct gp_str provider, const struct tally *t)
{
    enum gp_guard_level level = gp_guard_complaints(t->complaints, t->delivered);
    return level == GP_GUARD_QUIET || gp_notice_complaints(r->s, gp_str_z(r->agency), provider, t->complaints,
                                                           t->delivered, level == GP_GUARD_ALARMS, r->now_ms);
}

static bool end_provider(struct rates *r)
{
    bool good = r->provider[0] == '\0' || tell_complaints(r, gp_str_z(r->provider), &r->at_provider);
    r->at_provider = (struct tally){0};
    r->provider[0] = '\0';
    return good;
}

static bool end_agency(struct rates *r)
{
    const struct tally *t = &r->in_all;
    const struct gp_str agency = gp_str_z(r->agency);
    uint64_t results = t->delivered + t->bounced;
    bool good = end_provider(r);
    if (good && agency.n > 0)
        good = tell_complaints(r, (struct gp_str){NULL, 0}, t) &&
               (!gp_guard_invalid(t->hard, results) || gp_notice_invalid(r->s, agency, t->hard, results, r->now_ms));
    r->in_all = (struct tally){0};
    r->agency[0] = '\0';
    return good;
}

/* Rows come by agency, then provider. */
static bool sum_row(void *arg, const struct gp_stat_row *row)
{
    struct rates *r = arg;
    if (!gp_str_eq(row->agency, gp_str_z(r->agency)))
        r->failed |= !end_agency(r);
    if (!gp_str_eq(row->provider, gp_str_z(r->provider)))
        r->failed |= !end_provider(r);
    struct gp_buf agency = gp_buf_on(r->agency, sizeof r->agency),
                  provider = gp_buf_on(r->provider, sizeof r->provider);
    gp_buf_put(&agency, row->agency);
    gp_buf_put(&provider, row->provider);
    sum_up(&r->at_provider, row->what, row->count);
    sum_up(&r->in_all, row->what, row->count);
    return !r->failed;
}

bool gp_guard_rates(struct gp_store *s, uint64_t now_ms)
{
    struct rates r = {.s = s, .now_ms = now_ms};
    const struct gp_stat_query q = {.from_ms = now_ms > GP_DAY_MS ? now_ms - GP_DAY_MS : 0,
                                    .until_ms = now_ms + 1000,
                                    .by_agency = true,
                                    .by_provider = true};
    return gp_stat_read(s, &q, sum_row, &r) && !r.failed && end_agency(&r);
}
