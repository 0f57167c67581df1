/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign.c - tests of milter/sign: what a signature promises, what cannot be signed, many at once
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/sign_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define V(lit)                                                                                                         \
    {                                                                                                                  \
        (lit), sizeof(lit) - 1                                                                                         \
    }

/* --- what a signature promises ------------------------------------------------------------------------------------ */

static void test_form(void **state)
{
    (void)state;
    struct gp_signing *s = begin(signer, GP_STR(PLAIN), GP_STR("hello\r\n"), 65536);
    assert_int_equal(gp_signing_finish(s), DKIM_KEYS);
    for (size_t i = 0; i < DKIM_KEYS; i++) {
        struct gp_str rest = gp_str_z(gp_signing_text(s, i)), line;
        const char *algorithm = i == DKIM_RSA ? " v=1; a=rsa-sha256; c=relaxed/relaxed;\n\td=dol.gov; s=rsa; t="
                                              : " v=1; a=ed25519-sha256; c=relaxed/relaxed;\n\td=dol.gov; s=ed; t=";
        assert_true(gp_str_starts_nocase(rest, gp_str_z(algorithm)));
        assert_int_equal(gp_str_find(rest, '\r'), rest.n);
        for (bool first = true; gp_str_split(&rest, '\n', &line); first = false) {
            assert_in_range(line.n, 2, 78);
            assert_true(first || line.p[0] == '\t' || line.p[0] == ' ');
        }
    }
    gp_signing_free(s);
}

/* h= names what there is, and once more what nobody may add */
static void test_names(void **state)
{
    (void)state;
    static const char h[] = "h=From:To:Subject:Date:Message-ID:List-Unsubscribe:List-Unsubscribe-Post:"
                            "From:Subject:Date:To:List-Unsubscribe:List-Unsubscribe-Post;";
    struct gp_signing *s = begin(signer, GP_STR(PLAIN), GP_STR("hello\r\n"), 65536);
    char text[4096];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    assert_int_equal(gp_signing_finish(s), DKIM_KEYS);
    for (const char *p = gp_signing_text(s, DKIM_RSA); *p != '\0'; p++) {
        if (*p != ' ' && *p != '\n' && *p != '\t')
            gp_buf_put(&b, (struct gp_str){p, 1});
    }
    if (strstr(text, h) == NULL)
        fail_msg("%s", text);
    gp_signing_free(s);
}

/* Where the octets after the signatures begin. */
static size_t signed_from(struct gp_str message)
{
    const char *from = memmem(message.p, message.n, "\r\nFrom:", 7);
    assert_non_null(from);
    return (size_t)(from + 2 - message.p);
}

static void test_no_octet_can_change(void **state)
{
    (void)state;
    struct gp_buf message;
    sign_whole(GP_STR(PLAIN), GP_STR("Hello, world.\r\n"), 65536, &message);
    for (size_t i = signed_from(gp_buf_str(&message)); i < message.n; i++) {
        if (message.p[i] == '\r' || message.p[i] == '\n')
            continue;
        message.p[i] = (char)(message.p[i] ^ 1);
        if (dkim_fixture_verify(&dkim, gp_buf_str(&message), NULL) != 0)
            fail_msg("octet %zu may change: ...%.20s", i, message.p + i);
        message.p[i] = (char)(message.p[i] ^ 1);
    }
    expect_passed("put back", gp_buf_str(&message), DKIM_KEYS);
    free(message.p);
}

