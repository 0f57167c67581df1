/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics.h - how much was accepted, delivered, deferred, bounced, complained about: per agency, provider and time
 *
 * Counts stand in slots of ten minutes; after two days they are joined to hours, after 60 days to days, after 400 days
 * they go. What is counted is a word: see below. False is an error of the store. One thread per handle.
 */
#ifndef GP_SHARED_STATISTICS_H
#define GP_SHARED_STATISTICS_H

#include "shared/report/category.h"
#include "shared/store.h"

#define GP_STAT_SLOT_S 600
#define GP_STAT_WHAT_MAX 40

/* What is counted. */
#define GP_STAT_ACCEPTED "accepted" /* recipients taken from an agency */
#define GP_STAT_DELIVERED "delivered"
#define GP_STAT_DEFERRED "deferred-" /* and the category's name: attempts that failed and will be repeated */
#define GP_STAT_GREYLISTED "deferred-greylisting" /* of a message less than an hour old: no delay */
#define GP_STAT_BOUNCED "bounced-"                /* and the category's name: for good */
#define GP_STAT_DISTRUSTED "bounced-distrusted"   /* hard bounces that are the provider's fault */
#define GP_STAT_COMPLAINTS "complaints"
#define GP_STAT_UNSUBSCRIBES "unsubscribes"
#define GP_STAT_AUTO_REPLIES "auto-replies"
#define GP_STAT_EXPIRED "expired"   /* reports too old to change anything */
#define GP_STAT_REPEATED "repeated" /* reports that came before */
#define GP_STAT_UNPROVEN "unproven" /* reports without a token of ours; of no agency and no provider */

/* gp_stat_add - n more of it, now. agency and provider may be "": of none in particular. */
bool gp_stat_add(struct gp_store *s, struct gp_str agency, struct gp_str provider, struct gp_str what, uint64_t n,
                 uint64_t now_ms);

/* gp_stat_what - "bounced-" and the category's name, as a view into out */
struct gp_str gp_stat_what(const char *prefix, enum gp_category c, char out[GP_STAT_WHAT_MAX]);

/* Which counts, and what they are summed by. Empty views: any. */
struct gp_stat_query {
    struct gp_str agency, provider;
    uint64_t from_ms, until_ms; /* slots that begin in between; until excluded */
    bool by_agency, by_provider, by_time;
    uint64_t step_s; /* by_time: whole hours or days since 1970 */
};
struct gp_stat_row {
    struct gp_str agency, provider, what; /* "" where it was summed over */
    uint64_t at_ms;                       /* 0 where it was summed over */
    uint64_t count;
};
typedef bool gp_stat_fn(void *arg, const struct gp_stat_row *row);
/* gp_stat_read - sums, by time, agency, provider, what; until `each` returns false */
bool gp_stat_read(struct gp_store *s, const struct gp_stat_query *q, gp_stat_fn *each, void *arg);

/* gp_stat_upkeep - join what is old, drop what is too old; cheap when there is nothing */
bool gp_stat_upkeep(struct gp_store *s, uint64_t now_ms);

#endif
