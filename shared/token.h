/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * token.h - signed names of a message and its recipient; gatepost-tokens(7)
 *
 * SHORT (return path, unsubscribe mailto): a letter and 32 characters of base32; 20 octets
 *   hdr 1 (version 2 bits, key id 3 bits, type 3 bits) | day 2 | agency 3 | recipient 4 | id 3 | mac 7
 * SEALED (links, X-Gatepost-Ref): base64url of hdr 1 | nonce 12 | AES-256-GCM ciphertext | tag 16.
 * RFC 4648, canonical form only; comparisons of MACs take constant time. Reads the key ring and nothing else, but for
 * randomness: gp_token_random and the nonce of gp_token_seal. Any thread.
 */
#ifndef GP_SHARED_TOKEN_H
#define GP_SHARED_TOKEN_H

#include "shared/keyring.h"
#include "shared/str.h"

#define GP_TOKEN_SHORT 33          /* characters, with the letter */
#define GP_TOKEN_SEALED_MAX 800    /* characters with the NUL */
#define GP_TOKEN_BOUNCE_DAYS 30    /* life of b tokens: still valid on this day of age, expired on the next */
#define GP_TOKEN_FEEDBACK_DAYS 180 /* life of f tokens; u and r never end */
#define GP_TOKEN_AGENCY_MAX 32     /* octets of the name inside a sealed token */
#define GP_TOKEN_RECIPIENT_MAX 254
#define GP_TOKEN_MESSAGE_MAX 128 /* octets of the message id inside a sealed token */
#define GP_TOKEN_STREAM_MAX 32

enum gp_token_type { GP_TOKEN_BOUNCE, GP_TOKEN_UNSUBSCRIBE, GP_TOKEN_FEEDBACK, GP_TOKEN_REPLY, GP_TOKEN_SEALED = 7 };

enum gp_token_state {
    GP_TOKEN_VALID,
    GP_TOKEN_EXPIRED,   /* genuine, but older than its life */
    GP_TOKEN_MALFORMED, /* not the form of a token at all */
    GP_TOKEN_FORGED     /* the form, but no key of ours made it */
};

struct gp_token_short {
    enum gp_token_type type;
    unsigned key_id;
    uint32_t day;         /* days since 1970 */
    uint8_t agency[3];    /* gp_token_agency of its name */
    uint8_t recipient[4]; /* gp_token_recipient of the address */
    uint8_t id[3];
};

struct gp_token_sealed {
    unsigned key_id;
    uint32_t day;
    struct gp_str agency, recipient, message, stream; /* into the buffer given to gp_token_open */
};

/* gp_token_agency, gp_token_recipient - keyed hashes: the same name gives another hash under another key id
 * The address is lower-cased (ASCII) first, the agency's name is not. Returns false, and zeros, when there is no such
 * key or OpenSSL fails.
 */
bool gp_token_agency(const struct gp_keyring *ring, unsigned key_id, struct gp_str name, uint8_t out[3]);
bool gp_token_recipient(const struct gp_keyring *ring, unsigned key_id, struct gp_str address, uint8_t out[4]);

/* gp_token_random - an id for a new message; false when the system has no randomness */
bool gp_token_random(uint8_t id[3]);

/* gp_token_sign - a SHORT token under the signing key; domain is return_path; day 0..65535 (the year 2149)
 * The same arguments give the same token. Lower-cases address and domain (ASCII) before hashing.
 * Returns false, and "", when the ring has no signing key, the type is SEALED, the day is too late or OpenSSL fails.
 */
bool gp_token_sign(const struct gp_keyring *ring, enum gp_token_type type, uint32_t day, struct gp_str agency,
                   struct gp_str recipient, const uint8_t id[3], struct gp_str domain, char out[GP_TOKEN_SHORT + 1]);

/* gp_token_verify - local is a whole local-part, in any case; today in days since 1970
 * A token from the future (more than a day) is FORGED, and so is one whose key is not in the ring or whose letter is
 * not its type's. *out is set for VALID and EXPIRED.
 */
enum gp_token_state gp_token_verify(const struct gp_keyring *ring, struct gp_str local, struct gp_str domain,
                                    uint32_t today, struct gp_token_short *out);

/* gp_token_seal - a SEALED token under the signing key, another one each time; day 0..65535
 * Returns false when a field is longer than its bound above, the ring has no signing key or OpenSSL fails; then out is
 * "".
 */
bool gp_token_seal(const struct gp_keyring *ring, uint32_t day, struct gp_str agency, struct gp_str recipient,
                   struct gp_str message, struct gp_str stream, char out[GP_TOKEN_SEALED_MAX]);

/* gp_token_open - decrypt and check; the views of *out point into buf. VALID, MALFORMED or FORGED: it never expires. */
enum gp_token_state gp_token_open(const struct gp_keyring *ring, struct gp_str text, char buf[GP_TOKEN_SEALED_MAX],
                                  struct gp_token_sealed *out);

#endif
