/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login.c - failed logins of every address, counted by all nodes together, and the bans that follow
 */
#include "policyd/login.h"

#include "policyd/login_bans.h"
#include "shared/clock.h"
#include "shared/keys.h"
#include "shared/live.h"
#include "shared/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 64 /* a writer loses one only to another node */
#define ROUNDS_MS 200
#define JOURNAL_MAX 64 /* bans of one second; one more is logged, and not journalled */

struct entry {
    char address[GP_IP_TEXT], reason[GP_DETAIL_MAX + 1];
    uint64_t when_ms;
};

struct gp_logins {
    struct gp_counters *counters; /* NULL: none */
    char prefix[32];
    _Atomic uint64_t requests, last_ms, unasked;
    uint64_t reported, reported_ms; /* the main thread's */
    pthread_mutex_t lock;           /* over what follows */
    struct gp_login_bans own;
    size_t entries;
    struct entry entry[JOURNAL_MAX];
};

/* One failed login. */
struct failure {
    const struct gp_config *config;
    const struct gp_agency *agency; /* whose login was tried; NULL: nobody's */
    const struct gp_ip *ip;
    struct gp_str login;
    uint64_t now_ms;
    struct gp_window limit;
    uint32_t keep_s;                /* how long a failure may count for anybody */
    char group[GP_LOGIN_GROUP_MAX]; /* of the address's keys */
};

