/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * evidence.h - what was said, made comparable: text, codes, phase (pure; any thread; private to shared/report)
 */
#ifndef GP_REPORT_EVIDENCE_H
#define GP_REPORT_EVIDENCE_H

#include "shared/report/dictionary.h"

#define GP_EVIDENCE_MAX (32u << 10) /* octets of a text that are looked at */

/* gp_evidence_clean - as patterns expect a text: in lower case, white space as one blank, an empty line as LF,
 * typographic quotation marks plain. Lines that were broken are joined; between ideographs without a blank.
 */
void gp_evidence_clean(struct gp_str raw, struct gp_buf *out);

/* gp_evidence_strip - take what only says who is talking off a clean text
 * "host x[ip] said: ", "smtp; " before it, "(in reply to rcpt to command)" behind it. *phase is set when one of them
 * tells it and it was not said before.
 */
struct gp_str gp_evidence_strip(struct gp_str text, enum gp_report_phase *phase);

/* gp_evidence_codes - the reply code at the beginning of a clean, stripped text and the first enhanced code in it
 * What the text does not say comes from reply and status, which may be "".
 */
void gp_evidence_codes(struct gp_str text, struct gp_str reply, struct gp_str status, struct gp_evidence *out);

/* gp_evidence_join - write text without the codes that each line of a multi-line reply repeats: "550-5.7.1 ", "550-" */
void gp_evidence_join(struct gp_str text, const struct gp_evidence *codes, struct gp_buf *out);

/* gp_evidence_names - does the clean text name this domain, by itself or behind an @? domain in any case */
bool gp_evidence_names(struct gp_str text, struct gp_str domain);

#endif
