/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_queue.c - messages of ours in Postfix's queue
 */
#include "feedback/log_queue.h"

#include "shared/store_sqlite.h"

static const char get[] = "SELECT token, agency, day, recipient, host, status, text FROM queued WHERE id = ?1";
static const char put[] = "INSERT OR REPLACE INTO queued (id, token, agency, day, recipient, host, status, text)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char drop[] = "DELETE FROM queued WHERE id = ?1";
static const char prune[] = "DELETE FROM queued WHERE id IN (SELECT id FROM queued WHERE day < ?1 LIMIT ?2)";

bool gp_queued_get(struct gp_store *s, const char *key, struct gp_queued *out, bool *found)
{
    sqlite3_stmt *st = gp_store_statement(s, get);
    struct gp_buf b = gp_buf_on(out->key, sizeof out->key);
    bool good = true;
    gp_buf_putz(&b, key);
    gp_bind_str(st, 1, gp_str_z(key));
    *found = gp_store_next(s, st, &good);
    if (!*found)
        return good;
    gp_column_copy(st, 0, out->token, sizeof out->token);
    gp_column_copy(st, 1, out->agency, sizeof out->agency);
    out->day = gp_column_u64(st, 2);
    gp_column_copy(st, 3, out->recipient, sizeof out->recipient);
    gp_column_copy(st, 4, out->host, sizeof out->host);
    gp_column_copy(st, 5, out->status, sizeof out->status);
    gp_column_copy(st, 6, out->text, sizeof out->text);
    gp_store_enough(st);
    return good;
}

bool gp_queued_put(struct gp_store *s, const struct gp_queued *q)
{
    sqlite3_stmt *st = gp_store_statement(s, put);
    gp_bind_str(st, 1, gp_str_z(q->key));
    gp_bind_str(st, 2, gp_str_z(q->token));
    gp_bind_str(st, 3, gp_str_z(q->agency));
    gp_bind_u64(st, 4, q->day);
    gp_bind_str(st, 5, gp_str_z(q->recipient));
    gp_bind_str(st, 6, gp_str_z(q->host));
    gp_bind_str(st, 7, gp_str_z(q->status));
    gp_bind_str(st, 8, gp_str_z(q->text));
    return gp_store_done(s, st);
}

bool gp_queued_drop(struct gp_store *s, const char *key, bool *had)
{
    sqlite3_stmt *st = gp_store_statement(s, drop);
    gp_bind_str(st, 1, gp_str_z(key));
    bool good = gp_store_done(s, st);
    *had = good && sqlite3_changes(s->db) > 0;
    return good;
}

bool gp_queued_prune(struct gp_store *s, uint64_t day, size_t most)
{
    sqlite3_stmt *st = gp_store_statement(s, prune);
    gp_bind_u64(st, 1, day);
    gp_bind_u64(st, 2, most);
    return gp_store_done(s, st);
}
