/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sign.h - DKIM signatures of one message, several keys at once (RFC 6376, RFC 8463; relaxed/relaxed)
 *
 * libopendkim makes the hashes as it does for a verifier, so that the canonicalization is one that is in use; OpenSSL
 * makes the signatures with keys that were parsed once. One signer per process, for any thread; one signing per
 * message, one thread at a time. The body streams: a signing holds its headers and some 30 KiB. Nothing here blocks.
 */
#ifndef GP_MILTER_SIGN_H
#define GP_MILTER_SIGN_H

#include "shared/config.h"

/* libopendkim keeps a run of a body without any blank or line end in memory, and such a run can be as long as the
 * message. What it holds for all messages together is bounded: octets.
 */
#define GP_SIGNER_MEMORY_MAX (256U << 20)
#define GP_SIGNING_WHY_MAX 160

struct gp_signer;
struct gp_signing;

struct gp_signer_options {
    uint64_t time_s; /* when every signature is made (tests), not to come; 0: now */
    size_t memory;   /* octets; 0: GP_SIGNER_MEMORY_MAX */
};

/* gp_signer_new - NULL when there is no memory */
struct gp_signer *gp_signer_new(struct gp_signer_options options);
void gp_signer_free(struct gp_signer *s); /* after the last gp_signing_free; NULL is fine */

/* gp_signing_begin - n keys (1 to GP_SIGNERS_MAX), which must outlive it; NULL when there is no memory */
struct gp_signing *gp_signing_begin(struct gp_signer *s, const struct gp_dkim_key *const *keys, size_t n);

/* gp_signing_header - one header as it will stand in the message, from the top down: value with its leading blank, if
 * it has one, and its folds. Every header that is given is signed, and those of gp_covered_once_more once more. One of
 * them must be From. All names together: at most 3000 octets, or libopendkim would not see them all.
 */
void gp_signing_header(struct gp_signing *s, struct gp_str name, struct gp_str value);

/* gp_signing_body - the next octets of the body, with CRLF; gp_signing_headers_end comes before the first */
void gp_signing_headers_end(struct gp_signing *s);
void gp_signing_body(struct gp_signing *s, const unsigned char *octets, size_t n);

/* gp_signing_finish - sign, once: only here keys are used, 0.4 ms for each of RSA-2048. Returns how many signatures
 * were made. A body without a CRLF at its end is signed as if it had one: it leaves with one.
 */
size_t gp_signing_finish(struct gp_signing *s);

/* gp_signing_text - after gp_signing_finish: the value of the DKIM-Signature header by key i, with a leading blank,
 * folded by LF; NULL when it could not be made. Lives as long as the signing.
 */
const char *gp_signing_text(const struct gp_signing *s, size_t i);

/* gp_signing_why - what went wrong first; "" when nothing has */
const char *gp_signing_why(const struct gp_signing *s);

void gp_signing_free(struct gp_signing *s); /* at any time; NULL is fine */

#endif
