/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_match.c - single mechanisms as libspf2 matches them, over answers of our own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/spf_match.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NAMES 12

/* A DNS of one table: "TYPE name answer[,answer...]". What stands nowhere is not there; "?" is not answered. */
struct zone {
    const char *const *line;
    struct gp_dns_answer answer;
    struct gp_dns_record record[NAMES];
    char text[NAMES][64];
    unsigned asked;
};

static void put_answers(struct zone *z, struct gp_str list)
{
    struct gp_str part;
    z->answer.state = GP_DNS_FOUND;
    z->answer.record = z->record;
    while (z->answer.n < NAMES && gp_str_split(&list, ',', &part)) {
        struct gp_buf b = gp_buf_on(z->text[z->answer.n], sizeof z->text[0]);
        gp_buf_put(&b, part);
        z->record[z->answer.n] = (struct gp_dns_record){.text = z->text[z->answer.n], .n = part.n};
        z->answer.n++;
    }
}

static const struct gp_dns_answer *answer(void *arg, const char *name, enum gp_dns_type type)
{
    struct zone *z = arg;
    char question[300];
    struct gp_buf b = gp_buf_on(question, sizeof question);
    gp_buf_printf(&b, "%d %s ", (int)type, name);
    z->asked++;
    z->answer = (struct gp_dns_answer){.state = GP_DNS_NO_NAME};
    for (size_t i = 0; z->line[i] != NULL; i++) {
        struct gp_str line = gp_str_z(z->line[i]);
        if (!gp_str_starts_nocase(line, gp_buf_str(&b)))
            continue;
        if (line.p[line.n - 1] == '?')
            return NULL;
        put_answers(z, (struct gp_str){line.p + b.n, line.n - b.n});
    }
    return &z->answer;
}

static const char *const zone_lines[] = {
    "1 example.gov 192.0.2.1,192.0.2.9",
    "28 example.gov 2001:db8::1",
    "15 example.gov mx1.example.gov,,mx2.example.gov",
    "1 mx1.example.gov 198.51.100.1",
    "1 mx2.example.gov 198.51.100.9",
    "28 mx2.example.gov 2001:db8:9::9",
    "1 there.gov 127.0.0.2",
    "1 silent.gov ?",
    "15 silent.gov mx1.example.gov,silent.gov",
    "1 garbage.gov not-an-address,192.0.2.300",
    "12 9.2.0.192.in-addr.arpa bad.gov,example.gov",
    "12 7.2.0.192.in-addr.arpa 1.x,2.x,3.x,4.x,5.x,6.x,7.x,8.x,9.x,10.x,example.gov",
    "12 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa example.gov",
    NULL,
};

static enum gp_spf_match match(const char *text, const char *ip, unsigned *asked)
{
    struct zone z = {.line = zone_lines};
    struct gp_str rest = gp_str_z(text);
    struct gp_spf_term term;
    struct gp_ip from;
    assert_true(gp_ip_parse(gp_str_z(ip), &from));
    assert_true(gp_spf_term_next(&rest, &term));
    assert_null(term.wrong);
    struct gp_spf_matcher *m = gp_spf_matcher_new(&from, answer, &z);
    assert_non_null(m);
    enum gp_spf_match result = gp_spf_match(m, &term, GP_STR("example.gov"));
    *asked = z.asked;
    z.asked = 0;
    assert_int_equal(gp_spf_match(m, &term, GP_STR("example.gov")), result); /* nothing is left over from a match */
    assert_int_equal(z.asked, *asked);
    gp_spf_matcher_free(m);
    return result;
}

