/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * identify.h - whose message a report is about, as far as tokens of ours prove it (pure; any thread)
 *
 * A report is never believed without proof: whoever wrote it chose what it says. Proof is a sealed token, which names
 * agency and recipient, or a short one whose keyed hash is that of an address the report names. All tokens that stand
 * in headers must agree; tokens in the text of a message count only when there is none in headers.
 */
#ifndef GP_FEEDBACK_IDENTIFY_H
#define GP_FEEDBACK_IDENTIFY_H

#include "shared/config.h"
#include "shared/report/report.h"
#include "shared/token.h"

enum gp_proof {
    GP_PROOF_NONE,
    GP_PROOF_VALID,
    GP_PROOF_CONFLICT /* two valid tokens name different people */
};

struct gp_who {
    enum gp_proof proof;
    char recipient[GP_TOKEN_RECIPIENT_MAX + 1]; /* lower case; proven */
    char agency[GP_TOKEN_AGENCY_MAX + 1]; /* proven together with the recipient; it need not be configured any more */
    char stream[GP_TOKEN_STREAM_MAX + 1];
    char token[GP_TOKEN_SHORT + 1]; /* names the message: its bounce token, else another, else made of the sealed one */
    uint32_t day;                   /* of the token */
    /* whose address it came to: known also when nothing is proven about a recipient */
    bool to_token;
    enum gp_token_type to;
    const struct gp_agency *to_agency; /* NULL: postmaster, abuse and the like, or an agency that is no more */
};

/* gp_identify - r: the report; to: recipient of the envelope ("" when not known), sender: of the envelope, "" for null
 * A mail to an unsubscribe token proves its recipient also by the sender's address, in the envelope or in From.
 */
void gp_identify(const struct gp_config *c, const struct gp_report *r, struct gp_str sender, struct gp_str to,
                 uint32_t today, struct gp_who *out);

#endif
