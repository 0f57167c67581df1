/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_sqlite.h - the inside of struct gp_store; for store.c, store_tables.c and notice.c only
 */
#ifndef GP_SHARED_STORE_SQLITE_H
#define GP_SHARED_STORE_SQLITE_H

#include "shared/store.h"

#include <sqlite3.h>

enum gp_statement {
    GP_ST_BEGIN,
    GP_ST_COMMIT,
    GP_ST_ROLLBACK,
    GP_ST_DATA_VERSION,
    GP_ST_BLOCKS,
    GP_ST_BLOCK,
    GP_ST_UNBLOCK,
    GP_ST_JOURNAL,
    GP_ST_HISTORY,
    GP_ST_PACKAGE_SAVE,
    GP_ST_PACKAGE,
    GP_ST_PACKAGES,
    GP_ST_TEST_OPEN,
    GP_ST_TEST_CLOSE,
    GP_ST_TESTS,
    GP_ST_NOTICE_ADD,
    GP_ST_NOTICE_FORGET,
    GP_ST_NOTICES_UNSENT,
    GP_ST_NOTICE_SENT,
    GP_ST_COUNT
};

struct gp_store {
    sqlite3 *db;
    sqlite3_stmt *st[GP_ST_COUNT];
    int64_t data_version;
    char error[256]; /* the last one */
};

/* gp_store_run - step a statement that returns no rows; its bindings stay */
bool gp_store_run(struct gp_store *s, enum gp_statement which);

/* gp_store_fail - keep SQLite's text of what just failed; returns false */
bool gp_store_fail(struct gp_store *s);

/* gp_store_rollback - give up the transaction that gp_store_begin opened */
void gp_store_rollback(struct gp_store *s);

#endif
