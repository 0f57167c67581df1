/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_sessions.c - taking and giving back sessions: the exact count of this process, and its row in the store
 */
#include "shared/ledger.h"

#include "shared/clock.h"
#include "shared/ledger_account.h"
#include "shared/log.h"

#define TTL_S (2 * GP_SESSIONS_LIFE_MS / 1000)

/* Reads the rows (and items[1..]) into a->seen; an item that is gone leaves what was seen last, until that expires. */
static enum gp_fetch do_read(struct gp_ledger *l, struct gp_account *a, struct gp_item *items, size_t n,
                             uint64_t now_ms)
{
    struct gp_sessions found;
    struct gp_buf key = gp_buf_on(items[0].key, sizeof items[0].key);
    gp_buf_putz(&key, a->sessions_key);
    do_fetch(l, a, items, n);
    if (items[0].state == GP_UNKNOWN)
        return GP_UNKNOWN;
    if (items[0].state == GP_FOUND && gp_sessions_decode((struct gp_str){items[0].value, items[0].n}, &found)) {
        a->seen = found;
    } else {
        if (items[0].state == GP_FOUND)
            do_complain(a, a->sessions_key);
        a->row_due = a->row_due || a->open > 0;
    }
    if (gp_sessions_mend(&a->seen, now_ms))
        a->row_due = true;
    return items[0].state;
}

/* Writes a row of `open` sessions over what do_read found. */
static enum gp_put do_row(struct gp_ledger *l, struct gp_account *a, const struct gp_item *was, uint32_t open,
                          uint64_t now_ms)
{
    char item[GP_SESSIONS_ITEM_MAX];
    struct gp_sessions next = a->seen;
    if (!gp_sessions_set(&next, l->node, l->boot, open, now_ms)) {
        gp_log(GP_ERROR, "store", "%s has no room for another node", a->sessions_key);
        return GP_PUT_UNKNOWN;
    }
    enum gp_put put = do_put(l, a, was, (struct gp_str){item, gp_sessions_encode(&next, item)}, TTL_S);
    if (put == GP_PUT_DONE) {
        a->seen = next;
        a->row_ms = now_ms;
        a->row_due = false;
    }
    return put;
}

static bool has_row(const struct gp_sessions *s, uint64_t node)
{
    for (size_t i = 0; i < s->rows; i++)
        if (s->row[i].node == node)
            return true;
    return false;
}

void do_write_row(struct gp_ledger *l, struct gp_account *a, uint64_t now_ms)
{
    uint64_t begin_ms = gp_clock_monotonic_ms();
    struct gp_item item;
    enum gp_put put = GP_PUT_LOST;
    bool adopting = a->row_due && a->open == 0;
    a->row_due = true;
    for (int i = 0; i < GP_LEDGER_ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > GP_LEDGER_ROUNDS_MS)
            break;
        if (do_read(l, a, &item, 1, now_ms) == GP_UNKNOWN)
            break;
        if (adopting && item.state == GP_ABSENT && !has_row(&a->seen, l->node)) {
            a->row_due = false; /* nothing of ours there */
            break;
        }
        put = do_row(l, a, &item, a->open, now_ms);
    }
}

static bool fits(const struct gp_ledger *l, const struct gp_account *a, const struct gp_limits *limits, uint64_t now_ms)
{
    return gp_sessions_elsewhere(&a->seen, l->node, now_ms) + a->open + 1 <= limits->sessions;
}

static enum gp_reason do_begin_alone(struct gp_ledger *l, struct gp_account *a, const struct gp_limits *limits,
                                     enum gp_on_loss on_loss, uint64_t now_ms)
{
    if (l->counters != NULL && on_loss == GP_LOSS_CLOSED)
        return GP_INTERNAL;
    if ((l->counters == NULL || on_loss == GP_LOSS_LOCAL) && !fits(l, a, limits, now_ms))
        return GP_SESSION_LIMIT;
    return GP_ACCEPTED;
}

static enum gp_reason do_begin(struct gp_ledger *l, struct gp_account *a, const struct gp_limits *base,
                               enum gp_on_loss on_loss, uint64_t now_ms)
{
    uint64_t begin_ms = gp_clock_monotonic_ms();
    struct gp_limits limits = *base;
    struct gp_item items[2];
    enum gp_put put = l->counters == NULL ? GP_PUT_UNKNOWN : GP_PUT_LOST;
    for (int i = 0; i < GP_LEDGER_ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > GP_LEDGER_ROUNDS_MS)
            break;
        do_live_key(l, a, GP_LIMIT_SESSIONS, &items[1]);
        enum gp_fetch state = do_read(l, a, items, 2, now_ms);
        do_live_learn(a, GP_LIMIT_SESSIONS, &items[1], now_ms);
        limits = *base;
        do_live_apply(a, GP_LIMIT_SESSIONS, now_ms, &limits);
        if (state == GP_UNKNOWN) {
            put = GP_PUT_UNKNOWN;
            break;
        }
        if (!fits(l, a, &limits, now_ms))
            return GP_SESSION_LIMIT;
        put = do_row(l, a, items, a->open + 1, now_ms);
    }
    if (put == GP_PUT_DONE)
        return GP_ACCEPTED;
    if (put == GP_PUT_LOST)
        return GP_INTERNAL;
    a->row_due = true;
    return do_begin_alone(l, a, &limits, on_loss, now_ms);
}

enum gp_reason gp_ledger_begin(struct gp_ledger *l, const struct gp_agency *agency, enum gp_on_loss on_loss,
                               uint64_t now_ms)
{
    struct gp_account *a = gp_account_of(l, gp_agency_allowance(agency));
    if (a == NULL)
        return GP_INTERNAL;
    pthread_mutex_lock(&a->lock);
    enum gp_reason reason = do_begin(l, a, &agency->limits, on_loss, now_ms);
    if (reason == GP_ACCEPTED) {
        a->open++;
        atomic_fetch_add(&l->open, 1);
    }
    pthread_mutex_unlock(&a->lock);
    return reason;
}

void gp_ledger_end(struct gp_ledger *l, const struct gp_agency *agency, uint64_t now_ms)
{
    struct gp_account *a = gp_account_of(l, gp_agency_allowance(agency));
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    if (a->open > 0) {
        a->open--;
        atomic_fetch_sub(&l->open, 1);
    }
    if (l->counters != NULL)
        do_write_row(l, a, now_ms);
    pthread_mutex_unlock(&a->lock);
}
