/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ctl_csv.c - comma-separated values, times and bars of the command line
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ctl/csv.h"
#include "ctl/graph.h"
#include "ctl/since.h"

#include <string.h>

static void test_reading(void **state)
{
    static const struct {
        const char *line, *want; /* fields, each in [] */
    } cases[] = {
        {"a", "[a]"},
        {"a,b", "[a][b]"},
        {"", "[]"},
        {",", "[][]"},
        {"a,", "[a][]"},
        {" a b , c\t", "[a b][c]"},
        {"\"a,b\",c", "[a,b][c]"},
        {"\"a \"\"b\"\"\"", "[a \"b\"]"},
        {"  \" a \"  ,b", "[ a ][b]"},
        {"\"\"", "[]"},
        {"a\"b", "[a\"b]"},
        {"\"a", "a quote is not closed"},
        {"\"a\"b", "text behind a closing quote"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "too many fields"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buf[GP_CTL_CSV_LINE_MAX], got[256];
        struct gp_str field[GP_CTL_CSV_FIELDS_MAX];
        struct gp_buf b = gp_buf_on(got, sizeof got);
        size_t n;
        const char *wrong = gp_ctl_csv_read(gp_str_z(cases[i].line), buf, field, &n);
        if (wrong != NULL)
            gp_buf_putz(&b, wrong);
        for (size_t k = 0; k < n && wrong == NULL; k++)
            gp_buf_printf(&b, "[%.*s]", GP_STR_FMT(field[k]));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": %s", cases[i].line, got);
    }
}

static void test_what_is_written_is_read(void **state)
{
    static const char *const fields[] = {"a", "", "a,b", "say \"no\"", " x ", "semi;colon", "gr\xc3\xbc\xc3\x9f"};
    char text[512], buf[GP_CTL_CSV_LINE_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_str got[GP_CTL_CSV_FIELDS_MAX];
    size_t n, all = sizeof fields / sizeof fields[0];
    (void)state;
    for (size_t i = 0; i < all; i++)
        gp_ctl_csv_put(&b, i == 0, gp_str_z(fields[i]));
    assert_null(gp_ctl_csv_read(gp_buf_str(&b), buf, got, &n));
    assert_int_equal(n, all);
    for (size_t i = 0; i < all; i++)
        assert_true(gp_str_eq(got[i], gp_str_z(fields[i])));
    b = gp_buf_on(text, sizeof text);
    gp_ctl_csv_put(&b, true, GP_STR("a\r\nb\x1b[31m"));
    assert_string_equal(text, "ab[31m"); /* one record is one line, whatever a field holds */
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms; /* 1: refused */
    } cases[] = {
        {"2026-11-21", UINT64_C(1795219200000)},
        {"2026-11-21T04:20Z", UINT64_C(1795234800000)},
        {"2026-11-21T04:20:05Z", UINT64_C(1795234805000)},
        {"1970-01-01", 0},
        {"2028-02-29", UINT64_C(1835395200000)},
        {"1h", 6400000},
        {"2d", 0}, /* before 1970: as long ago as there is */
        {"90s", 9910000},
        {"2027-02-29", 1},
        {"2026-13-01", 1},
        {"2026-11-31", 1},
        {"2026-11-21T24:00Z", 1},
        {"2026-11-21T04:60Z", 1},
        {"2026-11-21 04:20", 1},
        {"2026-11-21T04:20", 1},
        {"26-11-21", 1},
        {"1969-12-31", 1},
        {"yesterday", 1},
        {"1", 1},
        {"", 1},
        {"99999999d", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 1;
        bool read = gp_ctl_since(gp_str_z(cases[i].text), 10000000, &ms);
        if (read == (cases[i].ms == 1) || ms != cases[i].ms)
            fail_msg("\"%s\": %d %lu", cases[i].text, read, (unsigned long)ms);
    }
}

static void test_bars(void **state)
{
    char bar[GP_CTL_BAR_TEXT];
    (void)state;
    gp_ctl_bar(0, 10, false, bar);
    assert_string_equal(bar, "");
    gp_ctl_bar(0, 0, false, bar);
    assert_string_equal(bar, "");
    gp_ctl_bar(10, 10, true, bar);
    assert_int_equal(strlen(bar), GP_CTL_BAR_WIDTH);
    gp_ctl_bar(UINT64_MAX, 10, false, bar);
    assert_int_equal(strlen(bar), 3 * GP_CTL_BAR_WIDTH);
    gp_ctl_bar(1, 1000000, true, bar);
    assert_string_equal(bar, "#"); /* what is there is seen */
    gp_ctl_bar(1, 1000000, false, bar);
    assert_string_equal(bar, "\xe2\x96\x8f");
    gp_ctl_bar(1, 80, false, bar);
    assert_string_equal(bar, "\xe2\x96\x8c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
