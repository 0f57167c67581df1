/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * act.c - events become suppressions, history and counts, each once; what is not proven changes nothing
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/act.h"
#include "shared/statistics.h"
#include "t/unit/store_fixture.h"

#include <inttypes.h>

#define DAY_MS UINT64_C(86400000)
#define NOON (20000 * DAY_MS + DAY_MS / 2)

#define ROWS                                                                                                           \
    "SELECT address, agency, scope, reason, step, since_ms / 86400000 - 20000,"                                        \
    " CASE retest_ms WHEN 0 THEN 0 ELSE retest_ms / 86400000 - 20000 END FROM suppression"
#define STAT "SELECT what, sum(count) FROM stat GROUP BY what ORDER BY what"
#define EVENTS "SELECT category, source, effect FROM event ORDER BY id"

static struct gp_config config;
static struct gp_act *act;
static unsigned tokens; /* each event has a token of its own, unless it names one */

static int setup(void **state)
{
    tokens = 0;
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

static void happens(struct gp_event e, uint64_t at_ms)
{
    char token[32];
    snprintf(token, sizeof token, "t%u", tokens++);
    if (e.token.p == NULL)
        e.token = gp_str_z(token);
    assert_true(gp_store_begin(store));
    if (!gp_act_event(act, &config, &e, at_ms))
        fail_msg("%s", gp_store_error(store));
    assert_true(gp_store_commit(store));
}

static struct gp_event event(enum gp_category c)
{
    return (struct gp_event){.category = c,
                             .proven = true,
                             .suppress = c == GP_CATEGORY_HARD,
                             .agency = GP_STR("dol"),
                             .recipient = GP_STR("x@example.org"),
                             .status = GP_STR("5.1.1"),
                             .reply = GP_STR("550"),
                             .diagnostic = GP_STR("550 5.1.1 <x@example.org> User unknown"),
                             .evidence = GP_STR("a1b2")};
}

static void test_a_hard_bounce(void **state)
{
    (void)state;
    happens(event(GP_CATEGORY_HARD), NOON);
    store_expect("row", ROWS, "x@example.org dol * 0 0 0 7;");
    store_expect("why", "SELECT why, evidence FROM suppression", "550 5.1.1 <x@example.org> User unknown a1b2;");
    store_expect("history", EVENTS, "H mail suppressed;");
    store_expect("count", STAT, "bounced-hard-bounce 1;");
    store_expect("where", "SELECT agency, provider FROM stat", "dol example.org;");
    happens(event(GP_CATEGORY_HARD), NOON + 3 * DAY_MS);
    store_expect("late reports", ROWS, "x@example.org dol * 0 0 0 7;");
    happens(event(GP_CATEGORY_HARD), NOON + 7 * DAY_MS);
    store_expect("retest", ROWS, "x@example.org dol * 0 1 0 21;");
    store_expect("history", EVENTS, "H mail suppressed;H mail ;H mail retested;");
    happens(event(GP_CATEGORY_DELIVERED), NOON + 21 * DAY_MS);
    store_expect("success", ROWS, "");
    store_expect("history", "SELECT category, effect FROM event ORDER BY id DESC LIMIT 1", "D released;");
}

static void test_the_whole_ladder(void **state)
{
    static const unsigned days[] = {0, 7, 21, 49, 105};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        happens(event(GP_CATEGORY_HARD), NOON + days[i] * DAY_MS);
    store_expect("for good", ROWS, "x@example.org dol * 0 4 0 0;");
}

static void test_only_the_agency_whose_mail_it_was(void **state)
{
    struct gp_event e = event(GP_CATEGORY_DELIVERED);
    (void)state;
    happens(event(GP_CATEGORY_HARD), NOON);
    e.agency = GP_STR("doe");
    happens(e, NOON + DAY_MS);
    e.category = GP_CATEGORY_HARD;
    e.suppress = true;
    happens(e, NOON + 2 * DAY_MS);
    store_expect("rows", ROWS " ORDER BY agency", "x@example.org doe * 0 0 2 9;x@example.org dol * 0 0 0 7;");
}

/* The log may be read long after the report of a bounce has come. */
static void test_a_delivery_before_the_bounce_ends_nothing(void **state)
{
    (void)state;
    happens(event(GP_CATEGORY_HARD), NOON + 2 * DAY_MS);
    happens(event(GP_CATEGORY_DELIVERED), NOON);
    store_expect("still suppressed", ROWS, "x@example.org dol * 0 0 2 9;");
    store_expect("still known", "SELECT count(*) FROM failure", "1;");
    happens(event(GP_CATEGORY_DELIVERED), NOON + 9 * DAY_MS);
    store_expect("released", ROWS, "");
}

static void test_what_never_suppresses(void **state)
{
    static const enum gp_category never[] = {GP_CATEGORY_POLICY, GP_CATEGORY_RATE, GP_CATEGORY_CONTENT,
                                             GP_CATEGORY_AUTO_REPLY, GP_CATEGORY_NOT_A_BOUNCE};
    struct gp_event e;
    (void)state;
    for (unsigned day = 0; day < 60; day++) {
        for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
            e = event(never[i]);
            e.suppress = true; /* whatever is said */
            happens(e, NOON + day * DAY_MS);
        }
        e = event(GP_CATEGORY_SOFT);
        e.delayed = true;
        happens(e, NOON + day * DAY_MS);
        e = event(GP_CATEGORY_SOFT);
        e.source = GP_SOURCE_LOG; /* deferred */
        happens(e, NOON + day * DAY_MS);
        e = event(GP_CATEGORY_SOFT);
        e.greylisting = true;
        happens(e, NOON + day * DAY_MS);
        e = event(GP_CATEGORY_HARD);
        e.expired = true;
        happens(e, NOON + day * DAY_MS);
    }
    store_expect("rows", ROWS, "");
    store_expect("failures", "SELECT count(*) FROM failure", "0;");
    store_expect("counts", STAT,
                 "auto-replies 60;bounced-content-rejected 60;bounced-policy-block 60;bounced-rate-limited 60;"
                 "bounced-soft-bounce 60;deferred-soft-bounce 60;expired 60;");
}

