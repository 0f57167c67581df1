/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast.c - the table of forecasts: what it follows, what is due when, what stands for how long, its bounds
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/forecast.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(n) ((uint64_t)(n)*1000)
#define DAY_S 86400

static struct gp_ip egress[2];
static char relay[] = "Relay.example.gov", path[] = "b.example.gov";

/* A configuration of up to two agencies; domains separated by blanks. */
struct setting {
    struct gp_agency agency[2];
    char text[2][256];
    char *domain[2][16];
    struct gp_config c;
};

static struct gp_config *setting(struct setting *s, const char *first, const char *second, size_t addresses)
{
    const char *texts[2] = {first, second};
    *s = (struct setting){.c = {.relay_name = relay,
                                .return_path = path,
                                .egress_n = addresses,
                                .egress = egress,
                                .agencies_n = 2,
                                .agency = s->agency}};
    for (size_t i = 0; i < 2; i++) {
        size_t n = 0;
        char *state = NULL;
        snprintf(s->text[i], sizeof s->text[i], "%s", texts[i]);
        for (char *w = strtok_r(s->text[i], " ", &state); w != NULL; w = strtok_r(NULL, " ", &state))
            s->domain[i][n++] = w;
        s->agency[i].sender_domains = (struct gp_strings){n, s->domain[i]};
    }
    return &s->c;
}

static struct gp_forecasts *table(void)
{
    struct gp_forecasts *t = gp_forecasts_new();
    assert_non_null(t);
    assert_true(gp_ip_parse(GP_STR("198.51.100.7"), &egress[0]) && gp_ip_parse(GP_STR("2001:db8::7"), &egress[1]));
    return t;
}

static struct gp_forecast answer(enum gp_spf_result spf, uint32_t ttl_s)
{
    struct gp_forecast f = gp_forecast_unknown();
    f.spf = spf;
    snprintf(f.egress, sizeof f.egress, "198.51.100.7");
    snprintf(f.why, sizeof f.why, "%s of %u", gp_spf_name(spf), ttl_s);
    f.dmarc.state = spf == GP_SPF_UNKNOWN ? GP_DMARC_UNKNOWN : GP_DMARC_NONE;
    f.ttl_s = ttl_s;
    return f;
}

static bool learn(struct gp_forecasts *t, const char *domain, struct gp_forecast f, uint64_t now_ms)
{
    struct gp_forecast before, after;
    return gp_forecasts_learn(t, gp_str_z(domain), &f, now_ms, &before, &after);
}

static enum gp_spf_result look(struct gp_forecasts *t, const char *domain, uint64_t now_ms)
{
    struct gp_forecast f;
    gp_forecasts_look(t, gp_str_z(domain), now_ms, &f);
    return f.spf;
}

static bool has(struct gp_forecasts *t, const char *domain)
{
    struct gp_forecast f;
    return gp_forecasts_look(t, gp_str_z(domain), 0, &f);
}

