/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * act.c - what was learnt becomes durable
 */
#include "feedback/act.h"

#include "feedback/guards.h"
#include "feedback/provider_fault.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/event_log.h"
#include "shared/statistics.h"
#include "shared/suppression_store.h"
#include "shared/unclassified.h"
#include "shared/usage.h"

#include <stdlib.h>

#define HOUR_MS UINT64_C(3600000)
#define EVENTS_DAYS 400   /* kept of the history */
#define COUNTED_DAYS 200  /* longer than any token that may still be reported about lives */
#define PRUNE_MOST 5000   /* rows of one table that one tick forgets */
#define GREYLISTED_S 3600 /* what waits longer for greylisting is delayed like any other */
#define INCIDENTS_MAX 1000

struct gp_act {
    struct gp_store *store;
    uint64_t slot, hour; /* of the last tick: some things are looked at once in each */
};

/* What the steps of one event share. */
struct doing {
    struct gp_store *s;
    const struct gp_config *c;
    const struct gp_event *e;
    struct gp_str provider;
    uint64_t now_ms, text;
    const char *effect; /* GP_EFFECT_... */
    bool again;         /* a copy: it may change something, but is no news */
};

struct gp_act *gp_act_new(struct gp_store *s)
{
    struct gp_act *a = calloc(1, sizeof *a);
    if (a != NULL)
        a->store = s;
    return a;
}

void gp_act_free(struct gp_act *a)
{
    free(a);
}

static bool count(const struct doing *d, const char *what, uint64_t n)
{
    return gp_stat_add(d->s, d->e->agency, d->provider, gp_str_z(what), n, d->now_ms);
}

static bool count_category(const struct doing *d, const char *prefix)
{
    char what[GP_STAT_WHAT_MAX];
    return gp_stat_add(d->s, d->e->agency, d->provider, gp_stat_what(prefix, d->e->category, what), 1, d->now_ms);
}

static bool log_event(const struct doing *d)
{
    const struct gp_event *e = d->e;
    const struct gp_logged_event logged = {
        .when_ms = d->now_ms,
        .address = e->recipient,
        .agency = e->agency,
        .category = e->category,
        .source = e->source == GP_SOURCE_LOG ? GP_STR("log") : GP_STR("mail"),
        .effect = gp_str_z(d->effect),
        .provider = d->provider,
        .stream = e->stream,
        .status = e->status,
        .reply = e->reply,
        .diagnostic = e->diagnostic,
        .text = d->text,
        .evidence = e->evidence,
    };
    return gp_event_log_add(d->s, &logged);
}

static bool note_unclassified(const struct doing *d)
{
    const struct gp_event *e = d->e;
    if (!e->unclassified && e->category != GP_CATEGORY_UNKNOWN)
        return true;
    return gp_unclassified_add(d->s, e->diagnostic, d->provider, e->evidence, d->now_ms);
}

static void put_cleaned(char *out, size_t cap, struct gp_str text)
{
    struct gp_verdict clean = gp_verdict_of(GP_SUPPRESSED, text); /* no control characters, UTF-8 or ASCII */
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_putz(&b, clean.detail);
}

/* The row that judging gave, with what judging does not know. */
static bool put_row(const struct doing *d, struct gp_suppression *row, struct gp_str scope, struct gp_str why)
{
    const struct gp_event *e = d->e;
    struct gp_buf address = gp_buf_on(row->address, sizeof row->address);
    struct gp_buf agency = gp_buf_on(row->agency, sizeof row->agency), sc = gp_buf_on(row->scope, sizeof row->scope);
    struct gp_buf evidence = gp_buf_on(row->evidence, sizeof row->evidence);
    gp_buf_put_lower(&address, e->recipient);
    gp_buf_put(&agency, e->agency);
    gp_buf_put(&sc, scope);
    gp_buf_put_escaped(&evidence, e->evidence);
    put_cleaned(row->why, sizeof row->why, why);
    if (address.full || agency.full || sc.full)
        return true; /* no address or agency of ours is as long */
    return gp_suppression_put(d->s, row, d->now_ms);
}

/* The words a refusal repeats: the remote side's, or what its codes say. */
static struct gp_str words_of(const struct gp_event *e, char text[64])
{
    struct gp_buf b = gp_buf_on(text, 64);
    if (e->diagnostic.n > 0)
        return e->diagnostic;
    gp_buf_putz(&b, gp_category_name(e->category));
    if (e->status.n > 0) {
        gp_buf_putz(&b, " ");
        gp_buf_put(&b, e->status);
    }
    return gp_buf_str(&b);
}

