/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_sqlite.h - the inside of struct gp_store; only for the files that hold what a table means
 */
#ifndef GP_SHARED_STORE_SQLITE_H
#define GP_SHARED_STORE_SQLITE_H

#include "shared/store.h"

#include <sqlite3.h>

#define GP_STORE_STATEMENTS_MAX 128

struct gp_store {
    sqlite3 *db;
    int64_t data_version;
    char error[256]; /* the last one */
    bool refused;    /* it was about what was to be written, not about the database */
    size_t kept_n;   /* statements made when they were first needed */
    struct gp_kept_statement {
        const char *sql;
        sqlite3_stmt *st;
    } kept[GP_STORE_STATEMENTS_MAX];
};

/* gp_store_statement - the prepared statement of this text, made at the first call, ready for its bindings
 * The text is told by its address: a static constant, one for each statement. Returns NULL on error: the functions
 * below and SQLite's bindings take that, so only the last of them needs to be looked at.
 */
sqlite3_stmt *gp_store_statement(struct gp_store *s, const char *sql);

/* gp_store_done - step a statement that returns no rows, then forget its bindings */
bool gp_store_done(struct gp_store *s, sqlite3_stmt *st);

/* gp_store_next - step a statement that returns rows: true, there is one; false, it ended (and was reset) or failed
 * *good is only ever made false. Who stops before the end calls gp_store_enough.
 */
bool gp_store_next(struct gp_store *s, sqlite3_stmt *st, bool *good);
void gp_store_enough(sqlite3_stmt *st);

/* Bindings and columns. A bound view must live until the statement was stepped to its end; the view of a column lives
 * until the next step. Numbers beyond what SQLite can hold are cut.
 */
void gp_bind_str(sqlite3_stmt *st, int at, struct gp_str text);
void gp_bind_u64(sqlite3_stmt *st, int at, uint64_t v);
struct gp_str gp_column_str(sqlite3_stmt *st, int at);
uint64_t gp_column_u64(sqlite3_stmt *st, int at);
/* gp_column_copy - as a NUL-terminated text, cut where it does not fit */
void gp_column_copy(sqlite3_stmt *st, int at, char *out, size_t cap);

/* gp_store_fail - keep SQLite's text of what just failed; returns false */
bool gp_store_fail(struct gp_store *s);

#endif
