/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * token.c - signed names of a message and its recipient, octet by octet as gatepost-tokens(7) has them
 */
#include "shared/token.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

#define VERSION 1u
#define SHA256_OCTETS 32
#define SHORT_SIGNED 13 /* hdr, day, agency, recipient, id */
#define SHORT_MAC 7
#define SHORT_OCTETS (SHORT_SIGNED + SHORT_MAC)
#define NONCE 12
#define TAG 16
#define PLAIN_MAX (2 + 4 + GP_TOKEN_AGENCY_MAX + GP_TOKEN_RECIPIENT_MAX + GP_TOKEN_MESSAGE_MAX + GP_TOKEN_STREAM_MAX)
#define RAW_MAX (1 + NONCE + PLAIN_MAX + TAG)

_Static_assert(SHORT_OCTETS * 8 / 5 == GP_TOKEN_SHORT - 1, "a short token is a letter and whole base32 characters");
_Static_assert((RAW_MAX * 4 + 2) / 3 < GP_TOKEN_SEALED_MAX, "every sealed token fits");

/* The types that have a short token: its letter and the label that keeps its MAC apart from all others. */
static const struct {
    char letter;
    const char *label;
    uint32_t life_days; /* 0: never ends */
} short_type[] = {
    [GP_TOKEN_BOUNCE] = {'b', "gatepost-verp-1", GP_TOKEN_BOUNCE_DAYS},
    [GP_TOKEN_UNSUBSCRIBE] = {'u', "gatepost-unsub-1", 0},
    [GP_TOKEN_FEEDBACK] = {'f', "gatepost-feedback-1", GP_TOKEN_FEEDBACK_DAYS},
    [GP_TOKEN_REPLY] = {'r', "gatepost-reply-1", 0},
};
#define SHORT_TYPES (sizeof short_type / sizeof short_type[0])

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool usable(const struct gp_keyring *ring, unsigned key_id)
{
    return key_id < GP_KEYS_MAX && ring->have[key_id];
}

static bool update_lower(EVP_MAC_CTX *ctx, struct gp_str s)
{
    char part[128];
    while (s.n > 0) {
        size_t n = s.n < sizeof part ? s.n : sizeof part;
        for (size_t i = 0; i < n; i++)
            part[i] = lower(s.p[i]);
        if (EVP_MAC_update(ctx, (const unsigned char *)part, n) != 1)
            return false;
        s = (struct gp_str){s.p + n, s.n - n};
    }
    return true;
}

/* HMAC-SHA-256 of label, then exact, then folded in lower case */
static bool hmac(const uint8_t *key, const char *label, struct gp_str exact, struct gp_str folded,
                 uint8_t out[SHA256_OCTETS])
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    size_t n = 0;
    bool good = false;
    EVP_MAC_CTX *ctx = NULL;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac != NULL)
        ctx = EVP_MAC_CTX_new(mac);
    good = ctx != NULL && EVP_MAC_init(ctx, key, GP_KEY_OCTETS, params) == 1 &&
           EVP_MAC_update(ctx, (const unsigned char *)label, strlen(label)) == 1 &&
           (exact.n == 0 || EVP_MAC_update(ctx, (const unsigned char *)exact.p, exact.n) == 1) &&
           update_lower(ctx, folded) && EVP_MAC_final(ctx, out, &n, SHA256_OCTETS) == 1 && n == SHA256_OCTETS;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return good;
}

/* base32 of whole groups of 5 octets */
static void base32_put(const uint8_t *in, size_t n, char *out)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (size_t bit = 0; bit < n * 8; bit += 5) {
        unsigned two = (unsigned)in[bit / 8] << 8 | (bit / 8 + 1 < n ? in[bit / 8 + 1] : 0u);
        *out++ = alphabet[two >> (11 - bit % 8) & 31u];
    }
    *out = '\0';
}

/* the reverse, in either case; s.n characters are a multiple of 8 */
static bool base32_get(struct gp_str s, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        unsigned v;
        if (c >= 'a' && c <= 'z')
            v = (unsigned)(c - 'a');
        else if (c >= '2' && c <= '7')
            v = (unsigned)(c - '2') + 26;
        else
            return false;
        bits = (bits << 5 | v) & 0xffffu;
        have += 5;
        if (have >= 8) {
            have -= 8;
            *out++ = (uint8_t)(bits >> have & 0xffu);
        }
    }
    return true;
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64url_put(const uint8_t *in, size_t n, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | in[i]) & 0xffffu;
        for (have += 8; have >= 6; have -= 6)
            *out++ = base64url[bits >> (have - 6) & 63u];
    }
    if (have > 0)
        *out++ = base64url[bits << (6 - have) & 63u];
    *out = '\0';
}