static bool climb(struct doing *d, enum gp_category category)
{
    struct gp_suppression now, next;
    struct gp_failure failures[GP_FAILURES_READ_MAX];
    const struct gp_suppression_rules *rules = &d->c->suppression;
    const struct gp_event *e = d->e;
    uint32_t today = gp_usage_day(d->now_ms);
    size_t n;
    bool found;
    char words[64];
    if (!gp_failure_note(d->s, e->recipient, e->agency, (struct gp_failure){today, category}) ||
        !gp_suppression_ladder(d->s, e->recipient, e->agency, &now, &found) ||
        !gp_failure_read(d->s, e->recipient, e->agency, today < rules->window ? 0 : today - rules->window, failures,
                         &n))
        return false;
    enum gp_suppression_change change =
        gp_suppression_judge(rules, found ? &now : NULL, category, failures, n, d->now_ms, &next);
    if (change != GP_SUPPRESSION_SET)
        return true;
    bool again = found && now.reason == next.reason;
    d->effect = again ? GP_EFFECT_RETESTED : GP_EFFECT_SUPPRESSED;
    if (found && !again && !gp_suppression_drop(d->s, &now, NULL))
        return false;
    return put_row(d, &next, GP_STR(GP_SCOPE_ALL), words_of(e, words));
}

static bool act_bounce(struct doing *d)
{
    enum gp_suppression_reason reason;
    enum gp_category category = d->e->category;
    bool distrusted = false;
    if (!note_unclassified(d))
        return false;
    if (category == GP_CATEGORY_HARD && !d->e->suppress)
        category = GP_CATEGORY_SOFT;
    d->text = gp_text_hash(d->e->diagnostic);
    if (category == GP_CATEGORY_HARD) {
        const struct gp_fault_bounce b = {d->e->recipient, d->provider, d->e->diagnostic, d->text};
        if (!gp_fault_note(d->s, &b, d->now_ms, &distrusted))
            return false;
    }
    if (distrusted) {
        d->effect = GP_EFFECT_DISTRUSTED;
        return count(d, GP_STAT_DISTRUSTED, 1) && log_event(d);
    }
    if (gp_suppression_of(category, &reason) && !d->e->greylisting && !climb(d, category))
        return false;
    return count_category(d, GP_STAT_BOUNCED) && log_event(d);
}

/* Attempts that failed and will be repeated are counted, and change nothing. */
static bool act_deferral(struct doing *d)
{
    if (!note_unclassified(d))
        return false;
    if (d->e->greylisting && d->e->queued_s < GREYLISTED_S)
        return count(d, GP_STAT_GREYLISTED, 1);
    return count_category(d, GP_STAT_DEFERRED);
}

static bool act_delivery(struct doing *d)
{
    struct gp_suppression now, next;
    bool had, found;
    const struct gp_event *e = d->e;
    if (!count(d, GP_STAT_DELIVERED, 1) ||
        !gp_failure_forget(d->s, e->recipient, e->agency, gp_usage_day(d->now_ms), &had) ||
        !gp_suppression_ladder(d->s, e->recipient, e->agency, &now, &found))
        return false;
    if (gp_suppression_judge(&d->c->suppression, found ? &now : NULL, GP_CATEGORY_DELIVERED, NULL, 0, d->now_ms,
                             &next) != GP_SUPPRESSION_CLEAR)
        return true;
    d->effect = GP_EFFECT_RELEASED;
    return gp_suppression_drop(d->s, &now, NULL) && log_event(d);
}

/* Complaints and unsubscribes: at once, where they are not suppressed already. */
static bool suppress(struct doing *d, enum gp_suppression_reason reason, struct gp_str scope, struct gp_str why)
{
    const struct gp_event *e = d->e;
    struct gp_suppression now, next;
    bool found;
    if (!gp_suppression_row(d->s, e->recipient, e->agency, reason, scope, &now, &found))
        return false;
    enum gp_suppression_change change =
        gp_suppression_judge(&d->c->suppression, found ? &now : NULL, e->category, NULL, 0, d->now_ms, &next);
    if (change != GP_SUPPRESSION_SET)
        return d->again || log_event(d);
    d->effect = GP_EFFECT_SUPPRESSED;
    return put_row(d, &next, scope, why) && log_event(d);
}

static bool act_not_spam(struct doing *d)
{
    const struct gp_event *e = d->e;
    const struct gp_str scope = GP_STR(GP_SCOPE_BULK);
    struct gp_suppression now;
    bool found;
    if (!gp_suppression_row(d->s, e->recipient, e->agency, GP_SUPPRESSED_COMPLAINT, scope, &now, &found))
        return false;
    if (found)
        d->effect = GP_EFFECT_RELEASED;
    return (!found || gp_suppression_drop(d->s, &now, NULL)) && log_event(d);
}

static bool act_complaint(struct doing *d)
{
    unsigned n = d->e->incidents;
    if (d->e->not_spam)
        return act_not_spam(d);
    n = n == 0 ? 1 : n > INCIDENTS_MAX ? INCIDENTS_MAX : n;
    return count(d, GP_STAT_COMPLAINTS, n) &&
           suppress(d, GP_SUPPRESSED_COMPLAINT, GP_STR(GP_SCOPE_BULK), GP_STR("the recipient complained"));
}