static void test_soft(void **state)
{
    struct gp_event e = event(GP_CATEGORY_SOFT);
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        happens(e, NOON + i * 4 * DAY_MS); /* 0 4 8 12 16 */
    store_expect("row", ROWS, "x@example.org dol * 1 0 16 30;");
    happens(event(GP_CATEGORY_HARD), NOON + 17 * DAY_MS);
    store_expect("one ladder", ROWS, "x@example.org dol * 0 0 16 24;");
}

static void test_a_hard_bounce_that_is_no_reason(void **state)
{
    struct gp_event e = event(GP_CATEGORY_HARD);
    (void)state;
    e.suppress = false;
    happens(e, NOON);
    store_expect("row", ROWS, "");
    store_expect("a soft one", "SELECT category FROM failure", "S;");
}

static void test_complaints(void **state)
{
    struct gp_event e = event(GP_CATEGORY_COMPLAINT);
    (void)state;
    e.incidents = 3;
    happens(e, NOON);
    e.incidents = 0;
    happens(e, NOON + DAY_MS);
    store_expect("row", ROWS, "x@example.org dol bulk 2 0 0 0;");
    store_expect("counts", STAT, "complaints 4;");
    happens(event(GP_CATEGORY_DELIVERED), NOON + 2 * DAY_MS);
    store_expect("a delivery is no forgiveness", ROWS, "x@example.org dol bulk 2 0 0 0;");
    happens(event(GP_CATEGORY_UNSUBSCRIBE), NOON + 2 * DAY_MS);
    e.not_spam = true;
    happens(e, NOON + 3 * DAY_MS);
    store_expect("taken back; the unsubscribe stays", ROWS, "x@example.org dol bulk 3 0 2 0;");
    e.token = GP_STR("one");
    e.not_spam = false;
    happens(e, NOON + 3 * DAY_MS);
    e.not_spam = true;
    happens(e, NOON + 3 * DAY_MS);
    store_expect("of one message, said and taken back", ROWS, "x@example.org dol bulk 3 0 2 0;");
    e.token = (struct gp_str){NULL, 0};
    e.incidents = 1000000;
    e.not_spam = false;
    happens(e, NOON + 4 * DAY_MS);
    store_expect("bounded", "SELECT sum(count) FROM stat WHERE what = 'complaints'", "1005;");
}

static void test_unsubscribes(void **state)
{
    struct gp_event e = event(GP_CATEGORY_UNSUBSCRIBE);
    (void)state;
    e.stream = GP_STR("news");
    happens(e, NOON);
    store_expect("its stream", ROWS, "x@example.org dol news 3 0 0 0;");
    store_expect("why", "SELECT why FROM suppression", "the recipient unsubscribed from news;");
    e.stream = GP_STR("no stream\n");
    happens(e, NOON);
    e.stream = (struct gp_str){NULL, 0};
    happens(e, NOON);
    store_expect("without: all bulk mail", ROWS " ORDER BY scope",
                 "x@example.org dol bulk 3 0 0 0;x@example.org dol news 3 0 0 0;");
    store_expect("counts", STAT, "unsubscribes 3;");
    store_exec("DELETE FROM suppression"); /* subscribed again */
    e.token = GP_STR("t0");
    e.stream = GP_STR("news");
    happens(e, NOON + DAY_MS);
    happens(e, NOON + DAY_MS);
    store_expect("an old link holds", ROWS, "x@example.org dol news 3 0 1 0;");
    store_expect("counts", STAT, "repeated 2;unsubscribes 3;");
    store_expect("copies fill no history", "SELECT count(*) FROM event", "4;");
}

