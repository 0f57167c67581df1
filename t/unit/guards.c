/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * guards.c - a provider's fault suppresses nobody; too many dead addresses, complaints and waiting mail are told once
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/act.h"
#include "feedback/guards.h"
#include "feedback/provider_fault.h"
#include "shared/statistics.h"
#include "t/unit/store_fixture.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS UINT64_C(3600000)
#define DAY_MS UINT64_C(86400000)
#define NOON (20000 * DAY_MS + DAY_MS / 2)
#define GONE "550 5.1.1 <u@example.org> no such user (id 4XyZ)"

#define SUPPRESSED "SELECT count(*) FROM suppression"
#define NOTICES "SELECT agency, kind, key, day - 20000 FROM notice ORDER BY id"

static struct gp_config config;
static struct gp_act *act;
static unsigned events;

static int setup(void **state)
{
    config.suppression = gp_suppression_defaults;
    if (store_setup(state) != 0)
        return -1;
    act = gp_act_new(store);
    return act == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    gp_act_free(act);
    return store_teardown(state);
}

/* A bounce, or delivery when said is NULL, of a message of its own to the recipient. */
static void happens_to(const char *recipient, const char *agency, const char *provider, const char *said,
                       uint64_t at_ms)
{
    char token[16];
    snprintf(token, sizeof token, "t%u", events++);
    const struct gp_event e = {.category = said != NULL ? GP_CATEGORY_HARD : GP_CATEGORY_DELIVERED,
                               .proven = true,
                               .suppress = true,
                               .agency = gp_str_z(agency),
                               .recipient = gp_str_z(recipient),
                               .token = gp_str_z(token),
                               .provider = gp_str_z(provider),
                               .diagnostic = gp_str_z(said)};
    assert_true(gp_act_event(act, &config, &e, at_ms));
}

/* Of one recipient more. */
static void happens(const char *agency, const char *provider, const char *said, uint64_t at_ms)
{
    char recipient[40];
    snprintf(recipient, sizeof recipient, "u%u@example.org", events);
    happens_to(recipient, agency, provider, said, at_ms);
}

static void counts(const char *agency, const char *provider, const char *what, uint64_t n, uint64_t at_ms)
{
    assert_true(gp_act_count(act, gp_str_z(agency), gp_str_z(provider), gp_str_z(what), n, at_ms));
}

static void test_suspicion(void **state)
{
    (void)state;
    assert_false(gp_fault_suspected(19, 19));
    assert_true(gp_fault_suspected(20, 20));
    assert_true(gp_fault_suspected(20, 199));
    assert_false(gp_fault_suspected(20, 200)); /* not more than a tenth */
}

static void test_many_at_once_are_the_provider(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 19; i++)
        happens("dol", "big", GONE, NOON + i * 1000);
    store_expect("below the least", SUPPRESSED, "19;");
    happens("doe", "big", "550 5.1.1 <V@EXAMPLE.ORG> No such user (id 7QrS)", NOON + 20000); /* alike */
    store_expect("released", SUPPRESSED, "0;");
    store_expect("told", NOTICES, " provider-fault big 0;");
    store_expect("history", "SELECT effect, count(*) FROM event GROUP BY effect ORDER BY effect",
                 "distrusted 1;released 19;suppressed 19;");
    store_expect("no share of dead addresses", "SELECT what, sum(count) FROM stat GROUP BY what",
                 "bounced-distrusted 1;bounced-hard-bounce 19;");
    store_expect("nothing is remembered against them", "SELECT count(*) FROM failure", "0;");
    happens("dol", "big", GONE, NOON + 30 * MINUTE_MS);
    store_expect("distrusted for an hour", SUPPRESSED, "0;");
    happens("dol", "big", "550 5.1.1 account closed", NOON + 30 * MINUTE_MS);
    store_expect("another text", SUPPRESSED, "1;");
    happens("dol", "other", GONE, NOON + 30 * MINUTE_MS);
    store_expect("another provider", SUPPRESSED, "2;");
    happens("dol", "big", GONE, NOON + 61 * MINUTE_MS);
    store_expect("trusted again", SUPPRESSED, "3;");
}

/* Who got many messages can send as many reports that are proven. */
static void test_one_recipient_is_not_many(void **state)
{
    (void)state;
    happens("dol", "big", GONE, NOON);
    for (unsigned i = 0; i < 100; i++)
        happens_to("mallory@example.org", i % 2 == 0 ? "dol" : "doe", "big", GONE, NOON + 1000 + i * 1000);
    store_expect("others stay suppressed", SUPPRESSED, "3;");
    store_expect("nobody is told", NOTICES, "");
    for (unsigned i = 0; i < 18; i++)
        happens("dol", "big", GONE, NOON + 9 * MINUTE_MS);
    store_expect("with 20 people it is the provider", NOTICES, " provider-fault big 0;");
}