static uint64_t next_of(struct gp_forecasts *t, uint64_t now_ms)
{
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t next;
    return gp_forecasts_due(t, now_ms, domain, &next) ? 0 : next;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Takes all that is due, with this answer: "a b c", sorted. */
static void expect_due(struct gp_forecasts *t, uint64_t now_ms, struct gp_forecast f, const char *want)
{
    char domain[8][GP_DOMAIN_MAX + 1], text[512];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    uint64_t next;
    size_t n = 0;
    for (; n < 8 && gp_forecasts_due(t, now_ms, domain[n], &next); n++)
        assert_true(learn(t, domain[n], f, now_ms));
    qsort(domain, n, sizeof domain[0], by_name);
    for (size_t i = 0; i < n; i++)
        gp_buf_printf(&b, "%s%s", i > 0 ? " " : "", domain[i]);
    assert_string_equal(text, want);
}

static void test_worse(void **state)
{
    static const struct {
        enum gp_spf_result first, second, want;
        bool from_second;
    } cases[] = {
        {GP_SPF_PASS, GP_SPF_PASS, GP_SPF_PASS, false},
        {GP_SPF_PASS, GP_SPF_NONE, GP_SPF_NONE, true},
        {GP_SPF_PASS, GP_SPF_FAIL, GP_SPF_FAIL, true},
        {GP_SPF_FAIL, GP_SPF_PASS, GP_SPF_FAIL, false},
        {GP_SPF_PASS, GP_SPF_UNKNOWN, GP_SPF_UNKNOWN, true},
        {GP_SPF_SOFTFAIL, GP_SPF_UNKNOWN, GP_SPF_SOFTFAIL, false},
        {GP_SPF_NEUTRAL, GP_SPF_SOFTFAIL, GP_SPF_SOFTFAIL, true},
    };
    (void)state;
    gp_forecasts_free(table());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_forecast f = gp_forecast_unknown();
        gp_forecast_worse(&f, &egress[0], &(struct gp_spf_answer){.result = cases[i].first, .ttl_s = 300, .why = "1"});
        gp_forecast_worse(&f, &egress[1], &(struct gp_spf_answer){.result = cases[i].second, .ttl_s = 90, .why = "2"});
        assert_int_equal(f.spf, cases[i].want);
        assert_string_equal(f.egress, cases[i].from_second ? "2001:db8::7" : "198.51.100.7");
        assert_string_equal(f.why, cases[i].from_second ? "2" : "1");
        assert_int_equal(f.ttl_s, 90);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (enum gp_spf_result r = GP_SPF_PASS; r <= GP_SPF_FAIL; r++) {
        struct gp_forecast f = {.spf = r};
        assert_int_equal(gp_forecast_bad(&f), r == GP_SPF_SOFTFAIL || r == GP_SPF_PERMERROR || r == GP_SPF_FAIL);
    }
}

static void test_follow(void **state)
{
    struct setting s;
    struct gp_forecasts *t = table();
    (void)state;
    assert_int_equal(next_of(t, 0), UINT64_MAX);
    assert_int_equal(gp_forecasts_follow(t, setting(&s, "dol.gov .dol.gov", "dos.gov dol.gov DOS.gov", 1), 0), 0);
    expect_due(t, 0, answer(GP_SPF_PASS, 3600), "b.example.gov dol.gov dos.gov relay.example.gov");
    assert_true(has(t, "DOL.gov") && !has(t, ".dol.gov") && !has(t, "mail.dol.gov") && !has(t, "") && !has(t, "b@d"));
    /* a reload: what was known stays, what came is due, what went is forgotten */
    assert_int_equal(gp_forecasts_follow(t, setting(&s, "dol.gov va.gov", "", 1), S(10)), 0);
    expect_due(t, S(10), answer(GP_SPF_FAIL, 3600), "va.gov");
    assert_int_equal(look(t, "dol.gov", S(10)), GP_SPF_PASS);
    assert_false(has(t, "dos.gov"));
    assert_false(learn(t, "dos.gov", answer(GP_SPF_PASS, 60), S(10)));
    gp_forecasts_free(t);
}

static void test_follow_egress(void **state)
{
    struct setting s;
    struct gp_forecasts *t = table();
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 1), 0);
    expect_due(t, 0, answer(GP_SPF_PASS, 3600), "b.example.gov dol.gov relay.example.gov");
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 2), S(5)); /* a verdict for other addresses is none */
    assert_int_equal(look(t, "dol.gov", S(5)), GP_SPF_UNKNOWN);
    expect_due(t, S(5), answer(GP_SPF_PASS, 3600), "b.example.gov dol.gov relay.example.gov");
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 2), S(6));
    assert_int_equal(look(t, "dol.gov", S(6)), GP_SPF_PASS);
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 0), S(7)); /* none: nothing is evaluated */
    assert_int_equal(next_of(t, S(7)), UINT64_MAX);
    assert_false(has(t, "dol.gov"));
    assert_true(gp_forecasts_want(t, GP_STR("dol.gov")));
    assert_int_equal(next_of(t, S(7)), UINT64_MAX);
    gp_forecasts_free(t);
}

