/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * event_log.c - the durable history of what came back about an address
 */
#include "shared/event_log.h"

#include "shared/store_sqlite.h"

#define COLUMNS                                                                                                        \
    "when_ms, address, agency, category, source, effect, provider, stream, status, reply, diagnostic, text, evidence"

static const char add_event[] = "INSERT INTO event (" COLUMNS ") VALUES"
                                " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
static const char of_address[] = "SELECT " COLUMNS " FROM event WHERE address = ?1 AND (?2 = '' OR agency = ?2)"
                                 " ORDER BY when_ms DESC, id DESC LIMIT ?3";
static const char released[] = "SELECT " COLUMNS " FROM event WHERE when_ms >= ?1 AND (?2 = '' OR agency = ?2)"
                               " AND effect = '" GP_EFFECT_RELEASED "' ORDER BY when_ms, id";
static const char effects[] =
    "SELECT " COLUMNS " FROM event WHERE when_ms >= ?1 AND provider = ?2 AND text = ?3"
    " AND effect IN ('" GP_EFFECT_SUPPRESSED "', '" GP_EFFECT_RETESTED "') ORDER BY when_ms DESC, id DESC LIMIT ?4";
static const char prune[] = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE when_ms < ?1 LIMIT ?2)";

bool gp_event_log_add(struct gp_store *s, const struct gp_logged_event *e)
{
    sqlite3_stmt *st = gp_store_statement(s, add_event);
    char letter[1] = {gp_category_letter(e->category)};
    gp_bind_u64(st, 1, e->when_ms);
    gp_bind_str(st, 2, e->address);
    gp_bind_str(st, 3, e->agency);
    gp_bind_str(st, 4, (struct gp_str){letter, 1});
    gp_bind_str(st, 5, e->source);
    gp_bind_str(st, 6, e->effect);
    gp_bind_str(st, 7, e->provider);
    gp_bind_str(st, 8, e->stream);
    gp_bind_str(st, 9, e->status);
    gp_bind_str(st, 10, e->reply);
    gp_bind_str(st, 11, gp_str_cut(e->diagnostic, GP_EVENT_DIAGNOSTIC_MAX));
    gp_bind_u64(st, 12, e->text);
    gp_bind_str(st, 13, e->evidence);
    return gp_store_done(s, st);
}

static struct gp_logged_event event_at(sqlite3_stmt *st)
{
    struct gp_logged_event e = {
        .when_ms = gp_column_u64(st, 0),
        .address = gp_column_str(st, 1),
        .agency = gp_column_str(st, 2),
        .category = GP_CATEGORY_UNKNOWN,
        .source = gp_column_str(st, 4),
        .effect = gp_column_str(st, 5),
        .provider = gp_column_str(st, 6),
        .stream = gp_column_str(st, 7),
        .status = gp_column_str(st, 8),
        .reply = gp_column_str(st, 9),
        .diagnostic = gp_column_str(st, 10),
        .text = gp_column_u64(st, 11),
        .evidence = gp_column_str(st, 12),
    };
    (void)gp_category_of_letter(gp_column_str(st, 3), &e.category);
    return e;
}

static bool each_row(struct gp_store *s, sqlite3_stmt *st, gp_event_log_fn *each, void *arg)
{
    bool good = true;
    while (gp_store_next(s, st, &good)) {
        const struct gp_logged_event e = event_at(st);
        if (!each(arg, &e)) {
            gp_store_enough(st);
            break;
        }
    }
    return good;
}

bool gp_event_log_of(struct gp_store *s, struct gp_str address, struct gp_str agency, size_t most,
                     gp_event_log_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, of_address);
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    gp_bind_u64(st, 3, most);
    return each_row(s, st, each, arg);
}

bool gp_event_log_released(struct gp_store *s, struct gp_str agency, uint64_t since_ms, gp_event_log_fn *each,
                           void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, released);
    gp_bind_u64(st, 1, since_ms);
    gp_bind_str(st, 2, agency);
    return each_row(s, st, each, arg);
}

bool gp_event_log_effects(struct gp_store *s, struct gp_str provider, uint64_t text, uint64_t since_ms, size_t most,
                          gp_event_log_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, effects);
    gp_bind_u64(st, 1, since_ms);
    gp_bind_str(st, 2, provider);
    gp_bind_u64(st, 3, text);
    gp_bind_u64(st, 4, most);
    return each_row(s, st, each, arg);
}

bool gp_event_log_prune(struct gp_store *s, uint64_t before_ms, size_t most)
{
    sqlite3_stmt *st = gp_store_statement(s, prune);
    gp_bind_u64(st, 1, before_ms);
    gp_bind_u64(st, 2, most);
    return gp_store_done(s, st);
}
