/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppressed.h - may this recipient be mailed? Asked at RCPT, and again at end of data where the stream matters
 *
 * Rows that hold for every stream speak at RCPT; so does every other row when the agency names no streams. When a row
 * is due for its retest one message passes: whoever adds the item gp:retest:... to memcached first. Without memcached
 * nobody does, and nothing is retested. Any thread; look-ups take microseconds and never wait for a writer.
 */
#ifndef GP_MILTER_SUPPRESSED_H
#define GP_MILTER_SUPPRESSED_H

#include "shared/config.h"
#include "shared/counters.h"
#include "shared/suppression_reader.h"
#include "shared/verdict.h"

#define GP_RETEST_EVERY_S 86400 /* a retest whose outcome is not learnt is followed by another one */

struct gp_suppressor;

/* gp_suppressor_new - counters may be NULL and stay the caller's; prefix is copied. NULL when out of memory. */
struct gp_suppressor *gp_suppressor_new(const char *database, struct gp_counters *counters, const char *prefix);
void gp_suppressor_free(struct gp_suppressor *s); /* NULL is fine */

/* What is asked. */
struct gp_suppressed_question {
    const struct gp_config *config;
    const struct gp_agency *agency;
    struct gp_str recipient;
    struct gp_str stream; /* at end of data only */
    uint64_t now_ms;
};

/* gp_suppressed_rcpt, gp_suppressed_end - GP_ACCEPTED, GP_SUPPRESSED with why and since when in detail, or GP_INTERNAL
 * When the database cannot be read the message passes: suppression spares a reputation, and a broken file must not stop
 * all mail. Where on_counter_loss is "closed" it waits instead (GP_INTERNAL). Either is logged, once a minute.
 */
enum gp_reason gp_suppressed_rcpt(struct gp_suppressor *s, const struct gp_suppressed_question *q,
                                  char detail[GP_DETAIL_MAX + 1]);
enum gp_reason gp_suppressed_end(struct gp_suppressor *s, const struct gp_suppressed_question *q,
                                 char detail[GP_DETAIL_MAX + 1]);

/* gp_suppressed_text - "why, since 2026-11-21"; the date is never cut off (pure) */
void gp_suppressed_text(const struct gp_suppression *row, char detail[GP_DETAIL_MAX + 1]);

#endif
