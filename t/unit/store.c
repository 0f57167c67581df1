/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store.c - the database: blocks, journal, counts, test windows, several writers, files as they should be
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/gatepost-unit-XXXXXX");
    if (mkdtemp(dir) == NULL || (geteuid() == 0 && chown(dir, 65534, 65533) != 0))
        return -1;
    snprintf(path, sizeof path, "%s/gatepost.db", dir);
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    return rmdir(dir);
}

static struct gp_store *open_store(void)
{
    char why[256];
    struct gp_store *s = gp_store_open(path, why);
    if (s == NULL)
        fail_msg("%s", why);
    return s;
}

static struct gp_change change_of(const char *verb, const char *what, uint64_t when_ms)
{
    return (struct gp_change){.who = "root", .verb = verb, .what = what, .why = "ticket 1", .when_ms = when_ms};
}

/* The journal as one line, newest first: "verb what;..." */
static void keep(void *arg, const struct gp_change *c)
{
    struct gp_buf *b = arg;
    gp_buf_printf(b, "%s %s;", c->verb, c->what);
    assert_string_equal(c->who, "root");
    assert_string_equal(c->why, "ticket 1");
}

static void expect_history(struct gp_store *s, size_t most, const char *expect)
{
    char text[256];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    assert_true(gp_store_history(s, most, keep, &b));
    assert_string_equal(text, expect);
}

static void test_blocks(void **state)
{
    struct gp_store *s = open_store();
    struct gp_blocks b;
    struct gp_change c;
    bool had;
    (void)state;
    assert_true(gp_store_blocks(s, &b));
    assert_int_equal(b.n, 0);
    assert_null(gp_blocks_find(&b, GP_STR("dol")));
    for (int i = 0; i < 40; i++) {
        char target[64];
        snprintf(target, sizeof target, "192.0.2.%d", i);
        c = change_of("block", target, (uint64_t)i);
        assert_true(gp_store_block(s, target, &c));
    }
    c = change_of("block", "dol", 100);
    assert_true(gp_store_block(s, "dol", &c));
    c.why = "another reason";
    c.when_ms = 200;
    assert_true(gp_store_block(s, "dol", &c));
    gp_store_close(s);
    s = open_store();
    assert_true(gp_store_blocks(s, &b));
    assert_int_equal(b.n, 41);
    const struct gp_block *found = gp_blocks_find(&b, GP_STR("dol"));
    assert_non_null(found);
    assert_string_equal(found->reason, "another reason");
    assert_int_equal(found->since_ms, 200);
    assert_non_null(gp_blocks_find(&b, GP_STR("192.0.2.9")));
    assert_non_null(gp_blocks_find(&b, GP_STR("192.0.2.39")));
    assert_null(gp_blocks_find(&b, GP_STR("192.0.2.40")));
    assert_null(gp_blocks_find(&b, GP_STR("do")));
    gp_blocks_free(&b);
    c = change_of("unblock", "dol", 300);
    assert_true(gp_store_unblock(s, "dol", &c, &had));
    assert_true(had);
    assert_true(gp_store_unblock(s, "dol", &c, &had));
    assert_false(had);
    assert_true(gp_store_blocks(s, &b));
    assert_int_equal(b.n, 40);
    gp_blocks_free(&b);
    gp_store_close(s);
}

static void test_journal(void **state)
{
    struct gp_store *s = open_store();
    struct gp_change c = change_of("block", "dol", 1);
    bool had;
    (void)state;
    expect_history(s, 10, "");
    assert_true(gp_store_block(s, "dol", &c));
    c = change_of("limit set", "dol rate 5/1m", 2);
    assert_true(gp_store_journal(s, &c));
    c = change_of("unblock", "dol", 3);
    assert_true(gp_store_unblock(s, "dol", &c, &had));
    assert_true(gp_store_unblock(s, "dol", &c, &had)); /* nothing happened, nothing is journalled */
    expect_history(s, 10, "unblock dol;limit set dol rate 5/1m;block dol;");
    expect_history(s, 2, "unblock dol;limit set dol rate 5/1m;");
    expect_history(s, 0, "");
    gp_store_close(s);
}