struct gp_logins *gp_logins_new(struct gp_counters *counters, const char *prefix)
{
    struct gp_logins *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(l->prefix, sizeof l->prefix);
    gp_buf_putz(&b, prefix);
    l->counters = counters;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void gp_logins_free(struct gp_logins *l)
{
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* The group of an address's keys: keys.h. */
static void group_of(const struct gp_config *c, const struct gp_ip *ip, char out[GP_LOGIN_GROUP_MAX])
{
    const struct gp_agency *owner = gp_config_lists(c, ip);
    struct gp_buf b = gp_buf_on(out, GP_LOGIN_GROUP_MAX);
    char text[GP_IP_TEXT];
    gp_ip_text(ip, text);
    gp_buf_putz(&b, owner != NULL ? owner->name : text);
}

bool gp_logins_banned_here(struct gp_logins *l, const struct gp_ip *ip, uint64_t now_ms)
{
    pthread_mutex_lock(&l->lock);
    bool banned = gp_login_bans_hold(&l->own, ip, now_ms);
    pthread_mutex_unlock(&l->lock);
    return banned;
}

bool gp_logins_banned(struct gp_logins *l, const struct gp_config *c, const struct gp_ip *ip, uint64_t now_ms)
{
    char group[GP_LOGIN_GROUP_MAX];
    struct gp_item item = {.state = GP_ABSENT};
    struct gp_look look = {group, &item, 1};
    if (gp_logins_banned_here(l, ip, now_ms))
        return true;
    if (l->counters == NULL)
        return false;
    group_of(c, ip, group);
    gp_key_ban(item.key, l->prefix, ip);
    gp_counters_get(l->counters, &look, 1);
    return item.state == GP_FOUND;
}

/* Dovecot takes user names in lower case unless it is told otherwise, and reports them as they were typed. */
static const struct gp_agency *agency_of(const struct gp_config *c, struct gp_str login)
{
    char lower[256];
    struct gp_buf b = gp_buf_on(lower, sizeof lower);
    const struct gp_agency *agency = gp_config_by_login(c, login);
    gp_buf_put_lower(&b, login);
    return agency != NULL || b.full ? agency : gp_config_by_login(c, gp_buf_str(&b));
}

static uint32_t longest_window(const struct gp_config *c, uint32_t least_s)
{
    uint32_t longest = c->limits.failed_logins.seconds > least_s ? c->limits.failed_logins.seconds : least_s;
    for (size_t i = 0; i < c->agencies_n; i++) {
        if (c->agency[i].limits.failed_logins.seconds > longest)
            longest = c->agency[i].limits.failed_logins.seconds;
    }
    return longest;
}

static void ban_reason(const struct failure *f, uint64_t count, char out[GP_DETAIL_MAX + 1])
{
    char limit[GP_LIMIT_TEXT_MAX];
    const struct gp_limits limits = {.failed_logins = f->limit};
    struct gp_buf b = gp_buf_on(out, GP_DETAIL_MAX + 1);
    gp_limit_text(&limits, GP_LIMIT_FAILED_LOGINS, limit);
    gp_buf_printf(&b, "%llu failed logins, limit %s, the last for ", (unsigned long long)count, limit);
    gp_buf_put_escaped(&b, (struct gp_str){f->login.p, f->login.n < 64 ? f->login.n : 64});
}

static void log_ban(const struct failure *f, const char *address, const char *reason, const char *where)
{
    struct gp_line line;
    gp_line_begin(&line, GP_WARN, "login-ban");
    gp_line_str(&line, "client", gp_str_z(address));
    gp_line_str(&line, "agency", gp_str_z(f->agency != NULL ? f->agency->name : NULL));
    gp_line_u64(&line, "seconds", f->limit.seconds);
    gp_line_str(&line, "where", gp_str_z(where));
    gp_line_str(&line, "why", gp_str_z(reason));
    gp_line_end(&line);
}

/* Log it, and leave it to the background thread to write it to the journal. */
static void announce(struct gp_logins *l, const struct failure *f, const char *reason, const char *where)
{
    struct entry e = {.when_ms = f->now_ms};
    struct gp_buf why = gp_buf_on(e.reason, sizeof e.reason);
    gp_ip_text(f->ip, e.address);
    gp_buf_putz(&why, reason);
    log_ban(f, e.address, reason, where);
    pthread_mutex_lock(&l->lock);
    bool room = l->entries < JOURNAL_MAX;
    if (room)
        l->entry[l->entries++] = e;
    pthread_mutex_unlock(&l->lock);
    if (!room)
        gp_log(GP_WARN, "journal", "the ban of %s is not journalled: too many at once", e.address);
}

/* This process bans for itself; what it counted so far is spent. */
static void ban_here(struct gp_logins *l, const struct failure *f, const char *reason)
{
    pthread_mutex_lock(&l->lock);
    struct gp_login_ban *b = gp_login_bans_of(&l->own, f->ip, f->now_ms);
    struct gp_buf why = gp_buf_on(b->reason, sizeof b->reason), group = gp_buf_on(b->group, sizeof b->group);
    b->until_ms = f->now_ms + (uint64_t)f->limit.seconds * 1000;
    gp_buf_putz(&why, reason);
    gp_buf_putz(&group, f->group);
    pthread_mutex_unlock(&l->lock);
    announce(l, f, reason, "here");
}

static void count_here(struct gp_logins *l, const struct failure *f)
{
    char reason[GP_DETAIL_MAX + 1];
    pthread_mutex_lock(&l->lock);
    struct gp_login_ban *b = gp_login_bans_of(&l->own, f->ip, f->now_ms);
    gp_failures_add(&b->failures, f->now_ms, f->keep_s);
    uint64_t count = gp_failures_count(&b->failures, f->now_ms, f->limit.seconds);
    pthread_mutex_unlock(&l->lock);
    if (count < f->limit.count)
        return;
    ban_reason(f, count, reason);
    ban_here(l, f, reason);
}

static void ban(struct gp_logins *l, const struct failure *f, uint64_t count)
{
    char reason[GP_DETAIL_MAX + 1], key[GP_KEY_MAX];
    ban_reason(f, count, reason);
    gp_key_ban(key, l->prefix, f->ip);
    switch (gp_counters_add(l->counters, f->group, key, gp_str_z(reason), f->limit.seconds)) {
    case GP_PUT_DONE:
        announce(l, f, reason, "everywhere");
        break;
    case GP_PUT_LOST: /* another node was faster, and says so */
        break;
    case GP_PUT_UNKNOWN:
        ban_here(l, f, reason);
        break;
    }
}

enum { FAILURES, BAN, LIMIT, ITEMS };

/* Ask for all that one round needs. False when the store does not say. */
static bool fetch(struct gp_logins *l, struct failure *f, struct gp_item items[ITEMS])
{
    static const enum gp_limit_name name = GP_LIMIT_FAILED_LOGINS;
    struct gp_limits limits = f->agency != NULL ? f->agency->limits : f->config->limits;
    struct gp_look look[] = {{f->group, items, 2}, {NULL, &items[LIMIT], 1}};
    gp_key_failures(items[FAILURES].key, l->prefix, f->ip);
    gp_key_ban(items[BAN].key, l->prefix, f->ip);
    items[LIMIT].state = GP_ABSENT;
    if (f->agency != NULL) {
        look[1].group = f->agency->name;
        gp_key_limit(items[LIMIT].key, l->prefix, f->agency->name, name);
    }
    gp_counters_get(l->counters, look, f->agency != NULL ? 2 : 1);
    gp_live_overlay(&limits, &name, &items[LIMIT], 1);
    f->limit = limits.failed_logins;
    f->keep_s = longest_window(f->config, f->limit.seconds);
    return items[FAILURES].state != GP_UNKNOWN && items[BAN].state != GP_UNKNOWN;
}

/* One round: the failure is added to what the store holds. *count: how many the limit's window holds then; 0: the
 * address is banned already.
 */
static enum gp_put count_round(struct gp_logins *l, struct failure *f, uint64_t *count)
{
    struct gp_item items[ITEMS];
    struct gp_failures failures = {0};
    char text[GP_FAILURES_ITEM_MAX];
    *count = 0;
    if (!fetch(l, f, items))
        return GP_PUT_UNKNOWN;
    if (items[BAN].state == GP_FOUND)
        return GP_PUT_DONE;
    const struct gp_item *was = &items[FAILURES];
    if (was->state == GP_FOUND && !gp_failures_decode((struct gp_str){was->value, was->n}, &failures))
        gp_log(GP_WARN, "store", "%s cannot be read and is written anew", was->key);
    gp_failures_add(&failures, f->now_ms, f->keep_s);
    struct gp_str value = {text, gp_failures_encode(&failures, text)};
    enum gp_put put = was->state == GP_FOUND
                          ? gp_counters_swap(l->counters, f->group, was->key, value, was->cas, f->keep_s)
                          : gp_counters_add(l->counters, f->group, was->key, value, f->keep_s);
    *count = gp_failures_count(&failures, f->now_ms, f->limit.seconds);
    return put;
}

static void count_everywhere(struct gp_logins *l, struct failure *f)
{
    uint64_t begin_ms = gp_clock_monotonic_ms(), count = 0;
    enum gp_put put = GP_PUT_LOST;
    for (int i = 0; i < ROUNDS && put == GP_PUT_LOST; i++) {
        if (i > 0 && gp_clock_monotonic_ms() - begin_ms > ROUNDS_MS)
            break;
        put = count_round(l, f, &count);
    }
    if (put != GP_PUT_DONE)
        count_here(l, f);
    else if (count >= f->limit.count)
        ban(l, f, count);
}

static void log_failure(const struct failure *f)
{
    struct gp_line line;
    char address[GP_IP_TEXT];
    gp_ip_text(f->ip, address);
    gp_line_begin(&line, GP_INFO, "login-failed");
    gp_line_str(&line, "client", gp_str_z(address));
    gp_line_str(&line, "agency", gp_str_z(f->agency != NULL ? f->agency->name : NULL));
    gp_line_str(&line, "login", f->login);
    gp_line_end(&line);
}

void gp_logins_failed(struct gp_logins *l, const struct gp_config *c, const struct gp_ip *ip, struct gp_str login,
                      uint64_t now_ms)
{
    struct failure f = {.config = c, .agency = agency_of(c, login), .ip = ip, .login = login, .now_ms = now_ms};
    f.limit = f.agency != NULL ? f.agency->limits.failed_logins : c->limits.failed_logins;
    f.keep_s = longest_window(c, f.limit.seconds);
    group_of(c, ip, f.group);
    log_failure(&f);
    if (gp_logins_banned_here(l, ip, now_ms))
        return;
    if (l->counters != NULL)
        count_everywhere(l, &f);
    else
        count_here(l, &f);
}

/* Takes the oldest entry that is not journalled yet. */
static bool entry_next(struct gp_logins *l, struct entry *out)
{
    pthread_mutex_lock(&l->lock);
    bool any = l->entries > 0;
    if (any) {
        *out = l->entry[0];
        memmove(l->entry, l->entry + 1, --l->entries * sizeof l->entry[0]);
    }
    pthread_mutex_unlock(&l->lock);
    return any;
}

static void journal(struct gp_logins *l, struct gp_store *store)
{
    struct entry e;
    while (entry_next(l, &e)) {
        const struct gp_change change = {
            .who = "gatepost-policyd", .verb = "ban", .what = e.address, .why = e.reason, .when_ms = e.when_ms};
        if (!gp_store_journal(store, &change))
            gp_log(GP_ERROR, "journal", "the ban of %s is not journalled: %s", e.address, gp_store_error(store));
    }
}

/* Own ban number i as it stands; what is over is forgotten. False when there are no more. */
static bool own_next(struct gp_logins *l, size_t *i, uint64_t now_ms, struct gp_ip *ip, struct gp_login_ban *out)
{
    bool found = false;
    pthread_mutex_lock(&l->lock);
    while (*i < l->own.n && !found) {
        found = now_ms < l->own.ban[*i].until_ms;
        if (!found && l->own.ban[*i].until_ms > 0)
            gp_login_bans_drop(&l->own, *i);
        else if (!found)
            ++*i; /* counted, and not banned */
    }
    if (found) {
        *ip = l->own.ip[*i];
        *out = l->own.ban[*i];
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

/* The store has the ban now: this process need not keep it. */
static void own_done(struct gp_logins *l, size_t i, const struct gp_ip *ip)
{
    pthread_mutex_lock(&l->lock);
    if (i < l->own.n && gp_ip_cmp(&l->own.ip[i], ip) == 0)
        gp_login_bans_drop(&l->own, i);
    pthread_mutex_unlock(&l->lock);
}

static void hand_over(struct gp_logins *l, uint64_t now_ms)
{
    struct gp_ip ip;
    struct gp_login_ban own;
    for (size_t i = 0; own_next(l, &i, now_ms, &ip, &own);) {
        char key[GP_KEY_MAX];
        uint32_t left_s = (uint32_t)((own.until_ms - now_ms + 999) / 1000);
        gp_key_ban(key, l->prefix, &ip);
        if (gp_counters_add(l->counters, own.group, key, gp_str_z(own.reason), left_s) == GP_PUT_UNKNOWN)
            i++;
        else
            own_done(l, i, &ip);
    }
}

void gp_logins_settle(struct gp_logins *l, struct gp_store *store, uint64_t now_ms)
{
    journal(l, store);
    if (l->counters != NULL)
        hand_over(l, now_ms);
}

void gp_logins_hear(struct gp_logins *l, uint64_t now_ms)
{
    atomic_fetch_add(&l->requests, 1);
    atomic_store(&l->last_ms, now_ms);
}

struct gp_logins_heard gp_logins_heard(const struct gp_logins *l)
{
    return (struct gp_logins_heard){atomic_load(&l->requests), atomic_load(&l->last_ms), atomic_load(&l->unasked)};
}

void gp_logins_unasked(struct gp_logins *l)
{
    atomic_fetch_add(&l->unasked, 1);
}

void gp_logins_report(struct gp_logins *l, uint64_t monotonic_ms)
{
    uint64_t unasked = atomic_load(&l->unasked);
    if (unasked == l->reported || (l->reported > 0 && monotonic_ms - l->reported_ms < GP_LOGIN_REPORT_EVERY_MS))
        return;
    gp_log(GP_WARN, "auth-unasked",
           "%llu sessions logged in without Dovecot asking here: failed logins are not counted; see that its "
           "auth_policy_server_url leads to auth_listen",
           (unsigned long long)(unasked - l->reported));
    l->reported = unasked;
    l->reported_ms = monotonic_ms;
}
