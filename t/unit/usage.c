/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage.c - rate windows and packages: against a list of time stamps, at the edges, and with clocks that jump
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/octets.h"
#include "shared/usage.h"

#include <stdio.h>
#include <string.h>

#define NOW UINT64_C(1795226083217)

static uint64_t seed = 42;

static uint64_t dice(uint64_t sides)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % sides;
}

static uint64_t bucket_ms(uint32_t seconds)
{
    return seconds <= 127 ? 1000 : seconds <= 1270 ? 10000 : seconds <= 15240 ? 120000 : 1800000;
}

/* The oracle: every accepted event with its time. */
struct event {
    uint64_t at_ms;
    uint32_t n;
};

#define EVENTS 4096
static struct event events[EVENTS];
static size_t events_n;

static uint64_t since(uint64_t from_ms)
{
    uint64_t sum = 0;
    for (size_t i = events_n; i > 0 && events[i - 1].at_ms >= from_ms; i--)
        sum += events[i - 1].n;
    return sum;
}

static uint32_t random_window(void)
{
    static const uint32_t edges[] = {1,    2,    59,   60,   126,   127,   128,   129,    600,
                                     1269, 1270, 1271, 3600, 15239, 15240, 15241, 172799, 172800};
    return dice(2) == 0 ? edges[dice(sizeof edges / sizeof edges[0])] : (uint32_t)dice(172800) + 1;
}

static uint64_t random_step(uint32_t seconds)
{
    switch (dice(4)) {
    case 0:
        return dice(3);
    case 1:
        return dice(2000);
    case 2:
        return dice((uint64_t)seconds * 100);
    default:
        return dice((uint64_t)seconds * 1100);
    }
}

/* One stream of events under random windows. Never one too many in any of them; refused only for events that lie in the
 * window or in the bucket that its beginning cuts.
 */
static void stream(void)
{
    struct gp_limits limits = {.rates = 1 + dice(3)};
    struct gp_usage u;
    uint64_t now = NOW + dice(10000000);
    gp_usage_init(&u, 1);
    events_n = 0;
    for (size_t i = 0; i < limits.rates; i++)
        limits.rate[i] = (struct gp_window){dice(40) + 1, random_window()};
    for (int i = 0; i < 300; i++) {
        bool over = false, over_late = false;
        uint32_t n = dice(5) == 0 ? (uint32_t)dice(10) + 1 : 1;
        now += random_step(limits.rate[dice(limits.rates)].seconds);
        for (size_t k = 0; k < limits.rates; k++) {
            uint64_t from = now - (uint64_t)limits.rate[k].seconds * 1000, b = bucket_ms(limits.rate[k].seconds);
            over = over || since(from) + n > limits.rate[k].count;
            over_late = over_late || since(from / b * b) + n > limits.rate[k].count;
        }
        enum gp_reason reason = gp_usage_judge(&u, &limits, now, n);
        if (reason == GP_ACCEPTED ? over : !over_late)
            fail_msg("%s at event %d, window %u s", over ? "one too many" : "refused without need", i,
                     limits.rate[0].seconds);
        if (reason == GP_ACCEPTED) {
            gp_usage_charge(&u, now, n);
            events[events_n++] = (struct event){now, n};
        }
    }
}

static void test_streams(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++)
        stream();
}

/* Every length of window, read back after a burst: whole while it must count, gone a bucket later. */
static void test_every_window(void **state)
{
    (void)state;
    for (uint32_t w = 1; w <= GP_WINDOW_MAX_S; w += w < 2000 ? 1 : 97) {
        struct gp_usage u;
        uint64_t w_ms = (uint64_t)w * 1000, b = bucket_ms(w);
        gp_usage_init(&u, 1);
        gp_usage_charge(&u, NOW, 7);
        if (gp_usage_window(&u, w, NOW) != 7 || gp_usage_window(&u, w, NOW + w_ms) != 7)
            fail_msg("window %u s forgets early", w);
        if (gp_usage_window(&u, w, (NOW / b + 1) * b + w_ms) != 0)
            fail_msg("window %u s forgets late", w);
        /* still so when the ring has moved on */
        for (uint64_t t = NOW; t <= NOW + w_ms; t += w_ms / 7 + 1)
            gp_usage_charge(&u, t, 0);
        gp_usage_charge(&u, NOW + w_ms, 1);
        if (gp_usage_window(&u, w, NOW + w_ms) != 8)
            fail_msg("window %u s loses its oldest bucket", w);
    }
}

