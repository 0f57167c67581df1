/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_charge.c - judging and charging recipients: one item per allowance, changed by compare-and-swap
 */
#include "shared/ledger.h"

#include "shared/clock.h"
#include "shared/ledger_account.h"

#include <sys/random.h>

#define TTL_S 0 /* usage never expires: memcached counts no more than 30 days, a month's package is longer */

static uint64_t new_birth(uint64_t now_ms)
{
    uint64_t birth;
    if (getrandom(&birth, sizeof birth, GRND_NONBLOCK) != (ssize_t)sizeof birth)
        birth = now_ms;
    return birth != 0 ? birth : 1;
}

bool do_usage_learn(struct gp_account *a, const struct gp_item *item, uint64_t breaks, uint64_t now_ms)
{
    struct gp_usage found;
    if (item->state != GP_FOUND || !gp_usage_decode((struct gp_str){item->value, item->n}, &found))
        return false;
    gp_usage_mend(&a->usage, now_ms);
    bool mended = gp_usage_mend(&found, now_ms);
    if (found.birth != a->usage.birth || a->usage_due) {
        gp_usage_merge(&found, &a->usage);
        mended = true;
    }
    a->usage = found;
    a->usage_due = mended;
    a->read = (struct gp_usage_read){true, item->cas, breaks};
    return true;
}

/* Reads the item into a->usage. */
static enum gp_fetch do_read(struct gp_ledger *l, struct gp_account *a, struct gp_item *item, uint64_t now_ms)
{
    struct gp_buf key = gp_buf_on(item->key, sizeof item->key);
    gp_buf_putz(&key, a->usage_key);
    uint64_t breaks = gp_counters_breaks(l->counters);
    do_fetch(l, a, item, 1);
    if (item->state == GP_UNKNOWN || do_usage_learn(a, item, breaks, now_ms))
        return item->state;
    if (item->state == GP_FOUND)
        do_complain(a, a->usage_key);
    gp_usage_mend(&a->usage, now_ms);
    a->usage.birth = new_birth(now_ms);
    a->usage_due = true;
    return item->state;
}

/* What MAIL read, as do_read would leave it; once. */
static bool do_take_read(struct gp_ledger *l, struct gp_account *a, struct gp_item *item)
{
    bool fresh = a->read.fresh && a->read.breaks == gp_counters_breaks(l->counters);
    struct gp_buf key = gp_buf_on(item->key, sizeof item->key);
    gp_buf_putz(&key, a->usage_key);
    item->state = GP_FOUND;
    item->cas = a->read.cas;
    a->read.fresh = false;
    return fresh;
}

static enum gp_put do_write(struct gp_ledger *l, struct gp_account *a, const struct gp_item *was,
                            const struct gp_usage *next)
{
    char item[GP_USAGE_ITEM_MAX];
    enum gp_put put = do_put(l, a, was, (struct gp_str){item, gp_usage_encode(next, item)}, TTL_S);
    a->read.fresh = false;
    atomic_fetch_add(&a->usage_writes, 1);
    if (put == GP_PUT_DONE) {
        a->usage = *next;
        a->usage_due = false;
    }
    return put;
}

void do_write_usage(struct gp_ledger *l, struct gp_account *a, uint64_t now_ms)
{
    uint64_t begin_ms = gp_clock_monotonic_ms();
    struct gp_item item;
    enum gp_put put = GP_PUT_LOST;
    for (int i = 0; i < GP_LEDGER_ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > GP_LEDGER_ROUNDS_MS)
            break;
        if (do_read(l, a, &item, now_ms) == GP_UNKNOWN)
            break;
        put = do_write(l, a, &item, &a->usage);
    }
}

static void do_warn(const struct gp_usage *usage, struct gp_charge *c)
{
    if (c->limits->package.period == GP_PACKAGE_NONE)
        return;
    uint64_t after = gp_usage_package(usage, c->limits->package.period, c->now_ms);
    uint64_t before = after > c->recipients ? after - c->recipients : 0;
    c->warning = gp_usage_warning(before, after, c->limits->package.count);
}

/* Without the store: the copy is the truth. */
static enum gp_reason do_charge_alone(struct gp_ledger *l, struct gp_account *a, struct gp_charge *c)
{
    enum gp_reason reason = GP_ACCEPTED;
    if (l->counters != NULL && c->on_loss == GP_LOSS_CLOSED)
        return GP_INTERNAL;
    gp_usage_mend(&a->usage, c->now_ms);
    if (l->counters == NULL || c->on_loss == GP_LOSS_LOCAL)
        reason = gp_usage_judge(&a->usage, c->limits, c->now_ms, c->recipients);
    if (reason == GP_ACCEPTED) {
        gp_usage_charge(&a->usage, c->now_ms, c->recipients);
        do_warn(&a->usage, c);
        a->usage_due = true;
    }
    return reason;
}

