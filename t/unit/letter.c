/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * letter.c - tests of feedback/letter: mail of Gatepost's own, in any pieces, with anything attached
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "feedback/letter.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static struct gp_letter letter(struct gp_str attached)
{
    return (struct gp_letter){.relay_name = "relay.example.gov",
                              .to = GP_STR("ops@dol.gov"),
                              .reply_to = GP_STR("jane@example.com"),
                              .message_id = GP_STR("forward.1"),
                              .subject = GP_STR("a \r\nBcc: x"),
                              .body = GP_STR("one\ntwo\n"),
                              .date_ms = UINT64_C(1795255556854),
                              .attached = attached};
}

/* The whole letter, malloc'ed; read in pieces of at most cap octets. */
static char *whole(const struct gp_letter *l, size_t cap, size_t *n)
{
    struct gp_letter_reader *r = malloc(sizeof *r);
    char *text = malloc(GP_LETTER_HEAD_MAX + 2 * l->attached.n + 256), piece[4096];
    assert_non_null(r);
    assert_non_null(text);
    assert_true(gp_letter_open(l, r));
    *n = 0;
    for (size_t got; (got = gp_letter_read(r, piece, cap)) > 0; *n += got) {
        assert_true(got <= cap);
        memcpy(text + *n, piece, got);
    }
    text[*n] = '\0';
    free(r);
    return text;
}

static void test_headers(void **state)
{
    (void)state;
    struct gp_letter l = letter((struct gp_str){NULL, 0});
    size_t n;
    char *text = whole(&l, 4096, &n);
    assert_string_equal(text, "From: Gatepost <postmaster@relay.example.gov>\r\nTo: ops@dol.gov\r\n"
                              "Reply-To: jane@example.com\r\nSubject: a \\x0d\\x0aBcc: x\r\n"
                              "Date: Sat, 21 Nov 2026 10:05:56 +0000\r\nMessage-ID: <forward.1@relay.example.gov>\r\n"
                              "Auto-Submitted: auto-generated\r\nX-Gatepost-Forwarded: relay.example.gov\r\n"
                              "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: 8bit\r\n\r\none\r\ntwo\r\n");
    free(text);
    l.reply_to = GP_STR("");
    text = whole(&l, 4096, &n);
    assert_null(strstr(text, "Reply-To"));
    free(text);
}

/* Escapes would make three addresses of the one. */
static void test_quoted_address(void **state)
{
    (void)state;
    struct gp_letter l = letter((struct gp_str){NULL, 0});
    size_t n;
    l.to = GP_STR("\"mail ops\"@dol.gov");
    l.reply_to = GP_STR("\"x, victim@example.com, y\"@evil.test");
    char *text = whole(&l, 4096, &n);
    assert_non_null(strstr(text, "\r\nTo: \"mail ops\"@dol.gov\r\n"
                                 "Reply-To: \"x, victim@example.com, y\"@evil.test\r\nSubject: "));
    free(text);
}

static void test_attached_as_it_is(void **state)
{
    (void)state;
    struct gp_str message = GP_STR("Subject: x\r\n\r\n.\r\n\xc3\xa4\r\n");
    struct gp_letter l = letter(message);
    size_t n, other_n;
    char *text = whole(&l, 4096, &n), *other = whole(&l, 76, &other_n);
    assert_string_equal(text, other);
    assert_non_null(strstr(text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"));
    const char *at = memmem(text, n, message.p, message.n);
    assert_non_null(at);
    assert_int_equal(strncmp(at - 4, "\r\n\r\n", 4), 0);
    assert_int_equal(strncmp(at + message.n, "\r\n--gatepost-", 13), 0);
    assert_int_equal(strcmp(text + n - 4, "--\r\n"), 0);
    free(text);
    free(other);
}

static void test_attached_encoded(void **state)
{
    (void)state;
    static char message[1000];
    static unsigned char decoded[1500];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (char)(i * 7);
    for (size_t length = 1; length < sizeof message; length += length < 120 ? 1 : 97) {
        struct gp_letter l = letter((struct gp_str){message + 1, length});
        if (gp_letter_sendable(l.attached))
            continue;
        size_t n, used = 0;
        char *text = whole(&l, 76 + length % 50, &n), packed[2000];
        char *at = strstr(text, "filename=\"message.eml\"\r\n\r\n");
        assert_non_null(at);
        at += strlen("filename=\"message.eml\"\r\n\r\n");
        char *end = strstr(at, "\r\n\r\n--gatepost-");
        assert_non_null(end);
        for (char *p = at; p < end; p += 74)
            assert_true(end - p <= 72 || memcmp(p + 72, "\r\n", 2) == 0);
        for (char *p = at; p < end; p++) {
            if (*p != '\r' && *p != '\n')
                packed[used++] = *p;
        }
        int got = EVP_DecodeBlock(decoded, (const unsigned char *)packed, (int)used);
        while (used > 0 && packed[used - 1] == '=') {
            used--;
            got--;
        }
        assert_int_equal(got, length);
        assert_memory_equal(decoded, message + 1, length);
        free(text);
    }
}

static void test_sendable(void **state)
{
    (void)state;
    static char line[1100];
    static const struct {
        struct gp_str s;
        bool yes;
    } known[] = {{{"", 0}, true},         {{"a\r\n", 3}, true},  {{"a", 1}, true},         {{"\xff\r\n", 3}, true},
                 {{"a\n", 2}, false},     {{"a\r", 2}, false},   {{"a\rb\r\n", 5}, false}, {{"a\0b", 3}, false},
                 {{"\r\n\r\n", 4}, true}, {{"\r\r\n", 3}, false}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(gp_letter_sendable(known[i].s), known[i].yes);
    memset(line, 'x', sizeof line);
    assert_true(gp_letter_sendable((struct gp_str){line, 998}));
    assert_false(gp_letter_sendable((struct gp_str){line, 999}));
    memcpy(line + 998, "\r\n", 2);
    assert_true(gp_letter_sendable((struct gp_str){line, sizeof line}));
}

static void test_too_long(void **state)
{
    (void)state;
    static char body[GP_LETTER_HEAD_MAX];
    static struct gp_letter_reader r;
    struct gp_letter l = letter((struct gp_str){NULL, 0});
    memset(body, 'x', sizeof body);
    l.body = (struct gp_str){body, sizeof body};
    assert_false(gp_letter_open(&l, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),           cmocka_unit_test(test_quoted_address),
        cmocka_unit_test(test_attached_as_it_is), cmocka_unit_test(test_attached_encoded),
        cmocka_unit_test(test_sendable),          cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
