/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_together.c - calls that wait for the same agency are carried out together, each with its own verdict
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/ledger_account.h"

#include "t/unit/ledger_fixture.h"

#define CALLERS 16

static struct gp_ledger *ledger;
static struct gp_account *account;
static struct gp_agency dol;

static int setup(void **state)
{
    dol = (struct gp_agency){.name = "dol", .limits = gp_limits_default};
    dol.limits.rates = 1;
    dol.limits.sessions = 100;
    if (ledger_setup(state) != 0)
        return -1;
    ledger = gp_ledger_new(counters, "gp", 1, 1);
    account = ledger != NULL ? gp_account_of(ledger, "dol") : NULL;
    return account == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    gp_ledger_free(ledger);
    return ledger_teardown(state);
}

/* What memcached says of itself. */
static unsigned long stat_of(const char *name)
{
    char reply[8192];
    assert_true(memcached_say(&server, "stats\r\n", 7, reply, sizeof reply));
    const char *at = strstr(reply, name);
    assert_non_null(at);
    return strtoul(at + strlen(name), NULL, 10);
}

/* How often memcached was told to change an item. */
static unsigned long changes(void)
{
    return stat_of("STAT cmd_set ");
}

/* How many items it was asked for. */
static unsigned long looks(void)
{
    return stat_of("STAT cmd_get ");
}

struct caller {
    pthread_t thread;
    enum { CHARGE, BEGIN, END } what;
    uint64_t waited_ms; /* before its turn */
    enum gp_reason reason;
    unsigned warning;
};

static void *call(void *arg)
{
    struct caller *c = arg;
    switch (c->what) {
    case CHARGE:
        c->reason = gp_ledger_charge(ledger, &dol, &dol.limits, GP_LOSS_CLOSED, 1, NOW, &c->warning);
        break;
    case BEGIN:
        c->reason = gp_ledger_begin(ledger, &dol, GP_LOSS_CLOSED, NOW - c->waited_ms);
        break;
    case END:
        gp_ledger_end(ledger, &dol, NOW);
        break;
    }
    return NULL;
}

static size_t waiting(void)
{
    size_t n = 0;
    pthread_mutex_lock(&account->waiting);
    for (const struct gp_charge *c = account->charges; c != NULL; c = c->next)
        n++;
    for (const struct gp_session_change *c = account->changes; c != NULL; c = c->next)
        n++;
    pthread_mutex_unlock(&account->waiting);
    return n;
}

/* All call at once. */
static void call_at_once(struct caller *callers, size_t n)
{
    pthread_mutex_lock(&account->lock);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    double deadline = test_seconds() + 30;
    while (waiting() < n && test_seconds() < deadline)
        sched_yield();
    assert_int_equal(waiting(), n);
    pthread_mutex_unlock(&account->lock);
    for (size_t i = 0; i < n; i++)
        pthread_join(callers[i].thread, NULL);
}

/* On a machine so busy that memcached does not answer within a call's time, nothing is told by what follows. */
static void skip_if_away(void)
{
    if (!gp_counters_up(counters))
        skip();
}

/* The same; returns how many changes the store saw. */
static unsigned long together(struct caller *callers, size_t n)
{
    unsigned long before = changes();
    call_at_once(callers, n);
    skip_if_away();
    return changes() - before;
}

static size_t count(const struct caller *callers, size_t n, enum gp_reason reason)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += callers[i].reason == reason;
    return found;
}

static uint64_t stored(const char *key)
{
    struct gp_item item;
    struct gp_usage usage;
    struct gp_sessions sessions;
    snprintf(item.key, sizeof item.key, "%s", key);
    gp_counters_get(counters, &(struct gp_look){"dol", &item, 1}, 1);
    const struct gp_str value = {item.value, item.n};
    if (item.state == GP_FOUND && gp_usage_decode(value, &usage))
        return gp_usage_window(&usage, 3600, NOW);
    return item.state == GP_FOUND && gp_sessions_decode(value, &sessions) ? gp_sessions_open(&sessions, NOW) : 0;
}

