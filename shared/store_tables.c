/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store_tables.c - what the database holds: blocks, the journal of changes, counts, test windows
 */
#include "shared/store.h"

#include "shared/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char all_blocks[] = "SELECT target, reason, since_ms FROM block ORDER BY target";
static const char add_block[] = "INSERT INTO block (target, reason, since_ms) VALUES (?1, ?2, ?3)"
                                " ON CONFLICT (target) DO UPDATE SET reason = ?2, since_ms = ?3";
static const char drop_block[] = "DELETE FROM block WHERE target = ?1";
static const char add_change[] = "INSERT INTO journal (when_ms, who, verb, what, why) VALUES (?1, ?2, ?3, ?4, ?5)";
static const char newest_changes[] = "SELECT when_ms, who, verb, what, why FROM journal ORDER BY id DESC LIMIT ?1";
static const char save_counts[] =
    "INSERT INTO package (agency, day, day_count, month, month_count, total) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (agency) DO UPDATE SET"
    " day_count = CASE WHEN ?2 > day OR day > ?2 + 1 THEN ?3 WHEN ?2 = day THEN max(day_count, ?3)"
    " ELSE day_count END,"
    " day = CASE WHEN day > ?2 + 1 THEN ?2 ELSE max(day, ?2) END,"
    " month_count = CASE WHEN ?4 > month OR day > ?2 + 1 THEN ?5 WHEN ?4 = month THEN max(month_count, ?5)"
    " ELSE month_count END,"
    " month = CASE WHEN day > ?2 + 1 THEN ?4 ELSE max(month, ?4) END, total = max(total, ?6)";
static const char counts_of[] =
    "SELECT agency, day, day_count, month, month_count, total FROM package WHERE agency = ?1";
static const char all_counts[] =
    "SELECT agency, day, day_count, month, month_count, total FROM package ORDER BY agency";
static const char open_test[] = "INSERT INTO test_window (allowance, is_open, what, why) VALUES (?1, 1, ?2, ?3)"
                                " ON CONFLICT (allowance) DO UPDATE SET is_open = 1, what = ?2, why = ?3"
                                " WHERE is_open = 0";
static const char close_test[] = "UPDATE test_window SET is_open = 0 WHERE allowance = ?1 AND is_open = 1";
static const char all_tests[] = "SELECT allowance, what, why, is_open FROM test_window ORDER BY allowance";

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
    gp_bind_str(st, at, gp_str_z(text == NULL ? "" : text));
}

static const char *text_at(sqlite3_stmt *st, int at)
{
    const char *text = gp_column_str(st, at).p;
    return text == NULL ? "" : text;
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
    block->since_ms = gp_column_u64(st, 2);
    return true;
}

bool gp_store_blocks(struct gp_store *s, struct gp_blocks *out)
{
    sqlite3_stmt *st = gp_store_statement(s, all_blocks);
    struct gp_blocks b = {0, NULL};
    size_t room = 0;
    bool good = true;
    while (good && gp_store_next(s, st, &good))
        good = blocks_push(&b, &room, st);
    gp_store_enough(st);
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
    sqlite3_stmt *st = gp_store_statement(s, add_change);
    gp_bind_u64(st, 1, change->when_ms);
    bind_text(st, 2, change->who);
    bind_text(st, 3, change->verb);
    bind_text(st, 4, change->what);
    bind_text(st, 5, change->why);
    return gp_store_done(s, st);
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
    if (strlen(target) >= sizeof((struct gp_block *)NULL)->target || !gp_store_begin(s))
        return false;
    sqlite3_stmt *st = gp_store_statement(s, add_block);
    bind_text(st, 1, target);
    bind_text(st, 2, change->why);
    gp_bind_u64(st, 3, change->when_ms);
    return finish(s, gp_store_done(s, st) && gp_store_journal(s, change));
}

bool gp_store_unblock(struct gp_store *s, const char *target, const struct gp_change *change, bool *had)
{
    if (!gp_store_begin(s))
        return false;
    sqlite3_stmt *st = gp_store_statement(s, drop_block);
    bind_text(st, 1, target);
    bool good = gp_store_done(s, st);
    *had = good && sqlite3_changes(s->db) > 0;
    return finish(s, good && (!*had || gp_store_journal(s, change)));
}

bool gp_store_history(struct gp_store *s, size_t most, gp_store_change_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, newest_changes);
    bool good = true;
    gp_bind_u64(st, 1, most);
    while (gp_store_next(s, st, &good)) {
        const struct gp_change change = {.when_ms = gp_column_u64(st, 0),
                                         .who = text_at(st, 1),
                                         .verb = text_at(st, 2),
                                         .what = text_at(st, 3),
                                         .why = text_at(st, 4)};
        each(arg, &change);
    }
    return good;
}

bool gp_store_package_save(struct gp_store *s, const char *allowance, const struct gp_counts *counts)
{
    sqlite3_stmt *st = gp_store_statement(s, save_counts);
    bind_text(st, 1, allowance);
    gp_bind_u64(st, 2, counts->day);
    gp_bind_u64(st, 3, counts->day_count);
    gp_bind_u64(st, 4, counts->month);
    gp_bind_u64(st, 5, counts->month_count);
    gp_bind_u64(st, 6, counts->total);
    return gp_store_done(s, st);
}

static struct gp_counts counts_at(sqlite3_stmt *st)
{
    return (struct gp_counts){.day = (uint32_t)gp_column_u64(st, 1),
                              .day_count = gp_column_u64(st, 2),
                              .month = (uint32_t)gp_column_u64(st, 3),
                              .month_count = gp_column_u64(st, 4),
                              .total = gp_column_u64(st, 5)};
}

bool gp_store_package(struct gp_store *s, const char *allowance, struct gp_counts *out)
{
    sqlite3_stmt *st = gp_store_statement(s, counts_of);
    *out = (struct gp_counts){0};
    bind_text(st, 1, allowance);
    bool good = true;
    if (gp_store_next(s, st, &good))
        *out = counts_at(st);
    gp_store_enough(st);
    return good;
}

bool gp_store_packages(struct gp_store *s, gp_store_package_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, all_counts);
    bool good = true;
    while (gp_store_next(s, st, &good)) {
        const struct gp_counts counts = counts_at(st);
        each(arg, text_at(st, 0), &counts);
    }
    return good;
}

bool gp_store_test_turn(struct gp_store *s, const struct gp_test_turn *turn, const struct gp_change *change)
{
    if (!gp_store_begin(s))
        return false;
    sqlite3_stmt *st = gp_store_statement(s, turn->open ? open_test : close_test);
    bind_text(st, 1, turn->allowance);
    if (turn->open) {
        bind_text(st, 2, turn->what);
        bind_text(st, 3, turn->why);
    }
    bool good = gp_store_done(s, st);
    return finish(s, good && (sqlite3_changes(s->db) == 0 || gp_store_journal(s, change)));
}

bool gp_store_tests(struct gp_store *s, gp_store_test_fn *each, void *arg)
{
    sqlite3_stmt *st = gp_store_statement(s, all_tests);
    bool good = true;
    while (gp_store_next(s, st, &good)) {
        const struct gp_test_turn turn = {.allowance = text_at(st, 0),
                                          .what = text_at(st, 1),
                                          .why = text_at(st, 2),
                                          .open = gp_column_u64(st, 3) != 0};
        each(arg, &turn);
    }
    return good;
}
