/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_charge.c - charging recipients: exact for parallel callers and nodes, packages, live limits
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/ledger_fixture.h"

static void test_exact_in_process(void **state)
{
    struct gp_agency a = agency_of("dol", 250, 4);
    atomic_int accepted = 0;
    (void)state;
    struct gp_ledger *l = gp_ledger_new(NULL, "gp", 1, 1);
    struct crowd c = {l, &a, 50, &accepted, NULL, NULL, NULL};
    crowd_run(crowd_charge, &c, 1, 16);
    assert_int_equal(accepted, 250);
    /* on_counter_loss is about a store, and there is none to lose */
    assert_int_equal(charge(l, &a, GP_LOSS_OPEN, NOW), GP_RATE);
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_RATE);
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW + 7200000), GP_ACCEPTED);
    gp_ledger_free(l);
}

static void test_exact_with_one_and_two_nodes(void **state)
{
    struct gp_agency a = agency_of("dol", 250, 4);
    (void)state;
    for (size_t nodes = 1; nodes <= 2; nodes++) {
        atomic_int accepted = 0;
        struct crowd c[2];
        restart();
        for (size_t i = 0; i < nodes; i++)
            c[i] = (struct crowd){gp_ledger_new(counters, "gp", i + 1, 1), &a, 50, &accepted, NULL, NULL, NULL};
        crowd_run(crowd_charge, c, nodes, 16 / nodes);
        assert_int_equal(accepted, 250);
        assert_int_equal(stored_usage(NOW), 250);
        for (size_t i = 0; i < nodes; i++)
            gp_ledger_free(c[i].l);
    }
}

static void test_refusal_writes_nothing(void **state)
{
    struct gp_agency a = agency_of("dol", 2, 1);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    uint64_t cas = item_of("gp:usage:dol").cas;
    assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_RATE);
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    uint64_t row_cas = item_of("gp:sessions:dol").cas;
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_LOCAL, NOW), GP_SESSION_LIMIT);
    gp_ledger_renew(l, NOW);
    assert_int_equal(item_of("gp:usage:dol").cas, cas);
    assert_int_equal(item_of("gp:sessions:dol").cas, row_cas);
    gp_ledger_free(l);
}

/* A node whose clock was a day ahead charged up to the limit. */
static void test_clock_that_jumped(void **state)
{
    struct gp_agency a = agency_of("dol", 2, 1);
    struct gp_ledger *ahead = gp_ledger_new(counters, "gp", 1, 1), *l = gp_ledger_new(counters, "gp", 2, 1);
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(charge(ahead, &a, GP_LOSS_CLOSED, NOW + 86400000), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(ahead, &a, GP_LOSS_CLOSED, NOW + 86400000), GP_ACCEPTED);
    assert_int_equal(stored_usage(NOW), 0); /* a look does not count it: the one who takes shall decide */
    assert_int_equal(stored_sessions(NOW), 0);
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_RATE);
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_SESSION_LIMIT);
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored_usage(NOW), 2);
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW + 3602000 + 1800000), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW + 60001), GP_ACCEPTED);
    gp_ledger_free(ahead);
    gp_ledger_free(l);
}

static struct {
    int calls;
    char name[GP_ALLOWANCE_MAX + 1];
    struct gp_counts counts;
} saved;

static void save(void *arg, const char *allowance, const struct gp_counts *counts)
{
    assert_ptr_equal(arg, &saved);
    assert_int_equal(counts->day, gp_usage_day(NOW));
    assert_int_equal(counts->month, gp_usage_month(NOW));
    saved.calls++;
    saved.counts = *counts;
    snprintf(saved.name, sizeof saved.name, "%s", allowance);
}

static void test_packages(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    unsigned warning, seen[11] = {0};
    (void)state;
    a.limits.package = (struct gp_package){20, GP_PACKAGE_MONTH};
    gp_ledger_seed_package(
        l, "dol",
        &(struct gp_counts){
            .day = gp_usage_day(NOW), .day_count = 3, .month = gp_usage_month(NOW), .month_count = 10, .total = 70});
    saved.calls = 0;
    gp_ledger_packages(l, save, &saved);
    assert_int_equal(saved.calls, 0); /* what came from the database need not go back */
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored_usage(NOW), 0); /* there, with the package's count */
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(gp_ledger_charge(l, &a, &a.limits, GP_LOSS_CLOSED, 1, NOW, &warning), GP_ACCEPTED);
        seen[i] = warning;
    }
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(seen[i], i == 6 ? 80 : i == 8 ? 90 : i == 10 ? 100 : 0);
    assert_int_equal(gp_ledger_charge(l, &a, &a.limits, GP_LOSS_CLOSED, 1, NOW, &warning), GP_PACKAGE);
    assert_int_equal(warning, 0);
    gp_ledger_packages(l, save, &saved);
    gp_ledger_packages(l, save, &saved);
    assert_int_equal(saved.calls, 1);
    assert_string_equal(saved.name, "dol");
    assert_int_equal(saved.counts.day_count, 13);
    assert_int_equal(saved.counts.month_count, 20);
    assert_int_equal(saved.counts.total, 80);
    gp_ledger_free(l);
}

static void test_live_limits(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    struct gp_limits limits;
    (void)state;
    say("set gp:limit:dol:rate 0 3600 16\r\n5000/10m,9/1h \r\n\r\n");
    say("set gp:limit:dol:message_size 9 3600 3\r\n14M\r\n");
    say("set gp:limit:dol:session_time 0 3600 2\r\n1x\r\n");
    gp_ledger_limits(l, &a, 64 << 20, NOW, &limits);
    assert_int_equal(limits.rates, 2);
    assert_int_equal(limits.rate[0].count, 5000);
    assert_int_equal(limits.message_size, 14 << 20);
    assert_int_equal(limits.session_time_s, a.limits.session_time_s);
    gp_ledger_limits(l, &a, 1 << 20, NOW, &limits);
    assert_int_equal(limits.message_size, 1 << 20); /* the ceiling */
    memcached_kill(&server);
    gp_ledger_limits(l, &a, 64 << 20, NOW + 60000, &limits); /* as seen last, for a minute */
    assert_int_equal(limits.rate[0].count, 5000);
    gp_ledger_limits(l, &a, 64 << 20, NOW + 60001, &limits);
    assert_int_equal(limits.rate[0].count, 1000);
    assert_true(memcached_begin(&server));
    assert_true(gp_counters_probe(counters));
    gp_ledger_limits(l, &a, 64 << 20, NOW, &limits); /* gone, not merely unknown */
    assert_int_equal(limits.rate[0].count, 1000);
    gp_ledger_free(l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_in_process),
        T(test_exact_with_one_and_two_nodes),
        T(test_refusal_writes_nothing),
        T(test_clock_that_jumped),
        T(test_packages),
        T(test_live_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
