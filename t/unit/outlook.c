/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outlook.c - what is said of one message: its domain, its DMARC result, its header; and what an agency is told
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/outlook.h"
#include "milter/spf_notice.h"

#include <stdio.h>
#include <string.h>

static char relay[] = "relay.gp.gov", path[] = "b.gp.gov", domain_dol[] = "dol.gov", domain_below[] = ".dol.gov",
            domain_gp[] = "gp.gov";
static char *domains[] = {domain_dol, domain_below};
static struct gp_ip egress;
static struct gp_agency agency = {.name = "dol", .sender_domains = {2, domains}};
static struct gp_config config = {
    .relay_name = relay, .return_path = path, .egress_n = 1, .egress = &egress, .agencies_n = 1, .agency = &agency};
static const struct gp_dkim_key key_dol = {.domain = domain_dol}, key_gp = {.domain = domain_gp};
static struct gp_forecasts *forecasts;

static void learn(const char *domain, enum gp_spf_result spf, enum gp_dmarc_state state)
{
    struct gp_forecast before, after, f = gp_forecast_unknown();
    f.spf = spf;
    f.dmarc.state = state;
    snprintf(f.egress, sizeof f.egress, "198.51.100.7");
    snprintf(f.why, sizeof f.why, "matched \"-all\"");
    assert_true(gp_forecasts_learn(forecasts, gp_str_z(domain), &f, 0, &before, &after));
}

static int setup(void **state)
{
    (void)state;
    assert_true(gp_ip_parse(GP_STR("198.51.100.7"), &egress));
    forecasts = gp_forecasts_new();
    assert_int_equal(gp_forecasts_follow(forecasts, &config, 0), 0);
    learn("dol.gov", GP_SPF_FAIL, GP_DMARC_POLICY);
    learn("b.gp.gov", GP_SPF_PASS, GP_DMARC_NONE);
    learn("relay.gp.gov", GP_SPF_PASS, GP_DMARC_NONE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gp_forecasts_free(forecasts);
    return 0;
}

static const struct {
    const char *name, *from, *sender;
    const struct gp_dkim_key *key;
    const char *domain, *spf, *dmarc;
} cases[] = {
    {"the agency's key", "dol.gov", "a@dol.gov", &key_dol, "dol.gov", "fail", "pass/dkim"},
    {"the relay's key alone", "dol.gov", "a@dol.gov", &key_gp, "dol.gov", "fail", "fail"},
    {"no key", "dol.gov", "a@dol.gov", NULL, "dol.gov", "fail", "fail"},
    {"a domain of the relay", "b.gp.gov", "a@dol.gov", NULL, "b.gp.gov", "pass", "pass/spf"},
    {"and its key", "b.gp.gov", "a@dol.gov", &key_gp, "b.gp.gov", "pass", "pass/dkim+spf"},
    {"null: the relay's name is what receivers check", "relay.gp.gov", "", NULL, "relay.gp.gov", "pass", "pass/spf"},
    {"no From, or several", "", "a@dol.gov", &key_dol, "dol.gov", "fail", "fail"},
    {"no From, null", "", "", &key_gp, "", "unknown", "fail"},
    {"a subdomain not seen before", "new.dol.gov", "a@dol.gov", &key_dol, "new.dol.gov", "unknown", "unknown"},
    {"a domain that is not the agency's", "dos.gov", "a@dol.gov", &key_dol, "dos.gov", "unknown", "unknown"},
};

static void test_outlook(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct gp_outlook_facts f = {.config = &config,
                                           .agency = &agency,
                                           .from = gp_str_z(cases[i].from),
                                           .sender = gp_str_z(cases[i].sender),
                                           .keys = cases[i].key != NULL,
                                           .key = &cases[i].key};
        struct gp_outlook o;
        char dmarc[GP_OUTLOOK_DMARC_MAX];
        gp_outlook(forecasts, &f, 1, &o);
        gp_outlook_dmarc(&o, dmarc);
        if (strcmp(o.domain, cases[i].domain) != 0 || strcmp(gp_spf_name(o.forecast.spf), cases[i].spf) != 0 ||
            strcmp(dmarc, cases[i].dmarc) != 0)
            fail_msg("%s: %s, spf=%s, dmarc=%s", cases[i].name, o.domain, gp_spf_name(o.forecast.spf), dmarc);
    }
}

