/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * str.c - tests of shared/str: views, strict numbers, UTF-8, the bounded writer
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/str.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static const struct gp_str nothing = {NULL, 0};

static void test_compare(void **state)
{
    (void)state;
    assert_true(gp_str_eq(nothing, GP_STR("")));
    assert_true(gp_str_eq(GP_STR("a\0b"), GP_STR("a\0b")));
    assert_false(gp_str_eq(GP_STR("a\0b"), GP_STR("a\0c")));
    assert_false(gp_str_eq(GP_STR("ab"), GP_STR("abc")));
    assert_true(gp_str_eq_nocase(GP_STR("A[z"), GP_STR("a[Z")));
    assert_false(gp_str_eq_nocase(GP_STR("@"), GP_STR("`")));
    assert_false(gp_str_eq_nocase(GP_STR("\xC3\x84"), GP_STR("\xC3\xA4")));
    assert_false(gp_str_eq_nocase(GP_STR("ab"), GP_STR("a")));
    assert_true(gp_str_starts_nocase(GP_STR("RCPT TO"), GP_STR("rcpt ")));
    assert_false(gp_str_starts_nocase(GP_STR("rc"), GP_STR("rcpt")));
    assert_true(gp_str_starts_nocase(nothing, nothing));
    assert_true(gp_str_cmp(GP_STR("a"), GP_STR("ab")) < 0);
    assert_true(gp_str_cmp(GP_STR("b"), GP_STR("ab")) > 0);
    assert_true(gp_str_cmp(GP_STR("\xFF"), GP_STR("a")) > 0);
    assert_true(gp_str_cmp(nothing, GP_STR("")) == 0);
    assert_int_equal(gp_str_z(NULL).n, 0);
    assert_int_equal(gp_str_z("abc").n, 3);
    assert_int_equal(gp_str_find(GP_STR("a\0b"), 'b'), 2);
    assert_int_equal(gp_str_find(GP_STR("abc"), 'x'), 3);
    assert_int_equal(gp_str_find(nothing, 'x'), 0);
    assert_true(gp_str_hash(nothing) == 0xcbf29ce484222325U); /* the published FNV-1a vectors */
    assert_true(gp_str_hash(GP_STR("foobar")) == 0x85944171f73967e8U);
}

/* Zeros are taken eight at a time: octet by octet it must come to the same, wherever they stand. */
static void test_hash_of_zeros(void **state)
{
    char octets[64];
    (void)state;
    for (uint32_t pattern = 1; pattern < 4096; pattern++) {
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = (pattern >> (i / 3 + i % 3) % 12 & 1) != 0 && i % 13 < pattern % 14 ? (char)(i + pattern) : '\0';
        struct gp_str s = {octets + pattern % 8, sizeof octets - pattern % 8 - pattern % 23};
        uint64_t h = 0xcbf29ce484222325U;
        for (size_t i = 0; i < s.n; i++)
            h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
        assert_true(gp_str_hash(s) == h);
    }
}

