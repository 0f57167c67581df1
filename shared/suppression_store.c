/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression_store.c - suppressions in the database, and what their ladder remembers
 */
#include "shared/suppression_store.h"

#include "shared/store_sqlite.h"

#define COLUMNS "address, agency, scope, reason, step, since_ms, retest_ms, until_ms, why, evidence, changed_ms"
enum { CHANGED_COLUMN = 10 };

static const char put_row[] =
    "INSERT INTO suppression (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    " ON CONFLICT (address, agency, reason, scope) DO UPDATE SET step = ?5, since_ms = ?6, retest_ms = ?7,"
    " until_ms = ?8, why = ?9, evidence = ?10, changed_ms = ?11";
static const char drop_row[] =
    "DELETE FROM suppression WHERE address = ?1 AND agency = ?2 AND scope = ?3 AND reason = ?4";
static const char ladder_row[] =
    "SELECT " COLUMNS " FROM suppression WHERE address = ?1 AND agency = ?2 AND reason <= 1 LIMIT 1";
static const char one_row[] =
    "SELECT " COLUMNS " FROM suppression WHERE address = ?1 AND agency = ?2 AND reason = ?3 AND scope = ?4";
static const char list_all[] = "SELECT " COLUMNS " FROM suppression WHERE (?2 = '' OR agency = ?2 OR"
                               " (?2 = '-' AND agency = '')) AND changed_ms >= ?3 ORDER BY address";
static const char list_address[] =
    "SELECT " COLUMNS " FROM suppression WHERE address = ?1 AND (?2 = '' OR agency = ?2 OR"
    " (?2 = '-' AND agency = '')) AND changed_ms >= ?3 ORDER BY agency";
static const char end_rows[] =
    "DELETE FROM suppression WHERE (address, agency, reason, scope) IN (SELECT address, agency, reason, scope"
    " FROM suppression WHERE until_ms > 0 AND until_ms <= ?1 LIMIT ?2)";
_Static_assert(GP_SUPPRESSED_HARD == 0 && GP_SUPPRESSED_SOFT == 1, "ladder_row names them by number");

static const char note_failure[] =
    "INSERT OR IGNORE INTO failure (address, agency, day, category) VALUES (?1, ?2, ?3, ?4)";
static const char read_failures[] =
    "SELECT day, category FROM failure WHERE address = ?1 AND agency = ?2 AND day >= ?3 LIMIT ?4";
static const char forget_failures[] = "DELETE FROM failure WHERE address = ?1 AND agency = ?2 AND day <= ?3";
static const char prune_failures[] = "DELETE FROM failure WHERE (address, agency, day, category) IN"
                                     " (SELECT address, agency, day, category FROM failure WHERE day < ?1 LIMIT ?2)";
static const char count_once[] = "INSERT OR IGNORE INTO counted (token, class, day) VALUES (?1, ?2, ?3)";
static const char prune_counted[] = "DELETE FROM counted WHERE (token, class) IN"
                                    " (SELECT token, class FROM counted WHERE day < ?1 LIMIT ?2)";

bool gp_suppression_put(struct gp_store *s, const struct gp_suppression *row, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, put_row);
    gp_bind_str(st, 1, gp_str_z(row->address));
    gp_bind_str(st, 2, gp_str_z(row->agency));
    gp_bind_str(st, 3, gp_str_z(row->scope));
    gp_bind_u64(st, 4, row->reason);
    gp_bind_u64(st, 5, row->step);
    gp_bind_u64(st, 6, row->since_ms);
    gp_bind_u64(st, 7, row->retest_ms);
    gp_bind_u64(st, 8, row->until_ms);
    gp_bind_str(st, 9, gp_str_z(row->why));
    gp_bind_str(st, 10, gp_str_z(row->evidence));
    gp_bind_u64(st, 11, now_ms);
    return gp_store_done(s, st);
}

bool gp_suppression_drop(struct gp_store *s, const struct gp_suppression *key, bool *had)
{
    sqlite3_stmt *st = gp_store_statement(s, drop_row);
    gp_bind_str(st, 1, gp_str_z(key->address));
    gp_bind_str(st, 2, gp_str_z(key->agency));
    gp_bind_str(st, 3, gp_str_z(key->scope));
    gp_bind_u64(st, 4, key->reason);
    bool good = gp_store_done(s, st);
    if (had != NULL)
        *had = good && sqlite3_changes(s->db) > 0;
    return good;
}

static struct gp_suppression row_at(sqlite3_stmt *st)
{
    struct gp_suppression row = {.step = (unsigned)gp_column_u64(st, 4),
                                 .since_ms = gp_column_u64(st, 5),
                                 .retest_ms = gp_column_u64(st, 6),
                                 .until_ms = gp_column_u64(st, 7)};
    uint64_t reason = gp_column_u64(st, 3);
    row.reason = reason < GP_SUPPRESSION_REASONS ? (enum gp_suppression_reason)reason : GP_SUPPRESSED_MANUAL;
    gp_column_copy(st, 0, row.address, sizeof row.address);
    gp_column_copy(st, 1, row.agency, sizeof row.agency);
    gp_column_copy(st, 2, row.scope, sizeof row.scope);
    gp_column_copy(st, 8, row.why, sizeof row.why);
    gp_column_copy(st, 9, row.evidence, sizeof row.evidence);
    return row;
}

