/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * seldom.c - what goes wrong for each message is told once a minute
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/seldom.h"

static void test_minute(void **state)
{
    static const struct {
        uint64_t now_ms;
        bool due;
    } calls[] = {{5, true}, {6, false}, {60004, false}, {60005, true}, {60006, false}, {200000, true}};
    struct gp_seldom s = {0};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        assert_int_equal(gp_seldom_due(&s, calls[i].now_ms), calls[i].due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_minute)};
    return cmocka_run_group_tests_name("seldom", tests, NULL, NULL);
}
