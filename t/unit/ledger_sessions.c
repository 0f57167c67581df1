/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_sessions.c - taking and giving back sessions: never more than the limit, rows that outlive no node
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/ledger_fixture.h"

static void *crowd_session(void *arg)
{
    const struct crowd *c = arg;
    for (int i = 0; i < c->rounds; i++) {
        if (gp_ledger_begin(c->l, c->agency, GP_LOSS_CLOSED, NOW) != GP_ACCEPTED)
            continue;
        int open = atomic_fetch_add(c->open, 1) + 1;
        for (int most = atomic_load(c->most); open > most;)
            if (atomic_compare_exchange_weak(c->most, &most, open))
                break;
        atomic_fetch_add(c->accepted, 1);
        sched_yield();
        atomic_fetch_sub(c->open, 1);
        gp_ledger_end(c->l, c->agency, NOW);
    }
    return NULL;
}

static void test_sessions_never_exceed(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    (void)state;
    for (size_t nodes = 1; nodes <= 2; nodes++) {
        atomic_int accepted = 0, open = 0, most = 0;
        struct crowd c[2];
        restart();
        for (size_t i = 0; i < nodes; i++)
            c[i] = (struct crowd){gp_ledger_new(counters, "gp", i + 1, 1), &a, 4, &accepted, &open, &most, NULL};
        crowd_run(crowd_session, c, nodes, 200 / nodes);
        assert_true(most <= 4);
        assert_true(accepted >= 4);
        for (size_t i = 0; i < nodes; i++)
            gp_ledger_renew(c[i].l, NOW); /* the last to end may have left that to it */
        assert_int_equal(stored_sessions(NOW), 0);
        for (size_t i = 0; i < nodes; i++) {
            assert_int_equal(gp_ledger_sessions(c[i].l), 0);
            gp_ledger_free(c[i].l);
        }
    }
}

static void test_sessions_after_a_crash(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    struct gp_ledger *dead = gp_ledger_new(counters, "gp", 1, 1), *other = gp_ledger_new(counters, "gp", 2, 1);
    (void)state;
    begin_until(dead, &a, 4, NOW);
    gp_ledger_free(dead);
    assert_int_equal(gp_ledger_begin(other, &a, GP_LOSS_CLOSED, NOW + GP_SESSIONS_LIFE_MS - 1), GP_SESSION_LIMIT);
    /* its successor begins anew at once */
    struct gp_ledger *next = gp_ledger_new(counters, "gp", 1, 2);
    begin_until(next, &a, 4, NOW + 1000);
    gp_ledger_free(next);
    /* nobody comes: the row's life is all that anyone waits */
    begin_until(other, &a, 4, NOW + 1000 + GP_SESSIONS_LIFE_MS);
    gp_ledger_leave(other, NOW + 1000 + GP_SESSIONS_LIFE_MS);
    assert_int_equal(stored_sessions(NOW + 1000 + GP_SESSIONS_LIFE_MS), 0);
    gp_ledger_free(other);
}

static void test_adopt_clears_an_old_row(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    struct gp_ledger *dead = gp_ledger_new(counters, "gp", 1, 1), *next = gp_ledger_new(counters, "gp", 1, 2);
    (void)state;
    gp_ledger_adopt(next, "dol");
    gp_ledger_renew(next, NOW);
    assert_int_equal(item_of("gp:sessions:dol").state, GP_ABSENT); /* makes nothing where nothing is */
    begin_until(dead, &a, 4, NOW);
    gp_ledger_adopt(next, "dol");
    gp_ledger_renew(next, NOW);
    assert_int_equal(stored_sessions(NOW), 0);
    gp_ledger_free(dead);
    gp_ledger_free(next);
}

static void test_rows_are_renewed(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 4);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    begin_until(l, &a, 4, NOW);
    uint64_t cas = item_of("gp:sessions:dol").cas;
    gp_ledger_renew(l, NOW + GP_SESSIONS_RENEW_MS - 1);
    assert_int_equal(item_of("gp:sessions:dol").cas, cas); /* not yet */
    for (uint64_t t = 0; t <= 200000; t += 1000)
        gp_ledger_renew(l, NOW + t);
    assert_int_equal(stored_sessions(NOW + 200000), 4);
    restart();
    gp_ledger_renew(l, NOW + 201000); /* not due, but memcached is empty */
    assert_int_equal(stored_sessions(NOW + 201000), 4);
    memcached_kill(&server);
    gp_ledger_end(l, &a, NOW + 202000); /* cannot be written now */
    restart();
    gp_ledger_renew(l, NOW + 203000);
    assert_int_equal(stored_sessions(NOW + 203000), 3);
    gp_ledger_free(l);
}

static void test_live_sessions(void **state)
{
    struct gp_agency a = agency_of("dol", 1000, 500);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    say("set gp:limit:dol:sessions 0 3600 1\r\n4\r\n");
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_SESSION_LIMIT);
    assert_int_equal(gp_ledger_sessions(l), 10); /* lowering ends nothing that runs */
    for (int i = 0; i < 7; i++)
        gp_ledger_end(l, &a, NOW);
    begin_until(l, &a, 1, NOW);
    say("set gp:limit:dol:sessions 0 3600 3\r\n4x4\r\n"); /* not a limit: the file's holds */
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    say("delete gp:limit:dol:sessions\r\n");
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    gp_ledger_free(l);
}

static void test_agencies_are_apart(void **state)
{
    struct gp_ledger *l = gp_ledger_new(NULL, "gp", 1, 1);
    (void)state;
    for (int i = 0; i < 3000; i++) { /* more than there are buckets */
        char name[32];
        snprintf(name, sizeof name, "agency%d", i);
        struct gp_agency a = agency_of(name, 1, 1);
        assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
        assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_RATE);
        begin_until(l, &a, 1, NOW);
    }
    assert_int_equal(gp_ledger_sessions(l), 3000);
    gp_ledger_free(l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)
    const struct CMUnitTest tests[] = {
        T(test_sessions_never_exceed), T(test_sessions_after_a_crash), T(test_adopt_clears_an_old_row),
        T(test_rows_are_renewed),      T(test_live_sessions),          cmocka_unit_test(test_agencies_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
