/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reading.h - what the steps of gp_report_read share: the parts of one message, and the report they fill in
 *
 * Private to shared/report. Each step is pure but for the report it was given.
 */
#ifndef GP_REPORT_READING_H
#define GP_REPORT_READING_H

#include "shared/report/human.h"
#include "shared/report/mime.h"
#include "shared/report/report.h"

struct gp_reading {
    struct gp_report_memory *m;
    struct gp_parts parts;
    struct gp_human human;
    struct gp_str subject;                      /* lower case, decoded */
    struct gp_str said;                         /* by the text as a whole; one line */
    struct gp_str envelope_id, sender, arrival; /* fields of a delivery status; "" */
    struct gp_report *report;
};

/* gp_reading_find - the recipient of this address, or NULL */
struct gp_report_recipient *gp_reading_find(const struct gp_reading *r, struct gp_str address);

/* gp_reading_add - another recipient; an address that is there already, and what does not fit, is left out
 * Returns the new one, or NULL.
 */
struct gp_report_recipient *gp_reading_add(struct gp_reading *r, struct gp_str address);

/* gp_read_feedback - is it a complaint? Then type, incidents and recipients are filled in. */
bool gp_read_feedback(struct gp_reading *r);
/* gp_read_ses - is it an event of Amazon SES, as JSON? Then its kind and recipients are filled in. */
bool gp_read_ses(struct gp_reading *r);
/* gp_read_dsn - has it fields of a delivery status? Then recipients, envelope id, reporter and arrival are filled in.
 */
bool gp_read_dsn(struct gp_reading *r);
/* gp_read_notice - is it a failure notice without such fields? Then its recipients are filled in. */
bool gp_read_notice(struct gp_reading *r);
/* gp_read_unsubscribe - does somebody, or his mail program, ask to be taken off? The recipient is the sender. */
bool gp_read_unsubscribe(struct gp_reading *r);
/* gp_is_auto_reply - vacation, challenge; gp_has_auto_subject - by its subject; gp_is_automatic - never to be answered
 */
bool gp_is_auto_reply(const struct gp_reading *r);
bool gp_has_auto_subject(const struct gp_reading *r);
bool gp_is_automatic(const struct gp_reading *r);
/* gp_read_tokens - candidates in the order of enum gp_token_place */
void gp_read_tokens(struct gp_reading *r);

#endif
