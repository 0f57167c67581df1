/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ip.c - tests of shared/ip: spellings, trust list entries and their messages, canonical text
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/ip.h"

#include <netinet/in.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static void test_parse(void **state)
{
    static const struct {
        struct gp_str in;
        const char *text; /* NULL: refused */
    } cases[] = {
        {V("192.0.2.1"), "192.0.2.1"},
        {V("0.0.0.0"), "0.0.0.0"},
        {V("255.255.255.255"), "255.255.255.255"},
        {V("::ffff:192.0.2.1"), "192.0.2.1"},
        {V("::FFFF:c000:0201"), "192.0.2.1"},
        {V("0:0:0:0:0:ffff:192.0.2.1"), "192.0.2.1"},
        {V("2001:DB8:0:0:8:800:200C:417A"), "2001:db8::8:800:200c:417a"},
        {V("2001:db8::1"), "2001:db8::1"},
        {V("2001:0db8:0000:0000:0001:0000:0000:0001"), "2001:db8::1:0:0:1"},
        {V("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1"},
        {V("::"), "::"},
        {V("::1"), "::1"},
        {V("fe80::1"), "fe80::1"},
        {V("64:ff9b::192.0.2.1"), "64:ff9b::c000:201"},
        {V(""), NULL},
        {V("192.0.2"), NULL},
        {V("192.0.2.1.5"), NULL},
        {V("192.0.2.256"), NULL},
        {V("192.0.2.01"), NULL},
        {V("192.0.2.1 "), NULL},
        {V(" 192.0.2.1"), NULL},
        {V("192.0.2.1\0"), NULL},
        {V("192.0.2.1\0x"), NULL},
        {V("192.0.2.1/32"), NULL},
        {V("0xc0.0.2.1"), NULL},
        {V("3221225985"), NULL},
        {V("[192.0.2.1]"), NULL},
        {V("[::1]"), NULL},
        {V("fe80::1%eth0"), NULL},
        {V("2001:db8::1::2"), NULL},
        {V("2001:db8:1:2:3:4:5"), NULL},
        {V("2001:db8:1:2:3:4:5:6:7"), NULL},
        {V("2001:db8::12345"), NULL},
        {V("::ffff:192.0.2.256"), NULL},
        {V("unknown"), NULL},
        {V("0000:0000:0000:0000:0000:0000:192.0.2.1111111111111111111111111"), NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_ip ip;
        char text[GP_IP_TEXT];
        memset(&ip, 0xA5, sizeof ip);
        bool ok = gp_ip_parse(cases[i].in, &ip);
        if (ok != (cases[i].text != NULL))
            fail_msg("%.*s", GP_STR_FMT(cases[i].in));
        gp_ip_text(&ip, text);
        assert_string_equal(text, ok ? cases[i].text : "a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5");
    }
}

static void test_entry(void **state)
{
    static const struct {
        struct gp_str in;
        const char *text; /* of the address, or the word its message must hold */
        bool ok;
    } cases[] = {
        {V("192.0.2.1"), "192.0.2.1", true},
        {V("192.0.2.1/32"), "192.0.2.1", true},
        {V("2001:db8::1"), "2001:db8::1", true},
        {V("2001:DB8::1/128"), "2001:db8::1", true},
        {V(""), "empty", false},
        {V("192.0.2.0/24"), "network", false},
        {V("192.0.2.1/"), "network", false},
        {V("192.0.2.1/032"), "network", false},
        {V("192.0.2.1/128"), "network", false},
        {V("192.0.2.1/255.255.255.255"), "network", false},
        {V("2001:db8::/64"), "network", false},
        {V("2001:db8::1/32"), "network", false},
        {V("192.0.2.1-9"), "range", false},
        {V("192.0.2.1 - 192.0.2.9"), "range", false},
        {V("2001:db8::1-2001:db8::9"), "range", false},
        {V("192.0.2.*"), "wildcard", false},
        {V("*"), "wildcard", false},
        {V("mail.dol.gov"), "host name", false},
        {V("mail-1.dol.gov"), "host name", false},
        {V("localhost"), "host name", false},
        {V("::ffff:192.0.2.1"), "write 192.0.2.1", false},
        {V("::ffff:192.0.2.1/128"), "write 192.0.2.1", false},
        {V("::ffff:c000:201"), "write 192.0.2.1", false},
        {V("[192.0.2.1]"), "brackets", false},
        {V("[2001:db8::1]"), "brackets", false},
        {V("fe80::1%eth0"), "zone", false},
        {V("192.0.2.001"), "leading zeros", false},
        {V("010.0.0.1"), "leading zeros", false},
        {V("192.0.2"), "four numbers", false},
        {V("192.0.2.256"), "four numbers", false},
        {V("192.0.2.1.2"), "four numbers", false},
        {V("192.0.2.1:25"), "IPv6", false},
        {V("2001:db8::g"), "IPv6", false},
        {V("192.0.2.1\0"), "not an address", false},
        {V("/32"), "empty", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_ip ip;
        char text[GP_IP_TEXT];
        const char *why = gp_ip_parse_entry(cases[i].in, &ip);
        if ((why == NULL) != cases[i].ok)
            fail_msg("%.*s: %s", GP_STR_FMT(cases[i].in), why != NULL ? why : "taken");
        if (why == NULL) {
            gp_ip_text(&ip, text);
            assert_string_equal(text, cases[i].text);
        } else if (strstr(why, cases[i].text) == NULL) {
            fail_msg("%.*s: \"%s\" does not hold \"%s\"", GP_STR_FMT(cases[i].in), why, cases[i].text);
        }
    }
}

static void test_sockaddr(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000201)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct gp_ip a, b;

    (void)state;
    assert_true(gp_ip_from_sockaddr((const struct sockaddr *)&v4, &a));
    assert_true(gp_ip_parse(GP_STR("192.0.2.1"), &b));
    assert_int_equal(gp_ip_cmp(&a, &b), 0);
    assert_true(gp_ip_is_v4(&a));
    assert_true(gp_ip_from_sockaddr((const struct sockaddr *)&v6, &a));
    assert_false(gp_ip_is_v4(&a));
    assert_true(gp_ip_cmp(&a, &b) < 0 && gp_ip_cmp(&b, &a) > 0);
    v6.sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xFF, [11] = 0xFF, 192, 0, 2, 1}};
    assert_true(gp_ip_from_sockaddr((const struct sockaddr *)&v6, &a));
    assert_int_equal(gp_ip_cmp(&a, &b), 0);
    assert_false(gp_ip_from_sockaddr(&local, &a));
    assert_false(gp_ip_from_sockaddr(NULL, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_sockaddr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
