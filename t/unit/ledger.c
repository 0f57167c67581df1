/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger.c - taking sessions and charging recipients, alone, against a real memcached, and while that comes and goes
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/ledger.h"

#include "t/unit/memcached_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define NOW UINT64_C(1795226083000) /* some time in 2026, not at an edge of anything */

static struct memcached server;
static struct gp_counters *counters;

static int setup(void **state)
{
    const char *why, *path = server.path;
    (void)state;
    if (!memcached_new(&server))
        return -1;
    counters = gp_counters_new(&path, 1, &why);
    return counters == NULL || !gp_counters_probe(counters) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gp_counters_free(counters);
    memcached_end(&server);
    return 0;
}

static struct gp_agency agency_of(const char *name, uint64_t rate, uint32_t sessions)
{
    struct gp_agency a = {.limits = gp_limits_default};
    snprintf(a.name, sizeof a.name, "%s", name);
    a.limits.rates = 1;
    a.limits.rate[0] = (struct gp_window){rate, 3600};
    a.limits.sessions = sessions;
    return a;
}

static void say(const char *command)
{
    char reply[128];
    assert_true(memcached_say(&server, command, strlen(command), reply, sizeof reply));
}

static void restart(void)
{
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    double deadline = test_seconds() + 5;
    while (!gp_counters_probe(counters) && test_seconds() < deadline)
        ;
}

static struct gp_item item_of(const char *key)
{
    struct gp_item item;
    snprintf(item.key, sizeof item.key, "%s", key);
    gp_counters_get(counters, &(struct gp_look){"dol", &item, 1}, 1);
    return item;
}

static uint64_t stored_usage(uint64_t now_ms)
{
    struct gp_item item = item_of("gp:usage:dol");
    struct gp_usage u;
    if (item.state != GP_FOUND || !gp_usage_decode((struct gp_str){item.value, item.n}, &u))
        return UINT64_MAX;
    return gp_usage_window(&u, 3600, now_ms);
}

static uint64_t stored_sessions(uint64_t now_ms)
{
    struct gp_item item = item_of("gp:sessions:dol");
    struct gp_sessions s;
    if (item.state != GP_FOUND || !gp_sessions_decode((struct gp_str){item.value, item.n}, &s))
        return UINT64_MAX;
    return gp_sessions_open(&s, now_ms);
}

static enum gp_reason charge(struct gp_ledger *l, const struct gp_agency *a, enum gp_on_loss on_loss, uint64_t now_ms)
{
    unsigned warning;
    return gp_ledger_charge(l, a, &a->limits, on_loss, 1, now_ms, &warning);
}

/* Many threads charge (or open and close sessions) at once. */
struct crowd {
    struct gp_ledger *l;
    const struct gp_agency *agency;
    int rounds;
    atomic_int *accepted, *open, *most;
    _Atomic double *slowest;
};

static void *crowd_charge(void *arg)
{
    const struct crowd *c = arg;
    for (int i = 0; i < c->rounds; i++) {
        double begin = test_seconds();
        if (charge(c->l, c->agency, GP_LOSS_LOCAL, NOW) == GP_ACCEPTED)
            atomic_fetch_add(c->accepted, 1);
        double took = test_seconds() - begin;
        if (c->slowest != NULL && took > atomic_load(c->slowest))
            atomic_store(c->slowest, took);
    }
    return NULL;
}

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

static void crowd_run(void *(*run)(void *), struct crowd *crowds, size_t n, size_t threads_each)
{
    pthread_t thread[400];
    size_t started = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < threads_each; k++)
            assert_int_equal(pthread_create(&thread[started++], NULL, run, &crowds[i]), 0);
    while (started > 0)
        pthread_join(thread[--started], NULL);
}

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
        if (server.pid == 0)
            assert_true(memcached_begin(&server));
        double deadline = test_seconds() + 5;
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
    double deadline = test_seconds() + 5;
    while (!gp_counters_probe(counters) && test_seconds() < deadline)
        ;
    assert_int_equal(charge(l, &a, GP_LOSS_CLOSED, NOW), GP_ACCEPTED); /* takes along what it had to count alone */
    assert_int_equal(stored_usage(NOW), 503);
    gp_ledger_free(l);
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

static void begin_until(struct gp_ledger *l, const struct gp_agency *a, int expect, uint64_t now_ms)
{
    for (int i = 0; i < expect; i++)
        assert_int_equal(gp_ledger_begin(l, a, GP_LOSS_CLOSED, now_ms), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(l, a, GP_LOSS_CLOSED, now_ms), GP_SESSION_LIMIT);
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
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_in_process),
        T(test_exact_with_one_and_two_nodes),
        T(test_exact_through_outages),
        T(test_silence_costs_one_wait),
        T(test_refusal_writes_nothing),
        T(test_store_away),
        T(test_empty_store_is_seeded),
        T(test_other_birth_is_merged),
        T(test_unreadable_items_are_replaced),
        T(test_clock_that_jumped),
        T(test_packages),
        T(test_sessions_never_exceed),
        T(test_sessions_after_a_crash),
        T(test_adopt_clears_an_old_row),
        T(test_rows_are_renewed),
        T(test_live_sessions),
        T(test_live_limits),
        cmocka_unit_test(test_agencies_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
