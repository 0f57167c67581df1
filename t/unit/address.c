/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address.c - tests of shared/address: the grammar of mailboxes, case by case
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
#define E10 "\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9.\xC3\xA9."
#define A63 A8 A8 A8 A8 A8 A8 A8 "aaaaaaa"
#define A64 A63 "a"
#define A249 A63 "." A63 "." A63 "." A8 A8 A8 A8 A8 A8 A8 "a"    /* 63 * 3 + 3 + 57 */
#define D247 A63 "." A63 "." A63 "." A8 A8 A8 A8 A8 A8 "aaaaaaa" /* with "123456@" a mailbox of 254 */

struct row {
    struct gp_str in;
    const char *why; /* NULL: valid; else a word of the message */
};

static const struct row ascii_rows[] = {
    /* Dot-string */
    {ROW("foo@dest.test"), NULL},
    {ROW("FOO@DEST.TEST"), NULL},
    {ROW("a@b"), NULL},
    {ROW("f.o.o@dest.test"), NULL},
    {ROW("1@dest.test"), NULL},
    {ROW("-@dest.test"), NULL},
    {ROW("-foo-@dest.test"), NULL},
    {ROW("!#$%&'*+-/=?^_`{|}~@dest.test"), NULL},
    {ROW("foo%bar@dest.test"), NULL},
    {ROW("foo!bar@dest.test"), NULL},
    {ROW("foo+tag@dest.test"), NULL},
    {ROW("user=example.org@dest.test"), NULL},
    {ROW("postmaster"), "no domain"},
    {ROW(""), "no local part"},
    {ROW("@"), "no local part"},
    {ROW("@dest.test"), "no local part"},
    {ROW("foo@"), "no domain"},
    {ROW("foo"), "no domain"},
    {ROW(".foo@dest.test"), "dot"},
    {ROW("foo.@dest.test"), "dot"},
    {ROW("fo..o@dest.test"), "dot"},
    {ROW(".@dest.test"), "dot"},
    {ROW("foo@bar@dest.test"), "character"},
    {ROW("foo@@dest.test"), "character"},
    {ROW("a b@dest.test"), "quotes"},
    {ROW(" foo@dest.test"), "quotes"},
    {ROW("foo @dest.test"), "quotes"},
    {ROW("foo@ dest.test"), "character"},
    {ROW("foo@dest.test "), "character"},
    {ROW("foo\t@dest.test"), "quotes"},
    {ROW("foo,bar@dest.test"), "quotes"},
    {ROW("foo;bar@dest.test"), "quotes"},
    {ROW("foo:bar@dest.test"), "quotes"},
    {ROW("foo<bar@dest.test"), "quotes"},
    {ROW("foo>bar@dest.test"), "quotes"},
    {ROW("<foo@dest.test>"), "quotes"},
    {ROW("foo[bar]@dest.test"), "quotes"},
    {ROW("foo\\@dest.test"), "quotes"},
    {ROW("foo\\@bar@dest.test"), "quotes"},
    {ROW("f(comment)oo@dest.test"), "quotes"},
    {ROW("(comment)foo@dest.test"), "quotes"},
    {ROW("foo(comment)@dest.test"), "quotes"},
    {ROW("foo@(comment)dest.test"), "character"},
    {ROW("foo@dest.test(comment)"), "character"},
    {ROW("foo. bar@dest.test"), "quotes"},
    {ROW("foo\r\n @dest.test"), "quotes"},
    {ROW("foo\n@dest.test"), "quotes"},
    {ROW("foo\0@dest.test"), "quotes"},
    {ROW("fo\x7Fo@dest.test"), "quotes"},
    {ROW("f\x01oo@dest.test"), "quotes"},
    {ROW("mailto:foo@dest.test"), "quotes"},
    {ROW("Foo Bar <foo@dest.test>"), "quotes"},
    {ROW("@a.test,@b.test:foo@dest.test"), "no local part"},
    {ROW("f\xC3\xB6\xC3\xB6@dest.test"), "SMTPUTF8"},
    {ROW("foo@d\xC3\xA9st.test"), "SMTPUTF8"},
    {ROW("foo\xFF@dest.test"), "SMTPUTF8"},
    /* Quoted-string */
    {ROW("\"foo\"@dest.test"), NULL},
    {ROW("\"foo.\"@dest.test"), NULL},
    {ROW("\".foo\"@dest.test"), NULL},
    {ROW("\"fo..o\"@dest.test"), NULL},
    {ROW("\"a b\"@dest.test"), NULL},
    {ROW("\" \"@dest.test"), NULL},
    {ROW("\"\"@dest.test"), NULL},
    {ROW("\"a@b\"@dest.test"), NULL},
    {ROW("\"a,b;c:d<e>f[g](h)\"@dest.test"), NULL},
    {ROW("\"a\\\"b\"@dest.test"), NULL},
    {ROW("\"a\\\\\"@dest.test"), NULL},
    {ROW("\"\\a\\ \\@\"@dest.test"), NULL},
    {ROW("\"!~\"@dest.test"), NULL},
    {ROW("\"foo@dest.test"), "closing quote"},
    {ROW("\""), "closing quote"},
    {ROW("\"foo\\\"@dest.test"), "closing quote"},
    {ROW("\"foo\\"), "closing quote"},
    {ROW("\"a\"b\"@dest.test"), "no @ after"},
    {ROW("\"foo\"bar@dest.test"), "no @ after"},
    {ROW("\"foo\".bar@dest.test"), "no @ after"},
    {ROW("\"foo\".\"bar\"@dest.test"), "no @ after"},
    {ROW("\"foo\" @dest.test"), "no @ after"},
    {ROW("foo.\"bar\"@dest.test"), "quotes"},
    {ROW("foo\"bar\"@dest.test"), "quotes"},
    {ROW("foo\"@dest.test"), "quotes"},
    {ROW("\"foo\""), "no domain"},
    {ROW("\"foo\"@"), "no domain"},
    {ROW("\"a\tb\"@dest.test"), "control"},
    {ROW("\"a\\\tb\"@dest.test"), "control"},
    {ROW("\"a\0b\"@dest.test"), "control"},
    {ROW("\"a\\\0b\"@dest.test"), "control"},
    {ROW("\"a\r\n b\"@dest.test"), "control"},
    {ROW("\"a\nb\"@dest.test"), "control"},
    {ROW("\"a\x7F\"@dest.test"), "control"},
    {ROW("\"a\\\x7F\"@dest.test"), "control"},
    {ROW("'foo bar'@dest.test"), "quotes"},
    /* Domain */
    {ROW("a@b.c.d.e.f.g"), NULL},
    {ROW("a@localhost"), NULL},
    {ROW("a@x-y.test"), NULL},
    {ROW("a@x--y.test"), NULL},
    {ROW("a@3com.test"), NULL},
    {ROW("a@1.test"), NULL},
    {ROW("a@1.2.3.test"), NULL},
    {ROW("a@test.1"), NULL},
    {ROW("a@127.0.0.1a"), NULL},
    {ROW("a@0x7f.0.0.1"), NULL},
    {ROW("a@xn--bcher-kva.test"), NULL},
    {ROW("a@XN--BCHER-KVA.test"), NULL},
    {ROW("a@b."), "empty label"},
    {ROW("a@.b"), "empty label"},
    {ROW("a@b..c"), "empty label"},
    {ROW("a@."), "empty label"},
    {ROW("a@dest.test."), "empty label"},
    {ROW("a@-b.test"), "hyphen"},
    {ROW("a@b-.test"), "hyphen"},
    {ROW("a@b.-test"), "hyphen"},
    {ROW("a@b.test-"), "hyphen"},
    {ROW("a@-"), "hyphen"},
    {ROW("a@de_st.test"), "character"},
    {ROW("a@de!st.test"), "character"},
    {ROW("a@dest,test"), "character"},
    {ROW("a@dest.test\0"), "character"},
    {ROW("a@dest\r\n.test"), "character"},
    {ROW("a@dest.test\n"), "character"},
    {ROW("a@\"dest\".test"), "character"},
    {ROW("a@dest.test>garbage"), "character"},
    {ROW("a@127.0.0.1"), "digits"},
    {ROW("a@1"), "digits"},
    {ROW("a@1.2.3.4.5"), "digits"},
    {ROW("a@999.999"), "digits"},
    /* Address literals */
    {ROW("a@[127.0.0.1]"), NULL},
    {ROW("a@[0.0.0.0]"), NULL},
    {ROW("a@[255.255.255.255]"), NULL},
    {ROW("a@[001.02.3.004]"), NULL},
    {ROW("a@[256.0.0.1]"), "literal"},
    {ROW("a@[300.1.2.3]"), "literal"},
    {ROW("a@[1.2.3]"), "literal"},
    {ROW("a@[1.2.3.4.5]"), "literal"},
    {ROW("a@[1.2.3.]"), "literal"},
    {ROW("a@[.1.2.3]"), "literal"},
    {ROW("a@[1..2.3]"), "literal"},
    {ROW("a@[0001.2.3.4]"), "literal"},
    {ROW("a@[ 1.2.3.4]"), "literal"},
    {ROW("a@[1.2.3.4 ]"), "literal"},
    {ROW("a@[1.2.3.+4]"), "literal"},
    {ROW("a@[1.2.3.4"), "closing bracket"},
    {ROW("a@[1.2.3.4]."), "closing bracket"},
    {ROW("a@[1.2.3.4]b"), "closing bracket"},
    {ROW("a@["), "closing bracket"},
    {ROW("a@[]"), "literal"},
    {ROW("a@[[1.2.3.4]]"), "literal"},
    {ROW("a@x[1.2.3.4]"), "character"},
    {ROW("a@1.2.3.4]"), "character"},
    {ROW("a@[dest.test]"), "literal"},
    {ROW("a@[RFC-5322-domain-literal]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5:6:7:8]"), NULL},
    {ROW("a@[ipv6:2001:DB8::1]"), NULL},
    {ROW("a@[IPV6:abcd:EF01:0:0:0:0:0:ffff]"), NULL},
    {ROW("a@[IPv6:::]"), NULL},
    {ROW("a@[IPv6:::1]"), NULL},
    {ROW("a@[IPv6:1::]"), NULL},
    {ROW("a@[IPv6:1:2:3:4:5:6::]"), NULL},
    {ROW("a@[IPv6:::1:2:3:4:5:6]"), NULL},
    {ROW("a@[IPv6:1:2:3::4:5:6]"), NULL},
    {ROW("a@[IPv6:1:2:3:4:5:6:192.0.2.1]"), NULL},
    {ROW("a@[IPv6:::192.0.2.1]"), NULL},
    {ROW("a@[IPv6:::ffff:192.0.2.1]"), NULL},
    {ROW("a@[IPv6:1:2::3:4:192.0.2.1]"), NULL},
    {ROW("a@[IPv6:1:2:3:4::192.0.2.1]"), NULL},
    {ROW("a@[IPv6:::1:2:3:4:192.0.2.1]"), NULL},
    {ROW("a@[IPv6:1:2:3:4:5:6:7::]"), "literal"}, /* "::" for one group only */
    {ROW("a@[IPv6:::2:3:4:5:6:7:8]"), "literal"}, /* the same */
    {ROW("a@[IPv6:1:2:3:4::6:7:8]"), "literal"},  /* the same */
    {ROW("a@[IPv6:1:2:3:4:5:6:7]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5:6:7:8:9]"), "literal"},
    {ROW("a@[IPv6:1::2::3]"), "literal"},
    {ROW("a@[IPv6::::]"), "literal"},
    {ROW("a@[IPv6::1:2:3:4:5:6:7:8]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5:6:7:8:]"), "literal"},
    {ROW("a@[IPv6::1]"), "literal"},
    {ROW("a@[IPv6:1:]"), "literal"},
    {ROW("a@[IPv6:12345::1]"), "literal"},
    {ROW("a@[IPv6:g::1]"), "literal"},
    {ROW("a@[IPv6:1::%eth0]"), "literal"},
    {ROW("a@[IPv6:]"), "literal"},
    {ROW("a@[IPv6:192.0.2.1]"), "literal"},
    {ROW("a@[IPv6::192.0.2.1]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5:192.0.2.1]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5:6:7:192.0.2.1]"), "literal"},
    {ROW("a@[IPv6:1:2:3:4:5::192.0.2.1]"), "literal"}, /* "::" for one group only */
    {ROW("a@[IPv6:::1:2:3:4:5:192.0.2.1]"), "literal"},
    {ROW("a@[IPv6:::192.0.2.256]"), "literal"},
    {ROW("a@[IPv6:::192.0.2.1:1]"), "literal"},
    {ROW("a@[2001:db8::1]"), "literal"},
    {ROW("a@[IPv4:192.0.2.1]"), "literal"},
    {ROW("a@[IPv6-1::2]"), "literal"},
    {ROW("a@[X400:c=us]"), "literal"},
    /* lengths */
    {ROW(A63 "@dest.test"), NULL},
    {ROW(A64 "@dest.test"), NULL},
    {ROW(A64 "a@dest.test"), "64"},
    {ROW("\"" A8 A8 A8 A8 A8 A8 A8 "aaaaaa\"@dest.test"), NULL}, /* the quotes count: 64 */
    {ROW("\"" A8 A8 A8 A8 A8 A8 A8 "aaaaaaa\"@dest.test"), "64"},
    {ROW("a@" A63 ".test"), NULL},
    {ROW("a@" A64 ".test"), "63"},
    {ROW("a@test." A63), NULL},
    {ROW("a@test." A64), "63"},
    {ROW("123456@" D247), NULL},
    {ROW("1234567@" D247), "254"},
    {ROW("12345678@" D247), "254"},
    {ROW("a@" A249 ".b.c"), "254"},   /* domain 253 */
    {ROW("a@" A249 ".bb.cc"), "254"}, /* domain 255 */
    {ROW("a@" A249 ".bb.ccc"), "255"},
};