static void test_charges_take_one_change(void **state)
{
    struct caller callers[CALLERS] = {{.what = CHARGE}};
    (void)state;
    dol.limits.rate[0] = (struct gp_window){1000, 3600};
    assert_int_equal(together(callers, CALLERS), 1);
    assert_int_equal(count(callers, CALLERS, GP_ACCEPTED), CALLERS);
    assert_int_equal(stored("gp:usage:dol"), CALLERS);
}

static void test_each_charge_has_its_verdict(void **state)
{
    struct caller callers[CALLERS] = {{.what = CHARGE}};
    (void)state;
    dol.limits.rate[0] = (struct gp_window){1000, 3600};
    dol.limits.package = (struct gp_package){10, GP_PACKAGE_MONTH};
    assert_int_equal(together(callers, CALLERS), 1);
    assert_int_equal(count(callers, CALLERS, GP_ACCEPTED), 10);
    assert_int_equal(count(callers, CALLERS, GP_PACKAGE), CALLERS - 10);
    assert_int_equal(stored("gp:usage:dol"), 10);
    unsigned warned = 0;
    for (size_t i = 0; i < CALLERS; i++)
        warned += callers[i].warning;
    assert_int_equal(warned, 80 + 90 + 100); /* each share is crossed once */
    assert_int_equal(together(callers, CALLERS), 0);
    assert_int_equal(count(callers, CALLERS, GP_PACKAGE), CALLERS);
}

static void test_sessions_take_one_change(void **state)
{
    struct caller callers[CALLERS];
    (void)state;
    dol.limits.sessions = 10;
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.what = BEGIN};
    assert_int_equal(together(callers, CALLERS), 1);
    assert_int_equal(count(callers, CALLERS, GP_ACCEPTED), 10);
    assert_int_equal(count(callers, CALLERS, GP_SESSION_LIMIT), CALLERS - 10);
    assert_int_equal(stored("gp:sessions:dol"), 10);
    assert_int_equal(gp_ledger_sessions(ledger), 10);
}

/* The time that some had to wait makes no difference to what holds. */
static void test_a_live_limit_holds_for_all(void **state)
{
    static const char set[] = "set gp:limit:dol:sessions 0 0 1\r\n4\r\n";
    struct caller callers[CALLERS];
    char reply[64];
    (void)state;
    assert_true(memcached_say(&server, set, sizeof set - 1, reply, sizeof reply));
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.what = BEGIN, .waited_ms = i % 3};
    together(callers, CALLERS);
    assert_int_equal(count(callers, CALLERS, GP_ACCEPTED), 4);
    assert_int_equal(stored("gp:sessions:dol"), 4);
}

/* A place given back is there for one that begins at the same time, and one for the other is no change at all. */
static void test_one_session_for_another(void **state)
{
    struct caller callers[CALLERS];
    (void)state;
    dol.limits.sessions = CALLERS / 2;
    for (size_t i = 0; i < CALLERS / 2; i++)
        gp_ledger_begin(ledger, &dol, GP_LOSS_CLOSED, NOW);
    skip_if_away();
    assert_int_equal(gp_ledger_sessions(ledger), CALLERS / 2);
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.what = i < CALLERS / 2 ? BEGIN : END};
    assert_int_equal(together(callers, CALLERS), 0);
    assert_int_equal(count(callers, CALLERS / 2, GP_ACCEPTED), CALLERS / 2);
    assert_int_equal(stored("gp:sessions:dol"), CALLERS / 2);
    assert_int_equal(gp_ledger_sessions(ledger), CALLERS / 2);
    for (size_t i = 0; i < CALLERS / 2; i++)
        gp_ledger_end(ledger, &dol, NOW);
    gp_ledger_renew(ledger, NOW);
    skip_if_away();
    assert_int_equal(stored("gp:sessions:dol"), 0);
}

