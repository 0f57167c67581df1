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
#include "milter/departure.h"
#include "t/unit/dkim_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define HEADERS_MAX 64
#define FROM                                                                                                           \
    {                                                                                                                  \
        "From", " Jane <a@dol.gov>"                                                                                    \
    }
#define TO                                                                                                             \
    {                                                                                                                  \
        "To", " x@example.org"                                                                                         \
    }
#define OURS_ALL 2 /* signatures of ours, where nothing is in the way */

static struct dkim_fixture dkim;
static struct gp_signer *signer;
static char return_path[] = "b.example.gov", public_url[] = "https://mail.example.gov";

static int setup(void **state)
{
    (void)state;
    if (!dkim_fixture_open(&dkim))
        return -1;
    gp_from_start();
    signer = gp_signer_new((struct gp_signer_options){0});
    return signer != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gp_signer_free(signer);
    dkim_fixture_close(&dkim);
    return 0;
}

/* --- a message at the mail server ----------------------------------------------------------------------------------
 */

struct header {
    const char *name, *value;
};

struct message {
    size_t n;
    struct header header[HEADERS_MAX];
};

static struct message message_of(const struct header *headers)
{
    struct message m = {.n = 0};
    for (; headers->name != NULL; headers++)
        m.header[m.n++] = *headers;
    return m;
}

static void put_in(struct message *m, size_t at, struct header header)
{
    assert_true(m->n < HEADERS_MAX);
    memmove(m->header + at + 1, m->header + at, (m->n - at) * sizeof m->header[0]);
    m->header[at] = header;
    m->n++;
}

static void take_out(struct message *m, const char *name, unsigned number)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcasecmp(m->header[i].name, name) != 0 || --number > 0)
            continue;
        m->n--;
        memmove(m->header + i, m->header + i + 1, (m->n - i) * sizeof m->header[0]);
        return;
    }
    fail_msg("there is no such %s", name);
}

static void carry_out(const struct gp_plan *plan, struct message *m)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct gp_edit *e = &plan->edit[i];
        switch (e->kind) {
        case GP_EDIT_SENDER:
            break;
        case GP_EDIT_DELETE:
            for (unsigned number = e->last; number >= e->first; number--)
                take_out(m, e->name, number);
            break;
        case GP_EDIT_ADD:
            put_in(m, m->n, (struct header){e->name, e->value});
            break;
        case GP_EDIT_INSERT:
            put_in(m, 0, (struct header){e->name, e->value});
            break;
        }
    }
}

static size_t count(const struct message *m, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += strcasecmp(m->header[i].name, name) == 0;
    return n;
}

/* How many signatures of the message pass. */
static size_t passes(const struct message *m, const char *body)
{
    static char text[1 << 20];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i < m->n; i++) {
        struct gp_str rest = gp_str_z(m->header[i].value), line;
        gp_buf_printf(&b, "%s:", m->header[i].name);
        while (gp_str_split(&rest, '\n', &line)) {
            gp_buf_put(&b, line);
            gp_buf_putz(&b, "\r\n");
        }
    }
    gp_buf_printf(&b, "\r\n%s", body);
    assert_false(b.full);
    return dkim_fixture_verify(&dkim, gp_buf_str(&b), NULL);
}

/* --- its way through ------------------------------------------------------------------------------------------------
 */

static struct gp_config config_with(struct gp_dkim_key *keys, size_t n)
{
    struct gp_config c = {.return_path = return_path, .public_url = public_url, .dkim_n = n, .dkim = keys};
    c.keyring.have[3] = true;
    c.keyring.signer = 3;
    memset(c.keyring.secret[3], 0x5a, GP_KEY_OCTETS);
    return c;
}

static struct gp_departure *begin(const struct gp_config *c, const struct gp_agency *a, const struct message *m)
{
    static struct gp_headers h;
    struct gp_kept kept = {.state = GP_KEPT_ALL};
    const struct gp_envelope e = {
        .sender = GP_STR("a@dol.gov"), .recipient = GP_STR("x@example.org"), .queue_id = GP_STR("4XyZ"), .day = 20783};
    gp_headers_init(&h);
    for (size_t i = 0; i < m->n; i++) {
        gp_headers_note(&h, gp_str_z(m->header[i].name), gp_str_z(m->header[i].value));
        gp_kept_note(&kept, gp_str_z(m->header[i].name), gp_str_z(m->header[i].value));
    }
    struct gp_departure *d = gp_departure_begin(signer, c, a, &h, &kept, &e);
    gp_kept_clear(&kept);
    assert_non_null(d);
    return d;
}

static void show(struct gp_departure *d, const char *body)
{
    gp_departure_body(d, (const unsigned char *)body, strlen(body));
}

/* Signed by all keys of the relay; the message is then as it leaves, until gp_departure_free. */
static struct gp_departure *depart(const struct gp_agency *a, struct message *m)
{
    const struct gp_config c = config_with(dkim.key, DKIM_KEYS);
    struct gp_departure *d = begin(&c, a, m);
    show(d, "hello\r\n");
    assert_int_equal(gp_departure_sign(d), GP_ACCEPTED);
    assert_string_equal(gp_departure_why(d), "");
    carry_out(&d->plan, m);
    return d;
}

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

/* --- a client's own signatures ---------------------------------------------------------------------------------------
 */

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

/* --- what cannot be signed
 * --------------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_as_it_leaves),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_keys_by_from),
        cmocka_unit_test(test_client_signatures),
        cmocka_unit_test(test_what_is_kept_passes),
        cmocka_unit_test(test_many_client_signatures),
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