static const struct row utf8_rows[] = {
    {ROW("foo@dest.test"), NULL},
    {ROW("f\xC3\xB6\xC3\xB6@dest.test"), NULL},
    {ROW("\xE7\x94\xA8\xE6\x88\xB7@dest.test"), NULL},
    {ROW("\xF0\x9F\x98\x80@dest.test"), NULL},
    {ROW("\"f\xC3\xB6 \xC3\xB6\"@dest.test"), NULL},
    {ROW("f\xC3\xB6.\xC3\xB6@dest.test"), NULL},
    {ROW("foo@d\xC3\xA9st.test"), NULL},
    {ROW("foo@b\xC3\xBC"
         "cher.xn--p1ai"),
     NULL},
    {ROW("foo@\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84"), NULL},
    {ROW("foo@fa\xC3\x9F.test"), NULL}, /* sharp s is a letter of IDNA2008 */
    {ROW("foo@a\xC3\xA9-b.test"), NULL},
    {ROW("foo@d\xC3\xA9st.TEST"), NULL},
    {ROW("foo@\xD7\x90\xD7\x91.test"), NULL}, /* right to left */
    {ROW("f\xC3\xB6\xC3\xB6@[192.0.2.1]"), NULL},
    {ROW("foo@de\xCC\x81st.test"), "IDNA2008"},      /* not NFC */
    {ROW("foo@\xC3\x89t\xC3\xA9.test"), "IDNA2008"}, /* upper case is for the user's program to map */
    {ROW("foo@\xE2\x98\x83.test"), "IDNA2008"},      /* a symbol */
    {ROW("foo@\xF0\x9F\x98\x80.test"), "IDNA2008"},
    {ROW("foo@\xE2\x80\x8B"
         "a.test"),
     "IDNA2008"},                               /* zero width space */
    {ROW("foo@a\xE3\x80\x82test"), "IDNA2008"}, /* ideographic full stop is no dot here */
    {ROW("foo@\xCC\x81"
         "a.test"),
     "IDNA2008"}, /* leading combining mark */
    {ROW("foo@\xD7\x90"
         "a.test"),
     "IDNA2008"}, /* mixed direction */
    {ROW("foo@xn--\xC3\xA9.test"), "IDNA2008"},
    {ROW("foo@\xEF\xBC\xA1.test"), "IDNA2008"}, /* full width */
    {ROW("foo@-\xC3\xA9.test"), "hyphen"},
    {ROW("foo@\xC3\xA9-.test"), "hyphen"},
    {ROW("foo@\xC3\xA9_a.test"), "character"},
    {ROW("foo@\xC3\xA9\0.test"), "character"},
    {ROW("foo@\xC3\xA9..test"), "empty label"},
    {ROW("f\xC3\xB6 \xC3\xB6@dest.test"), "quotes"},
    {ROW("f\xC3\xB6..\xC3\xB6@dest.test"), "dot"},
    {ROW("\"\\\xC3\xB6\"@dest.test"), "backslash"},
    {ROW("foo@[IPv6:::\xC3\xB6]"), "literal"},
    {ROW("f\xC3@dest.test"), "UTF-8"},
    {ROW("f\xF6@dest.test"), "UTF-8"},
    {ROW("f\xC0\xAF@dest.test"), "UTF-8"},
    {ROW("f\xED\xA0\x80@dest.test"), "UTF-8"},
    {ROW("foo@d\xE9st.test"), "UTF-8"},
    {ROW("f\xC2\x85@dest.test"), "control"},
    {ROW("\"f\xC2\x80\"@dest.test"), "control"},
    {ROW("f\xC2\xA0@dest.test"), NULL}, /* a blank for the eye, a letter for the grammar */
    /* 32 letters of two octets each, and one more */
    {ROW("\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"
         "\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"
         "\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6@dest.test"),
     NULL},
    {ROW("a\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"
         "\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"
         "\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6@dest.test"),
     "64"},
    /* 58 octets, but 64 as an A-label: too long; one "a" less is not */
    /* a letter of two octets is an A-label of 7: 31 of them and 7 more are 255 in ASCII */
    {ROW("a@" E10 E10 E10 "\xC3\xA9."
         "aaaaaaa"),
     NULL},
    {ROW("a@" E10 E10 E10 "\xC3\xA9." A8), "domain longer than 255"},
    {ROW("a@" E10 E10 E10 E10 E10 E10 E10 E10 E10 "t"), "domain longer than 255"},
    {ROW("a@\xC3\xA9" A63 A63 A63 A64 ".t"), "domain longer than 255"},
    {ROW("a@" A8 A8 A8 A8 A8 A8 "aaaaaa\xC3\xA9.test"), NULL},
    {ROW("a@" A8 A8 A8 A8 A8 A8 A8 "\xC3\xA9.test"), "IDNA2008"},
};

