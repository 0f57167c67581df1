/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * from.c - tests of milter/from: in whose name a message may be written
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/from.h"

#include <pthread.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static char domain_one[] = "dol.example", domain_two[] = ".sub.example", domain_idn[] = "xn--mnchen-3ya.example";
static char domain_u[] = "k\303\266ln.example";
static char *domains[] = {domain_one, domain_two, domain_idn, domain_u};
static const struct gp_agency agency = {.name = "dol", .sender_domains = {COUNT(domains), domains}};

static bool permitted(const struct gp_str *values, size_t n)
{
    struct gp_headers h;
    gp_headers_init(&h);
    for (size_t i = 0; i < n; i++)
        gp_headers_note(&h, GP_STR("From"), values[i]);
    return gp_from_permitted(&h, &agency);
}

static const struct {
    const char *name;
    struct gp_str value;
    bool permitted;
} single[] = {
    {"bare", V(" a@dol.example"), true},
    {"in brackets", V(" Name <a@dol.example>"), true},
    {"quoted name", V(" \"Name, Other\" <a@dol.example>"), true},
    {"encoded name", V(" =?utf-8?q?J=C3=BCrgen?= <a@dol.example>"), true},
    {"raw 8-bit name", V(" J\303\274rgen <a@dol.example>"), true},
    {"name in Latin-1", V(" J\374rgen <a@dol.example>"), true},
    {"comment", V(" a@dol.example (Name)"), true},
    {"address as name", V(" a@dol.example <a@dol.example>"), true},
    {"permitted address as name", V(" b@x.sub.example <a@dol.example>"), true},
    {"quoted name with brackets", V(" \"x <y>\" <a@dol.example>"), true},
    {"upper case", V(" A@DOL.Example"), true},
    {"subdomain where allowed", V(" a@x.sub.example"), true},
    {"two", V(" a@dol.example, b@dol.example"), true},
    {"folded", V("\n Name\n\t<a@dol.example>"), true},
    {"group", V(" Group: a@dol.example, b@dol.example;"), true},
    {"quoted local-part with @", V(" \"a@b\"@dol.example"), true},
    {"foreign address in the comment", V(" (e@evil.example) a@dol.example"), true},
    {"foreign address in the quoted name", V(" \"e@evil.example\" <a@dol.example>"), true},
    {"internationalised", V(" a@m\303\274nchen.example"), true},
    {"internationalised in ASCII", V(" a@xn--mnchen-3ya.example"), true},
    {"internationalised, listed so", V(" a@k\303\266ln.example"), true},
    {"internationalised in ASCII, listed otherwise", V(" a@xn--kln-sna.example"), true},

    {"foreign", V(" e@evil.example"), false},
    {"foreign in brackets", V(" Name <e@evil.example>"), false},
    {"foreign second", V(" a@dol.example, e@evil.example"), false},
    {"foreign first", V(" e@evil.example, a@dol.example"), false},
    {"foreign behind a semicolon", V(" a@dol.example; e@evil.example"), false},
    {"foreign behind a blank", V(" a@dol.example e@evil.example"), false},
    {"two in brackets", V(" <a@dol.example> <e@evil.example>"), false},
    {"foreign unfinished", V(" a@dol.example, <e@evil.example"), false},
    {"foreign in a group", V(" Group: a@dol.example, e@evil.example;"), false},
    {"foreign in a group in a group", V(" G: H: e@evil.example;, a@dol.example;"), false},
    {"foreign behind a group", V(" G: a@dol.example; , e@evil.example"), false},
    {"our name, their address", V(" a@dol.example <e@evil.example>"), false},
    {"quoted local-part of ours", V(" \"a@dol.example\"@evil.example"), false},
    {"route through ours", V(" <@dol.example:e@evil.example>"), false},
    {"two @", V(" a@dol.example@evil.example"), false},
    {"folded away", V(" a@dol.example,\n e@evil.example"), false},
    {"NUL before the foreign one", V(" a@dol.example\0, e@evil.example"), false},
    {"8-bit domain that is none", V(" a@dol.example\377"), false},
    {"subdomain where not allowed", V(" a@x.dol.example"), false},
    {"domain itself where only subdomains are", V(" a@sub.example"), false},
    {"suffix without dot", V(" a@evildol.example"), false},
    {"address literal", V(" a@[192.0.2.1]"), false},
    {"address literal, then an open comment", V(" a@[192.0.2.1]("), false}, /* GMime loses memory over these three */
    {"address literal, a quote that ends in the comment", V(" a@[\"](\""), false},
    {"address literal behind a comment", V(" <a@ (x) [\"](\">"), false},
    {"no domain", V(" a"), false},
    {"nothing behind @", V(" a@"), false},
    {"nothing before @", V(" @dol.example"), false},
    {"empty", V(""), false},
    {"blank", V(" \n "), false},
    {"empty brackets", V(" <>"), false},
    {"empty brackets beside a good one", V(" e@evil.example <>, a@dol.example"), false},
    {"empty brackets with a blank", V(" e@evil.example < >, a@dol.example"), false},
    {"empty group", V(" undisclosed-recipients:;"), false},
    {"foreign address as name", V(" e@evil.example <a@dol.example>"), false},
    {"foreign address as name, folded", V(" e@evil.example\n\t<a@dol.example>"), false},
    {"foreign address within the name", V(" The boss e@evil.example <a@dol.example>"), false},
    {"foreign address as name behind a good one", V(" a@dol.example, e@evil.example <a@dol.example>"), false},
    {"ours behind a foreign name", V(" e@evil.example \"x\" a@dol.example <a@dol.example>"), false},
    {"brackets in brackets", V(" <<<a@dol.example"), false},
    {"encoded word as label", V(" a@=?utf-8?q?evil.com?=.sub.example"), false},
    {"a slash in the domain", V(" a@evil.com/.sub.example"), false},
    {"escaped NUL", V(" \"a\\\0\" <a@dol.example>"), false},
    {"open comment", V(" a@dol.example ("), false},
    {"open quote", V(" a@dol.example \""), false},
    {"words", V(" not an address"), false},
};

