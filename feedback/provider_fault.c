/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * provider_fault.c - many hard bounces at once that say the same are the provider's fault
 */
#include "feedback/provider_fault.h"

#include "feedback/notices.h"
#include "shared/event_log.h"
#include "shared/statistics.h"
#include "shared/store_sqlite.h"
#include "shared/suppression_store.h"
#include "shared/unclassified.h"

#include <stdlib.h>

#define MINUTE_MS UINT64_C(60000)
#define SLOT_MS (GP_STAT_SLOT_S * UINT64_C(1000))
#define UNDO_MOST 100000
_Static_assert(GP_FAULT_MINUTES * 60 == GP_STAT_SLOT_S, "deliveries are read from this slot and the one before");

static const char add_refusal[] = "INSERT INTO refusal (provider, minute, text, count) VALUES (?1, ?2, ?3, 1)"
                                  " ON CONFLICT (provider, minute, text) DO UPDATE SET count = count + 1";
static const char said_before[] = "SELECT 1 FROM event WHERE address = ?1 AND when_ms >= ?2 AND text = ?3 LIMIT 1";
static const char count_refusals[] =
    "SELECT coalesce(sum(count), 0), coalesce(sum(CASE WHEN text = ?3 THEN count END), 0)"
    " FROM refusal WHERE provider = ?1 AND minute > ?2";
static const char delivered_at[] =
    "SELECT coalesce(sum(count), 0) FROM stat WHERE at = ?1 AND provider = ?2 AND what = '" GP_STAT_DELIVERED "'";
static const char distrusted_until[] = "SELECT until_ms FROM distrust WHERE provider = ?1 AND text = ?2";
static const char distrust[] = "INSERT INTO distrust (provider, text, since_ms, until_ms) VALUES (?1, ?2, ?3, ?4)"
                               " ON CONFLICT (provider, text) DO UPDATE SET until_ms = ?4";
static const char prune_refusals[] = "DELETE FROM refusal WHERE minute < ?1";
static const char prune_distrust[] = "DELETE FROM distrust WHERE until_ms < ?1";

bool gp_fault_suspected(uint64_t alike, uint64_t results)
{
    return alike >= GP_FAULT_LEAST && alike * 100 > results * GP_FAULT_PERCENT;
}

/* When the minutes looked at began. */
static uint64_t since(uint64_t now_ms)
{
    return (now_ms / MINUTE_MS - GP_FAULT_MINUTES + 1) * MINUTE_MS;
}

/* Did the same recipient bounce with this text already, within the minutes looked at? */
static bool read_said_before(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, bool *before)
{
    sqlite3_stmt *st = gp_store_statement(s, said_before);
    bool good = true;
    gp_bind_str(st, 1, b->recipient);
    gp_bind_u64(st, 2, since(now_ms));
    gp_bind_u64(st, 3, b->text);
    *before = gp_store_next(s, st, &good);
    if (*before)
        gp_store_enough(st);
    return good;
}

static bool note_refusal(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms)
{
    sqlite3_stmt *st;
    bool before;
    if (!read_said_before(s, b, now_ms, &before))
        return false;
    if (before)
        return true;
    st = gp_store_statement(s, add_refusal);
    gp_bind_str(st, 1, b->provider);
    gp_bind_u64(st, 2, now_ms / MINUTE_MS);
    gp_bind_u64(st, 3, b->text);
    return gp_store_done(s, st);
}

/* Hard bounces of the provider within the minutes looked at: all of them, and those alike. */
static bool read_refusals(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, uint64_t *all,
                          uint64_t *alike)
{
    sqlite3_stmt *st = gp_store_statement(s, count_refusals);
    bool good = true;
    gp_bind_str(st, 1, b->provider);
    gp_bind_u64(st, 2, now_ms / MINUTE_MS - GP_FAULT_MINUTES);
    gp_bind_u64(st, 3, b->text);
    *all = *alike = 0;
    if (gp_store_next(s, st, &good)) {
        *all = gp_column_u64(st, 0);
        *alike = gp_column_u64(st, 1);
        gp_store_enough(st);
    }
    return good;
}

static bool read_delivered(struct gp_store *s, struct gp_str provider, uint64_t slot_ms, uint64_t *count)
{
    sqlite3_stmt *st = gp_store_statement(s, delivered_at);
    bool good = true;
    gp_bind_u64(st, 1, slot_ms / 1000);
    gp_bind_str(st, 2, provider);
    *count = 0;
    if (gp_store_next(s, st, &good)) {
        *count = gp_column_u64(st, 0);
        gp_store_enough(st);
    }
    return good;
}

/* Deliveries of about the same minutes: this slot's, and that share of the last one's which is still looked at. */
static bool read_deliveries(struct gp_store *s, struct gp_str provider, uint64_t now_ms, uint64_t *count)
{
    uint64_t slot = now_ms / SLOT_MS * SLOT_MS, last = 0;
    if (!read_delivered(s, provider, slot, count) || !read_delivered(s, provider, slot - SLOT_MS, &last))
        return false;
    *count += last * (SLOT_MS - (now_ms - slot)) / SLOT_MS;
    return true;
}

