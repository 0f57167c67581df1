/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * guards.h - shares that must not grow: addresses that do not exist, complaints, mail that waits
 *
 * The decisions are pure. The others look at the statistics and write notices, within the caller's transaction; false
 * is an error of the store.
 */
#ifndef GP_FEEDBACK_GUARDS_H
#define GP_FEEDBACK_GUARDS_H

#include "shared/store.h"

#define GP_GUARD_INVALID_LEAST 100    /* results of a day before their share says anything */
#define GP_GUARD_INVALID_PERCENT 10   /* of them hard bounces */
#define GP_GUARD_DELIVERED_LEAST 1000 /* deliveries of a day before the share of complaints says anything */
#define GP_GUARD_DEFERRED_LEAST 20    /* attempts put off within the hour before mail counts as delayed */
#define GP_GUARD_DELAY_MS 1800000     /* and so long, before anybody is told */

/* gp_guard_invalid - do too many of an agency's addresses not exist? */
bool gp_guard_invalid(uint64_t hard, uint64_t results);

/* gp_guard_complaints - complaints per delivery */
enum gp_guard_level { GP_GUARD_QUIET, GP_GUARD_WARNS /* 0.1 % */, GP_GUARD_ALARMS /* 0.3 % */ };
enum gp_guard_level gp_guard_complaints(uint64_t complaints, uint64_t delivered);

/* What is remembered of an agency's mail to one provider. */
struct gp_delay {
    uint64_t since_ms; /* the delay began; 0: there is none */
    bool told;         /* the agency knows */
};
/* What the last hour and the last two hours say. */
struct gp_delay_seen {
    uint64_t deferred, delivered; /* in the last hour */
    uint64_t deferred_before;     /* in the last two hours, the last one included */
};
enum gp_delay_news { GP_DELAY_NO_NEWS, GP_DELAY_BEGAN, GP_DELAY_LASTS, GP_DELAY_OVER };

/* gp_guard_delay - where half of the attempts and more are put off for a while, the agency is told; it is over when
 * less than a fifth is, or nothing was for two hours: mail in the queue may wait longer than an hour from one attempt
 * to the next. LASTS: told before, and it goes on.
 */
enum gp_delay_news gp_guard_delay(struct gp_delay *io, const struct gp_delay_seen *seen, uint64_t now_ms);

/* gp_guard_rates - invalid addresses and complaints of the last 24 hours; gp_guard_delays - mail that waits */
bool gp_guard_rates(struct gp_store *s, uint64_t now_ms);
bool gp_guard_delays(struct gp_store *s, uint64_t now_ms);

#endif
