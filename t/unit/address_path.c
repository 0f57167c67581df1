/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address_path.c - tests of shared/address: paths with their brackets, sender domains
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/address.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* a row's text may hold NUL octets */
#define ROW(lit)                                                                                                       \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

#define A8 "aaaaaaaa"
#define A63 A8 A8 A8 A8 A8 A8 A8 "aaaaaaa"
#define A64 A63 "a"
#define A249 A63 "." A63 "." A63 "." A8 A8 A8 A8 A8 A8 A8 "a"    /* 63 * 3 + 3 + 57 */
#define D247 A63 "." A63 "." A63 "." A8 A8 A8 A8 A8 A8 "aaaaaaa" /* with "123456@" a mailbox of 254 */

static void test_path(void **state)
{
    static const struct {
        struct gp_str in;
        const char *local, *domain; /* NULL: refused */
    } cases[] = {
        {ROW("<foo@dest.test>"), "foo", "dest.test"},
        {ROW("<>"), "", ""},
        {ROW("<postmaster>"), "postmaster", ""},
        {ROW("<PostMaster>"), "PostMaster", ""},
        {ROW("<postmaster@dest.test>"), "postmaster", "dest.test"},
        {ROW("<@a.test:foo@dest.test>"), "foo", "dest.test"},
        {ROW("<@a.test,@b.test:foo@dest.test>"), "foo", "dest.test"},
        {ROW("<@a.test:\"x:y\"@dest.test>"), "\"x:y\"", "dest.test"},
        {ROW("<\"a>b\"@dest.test>"), "\"a>b\"", "dest.test"},
        {ROW("<123456@" D247 ">"), "123456", D247},
        {ROW("<1234567@" D247 ">"), NULL, NULL},
        {ROW("<@a.test:123456@" D247 ">"), NULL, NULL}, /* the path counts as a whole */
        {ROW("<\"postmaster\">"), NULL, NULL},
        {ROW("<abuse>"), NULL, NULL},
        {ROW(""), NULL, NULL},
        {ROW("<"), NULL, NULL},
        {ROW(">"), NULL, NULL},
        {ROW("foo@dest.test"), NULL, NULL},
        {ROW("<foo@dest.test"), NULL, NULL},
        {ROW("foo@dest.test>"), NULL, NULL},
        {ROW(" <foo@dest.test>"), NULL, NULL},
        {ROW("<foo@dest.test> "), NULL, NULL},
        {ROW("<foo@dest.test>garbage"), NULL, NULL},
        {ROW("< foo@dest.test>"), NULL, NULL},
        {ROW("<<foo@dest.test>>"), NULL, NULL},
        {ROW("< >"), NULL, NULL},
        {ROW("<@>"), NULL, NULL},
        {ROW("<@dest.test>"), NULL, NULL},
        {ROW("<@a.test>"), NULL, NULL},
        {ROW("<@a.test:>"), NULL, NULL},
        {ROW("<@:foo@dest.test>"), NULL, NULL},
        {ROW("<:foo@dest.test>"), NULL, NULL},
        {ROW("<@a.test,bb.test:foo@dest.test>"), NULL, NULL},
        {ROW("<@a.test,:foo@dest.test>"), NULL, NULL},
        {ROW("<@a.test, @b.test:foo@dest.test>"), NULL, NULL},
        {ROW("<@a_b.test:foo@dest.test>"), NULL, NULL},
        {ROW("<@[192.0.2.1]:foo@dest.test>"), NULL, NULL},
        {ROW("<@a.test:postmaster>"), NULL, NULL},
        {ROW("<@a.test:@b.test:foo@dest.test>"), NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_mailbox m = {.local = GP_STR("untouched")};
        const char *why = gp_path_parse(cases[i].in, false, &m);
        if ((why == NULL) != (cases[i].local != NULL))
            fail_msg("%.*s: %s", GP_STR_FMT(cases[i].in), why != NULL ? why : "valid");
        if (why == NULL) {
            assert_true(gp_str_eq(m.local, gp_str_z(cases[i].local)));
            assert_true(gp_str_eq(m.domain, gp_str_z(cases[i].domain)));
        } else {
            assert_true(gp_str_eq(m.local, GP_STR("untouched")));
        }
    }
}

static void test_domain_in(void **state)
{
    static const struct {
        struct gp_str domain, pattern;
        bool want;
    } cases[] = {
        {ROW("dol.gov"), ROW("dol.gov"), true},
        {ROW("DOL.Gov"), ROW("dol.gov"), true},
        {ROW("x.dol.gov"), ROW("dol.gov"), false},
        {ROW("xdol.gov"), ROW("dol.gov"), false},
        {ROW("dol.gov"), ROW(".dol.gov"), false},
        {ROW("x.dol.gov"), ROW(".dol.gov"), true},
        {ROW("x.y.DOL.gov"), ROW(".dol.gov"), true},
        {ROW("xdol.gov"), ROW(".dol.gov"), false},
        {ROW(".dol.gov"), ROW(".dol.gov"), false},
        {ROW("dol.gov."), ROW("dol.gov"), false},
        {ROW("x.dol.gov."), ROW(".dol.gov"), false},
        {ROW("dol.gov.evil.test"), ROW("dol.gov"), false},
        {ROW("dol.gov.evil.test"), ROW(".dol.gov"), false},
        {ROW(""), ROW("dol.gov"), false},
        {ROW(""), ROW(""), false},
        {ROW("gov"), ROW("dol.gov"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (gp_domain_in(cases[i].domain, cases[i].pattern) != cases[i].want)
            fail_msg("%.*s in %.*s", GP_STR_FMT(cases[i].domain), GP_STR_FMT(cases[i].pattern));
    }
}

static void test_domain_valid(void **state)
{
    static const struct {
        struct gp_str in;
        bool ascii, utf8;
    } cases[] = {
        {ROW("relay.example.gov"), true, true}, {ROW("localhost"), true, true},
        {ROW("d\xC3\xA9st.test"), false, true}, {ROW(""), false, false},
        {ROW("a.test."), false, false},         {ROW(".a.test"), false, false},
        {ROW("127.0.0.1"), false, false},       {ROW("[127.0.0.1]"), false, false},
        {ROW("a_b.test"), false, false},        {ROW("a b.test"), false, false},
        {ROW(A249 ".bb.cc"), true, true},       {ROW(A249 ".bb.ccc"), false, false},
        {ROW("\xE9.test"), false, false},       {ROW("a.test\0"), false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (gp_domain_valid(cases[i].in, false) != cases[i].ascii ||
            gp_domain_valid(cases[i].in, true) != cases[i].utf8)
            fail_msg("%.*s", GP_STR_FMT(cases[i].in));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_domain_in),
        cmocka_unit_test(test_domain_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
