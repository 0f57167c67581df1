/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * finish.h - a message that the rules let pass, from the end of its headers to its last verdict
 *
 * Any thread; one at a time for a session. Nothing here waits: no DNS, no database, at most 200 ms for memcached.
 */
#ifndef GP_MILTER_FINISH_H
#define GP_MILTER_FINISH_H

#include "milter/auto_reply.h"
#include "milter/outlook.h"
#include "milter/session.h"
#include "milter/sign.h"
#include "milter/suppressed.h"

#include <libmilter/mfapi.h>

/* What the milter decides with, beside a session: the process has one of each. Owns nothing. */
struct gp_services {
    struct gp_ledger *ledger;             /* sessions and messages are counted there */
    struct gp_signer *signer;             /* signs */
    struct gp_forecasts *forecasts;       /* knows SPF and DMARC of the sender domains */
    struct gp_suppressor *suppressor;     /* knows which recipients may be mailed */
    struct gp_auto_replies *auto_replies; /* counts automatic replies */
};

/* gp_finish_spf - at the end of the headers: X-Gatepost-SPF, or "" when the message is to have none */
void gp_finish_spf(const struct gp_services *use, const struct gp_session *s, const struct gp_now *now,
                   char out[GP_OUTLOOK_HEADER_MAX]);

/* gp_finish - at the end of the message, when its rules have passed: what only the whole of it tells of its recipient,
 * then sign, rewrite and charge. What is refused is counted nowhere, and its edits leave no trace.
 * Replies, logs and counts the verdict; returns what the callback must return. The message stays open.
 */
sfsistat gp_finish(SMFICTX *ctx, const struct gp_services *use, struct gp_session *s, const struct gp_now *now);

/* gp_finish_own - the same for Gatepost's own mail: signed, nothing else */
sfsistat gp_finish_own(SMFICTX *ctx, struct gp_session *s);

#endif
