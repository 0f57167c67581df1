/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics.c - how much was accepted, delivered, deferred, bounced, complained about
 */
#include "shared/statistics.h"

#include "shared/store_sqlite.h"

#define HOUR_S UINT64_C(3600)
#define DAY_S UINT64_C(86400)
#define SLOTS_DAYS 2
#define HOURS_DAYS 60
#define KEEP_DAYS 400
#define JOIN_MOST_S (2 * DAY_S) /* joined in one call: the rest is for the next */

static const char add_count[] = "INSERT INTO stat (at, provider, agency, what, count) VALUES (?1, ?2, ?3, ?4, ?5)"
                                " ON CONFLICT (at, provider, agency, what) DO UPDATE SET count = count + ?5";
static const char sums[] =
    "SELECT CASE WHEN ?5 > 0 THEN at / ?5 * ?5 ELSE 0 END AS t, CASE WHEN ?6 THEN agency ELSE '' END AS a,"
    " CASE WHEN ?7 THEN provider ELSE '' END AS p, what, sum(count) FROM stat"
    " WHERE at >= ?1 AND at < ?2 AND (?3 = '' OR agency = ?3) AND (?4 = '' OR provider = ?4)"
    " GROUP BY t, a, p, what ORDER BY t, a, p, what";
/* The oldest count that does not stand at a multiple of ?1 and is older than ?2. */
static const char oldest_unjoined[] = "SELECT min(at) FROM stat WHERE at < ?2 AND at % ?1 <> 0";
static const char join_counts[] =
    "INSERT INTO stat (at, provider, agency, what, count)"
    " SELECT at / ?1 * ?1, provider, agency, what, sum(count) FROM stat WHERE at >= ?2 AND at < ?3 AND at % ?1 <> 0"
    " GROUP BY 1, 2, 3, 4 ON CONFLICT (at, provider, agency, what) DO UPDATE SET count = count + excluded.count";
static const char drop_joined[] = "DELETE FROM stat WHERE at >= ?2 AND at < ?3 AND at % ?1 <> 0";
static const char drop_old[] = "DELETE FROM stat WHERE at < ?1";

bool gp_stat_add(struct gp_store *s, struct gp_str agency, struct gp_str provider, struct gp_str what, uint64_t n,
                 uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, add_count);
    gp_bind_u64(st, 1, now_ms / 1000 / GP_STAT_SLOT_S * GP_STAT_SLOT_S);
    gp_bind_str(st, 2, provider);
    gp_bind_str(st, 3, agency);
    gp_bind_str(st, 4, what);
    gp_bind_u64(st, 5, n);
    return gp_store_done(s, st);
}

struct gp_str gp_stat_what(const char *prefix, enum gp_category c, char out[GP_STAT_WHAT_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_STAT_WHAT_MAX);
    gp_buf_printf(&b, "%s%s", prefix, gp_category_name(c));
    return gp_buf_str(&b);
}

bool gp_stat_read(struct gp_store *s, const struct gp_stat_query *q, gp_stat_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, sums);
    bool good = true;
    gp_bind_u64(st, 1, q->from_ms / 1000);
    gp_bind_u64(st, 2, q->until_ms / 1000);
    gp_bind_str(st, 3, q->agency);
    gp_bind_str(st, 4, q->provider);
    gp_bind_u64(st, 5, q->by_time ? q->step_s : 0);
    gp_bind_u64(st, 6, q->by_agency);
    gp_bind_u64(st, 7, q->by_provider);
    while (gp_store_next(s, st, &good)) {
        const struct gp_stat_row row = {.at_ms = gp_column_u64(st, 0) * 1000,
                                        .agency = gp_column_str(st, 1),
                                        .provider = gp_column_str(st, 2),
                                        .what = gp_column_str(st, 3),
                                        .count = gp_column_u64(st, 4)};
        if (!each(arg, &row)) {
            gp_store_enough(st);
            break;
        }
    }
    return good;
}

static bool run_joined(struct gp_store *s, const char *sql, uint64_t step_s, uint64_t from_s, uint64_t until_s)
{
    sqlite3_stmt *st = gp_store_statement(s, sql);
    gp_bind_u64(st, 1, step_s);
    gp_bind_u64(st, 2, from_s);
    gp_bind_u64(st, 3, until_s);
    return gp_store_done(s, st);
}

/* Counts before a time are joined to steps; the oldest first, so much at a time. */
static bool join(struct gp_store *s, uint64_t step_s, uint64_t before_s)
{
    sqlite3_stmt *st = gp_store_statement(s, oldest_unjoined);
    uint64_t from = before_s;
    bool good = true;
    before_s = before_s / step_s * step_s; /* whole steps only */
    gp_bind_u64(st, 1, step_s);
    gp_bind_u64(st, 2, before_s);
    if (gp_store_next(s, st, &good)) {
        if (sqlite3_column_type(st, 0) != SQLITE_NULL)
            from = gp_column_u64(st, 0) / step_s * step_s;
        gp_store_enough(st);
    }
    if (!good || from >= before_s)
        return good;
    uint64_t until = from + JOIN_MOST_S < before_s ? from + JOIN_MOST_S : before_s;
    return run_joined(s, join_counts, step_s, from, until) && run_joined(s, drop_joined, step_s, from, until);
}

bool gp_stat_upkeep(struct gp_store *s, uint64_t now_ms)
{
    uint64_t now_s = now_ms / 1000;
    if (now_s < KEEP_DAYS * DAY_S)
        return true;
    sqlite3_stmt *st = gp_store_statement(s, drop_old);
    gp_bind_u64(st, 1, now_s - KEEP_DAYS * DAY_S);
    return gp_store_done(s, st) && join(s, HOUR_S, now_s - SLOTS_DAYS * DAY_S) &&
           join(s, DAY_S, now_s - HOURS_DAYS * DAY_S);
}
