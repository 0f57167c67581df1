/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_position.c - how far the mail log was read
 */
#include "feedback/log_position.h"

#include "shared/store_sqlite.h"

static const char get[] = "SELECT source, name, inode, position, mark, mark_n, read_ms FROM log_position";
static const char put[] =
    "INSERT OR REPLACE INTO log_position (id, source, name, inode, position, mark, mark_n, read_ms)"
    " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";

bool gp_log_position_get(struct gp_store *s, const char *source, struct gp_log_position *out, bool *any, bool *same)
{
    sqlite3_stmt *st = gp_store_statement(s, get);
    bool good = true;
    *any = *same = false;
    if (gp_store_next(s, st, &good)) {
        *any = true;
        *same = gp_str_eq(gp_column_str(st, 0), gp_str_z(source));
        gp_column_copy(st, 1, out->name, sizeof out->name);
        out->inode = gp_column_u64(st, 2);
        out->offset = gp_column_u64(st, 3);
        out->mark = gp_column_u64(st, 4);
        out->mark_n = gp_column_u64(st, 5);
        out->read_ms = gp_column_u64(st, 6);
        gp_store_enough(st);
    }
    return good;
}

bool gp_log_position_put(struct gp_store *s, const char *source, const struct gp_log_position *p)
{
    sqlite3_stmt *st = gp_store_statement(s, put);
    gp_bind_str(st, 1, gp_str_z(source));
    gp_bind_str(st, 2, gp_str_z(p->name));
    gp_bind_u64(st, 3, p->inode);
    gp_bind_u64(st, 4, p->offset);
    gp_bind_u64(st, 5, p->mark);
    gp_bind_u64(st, 6, p->mark_n);
    gp_bind_u64(st, 7, p->read_ms);
    return gp_store_done(s, st);
}