static void test_among_many_deliveries_they_are_people(void **state)
{
    (void)state;
    counts("dol", "big", GP_STAT_DELIVERED, 1000, NOON);
    for (unsigned i = 0; i < 60; i++)
        happens("dol", "big", GONE, NOON + i * 1000);
    store_expect("6 %", SUPPRESSED, "60;");
    store_expect("nobody is told", NOTICES, "");
}

static void test_spread_over_hours_they_are_people(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        happens("dol", "big", GONE, NOON + i * MINUTE_MS); /* ten within ten minutes */
    store_expect("rows", SUPPRESSED, "100;");
    store_expect("nobody is told", NOTICES, "");
}

/* One that was retested when the provider failed goes back to where it was, and is due again. */
static void test_a_retest_is_undone(void **state)
{
    (void)state;
    events = 0;
    happens("dol", "big", GONE, NOON);
    store_exec("UPDATE suppression SET step = 1, since_ms = 5, retest_ms = 6");
    store_exec("DELETE FROM counted");
    events = 0;
    happens("dol", "big", GONE, NOON + 20 * DAY_MS);
    store_expect("retested", "SELECT step, since_ms FROM suppression", "2 5;");
    for (unsigned i = 0; i < 19; i++)
        happens("dol", "big", GONE, NOON + 20 * DAY_MS);
    store_expect("undone",
                 "SELECT address, step, since_ms, retest_ms - 1728000000000 - 43200000 - 1728000000 FROM suppression",
                 "u0@example.org 1 5 0;");
}

static void test_invalid_addresses(void **state)
{
    (void)state;
    assert_false(gp_guard_invalid(99, 99));
    assert_true(gp_guard_invalid(11, 100));
    assert_false(gp_guard_invalid(10, 100));
    counts("dol", "a", "bounced-hard-bounce", 8, NOON);
    counts("dol", "b", "bounced-hard-bounce", 4, NOON);
    counts("dol", "a", GP_STAT_DELIVERED, 88, NOON);
    counts("doe", "a", GP_STAT_DELIVERED, 88, NOON);
    assert_true(gp_act_tick(act, &config, NOON + HOUR_MS));
    store_expect("over all providers", NOTICES, "dol invalid-addresses  0;");
    assert_true(gp_act_tick(act, &config, NOON + 2 * HOUR_MS));
    store_expect("once a day", NOTICES, "dol invalid-addresses  0;");
    assert_true(gp_act_tick(act, &config, NOON + 13 * HOUR_MS));
    store_expect("the next day", NOTICES, "dol invalid-addresses  0;dol invalid-addresses  1;");
    assert_true(gp_act_tick(act, &config, NOON + 25 * HOUR_MS));
    store_expect("24 hours are looked at", "SELECT count(*) FROM notice", "2;");
}

