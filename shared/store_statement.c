/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_statement.c - prepared statements, made when they are first needed
 */
#include "shared/store_sqlite.h"

#include <stdio.h>

sqlite3_stmt *gp_store_statement(struct gp_store *s, const char *sql)
{
    for (size_t i = 0; i < s->kept_n; i++) {
        if (s->kept[i].sql == sql) {
            sqlite3_reset(s->kept[i].st);
            return s->kept[i].st;
        }
    }
    sqlite3_stmt *st = NULL;
    if (s->kept_n == GP_STORE_STATEMENTS_MAX) {
        snprintf(s->error, sizeof s->error, "more statements than there is room for");
        return NULL;
    }
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        gp_store_fail(s);
        return NULL;
    }
    s->kept[s->kept_n++] = (struct gp_kept_statement){sql, st};
    return st;
}

bool gp_store_done(struct gp_store *s, sqlite3_stmt *st)
{
    if (st == NULL)
        return false;
    bool good = sqlite3_step(st) == SQLITE_DONE || gp_store_fail(s);
    gp_store_enough(st);
    return good;
}

bool gp_store_next(struct gp_store *s, sqlite3_stmt *st, bool *good)
{
    int rc = st == NULL ? SQLITE_MISUSE : sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE) {
        *good = false;
        if (st != NULL)
            gp_store_fail(s);
    }
    gp_store_enough(st);
    return false;
}

void gp_store_enough(sqlite3_stmt *st)
{
    if (st == NULL)
        return;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

void gp_bind_str(sqlite3_stmt *st, int at, struct gp_str text)
{
    if (st != NULL)
        sqlite3_bind_text64(st, at, text.p == NULL ? "" : text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
}

void gp_bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    if (st != NULL)
        sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

struct gp_str gp_column_str(sqlite3_stmt *st, int at)
{
    const char *text = (const char *)sqlite3_column_text(st, at);
    return (struct gp_str){text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(st, at)};
}

uint64_t gp_column_u64(sqlite3_stmt *st, int at)
{
    int64_t v = sqlite3_column_int64(st, at);
    return v < 0 ? 0 : (uint64_t)v;
}

void gp_column_copy(sqlite3_stmt *st, int at, char *out, size_t cap)
{
    struct gp_buf b = gp_buf_on(out, cap);
    gp_buf_put(&b, gp_column_str(st, at));
}
