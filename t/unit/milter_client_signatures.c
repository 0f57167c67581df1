/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_client_signatures.c - tests of milter/rewrite: which of a client's own signatures stay
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "t/unit/departure_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define SIGNED(h)                                                                                                      \
    {                                                                                                                  \
        "DKIM-Signature", " v=1; h=" h "; b=x"                                                                         \
    }

static void test_client_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum gp_client_signatures mode;
        enum gp_unsubscribe unsubscribe;
        struct header header[8];
        const char *left; /* h= of those that stay */
    } rows[] = {
        {"nothing of it is touched",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, SIGNED("From:To")},
         "From:To"},
        {"a header is added",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, SIGNED("From:List-Unsubscribe")},
         ""},
        {"the client's stays as it is",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, {"List-Unsubscribe", " <mailto:1@dol.gov>"}, SIGNED("From:List-Unsubscribe")},
         "From:List-Unsubscribe"},
        {"one of two goes",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, {"List-Unsubscribe", " <x:1>"}, {"List-Unsubscribe", " <x:2>"}, SIGNED("From:List-Unsubscribe")},
         ""},
        {"replaced",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_REPLACE,
         {FROM, {"List-Unsubscribe", " <mailto:1@dol.gov>"}, SIGNED("From:list-unsubscribe")},
         ""},
        {"no list mail, nothing is added",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_NONE,
         {FROM, SIGNED("From:List-Unsubscribe:List-Unsubscribe-Post")},
         "From:List-Unsubscribe:List-Unsubscribe-Post"},
        {"the Post header is added",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, SIGNED("From:List-Unsubscribe-Post")},
         ""},
        {"our own name", GP_CLIENT_SIGNATURES_AUTO, GP_UNSUBSCRIBE_NONE, {FROM, SIGNED("From:X-Gatepost-Ref")}, ""},
        {"some of several",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {SIGNED("1:List-Unsubscribe"), SIGNED("2"), FROM, SIGNED("3:x-gatepost-source"), SIGNED("4"),
          SIGNED("5:List-Unsubscribe"), SIGNED("6")},
         "2 4 6"},
        {"one that covers one that goes",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {SIGNED("1:dkim-signature"), SIGNED("2:List-Unsubscribe"), SIGNED("3"), FROM},
         "3"},
        {"one that covers one that stays",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {SIGNED("1:dkim-signature"), SIGNED("2:From"), FROM},
         "1:dkim-signature 2:From"},
        {"not understood: harmless",
         GP_CLIENT_SIGNATURES_AUTO,
         GP_UNSUBSCRIBE_KEEP,
         {SIGNED("List-Unsubscribe; h=From"), FROM},
         "List-Unsubscribe"},
        {"keep",
         GP_CLIENT_SIGNATURES_KEEP,
         GP_UNSUBSCRIBE_KEEP,
         {FROM, SIGNED("List-Unsubscribe")},
         "List-Unsubscribe"},
        {"remove", GP_CLIENT_SIGNATURES_REMOVE, GP_UNSUBSCRIBE_KEEP, {SIGNED("1"), FROM, SIGNED("2"), SIGNED("")}, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct gp_agency a = {
            .name = "dol", .unsubscribe = rows[i].unsubscribe, .client_signatures = rows[i].mode};
        struct message m = message_of(rows[i].header);
        struct gp_departure *d = depart(&a, &m);
        char left[512];
        struct gp_buf b = gp_buf_on(left, sizeof left);
        for (size_t k = 0; k < m.n; k++) {
            struct gp_str value = gp_str_z(m.header[k].value);
            if (strcmp(m.header[k].name, "DKIM-Signature") != 0 || !gp_str_starts_nocase(value, GP_STR(" v=1; h=")))
                continue;
            value = (struct gp_str){value.p + 8, value.n - 8};
            value.n = gp_str_find(value, ';');
            gp_buf_putz(&b, b.n > 0 ? " " : "");
            gp_buf_put(&b, value);
        }
        if (strcmp(left, rows[i].left) != 0)
            fail_msg("%s: left \"%s\"", rows[i].name, left);
        assert_int_equal(passes(&m, "hello\r\n"), OURS_ALL);
        gp_departure_free(d);
    }
}

/* A signature that is kept in auto passes after the edits; so it was right to keep it. */
static void test_what_is_kept_passes(void **state)
{
    (void)state;
    static const struct gp_str headers[][2] = {{{"From", 4}, {" Jane <a@dol.gov>", 17}}, {{"Subject", 7}, {" x", 2}}};
    const struct gp_dkim_key *key = &dkim.key[DKIM_ED25519];
    struct gp_signing *s = gp_signing_begin(signer, &key, 1);
    assert_non_null(s);
    for (size_t i = 0; i < COUNT(headers); i++)
        gp_signing_header(s, headers[i][0], headers[i][1]);
    gp_signing_headers_end(s);
    gp_signing_body(s, (const unsigned char *)"hello\r\n", 7);
    assert_int_equal(gp_signing_finish(s), 1);
    const struct header client[] = {{"DKIM-Signature", gp_signing_text(s, 0)}, FROM, {"Subject", " x"}, {NULL, NULL}};
    for (enum gp_unsubscribe mode = GP_UNSUBSCRIBE_KEEP; mode <= GP_UNSUBSCRIBE_NONE; mode++) {
        const struct gp_agency a = {.name = "dol", .unsubscribe = mode};
        struct message m = message_of(client);
        assert_int_equal(passes(&m, "hello\r\n"), 1);
        struct gp_departure *d = depart(&a, &m);
        size_t kept = mode == GP_UNSUBSCRIBE_NONE; /* it is over-signed: nothing may be added */
        assert_int_equal(count(&m, "DKIM-Signature"), OURS_ALL + kept);
        assert_int_equal(passes(&m, "hello\r\n"), OURS_ALL + kept);
        gp_departure_free(d);
    }
    gp_signing_free(s);
}

static void test_many_client_signatures(void **state)
{
    (void)state;
    const struct gp_agency a = {.name = "dol", .client_signatures = GP_CLIENT_SIGNATURES_REMOVE};
    struct message m = message_of((const struct header[]){FROM, {NULL, NULL}});
    for (size_t i = 0; i < GP_HEADERS_SIGNATURES_MAX + 5; i++)
        put_in(&m, m.n, (struct header){"DKIM-Signature", i < GP_HEADERS_SIGNATURES_MAX ? " early" : " late"});
    struct gp_departure *d = depart(&a, &m);
    assert_int_equal(count(&m, "DKIM-Signature"), OURS_ALL + 5);
    for (size_t i = 0; i < m.n; i++)
        assert_string_not_equal(m.header[i].value, " early");
    gp_departure_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_signatures),
        cmocka_unit_test(test_what_is_kept_passes),
        cmocka_unit_test(test_many_client_signatures),
    };
    return cmocka_run_group_tests(tests, departure_setup, departure_teardown);
}
