/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_tail.c - following one file: lines that are not whole, too long, or odd; places that are gone on from
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/tail_fixture.h"

#include <stdlib.h>

static void test_lines(void **state)
{
    struct gp_log_position at;
    (void)state;
    tail_start(NULL);
    EXPECT("");
    assert_false(gp_tail_position(tail, &at));
    tail_say("mail.log", "a\nb\r\n\nc");
    EXPECT("a b  ");
    EXPECT("");
    tail_say("mail.log", "c");
    EXPECT("");
    tail_say("mail.log", "c\nd\n");
    EXPECT("ccc d ");
}

static void test_goes_on(void **state)
{
    struct gp_log_position at;
    (void)state;
    tail_say("mail.log", "a\nb\nc");
    tail_start(NULL);
    EXPECT("a b ");
    at = tail_stop();
    assert_int_equal(at.offset, 4);
    tail_say("mail.log", "c\nd\n");
    tail_start(&at);
    EXPECT("cc d ");
}

static void test_each_place(void **state)
{
    static const char text[] = "one\n2\n\nfour four four\n5\n";
    struct gp_log_position at;
    struct gp_str line;
    char got[128];
    (void)state;
    tail_say("mail.log", text);
    for (int after = 1; after <= 5; after++) {
        struct gp_buf b = gp_buf_on(got, sizeof got);
        tail_start(NULL);
        for (int i = 0; i < after; i++) {
            assert_true(gp_tail_next(tail, &line));
            gp_buf_put(&b, line);
            gp_buf_putz(&b, "\n");
        }
        at = tail_stop();
        tail_start(&at);
        while (gp_tail_next(tail, &line)) {
            gp_buf_put(&b, line);
            gp_buf_putz(&b, "\n");
        }
        tail_stop();
        assert_string_equal(got, text);
    }
}

static void test_at_its_end(void **state)
{
    struct gp_log_position at;
    (void)state;
    tail_say("mail.log", "a\nb\nc");
    tail = gp_tail_open(tail_path("mail.log"), NULL, true);
    EXPECT("");
    at = tail_stop();
    assert_int_equal(at.offset, 5);
    tail_start(&at);
    tail_say("mail.log", "c\nd\n");
    EXPECT("d "); /* a line that began before is not whole */
}

static char *repeated(char c, size_t n, const char *after)
{
    char *text = malloc(n + strlen(after) + 1);
    assert_non_null(text);
    memset(text, c, n);
    memcpy(text + n, after, strlen(after) + 1);
    return text;
}

static void test_too_long(void **state)
{
    char *just = repeated('x', GP_LOG_LINE_MAX, "\n"), *over = repeated('x', GP_LOG_LINE_MAX + 1, "\n");
    char *open_end = repeated('x', 100000, "");
    struct gp_log_position at;
    struct gp_str line;
    (void)state;
    tail_say("mail.log", just);
    tail_start(NULL);
    assert_true(gp_tail_next(tail, &line));
    assert_int_equal(line.n, GP_LOG_LINE_MAX);
    tail_say("mail.log", over);
    tail_say("mail.log", "a\n");
    EXPECT("a ");
    for (int i = 0; i < 10; i++) {
        tail_say("mail.log", open_end);
        EXPECT("");
    }
    at = tail_stop();
    tail_say("mail.log", "Nov 21 01:33:04 relay postfix/qmgr[1]: ABCDEF: removed\nb\n");
    tail_start(&at);
    EXPECT("b "); /* what follows within it is no line either */
    free(just);
    free(over);
    free(open_end);
}

static void test_many(void **state)
{
    char text[64];
    struct gp_str line;
    (void)state;
    int fd = open(tail_path("mail.log"), O_WRONLY | O_CREAT | O_APPEND, 0644);
    FILE *f = fdopen(fd, "a");
    assert_non_null(f);
    for (int i = 0; i < 100000; i++)
        fprintf(f, "line number %d\n", i);
    fclose(f);
    tail_start(NULL);
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "line number %d", i);
        assert_true(gp_tail_next(tail, &line));
        assert_true(gp_str_eq(line, gp_str_z(text)));
    }
    EXPECT("");
}

/* A writer that does not append leaves a hole where the file was emptied. */
static void test_a_hole(void **state)
{
    (void)state;
    int fd = open(tail_path("mail.log"), O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "a\nb\n", 4), 4);
    tail_start(NULL);
    EXPECT("a b ");
    tail_truncate("mail.log");
    assert_int_equal(write(fd, "c\nd\n", 4), 4);
    EXPECT("c d ");
    struct gp_log_position at = tail_stop();
    assert_int_equal(write(fd, "e\n", 2), 2);
    close(fd);
    tail_start(&at);
    EXPECT("e ");
}

static void test_no_file_at_all(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tail_path("mail.log"), 0755), 0);
    tail_start(NULL);
    EXPECT("");
    assert_int_equal(rmdir(tail_path("mail.log")), 0);
    assert_int_equal(mkfifo(tail_path("mail.log"), 0644), 0);
    EXPECT("");
    tail_remove("mail.log");
    tail_say("mail.log", "a\n");
    EXPECT("a ");
}

/* A database may hold anything. */
static void test_places_that_cannot_be(void **state)
{
    const struct gp_log_position odd[] = {
        {.offset = INT64_MAX, .mark_n = GP_LOG_MARK},
        {.offset = 3, .mark_n = 256},
        {.offset = 900, .mark_n = INT64_MAX},
        {.offset = 900, .mark_n = 900},
        {.offset = 0, .mark_n = 1},
        {.offset = 2, .mark_n = 2, .mark = 1},
        {.inode = 1},
    };
    char *text = repeated('x', 1000, "\nb\n"), *lines = repeated('x', 1000, " b ");
    (void)state;
    tail_say("mail.log", text);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct gp_log_position at = odd[i];
        tail_start(&at); /* no name: its folder cannot be searched */
        EXPECT(lines);
        tail_stop();
        at = odd[i];
        snprintf(at.name, sizeof at.name, "%s", tail_path("mail.log"));
        tail_start(&at);
        EXPECT(lines);
        tail_stop();
    }
    free(text);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_goes_on, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_each_place, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_at_its_end, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_too_long, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_many, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_a_hole, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_no_file_at_all, tail_setup, tail_teardown),
        cmocka_unit_test_setup_teardown(test_places_that_cannot_be, tail_setup, tail_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
