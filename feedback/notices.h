/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notices.h - what an agency or the operator is told: one text for each occasion
 *
 * A notice is a row of the table that is delivered from; of one kind, about one key, an agency gets one a day. Agency
 * "" is the operator. Within the caller's transaction; false is an error of the store.
 */
#ifndef GP_FEEDBACK_NOTICES_H
#define GP_FEEDBACK_NOTICES_H

#include "shared/store.h"

/* gp_notice_provider_fault - many hard bounces at once say the same; released: suppressions taken back */
bool gp_notice_provider_fault(struct gp_store *s, struct gp_str provider, struct gp_str diagnostic, uint64_t alike,
                              uint64_t results, uint64_t released, uint64_t now_ms);

/* gp_notice_invalid - too many addresses of an agency do not exist, within a day */
bool gp_notice_invalid(struct gp_store *s, struct gp_str agency, uint64_t invalid, uint64_t results, uint64_t now_ms);

/* gp_notice_complaints - complaints of the day; provider "": all of them together. severe: from 0.3 % on, else 0.1 % */
bool gp_notice_complaints(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t complaints,
                          uint64_t delivered, bool severe, uint64_t now_ms);

/* gp_notice_delay - mail to a provider waits, since when; gp_notice_delay_over - it moves again */
bool gp_notice_delay(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t deferred,
                     uint64_t delivered, uint64_t since_ms, uint64_t now_ms);
bool gp_notice_delay_over(struct gp_store *s, struct gp_str agency, struct gp_str provider, uint64_t since_ms,
                          uint64_t now_ms);

/* gp_notice_quarantine - to the operator: a message waits for people to look at it; id: of the archive */
bool gp_notice_quarantine(struct gp_store *s, const char *id, const char *why, uint64_t now_ms);

#endif
