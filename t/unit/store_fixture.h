/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_fixture.h - a database in a folder of its own, and looks into it that its interface does not have
 *
 * One test at a time: cmocka_unit_test_setup_teardown(f, store_setup, store_teardown).
 */
#ifndef GP_T_UNIT_STORE_FIXTURE_H
#define GP_T_UNIT_STORE_FIXTURE_H

#include "shared/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char store_dir[64], store_path[96];
static struct gp_store *store;

static int store_setup(void **state)
{
    char why[256];
    (void)state;
    snprintf(store_dir, sizeof store_dir, "/tmp/gatepost-unit-XXXXXX");
    if (mkdtemp(store_dir) == NULL)
        return -1;
    snprintf(store_path, sizeof store_path, "%s/gatepost.db", store_dir);
    store = gp_store_open(store_path, why);
    if (store == NULL)
        return -1;
    return sqlite3_exec(store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL); /* no power fails in a test */
}

static int store_teardown(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    gp_store_close(store);
    store = NULL;
    for (size_t i = 0; i < 3; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s%s", store_path, ends[i]);
        unlink(file);
    }
    return rmdir(store_dir);
}

/* store_text - all rows that a query gives, as text: columns divided by a blank, rows by ';' */
static inline const char *store_text(const char *sql, char out[4096])
{
    struct gp_buf b = gp_buf_on(out, 4096);
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &st, NULL) != SQLITE_OK)
        gp_buf_putz(&b, sqlite3_errmsg(store->db));
    while (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(st); i++) {
            const char *text = (const char *)sqlite3_column_text(st, i);
            gp_buf_printf(&b, "%s%s", i > 0 ? " " : "", text != NULL ? text : "NULL");
        }
        gp_buf_putz(&b, ";");
    }
    sqlite3_finalize(st);
    return out;
}

static inline void store_exec(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(store->db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

/* store_expect - a query gives just these rows */
static inline void store_expect(const char *name, const char *sql, const char *want)
{
    char got[4096];
    if (strcmp(store_text(sql, got), want) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, got, want);
}

#endif