/* Of a null sender receivers check the name that the relay greets with, of others the return path. */
static void test_null(void **state)
{
    const struct gp_outlook_facts null = {.config = &config, .agency = &agency, .from = GP_STR("b.gp.gov")};
    struct gp_outlook_facts other = null;
    struct gp_outlook o;
    (void)state;
    other.sender = GP_STR("a@dol.gov");
    learn("relay.gp.gov", GP_SPF_FAIL, GP_DMARC_NONE);
    gp_outlook(forecasts, &null, 1, &o);
    assert_int_equal(o.dmarc.result, GP_DMARC_NO_POLICY);
    gp_outlook(forecasts, &other, 1, &o);
    assert_int_equal(o.dmarc.result, GP_DMARC_PASS);
}

/* What was sent for is evaluated from now on, if the agency may. */
static void test_wanted(void **state)
{
    const struct gp_outlook_facts f[] = {
        {.config = &config, .agency = &agency, .from = GP_STR("new.dol.gov"), .sender = GP_STR("a@dol.gov")},
        {.config = &config, .agency = &agency, .from = GP_STR("dos.gov"), .sender = GP_STR("a@dol.gov")}};
    struct gp_outlook o;
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t next;
    (void)state;
    gp_outlook(forecasts, &f[0], 1, &o);
    gp_outlook(forecasts, &f[1], 1, &o);
    assert_true(gp_forecasts_due(forecasts, 1, domain, &next));
    assert_string_equal(domain, "new.dol.gov");
    learn("new.dol.gov", GP_SPF_PASS, GP_DMARC_NONE);
    assert_false(gp_forecasts_due(forecasts, 1, domain, &next));
}

static void test_header(void **state)
{
    struct gp_outlook o = {.domain = "dol.gov", .forecast = {.spf = GP_SPF_UNKNOWN}};
    char text[GP_OUTLOOK_HEADER_MAX];
    (void)state;
    gp_outlook_header(&o, text);
    assert_string_equal(text, "unknown; domain=dol.gov");
    o.forecast =
        (struct gp_forecast){.spf = GP_SPF_FAIL, .egress = "2001:db8::7", .why = "a \"b\"\\ \r\nX: y \xc3\xbc"};
    gp_outlook_header(&o, text);
    assert_string_equal(text, "fail; domain=dol.gov; egress=2001:db8::7;\n\twhy=\"a ?b?? ??X: y ??\"");
    memset(o.domain, 'd', GP_DOMAIN_MAX);
    memset(o.forecast.why, 'w', GP_SPF_WHY_MAX - 1);
    gp_outlook_header(&o, text);
    assert_int_equal(text[strlen(text) - 1], '"');
    assert_true(strchr(text, '\n') - text < 400 && strlen(strchr(text, '\n')) < 400);
}

static void test_notice(void **state)
{
    char subject[GP_SPF_NOTICE_SUBJECT_MAX], body[GP_SPF_NOTICE_BODY_MAX];
    struct gp_forecast f = {.spf = GP_SPF_SOFTFAIL, .egress = "198.51.100.7", .why = "~all\n\x1b[1m"};
    static const char *const parts[] = {"dol.gov",
                                        "198.51.100.7",
                                        "softfail",
                                        "~all\\x0a\\x1b[1m",
                                        "dol.gov. IN TXT \"v=spf1 include:b.gp.gov -all\"\n",
                                        "dig +short TXT dol.gov\n",
                                        "gatepostctl spf show dol.gov\n",
                                        "does not name the relay"};
    (void)state;
    gp_spf_notice(&config, &agency, "dol.gov", &f, subject, body);
    assert_string_equal(subject, "SPF softfail: mail of dol.gov through relay.gp.gov");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(body, parts[i]) == NULL)
            fail_msg("\"%s\" is missing in\n%s", parts[i], body);
    }
    struct gp_str rest = gp_str_z(body), line;
    while (gp_str_split(&rest, '\n', &line)) {
        assert_true(line.n <= 78);
        for (size_t i = 0; i < line.n; i++)
            assert_true(line.p[i] >= ' ' && line.p[i] < 0x7F);
    }
    assert_int_equal(body[strlen(body) - 1], '\n');
    f.spf = GP_SPF_PERMERROR;
    gp_spf_notice(&config, &agency, "dol.gov", &f, subject, body);
    assert_non_null(strstr(body, "is broken"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_outlook, setup, teardown),
        cmocka_unit_test_setup_teardown(test_null, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wanted, setup, teardown),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
