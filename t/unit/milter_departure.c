/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * milter_departure.c - tests of milter/departure: messages are rewritten, signed, and verified as they leave
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "milter/covered.h"
#include "t/unit/departure_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_as_it_leaves(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum gp_unsubscribe unsubscribe;
        struct header header[12];
    } rows[] = {
        {"plain", GP_UNSUBSCRIBE_KEEP, {FROM, TO, {"Subject", " hello"}}},
        {"From alone", GP_UNSUBSCRIBE_KEEP, {FROM}},
        {"forged headers go",
         GP_UNSUBSCRIBE_KEEP,
         {{"X-Gatepost-Ref", " 1"}, FROM, {"x-gatepost-source", " dos"}, TO, {"X-GATEPOST-REF", " 2"}}},
        {"one List-Unsubscribe of three stays",
         GP_UNSUBSCRIBE_KEEP,
         {{"List-Unsubscribe", " <mailto:1@dol.gov>"},
          FROM,
          {"list-unsubscribe", " <mailto:2@dol.gov>"},
          {"List-Unsubscribe", " <mailto:3@dol.gov>"}}},
        {"replaced",
         GP_UNSUBSCRIBE_REPLACE,
         {FROM, {"List-Unsubscribe", " <mailto:1@dol.gov>"}, {"List-Unsubscribe-Post", " x"}, TO}},
        {"appended",
         GP_UNSUBSCRIBE_APPEND,
         {FROM, {"List-Unsubscribe", " <mailto:1@dol.gov>,\n\t<https://dol.gov/u>"}}},
        {"none of ours", GP_UNSUBSCRIBE_NONE, {FROM, {"List-Unsubscribe-Post", " 1"}, {"List-Unsubscribe-Post", " 2"}}},
        {"headers that are not signed",
         GP_UNSUBSCRIBE_KEEP,
         {{"Received", " x"}, FROM, {"X-Mine", " 1"}, {"X-Mine", " 2"}}},
        {"duplicates", GP_UNSUBSCRIBE_KEEP, {{"Subject", " 1"}, {"Subject", " 2"}, FROM, {"Subject", " 3"}}},
        {"two From headers", GP_UNSUBSCRIBE_KEEP, {FROM, {"From", " b@dol.gov"}}},
        {"folds and blanks", GP_UNSUBSCRIBE_KEEP, {FROM, {"Subject", "a\n  b\n\tc "}, {"To", ""}, {"Cc", "\t x"}}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct gp_agency a = {.name = "dol", .unsubscribe = rows[i].unsubscribe};
        struct message m = message_of(rows[i].header);
        struct gp_departure *d = depart(&a, &m);
        if (passes(&m, "hello\r\n") != OURS_ALL || count(&m, "DKIM-Signature") != OURS_ALL)
            fail_msg("%s: %zu signatures pass", rows[i].name, passes(&m, "hello\r\n"));
        assert_int_equal(count(&m, "X-Gatepost-Ref"), 1);
        assert_int_equal(passes(&m, "hallo\r\n"), 0);
        for (size_t k = 0; k < d->plan.n; k++) { /* or a client's signature over it would stay though it is broken */
            const struct gp_edit *e = &d->plan.edit[k];
            assert_true(e->kind == GP_EDIT_SENDER || gp_covered_set(gp_str_z(e->name)) != 0);
        }
        gp_departure_free(d);
    }
}

/* The first key's signature stands on top. */
static void test_order(void **state)
{
    (void)state;
    const struct gp_agency a = {.name = "dol"};
    struct message m = message_of((const struct header[]){{"Received", " x"}, FROM, {NULL, NULL}});
    struct gp_departure *d = depart(&a, &m);
    assert_non_null(strstr(m.header[0].value, "s=rsa;"));
    assert_non_null(strstr(m.header[1].value, "s=ed;"));
    assert_string_equal(m.header[2].name, "Received");
    gp_departure_free(d);
}

