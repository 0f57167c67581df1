/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * live.c - live limits over the file's
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/live.h"

#include <string.h>

static void test_overlay(void **state)
{
    static const struct {
        const char *name;
        enum gp_limit_name limit;
        enum gp_fetch fetch;
        struct gp_str value;
        bool holds, parses;
    } cases[] = {
        {"found", GP_LIMIT_SESSIONS, GP_FOUND, {"9", 1}, true, true},
        {"absent", GP_LIMIT_SESSIONS, GP_ABSENT, {"9", 1}, false, true},
        {"unknown", GP_LIMIT_SESSIONS, GP_UNKNOWN, {"9", 1}, false, true},
        {"blanks and a line end", GP_LIMIT_SESSIONS, GP_FOUND, {" 9 \r\n", 5}, true, true},
        {"no number", GP_LIMIT_SESSIONS, GP_FOUND, {"nine", 4}, false, false},
        {"zero", GP_LIMIT_SESSIONS, GP_FOUND, {"0", 1}, false, false},
        {"negative", GP_LIMIT_SESSIONS, GP_FOUND, {"-1", 2}, false, false},
        {"empty", GP_LIMIT_SESSIONS, GP_FOUND, {"", 0}, false, false},
        {"NUL", GP_LIMIT_SESSIONS, GP_FOUND, {"9\0", 2}, false, false},
        {"not a live one", GP_LIMIT_RECIPIENTS_PER_MESSAGE, GP_FOUND, {"1", 1}, false, false},
        {"a list", GP_LIMIT_RATE, GP_FOUND, {"7/1m,8/1h", 9}, true, true},
        {"half a list", GP_LIMIT_RATE, GP_FOUND, {"7/1m,8", 6}, false, false},
        {"a size", GP_LIMIT_MESSAGE_SIZE, GP_FOUND, {"14M", 3}, true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_limits limits = gp_limits_default;
        struct gp_item item = {.state = cases[i].fetch, .n = cases[i].value.n};
        memcpy(item.value, cases[i].value.p, item.n);
        enum gp_limit_name bad = gp_live_overlay(&limits, &cases[i].limit, &item, 1);
        char now[GP_LIMIT_TEXT_MAX], before[GP_LIMIT_TEXT_MAX];
        gp_limit_text(&limits, cases[i].limit, now);
        gp_limit_text(&gp_limits_default, cases[i].limit, before);
        bool changed = strcmp(now, before) != 0;
        if (bad != (cases[i].parses ? GP_LIMIT_COUNT : cases[i].limit) || changed != cases[i].holds)
            fail_msg("%s", cases[i].name);
    }
}

static void test_each_for_itself(void **state)
{
    static const enum gp_limit_name names[] = {GP_LIMIT_RATE, GP_LIMIT_SESSIONS, GP_LIMIT_SESSION_TIME,
                                               GP_LIMIT_PACKAGE};
    static const char *const values[] = {"5000/10m", "x", "y", "5/day"};
    static struct gp_item items[4];
    struct gp_limits limits = gp_limits_default;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        items[i].state = GP_FOUND;
        items[i].n = strlen(values[i]);
        memcpy(items[i].value, values[i], items[i].n);
    }
    assert_int_equal(gp_live_overlay(&limits, names, items, 4), GP_LIMIT_SESSIONS); /* the first that does not parse */
    assert_int_equal(limits.rates, 1);                                              /* the whole list is replaced */
    assert_int_equal(limits.rate[0].count, 5000);
    assert_int_equal(limits.sessions, 4);
    assert_int_equal(limits.package.period, GP_PACKAGE_DAY);
    assert_int_equal(gp_live_overlay(&limits, names, items, 0), GP_LIMIT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overlay), cmocka_unit_test(test_each_for_itself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
