/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dmarc.c - records, organizational domains, alignment, where a policy is found, the forecast
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/dmarc.h"
#include "shared/taglist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gp_str z(const char *text)
{
    return gp_str_z(text);
}

/* --- the DNS is a table here ------------------------------------------------------------------------------------- */

struct published {
    const char *name;
    enum gp_dns_state state;
    const char *texts; /* separated by | */
    uint32_t ttl_s;
};

static const struct published *zone;
static char asked[512];

void gp_dns_query(struct gp_dns *d, const char *name, enum gp_dns_type type, uint64_t deadline_ms,
                  struct gp_dns_answer *out)
{
    struct gp_str rest, part;
    (void)d, (void)deadline_ms;
    assert_int_equal(type, GP_DNS_TXT);
    snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%s ", name);
    *out = (struct gp_dns_answer){.state = GP_DNS_NO_NAME, .ttl_s = 300};
    for (const struct published *p = zone; p->name != NULL; p++) {
        if (strcmp(p->name, name) != 0)
            continue;
        out->state = p->state;
        out->ttl_s = p->ttl_s;
        rest = z(p->texts);
        out->record = calloc(8, sizeof *out->record);
        while (p->texts != NULL && gp_str_split(&rest, '|', &part))
            out->record[out->n++] = (struct gp_dns_record){.text = strndup(part.p, part.n), .n = part.n};
    }
}

void gp_dns_answer_free(struct gp_dns_answer *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->record[i].text);
    free(a->record);
}

/* --- tags --------------------------------------------------------------------------------------------------------- */

static void test_tags(void **state)
{
    struct gp_str rest = GP_STR(" v = a ;; \r\n\tb=c=d; bare ;e=;"), name, value;
    static const char *const want[][2] = {{"v", "a"}, {"b", "c=d"}, {"bare", NULL}, {"e", ""}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(gp_tag_next(&rest, &name, &value));
        assert_true(gp_str_eq(name, z(want[i][0])));
        assert_int_equal(value.p == NULL, want[i][1] == NULL);
        assert_true(gp_str_eq(value, z(want[i][1])));
    }
    assert_false(gp_tag_next(&rest, &name, &value));
    assert_true(gp_tag_find(GP_STR("a=1; b; b=2; b=3"), GP_STR("b"), &value) && gp_str_eq(value, GP_STR("2")));
    assert_false(gp_tag_find(GP_STR("a=1; B=2; c"), GP_STR("b"), &value));
    assert_false(gp_tag_find(GP_STR("a=1; c"), GP_STR("c"), &value));
}

/* --- records ------------------------------------------------------------------------------------------------------ */

#define NONE GP_DMARC_DO_NONE
#define QUARANTINE GP_DMARC_DO_QUARANTINE
#define REJECT GP_DMARC_DO_REJECT

struct record_case {
    const char *text;
    bool subdomain, is, strict_dkim, strict_spf;
    enum gp_dmarc_action action;
    unsigned percent;
};