static void test_single(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(single); i++) {
        if (permitted(&single[i].value, 1) != single[i].permitted)
            fail_msg("%s: %s", single[i].name, single[i].permitted ? "refused" : "permitted");
    }
}

static void test_several_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str value[2];
        bool permitted;
    } rows[] = {
        {"both good", {V(" a@dol.example"), V(" b@dol.example")}, true},
        {"second foreign", {V(" a@dol.example"), V(" e@evil.example")}, false},
        {"first foreign", {V(" e@evil.example"), V(" a@dol.example")}, false},
        {"hidden in a comment", {V(" a@dol.example ("), V(" e@evil.example) <b@dol.example>")}, false},
        {"hidden in a quote", {V(" a@dol.example, \"x"), V(" e@evil.example \" <b@dol.example>")}, false},
        {"second empty", {V(" a@dol.example"), V("")}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (permitted(rows[i].value, 2) != rows[i].permitted)
            fail_msg("%s", rows[i].name);
    }
    assert_false(permitted(NULL, 0));
}

static void test_domain(void **state)
{
    (void)state;
    static const struct {
        struct gp_str value;
        const char *domain;
    } rows[] = {
        {V(" a@dol.example"), "dol.example"},
        {V(" Name <A@DOL.Example>"), "dol.example"},
        {V(" a@x.dol.example"), "x.dol.example"},
        {V(" a@dol.example, \"b\" <b@Dol.example>"), "dol.example"},
        {V(" G: a@dol.example;, b@dol.example"), "dol.example"},
        {V(" e@evil.example <a@dol.example>"), "dol.example"},
        {V(" a@k\303\266ln.example"), "xn--kln-sna.example"},
        {V(" a@k\303\266ln.example, b@xn--kln-sna.example"), "xn--kln-sna.example"},
        {V(" a@dol.example, e@evil.example"), ""},
        {V(" a@dol.example, a@x.dol.example"), ""},
        {V(" a@dol.example,"), "dol.example"},
        {V(" a@[192.0.2.1]"), ""},
        {V(" undisclosed:;"), ""},
        {V(" <a@dol.example> <e@evil.example>"), ""},
        {V(" a@dol.example\0, e@evil.example"), ""},
        {V(" a"), ""},
        {V(""), ""},
    };
    static struct gp_headers h;
    char domain[GP_DOMAIN_MAX + 1];
    for (size_t i = 0; i < COUNT(rows); i++) {
        gp_headers_init(&h);
        gp_headers_note(&h, GP_STR("From"), rows[i].value);
        gp_from_domain(&h, domain);
        if (strcmp(domain, rows[i].domain) != 0)
            fail_msg("%s: \"%s\"", rows[i].value.p, domain);
    }
    gp_headers_init(&h);
    gp_from_domain(&h, domain);
    assert_string_equal(domain, "");
    for (unsigned i = 0; i < 2; i++)
        gp_headers_note(&h, GP_STR("From"), GP_STR(" a@dol.example"));
    gp_from_domain(&h, domain);
    assert_string_equal(domain, "");
}

static void test_bounds(void **state)
{
    (void)state;
    static char text[3 * GP_HEADERS_FROM_MAX];
    struct gp_str value[2] = {V(" a@dol.example"), {text, 0}};
    struct gp_buf b = gp_buf_on(text, sizeof text);
    while (b.n < GP_HEADERS_FROM_MAX)
        gp_buf_putz(&b, "b@dol.example, ");
    value[1].n = b.n;
    assert_false(permitted(value, 2)); /* was cut */
    value[1].n = 15 * 500 - 2;
    assert_true(permitted(value, 2));
    b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i < 4000; i++)
        gp_buf_putz(&b, "a:");
    value[1].n = b.n;
    assert_false(permitted(value, 2)); /* a group in a group in ... */
    static const struct gp_str nested[] = {V(" a:b:c:d:e:x@dol.example;;;;;"), V(" a:x@dol.example;")};
    assert_false(permitted(&nested[0], 1));
    assert_true(permitted(&nested[1], 1));
}

static void *many(void *wrong)
{
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < COUNT(single); i++) {
            if (permitted(&single[i].value, 1) != single[i].permitted)
                *(bool *)wrong = true;
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[4];
    bool wrong[COUNT(thread)] = {false};
    for (size_t i = 0; i < COUNT(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, many, &wrong[i]), 0);
    for (size_t i = 0; i < COUNT(thread); i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_false(wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single), cmocka_unit_test(test_several_headers), cmocka_unit_test(test_domain),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_threads),
    };
    gp_from_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
