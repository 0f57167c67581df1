/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_time.c - when a line of a log was written: years that are not said, zones, stamps that are none
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/log_time.h"

#include <stdlib.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct stamp_case {
    const char *zone, *stamp;
    uint64_t now_s, want_s;
};

static void check(const struct stamp_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct gp_log_clock clock = {.n = 0};
        setenv("TZ", cases[i].zone, 1);
        tzset();
        for (int again = 0; again < 2; again++) {
            uint64_t got = gp_log_time(&clock, gp_str_z(cases[i].stamp), cases[i].now_s * 1000 + 1);
            uint64_t want = cases[i].want_s == 0 ? cases[i].now_s * 1000 + 1 : cases[i].want_s * 1000;
            if (got != want)
                fail_msg("%s in %s: %llu, not %llu", cases[i].stamp, cases[i].zone, (unsigned long long)got,
                         (unsigned long long)want);
        }
    }
}

static void test_local_time(void **state)
{
    static const struct stamp_case cases[] = {
        {"UTC", "Nov 21 09:00:00", 1795255200, 1795251600}, /* now: 2026-11-21 10:00 */
        {"CET-1", "Nov 21 09:00:00", 1795255200, 1795248000},
        {"UTC", "Nov  1 00:00:00", 1795255200, 1793491200},
        {"UTC", "Dec 31 23:59:59", 1798761600, 1798761599}, /* now: 2027-01-01 00:00: the year before */
        {"UTC", "Dec 31 23:59:59", 1795255200, 1767225599}, /* far ahead: the year before */
        {"UTC", "Nov 21 10:00:01", 1795255200, 0},          /* a clock that is ahead: now */
        {"UTC", "Nox 21 09:00:00", 1795255200, 0},
    };
    (void)state;
    check(cases, COUNT(cases));
}

static void test_rfc3339(void **state)
{
    static const struct stamp_case cases[] = {
        {"CET-1", "2026-11-21T09:00:00Z", 1795255200, 1795251600},
        {"UTC", "2026-11-21T09:00:00.123456+01:00", 1795255200, 1795248000},
        {"UTC", "2026-11-21T03:30:00-05:30", 1795255200, 1795251600},
        {"UTC", "2025-11-21T09:00:00Z", 1795255200, 1763715600},
        {"UTC", "2026-11-21T11:00:00Z", 1795255200, 0},
        {"UTC", "2026-11-21T09:00:00", 1795255200, 0},
        {"UTC", "2026-11-21T09:00:00+0100", 1795255200, 0},
        {"UTC", "2026-13-21T09:00:00Z", 1795255200, 0},
        {"UTC", "1066-10-14T09:00:00Z", 1795255200, 0},
        {"UTC", "2026-11-21T09:00:00.00000000000000000000000000000000000Z", 1795255200, 0},
        {"UTC", "", 1795255200, 0},
    };
    (void)state;
    check(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_local_time), cmocka_unit_test(test_rfc3339)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