static bool first_row(struct gp_store *s, sqlite3_stmt *st, struct gp_suppression *out, bool *found)
{
    bool good = true;
    *found = gp_store_next(s, st, &good);
    if (*found) {
        *out = row_at(st);
        gp_store_enough(st);
    }
    return good;
}

bool gp_suppression_ladder(struct gp_store *s, struct gp_str address, struct gp_str agency, struct gp_suppression *out,
                           bool *found)
{
    sqlite3_stmt *st = gp_store_statement(s, ladder_row);
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    return first_row(s, st, out, found);
}

bool gp_suppression_row(struct gp_store *s, struct gp_str address, struct gp_str agency,
                        enum gp_suppression_reason reason, struct gp_str scope, struct gp_suppression *out, bool *found)
{
    sqlite3_stmt *st = gp_store_statement(s, one_row);
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    gp_bind_u64(st, 3, reason);
    gp_bind_str(st, 4, scope);
    return first_row(s, st, out, found);
}

bool gp_suppression_list(struct gp_store *s, const struct gp_suppression_filter *f, gp_suppression_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, f->address.n > 0 ? list_address : list_all);
    bool good = true;
    if (f->address.n > 0)
        gp_bind_str(st, 1, f->address);
    gp_bind_str(st, 2, f->agency);
    gp_bind_u64(st, 3, f->since_ms);
    while (gp_store_next(s, st, &good)) {
        const struct gp_suppression row = row_at(st);
        if (!each(arg, &row, gp_column_u64(st, CHANGED_COLUMN))) {
            gp_store_enough(st);
            break;
        }
    }
    return good;
}

/* A statement whose bindings are a bound and how many rows at most. */
static bool prune(struct gp_store *s, const char *sql, uint64_t bound, size_t most)
{
    sqlite3_stmt *st = gp_store_statement(s, sql);
    gp_bind_u64(st, 1, bound);
    gp_bind_u64(st, 2, most);
    return gp_store_done(s, st);
}

bool gp_suppression_end(struct gp_store *s, uint64_t now_ms, size_t most)
{
    return prune(s, end_rows, now_ms, most);
}

bool gp_failure_note(struct gp_store *s, struct gp_str address, struct gp_str agency, struct gp_failure f)
{
    sqlite3_stmt *st = gp_store_statement(s, note_failure);
    char letter[1] = {gp_category_letter(f.category)};
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    gp_bind_u64(st, 3, f.day);
    gp_bind_str(st, 4, (struct gp_str){letter, 1});
    return gp_store_done(s, st);
}

bool gp_failure_read(struct gp_store *s, struct gp_str address, struct gp_str agency, uint32_t from,
                     struct gp_failure out[GP_FAILURES_READ_MAX], size_t *n)
{
    sqlite3_stmt *st = gp_store_statement(s, read_failures);
    bool good = true;
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    gp_bind_u64(st, 3, from);
    gp_bind_u64(st, 4, GP_FAILURES_READ_MAX);
    for (*n = 0; gp_store_next(s, st, &good);) {
        struct gp_failure f = {.day = (uint32_t)gp_column_u64(st, 0)};
        if (gp_category_of_letter(gp_column_str(st, 1), &f.category))
            out[(*n)++] = f;
    }
    return good;
}

bool gp_failure_forget(struct gp_store *s, struct gp_str address, struct gp_str agency, uint32_t until, bool *had)
{
    sqlite3_stmt *st = gp_store_statement(s, forget_failures);
    gp_bind_str(st, 1, address);
    gp_bind_str(st, 2, agency);
    gp_bind_u64(st, 3, until);
    bool good = gp_store_done(s, st);
    *had = good && sqlite3_changes(s->db) > 0;
    return good;
}

bool gp_failure_prune(struct gp_store *s, uint32_t before, size_t most)
{
    return prune(s, prune_failures, before, most);
}

bool gp_counted_once(struct gp_store *s, struct gp_str token, struct gp_str class_name, uint32_t day, bool *first)
{
    sqlite3_stmt *st = gp_store_statement(s, count_once);
    gp_bind_str(st, 1, token);
    gp_bind_str(st, 2, class_name);
    gp_bind_u64(st, 3, day);
    bool good = gp_store_done(s, st);
    *first = good && sqlite3_changes(s->db) > 0;
    return good;
}

bool gp_counted_prune(struct gp_store *s, uint32_t before, size_t most)
{
    return prune(s, prune_counted, before, most);
}
