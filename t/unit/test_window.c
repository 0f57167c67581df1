/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_window.c - test windows: read, when they admit whom, and what the milter makes of them
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/session.h"
#include "shared/keys.h"
#include "shared/test_window.h"

#include "t/unit/scratch.h"

#include <arpa/inet.h>

#define MINUTE 60000
#define FROM UINT64_C(1796889600000)  /* 2026-12-10T08:00Z */
#define UNTIL UINT64_C(1796925600000) /* 2026-12-10T18:00Z */

static struct scratch folder;
static struct gp_config *config;
static const struct gp_agency *dol;

static const char top[] = "relay_name = \"relay.example.gov\"\nreturn_path = \"b.example.gov\"\ncounters = []\n"
                          "token_keys = \"$D/token\" " SCRATCH_DKIM "\n";
static const char agencies[] =
    "dol = { production = [ \"192.0.2.10\" ] sender_domains = [ \"dol.gov\" ]\n"
    "  limits = { package = \"70/month\" rate = [ \"100/1m\" ] sessions = \"2\" message_size = \"14M\" }\n"
    "  tests = ( { why = \"load test\" address = \"192.0.2.99\" messages = \"5\"\n"
    "              from = \"2026-12-10T08:00Z\" until = \"2026-12-10T18:00Z\" },\n"
    "            { why = \"the next\" address = \"192.0.2.99\" messages = \"6\"\n"
    "              from = \"2026-12-10T18:00Z\" until = \"2028-02-29T23:59Z\" },\n"
    "            { why = \"ends of time\" address = \"2001:DB8:0::99\" messages = \"1000000000\"\n"
    "              from = \"2000-01-01T00:00Z\" until = \"9999-12-31T23:59Z\" } ) }\n"
    "doe = { production = [ \"192.0.2.20\" ] sender_domains = [ \"doe.gov\" ] }\n";

static struct gp_config *load(void)
{
    struct gp_faults faults;
    char path[512];
    scratch_path(&folder, "gatepost.conf", path);
    gp_faults_init(&faults);
    struct gp_config *c = gp_config_load(path, &faults);
    if (c == NULL)
        fail_msg("%s", faults.list[0].text);
    assert_int_equal(faults.n, 0); /* not even a warning */
    gp_faults_free(&faults);
    return c;
}

static int setup(void **state)
{
    (void)state;
    if (!scratch_open(&folder) || !scratch_write(&folder, "gatepost.conf", gp_str_z(top)) ||
        !scratch_write(&folder, "agencies.d/a.conf", gp_str_z(agencies)))
        return -1;
    config = load();
    dol = gp_config_by_name(config, GP_STR("dol"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gp_config_free(config);
    scratch_close(&folder);
    return 0;
}

static void test_read(void **state)
{
    (void)state;
    assert_int_equal(dol->tests, 3);
    const struct gp_test_window *w = &dol->test[0], *last = &dol->test[2];
    assert_string_equal(w->allowance, "dol:192.0.2.99:2026-12-10T08:00Z");
    assert_string_equal(w->why, "load test");
    assert_int_equal(w->messages, 5);
    assert_int_equal(w->from.ms, FROM);
    assert_int_equal(w->until.ms, UNTIL);
    assert_string_equal(w->until.text, "2026-12-10T18:00Z");
    assert_int_equal(dol->test[1].until.ms, UINT64_C(1835481540000)); /* a 29 February */
    assert_string_equal(last->allowance, "dol:2001:db8::99:2000-01-01T00:00Z");
    assert_int_equal(last->from.ms, UINT64_C(946684800000));
    assert_int_equal(last->until.ms, UINT64_C(253402300740000));
    assert_string_equal(w->acting.name, "dol"); /* tokens, headers and logs name the agency */
    assert_ptr_equal(w->acting.window, w);
    assert_int_equal(w->acting.limits.package.count, 5);
    assert_int_equal(w->acting.limits.package.period, GP_PACKAGE_TOTAL);
    assert_int_equal(w->acting.limits.message_size, 14 << 20);
    assert_true(gp_agency_may_send(&w->acting, GP_STR("dol.gov")));
    assert_string_equal(gp_agency_allowance(&w->acting), w->allowance);
    assert_string_equal(gp_agency_allowance(dol), "dol");
    assert_null(dol->window);
}

static void test_longest_key(void **state)
{
    char allowance[GP_ALLOWANCE_MAX + 1], key[GP_KEY_MAX];
    (void)state;
    memset(allowance, 'a', GP_ALLOWANCE_MAX);
    allowance[GP_ALLOWANCE_MAX] = '\0';
    assert_true(GP_AGENCY_NAME_MAX + 1 + (GP_IP_TEXT - 1) + 1 + (GP_MOMENT_TEXT - 1) <= GP_ALLOWANCE_MAX);
    gp_key_sessions(key, "0123456789abcdef", allowance);
    assert_int_equal(strlen(key), 16 + strlen(":sessions:") + GP_ALLOWANCE_MAX);
}

static void test_states(void **state)
{
    static const struct {
        const char *name;
        uint64_t used, now_ms;
        enum gp_test_state is;
        const char *label;
    } rows[] = {
        {"long before", 0, 0, GP_TEST_WAITING, "waiting"},
        {"just before", 0, FROM - 1, GP_TEST_WAITING, "waiting"},
        {"at from", 0, FROM, GP_TEST_OPEN, "open"},
        {"inside, one left", 4, FROM + MINUTE, GP_TEST_OPEN, "open"},
        {"inside, none left", 5, FROM + MINUTE, GP_TEST_USED_UP, "used up"},
        {"inside, more than all", 6, FROM + MINUTE, GP_TEST_USED_UP, "used up"},
        {"last moment", 0, UNTIL - 1, GP_TEST_OPEN, "open"},
        {"at until", 0, UNTIL, GP_TEST_OVER, "over"},
        {"over and used up", 5, UNTIL, GP_TEST_OVER, "over"},
        {"a clock that went back", 5, FROM - 1, GP_TEST_WAITING, "waiting"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum gp_test_state is = gp_test_state(&dol->test[0], rows[i].used, rows[i].now_ms);
        if (is != rows[i].is || strcmp(gp_test_state_label(is), rows[i].label) != 0)
            fail_msg("%s: %s", rows[i].name, gp_test_state_label(is));
    }
}

static void test_admits(void **state)
{
    static const struct {
        const char *address;
        uint64_t now_ms;
        int window; /* of dol; -1: the agency itself, -2: nobody */
    } rows[] = {
        {"192.0.2.99", 0, -2},          {"192.0.2.99", FROM - 1, -2},
        {"192.0.2.99", FROM, 0},        {"::ffff:192.0.2.99", FROM + MINUTE, 0},
        {"192.0.2.99", UNTIL - 1, 0},   {"192.0.2.99", UNTIL, 1},
        {"192.0.2.99", UINT64_MAX, -2}, {"192.0.2.98", FROM, -2},
        {"192.0.2.100", FROM, -2},      {"2001:db8::99", FROM, 2},
        {"192.0.2.10", 0, -1},          {"192.0.2.10", FROM, -1},
        {"192.0.2.10", UINT64_MAX, -1},
    };
    struct gp_ip ip;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(gp_ip_parse(gp_str_z(rows[i].address), &ip));
        const struct gp_agency *is = gp_config_admits(config, &ip, rows[i].now_ms);
        const struct gp_agency *expect = rows[i].window == -2   ? NULL
                                         : rows[i].window == -1 ? dol
                                                                : &dol->test[rows[i].window].acting;
        if (is != expect)
            fail_msg("%s at %llu", rows[i].address, (unsigned long long)rows[i].now_ms);
        bool listed = strcmp(rows[i].address, "192.0.2.98") != 0 && strcmp(rows[i].address, "192.0.2.100") != 0;
        assert_ptr_equal(gp_config_lists(config, &ip), listed ? dol : NULL);
    }
}

static struct gp_session *begin(const char *address, const struct gp_now *at)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, address, &peer.sin_addr), 1);
    return gp_session_begin(GP_STR("gatepost-address"), (const struct sockaddr *)&peer, at);
}