static void check_rows(const struct row *rows, size_t count, bool utf8)
{
    for (size_t i = 0; i < count; i++) {
        struct gp_mailbox m = {.local = GP_STR("untouched")};
        const char *why = gp_mailbox_parse(rows[i].in, utf8, &m);
        if ((why == NULL) != (rows[i].why == NULL) || (why != NULL && strstr(why, rows[i].why) == NULL))
            fail_msg("<%.*s>: %s, expected %s", GP_STR_FMT(rows[i].in), why != NULL ? why : "valid",
                     rows[i].why != NULL ? rows[i].why : "valid");
        if (why != NULL) {
            assert_true(gp_str_eq(m.local, GP_STR("untouched")));
            continue;
        }
        assert_ptr_equal(m.local.p, rows[i].in.p);
        assert_int_equal(m.domain.p[-1], '@');
        assert_int_equal(m.local.n + 1 + m.domain.n, rows[i].in.n);
    }
}

static void test_ascii(void **state)
{
    (void)state;
    check_rows(ascii_rows, COUNT(ascii_rows), false);
    for (size_t i = 0; i < COUNT(ascii_rows); i++) {
        struct gp_mailbox m;
        if (ascii_rows[i].why == NULL) /* SMTPUTF8 takes nothing away */
            assert_null(gp_mailbox_parse(ascii_rows[i].in, true, &m));
    }
}

