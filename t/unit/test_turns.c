/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_turns.c - the journal of test windows: every way to open and to close, each said once
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policyd/test_turns.h"

#include "t/unit/memcached_fixture.h"
#include "t/unit/scratch.h"

#define FROM UINT64_C(1796889600000) /* 2026-12-10T08:00Z */
#define UNTIL UINT64_C(1796925600000)
#define ALLOWANCE "dol:192.0.2.99:2026-12-10T08:00Z"
#define WHAT "dol 192.0.2.99, 2026-12-10T08:00Z to 2026-12-10T18:00Z, 5 messages"

static struct memcached server;
static struct gp_counters *counters;
static struct scratch folder;
static struct gp_store *store;
static struct gp_agency dol;
static struct gp_test_window window;
static struct gp_config config;

static struct gp_store *open_store(void)
{
    char path[512], why[256];
    scratch_path(&folder, "gatepost.db", path);
    return gp_store_open(path, why);
}

static int setup(void **state)
{
    static char why_text[] = "load test, ticket 4711";
    const char *why, *path = server.path;
    (void)state;
    dol = (struct gp_agency){.name = "dol", .tests = 1, .test = &window};
    window = (struct gp_test_window){.allowance = ALLOWANCE,
                                     .why = why_text,
                                     .messages = 5,
                                     .from = {FROM, "2026-12-10T08:00Z"},
                                     .until = {UNTIL, "2026-12-10T18:00Z"},
                                     .acting = {.name = "dol"}};
    config = (struct gp_config){.agencies_n = 1, .agency = &dol};
    if (!gp_ip_parse(GP_STR("192.0.2.99"), &window.address) || !scratch_open(&folder) || !memcached_new(&server))
        return -1;
    store = open_store();
    counters = gp_counters_new(&path, 1, &why);
    return store == NULL || counters == NULL || !gp_counters_probe(counters) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gp_store_close(store);
    gp_counters_free(counters);
    memcached_end(&server);
    scratch_close(&folder);
    return 0;
}

static void used_in_database(uint64_t n)
{
    assert_true(gp_store_package_save(store, ALLOWANCE, &(struct gp_counts){.total = n}));
}

static void used_in_memcached(uint32_t n)
{
    struct gp_usage u;
    char item[GP_USAGE_ITEM_MAX];
    gp_usage_init(&u, 1);
    gp_usage_charge(&u, FROM, n);
    struct gp_str value = {item, gp_usage_encode(&u, item)};
    assert_int_equal(gp_counters_set(counters, "dol", "gp:usage:" ALLOWANCE, value, 0), GP_PUT_DONE);
}

static void keep(void *arg, const struct gp_change *c)
{
    assert_string_equal(c->who, "policyd");
    assert_string_equal(c->why, "load test, ticket 4711");
    gp_buf_printf(arg, "%s %s\n", c->verb, c->what);
}

/* Look at this time, twice; the journal then reads so, newest first. */
static void look(struct gp_counters *c, uint64_t now_ms, const char *journal)
{
    char text[2048];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (int i = 0; i < 2; i++)
        assert_true(gp_test_turns(store, c, "gp", &config, now_ms));
    assert_true(gp_store_history(store, 100, keep, &b));
    assert_string_equal(text, journal);
}

#define OPEN "test open " WHAT "\n"
#define CLOSE(how) "test close " WHAT ": " how "\n"

static void test_by_time(void **state)
{
    (void)state;
    look(NULL, FROM - 1, "");
    look(NULL, FROM, OPEN);
    used_in_database(3);
    look(NULL, UNTIL - 1, OPEN);
    look(NULL, UNTIL, CLOSE("over after 3") OPEN);
    look(NULL, UNTIL + 1, CLOSE("over after 3") OPEN);
}

static void test_by_count(void **state)
{
    (void)state;
    look(counters, FROM, OPEN);
    used_in_memcached(4);
    look(counters, FROM + 1, OPEN);
    used_in_memcached(5);
    look(counters, FROM + 2, CLOSE("used up after 5") OPEN);
    look(counters, UNTIL, CLOSE("used up after 5") OPEN); /* it is closed already */
}

static void test_by_count_without_memcached(void **state)
{
    (void)state;
    look(NULL, FROM, OPEN);
    used_in_database(5);
    look(NULL, FROM + 1, CLOSE("used up after 5") OPEN);
    window.messages = 6; /* raised by a reload */
    gp_test_turns(store, NULL, "gp", &config, FROM + 2);
    window.messages = 5;
    look(
        NULL, FROM + 3,
        CLOSE("used up after 5") "test open dol 192.0.2.99, 2026-12-10T08:00Z to 2026-12-10T18:00Z, 6 messages\n" CLOSE(
            "used up after 5") OPEN);
}

static void test_used_up_unseen(void **state)
{
    (void)state;
    used_in_memcached(5);
    look(counters, FROM + 1, CLOSE("used up after 5") OPEN);
}

/* The database lags behind a memcached that dies: nothing opens again for that. */
static void test_memcached_dies(void **state)
{
    (void)state;
    look(counters, FROM, OPEN);
    used_in_memcached(5);
    look(counters, FROM + 1, CLOSE("used up after 5") OPEN);
    used_in_database(4);
    memcached_kill(&server);
    look(counters, FROM + 2, CLOSE("used up after 5") OPEN);
    assert_true(memcached_begin(&server));
    gp_counters_probe(counters);
    look(counters, FROM + 3, CLOSE("used up after 5") OPEN); /* empty */
    used_in_memcached(5);
    look(counters, FROM + 4, CLOSE("used up after 5") OPEN);
}

static void test_by_reload(void **state)
{
    (void)state;
    dol.tests = 0;
    look(NULL, FROM + 1, "");
    dol.tests = 1; /* added while its time is */
    look(NULL, FROM + 2, OPEN);
    dol.tests = 0; /* removed */
    look(NULL, FROM + 3, CLOSE("no longer configured") OPEN);
    dol.tests = 1;
    look(NULL, FROM + 4, OPEN CLOSE("no longer configured") OPEN);
    config.agencies_n = 0; /* with its agency */
    look(NULL, FROM + 5, CLOSE("no longer configured") OPEN CLOSE("no longer configured") OPEN);
}

static void test_restarts(void **state)
{
    (void)state;
    look(NULL, FROM, OPEN);
    gp_store_close(store);
    store = open_store();
    look(NULL, FROM + 1, OPEN);
    gp_store_close(store); /* nobody looks when it ends */
    store = open_store();
    look(NULL, UNTIL + 86400000, CLOSE("over after 0") OPEN);
}

static void test_never_looked(void **state)
{
    (void)state;
    look(NULL, UNTIL, ""); /* no daemon ran, nobody was admitted */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_by_time),        T(test_by_count),     T(test_by_count_without_memcached),
        T(test_used_up_unseen), T(test_by_reload),    T(test_memcached_dies),
        T(test_restarts),       T(test_never_looked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
