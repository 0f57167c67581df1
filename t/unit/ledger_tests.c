/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_tests.c - the allowance of a test window: exact over two nodes and through outages, durable, apart from
 * production
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/ledger_fixture.h"

#define KEY "gp:usage:dol:192.0.2.99:2026-11-21T08:00Z"

static struct gp_agency dol;
static struct gp_test_window window;

static int setup(void **state)
{
    dol = (struct gp_agency){.name = "dol", .limits = gp_limits_default};
    dol.limits.rates = 0;
    dol.limits.package = (struct gp_package){3, GP_PACKAGE_MONTH};
    window = (struct gp_test_window){.allowance = "dol:192.0.2.99:2026-11-21T08:00Z", .messages = 250, .acting = dol};
    window.acting.window = &window;
    window.acting.limits.package = (struct gp_package){250, GP_PACKAGE_TOTAL};
    return ledger_setup(state);
}

static void back(void)
{
    assert_true(server.pid != 0 || memcached_begin(&server));
    await_counters();
}

/* Total of an item in the agency's group; UINT64_MAX when there is none. */
static uint64_t stored(const char *key)
{
    struct gp_item item;
    struct gp_usage u;
    snprintf(item.key, sizeof item.key, "%s", key);
    gp_counters_get(counters, &(struct gp_look){"dol", &item, 1}, 1);
    if (item.state != GP_FOUND || !gp_usage_decode((struct gp_str){item.value, item.n}, &u))
        return UINT64_MAX;
    return u.counts.total;
}

static enum gp_reason charge_live(struct gp_ledger *l, const struct gp_agency *a)
{
    struct gp_limits limits;
    unsigned warning;
    gp_ledger_limits(l, a, 64 << 20, NOW, &limits);
    return gp_ledger_charge(l, a, &limits, GP_LOSS_LOCAL, 1, NOW, &warning);
}

static void *crowd_charge_live(void *arg)
{
    const struct crowd *c = arg;
    for (int i = 0; i < c->rounds; i++) {
        if (charge_live(c->l, c->agency) == GP_ACCEPTED)
            atomic_fetch_add(c->accepted, 1);
    }
    return NULL;
}

static void test_exact_at_two_nodes(void **state)
{
    atomic_int accepted = 0;
    struct crowd c[2];
    (void)state;
    for (size_t i = 0; i < 2; i++)
        c[i] = (struct crowd){.l = gp_ledger_new(counters, "gp", i + 1, 1),
                              .agency = &window.acting,
                              .rounds = 40,
                              .accepted = &accepted};
    crowd_run(crowd_charge_live, c, 2, 8);
    assert_int_equal(accepted, 250);
    assert_int_equal(stored(KEY), 250);
    assert_int_equal(charge_live(c[0].l, &window.acting), GP_PACKAGE);
    gp_ledger_free(c[0].l);
    gp_ledger_free(c[1].l);
}

/* memcached dies with everything in it, twice, while messages come. */
static void test_exact_through_deaths(void **state)
{
    atomic_int accepted = 0;
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    struct crowd c = {.l = l, .agency = &window.acting, .rounds = 1500, .accepted = &accepted};
    pthread_t thread[4];
    (void)state;
    window.acting.limits.package.count = 4000;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, crowd_charge_live, &c), 0);
    for (int i = 0; i < 2; i++) {
        int seen = atomic_load(&accepted);
        double deadline = test_seconds() + 2;
        while (atomic_load(&accepted) < seen + 300 && test_seconds() < deadline)
            sched_yield();
        memcached_kill(&server);
        gp_counters_probe(counters);
        back();
        gp_ledger_renew(l, NOW);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(accepted, 4000);
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored(KEY), 4000);
    gp_ledger_free(l);
}

static struct {
    char name[GP_ALLOWANCE_MAX + 1];
    struct gp_counts counts;
} saved;

static void save(void *arg, const char *allowance, const struct gp_counts *counts)
{
    (void)arg;
    snprintf(saved.name, sizeof saved.name, "%s", allowance);
    saved.counts = *counts;
}

/* memcached and the daemon die together: the database knows. */
static void test_durable(void **state)
{
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    for (int i = 0; i < 249; i++)
        assert_int_equal(charge_live(l, &window.acting), GP_ACCEPTED);
    gp_ledger_packages(l, save, NULL);
    assert_string_equal(saved.name, window.allowance);
    assert_int_equal(saved.counts.total, 249);
    gp_ledger_free(l);
    memcached_kill(&server);
    back();
    l = gp_ledger_new(counters, "gp", 1, 2);
    gp_ledger_seed_package(l, saved.name, &saved.counts);
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored(KEY), 249);
    assert_int_equal(charge_live(l, &window.acting), GP_ACCEPTED);
    assert_int_equal(charge_live(l, &window.acting), GP_PACKAGE);
    gp_ledger_free(l);
}

static void test_apart_from_production(void **state)
{
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(charge_live(l, &window.acting), GP_ACCEPTED);
    assert_int_equal(stored("gp:usage:dol"), UINT64_MAX); /* the test's never the agency's */
    for (int i = 0; i < 3; i++)
        assert_int_equal(charge_live(l, &dol), GP_ACCEPTED);
    assert_int_equal(charge_live(l, &dol), GP_PACKAGE);
    assert_int_equal(stored(KEY), 10); /* nor the other way */
    assert_int_equal(charge_live(l, &window.acting), GP_ACCEPTED);
    for (uint32_t i = 0; i < dol.limits.sessions; i++)
        assert_int_equal(gp_ledger_begin(l, &window.acting, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(l, &window.acting, GP_LOSS_CLOSED, NOW), GP_SESSION_LIMIT);
    assert_int_equal(gp_ledger_begin(l, &dol, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    gp_ledger_end(l, &window.acting, NOW);
    assert_int_equal(gp_ledger_begin(l, &window.acting, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    gp_ledger_free(l);
}

/* The agency's live limits hold for its tests too, but for the package. */
static void test_live_limits(void **state)
{
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    struct gp_limits limits;
    (void)state;
    assert_int_equal(gp_counters_set(counters, "dol", "gp:limit:dol:package", GP_STR("1/day"), 60), GP_PUT_DONE);
    assert_int_equal(gp_counters_set(counters, "dol", "gp:limit:dol:rate", GP_STR("7/1m"), 60), GP_PUT_DONE);
    assert_int_equal(gp_counters_set(counters, "dol", "gp:limit:dol:sessions", GP_STR("1"), 60), GP_PUT_DONE);
    gp_ledger_limits(l, &window.acting, 64 << 20, NOW, &limits);
    assert_int_equal(limits.package.count, 250);
    assert_int_equal(limits.package.period, GP_PACKAGE_TOTAL);
    assert_int_equal(limits.rates, 1);
    assert_int_equal(gp_ledger_begin(l, &window.acting, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(l, &window.acting, GP_LOSS_CLOSED, NOW), GP_SESSION_LIMIT);
    for (int i = 0; i < 7; i++)
        assert_int_equal(charge_live(l, &window.acting), GP_ACCEPTED);
    assert_int_equal(charge_live(l, &window.acting), GP_RATE);
    assert_int_equal(charge_live(l, &dol), GP_ACCEPTED);
    assert_int_equal(charge_live(l, &dol), GP_PACKAGE);
    gp_ledger_free(l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, ledger_teardown)
    const struct CMUnitTest tests[] = {
        T(test_exact_at_two_nodes),    T(test_exact_through_deaths), T(test_durable),
        T(test_apart_from_production), T(test_live_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