static void test_wanted(void **state)
{
    struct setting s;
    struct gp_forecasts *t = table();
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov .dol.gov", "", 1), 0);
    expect_due(t, 0, answer(GP_SPF_PASS, DAY_S), "b.example.gov dol.gov relay.example.gov");
    assert_true(gp_forecasts_want(t, GP_STR("Mail.dol.gov")) && gp_forecasts_want(t, GP_STR("mail.dol.gov")));
    assert_true(gp_forecasts_want(t, GP_STR("a.dol.gov")) && gp_forecasts_want(t, GP_STR("dol.gov")));
    assert_false(gp_forecasts_want(t, GP_STR("no domain")));
    assert_false(has(t, "mail.dol.gov")); /* not before the filling thread took it up */
    expect_due(t, S(1), answer(GP_SPF_FAIL, DAY_S), "a.dol.gov mail.dol.gov");
    assert_int_equal(look(t, "mail.dol.gov", S(1)), GP_SPF_FAIL);
    /* a reload keeps it while somebody may send for it */
    gp_forecasts_follow(t, setting(&s, "dol.gov", ".dol.gov", 1), S(2));
    assert_int_equal(look(t, "mail.dol.gov", S(2)), GP_SPF_FAIL);
    assert_int_equal(look(t, "mail.dol.gov", S(DAY_S)), GP_SPF_FAIL);
    /* when it is due again, one that was not used for a day goes, the others stay */
    expect_due(t, S(DAY_S + 1), answer(GP_SPF_PASS, DAY_S), "b.example.gov dol.gov mail.dol.gov relay.example.gov");
    assert_false(has(t, "a.dol.gov"));
    gp_forecasts_follow(t, setting(&s, "dol.gov", "dos.gov", 1), S(3));
    assert_false(has(t, "mail.dol.gov"));
    gp_forecasts_free(t);
}

static void test_when_due(void **state)
{
    static const struct {
        uint32_t ttl_s;
        uint64_t due_s;
    } cases[] = {{0, 60}, {59, 60}, {61, 61}, {DAY_S, DAY_S}, {DAY_S + 1, DAY_S}, {UINT32_MAX, DAY_S}};
    struct setting s;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_forecasts *t = table();
        gp_forecasts_follow(t, setting(&s, "", "", 1), 0);
        expect_due(t, 0, answer(GP_SPF_PASS, cases[i].ttl_s), "b.example.gov relay.example.gov");
        assert_int_equal(next_of(t, 0), S(cases[i].due_s));
        expect_due(t, S(cases[i].due_s) - 1, answer(GP_SPF_PASS, 60), "");
        expect_due(t, S(cases[i].due_s), answer(GP_SPF_PASS, 60), "b.example.gov relay.example.gov");
        gp_forecasts_free(t);
    }
}

/* One that is due again and again does not keep the others waiting. */
static void test_turns(void **state)
{
    static const char *const want[] = {"b.example.gov", "dol.gov", "relay.example.gov", "b.example.gov"};
    struct setting s;
    struct gp_forecasts *t = table();
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t next;
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 1), 0);
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(gp_forecasts_due(t, S(i * 60), domain, &next));
        assert_string_equal(domain, want[i]);
        assert_true(gp_forecasts_due(t, S(i * 60), domain, &next)); /* until it is learned */
        assert_string_equal(domain, want[i]);
        assert_true(learn(t, domain, answer(GP_SPF_PASS, 60), S(i * 60)));
    }
    gp_forecasts_free(t);
}