/* Whose keys sign is decided by the From header's domain. */
static void test_keys_by_from(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *domain; /* gp_departure.from */
        size_t keys;        /* one of the agency's for dol.gov, one of the relay's */
    } rows[] = {
        {" a@dol.gov", "dol.gov", 2},
        {" A <a@DOL.gov>", "dol.gov", 2},
        {" a@mail.dol.gov", "mail.dol.gov", 2},
        {" a@dol.gov, b@dol.gov", "dol.gov", 2},
        {" boss@elsewhere.example <a@dol.gov>", "dol.gov", 2},
        {" a@dol.gov, b@dos.gov", "", 1},
        {" a@dos.gov", "dos.gov", 1},
        {" a@notdol.gov", "notdol.gov", 1},
        {" undisclosed:;", "", 1},
        {" a@dol.gov <", "", 1},
        {"", "", 1},
    };
    struct gp_config c = config_with(&dkim.key[DKIM_ED25519], 1);
    const struct gp_agency a = {.name = "dol", .dkim_n = 1, .dkim = &dkim.key[DKIM_RSA]};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message m = message_of((const struct header[]){{"From", rows[i].from}, {NULL, NULL}});
        struct gp_departure *d = begin(&c, &a, &m);
        assert_string_equal(d->from, rows[i].domain);
        if (d->keys != rows[i].keys)
            fail_msg("%s: %zu keys", rows[i].from, d->keys);
        assert_int_equal(gp_departure_sign(d), GP_ACCEPTED);
        gp_departure_free(d);
    }
    struct message two = message_of((const struct header[]){FROM, FROM, {NULL, NULL}});
    struct gp_departure *d = begin(&c, &a, &two);
    assert_string_equal(d->from, "");
    gp_departure_free(d);
}

/* --- what cannot be signed --- */

static void test_unsigned(void **state)
{
    (void)state;
    static char large[GP_KEPT_OCTETS_MAX + 1];
    struct gp_dkim_key bad[DKIM_KEYS] = {dkim.key[DKIM_RSA], dkim.key[DKIM_ED25519]};
    bad[DKIM_RSA].pkey = bad[DKIM_ED25519].pkey;
    memset(large, 'x', sizeof large - 1);
    const struct {
        struct header header[4];
        struct gp_dkim_key *keys;
        size_t n;
        enum gp_reason reason;
        size_t made; /* with send_unsigned */
        const char *why;
    } rows[] = {
        {{TO}, dkim.key, DKIM_KEYS, GP_UNSIGNED, 0, "no From header"},
        {{FROM, {"To", large}}, dkim.key, DKIM_KEYS, GP_HEADERS_SIZE, 0, "headers too large to be signed"},
        {{FROM}, bad, DKIM_KEYS, GP_UNSIGNED, 1, "OpenSSL does not sign with "},
        {{FROM}, NULL, 0, GP_ACCEPTED, 0, ""},
        {{FROM, {"To", large}}, NULL, 0, GP_ACCEPTED, 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct gp_config c = config_with(rows[i].keys, rows[i].n);
        for (unsigned send = 0; send <= 1; send++) {
            const struct gp_agency a = {.name = "dol", .send_unsigned = send};
            struct message m = message_of(rows[i].header);
            struct gp_departure *d = begin(&c, &a, &m);
            show(d, "hello\r\n");
            assert_int_equal(gp_departure_sign(d), send ? GP_ACCEPTED : rows[i].reason);
            assert_true(gp_str_starts_nocase(gp_str_z(gp_departure_why(d)), gp_str_z(rows[i].why)));
            assert_int_equal(gp_departure_why(d)[0] == '\0', rows[i].why[0] == '\0');
            carry_out(&d->plan, &m);
            assert_int_equal(count(&m, "DKIM-Signature"), send ? rows[i].made : 0);
            assert_int_equal(count(&m, "X-Gatepost-Ref"), 1);
            gp_departure_free(d);
        }
    }
}

/* Given up at every stage; the address sanitizer counts what is left. */
static void test_given_up(void **state)
{
    (void)state;
    const struct gp_config c = config_with(dkim.key, DKIM_KEYS);
    const struct gp_agency a = {.name = "dol"};
    for (unsigned stage = 0; stage < 3; stage++) {
        struct message m = message_of((const struct header[]){FROM, TO, {NULL, NULL}});
        struct gp_departure *d = begin(&c, &a, &m);
        if (stage > 0)
            show(d, "hello");
        if (stage > 1)
            assert_int_equal(gp_departure_sign(d), GP_ACCEPTED);
        gp_departure_free(d);
    }
    gp_departure_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_leaves), cmocka_unit_test(test_order),    cmocka_unit_test(test_keys_by_from),
        cmocka_unit_test(test_unsigned),     cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests(tests, departure_setup, departure_teardown);
}
