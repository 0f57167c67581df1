/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_rotation.c - following a log through every kind of rotation, while it is read and while it is not
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/log_rotation.h"
#include "t/unit/tail_fixture.h"

#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_order(void **state)
{
    static const char *const names[] = {"mail.log.10",       "mail.log.9.gz",     "mail.log.1",
                                        "mail.log-20261120", "mail.log-20261121", "mail.log.20261121-090000",
                                        "mail.log"};
    size_t n;
    (void)state;
    for (size_t i = COUNT(names); i > 0; i--)
        tail_say(names[i - 1], "");
    tail_say("mail.err", "");
    tail_say("other", "");
    struct gp_rotated *list = gp_rotation_list(tail_path("mail.log"), &n);
    assert_int_equal(n, COUNT(names));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(list[i].name, names[i]);
    assert_true(list[n - 1].live && list[1].packed);
    free(list);
    assert_null(gp_rotation_list(tail_path("no/mail.log"), &n));
    assert_null(gp_rotation_list("", &n));
}

/* Who writes goes on in the old file for a while: logrotate, then rsyslog. */
static void test_renamed(void **state)
{
    (void)state;
    tail_say("mail.log", "a\n");
    tail_start(NULL);
    EXPECT("a ");
    tail_rename("mail.log", "mail.log.1");
    tail_say("mail.log.1", "b\n");
    EXPECT("b ");
    tail_say("mail.log", "");
    tail_say("mail.log.1", "c\n");
    EXPECT("c ");
    tail_say("mail.log.1", "d\n");
    tail_say("mail.log", "e\n");
    EXPECT("d e ");
    tail_say("mail.log", "f\n");
    EXPECT("f ");
    tail_rename("mail.log.1", "mail.log.2");
    tail_rename("mail.log", "mail.log.1");
    tail_say("mail.log", "g\n");
    EXPECT("g ");
}

static void test_the_last_line_has_no_end(void **state)
{
    (void)state;
    tail_say("mail.log", "a\nb");
    tail_start(NULL);
    EXPECT("a ");
    tail_rename("mail.log", "mail.log.1");
    EXPECT("");
    tail_say("mail.log", "c\n");
    EXPECT("b c ");
}

static void test_compressed_at_once(void **state)
{
    (void)state;
    tail_say("mail.log", "a\n");
    tail_start(NULL);
    EXPECT("a ");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log.20261121-090000");
    tail_say("mail.log.20261121-090000.gz", "packed");
    tail_remove("mail.log.20261121-090000");
    tail_say("mail.log", "c\n");
    EXPECT("b c ");
}

static void test_copied_and_emptied(void **state)
{
    (void)state;
    tail_say("mail.log", "a\nb\n");
    tail_start(NULL);
    EXPECT("a b ");
    tail_say("mail.log", "c\n");
    tail_copy("mail.log", "mail.log.1");
    tail_truncate("mail.log");
    EXPECT("c ");
    tail_say("mail.log", "d\n");
    EXPECT("d ");
    tail_rename("mail.log.1", "mail.log.2");
    tail_copy("mail.log", "mail.log.1");
    tail_truncate("mail.log");
    tail_say("mail.log", "e\nf\ng\nh\n"); /* longer than it was */
    EXPECT("e f g h ");
}

static void test_emptied(void **state)
{
    (void)state;
    tail_say("mail.log", "a\nb\n");
    tail_start(NULL);
    EXPECT("a b ");
    tail_truncate("mail.log");
    EXPECT("");
    tail_say("mail.log", "c\n");
    EXPECT("c ");
    tail_truncate("mail.log");
    tail_say("mail.log", "d\ne\nf\n");
    EXPECT("d e f ");
}

static void test_removed_and_made_anew(void **state)
{
    (void)state;
    tail_say("mail.log", "a\n");
    tail_start(NULL);
    EXPECT("a ");
    tail_say("mail.log", "b\n");
    tail_remove("mail.log");
    EXPECT("b ");
    tail_say("mail.log", "c\n");
    EXPECT("c ");
}

