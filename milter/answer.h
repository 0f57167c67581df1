/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * answer.h - a verdict becomes a reply and a line in the log
 */
#ifndef GP_MILTER_ANSWER_H
#define GP_MILTER_ANSWER_H

#include "milter/session.h"
#include "shared/verdict.h"

#include <libmilter/mfapi.h>

/* What a verdict was about. Empty views are left out of the log. */
struct gp_occasion {
    enum gp_milter_stage stage;
    const char *rule; /* the rule that refused, NULL: none of the table */
    struct gp_str client, agency, sender, recipient;
    struct gp_str detail;       /* for the reply's "%" */
    struct gp_str unsigned_why; /* why not every key has signed */
    struct gp_str spf, dmarc;   /* the forecast */
};

/* gp_occasion_of - what the session tells of it; views into s */
struct gp_occasion gp_occasion_of(const struct gp_session *s, enum gp_milter_stage stage);

#define GP_ANSWER_TEXT_MAX (2 * GP_REPLY_TEXT_MAX)

/* gp_answer_text - the reply's text as smfi_setreply wants it: every % doubled. Pure. */
void gp_answer_text(const struct gp_verdict *v, char out[GP_ANSWER_TEXT_MAX]);

/* gp_answer_refuse - set the reply, log and count the verdict; returns what the callback must return. reason: not GP_ACCEPTED. */
sfsistat gp_answer_refuse(SMFICTX *ctx, const struct gp_occasion *o, enum gp_reason reason);

/* gp_answer_accepted - log and count an accepted message */
void gp_answer_accepted(SMFICTX *ctx, const struct gp_occasion *o, uint64_t octets, const struct gp_departure *d);

/* gp_answer_package - log that an agency's package is used up to so many percent */
void gp_answer_package(struct gp_str agency, unsigned percent);

#endif
