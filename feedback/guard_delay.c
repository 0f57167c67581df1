/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * guard_delay.c - mail to a provider waits: the agencies whose mail it is are told, once a day and when it is over
 */
#include "feedback/guards.h"

#include "feedback/notices.h"
#include "shared/statistics.h"
#include "shared/store_sqlite.h"

#include <stdlib.h>

#define HOUR_MS UINT64_C(3600000)
#define CALM_DELIVERED 10 /* deliveries of an hour that show that it moves again */

/* What is put off for reasons of the relay or the provider; a full mailbox is its owner's. */
#define PUT_OFF "what IN ('deferred-soft-bounce', 'deferred-rate-limited', 'deferred-policy-block', 'deferred-unknown')"

static const char waiting[] =
    "SELECT a, p, d, k, d2, coalesce(since_ms, 0), coalesce(told, 0) FROM"
    " (SELECT agency AS a, provider AS p, sum(CASE WHEN at >= ?2 AND " PUT_OFF " THEN count ELSE 0 END) AS d,"
    " sum(CASE WHEN at >= ?2 AND what = '" GP_STAT_DELIVERED "' THEN count ELSE 0 END) AS k,"
    " sum(CASE WHEN " PUT_OFF " THEN count ELSE 0 END) AS d2 FROM stat WHERE at >= ?1 AND agency <> ''"
    " GROUP BY agency, provider HAVING d2 > 0) LEFT JOIN delay ON delay.agency = a AND delay.provider = p";
static const char unseen[] = "SELECT agency, provider, 0, 0, 0, since_ms, told FROM delay WHERE seen_ms < ?1";
static const char remember[] =
    "INSERT INTO delay (agency, provider, told, since_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (agency, provider) DO UPDATE SET told = ?3, since_ms = ?4, seen_ms = ?5";
static const char forget[] = "DELETE FROM delay WHERE agency = ?1 AND provider = ?2";

enum gp_delay_news gp_guard_delay(struct gp_delay *io, const struct gp_delay_seen *seen, uint64_t now_ms)
{
    uint64_t attempts = seen->deferred + seen->delivered;
    bool many = seen->deferred >= GP_GUARD_DEFERRED_LEAST && seen->deferred * 2 >= attempts;
    bool calm = seen->deferred_before == 0 || (seen->delivered >= CALM_DELIVERED && seen->deferred * 5 < attempts);
    bool told = io->told;
    if (io->told && calm) {
        *io = (struct gp_delay){0, false};
        return GP_DELAY_OVER;
    }
    if (io->told)
        return many ? GP_DELAY_LASTS : GP_DELAY_NO_NEWS;
    if (!many)
        io->since_ms = 0;
    else if (io->since_ms == 0)
        io->since_ms = now_ms;
    io->told = io->since_ms != 0 && now_ms >= io->since_ms + GP_GUARD_DELAY_MS;
    return io->told && !told ? GP_DELAY_BEGAN : GP_DELAY_NO_NEWS;
}

/* One agency's mail to one provider. */
struct pair {
    char agency[33], provider[256];
    struct gp_delay_seen seen;
    struct gp_delay delay;
};

struct pairs {
    size_t n, room;
    struct pair *list;
};

static bool push(struct pairs *all, sqlite3_stmt *st)
{
    if (all->n == all->room) {
        size_t room = all->room == 0 ? 32 : 2 * all->room;
        struct pair *list = reallocarray(all->list, room, sizeof *list);
        if (list == NULL)
            return false;
        all->list = list;
        all->room = room;
    }
    struct pair *p = &all->list[all->n++];
    gp_column_copy(st, 0, p->agency, sizeof p->agency);
    gp_column_copy(st, 1, p->provider, sizeof p->provider);
    p->seen = (struct gp_delay_seen){gp_column_u64(st, 2), gp_column_u64(st, 3), gp_column_u64(st, 4)};
    p->delay = (struct gp_delay){gp_column_u64(st, 5), gp_column_u64(st, 6) != 0};
    return true;
}

/* Collected before anything is written: the same tables are read and changed. */
static bool collect(struct gp_store *s, sqlite3_stmt *st, struct pairs *all)
{
    bool good = true;
    while (gp_store_next(s, st, &good)) {
        if (!push(all, st)) {
            gp_store_enough(st);
            return false;
        }
    }
    return good;
}

static bool keep(struct gp_store *s, const struct pair *p, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, p->delay.since_ms == 0 ? forget : remember);
    gp_bind_str(st, 1, gp_str_z(p->agency));
    gp_bind_str(st, 2, gp_str_z(p->provider));
    if (p->delay.since_ms != 0) {
        gp_bind_u64(st, 3, p->delay.told);
        gp_bind_u64(st, 4, p->delay.since_ms);
        gp_bind_u64(st, 5, now_ms);
    }
    return gp_store_done(s, st);
}

static bool judge(struct gp_store *s, struct pair *p, uint64_t now_ms)
{
    const struct gp_str agency = gp_str_z(p->agency), provider = gp_str_z(p->provider);
    uint64_t since_ms = p->delay.since_ms;
    enum gp_delay_news news = gp_guard_delay(&p->delay, &p->seen, now_ms);
    if ((since_ms != 0 || p->delay.since_ms != 0) && !keep(s, p, now_ms))
        return false;
    if (news == GP_DELAY_BEGAN || news == GP_DELAY_LASTS)
        return gp_notice_delay(s, agency, provider, p->seen.deferred, p->seen.delivered, p->delay.since_ms, now_ms);
    return news != GP_DELAY_OVER || gp_notice_delay_over(s, agency, provider, since_ms, now_ms);
}

static bool judge_all(struct gp_store *s, sqlite3_stmt *st, uint64_t now_ms)
{
    struct pairs all = {0};
    bool good = collect(s, st, &all);
    for (size_t i = 0; i < all.n && good; i++)
        good = judge(s, &all.list[i], now_ms);
    free(all.list);
    return good;
}

bool gp_guard_delays(struct gp_store *s, uint64_t now_ms)
{
    if (now_ms < 2 * HOUR_MS)
        return true;
    sqlite3_stmt *st = gp_store_statement(s, waiting);
    gp_bind_u64(st, 1, (now_ms - 2 * HOUR_MS) / 1000);
    gp_bind_u64(st, 2, (now_ms - HOUR_MS) / 1000);
    if (!judge_all(s, st, now_ms))
        return false;
    st = gp_store_statement(s, unseen);
    gp_bind_u64(st, 1, now_ms);
    return judge_all(s, st, now_ms);
}
