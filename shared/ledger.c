/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger.c - the accounts of all agencies and test windows, their live limits and their upkeep
 */
#include "shared/ledger.h"

#include "shared/ledger_account.h"
#include "shared/live.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>

struct gp_ledger *gp_ledger_new(struct gp_counters *counters, const char *prefix, uint64_t node, uint64_t boot)
{
    struct gp_ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(l->prefix, sizeof l->prefix);
    gp_buf_putz(&b, prefix);
    l->counters = counters;
    l->node = node;
    l->boot = boot;
    pthread_rwlock_init(&l->lock, NULL);
    return l;
}

void gp_ledger_free(struct gp_ledger *l)
{
    if (l == NULL)
        return;
    for (struct gp_account *a = atomic_load(&l->newest), *older; a != NULL; a = older) {
        older = a->older;
        pthread_mutex_destroy(&a->waiting);
        pthread_mutex_destroy(&a->lock);
        free(a);
    }
    pthread_rwlock_destroy(&l->lock);
    free(l);
}

static struct gp_account *account_in(struct gp_account *a, const char *allowance)
{
    while (a != NULL && strcmp(a->name, allowance) != 0)
        a = a->next;
    return a;
}

/* An allowance's name begins with its agency's, which holds no colon. */
static struct gp_account *account_new(struct gp_ledger *l, const char *allowance)
{
    struct gp_str rest = gp_str_z(allowance), agency;
    struct gp_account *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(a->name, sizeof a->name);
    gp_buf_putz(&b, allowance);
    if (gp_str_split(&rest, ':', &agency)) {
        b = gp_buf_on(a->agency, sizeof a->agency);
        gp_buf_put(&b, agency);
    }
    gp_key_usage(a->usage_key, l->prefix, a->name);
    gp_key_sessions(a->sessions_key, l->prefix, a->name);
    a->charges_end = &a->charges;
    a->changes_end = &a->changes;
    pthread_mutex_init(&a->waiting, NULL);
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

struct gp_account *gp_account_of(struct gp_ledger *l, const char *allowance)
{
    size_t i = gp_str_hash(gp_str_z(allowance)) % GP_LEDGER_BUCKETS;
    pthread_rwlock_rdlock(&l->lock);
    struct gp_account *a = account_in(l->bucket[i], allowance);
    pthread_rwlock_unlock(&l->lock);
    if (a != NULL)
        return a;
    pthread_rwlock_wrlock(&l->lock);
    a = account_in(l->bucket[i], allowance);
    if (a == NULL && (a = account_new(l, allowance)) != NULL) {
        a->next = l->bucket[i];
        l->bucket[i] = a;
        a->older = atomic_load(&l->newest);
        atomic_store(&l->newest, a);
    }
    pthread_rwlock_unlock(&l->lock);
    return a;
}

void do_fetch(struct gp_ledger *l, const struct gp_account *a, struct gp_item *items, size_t n)
{
    gp_counters_get(l->counters, &(struct gp_look){a->agency, items, n}, 1);
}

enum gp_put do_put(struct gp_ledger *l, const struct gp_account *a, const struct gp_item *was, struct gp_str value,
                   uint32_t ttl_s)
{
    if (was->state == GP_FOUND)
        return gp_counters_swap(l->counters, a->agency, was->key, value, was->cas, ttl_s);
    return gp_counters_add(l->counters, a->agency, was->key, value, ttl_s);
}

void do_complain(struct gp_account *a, const char *key)
{
    if (!a->complained)
        gp_log(GP_WARN, "store", "%s is not an item of this version and is replaced", key);
    a->complained = true;
}

void do_live_key(const struct gp_ledger *l, const struct gp_account *a, enum gp_limit_name name, struct gp_item *item)
{
    gp_key_limit(item->key, l->prefix, a->agency, name);
}

void do_live_learn(struct gp_account *a, enum gp_limit_name name, const struct gp_item *item, uint64_t now_ms)
{
    struct gp_live_seen *seen = &a->live[name];
    struct gp_limits scratch = gp_limits_default;
    struct gp_str value = {item->value, item->n};
    if (item->state == GP_UNKNOWN)
        return;
    seen->at_ms = 0;
    if (item->state == GP_ABSENT)
        return;
    if (gp_live_overlay(&scratch, &name, item, 1) == GP_LIMIT_COUNT && gp_str_trim(value).n <= sizeof seen->text) {
        seen->at_ms = now_ms;
        seen->n = gp_str_trim(value).n;
        memcpy(seen->text, gp_str_trim(value).p, seen->n);
    } else if (gp_str_hash(value) != seen->bad_hash) {
        struct gp_line line;
        seen->bad_hash = gp_str_hash(value);
        gp_line_begin(&line, GP_WARN, "live-limit-ignored");
        gp_line_str(&line, "key", gp_str_z(item->key));
        gp_line_str(&line, "value", value);
        gp_line_end(&line);
    }
}

void do_live_apply(const struct gp_account *a, enum gp_limit_name name, uint64_t now_ms, struct gp_limits *io)
{
    const struct gp_live_seen *seen = &a->live[name];
    /* to a caller that waited for its turn, what was read since lies in the future */
    uint64_t apart_ms = now_ms > seen->at_ms ? now_ms - seen->at_ms : seen->at_ms - now_ms;
    if (seen->at_ms != 0 && apart_ms <= GP_LEDGER_LIVE_MS)
        (void)gp_limit_set(io, name, (struct gp_str){seen->text, seen->n});
}

void gp_ledger_limits(struct gp_ledger *l, const struct gp_agency *agency, uint64_t ceiling, uint64_t now_ms,
                      struct gp_limits *out)
{
    static const enum gp_limit_name names[] = {GP_LIMIT_MESSAGE_SIZE, GP_LIMIT_MESSAGES_PER_SESSION,
                                               GP_LIMIT_SESSION_TIME, GP_LIMIT_RATE, GP_LIMIT_PACKAGE};
    struct gp_item items[sizeof names / sizeof names[0] + 1];
    size_t n = sizeof names / sizeof names[0];
    struct gp_account *a = gp_account_of(l, gp_agency_allowance(agency));
    *out = agency->limits;
    if (a != NULL && l->counters != NULL) {
        for (size_t i = 0; i < n; i++)
            do_live_key(l, a, names[i], &items[i]);
        struct gp_buf usage = gp_buf_on(items[n].key, sizeof items[n].key);
        gp_buf_putz(&usage, a->usage_key);
        uint64_t writes = atomic_load(&a->usage_writes), breaks = gp_counters_breaks(l->counters);
        do_fetch(l, a, items, n + 1);
        pthread_mutex_lock(&a->lock);
        if (writes == atomic_load(&a->usage_writes)) /* else the account may know better */
            (void)do_usage_learn(a, &items[n], breaks, now_ms);
        for (size_t i = 0; i < n; i++) {
            do_live_learn(a, names[i], &items[i], now_ms);
            do_live_apply(a, names[i], now_ms, out);
        }
        pthread_mutex_unlock(&a->lock);
    }
    if (agency->window != NULL)
        out->package = agency->limits.package;
    if (out->message_size > ceiling)
        out->message_size = ceiling;
}

void gp_ledger_renew(struct gp_ledger *l, uint64_t now_ms)
{
    if (l->counters == NULL)
        return;
    uint64_t breaks = gp_counters_breaks(l->counters);
    bool came_back = breaks != l->breaks;
    l->breaks = breaks;
    for (struct gp_account *a = atomic_load(&l->newest); a != NULL; a = a->older) {
        pthread_mutex_lock(&a->lock);
        bool old = a->open > 0 && (now_ms < a->row_ms || now_ms - a->row_ms >= GP_SESSIONS_RENEW_MS);
        if (came_back) { /* perhaps empty */
            a->row_due = a->row_due || a->open > 0;
            a->usage_due = a->usage_due || a->usage.birth != 0;
        }
        if (a->row_due || a->row_high || old)
            do_write_row(l, a, now_ms);
        if (a->usage_due)
            do_write_usage(l, a, now_ms);
        pthread_mutex_unlock(&a->lock);
    }
}

void gp_ledger_leave(struct gp_ledger *l, uint64_t now_ms)
{
    for (struct gp_account *a = atomic_load(&l->newest); a != NULL && l->counters != NULL; a = a->older) {
        pthread_mutex_lock(&a->lock);
        atomic_fetch_sub(&l->open, a->open);
        a->open = 0;
        do_write_row(l, a, now_ms);
        if (a->usage_due)
            do_write_usage(l, a, now_ms);
        pthread_mutex_unlock(&a->lock);
    }
}

void gp_ledger_adopt(struct gp_ledger *l, const char *allowance)
{
    struct gp_account *a = gp_account_of(l, allowance);
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->row_due = true;
    pthread_mutex_unlock(&a->lock);
}

uint64_t gp_ledger_sessions(struct gp_ledger *l)
{
    return atomic_load(&l->open);
}
