/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression.c - when an address gets no more mail, and when it is tried again
 */
#include "shared/suppression.h"

#include "shared/clock.h"
#include "shared/usage.h"

const struct gp_suppression_rules gp_suppression_defaults = {
    .hard_count = 1,
    .hard_steps = 4,
    .hard_days = {7, 14, 28, 56},
    .soft_steps = 3,
    .soft_days = {14, 28, 56},
    .soft_count = 5,
    .soft_span = 14,
    .full_span = 30,
    .window = 60,
};

static const char *const reason_names[GP_SUPPRESSION_REASONS] = {
    [GP_SUPPRESSED_HARD] = "hard-bounce",    [GP_SUPPRESSED_SOFT] = "soft-bounce",
    [GP_SUPPRESSED_COMPLAINT] = "complaint", [GP_SUPPRESSED_UNSUBSCRIBE] = "unsubscribe",
    [GP_SUPPRESSED_MANUAL] = "manual",
};

const char *gp_suppression_reason_name(enum gp_suppression_reason r)
{
    return r < GP_SUPPRESSION_REASONS ? reason_names[r] : "manual";
}

bool gp_suppression_reason_parse(struct gp_str name, enum gp_suppression_reason *out)
{
    for (size_t i = 0; i < GP_SUPPRESSION_REASONS; i++) {
        if (gp_str_eq(name, gp_str_z(reason_names[i]))) {
            *out = (enum gp_suppression_reason)i;
            return true;
        }
    }
    return false;
}

bool gp_suppression_of(enum gp_category event, enum gp_suppression_reason *reason)
{
    switch (event) {
    case GP_CATEGORY_HARD:
        *reason = GP_SUPPRESSED_HARD;
        return true;
    case GP_CATEGORY_SOFT:
    case GP_CATEGORY_MAILBOX_FULL:
    case GP_CATEGORY_UNKNOWN:
        *reason = GP_SUPPRESSED_SOFT;
        return true;
    case GP_CATEGORY_COMPLAINT:
        *reason = GP_SUPPRESSED_COMPLAINT;
        return true;
    case GP_CATEGORY_UNSUBSCRIBE:
        *reason = GP_SUPPRESSED_UNSUBSCRIBE;
        return true;
    default:
        return false;
    }
}

bool gp_suppression_due(const struct gp_suppression *s, uint64_t now_ms)
{
    return s->retest_ms != 0 && now_ms >= s->retest_ms;
}

bool gp_suppression_ended(const struct gp_suppression *s, uint64_t now_ms)
{
    return s->until_ms != 0 && now_ms >= s->until_ms;
}

/* What the failures of the window add up to. A day counts once, by its weightiest event, in half days. */
struct score {
    unsigned halves;
    uint32_t first, last; /* days */
};

static void count_day(struct score *s, uint32_t day, unsigned halves)
{
    s->first = s->halves == 0 || day < s->first ? day : s->first;
    s->last = s->halves == 0 || day > s->last ? day : s->last;
    s->halves += halves;
}

/* A category's weight in half days. */
typedef unsigned weight_fn(enum gp_category c);

static unsigned weigh_hard(enum gp_category c)
{
    return c == GP_CATEGORY_HARD ? 2 : 0;
}

static unsigned weigh_soft(enum gp_category c)
{
    return c == GP_CATEGORY_SOFT ? 2 : c == GP_CATEGORY_UNKNOWN ? 1 : 0;
}

static unsigned weigh_full(enum gp_category c)
{
    return c == GP_CATEGORY_MAILBOX_FULL ? 2 : weigh_soft(c);
}

/* failures are few (one of a day and category, within the window): looking at each pair is cheap */
static struct score score_of(const struct gp_failure *failures, size_t n, uint32_t from, uint32_t today,
                             weight_fn *weight)
{
    struct score s = {0};
    for (size_t i = 0; i < n; i++) {
        unsigned best = weight(failures[i].category);
        if (best == 0 || failures[i].day < from || failures[i].day > today)
            continue;
        for (size_t k = 0; k < n && best > 0; k++) {
            unsigned other = failures[k].day == failures[i].day ? weight(failures[k].category) : 0;
            if (other > best || (other == best && k < i))
                best = 0; /* that one stands for the day */
        }
        if (best > 0)
            count_day(&s, failures[i].day, best);
    }
    return s;
}

static uint64_t after_days(uint64_t now_ms, unsigned days)
{
    return now_ms + days * GP_DAY_MS;
}

