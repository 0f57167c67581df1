/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * notice.h - what an agency's contact is to be told, kept until it was delivered
 *
 * Whoever finds something writes a notice; whoever delivers reads those that were not sent, sends, and marks each one.
 * At most one of a kind about one key in a day for an agency, whatever finds it how often. Kept in the database
 * (store.h, whose rules on threads and blocking hold here).
 */
#ifndef GP_SHARED_NOTICE_H
#define GP_SHARED_NOTICE_H

#include "shared/store.h"

#define GP_NOTICE_KEPT_DAYS 60 /* older ones are forgotten, sent or not, whenever one is added */

struct gp_notice {
    int64_t id;          /* set by the database */
    const char *agency;  /* its name; whether it still has a contact is the reader's question */
    const char *kind;    /* "spf" */
    const char *key;     /* what it is about: a domain */
    uint32_t day;        /* days since 1970, UTC */
    uint64_t created_ms; /* since 1970 */
    const char *subject; /* one line */
    const char *body;    /* plain ASCII, lines of at most 500 octets ended by LF */
    uint64_t sent_ms;    /* 0: not yet */
};

/* gp_notice_add - remember it, unless the agency has one of this kind, key and day already; *added says which
 * id and sent_ms of n are not looked at. In the caller's transaction, if it has begun one. False on error.
 */
bool gp_notice_add(struct gp_store *s, const struct gp_notice *n, bool *added);

typedef void gp_notice_fn(void *arg, const struct gp_notice *n);
/* gp_notices_unsent - hand at most `most` notices that were not sent to each, the oldest first; false on error */
bool gp_notices_unsent(struct gp_store *s, size_t most, gp_notice_fn *each, void *arg);

/* gp_notice_sent - it was delivered: never handed out again; false on error. Not from within a gp_notice_fn. */
bool gp_notice_sent(struct gp_store *s, int64_t id, uint64_t now_ms);

#endif