/* An editor, or sed -i: another file with the same octets in it. */
static void test_replaced_by_a_copy(void **state)
{
    (void)state;
    tail_say("mail.log", "a\nb\n");
    tail_start(NULL);
    EXPECT("a b ");
    tail_copy("mail.log", "sedX");
    tail_rename("sedX", "mail.log");
    tail_say("mail.log", "c\n");
    EXPECT("c ");
}

static void point(const char *to)
{
    unlink(tail_path("link"));
    assert_int_equal(symlink(to, tail_path("link")), 0);
    tail_rename("link", "mail.log");
}

static void test_a_link(void **state)
{
    (void)state;
    point("first");
    tail_start(NULL);
    EXPECT("");
    tail_say("first", "a\n");
    EXPECT("a ");
    point("second");
    tail_say("first", "b\n");
    EXPECT("b ");
    tail_say("second", "c\n");
    EXPECT("c ");
    tail_rename("second", "second.1"); /* rotated where the link leads */
    tail_say("second.1", "d\n");
    tail_say("second", "e\n");
    EXPECT("d e ");
    struct gp_log_position at = tail_stop();
    tail_say("second", "f\n");
    tail_rename("second.1", "second.2");
    tail_rename("second", "second.1");
    tail_say("second", "g\n");
    tail_start(&at);
    EXPECT("f g ");
    at = tail_stop();
    tail_say("second", "h\n");
    point("third");
    tail_say("third", "i\n");
    tail_start(&at);
    EXPECT("h i ");
}

/* --- while nobody read
 * ------------------------------------------------------------------------------------------------ */

static struct gp_log_position at;

static void begin_with(const char *text, const char *lines)
{
    tail_say("mail.log", text);
    tail_start(NULL);
    EXPECT(lines);
    at = tail_stop();
}

/* The clock of files is coarser than that of positions: let them not be of the same moment. */
static void a_moment_later(void)
{
    at.read_ms -= 1000;
}

static void test_renamed_while_down(void **state)
{
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_say("mail.log", "c\n");
    tail_rename("mail.log", "mail.log.1");
    tail_say("mail.log", "d\n");
    tail_start(&at);
    EXPECT("c d ");
}

static void test_renamed_three_times_while_down(void **state)
{
    (void)state;
    begin_with("a\n", "a ");
    tail_say("mail.log.4", "older\n");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log.3");
    tail_say("mail.log.2", "c\n");
    tail_say("mail.log.1", "d\n");
    tail_say("mail.log", "e\n");
    tail_start(&at);
    EXPECT("b c d e ");
}

static void test_dated_while_down(void **state)
{
    (void)state;
    begin_with("a\n", "a ");
    tail_say("mail.log-20261118", "older\n");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log-20261119");
    tail_say("mail.log-20261120", "c\n");
    tail_start(&at);
    EXPECT("b c ");
    tail_say("mail.log-20261121", "d\n");
    tail_say("mail.log", "e\n");
    EXPECT("d e ");
}

static void test_one_in_between_is_compressed(void **state)
{
    (void)state;
    begin_with("a\n", "a ");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log.3");
    tail_say("mail.log.2.gz", "packed");
    tail_say("mail.log.1", "d\n");
    tail_say("mail.log", "e\n");
    tail_start(&at);
    EXPECT("b d e ");
}

/* Dates before counts: what stands there since long is no successor. */
static void test_the_names_change(void **state)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    (void)state;
    tail_say("mail.log-20261118", "older\n");
    assert_int_equal(utimensat(AT_FDCWD, tail_path("mail.log-20261118"), long_ago, 0), 0);
    begin_with("a\n", "a ");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log.1");
    tail_say("mail.log", "c\n");
    tail_start(&at);
    EXPECT("b c ");
}

