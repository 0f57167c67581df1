/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_dkim.c - tests of the keys that a configuration loads, and of which of them sign a message
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/config.h"
#include "t/unit/scratch.h"

#include <openssl/pem.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define KEY(domain, selector, type, signs)                                                                             \
    {                                                                                                                  \
        (char[]){domain}, (char[]){selector}, NULL, NULL, 0, type, signs, NULL, ""                                     \
    }

static struct gp_dkim_key relays[] = {
    KEY("relay.gov", "r2", GP_DKIM_RSA, true),
    KEY("relay.gov", "r1", GP_DKIM_RSA, false), /* the former one */
    KEY("relay.gov", "e1", GP_DKIM_ED25519, true),
};

static struct gp_dkim_key agencys[] = {
    KEY("dol.gov", "a1", GP_DKIM_RSA, true),          KEY("dol.gov", "a0", GP_DKIM_RSA, false),
    KEY("mail.dol.gov", "m1", GP_DKIM_ED25519, true), KEY("dol.gov", "a1e", GP_DKIM_ED25519, true),
    KEY("relay.gov", "r2", GP_DKIM_RSA, true), /* the relay's own, given to an agency */
};

/* Is it the private key of this text? */
static bool is_key(const struct gp_dkim_key *key, const char *pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    bool same = pkey != NULL && EVP_PKEY_eq(key->pkey, pkey) == 1;
    EVP_PKEY_free(pkey);
    BIO_free(in);
    return same;
}

static void who_signs(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        size_t relay, agency; /* how many of the keys above there are */
        const char *selectors;
    } cases[] = {
        {"dol.gov", 3, 4, "a1 a1e r2 e1 "},
        {"DOL.Gov", 3, 4, "a1 a1e r2 e1 "},
        {"news.dol.gov", 3, 4, "a1 a1e r2 e1 "},
        {"mail.dol.gov", 3, 4, "m1 r2 e1 "},
        {"a.b.Mail.dol.gov", 3, 4, "m1 r2 e1 "},
        {"email.dol.gov", 3, 4, "a1 a1e r2 e1 "},
        {"xdol.gov", 3, 4, "r2 e1 "},
        {"gov", 3, 4, "r2 e1 "},
        {".dol.gov", 3, 4, "a1 a1e r2 e1 "},
        {"dol.gov.", 3, 4, "r2 e1 "},
        {"", 3, 4, "r2 e1 "},
        {"dol.gov", 1, 4, "a1 a1e r2 "},
        {"dol.gov", 0, 4, "a1 a1e "},
        {"dol.gov", 0, 1, "a1 "},
        {"dol.gov", 3, 0, "r2 e1 "},
        {"doe.gov", 0, 4, ""},
        {"dol.gov", 0, 0, ""},
        {"", 0, 0, ""},
        {"relay.gov", 3, 5, "r2 e1 "},
        {"relay.gov", 0, 5, "r2 "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gp_config c = {.dkim_n = cases[i].relay, .dkim = relays};
        struct gp_agency a = {.dkim_n = cases[i].agency, .dkim = agencys};
        const struct gp_dkim_key *out[GP_SIGNERS_MAX];
        char got[64];
        struct gp_buf b = gp_buf_on(got, sizeof got);
        size_t n = gp_config_signers(&c, &a, gp_str_z(cases[i].from), out);
        for (size_t k = 0; k < n; k++)
            gp_buf_printf(&b, "%s ", out[k]->selector);
        if (strcmp(got, cases[i].selectors) != 0)
            fail_msg("%zu: %s: expected \"%s\", got \"%s\"", i, cases[i].from, cases[i].selectors, got);
    }
    struct gp_config none = {0};
    struct gp_agency bare = {0};
    const struct gp_dkim_key *out[GP_SIGNERS_MAX];
    assert_int_equal(gp_config_signers(&none, &bare, (struct gp_str){0}, out), 0);
}

