/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * intake_store.c - what is known of each message that came in; what came by POP3; what is sent on
 */
#include "shared/intake_store.h"

#include "shared/store_sqlite.h"

#include <time.h>

#define ROW "id, hash, received_ms, size, source, sender, recipient, kind, outcome, agency, why"

static const char add[] = "INSERT INTO intake (" ROW ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                          " ON CONFLICT (id) DO NOTHING";
static const char has_row[] = "SELECT 1 FROM intake WHERE id = ?1";
static const char find[] = "SELECT " ROW " FROM intake WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2";
static const char newest_rows[] = "SELECT " ROW " FROM intake ORDER BY received_ms DESC LIMIT ?1";
static const char newest[] = "SELECT max(received_ms) FROM intake";
static const char forget[] = "DELETE FROM intake WHERE received_ms < ?1";
static const char pop3_add[] = "INSERT INTO pop3_seen (mailbox, uidl, seen_ms) VALUES (?1, ?2, ?3)"
                               " ON CONFLICT (mailbox, uidl) DO NOTHING";
static const char pop3_has[] = "SELECT 1 FROM pop3_seen WHERE mailbox = ?1 AND uidl = ?2";
static const char pop3_gone[] = "DELETE FROM pop3_seen WHERE mailbox = ?1 AND uidl = ?2";
static const char pop3_seen[] = "SELECT uidl FROM pop3_seen WHERE mailbox = ?1";
static const char forward_add[] = "INSERT INTO forward (id, recipient, agency, received_ms, created_ms)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id, recipient) DO NOTHING";
static const char forward_waiting[] = "SELECT id, recipient, agency, received_ms, created_ms FROM forward"
                                      " WHERE sent_ms IS NULL AND (created_ms, id, recipient) > (?2, ?3, ?4)"
                                      " ORDER BY created_ms, id, recipient LIMIT ?1";
static const char forward_sent[] = "UPDATE forward SET sent_ms = ?3 WHERE id = ?1 AND recipient = ?2";
static const char forward_forget[] = "DELETE FROM forward WHERE created_ms < ?1";

void gp_archive_day(uint64_t ms, char day[GP_ARCHIVE_DAY + 1])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm = {0};
    struct gp_buf b = gp_buf_on(day, GP_ARCHIVE_DAY + 1);
    gmtime_r(&s, &tm);
    gp_buf_printf(&b, "%04u-%02u-%02u", (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                  (unsigned)tm.tm_mday % 100);
}

void gp_archive_path(const char *folder, uint64_t received_ms, const char *id, char out[4096])
{
    char day[GP_ARCHIVE_DAY + 1];
    struct gp_buf b = gp_buf_on(out, 4096);
    gp_archive_day(received_ms, day);
    gp_buf_printf(&b, "%s/%s/%s.eml", folder, day, id);
}

bool gp_store_intake_add(struct gp_store *s, const struct gp_intake_row *row, bool *fresh)
{
    sqlite3_stmt *st = gp_store_statement(s, add);
    gp_bind_str(st, 1, row->id);
    gp_bind_str(st, 2, row->hash);
    gp_bind_u64(st, 3, row->received_ms);
    gp_bind_u64(st, 4, row->size);
    gp_bind_str(st, 5, row->source);
    gp_bind_str(st, 6, row->sender);
    gp_bind_str(st, 7, row->recipient);
    gp_bind_str(st, 8, row->kind);
    gp_bind_str(st, 9, row->outcome);
    gp_bind_str(st, 10, row->agency);
    gp_bind_str(st, 11, row->why);
    bool good = gp_store_done(s, st);
    *fresh = good && sqlite3_changes(s->db) > 0;
    return good;
}

/* Does a query of one parameter or two find a row? Their bindings are made. */
static bool any(struct gp_store *s, sqlite3_stmt *st, bool *found)
{
    bool good = true;
    *found = gp_store_next(s, st, &good);
    gp_store_enough(st);
    return good;
}

bool gp_store_intake_has(struct gp_store *s, const char *id, bool *has)
{
    sqlite3_stmt *st = gp_store_statement(s, has_row);
    gp_bind_str(st, 1, gp_str_z(id));
    return any(s, st, has);
}

static struct gp_intake_row row_of(sqlite3_stmt *st)
{
    return (struct gp_intake_row){.id = gp_column_str(st, 0),
                                  .hash = gp_column_str(st, 1),
                                  .received_ms = gp_column_u64(st, 2),
                                  .size = gp_column_u64(st, 3),
                                  .source = gp_column_str(st, 4),
                                  .sender = gp_column_str(st, 5),
                                  .recipient = gp_column_str(st, 6),
                                  .kind = gp_column_str(st, 7),
                                  .outcome = gp_column_str(st, 8),
                                  .agency = gp_column_str(st, 9),
                                  .why = gp_column_str(st, 10)};
}