/* 60 s, doubled up to 16 minutes while it lasts, then as before. */
static void test_trouble(void **state)
{
    static const uint64_t waits[] = {60, 120, 240, 480, 960, 960, 960};
    struct setting s;
    struct gp_forecasts *t = table();
    uint64_t now_s = 0;
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 1), 0);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        expect_due(t, S(now_s), answer(GP_SPF_UNKNOWN, DAY_S), "b.example.gov dol.gov relay.example.gov");
        assert_int_equal(next_of(t, S(now_s)), S(now_s + waits[i]));
        now_s += waits[i];
    }
    expect_due(t, S(now_s), answer(GP_SPF_PASS, 300), "b.example.gov dol.gov relay.example.gov");
    assert_int_equal(next_of(t, S(now_s)), S(now_s + 300));
    now_s += 300;
    struct gp_forecast half = answer(GP_SPF_PASS, 300); /* the policy alone did not come */
    half.dmarc.state = GP_DMARC_UNKNOWN;
    expect_due(t, S(now_s), half, "b.example.gov dol.gov relay.example.gov");
    assert_int_equal(next_of(t, S(now_s)), S(now_s + 60));
    gp_forecasts_free(t);
}

/* A verdict outlives DNS trouble for its TTL and a day, and no longer. */
static void test_stands(void **state)
{
    const uint64_t end_s = 600 + DAY_S;
    struct setting s;
    struct gp_forecast f;
    struct gp_forecasts *t = table();
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 1), 0);
    assert_true(learn(t, "dol.gov", answer(GP_SPF_FAIL, 600), 0));
    assert_true(learn(t, "dol.gov", answer(GP_SPF_UNKNOWN, 600), S(600)));
    assert_true(gp_forecasts_look(t, GP_STR("dol.gov"), S(end_s) - 1, &f));
    assert_true(f.spf == GP_SPF_FAIL && f.dmarc.state == GP_DMARC_NONE && strcmp(f.why, "fail of 600") == 0);
    assert_true(gp_forecasts_look(t, GP_STR("dol.gov"), S(end_s), &f));
    assert_true(f.spf == GP_SPF_UNKNOWN && f.dmarc.state == GP_DMARC_UNKNOWN && f.why[0] == '\0');
    assert_true(learn(t, "dol.gov", answer(GP_SPF_UNKNOWN, 5), S(end_s)));
    assert_true(gp_forecasts_look(t, GP_STR("dol.gov"), S(end_s), &f));
    assert_true(f.spf == GP_SPF_UNKNOWN && strcmp(f.why, "unknown of 5") == 0);
    /* each half by itself */
    f = answer(GP_SPF_PASS, 600);
    f.dmarc.state = GP_DMARC_UNKNOWN;
    assert_true(learn(t, "dol.gov", answer(GP_SPF_FAIL, 600), S(2 * end_s)));
    assert_true(learn(t, "dol.gov", f, S(2 * end_s + 1)));
    assert_true(gp_forecasts_look(t, GP_STR("dol.gov"), S(2 * end_s + 1), &f));
    assert_true(f.spf == GP_SPF_PASS && f.dmarc.state == GP_DMARC_NONE);
    gp_forecasts_free(t);
}

static void test_before_and_after(void **state)
{
    struct setting s;
    struct gp_forecast before, after, f = answer(GP_SPF_SOFTFAIL, 600);
    struct gp_forecasts *t = table();
    size_t evaluated, bad;
    (void)state;
    gp_forecasts_follow(t, setting(&s, "dol.gov", "", 1), 0);
    assert_true(gp_forecasts_learn(t, GP_STR("dol.gov"), &f, 0, &before, &after));
    assert_true(before.spf == GP_SPF_UNKNOWN && after.spf == GP_SPF_SOFTFAIL);
    f = answer(GP_SPF_UNKNOWN, 600);
    assert_true(gp_forecasts_learn(t, GP_STR("dol.gov"), &f, 1, &before, &after));
    assert_true(before.spf == GP_SPF_SOFTFAIL && after.spf == GP_SPF_SOFTFAIL);
    gp_forecasts_count(t, 1, &evaluated, &bad);
    assert_true(evaluated == 1 && bad == 1);
    gp_forecasts_count(t, S(2 * DAY_S), &evaluated, &bad);
    assert_true(evaluated == 1 && bad == 0);
    gp_forecasts_free(t);
}

/* --- bounds ------------------------------------------------------------------------------------------------------- */