static void test_copies(void **state)
{
    struct gp_event e = event(GP_CATEGORY_SOFT);
    (void)state;
    e.token = GP_STR("one");
    for (unsigned i = 0; i < 5; i++)
        happens(e, NOON + i * 4 * DAY_MS);
    store_expect("one token is one failure", ROWS, "");
    store_expect("counts", STAT, "bounced-soft-bounce 1;repeated 4;");
    store_expect("history", EVENTS, "S mail ;");
    e.category = GP_CATEGORY_HARD; /* another category of the same token is another thing */
    e.suppress = true;
    happens(e, NOON + 20 * DAY_MS);
    store_expect("row", ROWS, "x@example.org dol * 0 0 20 27;");
    e.source = GP_SOURCE_LOG; /* the line in the log of what the report said */
    e.final = true;
    happens(e, NOON + 20 * DAY_MS);
    store_expect("report and line are one", "SELECT sum(count) FROM stat WHERE what = 'bounced-hard-bounce'", "1;");
    e.category = GP_CATEGORY_DELIVERED;
    happens(e, NOON + 21 * DAY_MS);
    happens(e, NOON + 21 * DAY_MS);
    store_expect("deliveries of the log are not", "SELECT sum(count) FROM stat WHERE what = 'delivered'", "2;");
}

static void test_a_bounce_in_the_log(void **state)
{
    struct gp_event e = event(GP_CATEGORY_HARD);
    (void)state;
    e.source = GP_SOURCE_LOG;
    e.final = true;
    e.provider = GP_STR("google");
    happens(e, NOON);
    store_expect("row", ROWS, "x@example.org dol * 0 0 0 7;");
    store_expect("history", EVENTS, "H log suppressed;");
    store_expect("counts", "SELECT provider, what, count FROM stat", "google bounced-hard-bounce 1;");
}

static void test_deferrals(void **state)
{
    struct gp_event e = event(GP_CATEGORY_RATE);
    (void)state;
    e.source = GP_SOURCE_LOG;
    e.provider = GP_STR("google");
    happens(e, NOON);
    e.greylisting = true;
    happens(e, NOON);
    e.queued_s = 3600;
    happens(e, NOON);
    store_expect("counts", STAT, "deferred-greylisting 1;deferred-rate-limited 2;");
    store_expect("provider", "SELECT DISTINCT provider FROM stat", "google;");
    store_expect("history", EVENTS, "");
}

static void test_unclassified(void **state)
{
    struct gp_event e = event(GP_CATEGORY_UNKNOWN);
    (void)state;
    happens(e, NOON);
    e = event(GP_CATEGORY_SOFT);
    e.unclassified = true;
    e.diagnostic = GP_STR("551 5.1.9 y@example.org   User UNKNOWN");
    happens(e, NOON);
    happens(event(GP_CATEGORY_HARD), NOON); /* known */
    store_expect("texts", "SELECT text, count FROM unclassified", "# # <@> user unknown 2;");
}

static void test_settings(void **state)
{
    (void)state;
    config.suppression.hard_count = 2;
    happens(event(GP_CATEGORY_HARD), NOON);
    happens(event(GP_CATEGORY_HARD), NOON + 1000);
    store_expect("the same day", ROWS, "");
    happens(event(GP_CATEGORY_HARD), NOON + DAY_MS);
    store_expect("another day", ROWS, "x@example.org dol * 0 0 1 8;");
}