/* Returns the number of octets, or -1: a foreign character, a length that cannot be, spare bits that are not zero. */
static int base64url_get(struct gp_str s, uint8_t out[RAW_MAX])
{
    uint32_t bits = 0;
    unsigned have = 0;
    int n = 0;
    if (s.n % 4 == 1 || s.n > (RAW_MAX * 4 + 2) / 3)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] == '\0' ? NULL : strchr(base64url, s.p[i]);
        if (at == NULL)
            return -1;
        bits = (bits << 6 | (uint32_t)(at - base64url)) & 0xffffu;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have & 0xffu);
        }
    }
    return (bits & ((1u << have) - 1)) == 0 ? n : -1;
}

static uint8_t header_octet(unsigned key_id, enum gp_token_type type)
{
    return (uint8_t)(VERSION << 6 | key_id << 3 | (unsigned)type);
}

static bool keyed_hash(const struct gp_keyring *ring, unsigned key_id, const char *label, struct gp_str exact,
                       struct gp_str folded, uint8_t *out, size_t n)
{
    uint8_t full[SHA256_OCTETS];
    bool good = usable(ring, key_id) && hmac(ring->secret[key_id], label, exact, folded, full);
    if (good)
        memcpy(out, full, n);
    else
        memset(out, 0, n);
    return good;
}

bool gp_token_agency(const struct gp_keyring *ring, unsigned key_id, struct gp_str name, uint8_t out[3])
{
    return keyed_hash(ring, key_id, "gatepost-agency-1", name, (struct gp_str){NULL, 0}, out, 3);
}

bool gp_token_recipient(const struct gp_keyring *ring, unsigned key_id, struct gp_str address, uint8_t out[4])
{
    return keyed_hash(ring, key_id, "gatepost-recipient-1", (struct gp_str){NULL, 0}, address, out, 4);
}

bool gp_token_random(uint8_t id[3])
{
    return RAND_bytes(id, 3) == 1;
}

/* the MAC over the signed octets, under the label of the type that they name */
static bool short_mac(const struct gp_keyring *ring, const uint8_t *octets, struct gp_str domain,
                      uint8_t mac[SHORT_MAC])
{
    struct gp_str fields = {(const char *)octets, SHORT_SIGNED};
    return keyed_hash(ring, octets[0] >> 3 & 7u, short_type[octets[0] & 7u].label, fields, domain, mac, SHORT_MAC);
}

bool gp_token_sign(const struct gp_keyring *ring, enum gp_token_type type, uint32_t day, struct gp_str agency,
                   struct gp_str recipient, const uint8_t id[3], struct gp_str domain, char out[GP_TOKEN_SHORT + 1])
{
    uint8_t o[SHORT_OCTETS];
    out[0] = '\0';
    if ((size_t)type >= SHORT_TYPES || day > UINT16_MAX || !usable(ring, ring->signer))
        return false;
    o[0] = header_octet(ring->signer, type);
    o[1] = (uint8_t)(day >> 8);
    o[2] = (uint8_t)(day & 0xffu);
    memcpy(o + 10, id, 3);
    if (!gp_token_agency(ring, ring->signer, agency, o + 3) ||
        !gp_token_recipient(ring, ring->signer, recipient, o + 6) || !short_mac(ring, o, domain, o + SHORT_SIGNED))
        return false;
    out[0] = short_type[type].letter;
    base32_put(o, sizeof o, out + 1);
    return true;
}

static bool is_letter_of_type(char c)
{
    for (size_t i = 0; i < SHORT_TYPES; i++) {
        if (short_type[i].letter == c)
            return true;
    }
    return false;
}

enum gp_token_state gp_token_verify(const struct gp_keyring *ring, struct gp_str local, struct gp_str domain,
                                    uint32_t today, struct gp_token_short *out)
{
    uint8_t o[SHORT_OCTETS], mac[SHORT_MAC];
    if (local.n != GP_TOKEN_SHORT || !is_letter_of_type(lower(local.p[0])) ||
        !base32_get((struct gp_str){local.p + 1, local.n - 1}, o) || o[0] >> 6 != VERSION)
        return GP_TOKEN_MALFORMED;
    unsigned type = o[0] & 7u;
    uint32_t day = (uint32_t)o[1] << 8 | o[2];
    if (type >= SHORT_TYPES || short_type[type].letter != lower(local.p[0]) || !short_mac(ring, o, domain, mac) ||
        CRYPTO_memcmp(mac, o + SHORT_SIGNED, SHORT_MAC) != 0 || day > (uint64_t)today + 1)
        return GP_TOKEN_FORGED;
    *out = (struct gp_token_short){.type = (enum gp_token_type)type, .key_id = o[0] >> 3 & 7u, .day = day};
    memcpy(out->agency, o + 3, sizeof out->agency);
    memcpy(out->recipient, o + 6, sizeof out->recipient);
    memcpy(out->id, o + 10, sizeof out->id);
    uint32_t life = short_type[type].life_days;
    return life != 0 && today > day + life ? GP_TOKEN_EXPIRED : GP_TOKEN_VALID;
}