/* Three quarters are free: the store is told by the next session or renewal. Less: at once, others may want the place. */
static void test_an_end_may_wait(void **state)
{
    (void)state;
    dol.limits.sessions = 8;
    for (int i = 0; i < 3; i++)
        assert_int_equal(gp_ledger_begin(ledger, &dol, GP_LOSS_CLOSED, NOW), GP_ACCEPTED);
    unsigned long before = changes();
    gp_ledger_end(ledger, &dol, NOW);
    skip_if_away();
    assert_int_equal(changes() - before, 1);
    assert_int_equal(stored("gp:sessions:dol"), 2);
    gp_ledger_end(ledger, &dol, NOW);
    assert_int_equal(gp_ledger_sessions(ledger), 1);
    assert_int_equal(stored("gp:sessions:dol"), 2);
    assert_int_equal(gp_ledger_begin(ledger, &dol, GP_LOSS_CLOSED, NOW), GP_ACCEPTED); /* in its place */
    gp_ledger_end(ledger, &dol, NOW);
    skip_if_away();
    assert_int_equal(changes() - before, 1);
    gp_ledger_renew(ledger, NOW);
    assert_int_equal(stored("gp:sessions:dol"), 1);
    gp_ledger_end(ledger, &dol, NOW);
    gp_ledger_leave(ledger, NOW);
    skip_if_away();
    assert_int_equal(stored("gp:sessions:dol"), 0);
    assert_int_equal(gp_ledger_sessions(ledger), 0);
}

static enum gp_reason charge_now(struct gp_ledger *l)
{
    unsigned warning;
    return gp_ledger_charge(l, &dol, &dol.limits, GP_LOSS_CLOSED, 1, NOW, &warning);
}

static void mail(void)
{
    struct gp_limits limits;
    gp_ledger_limits(ledger, &dol, 1 << 20, NOW, &limits);
}

/* What MAIL read serves one charge, unless somebody was faster; a refusal is always by what the store says now. */
static void test_a_charge_uses_what_mail_read(void **state)
{
    struct gp_ledger *other = gp_ledger_new(counters, "gp", 2, 1);
    (void)state;
    dol.limits.rate[0] = (struct gp_window){5, 3600};
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    mail();
    mail(); /* of another session */
    unsigned long before = looks();
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    skip_if_away();
    assert_int_equal(looks() - before, 0);
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    assert_int_equal(looks() - before, 1);
    assert_int_equal(stored("gp:usage:dol"), 3);
    mail();
    assert_int_equal(charge_now(other), GP_ACCEPTED);
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    assert_int_equal(stored("gp:usage:dol"), 5);
    mail();
    gp_counters_delete(counters, "dol", "gp:usage:dol"); /* an operator's reset, or evicted: the copy knows */
    assert_int_equal(charge_now(ledger), GP_RATE);
    skip_if_away();
    gp_ledger_renew(ledger, NOW);
    assert_int_equal(stored("gp:usage:dol"), 5);
    gp_ledger_free(other);
}

/* A memcached that was started again counts its cas anew: what was read from the one before is worth nothing. */
static void test_what_mail_read_ends_with_memcached(void **state)
{
    struct gp_ledger *other = gp_ledger_new(counters, "gp", 2, 1);
    (void)state;
    dol.limits.rate[0] = (struct gp_window){1000, 3600};
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    mail();
    memcached_kill(&server);
    assert_true(memcached_begin(&server));
    double deadline = test_seconds() + 5;
    while (!gp_counters_probe(counters) && test_seconds() < deadline)
        ;
    assert_int_equal(charge_now(other), GP_ACCEPTED); /* the same step of another memcached */
    unsigned long before = looks();
    assert_int_equal(charge_now(ledger), GP_ACCEPTED);
    skip_if_away();
    assert_true(looks() > before);
    gp_ledger_free(other);
}

/* Without the store each is judged by itself, as on_counter_loss says. */
static void test_together_without_the_store(void **state)
{
    struct caller callers[CALLERS];
    (void)state;
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.what = i % 2 == 0 ? CHARGE : BEGIN};
    memcached_kill(&server);
    call_at_once(callers, CALLERS);
    assert_int_equal(count(callers, CALLERS, GP_INTERNAL), CALLERS);
    assert_int_equal(gp_ledger_sessions(ledger), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_charges_take_one_change), T(test_each_charge_has_its_verdict), T(test_sessions_take_one_change),
        T(test_a_live_limit_holds_for_all),
        T(test_one_session_for_another), T(test_an_end_may_wait), T(test_a_charge_uses_what_mail_read),
        T(test_what_mail_read_ends_with_memcached), T(test_together_without_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
