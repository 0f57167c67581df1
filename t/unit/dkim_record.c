/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim_record.c - tests of shared/dkim_key: keys that are made, and what is published of one
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "shared/dkim_key.h"
#include "t/unit/scratch.h"

#include <openssl/pem.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TEXT_MAX 8192

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    return scratch_open(&scratch) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

/* load - a key from its text */
static void load(struct gp_dkim_key *key, struct gp_str pem)
{
    char path[512];
    struct gp_faults faults;
    assert_true(scratch_secret(&scratch, "key.pem", pem));
    scratch_path(&scratch, "key.pem", path);
    *key = (struct gp_dkim_key){.domain = strdup("example.gov"), .selector = strdup("gp1"), .path = strdup(path)};
    gp_faults_init(&faults);
    assert_true(gp_dkim_key_load(key, &faults));
    assert_int_equal(faults.n, 0);
    gp_faults_free(&faults);
}

static struct gp_str read_file(const char *name, char text[TEXT_MAX])
{
    char path[64];
    snprintf(path, sizeof path, "t/unit/dkim/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, TEXT_MAX, f);
    fclose(f);
    return (struct gp_str){text, n};
}

static void records(void **state)
{
    (void)state;
    static const char expected[] =
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="; /* RFC 8463 A.2 */
    struct gp_dkim_key key;
    char text[TEXT_MAX], zone[GP_DKIM_RECORD_MAX + 512], p[1200];
    load(&key, GP_STR(SCRATCH_PEM));
    assert_string_equal(key.record, expected);
    gp_dkim_key_zone(&key, zone);
    snprintf(text, sizeof text, "gp1._domainkey.example.gov. IN TXT ( \"%s\" )", expected);
    assert_string_equal(zone, text);
    gp_dkim_key_free(&key);

    static const char *const files[] = {"rsa-4096.pem", "rsa-2048-pkcs1.pem"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct gp_str pem = read_file(files[i], text);
        BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
        EVP_PKEY *made = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL), *published;
        unsigned char der[1200];
        const unsigned char *at = der;
        load(&key, pem);
        assert_int_equal(sscanf(key.record, "v=DKIM1; k=rsa; p=%1199s", p), 1);
        int n = EVP_DecodeBlock(der, (const unsigned char *)p, (int)strlen(p));
        published = d2i_PUBKEY(NULL, &at, n);
        assert_int_equal(EVP_PKEY_eq(made, published), 1);
        EVP_PKEY_free(made);
        EVP_PKEY_free(published);
        BIO_free(in);
        gp_dkim_key_free(&key);
    }
}

/* The texts of a zone line: at most 255 octets each, together the record. */
static void zone_lines(void **state)
{
    (void)state;
    static const char head[] = "gp1._domainkey.example.gov. IN TXT ( \"";
    struct gp_dkim_key key = {.domain = (char[]){"example.gov"}, .selector = (char[]){"gp1"}};
    static const size_t lengths[] = {1, 254, 255, 256, 510, 511, GP_DKIM_RECORD_MAX - 1};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char zone[GP_DKIM_RECORD_MAX + 512], joined[GP_DKIM_RECORD_MAX + 512] = "";
        struct gp_buf b = gp_buf_on(joined, sizeof joined);
        for (size_t k = 0; k < lengths[i]; k++)
            key.record[k] = (char)('a' + (char)(k % 26));
        key.record[lengths[i]] = '\0';
        gp_dkim_key_zone(&key, zone);
        assert_memory_equal(zone, head, sizeof head - 1);
        struct gp_str rest = gp_str_z(zone + sizeof head - 1), part, between;
        size_t parts = 0;
        for (; gp_str_split(&rest, '"', &part) && part.n > 0; parts++) {
            assert_true(part.n <= 255);
            gp_buf_put(&b, part);
            assert_true(gp_str_split(&rest, '"', &between));
        }
        assert_int_equal(parts, (lengths[i] + 254) / 255);
        assert_string_equal(joined, key.record);
        assert_string_equal(zone + strlen(zone) - 3, "\" )");
    }
    /* the longest names there are */
    char domain[254], selector[GP_DKIM_SELECTOR_MAX + 1], zone[GP_DKIM_RECORD_MAX + 512];
    memset(domain, 'd', sizeof domain - 1);
    memset(selector, 's', sizeof selector - 1);
    domain[sizeof domain - 1] = selector[sizeof selector - 1] = '\0';
    key.domain = domain;
    key.selector = selector;
    gp_dkim_key_zone(&key, zone);
    assert_string_equal(zone + strlen(zone) - 3, "\" )");
}

static void made_keys_load(void **state)
{
    (void)state;
    struct gp_dkim_key key;
    char first[GP_DKIM_PEM_MAX], second[GP_DKIM_PEM_MAX];
    for (enum gp_dkim_type type = GP_DKIM_RSA; type <= GP_DKIM_ED25519; type++) {
        assert_true(gp_dkim_key_make(type, first));
        assert_true(gp_dkim_key_make(type, second));
        assert_string_not_equal(first, second);
        load(&key, gp_str_z(first));
        assert_int_equal(key.type, type);
        gp_dkim_key_free(&key);
    }
    assert_string_equal(gp_dkim_type_word(GP_DKIM_RSA), "rsa");
    assert_string_equal(gp_dkim_type_word(GP_DKIM_ED25519), "ed25519");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),
        cmocka_unit_test(zone_lines),
        cmocka_unit_test(made_keys_load),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
