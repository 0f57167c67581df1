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
        a->row_due = a->row_high = false;
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

static uint32_t limit_of(const struct gp_account *a, const struct gp_session_change *c)
{
    struct gp_limits limits = *c->limits;
    do_live_apply(a, GP_LIMIT_SESSIONS, c->now_ms, &limits);
    return limits.sessions;
}

/* Has another session room beside those of this process? */
static bool fits(const struct gp_ledger *l, const struct gp_account *a, const struct gp_session_change *c,
                 uint32_t open)
{
    return gp_sessions_elsewhere(&a->seen, l->node, c->now_ms) + open + 1 <= limit_of(a, c);
}

static enum gp_reason do_begin_alone(const struct gp_ledger *l, const struct gp_account *a,
                                     const struct gp_session_change *c)
{
    if (l->counters != NULL && c->on_loss == GP_LOSS_CLOSED)
        return GP_INTERNAL;
    if ((l->counters == NULL || c->on_loss == GP_LOSS_LOCAL) && !fits(l, a, c, a->open))
        return GP_SESSION_LIMIT;
    return GP_ACCEPTED;
}

/* Those that begin, one after the other, beside `open` sessions. Returns how many are open then. */
static uint32_t begin_all(const struct gp_ledger *l, const struct gp_account *a, struct gp_session_change *all,
                          uint32_t open)
{
    for (struct gp_session_change *c = all; c != NULL; c = c->next) {
        if (!c->begins)
            continue;
        c->reason = fits(l, a, c, open) ? GP_ACCEPTED : GP_SESSION_LIMIT;
        open += c->reason == GP_ACCEPTED;
    }
    return open;
}

/* Need the store not know yet? The next session may take the place, and then two writes are saved; gp_ledger_renew tells
 * it at the latest. As long as three quarters are free by what it says, that refuses nobody elsewhere.
 */
static bool may_wait(const struct gp_ledger *l, const struct gp_account *a, const struct gp_session_change *c)
{
    return l->counters != NULL && !a->row_due && gp_sessions_open(&a->seen, c->now_ms) <= limit_of(a, c) / 4;
}

/* Does the store, as read just now, say so already? One session for another changes nothing. */
static bool do_find(const struct gp_ledger *l, struct gp_account *a, uint32_t open)
{
    for (size_t i = 0; i < a->seen.rows; i++) {
        const struct gp_sessions_row *row = &a->seen.row[i];
        if (row->node != l->node)
            continue;
        bool same = !a->row_due && row->boot == l->boot && row->count == open;
        a->row_high = a->row_high && !same;
        return same;
    }
    return false;
}

/* Those that end have ended, whatever the store says. */
static bool do_end_all(struct gp_account *a, const struct gp_session_change *all)
{
    bool begins = false;
    for (const struct gp_session_change *c = all; c != NULL; c = c->next) {
        begins = begins || c->begins;
        a->open -= !c->begins && a->open > 0;
    }
    return begins;
}

static void do_change_all(struct gp_ledger *l, struct gp_account *a, struct gp_session_change *all)
{
    uint64_t begin_ms = gp_clock_monotonic_ms();
    uint32_t before = a->open, open = 0;
    bool begins = do_end_all(a, all), ended = a->open != before;
    struct gp_item items[2];
    enum gp_put put = l->counters == NULL ? GP_PUT_UNKNOWN : GP_PUT_LOST;
    if (!begins && may_wait(l, a, all)) {
        a->row_high = true;
        open = a->open;
        put = GP_PUT_DONE;
    }
    for (int i = 0; i < GP_LEDGER_ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > GP_LEDGER_ROUNDS_MS)
            break;
        do_live_key(l, a, GP_LIMIT_SESSIONS, &items[1]);
        enum gp_fetch state = do_read(l, a, items, begins ? 2 : 1, all->now_ms);
        if (begins)
            do_live_learn(a, GP_LIMIT_SESSIONS, &items[1], all->now_ms);
        if (state == GP_UNKNOWN) {
            put = GP_PUT_UNKNOWN;
            break;
        }
        open = begin_all(l, a, all, a->open);
        bool same = state == GP_FOUND && do_find(l, a, open);
        put = (open == a->open && !ended) || same ? GP_PUT_DONE : do_row(l, a, items, open, all->now_ms);
    }
    if (put == GP_PUT_DONE)
        a->open = open;
    else
        a->row_due = true;
    for (struct gp_session_change *c = all; c != NULL; c = c->next) {
        c->done = true;
        if (put == GP_PUT_DONE || !c->begins || c->reason != GP_ACCEPTED)
            continue;
        c->reason = put == GP_PUT_LOST ? GP_INTERNAL : do_begin_alone(l, a, c);
        a->open += c->reason == GP_ACCEPTED;
    }
    atomic_fetch_add(&l->open, (uint64_t)a->open - before);
}

static void enqueue(struct gp_account *a, struct gp_session_change *c)
{
    pthread_mutex_lock(&a->waiting);
    *a->changes_end = c;
    a->changes_end = &c->next;
    pthread_mutex_unlock(&a->waiting);
}

/* All that wait. */
static struct gp_session_change *dequeue(struct gp_account *a)
{
    pthread_mutex_lock(&a->waiting);
    struct gp_session_change *all = a->changes;
    a->changes = NULL;
    a->changes_end = &a->changes;
    pthread_mutex_unlock(&a->waiting);
    return all;
}

static enum gp_reason change(struct gp_ledger *l, const struct gp_agency *agency, struct gp_session_change *c)
{
    struct gp_account *a = gp_account_of(l, gp_agency_allowance(agency));
    if (a == NULL)
        return GP_INTERNAL;
    enqueue(a, c);
    pthread_mutex_lock(&a->lock);
    if (!c->done)
        do_change_all(l, a, dequeue(a));
    pthread_mutex_unlock(&a->lock);
    return c->reason;
}

enum gp_reason gp_ledger_begin(struct gp_ledger *l, const struct gp_agency *agency, enum gp_on_loss on_loss,
                               uint64_t now_ms)
{
    return change(l, agency,
                  &(struct gp_session_change){
                      .limits = &agency->limits, .begins = true, .on_loss = on_loss, .now_ms = now_ms});
}

void gp_ledger_end(struct gp_ledger *l, const struct gp_agency *agency, uint64_t now_ms)
{
    (void)change(l, agency, &(struct gp_session_change){.limits = &agency->limits, .now_ms = now_ms});
}
