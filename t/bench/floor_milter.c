/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * floor_milter.c - the least that a milter can cost with libmilter: bench_floor_milter MODE SOCKET [KEY]
 *
 * noop: all callbacks, none of them does anything. noop-n: the same, and no event but the end of a message is answered.
 * sign, sign-ed: as noop-n, and SHA-256 of the body, one signature of it by KEY (PEM; RSA or Ed25519, parsed once), one
 * header inserted. What is signed is no DKIM signature: only its cost is meant.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#define QUIET                                                                                                          \
    (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH |     \
     SMFIP_NR_BODY | SMFIP_NR_UNKN)
#define SIGNATURE_MAX 512

static bool quiet;
static EVP_PKEY *key; /* NULL: nothing is signed */

static sfsistat go_on(void)
{
    return quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    (void)ctx, (void)actions, (void)f2, (void)f3;
    *use_actions = SMFIF_ADDHDRS;
    *use_steps = quiet ? steps & QUIET : 0;
    *use_f2 = *use_f3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *peer)
{
    (void)ctx, (void)host, (void)peer;
    return go_on();
}

static sfsistat on_text(SMFICTX *ctx, char *text)
{
    (void)ctx, (void)text;
    return go_on();
}

static sfsistat on_words(SMFICTX *ctx, char **words)
{
    (void)ctx, (void)words;
    return go_on();
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return go_on();
}

/* The message's hash is made here, so that nothing is kept of one that is dropped before its body. */
static sfsistat on_plain(SMFICTX *ctx)
{
    if (key != NULL && smfi_getpriv(ctx) == NULL) {
        EVP_MD_CTX *hash = EVP_MD_CTX_new();
        EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
        smfi_setpriv(ctx, hash);
    }
    return go_on();
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *octets, size_t n)
{
    if (key != NULL)
        EVP_DigestUpdate(smfi_getpriv(ctx), octets, n);
    return go_on();
}

static bool sign(const unsigned char *hash, unsigned char *signature, size_t *n)
{
    bool good;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
        good = EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
               EVP_PKEY_sign(c, signature, n, hash, SHA256_DIGEST_LENGTH) == 1;
        EVP_PKEY_CTX_free(c);
    } else {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        good = EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(c, signature, n, hash, SHA256_DIGEST_LENGTH) == 1;
        EVP_MD_CTX_free(c);
    }
    return good;
}

static sfsistat on_end(SMFICTX *ctx)
{
    unsigned char hash[SHA256_DIGEST_LENGTH], signature[SIGNATURE_MAX];
    char text[SIGNATURE_MAX * 2], name[] = "X-Floor-Signature";
    size_t n = sizeof signature;
    EVP_MD_CTX *body = smfi_getpriv(ctx);
    if (body == NULL)
        return SMFIS_ACCEPT;
    EVP_DigestFinal_ex(body, hash, NULL);
    EVP_MD_CTX_free(body);
    smfi_setpriv(ctx, NULL);
    if (!sign(hash, signature, &n))
        return SMFIS_TEMPFAIL;
    EVP_EncodeBlock((unsigned char *)text, signature, (int)n);
    return smfi_insheader(ctx, 0, name, text) == MI_SUCCESS ? SMFIS_ACCEPT : SMFIS_TEMPFAIL;
}

static sfsistat forget(SMFICTX *ctx)
{
    EVP_MD_CTX_free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

static bool read_key(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return key != NULL;
}

int main(int argc, char **argv)
{
    struct smfiDesc milter = {.xxfi_name = (char[]){"floor"},
                              .xxfi_version = SMFI_VERSION,
                              .xxfi_flags = SMFIF_ADDHDRS,
                              .xxfi_connect = on_connect,
                              .xxfi_helo = on_text,
                              .xxfi_envfrom = on_words,
                              .xxfi_envrcpt = on_words,
                              .xxfi_header = on_header,
                              .xxfi_eoh = on_plain,
                              .xxfi_body = on_body,
                              .xxfi_eom = on_end,
                              .xxfi_abort = forget,
                              .xxfi_close = forget,
                              .xxfi_data = on_plain,
                              .xxfi_negotiate = on_negotiate};
    const char *mode = argc > 2 ? argv[1] : "";
    bool signing = strcmp(mode, "sign") == 0 || strcmp(mode, "sign-ed") == 0;
    if (!signing && strcmp(mode, "noop") != 0 && strcmp(mode, "noop-n") != 0) {
        fprintf(stderr, "usage: bench_floor_milter noop|noop-n|sign|sign-ed SOCKET [KEY]\n");
        return 2;
    }
    quiet = strcmp(mode, "noop") != 0;
    if (signing && (argc < 4 || !read_key(argv[3]))) {
        fprintf(stderr, "no key\n");
        return 1;
    }
    if (smfi_register(milter) != MI_SUCCESS || smfi_setconn(argv[2]) != MI_SUCCESS ||
        smfi_opensocket(true) != MI_SUCCESS)
        return 1;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
