/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign.c - the tags of a signature (RFC 6376 3.5), and the keys' part of it
 */
#include "milter/sign.h"

#include "milter/covered.h"
#include "milter/hashing.h"
#include "shared/clock.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#define NAME "DKIM-Signature:"
#define NAMES_MAX 3072 /* octets of h= */
#define TEXT_MAX 8192
#define COLUMN_MAX 76 /* where lines are folded */
#define SIGNATURE_MAX (GP_DKIM_RSA_MOST / 8)
#define BASE64_MAX(n) (((n) + 2) / 3 * 4 + 1)

struct gp_signer {
    struct gp_hasher *hasher;
    uint64_t time_s;
};

struct gp_signing {
    struct gp_signer *signer;
    size_t n;
    const struct gp_dkim_key *key[GP_SIGNERS_MAX];
    char *text[GP_SIGNERS_MAX]; /* the signatures */
    char why[GP_SIGNING_WHY_MAX];
    char *headers; /* the length of a header, then the header "Name:value", and so on */
    size_t headers_n, headers_cap;
    bool from; /* is among them */
    struct gp_buf names;
    struct gp_hashing *body; /* NULL: it cannot be signed */
    char names_text[NAMES_MAX];
};

struct gp_signer *gp_signer_new(struct gp_signer_options options)
{
    struct gp_signer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->time_s = options.time_s;
    s->hasher = gp_hasher_new(options.memory > 0 ? options.memory : GP_SIGNER_MEMORY_MAX);
    if (s->hasher != NULL)
        return s;
    free(s);
    return NULL;
}

void gp_signer_free(struct gp_signer *s)
{
    if (s == NULL)
        return;
    gp_hasher_free(s->hasher);
    free(s);
}

struct gp_signing *gp_signing_begin(struct gp_signer *signer, const struct gp_dkim_key *const *keys, size_t n)
{
    struct gp_signing *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->signer = signer;
    s->n = n;
    for (size_t i = 0; i < n; i++)
        s->key[i] = keys[i];
    s->names = gp_buf_on(s->names_text, sizeof s->names_text);
    return s;
}