static void test_utf8(void **state)
{
    (void)state;
    check_rows(utf8_rows, COUNT(utf8_rows), true);
}

static void test_parts(void **state)
{
    struct gp_mailbox m;

    (void)state;
    assert_null(gp_mailbox_parse(GP_STR("\"a@\\\"b\"@[IPv6:::1]"), true, &m));
    assert_true(gp_str_eq(m.local, GP_STR("\"a@\\\"b\"")) && gp_str_eq(m.domain, GP_STR("[IPv6:::1]")) && !m.utf8);
    assert_null(gp_mailbox_parse(GP_STR("f\xC3\xB6@dest.test"), true, &m));
    assert_true(gp_str_eq(m.local, GP_STR("f\xC3\xB6")) && m.utf8);
    assert_null(gp_mailbox_parse(GP_STR("f@d\xC3\xA9st.test"), true, &m));
    assert_true(m.utf8);
}

static void test_domain_ascii(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: it has none */
    } cases[] = {
        {"dol.gov", "dol.gov"},
        {"Mail.DOL.gov", "mail.dol.gov"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"b\xC3\xBC" "cher.Example", "xn--bcher-kva.example"},
        {"dol.gov.", NULL},
        {"do l.gov", NULL},
        {"\xFF.gov", NULL},
        {"", NULL},
    };
    char out[GP_DOMAIN_MAX + 1], longest[300];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool has = gp_domain_ascii(gp_str_z(cases[i].in), out);
        if (has != (cases[i].out != NULL) || (has && strcmp(out, cases[i].out) != 0))
            fail_msg("%s: %s", cases[i].in, has ? out : "none");
    }
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    assert_true(gp_domain_ascii((struct gp_str){longest, 253}, out));
    assert_false(gp_domain_ascii((struct gp_str){longest, 254}, out));
}

static void test_address_domain(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a@dol.gov", "dol.gov"}, {"\"a@b\"@dol.gov", "dol.gov"}, {"a@", ""}, {"@dol.gov", "dol.gov"}, {"a", ""}, {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!gp_str_eq(gp_address_domain(gp_str_z(cases[i].in)), gp_str_z(cases[i].out)))
            fail_msg("%s: %.*s", cases[i].in, GP_STR_FMT(gp_address_domain(gp_str_z(cases[i].in))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domain_ascii),
        cmocka_unit_test(test_address_domain),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
