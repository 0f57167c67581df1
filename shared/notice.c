/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notice.c - what an agency's contact is to be told, kept until it was delivered
 */
#include "shared/notice.h"

#include "shared/store_sqlite.h"

static const char add[] = "INSERT INTO notice (agency, kind, key, day, created_ms, subject, body, sent_ms)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT (agency, kind, key, day) DO NOTHING";
static const char forget[] = "DELETE FROM notice WHERE day < ?1";
static const char unsent[] = "SELECT id, agency, kind, key, day, created_ms, subject, body FROM notice"
                             " WHERE sent_ms = 0 ORDER BY id LIMIT ?1";
static const char sent[] = "UPDATE notice SET sent_ms = ?2 WHERE id = ?1";

bool gp_notice_add(struct gp_store *s, const struct gp_notice *n, bool *added)
{
    sqlite3_stmt *st = gp_store_statement(s, forget);
    gp_bind_u64(st, 1, n->day > GP_NOTICE_KEPT_DAYS ? n->day - GP_NOTICE_KEPT_DAYS : 0);
    *added = false;
    if (!gp_store_done(s, st))
        return false;
    st = gp_store_statement(s, add);
    gp_bind_str(st, 1, gp_str_z(n->agency));
    gp_bind_str(st, 2, gp_str_z(n->kind));
    gp_bind_str(st, 3, gp_str_z(n->key));
    gp_bind_u64(st, 4, n->day);
    gp_bind_u64(st, 5, n->created_ms);
    gp_bind_str(st, 6, gp_str_z(n->subject));
    gp_bind_str(st, 7, gp_str_z(n->body));
    bool good = gp_store_done(s, st);
    *added = good && sqlite3_changes(s->db) > 0;
    return good;
}

static const char *text(sqlite3_stmt *st, int at)
{
    const char *z = (const char *)sqlite3_column_text(st, at);
    return z != NULL ? z : "";
}

bool gp_notices_unsent(struct gp_store *s, size_t most, gp_notice_fn *each, void *arg)
{
    bool good = true;
    sqlite3_stmt *st = gp_store_statement(s, unsent);
    gp_bind_u64(st, 1, most);
    while (gp_store_next(s, st, &good)) {
        const struct gp_notice n = {.id = sqlite3_column_int64(st, 0),
                                    .agency = text(st, 1),
                                    .kind = text(st, 2),
                                    .key = text(st, 3),
                                    .day = (uint32_t)gp_column_u64(st, 4),
                                    .created_ms = gp_column_u64(st, 5),
                                    .subject = text(st, 6),
                                    .body = text(st, 7)};
        each(arg, &n);
    }
    return good;
}

bool gp_notice_sent(struct gp_store *s, int64_t id, uint64_t now_ms)
{
    sqlite3_stmt *st = gp_store_statement(s, sent);
    gp_bind_u64(st, 1, (uint64_t)id);
    gp_bind_u64(st, 2, now_ms);
    return gp_store_done(s, st);
}
