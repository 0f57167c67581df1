/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression.h - when an address gets no more mail, and when it is tried again (pure; any thread)
 *
 * The ladder: a hard bounce suppresses at once; one real message is let through after each interval; another bounce
 * climbs, any success clears, after the last interval it is for good. Soft bounces, full mailboxes and unknown ones
 * suppress only when they go on for days. Policy, rate and content refusals never do: they are the relay's problem.
 */
#ifndef GP_SHARED_SUPPRESSION_H
#define GP_SHARED_SUPPRESSION_H

#include "shared/report/category.h"

#define GP_SUPPRESSION_STEPS_MAX 8
#define GP_SCOPE_ALL "*"                     /* every stream */
#define GP_SCOPE_BULK "bulk"                 /* every stream but "transactional" */
#define GP_STREAM_TRANSACTIONAL "transactional"
#define GP_STREAM_MAX 32                     /* letters, digits, '-' and '_' */

enum gp_suppression_reason { GP_SUPPRESSED_HARD, GP_SUPPRESSED_SOFT, GP_SUPPRESSED_COMPLAINT, GP_SUPPRESSED_UNSUBSCRIBE,
                             GP_SUPPRESSED_MANUAL };
const char *gp_suppression_reason_name(enum gp_suppression_reason r); /* "hard-bounce", "soft-bounce", "complaint", "unsubscribe", "manual" */

/* One row: an address that an agency ("" = every agency) may not mail in this scope. */
struct gp_suppression {
    char address[255]; /* lower case */
    char agency[33];   /* "" = all */
    char scope[GP_STREAM_MAX + 1];
    enum gp_suppression_reason reason;
    unsigned step;      /* how often it was retested and bounced again */
    uint64_t since_ms;  /* first suppressed, in this run of failures */
    uint64_t retest_ms; /* from then on one message is let through; 0: never again */
    char why[201];      /* the remote side's words, or the operator's */
    char evidence[65];  /* archive id, or log line's queue id; "" */
};

/* Settings; intervals in days. */
struct gp_suppression_rules {
    unsigned hard_count;   /* hard bounces before it is suppressed: 1 */
    size_t steps;          /* 4 */
    unsigned step_days[GP_SUPPRESSION_STEPS_MAX]; /* 7 14 28 56 */
    size_t soft_steps;     /* soft: 14 28 56 */
    unsigned soft_step_days[GP_SUPPRESSION_STEPS_MAX];
    unsigned soft_days;    /* different days with an event: 5 */
    unsigned soft_span;    /* days from the first to the last: 14 */
    unsigned full_span;    /* the same for full mailboxes: 30 */
    unsigned window;       /* days that are looked at: 60 */
};
extern const struct gp_suppression_rules gp_suppression_defaults;

/* What is remembered of an address and agency since its last success, at most one event a day and class. */
struct gp_failure {
    uint32_t day; /* since 1970 */
    enum gp_category category;
};

/* gp_suppression_judge - an event happened; does it make, change or end a suppression?
 * now: the row that stands for this address, agency and GP_SCOPE_ALL (or the event's scope), NULL: none.
 * failures: of the window, this event included, by day. *next is the row as it must become.
 */
enum gp_suppression_change { GP_SUPPRESSION_KEEP, GP_SUPPRESSION_SET, GP_SUPPRESSION_CLEAR };
enum gp_suppression_change gp_suppression_judge(const struct gp_suppression_rules *rules, const struct gp_suppression *now,
                                                enum gp_category event, const struct gp_failure *failures, size_t n,
                                                uint64_t now_ms, struct gp_suppression *next);

/* gp_suppression_holds - does a row of this scope hold for mail of this stream? stream "": the agency names none, so
 * every scope holds
 */
bool gp_suppression_holds(struct gp_str scope, struct gp_str stream);

/* gp_suppression_due - may one message be let through as a retest? */
bool gp_suppression_due(const struct gp_suppression *s, uint64_t now_ms);

#endif