static bool read_distrusted(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, bool *distrusted)
{
    sqlite3_stmt *st = gp_store_statement(s, distrusted_until);
    bool good = true;
    gp_bind_str(st, 1, b->provider);
    gp_bind_u64(st, 2, b->text);
    *distrusted = false;
    if (gp_store_next(s, st, &good)) {
        *distrusted = gp_column_u64(st, 0) > now_ms;
        gp_store_enough(st);
    }
    return good;
}

static bool set_distrusted(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, distrust);
    gp_bind_str(st, 1, b->provider);
    gp_bind_u64(st, 2, b->text);
    gp_bind_u64(st, 3, now_ms);
    gp_bind_u64(st, 4, now_ms + GP_FAULT_HOLD_MS);
    return gp_store_done(s, st);
}

/* Whom the text suppressed; collected before anything is changed. */
struct undo {
    size_t n, room;
    struct undone {
        char address[255], agency[33];
        bool retested;
    } * list;
    bool failed;
};

static bool collect(void *arg, const struct gp_logged_event *e)
{
    struct undo *u = arg;
    if (u->n == u->room) {
        size_t room = u->room == 0 ? 64 : 2 * u->room;
        struct undone *list = reallocarray(u->list, room, sizeof *list);
        if (list == NULL) {
            u->failed = true;
            return false;
        }
        u->list = list;
        u->room = room;
    }
    struct undone *one = &u->list[u->n++];
    struct gp_buf address = gp_buf_on(one->address, sizeof one->address);
    struct gp_buf agency = gp_buf_on(one->agency, sizeof one->agency);
    gp_buf_put(&address, e->address);
    gp_buf_put(&agency, e->agency);
    one->retested = gp_str_eq(e->effect, GP_STR(GP_EFFECT_RETESTED));
    return true;
}

static bool log_release(struct gp_store *s, const struct undone *one, const struct gp_fault_bounce *b, uint64_t now_ms)
{
    const struct gp_logged_event e = {
        .when_ms = now_ms,
        .address = gp_str_z(one->address),
        .agency = gp_str_z(one->agency),
        .category = GP_CATEGORY_HARD,
        .source = GP_STR("guard"),
        .effect = GP_STR(GP_EFFECT_RELEASED),
        .provider = b->provider,
        .diagnostic = b->diagnostic,
        .text = b->text,
    };
    return gp_event_log_add(s, &e);
}

/* A row that was made goes; one that was retested goes back to where it was, and is due again. */
static bool undo_one(struct gp_store *s, const struct undone *one, const struct gp_fault_bounce *b, uint64_t now_ms,
                     uint64_t *released)
{
    struct gp_suppression row;
    bool found, had;
    struct gp_str address = gp_str_z(one->address), agency = gp_str_z(one->agency);
    if (!gp_suppression_ladder(s, address, agency, &row, &found))
        return false;
    if (!found || row.reason != GP_SUPPRESSED_HARD)
        return true;
    if (one->retested) {
        row.step -= row.step > 0;
        row.retest_ms = now_ms;
        return gp_suppression_put(s, &row, now_ms);
    }
    ++*released;
    return gp_suppression_drop(s, &row, NULL) && gp_failure_forget(s, address, agency, UINT32_MAX, &had) &&
           log_release(s, one, b, now_ms);
}

static bool undo(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, uint64_t *released)
{
    struct undo u = {0};
    bool good = gp_event_log_effects(s, b->provider, b->text, since(now_ms), UNDO_MOST, collect, &u) && !u.failed;
    for (size_t i = 0; i < u.n && good; i++)
        good = undo_one(s, &u.list[i], b, now_ms, released);
    free(u.list);
    return good;
}

bool gp_fault_note(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, bool *distrusted)
{
    uint64_t bounces, alike, delivered, released = 0;
    *distrusted = false;
    if (!note_refusal(s, b, now_ms) || !read_distrusted(s, b, now_ms, distrusted) ||
        !read_refusals(s, b, now_ms, &bounces, &alike))
        return false;
    if (alike < GP_FAULT_LEAST)
        return true;
    if (!read_deliveries(s, b->provider, now_ms, &delivered))
        return false;
    if (!gp_fault_suspected(alike, bounces + delivered))
        return true;
    bool begins = !*distrusted;
    *distrusted = true;
    if (!set_distrusted(s, b, now_ms))
        return false;
    return !begins ||
           (undo(s, b, now_ms, &released) &&
            gp_notice_provider_fault(s, b->provider, b->diagnostic, alike, bounces + delivered, released, now_ms));
}

static bool forget(struct gp_store *s, const char *sql, uint64_t before)
{
    sqlite3_stmt *st = gp_store_statement(s, sql);
    gp_bind_u64(st, 1, before);
    return gp_store_done(s, st);
}

bool gp_fault_prune(struct gp_store *s, uint64_t now_ms)
{
    return forget(s, prune_refusals, now_ms / MINUTE_MS - 2 * GP_FAULT_MINUTES) && forget(s, prune_distrust, now_ms);
}
