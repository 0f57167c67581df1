/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_record.c - terms of SPF records: what each is, and what is wrong with it
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/spf_record.h"

#include <string.h>

static struct gp_spf_term read_one(const char *text)
{
    struct gp_str rest = gp_str_z(text);
    struct gp_spf_term term = {.wrong = "nothing"};
    assert_true(gp_spf_term_next(&rest, &term));
    assert_int_equal(rest.n, 0);
    return term;
}

static bool is(struct gp_str s, const char *z)
{
    return gp_str_eq(s, gp_str_z(z));
}

static void test_right_terms(void **state)
{
    static const struct {
        const char *text;
        enum gp_spf_kind kind;
        char qualifier;
        const char *domain;
        bool macro;
        unsigned v4, v6;
    } table[] = {
        {"all", GP_SPF_ALL, '+', "", false, 32, 128},
        {"-all", GP_SPF_ALL, '-', "", false, 32, 128},
        {"~ALL", GP_SPF_ALL, '~', "", false, 32, 128},
        {"?all", GP_SPF_ALL, '?', "", false, 32, 128},
        {"a", GP_SPF_A, '+', "", false, 32, 128},
        {"A/24", GP_SPF_A, '+', "", false, 24, 128},
        {"a//64", GP_SPF_A, '+', "", false, 32, 64},
        {"a/24//64", GP_SPF_A, '+', "", false, 24, 64},
        {"a/0//0", GP_SPF_A, '+', "", false, 0, 0},
        {"a:x.gov/24//64", GP_SPF_A, '+', "x.gov", false, 24, 64},
        {"a:x.gov.", GP_SPF_A, '+', "x.gov", false, 32, 128},
        {"a:x:y/z.gov/8", GP_SPF_A, '+', "x:y/z.gov", false, 8, 128},
        {"a:x.xn--p1ai", GP_SPF_A, '+', "x.xn--p1ai", false, 32, 128},
        {"a:%{d}", GP_SPF_A, '+', "%{d}", true, 32, 128},
        {"a:x.%%", GP_SPF_A, '+', "x.%%", true, 32, 128},
        {"a:%{ir}.x.gov/24", GP_SPF_A, '+', "%{ir}.x.gov", true, 24, 128},
        {"mx", GP_SPF_MX, '+', "", false, 32, 128},
        {"-mx:x.gov//128", GP_SPF_MX, '-', "x.gov", false, 32, 128},
        {"ptr", GP_SPF_PTR, '+', "", false, 32, 128},
        {"ptr:x.gov", GP_SPF_PTR, '+', "x.gov", false, 32, 128},
        {"exists:%{l1r+-,/_=.}.x.gov", GP_SPF_EXISTS, '+', "%{l1r+-,/_=.}.x.gov", true, 32, 128},
        {"include:_spf.x.gov", GP_SPF_INCLUDE, '+', "_spf.x.gov", false, 32, 128},
        {"ip4:192.0.2.1", GP_SPF_IP4, '+', "", false, 32, 128},
        {"?ip4:192.0.2.1/0", GP_SPF_IP4, '?', "", false, 0, 128},
        {"ip6:2001:db8::1/64", GP_SPF_IP6, '+', "", false, 32, 64},
        {"IP6:::ffff:192.0.2.1", GP_SPF_IP6, '+', "", false, 32, 128},
        {"redirect=x.gov", GP_SPF_REDIRECT, 0, "x.gov", false, 32, 128},
        {"exp=%{d}", GP_SPF_EXP, 0, "%{d}", true, 32, 128},
        {"x=", GP_SPF_MODIFIER, 0, "", false, 32, 128},
        {"a=x", GP_SPF_MODIFIER, 0, "", false, 32, 128},
        {"x-y.z_1=a:b/c?d=e", GP_SPF_MODIFIER, 0, "", false, 32, 128},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct gp_spf_term t = read_one(table[i].text);
        if (t.wrong != NULL)
            fail_msg("%s: %s", table[i].text, t.wrong);
        if (t.kind != table[i].kind || t.qualifier != table[i].qualifier || t.macro != table[i].macro ||
            t.v4 != table[i].v4 || t.v6 != table[i].v6 || !is(t.text, table[i].text) || !is(t.domain, table[i].domain))
            fail_msg("%s: kind %d, qualifier %c, domain %.*s, macro %d, /%u//%u", table[i].text, (int)t.kind,
                     t.qualifier, GP_STR_FMT(t.domain), t.macro, t.v4, t.v6);
    }
    assert_memory_equal(read_one("ip4:192.0.2.1").net, "\xc0\x00\x02\x01", 4);
    assert_memory_equal(read_one("ip6:102:304::506").net, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\5\6", 16);
}

static void test_wrong_terms(void **state)
{
    static const char *const table[] = {
        "+",
        "--all",
        "all.",
        "all:x.gov",
        "all/8",
        "al",
        "alll",
        "moo",
        "include",
        "include:",
        "include/24",
        "include:gov",
        "include:x.gov/24",
        "include:x..gov",
        "include:.gov",
        "include:x.gov..",
        "include:1.2.3.4",
        "include:x.123",
        "include:x.-gov",
        "include:x.gov-",
        "include:x.g_v",
        "a:",
        "a/",
        "a//",
        "a/33",
        "a/024",
        "a//129",
        "a/24/64",
        "a//64/24",
        "a/-1",
        "a:x.gov/",
        "a:x.gov/33",
        "a:museum",
        "a:museum.",
        "a:x.gov:8080",
        "axe",
        "mx:",
        "mx/x",
        "ptr/24",
        "ptr:",
        "exists",
        "exists:",
        "exists:x.gov/24",
        "ip4",
        "ip4:",
        "ip4/24",
        "ip4:1.2.3",
        "ip4:1.2.3.4.5",
        "ip4:1.2.3.4/33",
        "ip4:1.2.3.4/",
        "ip4:1.2.3.4//32",
        "ip4:1.2.3.4:25",
        "ip4:01.2.3.4",
        "ip4:x.gov",
        "ip6",
        "ip6:",
        "ip6:1.2.3.4",
        "ip6:2001:db8::1/129",
        "ip6:::1//64",
        "ip6::1::2",
        "ipv4:1.2.3.4",
        "redirect:x.gov",
        "redirect=",
        "redirect=gov",
        "-redirect=x.gov",
        "exp=",
        "exp=gov",
        "+exp=x.gov",
        "=x",
        "1x=y",
        "x=%",
        "x=%a",
        "x=%{d",
        "a:%{}",
        "a:%{q}",
        "a:%{d0}.x.gov",
        "a:%{c}.x.gov",
        "a:%{r}.x.gov",
        "a:%{t}.x.gov",
        "a:%{dr5}",
        "a:%{d5rr}",
        "a:%{d;}",
        "a:%(d)",
        "a:x%.gov",
        "x/y=z",
        "x:y=z",
        "a:x\x7f.gov",
        "a:\xc3\xa4.gov",
        "x=\xff",
        "\001all",
        "all\t",
        "a:%{d}.gov-",
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct gp_str rest = gp_str_z(table[i]);
        struct gp_spf_term t;
        assert_true(gp_spf_term_next(&rest, &t));
        if (t.wrong == NULL || rest.n > 0)
            fail_msg("\"%s\" was taken for right", table[i]);
    }
}

static void test_nul_is_no_end(void **state)
{
    static const char text[] = "a:x.gov\0y z\0=1";
    struct gp_str rest = {text, sizeof text - 1};
    struct gp_spf_term t;
    (void)state;
    assert_true(gp_spf_term_next(&rest, &t));
    assert_non_null(t.wrong);
    assert_int_equal(t.text.n, 9);
    assert_true(gp_spf_term_next(&rest, &t));
    assert_non_null(t.wrong);
    assert_false(gp_spf_term_next(&rest, &t));
}

static void test_which_text_is_a_record(void **state)
{
    (void)state;
    assert_true(gp_spf_is_record(GP_STR("v=spf1")));
    assert_true(gp_spf_is_record(GP_STR("V=SPF1 ")));
    assert_true(gp_spf_is_record(GP_STR("v=spf1 moo")));
    assert_false(gp_spf_is_record(GP_STR("v=spf10 all")));
    assert_false(gp_spf_is_record(GP_STR("v=spf1\tall")));
    assert_false(gp_spf_is_record(GP_STR("v=spf1\0all")));
    assert_false(gp_spf_is_record(GP_STR(" v=spf1 all")));
    assert_false(gp_spf_is_record(GP_STR("v=spf")));
    assert_false(gp_spf_is_record((struct gp_str){0}));
}

static void test_outline(void **state)
{
    static const struct {
        const char *record, *wrong, *all, *redirect;
        unsigned lookups;
    } table[] = {
        {"v=spf1", "", "", "", 0},
        {"v=spf1   ", "", "", "", 0},
        {"v=spf1 a mx ptr ip4:1.2.3.4 ip6:::1 exists:x.gov include:x.gov -all a mx", "", "-all", "", 5},
        {"v=spf1 a redirect=x.gov mx", "", "", "redirect=x.gov", 3},
        {"v=spf1 a redirect=x.gov ~all", "", "~all", "redirect=x.gov", 1},
        {"v=spf1 a moo -all mooo", "moo", "-all", "", 1},
        {"v=spf1 redirect=x.gov redirect=y.gov", "redirect=y.gov", "", "redirect=x.gov", 1},
        {"v=spf1 exp=x.gov -all EXP=y.gov", "EXP=y.gov", "-all", "", 0},
        {"v=spf1 ?all -all", "", "?all", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct gp_spf_outline o;
        gp_spf_outline(gp_str_z(table[i].record), &o);
        if ((o.wrong.wrong != NULL) != (table[i].wrong[0] != '\0') || !is(o.wrong.text, table[i].wrong) ||
            o.has_all != (table[i].all[0] != '\0') || !is(o.all.text, table[i].all) ||
            o.has_redirect != (table[i].redirect[0] != '\0') || !is(o.redirect.text, table[i].redirect) ||
            o.lookups != table[i].lookups)
            fail_msg("%s: wrong \"%.*s\", all \"%.*s\", redirect \"%.*s\", %u lookups", table[i].record,
                     GP_STR_FMT(o.wrong.text), GP_STR_FMT(o.all.text), GP_STR_FMT(o.redirect.text), o.lookups);
    }
}

static void test_names(void **state)
{
    char name[GP_SPF_NAME_MAX + 2];
    (void)state;
    assert_true(gp_spf_name_valid(GP_STR("x.gov")));
    assert_true(gp_spf_name_valid(GP_STR("_spf.x-y.gov")));
    assert_false(gp_spf_name_valid(GP_STR("gov")));
    assert_false(gp_spf_name_valid(GP_STR("x.gov.")));
    assert_false(gp_spf_name_valid(GP_STR("x y.gov")));
    assert_false(gp_spf_name_valid(GP_STR("")));
    assert_false(gp_spf_name_valid(GP_STR("192.0.2.1")));
    assert_false(gp_spf_name_valid(GP_STR("x\0.gov")));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'x';
    memcpy(name + GP_SPF_NAME_MAX - 3, "gov", 3);
    assert_true(gp_spf_name_valid((struct gp_str){name, GP_SPF_NAME_MAX}));
    name[GP_SPF_NAME_MAX] = 'v';
    assert_false(gp_spf_name_valid((struct gp_str){name, GP_SPF_NAME_MAX + 1}));
    memset(name, 'x', 64);
    memcpy(name + 63, ".gov", 4);
    assert_true(gp_spf_name_valid((struct gp_str){name, 67}));
    memcpy(name + 63, "x.gov", 5);
    assert_false(gp_spf_name_valid((struct gp_str){name, 68}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_terms),   cmocka_unit_test(test_wrong_terms),
        cmocka_unit_test(test_nul_is_no_end), cmocka_unit_test(test_which_text_is_a_record),
        cmocka_unit_test(test_outline),       cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