static enum gp_reason judge(const struct gp_session *s, enum gp_milter_stage stage, const struct gp_now *at)
{
    const char *rule;
    struct gp_milter_facts f = gp_session_facts(s, at);
    gp_facts_path(&f, GP_STR("<app@dol.gov>"));
    return gp_milter_judge(stage, &f, &rule);
}

/* A session belongs to what admitted it, and does not outlast its window; sessions are counted apart from production's.
 */
static void test_milter(void **state)
{
    struct gp_now at = {gp_ledger_new(NULL, "gp", 1, 1), UNTIL - 1, 1000};
    struct gp_session *test[3], *production;
    (void)state;
    gp_epoch_swap(load(), 0);
    for (size_t i = 0; i < 2; i++) {
        test[i] = begin("192.0.2.99", &at);
        gp_session_prepare(test[i], &at);
        assert_int_equal(test[i]->standing, GP_ACCEPTED);
        assert_int_equal(test[i]->message.limits.package.period, GP_PACKAGE_TOTAL);
        assert_int_equal(judge(test[i], GP_AT_MAIL, &at), GP_ACCEPTED);
    }
    test[2] = begin("192.0.2.99", &at);
    assert_int_equal(test[2]->standing, GP_SESSION_LIMIT); /* 2, as the agency has */
    production = begin("192.0.2.10", &at);
    gp_session_prepare(production, &at);
    assert_int_equal(production->standing, GP_ACCEPTED);
    at.wall_ms = UNTIL;
    assert_int_equal(judge(test[0], GP_AT_HELO, &at), GP_ACCEPTED); /* a 554 there would part Postfix from the milter */
    assert_int_equal(judge(test[0], GP_AT_MAIL, &at), GP_NOT_PERMITTED);
    assert_int_equal(judge(test[0], GP_AT_END, &at), GP_NOT_PERMITTED);
    assert_int_equal(judge(production, GP_AT_MAIL, &at), GP_ACCEPTED);
    for (size_t i = 0; i < 3; i++)
        gp_session_end(test[i], &at);
    gp_session_end(production, &at);
    at.wall_ms = FROM - 1;
    test[0] = begin("192.0.2.99", &at);
    assert_null(test[0]->agency);
    at.wall_ms = FROM; /* who came too early stays refused */
    assert_int_equal(judge(test[0], GP_AT_MAIL, &at), GP_INTERNAL);
    gp_session_end(test[0], &at);
    assert_int_equal(gp_ledger_sessions(at.ledger), 0);
    gp_ledger_free(at.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_longest_key), cmocka_unit_test(test_states),
        cmocka_unit_test(test_admits), cmocka_unit_test(test_milter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
