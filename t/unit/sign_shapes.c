/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign_shapes.c - tests of milter/sign: messages of every shape are signed with both algorithms and verified
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/sign_fixture.h"

#include <openssl/evp.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str lines;
    } rows[] = {
        {"plain", V(PLAIN)},
        {"From alone", V("From: a@dol.gov\r\n")},
        {"folded", V("From: a@dol.gov\r\nSubject: one\r\n two\r\n\t three  \r\nTo:\r\n x@y.org\r\n")},
        {"blanks and tabs", V("From:a@dol.gov\r\nSubject:\t  a \t b\t\r\n")},
        {"empty values", V("From: a@dol.gov\r\nSubject:\r\nTo: \r\n")},
        {"duplicates", V("Subject: 1\r\nFrom: a@dol.gov\r\nSubject: 2\r\nTo: x\r\nTo: y\r\nSubject: 3\r\n")},
        {"two From headers", V("From: a@dol.gov\r\nFrom: b@dol.gov\r\n")},
        {"UTF-8", V("From: J\xc3\xb6rg <j\xc3\xb6rg@dol.gov>\r\nSubject: \xe2\x82\xac\xe2\x82\xac\r\n")},
        {"8 bits", V("From: a@dol.gov\r\nSubject: \xe9\x80\xff\xa0\r\n")},
        {"names in any case", V("FROM: a@dol.gov\r\nsubject: x\r\nTO: y\r\n")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_buf message;
        sign_whole(rows[i].lines, GP_STR("hello\r\n"), 65536, &message);
        expect_passed(rows[i].name, gp_buf_str(&message), DKIM_KEYS);
        free(message.p);
    }
}

static void test_long_header(void **state)
{
    (void)state;
    static char lines[64 << 10];
    struct gp_buf b = gp_buf_on(lines, sizeof lines), message;
    gp_buf_putz(&b, PLAIN "References: x");
    while (b.n < 61000)
        gp_buf_putz(&b, "<very.long.reference@dol.gov>\r\n ");
    gp_buf_putz(&b, "x\r\n");
    sign_whole(gp_buf_str(&b), GP_STR("hello\r\n"), 65536, &message);
    expect_passed("60 KB", gp_buf_str(&message), DKIM_KEYS);
    free(message.p);
}

/* The hash of a body by a canonicalization of our own: the table has it done. */
static void expect_hash(const char *name, struct gp_str message, struct gp_str canonical)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char base64[64] = "bh=";
    unsigned n = 0;
    assert_int_equal(EVP_Digest(canonical.p, canonical.n, hash, &n, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock((unsigned char *)base64 + 3, hash, (int)n);
    if (memmem(message.p, message.n, base64, strlen(base64)) == NULL)
        fail_msg("%s: the body's hash is not %s", name, base64);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gp_str body, canonical;
    } rows[] = {
        {"empty", V(""), V("")},
        {"one line end", V("\r\n"), V("")},
        {"only blank lines", V("\r\n \r\n\t\r\n"), V("")},
        {"one line", V("hello\r\n"), V("hello\r\n")},
        {"no final line end", V("hello"), V("hello\r\n")},
        {"one octet", V("x"), V("x\r\n")},
        {"CR at the end", V("x\r"), V("x\r\r\n")},
        {"blank at the end", V("hello \t"), V("hello\r\n")},
        {"trailing blank lines", V("hello\r\n\r\n \r\n"), V("hello\r\n")},
        {"blank lines within", V("a\r\n\r\n\r\nb\r\n"), V("a\r\n\r\n\r\nb\r\n")},
        {"blank lines before", V("\r\n\r\na\r\n"), V("\r\n\r\na\r\n")},
        {"blanks", V(" a \t b  \r\n\tc\r\n"), V(" a b\r\n c\r\n")},
        {"bare LF", V("a\nb\n\r\n"), V("a\nb\n\r\n")},
        {"NUL", V("a\0b\0\r\n"), V("a\0b\0\r\n")},
        {"8 bits", V("\xff\xfe\x80\r\n"), V("\xff\xfe\x80\r\n")},
        {"dots", V("..\r\n.\r\n"), V("..\r\n.\r\n")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t chunk = 1; chunk <= rows[i].body.n || chunk == 1; chunk++) {
            struct gp_buf message;
            if (chunk > 4)
                chunk = rows[i].body.n;
            sign_whole(GP_STR(PLAIN), rows[i].body, chunk, &message);
            expect_passed(rows[i].name, gp_buf_str(&message), DKIM_KEYS);
            expect_hash(rows[i].name, gp_buf_str(&message), rows[i].canonical);
            free(message.p);
        }
    }
}

static void test_large_body(void **state)
{
    (void)state;
    static char body[1 << 20];
    struct gp_buf b = gp_buf_on(body, sizeof body), message;
    for (unsigned i = 0; b.n < sizeof body - 100; i++)
        gp_buf_printf(&b, "line %u\r\n", i);
    sign_whole(GP_STR(PLAIN), gp_buf_str(&b), 65535, &message);
    expect_passed("1 MiB", gp_buf_str(&message), DKIM_KEYS);
    free(message.p);
    memset(body, 'x', sizeof body); /* and as one line */
    sign_whole(GP_STR(PLAIN), (struct gp_str){body, sizeof body}, 65535, &message);
    expect_passed("1 MiB in one line", gp_buf_str(&message), DKIM_KEYS);
    free(message.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_long_header),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_large_body),
    };
    return cmocka_run_group_tests(tests, sign_setup, sign_teardown);
}