static const struct record_case records[] = {
    {"v=DMARC1; p=none", false, true, false, false, NONE, 100},
    {"v=DMARC1;p=quarantine", false, true, false, false, QUARANTINE, 100},
    {"v=DMARC1; p=reject;", false, true, false, false, REJECT, 100},
    {"v = DMARC1 ; p = REJECT ; adkim = S ; aspf=s", false, true, true, true, REJECT, 100},
    {"v=DMARC1; p=reject; adkim=r; aspf=r; pct=20", false, true, false, false, REJECT, 20},
    {"v=DMARC1; rua=mailto:a@x.test; p=reject", false, true, false, false, REJECT, 100},
    {"v=DMARC1; p=reject; fo=1; what=ever; what=ever; bare", false, true, false, false, REJECT, 100},
    /* what is wrong in the rest counts as its default: RFC 7489 6.3 */
    {"v=DMARC1; p=reject; adkim=x; aspf=strict; pct=101", false, true, false, false, REJECT, 100},
    {"v=DMARC1; p=reject; pct=-1", false, true, false, false, REJECT, 100},
    /* sp= counts for subdomains only */
    {"v=DMARC1; p=reject; sp=none", false, true, false, false, REJECT, 100},
    {"v=DMARC1; p=reject; sp=none", true, true, false, false, NONE, 100},
    {"v=DMARC1; p=none; sp=quarantine; adkim=s", true, true, true, false, QUARANTINE, 100},
    {"v=DMARC1; p=reject", true, true, false, false, REJECT, 100},
    /* p or sp not valid: none for those who want reports, else no record at all: RFC 7489 6.6.3 */
    {"v=DMARC1; p=bounce; rua=mailto:a@x.test; adkim=s", false, true, false, false, NONE, 100},
    {"v=DMARC1; rua=mailto:a@x.test", false, true, false, false, NONE, 100},
    {"v=DMARC1; p=reject; sp=bounce; rua=nothing, mailto:a@x.test", true, true, false, false, NONE, 100},
    {"v=DMARC1; p=reject; sp=bounce", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=bounce; rua=nobody", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=bounce; rua=mailto:", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=bounce; rua=:x", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=bounce", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=", false, false, false, false, NONE, 0},
    {"v=DMARC1; p", false, false, false, false, NONE, 0},
    {"v=DMARC1", false, false, false, false, NONE, 0},
    /* no record of this version */
    {"v=DMARC2; p=none", false, false, false, false, NONE, 0},
    {"v=DMARC11; p=none", false, false, false, false, NONE, 0},
    {"v=dmarc1; p=none", false, false, false, false, NONE, 0},
    {"p=none; v=DMARC1", false, false, false, false, NONE, 0},
    {" v=DMARC1; p=none", false, false, false, false, NONE, 0},
    {"vv=DMARC1; p=none", false, false, false, false, NONE, 0},
    {"v=spf1 -all", false, false, false, false, NONE, 0},
    {"", false, false, false, false, NONE, 0},
    /* a tag twice: RFC 6376 3.2 */
    {"v=DMARC1; p=none; p=reject", false, false, false, false, NONE, 0},
    {"v=DMARC1; p=none; P=reject", false, false, false, false, NONE, 0},
    {"v=DMARC1; v=DMARC1; p=reject", false, false, false, false, NONE, 0},
};

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        const struct record_case *c = &records[i];
        struct gp_dmarc_policy p;
        bool is = gp_dmarc_record(z(c->text), c->subdomain, &p);
        if (is != c->is || (is && (p.state != GP_DMARC_POLICY || p.action != c->action || p.percent != c->percent ||
                                   p.strict_dkim != c->strict_dkim || p.strict_spf != c->strict_spf ||
                                   p.organizational != c->subdomain)))
            fail_msg("\"%s\": %d, action %d, percent %u, adkim %d, aspf %d", c->text, is, (int)p.action, p.percent,
                     p.strict_dkim, p.strict_spf);
    }
    assert_false(gp_dmarc_record((struct gp_str){"v=DMARC1; p=none\0", 17}, false, &(struct gp_dmarc_policy){0}));
}

/* --- domains ------------------------------------------------------------------------------------------------------ */