static void sql(const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_no_change_without_its_journal(void **state)
{
    struct gp_store *s = open_store();
    struct gp_change c = change_of("block", "dol", 1);
    struct gp_blocks b;
    (void)state;
    sql("CREATE TRIGGER t BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    assert_false(gp_store_block(s, "dol", &c));
    assert_string_equal(gp_store_error(s), "the disk is full");
    assert_true(gp_store_blocks(s, &b));
    assert_int_equal(b.n, 0);
    sql("DROP TRIGGER t");
    assert_true(gp_store_block(s, "dol", &c));
    gp_store_close(s);
}

static void test_changed(void **state)
{
    struct gp_store *s = open_store(), *other = open_store();
    struct gp_change c = change_of("block", "dol", 1);
    (void)state;
    assert_false(gp_store_changed(s));
    assert_true(gp_store_journal(s, &c));
    assert_false(gp_store_changed(s)); /* its own */
    assert_true(gp_store_journal(other, &c));
    assert_true(gp_store_changed(s));
    assert_false(gp_store_changed(s));
    gp_store_close(other);
    gp_store_close(s);
}

static struct {
    struct gp_counts counts;
    int rows;
} package;

static void keep_package(void *arg, const char *allowance, const struct gp_counts *counts)
{
    assert_ptr_equal(arg, &package);
    assert_string_equal(allowance, "dol");
    package.counts = *counts;
    package.rows++;
}

static void test_packages(void **state)
{
    static const struct {
        const char *name;
        struct gp_counts save, is; /* day, month, and the three counts */
    } cases[] = {
        {"first", {100, 3, 5, 50, 500}, {100, 3, 5, 50, 500}},
        {"more", {100, 3, 7, 52, 502}, {100, 3, 7, 52, 502}},
        {"a smaller count of the same period", {100, 3, 6, 1, 9}, {100, 3, 7, 52, 502}},
        {"next day", {101, 3, 1, 53, 503}, {101, 3, 1, 53, 503}},
        {"a day before", {100, 3, 9, 54, 504}, {101, 3, 1, 54, 504}},
        {"next month", {102, 4, 2, 2, 505}, {102, 4, 2, 2, 505}},
        {"the clock had jumped ahead", {90, 3, 99, 98, 1}, {90, 3, 99, 98, 505}},
        {"more than the database can count", {102, 4, UINT64_MAX, 3, UINT64_MAX}, {102, 4, INT64_MAX, 3, INT64_MAX}},
    };
    struct gp_store *s = open_store();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(gp_store_begin(s));
        assert_true(gp_store_package_save(s, "dol", &cases[i].save));
        assert_true(gp_store_commit(s));
        package.rows = 0;
        assert_true(gp_store_packages(s, keep_package, &package));
        if (package.rows != 1 || memcmp(&package.counts, &cases[i].is, sizeof cases[i].is) != 0)
            fail_msg("%s: %lu %lu %lu", cases[i].name, (unsigned long)package.counts.day_count,
                     (unsigned long)package.counts.month_count, (unsigned long)package.counts.total);
        struct gp_counts one;
        assert_true(gp_store_package(s, "dol", &one));
        assert_memory_equal(&one, &cases[i].is, sizeof one);
        assert_true(gp_store_package(s, "do", &one));
        assert_int_equal(one.total, 0);
    }
    gp_store_close(s);
}

/* What Gatepost made before there were totals and test windows. */
static void test_older_schema(void **state)
{
    static const struct gp_counts before = {102, 4, 7, 52, 0}, later = {102, 4, 8, 53, 1};
    struct gp_counts counts;
    (void)state;
    sql("CREATE TABLE block (target TEXT PRIMARY KEY, reason TEXT NOT NULL, since_ms INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, when_ms INTEGER NOT NULL, who TEXT NOT NULL,"
        " verb TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL);"
        "CREATE TABLE package (agency TEXT PRIMARY KEY, day INTEGER NOT NULL, day_count INTEGER NOT NULL,"
        " month INTEGER NOT NULL, month_count INTEGER NOT NULL) WITHOUT ROWID;"
        "INSERT INTO block VALUES ('dos', 'spam', 5);"
        "INSERT INTO journal VALUES (1, 1, 'root', 'block', 'dos', 'ticket 1');"
        "INSERT INTO package VALUES ('dol', 102, 7, 4, 52);"
        "PRAGMA user_version = 1");
    for (int i = 0; i < 2; i++) {
        struct gp_store *s = open_store();
        struct gp_blocks b;
        assert_true(gp_store_blocks(s, &b));
        assert_int_equal(b.n, 1);
        gp_blocks_free(&b);
        expect_history(s, 10, "block dos;");
        assert_true(gp_store_package(s, "dol", &counts));
        assert_memory_equal(&counts, i == 0 ? &before : &later, sizeof counts);
        assert_true(gp_store_package_save(s, "dol", &later));
        gp_store_close(s);
    }
}

static void keep_test(void *arg, const struct gp_test_turn *turn)
{
    gp_buf_printf(arg, "%s %s %s %s;", turn->allowance, turn->open ? "open" : "closed", turn->what, turn->why);
}

static void expect_noted(struct gp_store *s, const char *expect)
{
    char text[256];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    assert_true(gp_store_tests(s, keep_test, &b));
    assert_string_equal(text, expect);
}

static void test_turns(void **state)
{
    const struct gp_test_turn open = {"dol:1", "what", "why", true}, shut = {"dol:1", NULL, NULL, false};
    const struct gp_change opened = change_of("test open", "dol", 1), closed = change_of("test close", "dol", 2);
    struct gp_store *s = open_store(), *other = open_store();
    (void)state;
    assert_true(gp_store_test_turn(s, &shut, &closed)); /* never noted: closed as it is */
    expect_history(s, 10, "");
    expect_noted(s, "");
    assert_true(gp_store_test_turn(s, &open, &opened));
    assert_true(gp_store_test_turn(s, &open, &opened));
    assert_true(gp_store_test_turn(other, &open, &opened)); /* nor by another process */
    expect_history(s, 10, "test open dol;");
    expect_noted(other, "dol:1 open what why;");
    assert_true(gp_store_test_turn(other, &shut, &closed));
    assert_true(gp_store_test_turn(s, &shut, &closed));
    expect_history(s, 10, "test close dol;test open dol;");
    expect_noted(s, "dol:1 closed what why;");
    assert_true(gp_store_test_turn(s, &open, &opened)); /* it may open again */
    expect_history(s, 10, "test open dol;test close dol;test open dol;");
    sql("CREATE TRIGGER t BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    assert_false(gp_store_test_turn(s, &shut, &closed));
    expect_noted(s, "dol:1 open what why;"); /* what is not journalled is not noted either */
    gp_store_close(other);
    gp_store_close(s);
}

static void expect_refused(const char *part)
{
    char why[256];
    struct gp_store *s = gp_store_open(path, why);
    assert_null(s);
    if (strstr(why, part) == NULL)
        fail_msg("said: %s", why);
}

static void test_refused_files(void **state)
{
    (void)state;
    gp_store_close(open_store());
    sql("PRAGMA user_version = 5");
    expect_refused("made by a newer Gatepost: schema 5, this program knows 4");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("This is a letter and no database, however long one reads it.", f);
    for (int i = 0; i < 1000; i++)
        fputs("0123456789", f);
    fclose(f);
    expect_refused("not a database");
    unlink(path);
    char why[256];
    assert_null(gp_store_open("/nonexistent/gatepost.db", why));
    assert_non_null(strstr(why, "cannot make /nonexistent/gatepost.db: No such file or directory"));
}

static void test_files_are_as_they_should_be(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct gp_change c = change_of("block", "dol", 1);
    mode_t mask = umask(0077);
    struct gp_store *s = open_store();
    (void)state;
    assert_true(gp_store_journal(s, &c));
    for (size_t i = 0; i < 3; i++) {
        char file[128];
        struct stat st;
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        if (geteuid() == 0) {
            assert_int_equal(st.st_uid, 65534);
            assert_int_equal(st.st_gid, 65533);
        }
    }
    gp_store_close(s);
    umask(mask);
}

#define WRITERS 8
#define ENTRIES 10

static void test_writers_wait_for_each_other(void **state)
{
    pid_t pid[WRITERS];
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            char why[256];
            struct gp_change c = change_of("block", "dol", 1);
            struct gp_store *s = gp_store_open(path, why); /* all of them make the file at once */
            bool good = s != NULL;
            for (int k = 0; good && k < ENTRIES; k++)
                good = gp_store_block(s, "dol", &c);
            if (!good)
                fprintf(stderr, "%s\n", s == NULL ? why : gp_store_error(s));
            _exit(good ? 0 : 1); /* without closing: what was said to be done must be there */
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        waitpid(pid[i], &status, 0);
        assert_int_equal(status, 0);
    }
    struct gp_store *s = open_store();
    char text[WRITERS * ENTRIES * 16];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    assert_true(gp_store_history(s, 1000, keep, &b));
    assert_int_equal(b.n, WRITERS * ENTRIES * strlen("block dol;"));
    gp_store_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_blocks),
        T(test_journal),
        T(test_no_change_without_its_journal),
        T(test_changed),
        T(test_packages),
        T(test_older_schema),
        T(test_turns),
        T(test_refused_files),
        T(test_files_are_as_they_should_be),
        T(test_writers_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