/* Hostile text reaches a reply to an agency: no line break may. */
static void test_words(void **state)
{
    struct gp_event e = event(GP_CATEGORY_HARD);
    char long_text[5000];
    (void)state;
    memset(long_text, 'x', sizeof long_text);
    e.diagnostic = GP_STR("550 a\r\n250 ok\x1b[31m\0z");
    happens(e, NOON);
    store_expect("cleaned", "SELECT why FROM suppression", "550 a  250 ok [31m z;");
    e.diagnostic = (struct gp_str){long_text, sizeof long_text};
    e.recipient = GP_STR("y@example.org");
    happens(e, NOON);
    store_expect("cut", "SELECT length(why) FROM suppression WHERE address = 'y@example.org'", "200;");
    store_expect("cut", "SELECT length(diagnostic) FROM event WHERE address = 'y@example.org'", "300;");
    e.diagnostic = (struct gp_str){NULL, 0};
    e.recipient = GP_STR("z@example.org");
    happens(e, NOON);
    store_expect("no words", "SELECT why FROM suppression WHERE address = 'z@example.org'", "hard-bounce 5.1.1;");
}

#define FORGED 1000000

static void test_a_million_forged_reports(void **state)
{
    (void)state;
    happens(event(GP_CATEGORY_HARD), NOON);
    char before[4096], after[4096];
    store_text("SELECT * FROM suppression", before);
    assert_true(gp_store_begin(store));
    for (unsigned i = 0; i < FORGED; i++) {
        char recipient[32], token[32];
        snprintf(recipient, sizeof recipient, "u%u@example.org", i);
        snprintf(token, sizeof token, "b%u", i);
        struct gp_event e = event((enum gp_category)(i % GP_CATEGORY_COUNT));
        e.proven = false;
        e.suppress = e.final = true;
        e.source = i % 3 == 0 ? GP_SOURCE_LOG : GP_SOURCE_MAIL;
        e.not_spam = i % 5 == 0;
        e.recipient = i % 2 == 0 ? gp_str_z(recipient) : GP_STR("x@example.org");
        e.token = gp_str_z(token);
        if (!gp_act_event(act, &config, &e, NOON + i))
            fail_msg("%s", gp_store_error(store));
    }
    assert_true(gp_store_commit(store));
    store_text("SELECT * FROM suppression", after);
    assert_string_equal(before, after);
    store_expect("nothing is remembered",
                 "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM failure), (SELECT count(*) FROM counted),"
                 " (SELECT count(*) FROM unclassified), (SELECT count(*) FROM notice)",
                 "1 1 1 0 0;");
    store_expect("only counted", STAT, "bounced-hard-bounce 1;unproven 1000000;");
}

static void test_a_broken_store_is_told(void **state)
{
    struct gp_event e = event(GP_CATEGORY_HARD);
    (void)state;
    e.token = GP_STR("t");
    store_exec("CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    assert_true(gp_store_begin(store));
    assert_false(gp_act_event(act, &config, &e, NOON));
    gp_store_rollback(store);
    store_expect("nothing of it stays", ROWS, "");
    store_expect("nor its token", "SELECT count(*) FROM counted", "0;");
    store_exec("DROP TRIGGER t");
    happens(e, NOON);
    store_expect("the same report again", ROWS, "x@example.org dol * 0 0 0 7;");
}

static void test_upkeep(void **state)
{
    struct gp_event e = event(GP_CATEGORY_SOFT);
    (void)state;
    happens(e, NOON);
    store_exec("INSERT INTO suppression VALUES ('m@example.org', '', 4, '*', 0, 1, 0, 1728000000001, 1, 'w', '')");
    assert_true(gp_act_tick(act, &config, NOON + 30 * DAY_MS));
    store_expect("kept", "SELECT (SELECT count(*) FROM failure), (SELECT count(*) FROM counted)", "1 1;");
    store_expect("an operator's time is over", ROWS, "");
    assert_true(gp_act_tick(act, &config, NOON + 61 * DAY_MS));
    store_expect("failures", "SELECT (SELECT count(*) FROM failure), (SELECT count(*) FROM counted)", "0 1;");
    assert_true(gp_act_tick(act, &config, NOON + 201 * DAY_MS));
    store_expect("tokens", "SELECT (SELECT count(*) FROM counted), (SELECT count(*) FROM event)", "0 1;");
    assert_true(gp_act_tick(act, &config, NOON + 401 * DAY_MS));
    store_expect("history", "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM stat)", "0 0;");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_hard_bounce),
        T(test_the_whole_ladder),
        T(test_only_the_agency_whose_mail_it_was),
        T(test_a_delivery_before_the_bounce_ends_nothing),
        T(test_what_never_suppresses),
        T(test_soft),
        T(test_a_hard_bounce_that_is_no_reason),
        T(test_complaints),
        T(test_unsubscribes),
        T(test_copies),
        T(test_a_bounce_in_the_log),
        T(test_deferrals),
        T(test_unclassified),
        T(test_settings),
        T(test_words),
        T(test_a_million_forged_reports),
        T(test_a_broken_store_is_told),
        T(test_upkeep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