/* What followed in it is lost; what came after it is not. */
static void test_compressed_while_down(void **state)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    (void)state;
    tail_say("mail.log.4", "older\n");
    assert_int_equal(utimensat(AT_FDCWD, tail_path("mail.log.4"), long_ago, 0), 0);
    begin_with("a\n", "a ");
    a_moment_later();
    tail_say("mail.log.3.gz", "packed");
    tail_remove("mail.log");
    tail_say("mail.log.2", "c\n");
    tail_say("mail.log.1", "d\n");
    tail_say("mail.log", "e\n");
    tail_start(&at);
    EXPECT("c d e ");
}

static void test_copied_and_emptied_while_down(void **state)
{
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_say("mail.log", "c\n");
    tail_copy("mail.log", "mail.log.1");
    tail_truncate("mail.log");
    tail_say("mail.log", "d\ne\nf\ng\n");
    tail_start(&at);
    EXPECT("c d e f g ");
}

static void test_twice_copied_while_down(void **state)
{
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_say("mail.log", "c\n");
    tail_copy("mail.log", "mail.log.2");
    tail_truncate("mail.log");
    tail_say("mail.log", "d\n");
    tail_copy("mail.log", "mail.log.1");
    tail_truncate("mail.log");
    tail_say("mail.log", "e\n");
    tail_start(&at);
    EXPECT("c d e ");
}

static void test_emptied_while_down(void **state)
{
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_truncate("mail.log");
    tail_say("mail.log", "c\n");
    a_moment_later();
    tail_start(&at);
    EXPECT("c ");
    at = tail_stop();
    tail_truncate("mail.log");
    tail_say("mail.log", "d\ne\nf\n");
    a_moment_later();
    tail_start(&at);
    EXPECT("d e f ");
}

/* The number of the old file's inode may well be the new one's. */
static void test_made_anew_while_down(void **state)
{
    struct stat st;
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_remove("mail.log");
    tail_say("mail.log", "c\nd\ne\n");
    assert_int_equal(stat(tail_path("mail.log"), &st), 0);
    at.inode = st.st_ino;
    a_moment_later();
    tail_start(&at);
    EXPECT("c d e ");
}

static void test_gone_while_down(void **state)
{
    (void)state;
    begin_with("a\nb\n", "a b ");
    tail_remove("mail.log");
    tail_start(&at);
    EXPECT("");
    tail_say("mail.log", "c\n");
    EXPECT("c ");
}

static void test_stopped_between_two_files(void **state)
{
    struct gp_str line;
    (void)state;
    begin_with("a\n", "a ");
    tail_say("mail.log", "b\n");
    tail_rename("mail.log", "mail.log.1");
    tail_say("mail.log", "c\nd\n");
    tail_start(&at);
    for (const char *want = "bcd"; *want != '\0'; want++) {
        assert_true(gp_tail_next(tail, &line));
        assert_memory_equal(line.p, want, 1);
        at = tail_stop();
        tail_start(&at);
    }
    EXPECT("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tail_setup, tail_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_renamed),
        TEST(test_the_last_line_has_no_end),
        TEST(test_compressed_at_once),
        TEST(test_copied_and_emptied),
        TEST(test_emptied),
        TEST(test_removed_and_made_anew),
        TEST(test_replaced_by_a_copy),
        TEST(test_a_link),
        TEST(test_renamed_while_down),
        TEST(test_renamed_three_times_while_down),
        TEST(test_dated_while_down),
        TEST(test_one_in_between_is_compressed),
        TEST(test_the_names_change),
        TEST(test_compressed_while_down),
        TEST(test_copied_and_emptied_while_down),
        TEST(test_twice_copied_while_down),
        TEST(test_emptied_while_down),
        TEST(test_made_anew_while_down),
        TEST(test_gone_while_down),
        TEST(test_stopped_between_two_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
