/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns_message.c - answers of DNS servers, whole and broken
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/dns_message.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define X_GOV "\1x\3gov\0"
#define SELF "\xc0\x0c"        /* the name in the question */
#define IN_TTL(t) "\0\1\0\0" t /* class IN, a TTL below 65536 */
#define TTL_100 IN_TTL("\0\x64")

/* A message as it is written: its flags and counts, the question for x.gov, and what follows. */
struct message {
    uint8_t m[70000];
    size_t n;
};

static void put(struct message *m, const void *octets, size_t n)
{
    memcpy(m->m + m->n, octets, n);
    m->n += n;
}

static void begin(struct message *m, uint8_t high, uint8_t low, unsigned answers, unsigned authorities)
{
    const uint8_t head[12] = {
        0x12, 0x34, high, low, 0, 1, (uint8_t)(answers >> 8U), (uint8_t)answers, 0, (uint8_t)authorities};
    m->n = 0;
    put(m, head, sizeof head);
    put(m, X_GOV "\0\1\0\1", 11);
}

#define PUT(m, lit) put((m), (lit), sizeof(lit) - 1)

static struct gp_dns_answer read_it(const struct message *m, enum gp_dns_type type)
{
    struct gp_dns_answer a;
    uint8_t *exact = malloc(m->n + 1); /* so that a sanitizer sees a read beyond the end */
    assert_non_null(exact);
    memcpy(exact, m->m, m->n);
    exact = realloc(exact, m->n > 0 ? m->n : 1);
    assert_non_null(exact);
    gp_dns_read(exact, m->n, type, &a);
    free(exact);
    return a;
}

static void test_each_type(void **state)
{
    struct message m;
    struct gp_dns_answer a;
    (void)state;

    begin(&m, 0x81, 0x80, 2, 0);
    PUT(&m, SELF "\0\1" TTL_100 "\0\4\xc0\0\2\1");
    PUT(&m, SELF "\0\1" IN_TTL("\0\x63") "\0\4\xc0\0\2\2");
    a = read_it(&m, GP_DNS_A);
    assert_int_equal(a.state, GP_DNS_FOUND);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.ttl_s, 99);
    assert_string_equal(a.record[1].text, "192.0.2.2");
    gp_dns_answer_free(&a);

    begin(&m, 0x81, 0x80, 1, 0);
    PUT(&m, SELF "\0\x1c" TTL_100 "\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
    a = read_it(&m, GP_DNS_AAAA);
    assert_string_equal(a.record[0].text, "2001:db8::1");
    gp_dns_answer_free(&a);

    begin(&m, 0x81, 0x80, 2, 0);
    PUT(&m, SELF "\0\x0f" TTL_100 "\0\6\x01\x02\1m" SELF);
    PUT(&m, SELF "\0\x0f" TTL_100 "\0\3\0\0\0");
    a = read_it(&m, GP_DNS_MX);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.record[0].text, "m.x.gov");
    assert_int_equal(a.record[0].preference, 258);
    assert_string_equal(a.record[1].text, "");
    gp_dns_answer_free(&a);

    begin(&m, 0x81, 0x80, 1, 0);
    PUT(&m, SELF "\0\x0c" TTL_100 "\0\2" SELF);
    a = read_it(&m, GP_DNS_PTR);
    assert_string_equal(a.record[0].text, "x.gov");
    gp_dns_answer_free(&a);

    begin(&m, 0x81, 0x80, 2, 0);
    PUT(&m, SELF "\0\x10" TTL_100 "\0\x08\3v=s\0\2pf");
    PUT(&m, SELF "\0\x10" TTL_100 "\0\4\3a\0\xff");
    a = read_it(&m, GP_DNS_TXT);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.record[0].text, "v=spf");
    assert_int_equal(a.record[1].n, 3);
    assert_memory_equal(a.record[1].text, "a\0\xff", 4);
    gp_dns_answer_free(&a);
}