static void fail(struct gp_signing *s, const char *why)
{
    struct gp_buf b = gp_buf_on(s->why, sizeof s->why);
    if (s->why[0] == '\0')
        gp_buf_put_escaped(&b, gp_str_z(why));
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

static bool make_room(struct gp_signing *s, size_t need)
{
    size_t cap = s->headers_cap > 0 ? s->headers_cap : 4096;
    while (cap - s->headers_n < need)
        cap *= 2;
    if (cap == s->headers_cap)
        return true;
    char *more = realloc(s->headers, cap);
    if (more == NULL)
        return false;
    s->headers = more;
    s->headers_cap = cap;
    return true;
}

static void put_name(struct gp_signing *s, struct gp_str name)
{
    if (s->names.n > 0)
        gp_buf_putz(&s->names, ":");
    gp_buf_put(&s->names, name);
}

void gp_signing_header(struct gp_signing *s, struct gp_str name, struct gp_str value)
{
    size_t n = name.n + 1 + value.n;
    if (!make_room(s, sizeof n + n)) {
        fail(s, "no memory");
        return;
    }
    char *p = s->headers + s->headers_n;
    memcpy(p, &n, sizeof n);
    p += sizeof n;
    memcpy(p, name.p, name.n);
    p[name.n] = ':';
    if (value.n > 0)
        memcpy(p + name.n + 1, value.p, value.n);
    s->headers_n += sizeof n + n;
    s->from = s->from || gp_str_eq_nocase(name, GP_STR("From"));
    put_name(s, name);
}

void gp_signing_headers_end(struct gp_signing *s)
{
    /* For the hash of the body any signature and any From header will do. */
    static const char any[] = NAME " v=1; a=rsa-sha256; c=relaxed/relaxed; d=x; s=x; h=from; bh=AAAA; b=AAAA";
    for (const char *const *name = gp_covered_once_more(); *name != NULL; name++)
        put_name(s, gp_str_z(*name));
    if (!s->from)
        fail(s, "no From header");
    if (s->names.full)
        fail(s, "too many headers");
    if (s->why[0] != '\0')
        return;
    s->body = gp_hashing_begin(s->signer->hasher, GP_STR(any));
    if (s->body == NULL) {
        fail(s, "no memory");
        return;
    }
    gp_hashing_header(s->body, GP_STR("From: x@x"));
    gp_hashing_headers_end(s->body);
}

/* --- body --------------------------------------------------------------------------------------------------------- */

void gp_signing_body(struct gp_signing *s, const unsigned char *octets, size_t n)
{
    if (s->body != NULL)
        gp_hashing_body(s->body, octets, n);
}

/* One more line end completes the last line and is nothing behind a whole one: empty lines at the end do not count. */
static bool finish_body(struct gp_signing *s, uint8_t hash[GP_HASH_OCTETS])
{
    static const unsigned char crlf[] = {'\r', '\n'};
    uint8_t unused[GP_HASH_OCTETS];
    gp_hashing_body(s->body, crlf, sizeof crlf);
    const char *why = gp_hashing_finish(s->body, unused, hash);
    if (why != NULL)
        fail(s, why);
    gp_hashing_free(s->body);
    s->body = NULL;
    return why == NULL;
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

/* list, split at its separators (each stays with what is before it), in lines of COLUMN_MAX */
static void put_folded(struct gp_buf *b, struct gp_str list, char separator)
{
    size_t column = 4;
    while (list.n > 0) {
        size_t n = gp_str_find(list, separator);
        n += n < list.n;
        if (column + n > COLUMN_MAX) {
            gp_buf_putz(b, "\n\t ");
            column = 2;
        }
        gp_buf_put(b, (struct gp_str){list.p, n});
        column += n;
        list = (struct gp_str){list.p + n, list.n - n};
    }
}

static void put_base64(struct gp_buf *b, const unsigned char *octets, size_t n)
{
    char text[BASE64_MAX(SIGNATURE_MAX)];
    int written = EVP_EncodeBlock((unsigned char *)text, octets, (int)n);
    struct gp_str rest = {text, (size_t)written};
    for (size_t line = COLUMN_MAX - 4; rest.n > line; rest = (struct gp_str){rest.p + line, rest.n - line}) {
        gp_buf_put(b, (struct gp_str){rest.p, line});
        gp_buf_putz(b, "\n\t ");
    }
    gp_buf_put(b, rest);
}

/* The whole signature up to its b=. */
static void put_tags(const struct gp_signing *s, const struct gp_dkim_key *key, const uint8_t body[GP_HASH_OCTETS],
                     struct gp_buf *b)
{
    uint64_t now = s->signer->time_s > 0 ? s->signer->time_s : gp_clock_wall_ms() / 1000;
    gp_buf_printf(b,
                  " v=1; a=%s-sha256; c=relaxed/relaxed;\n\td=%s; s=%s; t=%llu;\n\tbh=", gp_dkim_type_word(key->type),
                  key->domain, key->selector, (unsigned long long)now);
    put_base64(b, body, GP_HASH_OCTETS);
    gp_buf_putz(b, ";\n\th=");
    put_folded(b, gp_buf_str(&s->names), ':');
    gp_buf_putz(b, ";\n\tb=");
}

/* The hash of the headers and of the signature that text is so far. */
static bool hash_headers(struct gp_signing *s, const struct gp_buf *text, uint8_t hash[GP_HASH_OCTETS])
{
    char line[sizeof NAME + TEXT_MAX + 4];
    struct gp_buf b = gp_buf_on(line, sizeof line);
    uint8_t unused[GP_HASH_OCTETS];
    gp_buf_printf(&b, NAME "%sAAAA", text->p);
    struct gp_hashing *h = gp_hashing_begin(s->signer->hasher, gp_buf_str(&b));
    if (h == NULL) {
        fail(s, "no memory");
        return false;
    }
    for (size_t at = 0, n; at < s->headers_n; at += sizeof n + n) {
        memcpy(&n, s->headers + at, sizeof n);
        gp_hashing_header(h, (struct gp_str){s->headers + at + sizeof n, n});
    }
    gp_hashing_headers_end(h);
    const char *why = gp_hashing_finish(h, hash, unused);
    if (why != NULL)
        fail(s, why);
    gp_hashing_free(h);
    return why == NULL;
}

static bool sign_rsa(EVP_PKEY *pkey, const uint8_t hash[GP_HASH_OCTETS], unsigned char *out, size_t *n)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
    bool good = c != NULL && EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                EVP_PKEY_sign(c, out, n, hash, GP_HASH_OCTETS) == 1;
    EVP_PKEY_CTX_free(c);
    return good;
}

/* RFC 8463 3: it is the hash that is signed, as if it were the message. */
static bool sign_ed25519(EVP_PKEY *pkey, const uint8_t hash[GP_HASH_OCTETS], unsigned char *out, size_t *n)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(c, out, n, hash, GP_HASH_OCTETS) == 1;
    EVP_MD_CTX_free(c);
    return good;
}

/* The value of the header; NULL and a why when it cannot be made. */
static char *sign(struct gp_signing *s, const struct gp_dkim_key *key, const uint8_t body[GP_HASH_OCTETS])
{
    char text[TEXT_MAX], why[GP_SIGNING_WHY_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text), w = gp_buf_on(why, sizeof why);
    uint8_t hash[GP_HASH_OCTETS];
    unsigned char signature[SIGNATURE_MAX];
    size_t n = sizeof signature;
    put_tags(s, key, body, &b);
    if (!hash_headers(s, &b, hash))
        return NULL;
    if (!(key->type == GP_DKIM_RSA ? sign_rsa : sign_ed25519)(key->pkey, hash, signature, &n)) {
        gp_buf_printf(&w, "OpenSSL does not sign with %s", key->path);
        fail(s, why);
        ERR_clear_error();
        return NULL;
    }
    put_base64(&b, signature, n);
    char *copy = b.full ? NULL : strdup(text);
    if (copy == NULL)
        fail(s, "no memory");
    return copy;
}

size_t gp_signing_finish(struct gp_signing *s)
{
    uint8_t body[GP_HASH_OCTETS];
    size_t made = 0;
    if (s->body == NULL || !finish_body(s, body))
        return 0;
    for (size_t i = 0; i < s->n; i++) {
        s->text[i] = sign(s, s->key[i], body);
        made += s->text[i] != NULL;
    }
    return made;
}

const char *gp_signing_text(const struct gp_signing *s, size_t i)
{
    return s->text[i];
}

const char *gp_signing_why(const struct gp_signing *s)
{
    return s->why;
}

void gp_signing_free(struct gp_signing *s)
{
    if (s == NULL)
        return;
    gp_hashing_free(s->body);
    for (size_t i = 0; i < s->n; i++)
        free(s->text[i]);
    free(s->headers);
    free(s);
}