static bool act_unsubscribe(struct doing *d)
{
    char text[GP_STREAM_MAX + 32];
    struct gp_buf why = gp_buf_on(text, sizeof text);
    struct gp_str scope = gp_stream_valid(d->e->stream) ? d->e->stream : GP_STR(GP_SCOPE_BULK);
    gp_buf_putz(&why, "the recipient unsubscribed");
    if (gp_stream_valid(d->e->stream)) {
        gp_buf_putz(&why, " from ");
        gp_buf_put(&why, d->e->stream);
    }
    return suppress(d, GP_SUPPRESSED_UNSUBSCRIBE, scope, gp_buf_str(&why));
}

static bool act_on(struct doing *d)
{
    switch (d->e->category) {
    case GP_CATEGORY_DELIVERED:
        return act_delivery(d);
    case GP_CATEGORY_COMPLAINT:
        return act_complaint(d);
    case GP_CATEGORY_UNSUBSCRIBE:
        return count(d, GP_STAT_UNSUBSCRIBES, 1) && act_unsubscribe(d);
    case GP_CATEGORY_AUTO_REPLY:
        return count(d, GP_STAT_AUTO_REPLIES, 1);
    case GP_CATEGORY_NOT_A_BOUNCE:
    case GP_CATEGORY_COUNT:
        return true;
    default:
        return act_bounce(d);
    }
}

static bool is_bounce(enum gp_category c)
{
    return c <= GP_CATEGORY_CONTENT || c == GP_CATEGORY_UNKNOWN;
}

/* Was it seen before? What takes a complaint back is another thing than the complaint. */
static bool first_time(const struct doing *d, bool *first)
{
    const struct gp_event *e = d->e;
    char letter[1] = {e->not_spam ? 'n' : gp_category_letter(e->category)};
    *first = true;
    if (e->token.n == 0 || (e->category == GP_CATEGORY_DELIVERED && e->source == GP_SOURCE_LOG))
        return true;
    return gp_counted_once(d->s, e->token, (struct gp_str){letter, 1}, gp_usage_day(d->now_ms), first);
}

/* Whoever unsubscribes with the link of an old message, after having come back, means it: that is done again. */
static bool act_again(struct doing *d)
{
    d->again = true;
    return count(d, GP_STAT_REPEATED, 1) && (d->e->category != GP_CATEGORY_UNSUBSCRIBE || act_unsubscribe(d));
}

bool gp_act_event(struct gp_act *a, const struct gp_config *c, const struct gp_event *e, uint64_t now_ms)
{
    const struct gp_str none = {NULL, 0};
    struct doing d = {
        .s = a->store, .c = c, .e = e, .provider = e->provider, .now_ms = now_ms, .effect = GP_EFFECT_NONE};
    bool first;
    if (!e->proven || e->agency.n == 0 || e->recipient.n == 0)
        return gp_stat_add(a->store, none, none, GP_STR(GP_STAT_UNPROVEN), 1, now_ms);
    if (d.provider.n == 0)
        d.provider = gp_address_domain(e->recipient);
    if (d.provider.n == 0)
        d.provider = e->recipient;
    if (e->expired)
        return count(&d, GP_STAT_EXPIRED, 1);
    if (e->delayed)
        return true;
    if (e->source == GP_SOURCE_LOG && !e->final && is_bounce(e->category))
        return act_deferral(&d);
    if (!first_time(&d, &first))
        return false;
    return first ? act_on(&d) : act_again(&d);
}

bool gp_act_count(struct gp_act *a, struct gp_str agency, struct gp_str provider, struct gp_str what, uint64_t n,
                  uint64_t now_ms)
{
    return gp_stat_add(a->store, agency, provider, what, n, now_ms);
}

static uint32_t days_before(uint64_t now_ms, uint32_t days)
{
    return gp_usage_day(now_ms) > days ? gp_usage_day(now_ms) - days : 0;
}

static bool prune(struct gp_store *s, const struct gp_config *c, uint64_t now_ms)
{
    return gp_fault_prune(s, now_ms) && gp_suppression_end(s, now_ms, PRUNE_MOST) &&
           gp_failure_prune(s, days_before(now_ms, c->suppression.window), PRUNE_MOST) &&
           gp_counted_prune(s, days_before(now_ms, COUNTED_DAYS), PRUNE_MOST) &&
           gp_event_log_prune(s, days_before(now_ms, EVENTS_DAYS) * GP_DAY_MS, PRUNE_MOST);
}

static bool tick(struct gp_act *a, const struct gp_config *c, uint64_t now_ms)
{
    uint64_t slot = now_ms / 1000 / GP_STAT_SLOT_S, hour = now_ms / HOUR_MS;
    bool good = gp_guard_delays(a->store, now_ms) && (slot == a->slot || gp_guard_rates(a->store, now_ms)) &&
                prune(a->store, c, now_ms) && (hour == a->hour || gp_stat_upkeep(a->store, now_ms));
    if (good) {
        a->slot = slot;
        a->hour = hour;
    }
    return good;
}

bool gp_act_tick(struct gp_act *a, const struct gp_config *c, uint64_t now_ms)
{
    if (!gp_store_begin(a->store))
        return false;
    if (tick(a, c, now_ms))
        return gp_store_commit(a->store);
    gp_store_rollback(a->store);
    return false;
}