static void test_what_there_is_not(void **state)
{
    struct message m;
    struct gp_dns_answer a;
    (void)state;
    begin(&m, 0x81, 0x83, 0, 0);
    a = read_it(&m, GP_DNS_TXT);
    assert_int_equal(a.state, GP_DNS_NO_NAME);
    assert_int_equal(a.ttl_s, GP_DNS_TTL_NEGATIVE);
    begin(&m, 0x81, 0x80, 0, 0);
    assert_int_equal(read_it(&m, GP_DNS_TXT).state, GP_DNS_NO_DATA);
    begin(&m, 0x81, 0x80, 1, 0); /* of another type, another class, another name */
    PUT(&m, SELF "\0\1" TTL_100 "\0\4\xc0\0\2\1");
    assert_int_equal(read_it(&m, GP_DNS_TXT).state, GP_DNS_NO_DATA);
    begin(&m, 0x81, 0x80, 1, 0);
    PUT(&m, SELF "\0\1\0\3\0\0\0\x64\0\4\xc0\0\2\1");
    assert_int_equal(read_it(&m, GP_DNS_A).state, GP_DNS_NO_DATA);
    begin(&m, 0x81, 0x80, 1, 0);
    PUT(&m, "\1y" SELF "\0\1" TTL_100 "\0\4\xc0\0\2\1");
    assert_int_equal(read_it(&m, GP_DNS_A).state, GP_DNS_NO_DATA);
}

static void test_aliases(void **state)
{
    struct message m;
    (void)state;
    begin(&m, 0x81, 0x80, 3, 0);
    PUT(&m, SELF "\0\5" IN_TTL("\0\x32") "\0\4\1y" SELF);
    PUT(&m, "\1Y" SELF "\0\1" TTL_100 "\0\4\xc0\0\2\1");
    PUT(&m, SELF "\0\1" TTL_100 "\0\4\xc0\0\2\2"); /* an alias has nothing else */
    struct gp_dns_answer a = read_it(&m, GP_DNS_A);
    assert_int_equal(a.n, 1);
    assert_string_equal(a.record[0].text, "192.0.2.1");
    assert_int_equal(a.ttl_s, 50);
    gp_dns_answer_free(&a);
    begin(&m, 0x81, 0x80, 1, 0);
    PUT(&m, SELF "\0\5" TTL_100 "\0\4\1y" SELF);
    assert_int_equal(read_it(&m, GP_DNS_A).state, GP_DNS_NO_DATA);
    begin(&m, 0x81, 0x83, 1, 0);
    PUT(&m, SELF "\0\5" TTL_100 "\0\4\1y" SELF);
    assert_int_equal(read_it(&m, GP_DNS_A).state, GP_DNS_NO_NAME);
}

static void test_ttl_bounds(void **state)
{
    static const struct {
        const char *ttl;
        uint32_t s;
    } table[] = {{"\0\0\0\0", 30},        {"\0\0\0\x1d", 30},      {"\0\0\0\x1f", 31},
                 {"\0\1\x51\x80", 86400}, {"\0\1\x51\x81", 86400}, {"\xff\xff\xff\xff", 30}};
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct message m;
        begin(&m, 0x81, 0x80, 1, 0);
        PUT(&m, SELF "\0\1\0\1");
        put(&m, table[i].ttl, 4);
        PUT(&m, "\0\4\xc0\0\2\1");
        struct gp_dns_answer a = read_it(&m, GP_DNS_A);
        assert_int_equal(a.ttl_s, table[i].s);
        gp_dns_answer_free(&a);
    }
}

static void test_too_much_is_cut(void **state)
{
    struct message m;
    struct gp_dns_answer a;
    (void)state;
    begin(&m, 0x81, 0x80, GP_DNS_RECORDS_MAX + 1, 0);
    for (unsigned i = 0; i <= GP_DNS_RECORDS_MAX; i++)
        PUT(&m, SELF "\0\1" TTL_100 "\0\4\xc0\0\2\1");
    a = read_it(&m, GP_DNS_A);
    assert_int_equal(a.n, GP_DNS_RECORDS_MAX);
    assert_true(a.cut);
    gp_dns_answer_free(&a);
    for (size_t extra = 0; extra < 2; extra++) { /* 4096 octets of text, then one more */
        size_t length = 4096 + 17 + extra;
        const uint8_t head[2] = {(uint8_t)(length >> 8U), (uint8_t)length};
        begin(&m, 0x81, 0x80, 1, 0);
        PUT(&m, SELF "\0\x10" TTL_100);
        put(&m, head, 2);
        for (size_t left = 4096 + extra; left > 0;) {
            uint8_t string[256] = {(uint8_t)(left < 255 ? left : 255)};
            put(&m, string, string[0] + 1U);
            left -= string[0];
        }
        a = read_it(&m, GP_DNS_TXT);
        assert_int_equal(a.state, GP_DNS_FOUND);
        assert_int_equal(a.n, 1 - extra);
        assert_int_equal(a.cut, extra);
        gp_dns_answer_free(&a);
    }
}

