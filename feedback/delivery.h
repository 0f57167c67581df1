/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * delivery.h - what a line of the mail log brings about: mail accepted, delivered, put off, refused, given up
 *
 * Only mail of ours counts: the queue manager's line shows a return path with a genuine token, and the recipient of
 * each result must be the one that the token names, so that nobody's mail says anything about somebody else. All within
 * the caller's transaction.
 */
#ifndef GP_FEEDBACK_DELIVERY_H
#define GP_FEEDBACK_DELIVERY_H

#include "feedback/act.h"
#include "feedback/log_line.h"
#include "shared/report/classify.h"

#define GP_DELIVERY_QUEUED_DAYS 30 /* a message in the queue that was not touched for so long has left it unseen */

struct gp_delivery {
    struct gp_store *store;
    struct gp_act *act;
    const struct gp_config *config;
    const struct gp_dictionary *dictionary;
    uint64_t now_ms;
    bool changed; /* something was written */
};

/* gp_delivery_take - l was written at written_ms. False when the store failed: the caller rolls back. */
bool gp_delivery_take(struct gp_delivery *d, const struct gp_log_line *l, uint64_t written_ms);

#endif