static struct gp_config *crowd(struct setting *s, size_t n)
{
    static char text[GP_FORECASTS_MAX + 5000][32], *domain[GP_FORECASTS_MAX + 5000];
    setting(s, "", ".dol.gov", 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "d%zu.gov", i);
        domain[i] = text[i];
    }
    s->agency[0].sender_domains = (struct gp_strings){n, domain};
    return &s->c;
}

static size_t fill(struct gp_forecasts *t, uint64_t now_ms)
{
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t next;
    size_t n = 0;
    for (; gp_forecasts_due(t, now_ms, domain, &next); n++)
        learn(t, domain, answer(GP_SPF_PASS, 3600), now_ms);
    return n;
}

static void test_bounds(void **state)
{
    struct setting s;
    struct gp_forecasts *t = table();
    char name[32];
    (void)state;
    assert_int_equal(gp_forecasts_follow(t, crowd(&s, GP_FORECASTS_MAX + 5000), 0), 5002);
    assert_true(gp_forecasts_want(t, GP_STR("mail.dol.gov")));
    assert_int_equal(fill(t, 0), GP_FORECASTS_MAX);
    assert_false(has(t, "mail.dol.gov"));
    /* wanted ones fill what is left, 64 at a time */
    assert_int_equal(gp_forecasts_follow(t, crowd(&s, GP_FORECASTS_MAX - 72), 0), 0);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "h%zu.dol.gov", i);
        assert_int_equal(gp_forecasts_want(t, gp_str_z(name)), i < GP_FORECAST_WANTED_MAX);
    }
    fill(t, 1);
    assert_true(has(t, "h63.dol.gov") && !has(t, "h64.dol.gov"));
    for (size_t i = 64; i < 100; i++) {
        snprintf(name, sizeof name, "h%zu.dol.gov", i);
        assert_true(gp_forecasts_want(t, gp_str_z(name)));
    }
    fill(t, 2);
    assert_true(has(t, "h69.dol.gov") && !has(t, "h70.dol.gov"));
    /* those of the configuration come first */
    assert_int_equal(gp_forecasts_follow(t, crowd(&s, GP_FORECASTS_MAX - 3), 0), 0);
    fill(t, 3);
    assert_true(has(t, "h0.dol.gov") && !has(t, "h1.dol.gov") && has(t, "d19996.gov"));
    gp_forecasts_free(t);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static _Atomic bool over;

static void *look_on(void *arg)
{
    struct gp_forecasts *t = arg;
    struct gp_forecast f;
    size_t evaluated, bad;
    for (unsigned i = 0; !atomic_load(&over); i++) {
        char name[32];
        snprintf(name, sizeof name, "h%u.dol.gov", i % 50);
        if (!gp_forecasts_look(t, gp_str_z(name), 1, &f))
            gp_forecasts_want(t, gp_str_z(name));
        gp_forecasts_look(t, GP_STR("dol.gov"), 1, &f);
        if (f.spf == GP_SPF_PASS && strcmp(f.why, "pass of 3600") != 0)
            return arg;
        gp_forecasts_count(t, 1, &evaluated, &bad);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[3];
    struct setting s[2];
    struct gp_forecasts *t = table();
    (void)state;
    setting(&s[0], "dol.gov .dol.gov", "dos.gov", 1);
    setting(&s[1], "dol.gov", "va.gov .dol.gov", 2);
    gp_forecasts_follow(t, &s[0].c, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, look_on, t), 0);
    for (unsigned i = 0; i < 300; i++) {
        gp_forecasts_follow(t, &s[i % 2].c, 1);
        fill(t, 1);
    }
    atomic_store(&over, true);
    for (size_t i = 0; i < 3; i++) {
        void *torn;
        assert_int_equal(pthread_join(thread[i], &torn), 0);
        assert_null(torn);
    }
    gp_forecasts_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worse),   cmocka_unit_test(test_bad),
        cmocka_unit_test(test_follow),  cmocka_unit_test(test_follow_egress),
        cmocka_unit_test(test_wanted),  cmocka_unit_test(test_when_due),
        cmocka_unit_test(test_trouble), cmocka_unit_test(test_stands),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_before_and_after),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