static void test_matches(void **state)
{
    static const struct {
        const char *term, *ip;
        enum gp_spf_match match;
        unsigned asked;
    } table[] = {
        {"ip4:192.0.2.9", "192.0.2.9", GP_SPF_MATCH, 0},
        {"-ip4:192.0.2.9", "192.0.2.9", GP_SPF_MATCH, 0},
        {"ip4:192.0.2.9", "192.0.2.8", GP_SPF_NO_MATCH, 0},
        {"ip4:192.0.2.8/31", "192.0.2.9", GP_SPF_MATCH, 0},
        {"ip4:192.0.2.9/1", "128.0.0.0", GP_SPF_MATCH, 0},
        {"ip4:192.0.2.9/1", "127.0.0.1", GP_SPF_NO_MATCH, 0},
        {"ip4:192.0.2.9/0", "127.0.0.1", GP_SPF_MATCH, 0},
        {"ip4:192.0.2.9/0", "2001:db8::1", GP_SPF_NO_MATCH, 0},
        {"ip4:127.0.0.1", "127.0.0.2", GP_SPF_NO_MATCH, 0}, /* no free ride for loopback */
        {"ip6:2001:db8::1", "2001:db8::1", GP_SPF_MATCH, 0},
        {"ip6:2001:db8::/33", "2001:db8:7fff::", GP_SPF_MATCH, 0},
        {"ip6:2001:db8::/33", "2001:db8:8000::", GP_SPF_NO_MATCH, 0},
        {"ip6:::1", "::2", GP_SPF_NO_MATCH, 0},
        {"ip6:::/0", "192.0.2.9", GP_SPF_NO_MATCH, 0},
        {"a", "192.0.2.9", GP_SPF_MATCH, 1},
        {"a", "192.0.2.8", GP_SPF_NO_MATCH, 1},
        {"a/24", "192.0.2.8", GP_SPF_MATCH, 1},
        {"a//64", "192.0.2.8", GP_SPF_NO_MATCH, 1},
        {"a//64", "2001:db8::8", GP_SPF_MATCH, 1},
        {"a/24", "2001:db8::8", GP_SPF_NO_MATCH, 1},
        {"a/0", "203.0.113.1", GP_SPF_MATCH, 1},
        {"a:none.gov/0", "203.0.113.1", GP_SPF_NO_MATCH, 1},
        {"a:garbage.gov/0", "203.0.113.1", GP_SPF_NO_MATCH, 1},
        {"a:silent.gov", "192.0.2.9", GP_SPF_NOT_JUDGED, 1},
        {"mx", "198.51.100.9", GP_SPF_MATCH, 3},
        {"mx", "198.51.100.1", GP_SPF_MATCH, 2},
        {"mx", "198.51.100.2", GP_SPF_NO_MATCH, 3},
        {"mx/24", "198.51.100.2", GP_SPF_MATCH, 2},
        {"mx/0", "203.0.113.1", GP_SPF_MATCH, 3},
        {"mx//48", "2001:db8:9::1", GP_SPF_MATCH, 3},
        {"mx:none.gov", "198.51.100.2", GP_SPF_NO_MATCH, 1},
        {"mx:silent.gov", "198.51.100.2", GP_SPF_NOT_JUDGED, 3},
        {"exists:there.gov", "2001:db8::1", GP_SPF_MATCH, 1},
        {"exists:none.gov", "192.0.2.9", GP_SPF_NO_MATCH, 1},
        {"exists:silent.gov", "192.0.2.9", GP_SPF_NOT_JUDGED, 1},
        {"ptr", "192.0.2.9", GP_SPF_MATCH, 3},
        {"ptr:bad.gov", "192.0.2.9", GP_SPF_NO_MATCH, 3},
        {"ptr", "192.0.2.8", GP_SPF_NO_MATCH, 1},
        {"ptr", "2001:db8::1", GP_SPF_MATCH, 2},
        {"ptr", "192.0.2.7", GP_SPF_NO_MATCH, 11}, /* the 11th name is not looked at, and no error */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        unsigned asked;
        enum gp_spf_match got = match(table[i].term, table[i].ip, &asked);
        if (got != table[i].match || asked != table[i].asked)
            fail_msg("%s from %s: %d after %u questions", table[i].term, table[i].ip, (int)got, asked);
    }
}

static void test_addresses_of_an_earlier_term_do_not_count(void **state)
{
    struct zone z = {.line = zone_lines};
    struct gp_str rest = GP_STR("a a:none.gov/0");
    struct gp_spf_term term;
    struct gp_ip from;
    (void)state;
    assert_true(gp_ip_parse(GP_STR("203.0.113.1"), &from));
    struct gp_spf_matcher *m = gp_spf_matcher_new(&from, answer, &z);
    while (gp_spf_term_next(&rest, &term))
        assert_int_equal(gp_spf_match(m, &term, GP_STR("example.gov")), GP_SPF_NO_MATCH);
    gp_spf_matcher_free(m);
}

static void test_what_libspf2_is_given(void **state)
{
    static const struct {
        const char *term, *v4, *v6;
    } table[] = {
        {"-IP4:192.0.2.1", "ip4:192.0.2.1/32", "ip4:192.0.2.1/32"},
        {"ip6:2001:DB8:0:0::1/64", "ip6:2001:db8::1/64", "ip6:2001:db8::1/64"},
        {"?A:x.gov./24//64", "a:x.gov/24", "a:x.gov//64"},
        {"mx", "mx/32", "mx//128"},
        {"mx/0//0", "mx", "mx"},
        {"EXISTS:x.gov", "exists:x.gov", "exists:x.gov"},
        {"ptr:x.gov", "ptr:x.gov", "ptr:x.gov"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct gp_str rest = gp_str_z(table[i].term);
        struct gp_spf_term term;
        struct gp_ip v4, v6;
        char text[64];
        assert_true(gp_spf_term_next(&rest, &term));
        assert_true(gp_ip_parse(GP_STR("192.0.2.9"), &v4) && gp_ip_parse(GP_STR("::9"), &v6));
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_spf_term_text(&term, &v4, &b);
        assert_string_equal(text, table[i].v4);
        b = gp_buf_on(text, sizeof text);
        gp_spf_term_text(&term, &v6, &b);
        assert_string_equal(text, table[i].v6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_addresses_of_an_earlier_term_do_not_count),
        cmocka_unit_test(test_what_libspf2_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