static struct gp_config *load(const struct scratch *s)
{
    char path[512];
    struct gp_faults faults;
    gp_faults_init(&faults);
    scratch_path(s, "gatepost.conf", path);
    struct gp_config *c = gp_config_load(path, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s\n", faults.list[i].text);
    assert_int_equal(faults.n, 0);
    gp_faults_free(&faults);
    return c;
}

static const char top[] = "relay_name = \"relay.gov\" return_path = \"b.relay.gov\" token_keys = \"$D/token\"\n"
                          "dkim = ( { domain = \"Relay.GOV\" selector = \"GP2\" key = \"$D/rsa.pem\" },\n"
                          "         { key = \"$D/relay.pem\" domain = \"relay.gov\" selector = \"gp2e\" },\n"
                          "         { domain = \"relay.gov\" selector = \"gp1e\" key = \"$D/relay.pem\" } )\n"
                          "spf = \"tag\" on_unsigned = \"send\" client_signatures = \"keep\"\n"
                          "dns_servers = [ \"192.0.2.53\", \"[2001:db8::53]\", \"127.0.0.1:5353\", \"[::1]:54\" ]\n";
static const char agencies[] = "aaa = { production = [ \"192.0.2.20\" ] sender_domains = [ \"aaa.gov\" ] }\n"
                               "dol = { production = [ \"192.0.2.10\" ] sender_domains = [ \".dol.gov\" ]\n"
                               "  tests = ( { why = \"w\" address = \"192.0.2.99\" messages = \"1\""
                               " from = \"2026-01-01T00:00Z\" until = \"2026-01-02T00:00Z\" } )\n"
                               "  spf = \"reject\" on_unsigned = \"defer\" client_signatures = \"remove\"\n"
                               "  dkim = ( { domain = \"dol.gov\" selector = \"a\" key = \"$D/relay.pem\" },\n"
                               "           { domain = \"mail.dol.gov\" selector = \"a\" key = \"$D/relay.pem\" },\n"
                               "           { domain = \"dol.gov\" selector = \"b\" key = \"$D/rsa.pem\" },\n"
                               "           { domain = \"dol.gov\" selector = \"c\" key = \"$D/rsa.pem\" } ) }\n";

static void what_is_loaded(void **state)
{
    (void)state;
    static const char *const servers[] = {"192.0.2.53:53", "[2001:db8::53]:53", "127.0.0.1:5353", "[::1]:54"};
    static const bool relay_signs[] = {true, true, false}, dol_signs[] = {true, true, true, false};
    char pem[GP_DKIM_PEM_MAX], path[512];
    struct scratch s;
    assert_true(scratch_open(&s) && gp_dkim_key_make(GP_DKIM_RSA, pem));
    assert_true(scratch_secret(&s, "rsa.pem", gp_str_z(pem)) && scratch_write(&s, "gatepost.conf", gp_str_z(top)) &&
                scratch_write(&s, "agencies.d/a.conf", gp_str_z(agencies)));
    struct gp_config *c = load(&s);
    assert_non_null(c);
    const struct gp_agency *aaa = gp_config_by_name(c, GP_STR("aaa")), *dol = gp_config_by_name(c, GP_STR("dol"));
    assert_int_equal(c->dkim_n, 3);
    for (size_t i = 0; i < c->dkim_n; i++) {
        assert_string_equal(c->dkim[i].domain, "relay.gov");
        assert_int_equal(c->dkim[i].line, 2 + i);
        assert_int_equal(c->dkim[i].signs, relay_signs[i]);
        assert_int_equal(c->dkim[i].type, i == 0 ? GP_DKIM_RSA : GP_DKIM_ED25519);
        assert_non_null(c->dkim[i].pkey);
    }
    scratch_path(&s, "gatepost.conf", path);
    assert_string_equal(c->dkim[0].file, path);
    assert_string_equal(c->dkim[0].selector, "gp2");
    assert_true(is_key(&c->dkim[0], pem));
    scratch_path(&s, "rsa.pem", path);
    assert_string_equal(c->dkim[0].path, path);
    assert_int_equal(dol->dkim_n, 4);
    for (size_t i = 0; i < dol->dkim_n; i++)
        assert_int_equal(dol->dkim[i].signs, dol_signs[i]);
    assert_int_equal(aaa->dkim_n, 0);
    assert_int_equal(aaa->spf, GP_SPF_TAG);
    assert_true(aaa->send_unsigned);
    assert_int_equal(aaa->client_signatures, GP_CLIENT_SIGNATURES_KEEP);
    assert_int_equal(dol->spf, GP_SPF_REJECTS);
    assert_false(dol->send_unsigned);
    assert_int_equal(dol->client_signatures, GP_CLIENT_SIGNATURES_REMOVE);
    assert_ptr_equal(dol->test[0].acting.dkim, dol->dkim); /* a test's mail is signed like the agency's */
    assert_int_equal(c->dns_servers.n, COUNT(servers));
    for (size_t i = 0; i < COUNT(servers); i++)
        assert_string_equal(c->dns_servers.v[i], servers[i]);
    gp_config_free(c);
    scratch_close(&s);
}

static void modes(void **state)
{
    (void)state;
    static const char *const spf[] = {"off", "tag", "warn", "defer", "reject"}, *const client[] = {"auto", "keep",
                                                                                                   "remove"};
    for (size_t i = 0; i < COUNT(spf) + COUNT(client); i++) {
        char text[1024];
        struct scratch s;
        struct gp_buf b = gp_buf_on(text, sizeof text);
        bool is_spf = i < COUNT(spf);
        const char *given = is_spf ? spf[i] : client[i - COUNT(spf)];
        gp_buf_printf(&b,
                      "relay_name = \"r.gov\" return_path = \"b.r.gov\" token_keys = \"$D/token\" " SCRATCH_DKIM
                      "\n%s = \"%s\"\n",
                      is_spf ? "spf" : "client_signatures", given);
        assert_true(scratch_open(&s) && scratch_write(&s, "gatepost.conf", gp_buf_str(&b)) &&
                    scratch_write(&s, "agencies.d/a.conf",
                                  GP_STR("a = { logins = [ \"a\" ] sender_domains = [ \"a.gov\" ] }")));
        struct gp_config *c = load(&s);
        assert_string_equal(is_spf ? gp_spf_mode_word(c->spf) : gp_client_signatures_word(c->client_signatures), given);
        assert_int_equal(c->spf, is_spf ? (enum gp_spf_mode)i : GP_SPF_WARN);
        assert_int_equal(c->client_signatures,
                         is_spf ? GP_CLIENT_SIGNATURES_AUTO : (enum gp_client_signatures)(i - COUNT(spf)));
        assert_false(c->send_unsigned);
        gp_config_free(c);
        scratch_close(&s);
    }
}

/* Each load reads the files anew: a reload after a rotation in place signs with the new key. */
static void keys_are_read_at_each_load(void **state)
{
    (void)state;
    char pem[GP_DKIM_PEM_MAX];
    struct scratch s;
    assert_true(scratch_open(&s) && gp_dkim_key_make(GP_DKIM_ED25519, pem));
    assert_true(
        scratch_write(
            &s, "gatepost.conf",
            GP_STR("relay_name = \"r.gov\" return_path = \"b.r.gov\" token_keys = \"$D/token\" " SCRATCH_DKIM)) &&
        scratch_write(&s, "agencies.d/a.conf", GP_STR("a = { logins = [ \"a\" ] sender_domains = [ \"a.gov\" ] }")));
    struct gp_config *before = load(&s);
    assert_true(scratch_secret(&s, "relay.pem", gp_str_z(pem)));
    struct gp_config *after = load(&s);
    assert_true(is_key(&before->dkim[0], SCRATCH_PEM));
    assert_true(is_key(&after->dkim[0], pem));
    gp_config_free(before);
    gp_config_free(after);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_signs),
        cmocka_unit_test(what_is_loaded),
        cmocka_unit_test(modes),
        cmocka_unit_test(keys_are_read_at_each_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
