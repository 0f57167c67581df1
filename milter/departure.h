/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * departure.h - how one message leaves: its plan of edits, made at the end of its headers, and its signatures, made
 * last
 *
 * The body is signed as it streams by, so what the headers will be must be known before it. No libmilter in here. One
 * message, one thread at a time; about 20 KiB, and what sign.h says. Nothing blocks.
 */
#ifndef GP_MILTER_DEPARTURE_H
#define GP_MILTER_DEPARTURE_H

#include "milter/from.h"
#include "milter/kept.h"
#include "milter/rewrite.h"
#include "milter/sign.h"
#include "shared/verdict.h"

struct gp_departure {
    struct gp_plan plan;
    char from[GP_DOMAIN_MAX + 1]; /* gp_from_domain */
    size_t keys;                  /* that are to sign; 0: none is configured for this message */
    const struct gp_dkim_key *key[GP_SIGNERS_MAX];
    struct gp_signing *signing; /* NULL: it cannot be signed, or need not be */
    bool send_unsigned;         /* the agency's setting */
    enum gp_reason refusal;     /* when not every key has signed: what is answered */
    const char *why;            /* that it cannot be signed, "" when it can */
};

/* gp_departure_begin - at the end of the headers
 * Makes the plan (gp_rewrite; a is NULL for Gatepost's own mail: no edits) and begins to sign the message as it will be after the plan. signer, c and a must outlive
 * it, the others only the call. NULL when there is no plan or no memory: answer GP_INTERNAL.
 */
struct gp_departure *gp_departure_begin(struct gp_signer *signer, const struct gp_config *c, const struct gp_agency *a,
                                        const struct gp_headers *h, const struct gp_kept *kept,
                                        const struct gp_envelope *e);

/* gp_departure_body - the next octets of the body */
void gp_departure_body(struct gp_departure *d, const unsigned char *octets, size_t n);

/* gp_departure_sign - at the end of data, once, when no rule has refused: the only step that costs RSA operations
 * The signatures become edits of the plan, the first key's above the others. Returns GP_ACCEPTED, or what must be
 * answered because not every key has signed; with the agency's send_unsigned that is no refusal.
 */
enum gp_reason gp_departure_sign(struct gp_departure *d);

/* gp_departure_signed - has key i signed? after gp_departure_sign */
bool gp_departure_signed(const struct gp_departure *d, size_t i);

/* gp_departure_why - why not every key has signed; "" when all have */
const char *gp_departure_why(const struct gp_departure *d);

void gp_departure_free(struct gp_departure *d); /* NULL is fine */

#endif