static enum gp_suppression_change set(struct gp_suppression *next, enum gp_suppression_reason reason, unsigned step,
                                      uint64_t since_ms, uint64_t retest_ms)
{
    *next = (struct gp_suppression){.reason = reason, .step = step, .since_ms = since_ms, .retest_ms = retest_ms};
    return GP_SUPPRESSION_SET;
}

static enum gp_suppression_change set_hard(const struct gp_suppression_rules *rules, unsigned step, uint64_t since_ms,
                                           uint64_t now_ms, struct gp_suppression *next)
{
    uint64_t retest_ms = step < rules->hard_steps ? after_days(now_ms, rules->hard_days[step]) : 0;
    return set(next, GP_SUPPRESSED_HARD, step, since_ms, retest_ms);
}

static enum gp_suppression_change set_soft(const struct gp_suppression_rules *rules, unsigned step, uint64_t since_ms,
                                           uint64_t now_ms, struct gp_suppression *next)
{
    size_t last = rules->soft_steps - 1;
    return set(next, GP_SUPPRESSED_SOFT, step, since_ms,
               after_days(now_ms, rules->soft_days[step < last ? step : last]));
}

static enum gp_suppression_change judge_row(const struct gp_suppression_rules *rules, const struct gp_suppression *now,
                                            bool hard, uint64_t now_ms, struct gp_suppression *next)
{
    if (!gp_suppression_due(now, now_ms))
        return GP_SUPPRESSION_KEEP;
    if (now->reason == GP_SUPPRESSED_SOFT)
        return set_soft(rules, now->step + 1, now->since_ms, now_ms, next);
    if (hard)
        return set_hard(rules, now->step + 1, now->since_ms, now_ms, next);
    return set_hard(rules, now->step, now->since_ms, now_ms, next);
}

static enum gp_suppression_change judge_ladder(const struct gp_suppression_rules *rules,
                                               const struct gp_suppression *now, bool hard,
                                               const struct gp_failure *failures, size_t n, uint64_t now_ms,
                                               struct gp_suppression *next)
{
    uint32_t today = gp_usage_day(now_ms), from = today >= rules->window ? today - rules->window + 1 : 0;
    if (now != NULL && now->reason == GP_SUPPRESSED_HARD)
        return judge_row(rules, now, hard, now_ms, next);
    if (hard && score_of(failures, n, from, today, weigh_hard).halves >= 2 * rules->hard_count)
        return set_hard(rules, 0, now != NULL ? now->since_ms : now_ms, now_ms, next);
    if (now != NULL)
        return judge_row(rules, now, hard, now_ms, next);
    const struct score soft = score_of(failures, n, from, today, weigh_soft);
    const struct score full = score_of(failures, n, from, today, weigh_full);
    if ((soft.halves >= 2 * rules->soft_count && soft.last - soft.first >= rules->soft_span) ||
        (full.halves >= 2 * rules->soft_count && full.last - full.first >= rules->full_span))
        return set_soft(rules, 0, now_ms, now_ms, next);
    return GP_SUPPRESSION_KEEP;
}

enum gp_suppression_change gp_suppression_judge(const struct gp_suppression_rules *rules,
                                                const struct gp_suppression *now, enum gp_category event,
                                                const struct gp_failure *failures, size_t n, uint64_t now_ms,
                                                struct gp_suppression *next)
{
    enum gp_suppression_reason reason;
    if (event == GP_CATEGORY_DELIVERED)
        return now != NULL && now->reason <= GP_SUPPRESSED_SOFT && now_ms >= now->since_ms ? GP_SUPPRESSION_CLEAR
                                                                                          : GP_SUPPRESSION_KEEP;
    if (!gp_suppression_of(event, &reason))
        return GP_SUPPRESSION_KEEP;
    if (reason <= GP_SUPPRESSED_SOFT)
        return judge_ladder(rules, now, reason == GP_SUPPRESSED_HARD, failures, n, now_ms, next);
    return now != NULL ? GP_SUPPRESSION_KEEP : set(next, reason, 0, now_ms, 0);
}

bool gp_suppression_holds(struct gp_str scope, struct gp_str stream)
{
    if (stream.n == 0 || gp_str_eq(scope, GP_STR(GP_SCOPE_ALL)))
        return true;
    if (gp_str_eq(scope, GP_STR(GP_SCOPE_BULK)))
        return !gp_str_eq(stream, GP_STR(GP_STREAM_TRANSACTIONAL));
    return gp_str_eq(scope, stream);
}

bool gp_stream_valid(struct gp_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return name.n > 0 && name.n <= GP_STREAM_MAX;
}