static void test_trouble(void **state)
{
    static const struct {
        uint8_t high, low;
        unsigned answers, authorities;
        const char *rest;
        size_t n;
        enum gp_dns_type type;
        const char *why;
    } table[] = {
#define REST(lit) (lit), sizeof(lit) - 1
        {0x81, 0x82, 0, 0, REST(""), GP_DNS_A, "SERVFAIL"},
        {0x81, 0x85, 0, 0, REST(""), GP_DNS_A, "REFUSED"},
        {0x81, 0x81, 0, 0, REST(""), GP_DNS_A, "FORMERR"},
        {0x81, 0x8f, 0, 0, REST(""), GP_DNS_A, "an error"},
        {0x83, 0x80, 0, 0, REST(""), GP_DNS_A, "broken"}, /* truncated */
        {0x81, 0x80, 1, 0, REST(""), GP_DNS_A, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\1" TTL_100 "\0"), GP_DNS_A, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\1" TTL_100 "\0\4\1\2\3"), GP_DNS_A, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\1" TTL_100 "\0\3\1\2\3"), GP_DNS_A, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x1c" TTL_100 "\0\4\1\2\3\4"), GP_DNS_AAAA, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x10" TTL_100 "\0\2\2a"), GP_DNS_TXT, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x0f" TTL_100 "\0\2\0\1"), GP_DNS_MX, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x0f" TTL_100 "\0\0"), GP_DNS_MX, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x0f" TTL_100 "\0\1\0"), GP_DNS_MX, "broken"},
        {0x81, 0x80, 1, 0, REST("\xc0\x17\0\1" TTL_100 "\0\4\1\2\3\4"), GP_DNS_A, "broken"}, /* a circle */
        {0x81, 0x80, 1, 0, REST("\xc0\xff\0\1" TTL_100 "\0\4\1\2\3\4"), GP_DNS_A, "broken"},
        {0x81, 0x80, 1, 0, REST(SELF "\0\x0c" TTL_100 "\0\3" SELF "x"), GP_DNS_PTR, "broken"},
        {0x80, 0x00, 0, 1, REST(SELF "\0\2" TTL_100 "\0\2" SELF), GP_DNS_A, "other servers"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct message m;
        begin(&m, table[i].high, table[i].low, table[i].answers, table[i].authorities);
        put(&m, table[i].rest, table[i].n);
        struct gp_dns_answer a = read_it(&m, table[i].type);
        if (a.state != GP_DNS_TROUBLE || a.n != 0 || strstr(a.why, table[i].why) == NULL)
            fail_msg("row %zu: state %d, %s", i, (int)a.state, a.why != NULL ? a.why : "");
        assert_int_equal(a.ttl_s, GP_DNS_TTL_LEAST);
    }
}

/* A message cut anywhere is trouble, or says less; it is never read beyond its end. */
static void test_every_cut(void **state)
{
    struct message m;
    (void)state;
    begin(&m, 0x81, 0x80, 3, 0);
    PUT(&m, SELF "\0\5" TTL_100 "\0\4\1y" SELF);
    PUT(&m, "\1y" SELF "\0\x10" TTL_100 "\0\6\5hello");
    PUT(&m, "\1y" SELF "\0\x10" TTL_100 "\0\6\5world");
    size_t whole = m.n;
    for (m.n = 0; m.n < whole; m.n++) {
        struct gp_dns_answer a = read_it(&m, GP_DNS_TXT);
        assert_int_equal(a.state, GP_DNS_TROUBLE);
        gp_dns_answer_free(&a);
    }
    struct gp_dns_answer a = read_it(&m, GP_DNS_TXT);
    assert_int_equal(a.n, 2);
    gp_dns_answer_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),  cmocka_unit_test(test_what_there_is_not), cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_ttl_bounds), cmocka_unit_test(test_too_much_is_cut),   cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
