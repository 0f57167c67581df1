/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ctl_output.c - tables line up, times and durations read back, foreign text cannot reach a terminal, near names are
 * found, memcached's answers about an item's end are read
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/nearest.h"
#include "ctl/output.h"
#include "ctl/ttl.h"

static void tables_line_up(void **state)
{
    (void)state;
    struct gp_ctl_table t;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    gp_ctl_table_init(&t, 3);
    gp_ctl_table_row(&t, (const char *[]){"A", "BB", "C"});
    gp_ctl_table_row(&t, (const char *[]){"gr\xc3\xbc\xc3\x9f", "", "x"});
    gp_ctl_table_row(&t, (const char *[]){"longer", "y", NULL});
    for (int i = 0; i < 50; i++) /* grows */
        gp_ctl_table_row(&t, (const char *[]){"z", NULL, NULL});
    gp_ctl_table_print(&t, out);
    gp_ctl_table_free(&t);
    fclose(out);
    assert_memory_equal(text, "A       BB  C\ngr\xc3\xbc\xc3\x9f        x\nlonger  y\nz\n", 42);
    assert_int_equal(n, 40 + 2 * 50);
    free(text);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{1, "1s"},      {60, "1m"},    {61, "61s"},    {3600, "1h"},
                 {43200, "12h"}, {86400, "1d"}, {90000, "25h"}, {0, "0d"}};
    char text[GP_CTL_TIME_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gp_ctl_duration_text(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
    gp_ctl_time_text(UINT64_C(1709251199999), text);
    assert_string_equal(text, "2024-02-29T23:59:59Z");
    gp_ctl_day_text(19783, text);
    assert_string_equal(text, "2024-03-01");
}

static void foreign_text(void **state)
{
    (void)state;
    static const struct {
        struct gp_str in;
        const char *out;
    } cases[] = {
        {GP_STR("plain"), "plain"},
        {GP_STR("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
        {GP_STR("a\033[31m\r\nb\x7f"), "a[31mb"},
        {GP_STR("c1\xc2\x9b"
                "31m"),
         "c131m"},
        {GP_STR("nbsp\xc2\xa0"), "nbsp\xc2\xa0"},
        {GP_STR("bad\xff\n"), "bad\\xff\\x0a"},
        {{NULL, 0}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_ctl_put_clean(&b, cases[i].in);
        assert_string_equal(text, cases[i].out);
    }
}

static void near_names(void **state)
{
    (void)state;
    static const char *const names[] = {"dol", "doe", "treasury", "dol-east", "x1"};
    static const struct {
        const char *wanted, *text;
    } cases[] = {
        {"dol", "; did you mean dol, doe or dol-east?"},
        {"DOL", "; did you mean dol, doe or dol-east?"},
        {"tresury", "; did you mean treasury?"},
        {"trea", "; did you mean treasury?"},
        {"x2", "; did you mean x1?"},
        {"hud", ""},
        {"", ""},
        {"0123456789012345678901234567890123456789012345678901234567890123456789", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_ctl_nearest found = {0};
        char text[256];
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            gp_ctl_nearest(&found, cases[i].wanted, names[j]);
        gp_ctl_nearest_text(&found, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void item_ends(void **state)
{
    (void)state;
    static const struct {
        struct gp_str line;
        int64_t left;
    } cases[] = {
        {GP_STR("HD t3600"), 3600},
        {GP_STR("HD t0"), 0},
        {GP_STR("HD t-1"), GP_CTL_TTL_FOREVER},
        {GP_STR("EN"), GP_CTL_TTL_UNKNOWN},
        {GP_STR("ERROR"), GP_CTL_TTL_UNKNOWN},
        {GP_STR("HD t"), GP_CTL_TTL_UNKNOWN},
        {GP_STR("HD t-2"), GP_CTL_TTL_UNKNOWN},
        {GP_STR("HD t99999999999"), GP_CTL_TTL_UNKNOWN},
        {GP_STR(""), GP_CTL_TTL_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(gp_ctl_ttl_answer(cases[i].line), cases[i].left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_line_up), cmocka_unit_test(times),     cmocka_unit_test(foreign_text),
        cmocka_unit_test(near_names),     cmocka_unit_test(item_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
