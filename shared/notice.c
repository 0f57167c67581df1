/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notice.c - what an agency's contact is to be told, kept until it was delivered
 */
#include "shared/notice.h"

#include "shared/store_sqlite.h"

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
    sqlite3_bind_text(st, at, text == NULL ? "" : text, -1, SQLITE_STATIC);
}

static void bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static bool forget_old(struct gp_store *s, uint32_t today)
{
    bind_u64(s->st[GP_ST_NOTICE_FORGET], 1, today < GP_NOTICE_KEPT_DAYS ? 0 : today - GP_NOTICE_KEPT_DAYS);
    return gp_store_run(s, GP_ST_NOTICE_FORGET);
}

bool gp_notice_add(struct gp_store *s, const struct gp_notice *n, bool *added)
{
    sqlite3_stmt *st = s->st[GP_ST_NOTICE_ADD];
    *added = false;
    if (!gp_store_begin(s))
        return false;
    bind_text(st, 1, n->agency);
    bind_text(st, 2, n->kind);
    bind_text(st, 3, n->key);
    bind_u64(st, 4, n->day);
    bind_u64(st, 5, n->created_ms);
    bind_text(st, 6, n->subject);
    bind_text(st, 7, n->body);
    bool good = gp_store_run(s, GP_ST_NOTICE_ADD);
    bool fresh = good && sqlite3_changes(s->db) > 0;
    if (!good || !forget_old(s, n->day)) {
        gp_store_rollback(s);
        return false;
    }
    good = gp_store_commit(s);
    *added = good && fresh;
    return good;
}

static const char *text_at(sqlite3_stmt *st, int at)
{
    const char *text = (const char *)sqlite3_column_text(st, at);
    return text == NULL ? "" : text;
}

bool gp_notices_unsent(struct gp_store *s, size_t most, gp_notice_fn *each, void *arg)
{
    sqlite3_stmt *st = s->st[GP_ST_NOTICES_UNSENT];
    int rc;
    bind_u64(st, 1, most);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct gp_notice n = {.id = sqlite3_column_int64(st, 0),
                                    .agency = text_at(st, 1),
                                    .kind = text_at(st, 2),
                                    .key = text_at(st, 3),
                                    .day = (uint32_t)sqlite3_column_int64(st, 4),
                                    .created_ms = (uint64_t)sqlite3_column_int64(st, 5),
                                    .subject = text_at(st, 6),
                                    .body = text_at(st, 7)};
        each(arg, &n);
    }
    bool good = rc == SQLITE_DONE || gp_store_fail(s);
    sqlite3_reset(st);
    return good;
}

bool gp_notice_sent(struct gp_store *s, int64_t id, uint64_t now_ms)
{
    sqlite3_bind_int64(s->st[GP_ST_NOTICE_SENT], 1, id);
    bind_u64(s->st[GP_ST_NOTICE_SENT], 2, now_ms);
    return gp_store_run(s, GP_ST_NOTICE_SENT);
}
