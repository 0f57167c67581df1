/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_outages.c - charges and sessions while memcached dies, falls silent, forgets, or holds what cannot be read
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/ledger_fixture.h"

/* Does harm to memcached while the crowd charges, and keeps house as a daemon does. */
struct harm {
    struct gp_ledger *l;
    bool stop; /* else kill */
    atomic_bool over;
};

static void *harm_run(void *arg)
{
    struct harm *h = arg;
    struct timespec while_ms = {.tv_nsec = 20000000};
    for (int i = 0; !atomic_load(&h->over); i++) {
        if (h->stop && i % 10 == 2)
            memcached_pause(&server);
        else if (!h->stop && i % 10 == 2)
            memcached_kill(&server);
        nanosleep(&while_ms, NULL);
        if (h->stop && i % 10 == 4)
            memcached_resume(&server);
        else if (!h->stop && i % 10 == 4)
            assert_true(memcached_begin(&server));
        gp_counters_probe(counters);
        gp_ledger_renew(h->l, NOW);
    }
    memcached_resume(&server);
    return NULL;
}

static void test_exact_through_outages(void **state)
{
    struct gp_agency a = agency_of("dol", 3000, 4);
    (void)state;
    for (int stop = 0; stop < 2; stop++) {
        atomic_int accepted = 0;
        _Atomic double slowest = 0;
        pthread_t thread;
        if (server.pid == 0 || stop)
            restart();
        struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
        struct harm h = {.l = l, .stop = stop};
        struct crowd c = {l, &a, 1000, &accepted, NULL, NULL, &slowest};
        pthread_create(&thread, NULL, harm_run, &h);
        crowd_run(crowd_charge, &c, 1, 4);
        atomic_store(&h.over, true);
        pthread_join(thread, NULL);
        assert_int_equal(accepted, 3000);
        assert_true(atomic_load(&slowest) < 2.0);
        if (!stop) { /* what the thread has begun ends with it */
            memcached_kill(&server);
            assert_true(memcached_begin(&server));
        }
        double deadline = test_seconds() + 30;
        do { /* as the daemon does each second */
            gp_counters_probe(counters);
            gp_ledger_renew(l, NOW);
        } while (stored_usage(NOW) != 3000 && test_seconds() < deadline);
        assert_int_equal(stored_usage(NOW), 3000);
        gp_ledger_free(l);
    }
}

static void test_silence_costs_one_wait(void **state)
{
    struct gp_agency a = agency_of("dol", 3000, 4);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    memcached_pause(&server);
    double begin = test_seconds();
    assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    double first = test_seconds() - begin;
    for (int i = 0; i < 500; i++)
        assert_int_equal(charge(l, &a, GP_LOSS_LOCAL, NOW), GP_ACCEPTED);
    double rest = test_seconds() - begin - first;
    memcached_resume(&server);
    assert_true(first < 2); /* one wait is 0.14 s; the rest of them, if each waited, 70 s */
    assert_true(rest < 5);
    await_counters();
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED); /* takes along what it had to count alone */
    assert_int_equal(stored_usage(NOW), 503);
    gp_ledger_free(l);
}

static void test_store_away(void **state)
{
    static const struct {
        const char *name;
        enum gp_on_loss on_loss;
        enum gp_reason below, at; /* the limit */
        enum gp_reason session_below, session_at;
    } cases[] = {
        {"local", GP_LOSS_LOCAL, GP_ACCEPTED, GP_RATE, GP_ACCEPTED, GP_SESSION_LIMIT},
        {"open", GP_LOSS_OPEN, GP_ACCEPTED, GP_ACCEPTED, GP_ACCEPTED, GP_ACCEPTED},
        {"closed", GP_LOSS_CLOSED, GP_INTERNAL, GP_INTERNAL, GP_INTERNAL, GP_INTERNAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_agency a = agency_of("dol", 2, 2);
        enum gp_on_loss on_loss = cases[i].on_loss;
        restart();
        struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
        assert_int_equal(charge(l, &a, on_loss, NOW), GP_ACCEPTED);
        assert_int_equal(gp_ledger_begin(l, &a, on_loss, NOW), GP_ACCEPTED);
        memcached_kill(&server);
        if (charge(l, &a, on_loss, NOW) != cases[i].below || charge(l, &a, on_loss, NOW) != cases[i].at)
            fail_msg("%s: charge", cases[i].name);
        if (gp_ledger_begin(l, &a, on_loss, NOW) != cases[i].session_below ||
            gp_ledger_begin(l, &a, on_loss, NOW) != cases[i].session_at)
            fail_msg("%s: session", cases[i].name);
        /* an empty store comes back: what was taken meanwhile is in it within a renewal */
        restart();
        gp_ledger_renew(l, NOW);
        uint64_t taken = on_loss == GP_LOSS_LOCAL ? 2 : on_loss == GP_LOSS_OPEN ? 3 : 1;
        if (stored_usage(NOW) != taken || stored_sessions(NOW) != taken || gp_ledger_sessions(l) != taken)
            fail_msg("%s: afterwards", cases[i].name);
        gp_ledger_free(l);
    }
}

static void test_empty_store_is_seeded(void **state)
{
    struct gp_agency a = agency_of("dol", 3, 4);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    restart();
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(stored_usage(NOW), 3);
    restart();
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_RATE);
    assert_int_equal(stored_usage(NOW), UINT64_MAX); /* a refusal writes nothing ... */
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored_usage(NOW), 3); /* ... but those who only look must learn it */
    say("delete gp:usage:dol\r\n");         /* the same when one item was evicted, which no mark shows */
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_RATE);
    gp_ledger_renew(l, NOW);
    assert_int_equal(stored_usage(NOW), 3);
    gp_ledger_free(l);
}

/* Another node made the item anew and knows less: the greater of both counts. */
static void test_other_birth_is_merged(void **state)
{
    struct gp_agency a = agency_of("dol", 10, 4);
    struct gp_ledger *one = gp_ledger_new(counters, "gp", 1, 1), *two = gp_ledger_new(counters, "gp", 2, 1);
    (void)state;
    for (int i = 0; i < 7; i++)
        assert_int_equal(charge(one, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    restart();
    assert_int_equal(charge(two, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(stored_usage(NOW), 1);
    assert_int_equal(charge(one, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(stored_usage(NOW), 8);
    gp_ledger_free(one);
    gp_ledger_free(two);
}

static void test_unreadable_items_are_replaced(void **state)
{
    struct gp_agency a = agency_of("dol", 2, 1);
    struct gp_ledger *l = gp_ledger_new(counters, "gp", 1, 1);
    (void)state;
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    say("set gp:usage:dol 0 0 7\r\ngarbage\r\n");
    say("set gp:sessions:dol 0 0 7\r\ngarbage\r\n");
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_RATE);
    assert_int_equal(stored_usage(NOW), 2);
    assert_int_equal(gp_ledger_begin(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    assert_int_equal(stored_sessions(NOW), 1);
    gp_ledger_free(l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)
    const struct CMUnitTest tests[] = {
        T(test_exact_through_outages), T(test_silence_costs_one_wait), T(test_store_away),
        T(test_empty_store_is_seeded), T(test_other_birth_is_merged),  T(test_unreadable_items_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
