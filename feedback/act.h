/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * act.h - what was learnt becomes durable: events, suppressions, statistics, notices
 *
 * All within the caller's transaction (gp_store_begin ... gp_store_commit), so that an input and its effects are one.
 * One thread per handle.
 */
#ifndef GP_FEEDBACK_ACT_H
#define GP_FEEDBACK_ACT_H

#include "shared/config.h"
#include "shared/store.h"
#include "shared/suppression.h"

enum gp_source { GP_SOURCE_MAIL, GP_SOURCE_LOG };

/* One thing that was learnt about one recipient. Views live as long as the call. */
struct gp_event {
    enum gp_category category;
    enum gp_source source;
    bool proven;   /* a valid token of ours, or our own log, stands behind agency and recipient; else only counted */
    bool suppress; /* classify says so; a hard bounce without it only counts as a soft one */
    bool unclassified; /* no entry of a dictionary fitted (struct gp_meaning); so does category UNKNOWN */
    bool delayed;      /* mail: the report says it is tried again (Action: delayed); counts for nothing */
    bool not_spam;     /* a complaint is taken back; category COMPLAINT */
    bool expired;      /* the token, or what it reports, is too old: counted, changes nothing */
    bool final;        /* log: bounced or expired, not deferred */
    bool greylisting;
    struct gp_str agency;    /* "" when not proven */
    struct gp_str recipient; /* lower case; "" */
    struct gp_str stream;    /* of the sealed token, "" */
    /* What makes it one event, and a copy of it none: the short token's text, in the log too where the sender is one of
     * ours (so that a line and the report of the same bounce are one); else the log's queue id; "": never a copy.
     */
    struct gp_str token;
    struct gp_str provider; /* "": the recipient's domain */
    struct gp_str status, reply, diagnostic;
    struct gp_str evidence; /* archive id or queue id */
    unsigned incidents;     /* complaints; 0 counts as 1 */
    uint64_t queued_s;      /* log: how long the message has waited so far */
};

struct gp_act;

/* gp_act_new - s stays the caller's and must live as long. NULL when out of memory. */
struct gp_act *gp_act_new(struct gp_store *s);
void gp_act_free(struct gp_act *a);

/* gp_act_event - record it and act on it. False when the store failed: the caller rolls back and answers 4xx.
 * At most one change of state per (token, category): copies are counted as such only; an unsubscribe holds
 * whenever it comes. Deliveries of the log are no copies of each other: the log is read once.
 */
bool gp_act_event(struct gp_act *a, const struct gp_config *c, const struct gp_event *e, uint64_t now_ms);

/* gp_act_count - n more of something that is only counted (statistics.h), such as recipients accepted; within the
 * caller's transaction
 */
bool gp_act_count(struct gp_act *a, struct gp_str agency, struct gp_str provider, struct gp_str what, uint64_t n,
                  uint64_t now_ms);

/* gp_act_tick - what is due by time alone: guards, alarms, pruning; in a transaction of its own
 * Call about each minute.
 */
bool gp_act_tick(struct gp_act *a, const struct gp_config *c, uint64_t now_ms);

#endif
