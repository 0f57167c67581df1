/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dkim_key.c - private DKIM keys by OpenSSL; a doubtful file gives no key at all
 */
#include "shared/dkim_key.h"

#include "shared/secret_file.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define ED25519_OCTETS 32
#define STRING_MAX 255 /* octets of one <character-string> of a TXT record (RFC 1035 3.3) */

const char *gp_dkim_type_word(enum gp_dkim_type type)
{
    return type == GP_DKIM_RSA ? "rsa" : "ed25519";
}

/* Without it OpenSSL would ask the terminal for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

/* wrong_block - why a PEM block is not the private key asked for; NULL: it may be one */
static const char *wrong_block(const char *name, const char *header)
{
    static const struct {
        const char *name, *why;
    } others[] = {
        {"PUBLIC KEY", "a public key, must be the private one"},
        {"RSA PUBLIC KEY", "a public key, must be the private one"},
        {"CERTIFICATE", "a certificate, must be a private key"},
        {"ENCRYPTED PRIVATE KEY", "locked by a passphrase, must be without one: openssl pkey -in FILE -out NEW"},
        {"OPENSSH PRIVATE KEY", "a key of ssh, must be PKCS #8 or PKCS #1 as gatepostctl dkim new makes it"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(name, others[i].name) == 0)
            return others[i].why;
    }
    if (strstr(header, "ENCRYPTED") != NULL)
        return "locked by a passphrase, must be without one: openssl pkey -in FILE -out NEW";
    if (strstr(name, "PRIVATE KEY") == NULL)
        return "no private key, must be one as gatepostctl dkim new makes it";
    return NULL;
}

/* parse - the one PEM block that the text must be; NULL and *why otherwise */
static EVP_PKEY *parse(struct gp_str text, const char **why)
{
    BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    const unsigned char *p;
    long n = 0;
    EVP_PKEY *pkey = NULL;
    *why = "not a key in PEM form, must be one as gatepostctl dkim new makes it";
    if (in == NULL || !gp_str_starts_nocase(text, GP_STR("-----BEGIN ")) || gp_str_find(text, '\0') < text.n ||
        PEM_read_bio_ex(in, &name, &header, &der, &n, PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1)
        goto out;
    *why = wrong_block(name, header);
    if (*why != NULL)
        goto out;
    *why = "more than one key, or other text with it, must be one key and nothing else";
    if (BIO_pending(in) > 0)
        goto out;
    p = der;
    *why = "broken, must be a whole private key";
    pkey = d2i_AutoPrivateKey(NULL, &p, n);
    if (pkey != NULL && p != der + n) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
out:
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_secure_clear_free(der, (size_t)n);
    BIO_free(in);
    return pkey;
}

/* proven - does its public half verify what it signs? */
static bool proven(EVP_PKEY *pkey, enum gp_dkim_type type)
{
    static const unsigned char text[] = "gatepost";
    const EVP_MD *md = type == GP_DKIM_RSA ? EVP_sha256() : NULL;
    unsigned char signature[GP_DKIM_RSA_MOST / 8];
    size_t n = sizeof signature;
    EVP_MD_CTX *signs = EVP_MD_CTX_new(), *verifies = EVP_MD_CTX_new();
    bool good = signs != NULL && verifies != NULL && EVP_DigestSignInit(signs, NULL, md, NULL, pkey) == 1 &&
                EVP_DigestSign(signs, signature, &n, text, sizeof text) == 1 &&
                EVP_DigestVerifyInit(verifies, NULL, md, NULL, pkey) == 1 &&
                EVP_DigestVerify(verifies, signature, n, text, sizeof text) == 1;
    EVP_MD_CTX_free(signs);
    EVP_MD_CTX_free(verifies);
    return good;
}

/* judge - its type; false with a fault when it is not one that DKIM signs with */
static bool judge(EVP_PKEY *pkey, struct gp_dkim_key *key, struct gp_faults *faults)
{
    int bits = EVP_PKEY_get_bits(pkey);
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        key->type = GP_DKIM_RSA;
    } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
        key->type = GP_DKIM_ED25519;
    } else {
        const char *name = EVP_PKEY_get0_type_name(pkey);
        gp_fault(faults, key->path, 0, "key: wrong algorithm, given %s, must be RSA or Ed25519",
                 name != NULL ? name : "none that has a name");
        return false;
    }
    if (key->type == GP_DKIM_RSA && (bits < GP_DKIM_RSA_LEAST || bits > GP_DKIM_RSA_MOST)) {
        gp_fault(faults, key->path, 0, "key: wrong size, given RSA of %d bits, must be of %d to %d", bits,
                 GP_DKIM_RSA_LEAST, GP_DKIM_RSA_MOST);
        return false;
    }
    if (!proven(pkey, key->type)) {
        gp_fault(faults, key->path, 0, "key: broken, its public half does not verify what it signs, must be made anew");
        return false;
    }
    return true;
}