/* One after the other, each on top of those before it. Returns how many are accepted: when any, there is something to
 * write; *refused: the others.
 */
static size_t judge_all(struct gp_charge *all, struct gp_usage *usage, size_t *refused)
{
    size_t accepted = 0;
    *refused = 0;
    for (struct gp_charge *c = all; c != NULL; c = c->next) {
        c->reason = gp_usage_judge(usage, c->limits, c->now_ms, c->recipients);
        if (c->reason != GP_ACCEPTED) {
            ++*refused;
            continue;
        }
        gp_usage_charge(usage, c->now_ms, c->recipients);
        do_warn(usage, c);
        accepted++;
    }
    return accepted;
}

static void do_charge_all(struct gp_ledger *l, struct gp_account *a, struct gp_charge *all)
{
    uint64_t begin_ms = gp_clock_monotonic_ms();
    struct gp_item item;
    enum gp_put put = l->counters == NULL ? GP_PUT_UNKNOWN : GP_PUT_LOST;
    for (int i = 0; i < GP_LEDGER_ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > GP_LEDGER_ROUNDS_MS)
            break;
        bool earlier = i == 0 && do_take_read(l, a, &item);
        if (!earlier && do_read(l, a, &item, all->now_ms) == GP_UNKNOWN) {
            put = GP_PUT_UNKNOWN;
            break;
        }
        struct gp_usage next = a->usage;
        size_t refused, accepted = judge_all(all, &next, &refused);
        if (earlier && refused > 0)
            continue; /* only what the store says now refuses */
        put = accepted > 0 ? do_write(l, a, &item, &next) : GP_PUT_DONE;
    }
    for (struct gp_charge *c = all; c != NULL; c = c->next) {
        c->done = true;
        if (c->reason != GP_ACCEPTED)
            continue;
        if (put == GP_PUT_LOST)
            c->reason = GP_INTERNAL; /* others were faster each time: the store is well, and a copy would forget it */
        else if (put == GP_PUT_UNKNOWN)
            c->reason = do_charge_alone(l, a, c);
    }
}

static void enqueue(struct gp_account *a, struct gp_charge *c)
{
    pthread_mutex_lock(&a->waiting);
    *a->charges_end = c;
    a->charges_end = &c->next;
    pthread_mutex_unlock(&a->waiting);
}

/* All that wait. */
static struct gp_charge *dequeue(struct gp_account *a)
{
    pthread_mutex_lock(&a->waiting);
    struct gp_charge *all = a->charges;
    a->charges = NULL;
    a->charges_end = &a->charges;
    pthread_mutex_unlock(&a->waiting);
    return all;
}

enum gp_reason gp_ledger_charge(struct gp_ledger *l, const struct gp_agency *agency, const struct gp_limits *limits,
                                enum gp_on_loss on_loss, uint32_t recipients, uint64_t now_ms, unsigned *warning)
{
    struct gp_account *a = gp_account_of(l, gp_agency_allowance(agency));
    struct gp_charge c = {.limits = limits, .on_loss = on_loss, .recipients = recipients, .now_ms = now_ms};
    *warning = 0;
    if (a == NULL)
        return GP_INTERNAL;
    enqueue(a, &c);
    pthread_mutex_lock(&a->lock);
    if (!c.done)
        do_charge_all(l, a, dequeue(a));
    pthread_mutex_unlock(&a->lock);
    *warning = c.reason == GP_ACCEPTED ? c.warning : 0;
    return c.reason;
}

void gp_ledger_seed_package(struct gp_ledger *l, const char *allowance, const struct gp_counts *counts)
{
    struct gp_account *a = gp_account_of(l, allowance);
    struct gp_usage seed;
    if (a == NULL)
        return;
    gp_usage_init(&seed, 0);
    seed.counts = *counts;
    pthread_mutex_lock(&a->lock);
    gp_usage_merge(&a->usage, &seed);
    a->usage_due = true; /* so that those who only look know it too */
    a->saved = a->usage.counts;
    pthread_mutex_unlock(&a->lock);
}

static bool same(const struct gp_counts *a, const struct gp_counts *b)
{
    return a->day == b->day && a->day_count == b->day_count && a->month == b->month &&
           a->month_count == b->month_count && a->total == b->total;
}

/* Takes what changed since it was last handed out; *now is it. */
static bool do_take_package(struct gp_account *a, struct gp_counts *now)
{
    if (same(&a->usage.counts, &a->saved))
        return false;
    *now = a->saved = a->usage.counts;
    return true;
}

void gp_ledger_packages(struct gp_ledger *l, gp_ledger_save_fn *save, void *arg)
{
    struct gp_counts now;
    for (struct gp_account *a = atomic_load(&l->newest); a != NULL; a = a->older) {
        pthread_mutex_lock(&a->lock);
        bool changed = do_take_package(a, &now);
        pthread_mutex_unlock(&a->lock);
        if (changed)
            save(arg, a->name, &now);
    }
}