static void test_trim(void **state)
{
    static const struct {
        struct gp_str in, want;
    } cases[] = {
        {V(" \t\r\n a b \n"), V("a b")}, {V("   "), V("")}, {V(""), V("")}, {V("a\v"), V("a\v")}, {V("\0 "), V("\0")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(gp_str_eq(gp_str_trim(cases[i].in), cases[i].want));
    assert_int_equal(gp_str_trim(nothing).n, 0);
}

static void test_split(void **state)
{
    static const struct {
        const char *in, *joined;
    } cases[] = {{"a,,b", "a||b|"}, {"", "|"}, {",", "||"}, {"a", "a|"}, {"a,", "a||"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        struct gp_str rest = gp_str_z(cases[i].in), head;
        while (gp_str_split(&rest, ',', &head)) {
            gp_buf_put(&b, head);
            gp_buf_putz(&b, "|");
        }
        assert_string_equal(text, cases[i].joined);
    }
    struct gp_str rest = nothing, head;
    assert_false(gp_str_split(&rest, ',', &head));
}

typedef bool number_fn(struct gp_str s, uint64_t max, uint64_t *out);

static void test_numbers(void **state)
{
    static const struct {
        number_fn *parse;
        struct gp_str in;
        uint64_t max;
        int64_t want; /* -1: refused */
    } cases[] = {
        {gp_str_u64, V("0"), 0, 0},
        {gp_str_u64, V("007"), 7, 7},
        {gp_str_u64, V("5"), 4, -1},
        {gp_str_u64, V("10"), 9, -1},
        {gp_str_u64, V("100"), 100, 100},
        {gp_str_u64, V("101"), 100, -1},
        {gp_str_u64, V("9223372036854775807"), UINT64_MAX, INT64_MAX},
        {gp_str_u64, V("18446744073709551616"), UINT64_MAX, -1},
        {gp_str_u64, V("99999999999999999999999"), UINT64_MAX, -1},
        {gp_str_u64, V(""), 9, -1},
        {gp_str_u64, V("+1"), 9, -1},
        {gp_str_u64, V("-1"), 9, -1},
        {gp_str_u64, V(" 1"), 9, -1},
        {gp_str_u64, V("1 "), 9, -1},
        {gp_str_u64, V("1\0"), 9, -1},
        {gp_str_u64, V("0x1"), 99, -1},
        {gp_str_size, V("204800"), 1000000, 204800},
        {gp_str_size, V("200K"), 1000000, 204800},
        {gp_str_size, V("14M"), UINT32_MAX, 14 * 1048576},
        {gp_str_size, V("1G"), UINT32_MAX, 1073741824},
        {gp_str_size, V("2K"), 2048, 2048},
        {gp_str_size, V("2K"), 2047, -1},
        {gp_str_size, V("17179869184G"), UINT64_MAX, -1},
        {gp_str_size, V("K"), 9999, -1},
        {gp_str_size, V("1k"), 9999, -1},
        {gp_str_size, V("1KB"), 9999, -1},
        {gp_str_size, V("1 K"), 9999, -1},
        {gp_str_size, V("1KK"), UINT32_MAX, -1},
        {gp_str_size, V("1.5M"), UINT32_MAX, -1},
        {gp_str_size, V(""), 9999, -1},
        {gp_str_seconds, V("300s"), 300, 300},
        {gp_str_seconds, V("10m"), 9999, 600},
        {gp_str_seconds, V("1h"), 9999, 3600},
        {gp_str_seconds, V("2d"), 999999, 172800},
        {gp_str_seconds, V("2d"), 172799, -1},
        {gp_str_seconds, V("0s"), 9, 0},
        {gp_str_seconds, V("300"), 999, -1},
        {gp_str_seconds, V("5months"), 999, -1},
        {gp_str_seconds, V("1H"), 9999, -1},
        {gp_str_seconds, V("h"), 9999, -1},
        {gp_str_seconds, V(""), 9999, -1},
        {gp_str_seconds, V("1h30m"), 99999, -1},
        {gp_str_seconds, V("300000000000000000d"), UINT64_MAX, -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t out = 4711;
        bool ok = cases[i].parse(cases[i].in, cases[i].max, &out);
        uint64_t want = cases[i].want < 0 ? 4711 : (uint64_t)cases[i].want;
        if (ok != (cases[i].want >= 0) || out != want)
            fail_msg("\"%.*s\" max %ju: %d %ju", GP_STR_FMT(cases[i].in), (uintmax_t)cases[i].max, ok, (uintmax_t)out);
    }
}

static void test_utf8(void **state)
{
    static const struct {
        struct gp_str in;
        bool want;
    } cases[] = {
        {V(""), true},
        {V("ascii\0\x7F"), true},
        {V("\xC2\x80"), true},
        {V("\xDF\xBF"), true},
        {V("\xE0\xA0\x80"), true},
        {V("\xED\x9F\xBF\xEE\x80\x80"), true},
        {V("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), true},
        {V("\x80"), false},
        {V("\xC0\xAF"), false},
        {V("\xC1\xBF"), false},
        {V("\xE0\x9F\xBF"), false},
        {V("\xED\xA0\x80"), false},
        {V("\xF0\x8F\xBF\xBF"), false},
        {V("\xF4\x90\x80\x80"), false},
        {V("\xF5\x80\x80\x80"), false},
        {V("\xFF"), false},
        {V("\xC3"), false},
        {V("\xC3\x28"), false},
        {V("\xE2\x82"), false},
        {V("\xE2\x82\x28"), false},
        {V("\xE2\x28\x82"), false},
        {V("\xF0\x9F\x98\xC0"), false},
        {V("ok\xC3\xA4\xA4"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (gp_str_utf8(cases[i].in) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

static void test_buf_bounds(void **state)
{
    char text[6];
    struct gp_buf b = gp_buf_on(text, sizeof text);

    (void)state;
    gp_buf_put(&b, nothing);
    gp_buf_putz(&b, "abc");
    assert_false(b.full);
    gp_buf_putz(&b, "de");
    assert_false(b.full);
    assert_int_equal(b.n, 5);
    gp_buf_putz(&b, "");
    assert_false(b.full);
    gp_buf_putz(&b, "f");
    assert_true(b.full);
    assert_string_equal(text, "abcde");

    b = gp_buf_on(text, sizeof text);
    gp_buf_putz(&b, "abcdefgh");
    assert_true(b.full);
    assert_string_equal(text, "abcde");

    char one[1];
    b = gp_buf_on(one, 1);
    gp_buf_putz(&b, "x");
    assert_true(b.full && b.n == 0 && one[0] == '\0');
}

static void test_buf_printf(void **state)
{
    char text[8];
    struct gp_buf b = gp_buf_on(text, sizeof text);

    (void)state;
    gp_buf_printf(&b, "%d-%s", 12, "abcd");
    assert_false(b.full);
    assert_string_equal(text, "12-abcd");
    b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "%d", 12345678);
    assert_true(b.full);
    assert_int_equal(b.n, 7);
    assert_string_equal(text, "1234567");
    gp_buf_printf(&b, "x"); /* what was cut stays the end */
    assert_string_equal(text, "1234567");
}

static void test_buf_escaped(void **state)
{
    char text[64], small[6];
    struct gp_buf b = gp_buf_on(text, sizeof text);

    (void)state;
    gp_buf_put_escaped(&b, GP_STR("a \"b\"\\\r\n\0\x1B~\x7F\xC3"));
    assert_string_equal(text, "a \\\"b\\\"\\\\\\x0d\\x0a\\x00\\x1b~\\x7f\\xc3");
    b = gp_buf_on(small, sizeof small); /* no half escape at the end, and nothing after it */
    gp_buf_put_escaped(&b, GP_STR("ab\nc"));
    assert_true(b.full);
    assert_string_equal(small, "ab");
    gp_buf_putz(&b, "z");
    assert_string_equal(small, "ab");
    b = gp_buf_on(text, sizeof text);
    gp_buf_put_lower(&b, GP_STR("AbZ@[\xC3\x84"));
    assert_string_equal(text, "abz@[\xC3\x84");
    assert_true(gp_str_eq(gp_buf_str(&b), gp_str_z(text)));
}

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {{"", "", 0},         {"rate", "rate", 0}, {"rate", "RATE", 0}, {"rate", "rat", 1}, {"rate", "raten", 1},
                 {"rate", "rote", 1}, {"", "rate", 4},     {"abc", "cab", 2},   {"block", "unblock", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gp_str_distance(gp_str_z(cases[i].a), gp_str_z(cases[i].b)), cases[i].distance);
        assert_int_equal(gp_str_distance(gp_str_z(cases[i].b), gp_str_z(cases[i].a)), cases[i].distance);
    }
    char longest[GP_STR_DISTANCE_MAX + 1];
    memset(longest, 'a', sizeof longest);
    struct gp_str fits = {longest, GP_STR_DISTANCE_MAX}, over = {longest, GP_STR_DISTANCE_MAX + 1};
    assert_int_equal(gp_str_distance(fits, GP_STR("")), GP_STR_DISTANCE_MAX);
    assert_true(gp_str_distance(over, GP_STR("")) == SIZE_MAX);
}

static void test_cut(void **state)
{
    static const struct {
        struct gp_str in;
        size_t max;
        struct gp_str out;
    } cases[] = {
        {V("ab"), 5, V("ab")},        {V("ab"), 1, V("a")},          {V("ab"), 0, V("")},
        {V("a\303\244b"), 2, V("a")}, {V("a\303\244b"), 3, V("a\303\244")}, {V("\200\200\200\200\200\200"), 5, V("\200\200")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!gp_str_eq(gp_str_cut(cases[i].in, cases[i].max), cases[i].out))
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),   cmocka_unit_test(test_hash_of_zeros),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_compare),    cmocka_unit_test(test_trim),        cmocka_unit_test(test_split),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_utf8),        cmocka_unit_test(test_buf_bounds),
        cmocka_unit_test(test_buf_printf), cmocka_unit_test(test_buf_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