static void test_organizational(void **state)
{
    static const char *const cases[][2] = {
        {"dol.gov", "dol.gov"},
        {"mail.dol.gov", "dol.gov"},
        {"a.b.c.DOL.gov", "DOL.gov"},
        {"gov", "gov"},
        {"a.b.example.co.uk", "example.co.uk"},
        {"co.uk", "co.uk"},
        {"www.city.kobe.jp", "city.kobe.jp"}, /* an exception of the list */
        {"a.b.c.kobe.jp", "b.c.kobe.jp"},     /* and the rule it is excepted from */
        {"a.b.unknown-tld", "b.unknown-tld"}, /* the list's rule "*" */
        {"m.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"},
        {"localhost", "localhost"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gp_str found = gp_dmarc_organizational(z(cases[i][0]));
        if (!gp_str_eq(found, z(cases[i][1])))
            fail_msg("%s: %.*s", cases[i][0], GP_STR_FMT(found));
    }
    assert_int_equal(gp_dmarc_organizational((struct gp_str){"a.\0.dol.gov", 11}).n, 11);
    char longest[300];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(gp_dmarc_organizational((struct gp_str){longest, sizeof longest}).n, sizeof longest);
}

static void test_alignment(void **state)
{
    static const struct {
        const char *a, *b;
        bool strict, relaxed;
    } cases[] = {
        {"dol.gov", "dol.gov", true, true},
        {"dol.gov", "DOL.GOV", true, true},
        {"dol.gov", "mail.dol.gov", false, true},
        {"mail.dol.gov", "dol.gov", false, true},
        {"a.dol.gov", "b.dol.gov", false, true},
        {"dol.gov", "dos.gov", false, false},
        {"dol.gov", "badol.gov", false, false},
        {"a.co.uk", "b.co.uk", false, false},
        {"a.x.co.uk", "b.x.co.uk", false, true},
        {"", "", false, false},
        {"dol.gov", "", false, false},
        {"gov", "dol.gov", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool strict = gp_dmarc_aligned(z(cases[i].a), z(cases[i].b), true);
        bool relaxed = gp_dmarc_aligned(z(cases[i].a), z(cases[i].b), false);
        if (strict != cases[i].strict || relaxed != cases[i].relaxed)
            fail_msg("%s, %s: strict %d, relaxed %d", cases[i].a, cases[i].b, strict, relaxed);
    }
}

/* --- discovery ---------------------------------------------------------------------------------------------------- */

struct find_case {
    const char *domain, *asked;
    struct published zone[4];
    struct gp_dmarc_policy want;
};

static const struct find_case finds[] = {
    {"dol.gov",
     "_dmarc.dol.gov ",
     {{"_dmarc.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_POLICY, REJECT, false, false, 100, false, 60}},
    {"Mail.DOL.gov",
     "_dmarc.mail.dol.gov _dmarc.dol.gov ",
     {{"_dmarc.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject; sp=quarantine", 4000}},
     {GP_DMARC_POLICY, QUARANTINE, false, false, 100, true, 300}},
    {"a.b.dol.gov", /* never at b.dol.gov */
     "_dmarc.a.b.dol.gov _dmarc.dol.gov ",
     {{"_dmarc.a.b.dol.gov", GP_DNS_NO_DATA, NULL, 70}, {"_dmarc.b.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_NONE, NONE, false, false, 100, false, 70}},
    {"mail.dol.gov", /* the nearer one wins */
     "_dmarc.mail.dol.gov ",
     {{"_dmarc.mail.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=none", 60},
      {"_dmarc.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_POLICY, NONE, false, false, 100, false, 60}},
    {"mail.dol.gov", /* other texts are not looked at */
     "_dmarc.mail.dol.gov _dmarc.dol.gov ",
     {{"_dmarc.mail.dol.gov", GP_DNS_FOUND, "v=spf1 -all|hello", 60},
      {"_dmarc.dol.gov", GP_DNS_FOUND, "hello|v=DMARC1; p=reject; adkim=s", 90}},
     {GP_DMARC_POLICY, REJECT, true, false, 100, true, 60}},
    {"mail.dol.gov", /* two records: none, and the search ends */
     "_dmarc.mail.dol.gov ",
     {{"_dmarc.mail.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=none|v=DMARC1; p=none", 60},
      {"_dmarc.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_NONE, NONE, false, false, 100, false, 60}},
    {"mail.dol.gov", /* so does one that must be ignored */
     "_dmarc.mail.dol.gov ",
     {{"_dmarc.mail.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=bounce", 60},
      {"_dmarc.dol.gov", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_NONE, NONE, false, false, 100, false, 60}},
    {"mail.dol.gov",
     "_dmarc.mail.dol.gov ",
     {{"_dmarc.mail.dol.gov", GP_DNS_TROUBLE, NULL, 30}},
     {GP_DMARC_UNKNOWN, NONE, false, false, 100, false, 30}},
    {"mail.dol.gov",
     "_dmarc.mail.dol.gov _dmarc.dol.gov ",
     {{"_dmarc.dol.gov", GP_DNS_TROUBLE, NULL, 30}},
     {GP_DMARC_UNKNOWN, NONE, false, false, 100, false, 30}},
    {"b\xc3\xbc"
     "cher.example",
     "_dmarc.xn--bcher-kva.example ",
     {{"_dmarc.xn--bcher-kva.example", GP_DNS_FOUND, "v=DMARC1; p=reject", 60}},
     {GP_DMARC_POLICY, REJECT, false, false, 100, false, 60}},
    {"not a domain", "", {{0}}, {GP_DMARC_NONE, NONE, false, false, 100, false, GP_DNS_TTL_MOST}},
    {"", "", {{0}}, {GP_DMARC_NONE, NONE, false, false, 100, false, GP_DNS_TTL_MOST}},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
        const struct find_case *c = &finds[i];
        struct gp_dmarc_policy p;
        zone = c->zone;
        asked[0] = '\0';
        gp_dmarc_find(NULL, z(c->domain), 0, &p);
        if (strcmp(asked, c->asked) != 0 || p.state != c->want.state || p.action != c->want.action ||
            p.strict_dkim != c->want.strict_dkim || p.percent != c->want.percent ||
            p.organizational != c->want.organizational || p.ttl_s != c->want.ttl_s)
            fail_msg("%zu, %s: asked \"%s\", state %d, action %d, percent %u, org %d, ttl %u", i, c->domain, asked,
                     (int)p.state, (int)p.action, p.percent, p.organizational, p.ttl_s);
    }
}

/* A name that _dmarc. does not fit before is not asked for. */
static void test_find_long(void **state)
{
    char name[254];
    struct gp_dmarc_policy p;
    (void)state;
    for (size_t i = 0; i < sizeof name - 1; i++)
        name[i] = i % 60 == 59 ? '.' : 'a';
    memcpy(name + 249, ".gov", 5);
    asked[0] = '\0';
    zone = (const struct published[]){{0}};
    gp_dmarc_find(NULL, z(name), 0, &p);
    assert_int_equal(p.state, GP_DMARC_NONE);
    assert_null(strchr(asked, ' ') == NULL ? "nothing" : strchr(strchr(asked, ' ') + 1, ' '));
}

/* --- the forecast ------------------------------------------------------------------------------------------------- */

struct judge_case {
    const char *name, *from, *path, *signer;
    enum gp_spf_result spf;
    struct gp_dmarc_policy p;
    enum gp_dmarc_result want;
    bool spf_aligned, dkim_aligned;
};

#define RELAXED                                                                                                        \
    {                                                                                                                  \
        .state = GP_DMARC_POLICY                                                                                       \
    }
#define STRICT                                                                                                         \
    {                                                                                                                  \
        .state = GP_DMARC_POLICY, .strict_dkim = true, .strict_spf = true                                              \
    }
#define NO_RECORD                                                                                                      \
    {                                                                                                                  \
        .state = GP_DMARC_NONE                                                                                         \
    }
#define UNASKED                                                                                                        \
    {                                                                                                                  \
        .state = GP_DMARC_UNKNOWN                                                                                      \
    }

static const struct judge_case judgements[] = {
    {"both", "dol.gov", "dol.gov", "dol.gov", GP_SPF_PASS, RELAXED, GP_DMARC_PASS, true, true},
    {"dkim alone", "dol.gov", "b.gp.gov", "dol.gov", GP_SPF_PASS, RELAXED, GP_DMARC_PASS, false, true},
    {"spf alone", "dol.gov", "b.dol.gov", "gp.gov", GP_SPF_PASS, RELAXED, GP_DMARC_PASS, true, false},
    {"spf alone, not passed", "dol.gov", "b.dol.gov", "gp.gov", GP_SPF_NEUTRAL, RELAXED, GP_DMARC_FAIL, false, false},
    {"spf alone, strict", "dol.gov", "b.dol.gov", "gp.gov", GP_SPF_PASS, STRICT, GP_DMARC_FAIL, false, false},
    {"dkim, strict", "mail.dol.gov", "b.gp.gov", "dol.gov", GP_SPF_PASS, STRICT, GP_DMARC_FAIL, false, false},
    {"neither", "dol.gov", "b.gp.gov", "gp.gov", GP_SPF_PASS, RELAXED, GP_DMARC_FAIL, false, false},
    {"spf not known", "dol.gov", "b.dol.gov", "gp.gov", GP_SPF_UNKNOWN, RELAXED, GP_DMARC_NOT_KNOWN, false, false},
    {"spf not known, of no matter", "dol.gov", "b.gp.gov", "gp.gov", GP_SPF_UNKNOWN, RELAXED, GP_DMARC_FAIL, false,
     false},
    {"spf not known, dkim passes", "dol.gov", "b.dol.gov", "dol.gov", GP_SPF_UNKNOWN, RELAXED, GP_DMARC_PASS, false,
     true},
    {"no policy, would pass", "dol.gov", "b.gp.gov", "a.dol.gov", GP_SPF_PASS, NO_RECORD, GP_DMARC_PASS, false, true},
    {"no policy, would fail", "dol.gov", "b.gp.gov", "gp.gov", GP_SPF_PASS, NO_RECORD, GP_DMARC_NO_POLICY, false,
     false},
    {"not asked, passes whatever it says", "dol.gov", "b.gp.gov", "dol.gov", GP_SPF_UNKNOWN, UNASKED, GP_DMARC_PASS,
     false, true},
    {"not asked, may be strict", "dol.gov", "b.gp.gov", "a.dol.gov", GP_SPF_PASS, UNASKED, GP_DMARC_NOT_KNOWN, false,
     false},
    {"not asked, would fail", "dol.gov", "b.gp.gov", "gp.gov", GP_SPF_PASS, UNASKED, GP_DMARC_NOT_KNOWN, false, false},
    {"no From", "", "b.gp.gov", "gp.gov", GP_SPF_PASS, UNASKED, GP_DMARC_FAIL, false, false},
    {"no From, no policy", "", "", "", GP_SPF_PASS, NO_RECORD, GP_DMARC_FAIL, false, false},
};

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof judgements / sizeof judgements[0]; i++) {
        const struct judge_case *c = &judgements[i];
        const struct gp_dmarc_facts f = {.from = z(c->from),
                                         .return_path = z(c->path),
                                         .spf = c->spf,
                                         .signatures = 2,
                                         .signature = {GP_STR("elsewhere.test"), z(c->signer)}};
        struct gp_dmarc_forecast got = gp_dmarc_judge(&f, &c->p);
        if (got.result != c->want || got.spf_aligned != c->spf_aligned || got.dkim_aligned != c->dkim_aligned)
            fail_msg("%s: %s, spf %d, dkim %d", c->name, gp_dmarc_name(got.result), got.spf_aligned, got.dkim_aligned);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(gp_dmarc_name(GP_DMARC_PASS), "pass");
    assert_string_equal(gp_dmarc_name(GP_DMARC_FAIL), "fail");
    assert_string_equal(gp_dmarc_name(GP_DMARC_NO_POLICY), "no-policy");
    assert_string_equal(gp_dmarc_name(GP_DMARC_NOT_KNOWN), "unknown");
    assert_string_equal(gp_dmarc_action_name(REJECT), "reject");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),      cmocka_unit_test(test_records), cmocka_unit_test(test_organizational),
        cmocka_unit_test(test_alignment), cmocka_unit_test(test_find),    cmocka_unit_test(test_find_long),
        cmocka_unit_test(test_judge),     cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
