/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression_reader.c - may this address be mailed now?
 */
#include "shared/suppression_reader.h"

#include "shared/address.h"
#include "shared/store_sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_PAGES "-4000" /* KiB of one handle: the upper levels of a table of millions stay in it */

static const char find_rows[] =
    "SELECT agency, scope, reason, step, since_ms, retest_ms, until_ms, why, evidence FROM suppression"
    " WHERE address = ?1 AND agency IN (?2, '')";

struct handle {
    pthread_mutex_t lock;
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *find;
};

struct gp_suppression_reader {
    char *path;
    _Atomic unsigned turn;
    struct handle handle[GP_SUPPRESSION_HANDLES];
};

struct gp_suppression_reader *gp_suppression_reader_new(const char *path)
{
    struct gp_suppression_reader *r = calloc(1, sizeof *r);
    if (r == NULL || (r->path = strdup(path)) == NULL) {
        free(r);
        return NULL;
    }
    for (size_t i = 0; i < GP_SUPPRESSION_HANDLES; i++)
        pthread_mutex_init(&r->handle[i].lock, NULL);
    return r;
}

static void do_close(struct handle *h)
{
    sqlite3_finalize(h->find);
    sqlite3_close(h->db);
    h->find = NULL;
    h->db = NULL;
}

void gp_suppression_reader_free(struct gp_suppression_reader *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < GP_SUPPRESSION_HANDLES; i++) {
        do_close(&r->handle[i]);
        pthread_mutex_destroy(&r->handle[i].lock);
    }
    free(r->path);
    free(r);
}

/* A handle that nobody holds, if there is one; else the next one's turn is waited for. */
static struct handle *handle_take(struct gp_suppression_reader *r)
{
    unsigned turn = atomic_fetch_add(&r->turn, 1);
    for (unsigned i = 0; i < GP_SUPPRESSION_HANDLES; i++) {
        if (pthread_mutex_trylock(&r->handle[i].lock) == 0)
            return &r->handle[i];
    }
    struct handle *h = &r->handle[turn % GP_SUPPRESSION_HANDLES];
    pthread_mutex_lock(&h->lock);
    return h;
}

/* Is there the table? Whoever made the file may be of a version that knew none. */
static bool do_has_table(struct handle *h, bool *has)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(h->db, "SELECT 1 FROM sqlite_schema WHERE name = 'suppression'", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    *has = rc == SQLITE_ROW;
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* Returns NONE when there is nothing to read yet, HOLDS when the handle is ready. */
static enum gp_suppression_answer do_open(struct handle *h, const char *path)
{
    bool has = false;
    if (h->find != NULL)
        return GP_SUPPRESSION_HOLDS;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return GP_SUPPRESSION_NONE;
    if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(h->db, 0) != SQLITE_OK ||
        sqlite3_exec(h->db, "PRAGMA cache_size = " CACHE_PAGES, NULL, NULL, NULL) != SQLITE_OK ||
        !do_has_table(h, &has))
        return GP_SUPPRESSION_UNKNOWN;
    if (!has) {
        do_close(h);
        return GP_SUPPRESSION_NONE;
    }
    if (sqlite3_prepare_v3(h->db, find_rows, -1, SQLITE_PREPARE_PERSISTENT, &h->find, NULL) != SQLITE_OK)
        return GP_SUPPRESSION_UNKNOWN;
    return GP_SUPPRESSION_HOLDS;
}

static void read_row(sqlite3_stmt *st, struct gp_str address, struct gp_suppression *row)
{
    struct gp_buf b = gp_buf_on(row->address, sizeof row->address);
    uint64_t reason = gp_column_u64(st, 2);
    gp_buf_put(&b, address);
    gp_column_copy(st, 0, row->agency, sizeof row->agency);
    gp_column_copy(st, 1, row->scope, sizeof row->scope);
    row->reason = reason < GP_SUPPRESSION_REASONS ? (enum gp_suppression_reason)reason : GP_SUPPRESSED_MANUAL;
    row->step = (unsigned)gp_column_u64(st, 3);
    row->since_ms = gp_column_u64(st, 4);
    row->retest_ms = gp_column_u64(st, 5);
    row->until_ms = gp_column_u64(st, 6);
    gp_column_copy(st, 7, row->why, sizeof row->why);
    gp_column_copy(st, 8, row->evidence, sizeof row->evidence);
}

static bool applies(const struct gp_suppression_question *q, const struct gp_suppression *row)
{
    const struct gp_str scope = gp_str_z(row->scope);
    bool all = gp_str_eq(scope, GP_STR(GP_SCOPE_ALL));
    if (q->part != GP_SUPPRESSION_WHOLE && all != (q->part == GP_SUPPRESSION_ANY_STREAM))
        return false;
    return gp_suppression_holds(scope, q->stream) && !gp_suppression_ended(row, q->now_ms);
}

/* A row that holds and is not due refuses, whatever the others say. */
static enum gp_suppression_answer do_look(struct handle *h, const struct gp_suppression_question *q,
                                          struct gp_str address, struct gp_suppression *row)
{
    enum gp_suppression_answer answer = GP_SUPPRESSION_NONE;
    int rc = SQLITE_DONE;
    sqlite3_bind_text64(h->find, 1, address.p, address.n, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(h->find, 2, q->agency.p, q->agency.n, SQLITE_STATIC, SQLITE_UTF8);
    while (answer != GP_SUPPRESSION_HOLDS && (rc = sqlite3_step(h->find)) == SQLITE_ROW) {
        struct gp_suppression next;
        read_row(h->find, address, &next);
        if (!applies(q, &next))
            continue;
        answer = gp_suppression_due(&next, q->now_ms) ? GP_SUPPRESSION_RETEST : GP_SUPPRESSION_HOLDS;
        *row = next;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        answer = GP_SUPPRESSION_UNKNOWN;
    return answer;
}

enum gp_suppression_answer gp_suppression_look(struct gp_suppression_reader *r, const struct gp_suppression_question *q,
                                               struct gp_suppression *row, char why[128])
{
    char lower[GP_ADDRESS_MAX + 1];
    struct gp_buf address = gp_buf_on(lower, sizeof lower);
    gp_buf_put_lower(&address, q->address);
    if (address.full || address.n == 0)
        return GP_SUPPRESSION_NONE; /* no row is of such an address */
    struct handle *h = handle_take(r);
    enum gp_suppression_answer answer = do_open(h, r->path);
    if (answer == GP_SUPPRESSION_HOLDS) {
        answer = do_look(h, q, gp_buf_str(&address), row);
        if (answer == GP_SUPPRESSION_UNKNOWN)
            snprintf(why, 128, "%.120s", sqlite3_errmsg(h->db)); /* before the reset, which may say something else */
        sqlite3_reset(h->find);
    } else if (answer == GP_SUPPRESSION_UNKNOWN) {
        snprintf(why, 128, "%.120s", h->db != NULL ? sqlite3_errmsg(h->db) : "out of memory");
    }
    if (answer == GP_SUPPRESSION_UNKNOWN)
        do_close(h); /* the next one tries from the start */
    pthread_mutex_unlock(&h->lock);
    return answer;
}