/* AES-256-GCM either way over text in place; aad is the header octet. When opening, tag is what must come out. */
static bool gcm(const struct gp_keyring *ring, bool seal, const uint8_t *aad_nonce, uint8_t *text, int n, uint8_t *tag)
{
    uint8_t key[SHA256_OCTETS];
    int len = 0;
    unsigned key_id = aad_nonce[0] >> 3 & 7u;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good = ctx != NULL && keyed_hash(ring, key_id, "gatepost-sealed-1", (struct gp_str){NULL, 0},
                                          (struct gp_str){NULL, 0}, key, sizeof key);
    good = good && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, aad_nonce + 1, seal) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &len, aad_nonce, 1) == 1 && EVP_CipherUpdate(ctx, text, &len, text, n) == 1 &&
           len == n;
    if (good && !seal)
        good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1;
    good = good && EVP_CipherFinal_ex(ctx, text + n, &len) == 1;
    if (good && seal)
        good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(key, sizeof key);
    return good;
}

bool gp_token_seal(const struct gp_keyring *ring, uint32_t day, struct gp_str agency, struct gp_str recipient,
                   struct gp_str message, struct gp_str stream, char out[GP_TOKEN_SEALED_MAX])
{
    const struct gp_str field[] = {agency, recipient, message, stream};
    uint8_t raw[RAW_MAX];
    size_t n = 1 + NONCE;
    out[0] = '\0';
    if (agency.n > GP_TOKEN_AGENCY_MAX || recipient.n > GP_TOKEN_RECIPIENT_MAX || message.n > GP_TOKEN_MESSAGE_MAX ||
        stream.n > GP_TOKEN_STREAM_MAX || day > UINT16_MAX || !usable(ring, ring->signer))
        return false;
    raw[0] = header_octet(ring->signer, GP_TOKEN_SEALED);
    if (RAND_bytes(raw + 1, NONCE) != 1)
        return false;
    raw[n++] = (uint8_t)(day >> 8);
    raw[n++] = (uint8_t)(day & 0xffu);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        raw[n++] = (uint8_t)field[i].n;
        if (field[i].n > 0)
            memcpy(raw + n, field[i].p, field[i].n);
        n += field[i].n;
    }
    if (!gcm(ring, true, raw, raw + 1 + NONCE, (int)(n - 1 - NONCE), raw + n))
        return false;
    base64url_put(raw, n + TAG, out);
    return true;
}

/* the next field, a length octet and as many octets; false when it does not fit */
static bool take_field(struct gp_str *rest, size_t max, struct gp_str *field)
{
    if (rest->n == 0)
        return false;
    size_t n = (unsigned char)rest->p[0];
    if (n > max || n > rest->n - 1)
        return false;
    *field = (struct gp_str){rest->p + 1, n};
    *rest = (struct gp_str){rest->p + 1 + n, rest->n - 1 - n};
    return true;
}

enum gp_token_state gp_token_open(const struct gp_keyring *ring, struct gp_str text, char buf[GP_TOKEN_SEALED_MAX],
                                  struct gp_token_sealed *out)
{
    uint8_t raw[RAW_MAX];
    int n = base64url_get(text, raw);
    if (n < 1 + NONCE + 6 + TAG || raw[0] >> 6 != VERSION || (raw[0] & 7u) != GP_TOKEN_SEALED)
        return GP_TOKEN_MALFORMED;
    int plain = n - 1 - NONCE - TAG;
    if (!gcm(ring, false, raw, raw + 1 + NONCE, plain, raw + n - TAG))
        return GP_TOKEN_FORGED;
    memcpy(buf, raw + 1 + NONCE, (size_t)plain);
    struct gp_token_sealed t = {.key_id = raw[0] >> 3 & 7u, .day = (uint32_t)raw[1 + NONCE] << 8 | raw[2 + NONCE]};
    struct gp_str rest = {buf + 2, (size_t)plain - 2};
    if (!take_field(&rest, GP_TOKEN_AGENCY_MAX, &t.agency) ||
        !take_field(&rest, GP_TOKEN_RECIPIENT_MAX, &t.recipient) ||
        !take_field(&rest, GP_TOKEN_MESSAGE_MAX, &t.message) || !take_field(&rest, GP_TOKEN_STREAM_MAX, &t.stream) ||
        rest.n != 0)
        return GP_TOKEN_MALFORMED;
    *out = t;
    return GP_TOKEN_VALID;
}
