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
    bool proven;           /* a valid token of ours, or our own log, stands behind agency and recipient; else only counted */
    bool suppress;         /* classify says so */
    struct gp_str agency;  /* "" when not proven */
    struct gp_str recipient; /* lower case; "" */
    struct gp_str stream;  /* of the sealed token, "" */
    struct gp_str token;   /* what makes it one event: the short token's text, or the log's queue id; "" */
    struct gp_str provider;
    struct gp_str status, reply, diagnostic;
    struct gp_str evidence; /* archive id or queue id */
    unsigned incidents;     /* complaints; else 1 */
    bool expired;           /* the token, or what it reports, is too old: counted, changes nothing */
    bool final;             /* log: bounced or expired, not deferred */
    bool greylisting;
};

struct gp_act;

/* gp_act_new - s stays the caller's and must live as long; counters may be NULL. NULL when out of memory. */
struct gp_act *gp_act_new(struct gp_store *s);
void gp_act_free(struct gp_act *a);

/* gp_act_event - record it and act on it. False when the store failed: the caller rolls back and answers 4xx.
 * At most one change of state per (token, class of category): copies are counted as such only (rule a9).
 */
bool gp_act_event(struct gp_act *a, const struct gp_config *c, const struct gp_event *e, uint64_t now_ms);

/* gp_act_tick - what is due by time alone: guards, alarms, pruning; in a transaction of its own. Call about each minute. */
bool gp_act_tick(struct gp_act *a, const struct gp_config *c, uint64_t now_ms);

#endif
