/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hashing.h - the two hashes of a DKIM signature, over headers and body in relaxed canonicalization, by libopendkim
 *
 * The only place that knows libopendkim, and it is used as a verifier uses it: as a signer it would parse a PEM key for
 * each message, which takes three times as long as the signature, and lose each Ed25519 key (2.11.0~beta2). One hasher
 * per process, for any thread; a hashing is for one thread at a time. Nothing blocks, no DNS is asked.
 */
#ifndef GP_MILTER_HASHING_H
#define GP_MILTER_HASHING_H

#include "shared/str.h"

#define GP_HASH_OCTETS 32 /* SHA-256 */

struct gp_hasher;
struct gp_hashing;

/* gp_hasher_new - memory: octets that libopendkim may hold for all hashings together; NULL: no memory */
struct gp_hasher *gp_hasher_new(size_t memory);
void gp_hasher_free(struct gp_hasher *h); /* after the last gp_hashing_free; NULL is fine */

/* gp_hashing_begin - signature: the whole header "DKIM-Signature: ..." with any b=; its h= and bh= say what is hashed
 * It must be right: our own. NULL when there is no memory.
 */
struct gp_hashing *gp_hashing_begin(struct gp_hasher *h, struct gp_str signature);

/* gp_hashing_header - "Name:value", from the top of the message down; then gp_hashing_headers_end, then the body */
void gp_hashing_header(struct gp_hashing *h, struct gp_str line);
void gp_hashing_headers_end(struct gp_hashing *h);
void gp_hashing_body(struct gp_hashing *h, const unsigned char *octets, size_t n);

/* gp_hashing_finish - once; the body must be empty or have ended with CRLF
 * headers: those that h= names, and the signature without its b=. Returns NULL, or what went wrong (any step before,
 * too), a text that lives as long as the hashing.
 */
const char *gp_hashing_finish(struct gp_hashing *h, uint8_t headers[GP_HASH_OCTETS], uint8_t body[GP_HASH_OCTETS]);

void gp_hashing_free(struct gp_hashing *h); /* at any time; NULL is fine */

#endif