bool gp_store_intake_find(struct gp_store *s, const char *id, size_t *n, gp_intake_row_fn *each, void *arg)
{
    bool good = true;
    sqlite3_stmt *st = gp_store_statement(s, find);
    gp_bind_str(st, 1, gp_str_z(id));
    for (*n = 0; gp_store_next(s, st, &good); ++*n) {
        const struct gp_intake_row row = row_of(st);
        if (*n == 0)
            each(arg, &row);
    }
    return good;
}

bool gp_store_intake_list(struct gp_store *s, size_t most, gp_intake_row_fn *each, void *arg)
{
    bool good = true;
    sqlite3_stmt *st = gp_store_statement(s, newest_rows);
    gp_bind_u64(st, 1, most);
    while (gp_store_next(s, st, &good)) {
        const struct gp_intake_row row = row_of(st);
        each(arg, &row);
    }
    return good;
}

bool gp_store_intake_newest(struct gp_store *s, uint64_t *ms)
{
    bool good = true;
    sqlite3_stmt *st = gp_store_statement(s, newest);
    *ms = gp_store_next(s, st, &good) ? gp_column_u64(st, 0) : 0;
    gp_store_enough(st);
    return good;
}

bool gp_store_intake_forget(struct gp_store *s, uint64_t before_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, forget);
    gp_bind_u64(st, 1, before_ms);
    return gp_store_done(s, st);
}

bool gp_store_pop3_add(struct gp_store *s, const char *mailbox, struct gp_str uidl, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, pop3_add);
    gp_bind_str(st, 1, gp_str_z(mailbox));
    gp_bind_str(st, 2, uidl);
    gp_bind_u64(st, 3, now_ms);
    return gp_store_done(s, st);
}

bool gp_store_pop3_has(struct gp_store *s, const char *mailbox, struct gp_str uidl, bool *has)
{
    sqlite3_stmt *st = gp_store_statement(s, pop3_has);
    gp_bind_str(st, 1, gp_str_z(mailbox));
    gp_bind_str(st, 2, uidl);
    return any(s, st, has);
}

bool gp_store_pop3_gone(struct gp_store *s, const char *mailbox, struct gp_str uidl)
{
    sqlite3_stmt *st = gp_store_statement(s, pop3_gone);
    gp_bind_str(st, 1, gp_str_z(mailbox));
    gp_bind_str(st, 2, uidl);
    return gp_store_done(s, st);
}

bool gp_store_pop3_seen(struct gp_store *s, const char *mailbox, gp_pop3_seen_fn *each, void *arg)
{
    bool good = true;
    sqlite3_stmt *st = gp_store_statement(s, pop3_seen);
    gp_bind_str(st, 1, gp_str_z(mailbox));
    while (gp_store_next(s, st, &good))
        each(arg, gp_column_str(st, 0));
    return good;
}

bool gp_store_forward_add(struct gp_store *s, const struct gp_forward *f)
{
    sqlite3_stmt *st = gp_store_statement(s, forward_add);
    gp_bind_str(st, 1, f->id);
    gp_bind_str(st, 2, f->recipient);
    gp_bind_str(st, 3, f->agency);
    gp_bind_u64(st, 4, f->received_ms);
    gp_bind_u64(st, 5, f->created_ms);
    return gp_store_done(s, st);
}

bool gp_store_forward_waiting(struct gp_store *s, const struct gp_forward *after, size_t most, gp_forward_fn *each,
                              void *arg)
{
    static const struct gp_forward none = {.id = GP_STR(""), .recipient = GP_STR("")};
    bool good = true;
    after = after != NULL ? after : &none;
    sqlite3_stmt *st = gp_store_statement(s, forward_waiting);
    gp_bind_u64(st, 1, most);
    gp_bind_u64(st, 2, after->created_ms);
    gp_bind_str(st, 3, after->id);
    gp_bind_str(st, 4, after->recipient);
    while (gp_store_next(s, st, &good)) {
        const struct gp_forward f = {.id = gp_column_str(st, 0),
                                     .recipient = gp_column_str(st, 1),
                                     .agency = gp_column_str(st, 2),
                                     .received_ms = gp_column_u64(st, 3),
                                     .created_ms = gp_column_u64(st, 4)};
        each(arg, &f);
    }
    return good;
}

bool gp_store_forward_sent(struct gp_store *s, struct gp_str id, struct gp_str recipient, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, forward_sent);
    gp_bind_str(st, 1, id);
    gp_bind_str(st, 2, recipient);
    gp_bind_u64(st, 3, now_ms);
    return gp_store_done(s, st);
}

bool gp_store_forward_forget(struct gp_store *s, uint64_t before_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, forward_forget);
    gp_bind_u64(st, 1, before_ms);
    return gp_store_done(s, st);
}
