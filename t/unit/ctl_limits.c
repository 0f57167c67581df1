/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ctl_limits.c - what gatepostctl limits shows is what the items and the database say
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ctl/limits_view.h"
#include "ctl/ttl.h"
#include "shared/sessions.h"
#include "t/unit/memcached_fixture.h"

#define NOW UINT64_C(1795236000000)

static struct memcached server;
static struct gp_agency agency = {.name = "dol"};
static struct gp_config config;
static struct gp_ctl ctl;
static char database[128], prefix[] = "gp", *servers[1];

static int setup(void **state)
{
    const char *why;
    char trouble[256];
    (void)state;
    if (!memcached_new(&server))
        return -1;
    snprintf(database, sizeof database, "%s/db", server.dir);
    servers[0] = server.path;
    agency.limits = gp_limits_default;
    gp_limit_set(&agency.limits, GP_LIMIT_PACKAGE, GP_STR("1000/month"));
    config = (struct gp_config){.counters = {1, servers},
                                .counters_prefix = prefix,
                                .database = database,
                                .message_size_ceiling = 64 << 20,
                                .agencies_n = 1,
                                .agency = &agency};
    ctl = (struct gp_ctl){.config = &config};
    ctl.counters = gp_counters_new((const char *const *)servers, 1, &why);
    ctl.store = gp_store_open(database, trouble);
    return ctl.counters != NULL && ctl.store != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    (void)state;
    gp_counters_free(ctl.counters);
    gp_store_close(ctl.store);
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s%s", database, tails[i]);
        unlink(path);
    }
    memcached_end(&server);
    return 0;
}

static void put(const char *key, struct gp_str value, uint32_t ttl_s)
{
    assert_int_equal(gp_counters_set(ctl.counters, "dol", key, value, ttl_s), GP_PUT_DONE);
}

static void put_usage(uint32_t recipients, uint64_t when_ms)
{
    struct gp_usage u;
    char item[GP_USAGE_ITEM_MAX];
    gp_usage_init(&u, 7);
    gp_usage_charge(&u, when_ms, recipients);
    put("gp:usage:dol", (struct gp_str){item, gp_usage_encode(&u, item)}, 0);
}

static void used_of_windows_and_sessions(void **state)
{
    (void)state;
    struct gp_ctl_limits_view v;
    struct gp_sessions s = {0};
    char item[GP_SESSIONS_ITEM_MAX];
    put_usage(11, NOW - 300000); /* outside the minute, inside the ten */
    gp_sessions_set(&s, 1, 1, 2, NOW);
    gp_sessions_set(&s, 2, 1, 3, NOW);
    s.row[s.rows++] = (struct gp_sessions_row){3, 1, 9, NOW - 1}; /* a node that died */
    put("gp:sessions:dol", (struct gp_str){item, gp_sessions_encode(&s, item)}, 0);
    gp_ctl_limits_view(&ctl, &agency, NOW, &v);
    assert_true(v.answered);
    assert_string_equal(v.server, server.path);
    assert_int_equal(gp_usage_window(&v.usage, 60, NOW), 0);
    assert_int_equal(gp_usage_window(&v.usage, 600, NOW), 11);
    assert_int_equal(v.sessions_open, 5);
    assert_int_equal(v.package_used, 11);
}

static void the_database_remembers_packages(void **state)
{
    (void)state;
    struct gp_ctl_limits_view v;
    uint32_t month = gp_usage_month(NOW), day = gp_usage_day(NOW);
    assert_true(gp_store_package_save(ctl.store, "dol", &(struct gp_counts){day, month, 3, 40, 0}));
    assert_true(gp_store_package_save(ctl.store, "doe", &(struct gp_counts){day, month, 3, 900, 0}));
    put_usage(11, NOW); /* memcached lost what was before */
    gp_ctl_limits_view(&ctl, &agency, NOW, &v);
    assert_int_equal(v.package_used, 40);
    put_usage(41, NOW);
    gp_ctl_limits_view(&ctl, &agency, NOW, &v);
    assert_int_equal(v.package_used, 41);
    put_usage(2, NOW + 40 * UINT64_C(86400000)); /* another month */
    gp_ctl_limits_view(&ctl, &agency, NOW + 40 * UINT64_C(86400000), &v);
    assert_int_equal(v.package_used, 2);
}

static void live_values(void **state)
{
    (void)state;
    struct gp_ctl_limits_view v;
    put("gp:limit:dol:sessions", GP_STR("8"), 100);
    put("gp:limit:dol:rate", GP_STR("1/1m"), 0);
    put("gp:limit:dol:message_size", GP_STR("500M"), 100);
    put("gp:limit:dol:package", GP_STR("lots"), 100);
    put("gp:limit:dol:recipients_per_message", GP_STR("2"), 100);
    gp_ctl_limits_view(&ctl, &agency, NOW, &v);
    assert_int_equal(v.limit[GP_LIMIT_SESSIONS].from, GP_CTL_FROM_LIVE);
    assert_string_equal(v.limit[GP_LIMIT_SESSIONS].text, "8");
    assert_in_range(v.limit[GP_LIMIT_SESSIONS].left_s, 95, 100);
    assert_int_equal(v.limit[GP_LIMIT_RATE].left_s, GP_CTL_TTL_FOREVER);
    assert_string_equal(v.limit[GP_LIMIT_MESSAGE_SIZE].text, "64M"); /* the ceiling holds */
    assert_true(v.limit[GP_LIMIT_PACKAGE].ignored);
    assert_int_equal(v.limit[GP_LIMIT_PACKAGE].from, GP_CTL_FROM_FILE);
    assert_string_equal(v.limit[GP_LIMIT_PACKAGE].text, "1000/month");
    assert_true(v.limit[GP_LIMIT_RECIPIENTS_PER_MESSAGE].ignored);
    assert_string_equal(v.limit[GP_LIMIT_RECIPIENTS_PER_MESSAGE].text, "1");
    assert_int_equal(v.limit[GP_LIMIT_SESSION_TIME].from, GP_CTL_FROM_DEFAULT);
}

static void a_server_that_hangs(void **state)
{
    (void)state;
    struct gp_ctl_limits_view v;
    const char key[1][GP_KEY_MAX] = {"gp:limit:dol:rate"};
    int64_t left;
    memcached_pause(&server);
    double began = test_seconds();
    gp_ctl_limits_view(&ctl, &agency, NOW, &v);
    gp_ctl_ttl(server.path, key, 1, &left);
    assert_true(test_seconds() - began < 3);
    memcached_resume(&server);
    assert_false(v.answered);
    assert_string_equal(v.limit[GP_LIMIT_PACKAGE].text, "1000/month");
    assert_int_equal(left, GP_CTL_TTL_UNKNOWN);
    gp_ctl_ttl("127.0.0.1:1", key, 1, &left);
    assert_int_equal(left, GP_CTL_TTL_UNKNOWN);
    gp_ctl_ttl("no port", key, 1, &left);
    assert_int_equal(left, GP_CTL_TTL_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(used_of_windows_and_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(the_database_remembers_packages, setup, teardown),
        cmocka_unit_test_setup_teardown(live_values, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_hangs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
