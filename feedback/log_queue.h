/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_queue.h - messages of ours in Postfix's queue, by their queue ids, in the database
 *
 * What the queue manager's line said of a message that the lines of its deliveries do not say again. Within the
 * caller's transaction; false is an error of the store.
 */
#ifndef GP_FEEDBACK_LOG_QUEUE_H
#define GP_FEEDBACK_LOG_QUEUE_H

#include "shared/store.h"
#include "shared/token.h"

#define GP_QUEUED_KEY_MAX 100
#define GP_QUEUED_TEXT_MAX 1024

struct gp_queued {
    char key[GP_QUEUED_KEY_MAX]; /* instance of Postfix, '/', queue id */
    char token[GP_TOKEN_SHORT + 1];
    char agency[GP_TOKEN_AGENCY_MAX + 1];
    uint64_t day; /* when the queue manager was seen to touch it */
    /* its last failed attempt; "" before */
    char recipient[GP_TOKEN_RECIPIENT_MAX + 1];
    char host[256], status[12];
    char text[GP_QUEUED_TEXT_MAX];
};

/* gp_queued_get - when it is not there *found is false, and of *out only the key is set
 * gp_queued_put - under its key, instead of what was there
 * gp_queued_drop - *had: it was there
 */
bool gp_queued_get(struct gp_store *s, const char *key, struct gp_queued *out, bool *found);
bool gp_queued_put(struct gp_store *s, const struct gp_queued *q);
bool gp_queued_drop(struct gp_store *s, const char *key, bool *had);

/* gp_queued_prune - forget at most `most` that were not touched since a day */
bool gp_queued_prune(struct gp_store *s, uint64_t day, size_t most);

#endif