static void test_no_double_burst_at_an_edge(void **state)
{
    const struct gp_limits limits = {.rates = 1, .rate = {{100, 60}}};
    struct gp_usage u;
    uint64_t edge = (NOW / 60000 + 1) * 60000;
    (void)state;
    gp_usage_init(&u, 1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gp_usage_judge(&u, &limits, edge - 1, 1), GP_ACCEPTED);
        gp_usage_charge(&u, edge - 1, 1);
    }
    for (uint64_t t = edge; t <= edge - 1 + 60000; t += 250)
        assert_int_equal(gp_usage_judge(&u, &limits, t, 1), GP_RATE);
    assert_int_equal(gp_usage_judge(&u, &limits, edge + 60000, 1), GP_ACCEPTED);
}

static void test_windows_hold_together(void **state)
{
    struct gp_limits limits = {.rates = 2, .rate = {{3, 60}, {5, 3600}}};
    struct gp_usage u;
    (void)state;
    gp_usage_init(&u, 1);
    gp_usage_charge(&u, NOW, 3);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW, 1), GP_RATE);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW + 62000, 2), GP_ACCEPTED);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW + 62000, 3), GP_RATE);
    limits.package = (struct gp_package){4, GP_PACKAGE_DAY};
    assert_int_equal(gp_usage_judge(&u, &limits, NOW, 2), GP_PACKAGE); /* the longer wait is named */
    limits.package.period = GP_PACKAGE_MONTH;
    assert_int_equal(gp_usage_judge(&u, &limits, NOW, 2), GP_PACKAGE);
    limits.package.count = 100;
    limits.rate[1].count = 2; /* lowered below what is used */
    assert_int_equal(gp_usage_judge(&u, &limits, NOW + 62000, 1), GP_RATE);
    limits.rates = 0;
    assert_int_equal(gp_usage_judge(&u, &limits, NOW, 90), GP_ACCEPTED);
}

static void test_calendar(void **state)
{
    static const struct {
        const char *name;
        uint64_t at_s;
        uint32_t day, month;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, 0, 0},
        {"1970-01-31T23:59:59Z", 2678399, 30, 0},
        {"1970-02-01T00:00:00Z", 2678400, 31, 1},
        {"2000-02-29T12:00:00Z", 951825600, 11016, 361},
        {"2000-03-01T00:00:00Z", 951868800, 11017, 362},
        {"2024-02-29T23:59:59Z", 1709251199, 19782, 649},
        {"2024-03-01T00:00:00Z", 1709251200, 19783, 650},
        {"2026-11-21T04:00:00Z", 1795233600, 20778, 682},
        {"2026-12-31T23:59:59Z", 1798761599, 20818, 683},
        {"2027-01-01T00:00:00Z", 1798761600, 20819, 684},
        {"2100-02-28T23:59:59Z", 4107542399, 47540, 1561},
        {"2100-03-01T00:00:00Z", 4107542400, 47541, 1562},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (gp_usage_day(cases[i].at_s * 1000) != cases[i].day ||
            gp_usage_month(cases[i].at_s * 1000) != cases[i].month)
            fail_msg("%s: %u %u", cases[i].name, gp_usage_day(cases[i].at_s * 1000),
                     gp_usage_month(cases[i].at_s * 1000));
}

static void test_packages(void **state)
{
    const uint64_t new_year = UINT64_C(1798761600000);
    struct gp_usage u;
    (void)state;
    gp_usage_init(&u, 1);
    gp_usage_charge(&u, new_year - 86400001, 1); /* 30 December */
    gp_usage_charge(&u, new_year - 1, 2);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_DAY, new_year - 1), 2);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_MONTH, new_year - 1), 3);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_NONE, new_year - 1), 0);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_DAY, new_year), 0);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_MONTH, new_year), 0);
    gp_usage_charge(&u, new_year, 4);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_MONTH, new_year), 4);
    /* a node whose clock is a second behind still counts, and charges, what is new */
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_DAY, new_year - 1000), 4);
    gp_usage_charge(&u, new_year - 1000, 1);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_DAY, new_year), 5);
}

