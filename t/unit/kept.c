/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kept.c - tests of milter/kept: what is kept of a message's headers for signing, and its bounds
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/covered.h"
#include "milter/kept.h"

#include <stdlib.h>
#include <string.h>

static void expect(const struct gp_kept *k, size_t *at, const char *name, struct gp_str expected)
{
    struct gp_str value;
    unsigned number;
    assert_true(gp_kept_next(k, at, &number, &value));
    assert_string_equal(gp_covered_name(number), name);
    assert_int_equal(value.n, expected.n);
    assert_memory_equal(value.p, expected.p, expected.n);
}

static void expect_end(const struct gp_kept *k, size_t *at)
{
    struct gp_str value;
    unsigned number;
    assert_false(gp_kept_next(k, at, &number, &value));
}

static void test_in_order(void **state)
{
    (void)state;
    static const struct gp_str binary = {" a\0b\xff\n\tc", 8};
    struct gp_kept k = {.state = GP_KEPT_ALL};
    size_t at = 0;
    expect_end(&k, &at);
    gp_kept_note(&k, GP_STR("SUBJECT"), binary);
    gp_kept_note(&k, GP_STR("Received"), GP_STR(" from x"));
    gp_kept_note(&k, GP_STR("DKIM-Signature"), GP_STR(" v=1"));
    gp_kept_note(&k, GP_STR("from "), GP_STR(""));
    gp_kept_note(&k, GP_STR("Subject"), GP_STR(" 2"));
    expect(&k, &at, "Subject", binary);
    expect(&k, &at, "From", GP_STR(""));
    expect(&k, &at, "Subject", GP_STR(" 2"));
    expect_end(&k, &at);
    gp_kept_clear(&k);
    at = 0;
    expect_end(&k, &at);
    assert_null(k.text);
}

/* notes a header of n octets */
static void note_long(struct gp_kept *k, size_t n)
{
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'x', n);
    gp_kept_note(k, GP_STR("To"), (struct gp_str){text, n});
    free(text);
}

static void test_octets(void **state)
{
    (void)state;
    const size_t mark = 8, fits = GP_KEPT_OCTETS_MAX - mark;
    struct gp_kept k = {.state = GP_KEPT_ALL};
    note_long(&k, fits);
    assert_int_equal(k.state, GP_KEPT_ALL);
    assert_int_equal(k.cap, GP_KEPT_OCTETS_MAX);
    gp_kept_note(&k, GP_STR("X-Other"), GP_STR(" not kept, so it is no trouble"));
    assert_int_equal(k.state, GP_KEPT_ALL);
    gp_kept_note(&k, GP_STR("To"), GP_STR(""));
    assert_int_equal(k.state, GP_KEPT_TOO_LARGE);
    assert_null(k.text); /* its memory is free at once */
    gp_kept_note(&k, GP_STR("To"), GP_STR(" x"));
    assert_int_equal(k.state, GP_KEPT_TOO_LARGE);
    gp_kept_clear(&k);
    assert_int_equal(k.state, GP_KEPT_ALL);
    note_long(&k, fits + 1);
    assert_int_equal(k.state, GP_KEPT_TOO_LARGE);
    gp_kept_clear(&k);
}

static void test_names(void **state)
{
    (void)state;
    struct gp_kept k = {.state = GP_KEPT_ALL};
    const size_t most = GP_KEPT_NAMES_MAX / sizeof "List-Unsubscribe-Post";
    for (size_t i = 0; i < most; i++)
        gp_kept_note(&k, GP_STR("List-Unsubscribe-Post"), GP_STR(" x"));
    assert_int_equal(k.state, GP_KEPT_ALL);
    gp_kept_note(&k, GP_STR("List-Unsubscribe-Post"), GP_STR(" x"));
    assert_int_equal(k.state, GP_KEPT_TOO_LARGE);
    gp_kept_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
