/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ctl_zone.c - the records that a configuration asks for, and their lines
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ctl/zone.h"

#include <stdio.h>
#include <string.h>

static char relay[] = "relay.gp.gov", path[] = "b.gp.gov", far_path[] = "b.gp.net", contact[] = "ops@dol.gov",
            odd_contact[] = "ops!x@dol.gov", selector[] = "gp1";
static char domain_gp[] = "gp.gov", domain_dol[] = "dol.gov", domain_mail[] = "mail.dol.gov",
            domain_below[] = ".dol.gov";
static struct gp_ip egress[2];

static int setup(void **state)
{
    (void)state;
    return gp_ip_parse(GP_STR("198.51.100.7"), &egress[0]) && gp_ip_parse(GP_STR("2001:db8::7"), &egress[1]) ? 0 : -1;
}

static struct gp_config config_of(struct gp_agency *agency, size_t n)
{
    return (struct gp_config){
        .relay_name = relay, .return_path = path, .egress_n = 2, .egress = egress, .agency = agency, .agencies_n = n};
}

static struct gp_agency agency_of(char **domains, size_t n)
{
    return (struct gp_agency){.name = "dol", .contact = contact, .sender_domains = {n, domains}};
}

/* All records as "kind name value;", notes left out. */
static void expect(struct gp_zone *z, const char *want)
{
    char text[2048];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    assert_false(z->failed);
    for (size_t i = 0; i < z->n; i++) {
        const struct gp_zone_record *r = &z->record[i];
        if (r->kind != GP_ZONE_NOTE)
            gp_buf_printf(&b, "%s %s %s;", gp_zone_kind_name(r->kind), r->name, r->value);
    }
    gp_zone_free(z);
    assert_string_equal(text, want);
}

#define SPF "v=spf1 ip4:198.51.100.7 ip6:2001:db8::7 -all"

static void test_relay(void **state)
{
    struct gp_zone z = {0};
    struct gp_dkim_key key = {.domain = domain_gp, .selector = selector, .record = "v=DKIM1; p=x"};
    struct gp_config c = config_of(NULL, 0);
    (void)state;
    c.dkim = &key;
    c.dkim_n = 1;
    gp_zone_relay(&z, &c);
    expect(&z, "mx b.gp.gov relay.gp.gov;spf b.gp.gov " SPF ";spf relay.gp.gov " SPF
               ";dkim gp1._domainkey.gp.gov v=DKIM1; p=x;"
               "dmarc _dmarc.relay.gp.gov v=DMARC1; p=none; rua=mailto:postmaster@b.gp.gov;");
    c.return_path = far_path; /* of another organization: it must say that it takes the reports */
    c.egress_n = 0;
    gp_zone_relay(&z, &c);
    expect(&z, "mx b.gp.net relay.gp.gov;dkim gp1._domainkey.gp.gov v=DKIM1; p=x;"
               "dmarc _dmarc.relay.gp.gov v=DMARC1; p=none; rua=mailto:postmaster@b.gp.net;"
               "reports relay.gp.gov._report._dmarc.b.gp.net v=DMARC1;");
}

static void test_agency(void **state)
{
    struct gp_zone z = {0};
    char *domains[] = {domain_dol, domain_mail, domain_below};
    struct gp_agency a = agency_of(domains, 3);
    struct gp_config c = config_of(&a, 1);
    (void)state;
    gp_zone_agency(&z, &c, &a);
    expect(&z, "spf dol.gov v=spf1 include:b.gp.gov -all;dmarc _dmarc.dol.gov v=DMARC1; p=none; rua=mailto:ops@dol.gov;"
               "spf mail.dol.gov v=spf1 include:b.gp.gov -all;");
    a.contact = odd_contact; /* would need escapes in a URI */
    gp_zone_agency(&z, &c, &a);
    gp_zone_agency(&z, &c, &a); /* of a second agency the same domains: once */
    expect(&z, "spf dol.gov v=spf1 include:b.gp.gov -all;dmarc _dmarc.dol.gov v=DMARC1; p=none;"
               "spf mail.dol.gov v=spf1 include:b.gp.gov -all;");
}

/* Who has no key in its own name is told so; the relay's may do. */
static void test_notes(void **state)
{
    struct gp_zone z = {0};
    char *domains[] = {domain_dol, domain_gp, domain_below};
    struct gp_agency a = agency_of(domains, 3);
    struct gp_dkim_key key = {.domain = domain_gp, .selector = selector, .record = "v=DKIM1; p=x", .signs = true};
    struct gp_config c = config_of(&a, 1);
    char text[1024];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    (void)state;
    c.dkim = &key;
    c.dkim_n = 1;
    gp_zone_agency(&z, &c, &a);
    for (size_t i = 0; i < z.n; i++) {
        if (z.record[i].kind == GP_ZONE_NOTE)
            gp_buf_printf(&b, "%.*s;", (int)strcspn(z.record[i].value, ":,"), z.record[i].value);
    }
    gp_zone_free(&z);
    assert_string_equal(text, "dol.gov;.dol.gov;each name below dol.gov that stands in From addresses;");
}

static void test_lines(void **state)
{
    char long_text[600], line[GP_ZONE_LINE_MAX], want[GP_ZONE_LINE_MAX];
    char hostile[] = "a\"b\\c;d\x01\xff\n", name[] = "x.dol.gov", host[] = "relay.gp.gov";
    struct gp_zone_record r = {.kind = GP_ZONE_SPF, .name = name, .value = hostile};
    (void)state;
    gp_zone_line(&r, line);
    assert_string_equal(line, "x.dol.gov. IN TXT ( \"a\\\"b\\\\c;d\\001\\255\\010\" )");
    r = (struct gp_zone_record){.kind = GP_ZONE_MX, .name = name, .value = host};
    gp_zone_line(&r, line);
    assert_string_equal(line, "x.dol.gov. IN MX 10 relay.gp.gov.");
    memset(long_text, 'k', 511);
    long_text[511] = '\0';
    r = (struct gp_zone_record){.kind = GP_ZONE_DKIM, .name = name, .value = long_text};
    gp_zone_line(&r, line);
    snprintf(want, sizeof want, "x.dol.gov. IN TXT ( \"%.255s\" \"%.255s\" \"k\" )", long_text, long_text);
    assert_string_equal(line, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_agency),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