static void test_warnings(void **state)
{
    static const struct {
        uint64_t before, after, package;
        unsigned step;
    } cases[] = {
        {0, 79, 100, 0},
        {79, 80, 100, 80},
        {80, 81, 100, 0},
        {80, 90, 100, 90},
        {89, 90, 100, 90},
        {0, 100, 100, 100},
        {99, 100, 100, 100},
        {100, 101, 100, 0},
        {2, 3, 3, 100},
        {1, 2, 3, 0},
        {7, 8, 9, 80},
        {8, 9, 9, 100},
        {0, 1, 1, 100},
        {0, 0, 0, 0},
        {5, 6, 7, 80},
        {799999999999, 800000000000, 1000000000000, 80},
        {0, UINT64_MAX, UINT64_MAX, 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (gp_usage_warning(cases[i].before, cases[i].after, cases[i].package) != cases[i].step)
            fail_msg("case %zu: %u", i, gp_usage_warning(cases[i].before, cases[i].after, cases[i].package));
}

static void test_counts_saturate(void **state)
{
    const struct gp_limits limits = {
        .rates = 1, .rate = {{1000000000000, 60}}, .package = {UINT64_MAX, GP_PACKAGE_DAY}};
    struct gp_usage u;
    (void)state;
    gp_usage_init(&u, 1);
    gp_usage_charge(&u, NOW, UINT32_MAX);
    gp_usage_charge(&u, NOW, UINT32_MAX);
    assert_int_equal(gp_usage_window(&u, 60, NOW), UINT32_MAX);
    u.counts.day_count = UINT64_MAX - 1;
    gp_usage_charge(&u, NOW, 5);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_DAY, NOW), UINT64_MAX);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW, 1), GP_PACKAGE);
}

static void test_clocks(void **state)
{
    struct gp_usage u;
    (void)state;
    gp_usage_init(&u, 1); /* charged by a node 59 s ahead: counts at once, and as long as by its clock */
    gp_usage_charge(&u, NOW + 59000, 5);
    assert_false(gp_usage_mend(&u, NOW));
    assert_int_equal(gp_usage_window(&u, 60, NOW), 5);
    assert_int_equal(gp_usage_window(&u, 60, NOW + 59000 + 60000), 5);
    gp_usage_charge(&u, NOW, 1); /* a slower node's charge does not leave the window early */
    assert_int_equal(gp_usage_window(&u, 60, NOW + 59000 + 60000), 6);
    assert_int_equal(gp_usage_window(&u, 60, NOW + 59000 + 62000), 0);

    for (uint32_t w = 60; w <= 172800; w = w * 53 / 10) { /* ahead by a year */
        const uint64_t year = UINT64_C(31536000000), w_ms = (uint64_t)w * 1000;
        gp_usage_init(&u, 1);
        gp_usage_charge(&u, NOW + year - w_ms / 2, 3);
        gp_usage_charge(&u, NOW + year, 4);
        assert_int_equal(gp_usage_window(&u, w, NOW), 0); /* a look leaves it to who takes */
        assert_int_equal(gp_usage_package(&u, GP_PACKAGE_MONTH, NOW), 0);
        assert_true(gp_usage_mend(&u, NOW));
        assert_false(gp_usage_mend(&u, NOW));
        assert_int_equal(gp_usage_window(&u, w, NOW), 7);
        assert_true(gp_usage_package(&u, GP_PACKAGE_DAY, NOW) >= 4);
        assert_true(gp_usage_package(&u, GP_PACKAGE_MONTH, NOW) >= 4);
        assert_true(gp_usage_window(&u, w, NOW + w_ms / 2 + 2 * bucket_ms(w)) <= 4);
        assert_int_equal(gp_usage_window(&u, w, NOW + w_ms + bucket_ms(w)), 0);
    }
    gp_usage_init(&u, 1); /* charging mends by itself, and loses nothing */
    gp_usage_charge(&u, NOW + 61001 + 1800000, 3);
    gp_usage_charge(&u, NOW, 1);
    assert_int_equal(gp_usage_window(&u, 60, NOW), 4);
    assert_int_equal(gp_usage_window(&u, 172800, NOW), 4);
    gp_usage_init(&u, 1);
    u.ring[0].newest = u.ring[3].newest = UINT64_MAX;
    u.counts.day = u.counts.month = UINT32_MAX;
    assert_int_equal(gp_usage_window(&u, 60, NOW), 0);
    assert_true(gp_usage_mend(&u, NOW));
    assert_int_equal(u.counts.day, gp_usage_day(NOW));
}

static void test_merge(void **state)
{
    struct gp_usage common, a, b, both;
    (void)state;
    gp_usage_init(&common, 1);
    gp_usage_charge(&common, NOW, 5);
    a = b = common;
    gp_usage_charge(&a, NOW, 2);
    gp_usage_charge(&b, NOW + 200000, 3); /* its finest ring has moved past NOW */
    b.birth = 2;
    both = a;
    gp_usage_merge(&both, &b);
    assert_int_equal(both.birth, 1);
    assert_int_equal(gp_usage_window(&both, 60, NOW + 200000), 3);
    assert_int_equal(gp_usage_window(&both, 3600, NOW + 200000), 7 + 3);
    assert_int_equal(both.counts.day_count, 8);
    both = b;
    gp_usage_merge(&both, &a);
    assert_int_equal(both.birth, 2);
    assert_int_equal(gp_usage_window(&both, 127, NOW + 200000), 3); /* what b's ring has left behind stays behind */
    assert_int_equal(gp_usage_window(&both, 3600, NOW + 200000), 7 + 3);
    gp_usage_merge(&both, &a); /* again changes nothing */
    assert_int_equal(gp_usage_window(&both, 3600, NOW + 200000), 7 + 3);
    b.counts.day++;
    b.counts.day_count = 1;
    gp_usage_merge(&both, &b);
    assert_int_equal(both.counts.day_count, 1);
    gp_usage_merge(&both, &a);
    assert_int_equal(both.counts.day_count, 1);
}