static void test_complaints(void **state)
{
    static const struct {
        uint64_t complaints, delivered;
        enum gp_guard_level level;
    } cases[] = {
        {9, 999, GP_GUARD_QUIET},     {1, 1000, GP_GUARD_WARNS}, {2, 1000, GP_GUARD_WARNS},
        {3, 1000, GP_GUARD_ALARMS},   {1, 1001, GP_GUARD_QUIET}, {29, 10000, GP_GUARD_WARNS},
        {30, 10000, GP_GUARD_ALARMS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(gp_guard_complaints(cases[i].complaints, cases[i].delivered), cases[i].level);
    counts("dol", "big", GP_STAT_DELIVERED, 1000, NOON);
    counts("dol", "big", GP_STAT_COMPLAINTS, 4, NOON);
    counts("dol", "calm", GP_STAT_DELIVERED, 2500, NOON);
    counts("dol", "small", GP_STAT_DELIVERED, 10, NOON);
    counts("dol", "small", GP_STAT_COMPLAINTS, 1, NOON);
    assert_true(gp_act_tick(act, &config, NOON + HOUR_MS));
    store_expect("told", NOTICES, "dol complaints-severe big 0;dol complaints  0;");
}

/* Attempts that were put off and deliveries, for as long as it takes, a tick each minute. */
static void mail_flows(unsigned deferred, unsigned delivered, uint64_t from_ms, uint64_t until_ms)
{
    for (uint64_t t = from_ms; t < until_ms; t += MINUTE_MS) {
        counts("dol", "big", "deferred-rate-limited", deferred, t);
        counts("dol", "big", GP_STAT_DELIVERED, delivered, t);
        counts("doe", "big", GP_STAT_DELIVERED, 1, t);
        assert_true(gp_act_tick(act, &config, t));
    }
}

static void test_waiting_mail(void **state)
{
    (void)state;
    mail_flows(0, 10, NOON - HOUR_MS, NOON);
    mail_flows(30, 1, NOON, NOON + 20 * MINUTE_MS);
    store_expect("a while", NOTICES, "");
    mail_flows(30, 1, NOON + 20 * MINUTE_MS, NOON + 2 * HOUR_MS);
    store_expect("told, only whose mail it is", NOTICES, "dol delay big 0;");
    mail_flows(30, 1, NOON + 2 * HOUR_MS, NOON + 12 * HOUR_MS + 3 * MINUTE_MS);
    store_expect("again the next day", NOTICES, "dol delay big 0;dol delay big 1;");
    mail_flows(10, 12, NOON + 13 * HOUR_MS, NOON + 15 * HOUR_MS);
    store_expect("better is not over", "SELECT count(*) FROM notice", "2;");
    mail_flows(0, 12, NOON + 15 * HOUR_MS, NOON + 17 * HOUR_MS);
    store_expect("all clear", NOTICES, "dol delay big 0;dol delay big 1;dol delay-over big 1;");
    store_expect("forgotten", "SELECT count(*) FROM delay", "0;");
}

static void test_waiting_mail_that_nobody_sends_any_more(void **state)
{
    (void)state;
    mail_flows(30, 0, NOON, NOON + HOUR_MS);
    mail_flows(0, 0, NOON + HOUR_MS, NOON + 2 * HOUR_MS + 50 * MINUTE_MS);
    store_expect("the queue may still hold it", NOTICES, "dol delay big 0;");
    mail_flows(0, 0, NOON + 2 * HOUR_MS + 50 * MINUTE_MS, NOON + 3 * HOUR_MS + 20 * MINUTE_MS);
    store_expect("over", NOTICES, "dol delay big 0;dol delay-over big 0;");
}

static void test_no_delay(void **state)
{
    (void)state;
    for (uint64_t t = NOON; t < NOON + 3 * HOUR_MS; t += MINUTE_MS) {
        counts("dol", "grey", GP_STAT_GREYLISTED, 30, t);
        counts("dol", "full", "deferred-mailbox-full", 30, t);
        counts("dol", "half", "deferred-soft-bounce", 10, t);
        counts("dol", "half", GP_STAT_DELIVERED, 11, t);
        if (t % (10 * MINUTE_MS) == 0)
            counts("dol", "few", "deferred-soft-bounce", 3, t);
        assert_true(gp_act_tick(act, &config, t));
    }
    store_expect("nobody is told", NOTICES, "");
}

/* Notices are mail: ASCII, short lines, whatever the remote side said. */
static void test_texts(void **state)
{
    char body[4096], foreign[2000];
    (void)state;
    memset(foreign, 'w', sizeof foreign);
    memcpy(foreign, "550 \r\n.\r\n\xff\x1b[31m ", 14);
    foreign[sizeof foreign - 1] = '\0';
    for (unsigned i = 0; i < 20; i++)
        happens("dol", "big\nprovider", foreign, NOON);
    counts("dol", "big", "bounced-hard-bounce", 50, NOON);
    counts("dol", "big", GP_STAT_DELIVERED, 2000, NOON);
    counts("doe", "big", GP_STAT_DELIVERED, 2000, NOON);
    counts("doe", "big", "bounced-hard-bounce", 2000, NOON);
    counts("doe", "big", GP_STAT_COMPLAINTS, 50, NOON);
    mail_flows(300, 0, NOON + HOUR_MS, NOON + 2 * HOUR_MS);
    mail_flows(0, 900, NOON + 2 * HOUR_MS, NOON + 4 * HOUR_MS);
    store_expect("each kind", "SELECT DISTINCT kind FROM notice ORDER BY kind",
                 "complaints-severe;delay;delay-over;invalid-addresses;provider-fault;");
    for (unsigned id = 1; id <= 8; id++) {
        char sql[96];
        snprintf(sql, sizeof sql, "SELECT subject || char(10) || body FROM notice WHERE id = %u", id);
        struct gp_str rest = gp_str_z(store_text(sql, body)), line;
        for (bool subject = true; gp_str_split(&rest, '\n', &line); subject = false) {
            if (line.n > (subject ? 200 : 78))
                fail_msg("too long: %.*s", GP_STR_FMT(line));
            for (size_t i = 0; i < line.n; i++)
                assert_true(line.p[i] >= ' ' && line.p[i] < 0x7f);
        }
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_suspicion),
        T(test_many_at_once_are_the_provider),
        T(test_one_recipient_is_not_many),
        T(test_among_many_deliveries_they_are_people),
        T(test_spread_over_hours_they_are_people),
        T(test_a_retest_is_undone),
        T(test_invalid_addresses),
        T(test_complaints),
        T(test_waiting_mail),
        T(test_waiting_mail_that_nobody_sends_any_more),
        T(test_no_delay),
        T(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