/* put_public - p=: RSA's SubjectPublicKeyInfo (RFC 6376 3.6.1), Ed25519's octets alone (RFC 8463 4.2), in base64 */
static bool put_public(struct gp_buf *b, EVP_PKEY *pkey, enum gp_dkim_type type)
{
    unsigned char der[GP_DKIM_RECORD_MAX], base64[GP_DKIM_RECORD_MAX], *p = der;
    size_t n = ED25519_OCTETS;
    int encoded = i2d_PUBKEY(pkey, NULL);
    if (type == GP_DKIM_ED25519) {
        if (EVP_PKEY_get_raw_public_key(pkey, der, &n) != 1)
            return false;
    } else {
        if (encoded <= 0 || (size_t)encoded > sizeof base64 / 4 * 3 - 3 || i2d_PUBKEY(pkey, &p) != encoded)
            return false;
        n = (size_t)encoded;
    }
    EVP_EncodeBlock(base64, der, (int)n);
    gp_buf_putz(b, (const char *)base64);
    return !b->full;
}

static bool put_record(struct gp_dkim_key *key, EVP_PKEY *pkey)
{
    struct gp_buf b = gp_buf_on(key->record, sizeof key->record);
    gp_buf_printf(&b, "v=DKIM1; k=%s; p=", gp_dkim_type_word(key->type));
    return put_public(&b, pkey, key->type);
}

/* to_pem - PKCS #8 without passphrase */
static bool to_pem(EVP_PKEY *pkey, char pem[GP_DKIM_PEM_MAX])
{
    BIO *out = BIO_new(BIO_s_secmem());
    char *text = NULL;
    bool good = false;
    if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, no_passphrase, NULL) != 1)
        goto out;
    long n = BIO_get_mem_data(out, &text);
    good = n > 0 && n < GP_DKIM_PEM_MAX;
    if (good) {
        memcpy(pem, text, (size_t)n);
        pem[n] = '\0';
    }
out:
    BIO_free(out);
    return good;
}

bool gp_dkim_key_load(struct gp_dkim_key *key, struct gp_faults *faults)
{
    char text[GP_DKIM_PEM_MAX];
    const char *why = NULL;
    EVP_PKEY *pkey = NULL;
    key->pkey = NULL;
    ssize_t n = gp_secret_read(key->path, "key", "gatepostctl dkim new", text, sizeof text, faults);
    if (n < 0)
        goto out;
    struct gp_str given = gp_str_trim((struct gp_str){text, (size_t)n});
    if (given.n == 0)
        why = "empty, must be a private key as gatepostctl dkim new makes it";
    else
        pkey = parse(given, &why);
    if (pkey == NULL) {
        gp_fault(faults, key->path, 0, "key: %s", why);
        goto out;
    }
    if (!judge(pkey, key, faults))
        goto out;
    if (!put_record(key, pkey)) {
        gp_fault(faults, key->path, 0, "key: its record cannot be made: OpenSSL failed");
        goto out;
    }
    key->pkey = pkey;
    pkey = NULL;
out:
    EVP_PKEY_free(pkey);
    OPENSSL_cleanse(text, sizeof text);
    ERR_clear_error();
    return key->pkey != NULL;
}

void gp_dkim_key_free(struct gp_dkim_key *key)
{
    EVP_PKEY_free(key->pkey);
    free(key->domain);
    free(key->selector);
    free(key->path);
}

bool gp_dkim_key_make(enum gp_dkim_type type, char pem[GP_DKIM_PEM_MAX])
{
    EVP_PKEY *pkey = type == GP_DKIM_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)GP_DKIM_RSA_LEAST)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool made = pkey != NULL && to_pem(pkey, pem);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return made;
}

void gp_dkim_key_zone(const struct gp_dkim_key *key, char out[GP_DKIM_RECORD_MAX + 512])
{
    struct gp_buf b = gp_buf_on(out, GP_DKIM_RECORD_MAX + 512);
    struct gp_str rest = gp_str_z(key->record);
    gp_buf_printf(&b, "%s._domainkey.%s. IN TXT (", key->selector, key->domain);
    while (rest.n > 0) {
        size_t n = rest.n < STRING_MAX ? rest.n : STRING_MAX;
        gp_buf_printf(&b, " \"%.*s\"", (int)n, rest.p);
        rest = (struct gp_str){rest.p + n, rest.n - n};
    }
    gp_buf_putz(&b, " )");
}