static void test_item(void **state)
{
    struct gp_usage u, back;
    char item[GP_USAGE_ITEM_MAX], broken[GP_USAGE_ITEM_MAX];
    (void)state;
    gp_usage_init(&u, UINT64_C(0x0102030405060708));
    for (int i = 0; i < 500; i++)
        gp_usage_charge(&u, NOW + dice(172800000), (uint32_t)dice(1000));
    size_t n = gp_usage_encode(&u, item);
    assert_int_equal(n, 2008);
    assert_memory_equal(item, "GPU2\x01\x02\x03\x04\x05\x06\x07\x08", 12);
    assert_true(gp_usage_decode((struct gp_str){item, n}, &back));
    assert_memory_equal(&u, &back, sizeof u);
    assert_false(gp_usage_decode((struct gp_str){NULL, 0}, &back));
    for (size_t k = 0; k < n; k++)
        assert_false(gp_usage_decode((struct gp_str){item, k}, &back));
    for (size_t k = 0; k < n; k++) {
        memcpy(broken, item, n);
        broken[k] = (char)(broken[k] ^ (1 << dice(8)));
        if (gp_usage_decode((struct gp_str){broken, n}, &back))
            fail_msg("octet %zu may be anything", k);
    }
}

/* An item of the version before: the same without the total. */
static void test_item_without_total(void **state)
{
    struct gp_usage u, back;
    char item[GP_USAGE_ITEM_MAX];
    (void)state;
    gp_usage_init(&u, 77);
    for (int i = 0; i < 500; i++)
        gp_usage_charge(&u, NOW + dice(172800000), (uint32_t)dice(1000));
    size_t n = gp_usage_encode(&u, item) - 8;
    memmove(item + 36, item + 44, n - 36 - 8);
    memcpy(item, "GPU1", 4);
    gp_octets_put(item + n - 8, 8, gp_str_hash((struct gp_str){item, n - 8}));
    assert_true(gp_usage_decode((struct gp_str){item, n}, &back));
    u.counts.total = 0;
    assert_memory_equal(&u, &back, sizeof u);
    memcpy(item, "GPU2", 4);
    gp_octets_put(item + n - 8, 8, gp_str_hash((struct gp_str){item, n - 8}));
    assert_false(gp_usage_decode((struct gp_str){item, n}, &back)); /* a version has one length */
}

static void test_total(void **state)
{
    const uint64_t month = UINT64_C(31) * 86400000;
    const struct gp_limits limits = {.package = {5, GP_PACKAGE_TOTAL}};
    struct gp_usage u, seen;
    (void)state;
    gp_usage_init(&u, 1);
    gp_usage_charge(&u, NOW, 3);
    gp_usage_charge(&u, NOW + 13 * month, 1); /* it never begins anew */
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_TOTAL, NOW + 26 * month), 4);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW + 26 * month, 1), GP_ACCEPTED);
    assert_int_equal(gp_usage_judge(&u, &limits, NOW + 26 * month, 2), GP_PACKAGE);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_TOTAL, NOW - month), 4); /* nor does a clock change it */
    gp_usage_mend(&u, NOW);
    assert_int_equal(gp_usage_package(&u, GP_PACKAGE_TOTAL, NOW), 4);
    gp_usage_init(&seen, 2);
    gp_usage_charge(&seen, NOW, 1);
    gp_usage_merge(&seen, &u);
    assert_int_equal(seen.counts.total, 4);
    gp_usage_merge(&u, &seen);
    assert_int_equal(u.counts.total, 4);
    u.counts.total = UINT64_MAX - 1;
    gp_usage_charge(&u, NOW, 5);
    assert_int_equal(u.counts.total, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_every_window),
        cmocka_unit_test(test_no_double_burst_at_an_edge),
        cmocka_unit_test(test_windows_hold_together),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_packages),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_counts_saturate),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_item),
        cmocka_unit_test(test_item_without_total),
        cmocka_unit_test(test_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