static void test_no_header_can_be_added(void **state)
{
    (void)state;
    static const struct {
        struct gp_str line;
        size_t passed;
    } rows[] = {
        {V("From: boss@dol.gov\r\n"), 0},
        {V("Subject: another\r\n"), 0},
        {V("Date: Sat, 21 Nov 2026 09:28:33 +0000\r\n"), 0},
        {V("To: y@example.org\r\n"), 0},
        {V("List-Unsubscribe: <https://evil.example/>\r\n"), 0},
        {V("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), 0},
        {V("Received: from x by y\r\n"), DKIM_KEYS},
        {V("X-Other: 1\r\n"), DKIM_KEYS},
    };
    for (unsigned sparse = 0; sparse <= 1; sparse++) { /* also when there was none of that name */
        struct gp_buf message;
        struct gp_str headers = sparse ? GP_STR("From: a@dol.gov\r\n") : GP_STR(PLAIN);
        sign_whole(headers, GP_STR("hello\r\n"), 65536, &message);
        size_t at = signed_from(gp_buf_str(&message));
        for (size_t i = 0; i < COUNT(rows); i++) {
            char *more = malloc(message.n + rows[i].line.n);
            assert_non_null(more);
            memcpy(more, message.p, at);
            memcpy(more + at, rows[i].line.p, rows[i].line.n);
            memcpy(more + at + rows[i].line.n, message.p + at, message.n - at);
            expect_passed(rows[i].line.p, (struct gp_str){more, message.n + rows[i].line.n}, rows[i].passed);
            free(more);
        }
        free(message.p);
    }
}

/* Many headers; more than h= takes are refused, never left out. */
static void test_many_headers(void **state)
{
    (void)state;
    static char lines[1 << 16];
    for (unsigned n = 950; n <= 1050; n += 100) {
        struct gp_buf b = gp_buf_on(lines, sizeof lines), message;
        for (unsigned i = 0; i < n; i++)
            gp_buf_printf(&b, "Cc: %u\r\n", i);
        gp_buf_putz(&b, "From: a@dol.gov\r\n");
        if (n == 950) {
            sign_whole(gp_buf_str(&b), GP_STR("hello\r\n"), 65536, &message);
            expect_passed("many", gp_buf_str(&message), DKIM_KEYS);
            free(message.p);
            continue;
        }
        struct gp_signing *s = begin(signer, gp_buf_str(&b), GP_STR("hello\r\n"), 65536);
        assert_int_equal(gp_signing_finish(s), 0);
        assert_string_equal(gp_signing_why(s), "too many headers");
        gp_signing_free(s);
    }
}

static void test_fixed_time(void **state)
{
    (void)state;
    struct gp_signer *fixed = gp_signer_new((struct gp_signer_options){.time_s = 1700000000});
    char *text[2];
    assert_non_null(fixed);
    for (size_t i = 0; i < 2; i++) {
        struct gp_signing *s = begin(fixed, GP_STR(PLAIN), GP_STR("hello\r\n"), 65536);
        assert_int_equal(gp_signing_finish(s), DKIM_KEYS);
        text[i] = strdup(gp_signing_text(s, DKIM_RSA));
        gp_signing_free(s);
    }
    assert_non_null(strstr(text[0], "t=1700000000;"));
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
    gp_signer_free(fixed);
}

/* --- what cannot be signed ---------------------------------------------------------------------------------------- */

static void test_no_from(void **state)
{
    (void)state;
    static const struct gp_str rows[] = {V(""), V("Subject: x\r\n"), V("X-From: a@dol.gov\r\n")};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gp_signing *s = begin(signer, rows[i], GP_STR("hello\r\n"), 65536);
        assert_int_equal(gp_signing_finish(s), 0);
        assert_null(gp_signing_text(s, DKIM_RSA));
        assert_string_equal(gp_signing_why(s), "no From header");
        gp_signing_free(s);
    }
}

/* A key that OpenSSL does not sign with: the others sign all the same. */
static void test_bad_key(void **state)
{
    (void)state;
    struct gp_dkim_key bad = dkim.key[DKIM_RSA];
    bad.pkey = dkim.key[DKIM_ED25519].pkey;
    const struct gp_dkim_key *keys[] = {&bad, &dkim.key[DKIM_ED25519]};
    struct gp_signing *s = gp_signing_begin(signer, keys, 2);
    assert_non_null(s);
    show_headers(s, GP_STR(PLAIN));
    assert_int_equal(gp_signing_finish(s), 1);
    assert_null(gp_signing_text(s, 0));
    assert_non_null(gp_signing_text(s, 1));
    assert_true(gp_str_starts_nocase(gp_str_z(gp_signing_why(s)), GP_STR("OpenSSL does not sign with /tmp/")));
    gp_signing_free(s);
}

/* However little memory there is: a signature that is made verifies. */
static void test_little_memory(void **state)
{
    (void)state;
    static char body[40000];
    size_t made[DKIM_KEYS + 1] = {0};
    memset(body, 'x', sizeof body);
    for (size_t memory = 1; memory < 400000; memory += memory < 60000 ? 997 : 40009) {
        struct gp_signer *poor = gp_signer_new((struct gp_signer_options){.memory = memory});
        struct gp_buf message;
        assert_non_null(poor);
        struct gp_signing *s = begin(poor, GP_STR(PLAIN), (struct gp_str){body, sizeof body}, 1000);
        size_t n = gp_signing_finish(s), all;
        made[n]++;
        whole(s, GP_STR(PLAIN), (struct gp_str){body, sizeof body}, &message);
        assert_int_equal(dkim_fixture_verify(&dkim, gp_buf_str(&message), &all), n);
        assert_int_equal(all, n);
        if (n < DKIM_KEYS && strcmp(gp_signing_why(s), "no memory") != 0)
            fail_msg("%zu: %s", memory, gp_signing_why(s));
        free(message.p);
        gp_signing_free(s);
        gp_signer_free(poor);
    }
    assert_int_not_equal(made[0], 0);
    assert_int_not_equal(made[DKIM_KEYS], 0);
}

/* What one message held is free for the next, whenever it was given up. */
static void test_memory_comes_back(void **state)
{
    (void)state;
    struct gp_signer *narrow = gp_signer_new((struct gp_signer_options){.memory = 40000});
    assert_non_null(narrow);
    for (unsigned i = 0; i < 60; i++) {
        struct gp_signing *s = gp_signing_begin(narrow, both, DKIM_KEYS);
        assert_non_null(s);
        if (i % 4 > 0)
            show_headers(s, GP_STR(PLAIN));
        if (i % 4 > 1)
            show_body(s, GP_STR("hello"), 2);
        if (i % 4 > 2)
            assert_int_equal(gp_signing_finish(s), DKIM_KEYS);
        assert_string_equal(gp_signing_why(s), "");
        gp_signing_free(s);
    }
    gp_signer_free(narrow);
}

/* --- many at once ------------------------------------------------------------------------------------------------- */

static _Atomic unsigned failures;

static void *sign_some(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 8; i++) {
        struct gp_buf message;
        struct gp_signing *s = begin(signer, GP_STR(PLAIN), GP_STR("hello\r\n\r\nworld\r\n"), 5);
        if (gp_signing_finish(s) != DKIM_KEYS)
            atomic_fetch_add(&failures, 1);
        whole(s, GP_STR(PLAIN), GP_STR("hello\r\n\r\nworld\r\n"), &message);
        if (dkim_fixture_verify(&dkim, gp_buf_str(&message), NULL) != DKIM_KEYS)
            atomic_fetch_add(&failures, 1);
        free(message.p);
        gp_signing_free(s);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[8];
    for (size_t i = 0; i < COUNT(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, sign_some, NULL), 0);
    for (size_t i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_octet_can_change),
        cmocka_unit_test(test_no_header_can_be_added),
        cmocka_unit_test(test_many_headers),
        cmocka_unit_test(test_fixed_time),
        cmocka_unit_test(test_no_from),
        cmocka_unit_test(test_bad_key),
        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_memory_comes_back),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, sign_setup, sign_teardown);
}
