/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_fixture.h - memcached, counters on it, crowds that charge, and what ledgers left there; include after cmocka.h
 *
 * One test at a time: cmocka_unit_test_setup_teardown(f, ledger_setup, ledger_teardown).
 */
#ifndef GP_T_UNIT_LEDGER_FIXTURE_H
#define GP_T_UNIT_LEDGER_FIXTURE_H

#include "shared/ledger.h"

#include "t/unit/memcached_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define NOW UINT64_C(1795226083000) /* some time in 2026, not at an edge of anything */

static struct memcached server;
static struct gp_counters *counters;

static inline int ledger_setup(void **state)
{
    const char *why, *path = server.path;
    (void)state;
    if (!memcached_new(&server))
        return -1;
    counters = gp_counters_new(&path, 1, &why);
    return counters == NULL || !gp_counters_probe(counters) ? -1 : 0;
}

static inline int ledger_teardown(void **state)
{
    (void)state;
    gp_counters_free(counters);
    memcached_end(&server);
    return 0;
}

/* agency_of - at most rate recipients an hour, at most so many sessions */
static inline struct gp_agency agency_of(const char *name, uint64_t rate, uint32_t sessions)
{
    struct gp_agency a = {.limits = gp_limits_default};
    snprintf(a.name, sizeof a.name, "%s", name);
    a.limits.rates = 1;
    a.limits.rate[0] = (struct gp_window){rate, 3600};
    a.limits.sessions = sessions;
    return a;
}

/* say - a command of memcached's own protocol */
static inline void say(const char *command)
{
    char reply[128];
    assert_true(memcached_say(&server, command, strlen(command), reply, sizeof reply));
}

/* await_counters - until memcached answers again, 5 seconds at most */
static inline void await_counters(void)
{
    double deadline = test_seconds() + 5;
    while (!gp_counters_probe(counters) && test_seconds() < deadline)
        ;
}

/* restart - a memcached that knows nothing */
static inline void restart(void)
{
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    await_counters();
}

/* item_of - an item in the group of agency dol */
static inline struct gp_item item_of(const char *key)
{
    struct gp_item item;
    snprintf(item.key, sizeof item.key, "%s", key);
    gp_counters_get(counters, &(struct gp_look){"dol", &item, 1}, 1);
    return item;
}

/* stored_usage - recipients of the last hour, stored_sessions - open ones, as the store says; UINT64_MAX: it says
 * nothing */
static inline uint64_t stored_usage(uint64_t now_ms)
{
    struct gp_item item = item_of("gp:usage:dol");
    struct gp_usage u;
    if (item.state != GP_FOUND || !gp_usage_decode((struct gp_str){item.value, item.n}, &u))
        return UINT64_MAX;
    return gp_usage_window(&u, 3600, now_ms);
}

static inline uint64_t stored_sessions(uint64_t now_ms)
{
    struct gp_item item = item_of("gp:sessions:dol");
    struct gp_sessions s;
    if (item.state != GP_FOUND || !gp_sessions_decode((struct gp_str){item.value, item.n}, &s))
        return UINT64_MAX;
    return gp_sessions_open(&s, now_ms);
}

static inline enum gp_reason charge(struct gp_ledger *l, const struct gp_agency *a, enum gp_on_loss on_loss,
                                    uint64_t now_ms)
{
    unsigned warning;
    return gp_ledger_charge(l, a, &a->limits, on_loss, 1, now_ms, &warning);
}

/* begin_until - so many sessions begin, and then no other */
static inline void begin_until(struct gp_ledger *l, const struct gp_agency *a, int expect, uint64_t now_ms)
{
    for (int i = 0; i < expect; i++)
        assert_int_equal(gp_ledger_begin(l, a, GP_LOSS_CLOSED, now_ms), GP_ACCEPTED);
    assert_int_equal(gp_ledger_begin(l, a, GP_LOSS_CLOSED, now_ms), GP_SESSION_LIMIT);
}

/* Many threads charge (or open and close sessions) at once. */
struct crowd {
    struct gp_ledger *l;
    const struct gp_agency *agency;
    int rounds;
    atomic_int *accepted, *open, *most;
    _Atomic double *slowest;
};

static inline void *crowd_charge(void *arg)
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

/* crowd_run - threads_each threads for each of n crowds, until all are done */
static inline void crowd_run(void *(*run)(void *), struct crowd *crowds, size_t n, size_t threads_each)
{
    pthread_t thread[400];
    size_t started = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < threads_each; k++)
            assert_int_equal(pthread_create(&thread[started++], NULL, run, &crowds[i]), 0);
    while (started > 0)
        pthread_join(thread[--started], NULL);
}

#endif
