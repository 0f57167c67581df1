/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_tables.c - what the database holds: blocks, the journal of changes, counts, test windows
 */
#include "shared/store.h"

#include "shared/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
    sqlite3_bind_text(st, at, text == NULL ? "" : text, -1, SQLITE_STATIC);
}

static void bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static const char *text_at(sqlite3_stmt *st, int at)
{
    const char *text = (const char *)sqlite3_column_text(st, at);
    return text == NULL ? "" : text;
}

static uint64_t u64_at(sqlite3_stmt *st, int at)
{
    int64_t v = sqlite3_column_int64(st, at);
    return v < 0 ? 0 : (uint64_t)v;
}

static bool blocks_push(struct gp_blocks *b, size_t *room, sqlite3_stmt *st)
{
    if (b->n == *room) {
        size_t more = *room == 0 ? 16 : *room * 2;
        struct gp_block *list = reallocarray(b->list, more, sizeof *list);
        if (list == NULL)
            return false;
        b->list = list;
        *room = more;
    }
    struct gp_block *block = &b->list[b->n++];
    snprintf(block->target, sizeof block->target, "%s", text_at(st, 0));
    snprintf(block->reason, sizeof block->reason, "%s", text_at(st, 1));
    block->since_ms = u64_at(st, 2);
    return true;
}

bool gp_store_blocks(struct gp_store *s, struct gp_blocks *out)
{
    sqlite3_stmt *st = s->st[GP_ST_BLOCKS];
    struct gp_blocks b = {0, NULL};
    size_t room = 0;
    int rc;
    bool good = true;
    while (good && (rc = sqlite3_step(st)) != SQLITE_DONE)
        good = rc == SQLITE_ROW ? blocks_push(&b, &room, st) : gp_store_fail(s);
    sqlite3_reset(st);
    if (good)
        *out = b;
    else
        gp_blocks_free(&b);
    return good;
}

void gp_blocks_free(struct gp_blocks *b)
{
    free(b->list);
    b->list = NULL;
    b->n = 0;
}

const struct gp_block *gp_blocks_find(const struct gp_blocks *b, struct gp_str target)
{
    size_t from = 0, to = b->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = gp_str_cmp(gp_str_z(b->list[middle].target), target);
        if (order == 0)
            return &b->list[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

bool gp_store_journal(struct gp_store *s, const struct gp_change *change)
{
    sqlite3_stmt *st = s->st[GP_ST_JOURNAL];
    bind_u64(st, 1, change->when_ms);
    bind_text(st, 2, change->who);
    bind_text(st, 3, change->verb);
    bind_text(st, 4, change->what);
    bind_text(st, 5, change->why);
    return gp_store_run(s, GP_ST_JOURNAL);
}

static bool finish(struct gp_store *s, bool good)
{
    if (good)
        return gp_store_commit(s);
    gp_store_rollback(s);
    return false;
}

bool gp_store_block(struct gp_store *s, const char *target, const struct gp_change *change)
{
    sqlite3_stmt *st = s->st[GP_ST_BLOCK];
    if (strlen(target) >= sizeof((struct gp_block *)NULL)->target || !gp_store_begin(s))
        return false;
    bind_text(st, 1, target);
    bind_text(st, 2, change->why);
    bind_u64(st, 3, change->when_ms);
    return finish(s, gp_store_run(s, GP_ST_BLOCK) && gp_store_journal(s, change));
}

bool gp_store_unblock(struct gp_store *s, const char *target, const struct gp_change *change, bool *had)
{
    if (!gp_store_begin(s))
        return false;
    bind_text(s->st[GP_ST_UNBLOCK], 1, target);
    bool good = gp_store_run(s, GP_ST_UNBLOCK);
    *had = good && sqlite3_changes(s->db) > 0;
    return finish(s, good && (!*had || gp_store_journal(s, change)));
}

bool gp_store_history(struct gp_store *s, size_t most, gp_store_change_fn *each, void *arg)
{
    sqlite3_stmt *st = s->st[GP_ST_HISTORY];
    int rc;
    bind_u64(st, 1, most);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct gp_change change = {.when_ms = u64_at(st, 0),
                                         .who = text_at(st, 1),
                                         .verb = text_at(st, 2),
                                         .what = text_at(st, 3),
                                         .why = text_at(st, 4)};
        each(arg, &change);
    }
    bool good = rc == SQLITE_DONE || gp_store_fail(s);
    sqlite3_reset(st);
    return good;
}

bool gp_store_package_save(struct gp_store *s, const char *allowance, const struct gp_counts *counts)
{
    sqlite3_stmt *st = s->st[GP_ST_PACKAGE_SAVE];
    bind_text(st, 1, allowance);
    bind_u64(st, 2, counts->day);
    bind_u64(st, 3, counts->day_count);
    bind_u64(st, 4, counts->month);
    bind_u64(st, 5, counts->month_count);
    bind_u64(st, 6, counts->total);
    return gp_store_run(s, GP_ST_PACKAGE_SAVE);
}

static struct gp_counts counts_at(sqlite3_stmt *st)
{
    return (struct gp_counts){.day = (uint32_t)u64_at(st, 1),
                              .day_count = u64_at(st, 2),
                              .month = (uint32_t)u64_at(st, 3),
                              .month_count = u64_at(st, 4),
                              .total = u64_at(st, 5)};
}

bool gp_store_package(struct gp_store *s, const char *allowance, struct gp_counts *out)
{
    sqlite3_stmt *st = s->st[GP_ST_PACKAGE];
    *out = (struct gp_counts){0};
    bind_text(st, 1, allowance);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = counts_at(st);
    bool good = rc == SQLITE_ROW || rc == SQLITE_DONE || gp_store_fail(s);
    sqlite3_reset(st);
    return good;
}

bool gp_store_packages(struct gp_store *s, gp_store_package_fn *each, void *arg)
{
    sqlite3_stmt *st = s->st[GP_ST_PACKAGES];
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct gp_counts counts = counts_at(st);
        each(arg, text_at(st, 0), &counts);
    }
    bool good = rc == SQLITE_DONE || gp_store_fail(s);
    sqlite3_reset(st);
    return good;
}

bool gp_store_test_turn(struct gp_store *s, const struct gp_test_turn *turn, const struct gp_change *change)
{
    enum gp_statement which = turn->open ? GP_ST_TEST_OPEN : GP_ST_TEST_CLOSE;
    if (!gp_store_begin(s))
        return false;
    bind_text(s->st[which], 1, turn->allowance);
    if (turn->open) {
        bind_text(s->st[which], 2, turn->what);
        bind_text(s->st[which], 3, turn->why);
    }
    bool good = gp_store_run(s, which);
    return finish(s, good && (sqlite3_changes(s->db) == 0 || gp_store_journal(s, change)));
}

bool gp_store_tests(struct gp_store *s, gp_store_test_fn *each, void *arg)
{
    sqlite3_stmt *st = s->st[GP_ST_TESTS];
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const struct gp_test_turn turn = {
            .allowance = text_at(st, 0), .what = text_at(st, 1), .why = text_at(st, 2), .open = u64_at(st, 3) != 0};
        each(arg, &turn);
    }
    bool good = rc == SQLITE_DONE || gp_store_fail(s);
    sqlite3_reset(st);
    return good;
}
