/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression.h - when an address gets no more mail, and when it is tried again (pure; any thread)
 *
 * The ladder: a hard bounce suppresses at once; one real message is let through after each interval; another bounce
 * climbs, any success clears, after the last interval it is for good. Soft bounces, full mailboxes and unknown ones
 * suppress only when they go on for days, and never for good. Policy, rate and content refusals never do: they are the
 * relay's problem. Complaints and unsubscribes suppress at once and are never retested.
 */
#ifndef GP_SHARED_SUPPRESSION_H
#define GP_SHARED_SUPPRESSION_H

#include "shared/report/category.h"

#define GP_SUPPRESSION_STEPS_MAX 8
#define GP_SCOPE_ALL "*"     /* every stream */
#define GP_SCOPE_BULK "bulk" /* every stream but "transactional" */
#define GP_STREAM_TRANSACTIONAL "transactional"
#define GP_STREAM_MAX 32 /* letters, digits, '-' and '_' */

enum gp_suppression_reason {
    GP_SUPPRESSED_HARD, /* these two are one ladder: an address and agency have one of them at most */
    GP_SUPPRESSED_SOFT,
    GP_SUPPRESSED_COMPLAINT,
    GP_SUPPRESSED_UNSUBSCRIBE,
    GP_SUPPRESSED_MANUAL,
    GP_SUPPRESSION_REASONS
};
/* gp_suppression_reason_name - "hard-bounce", "soft-bounce", "complaint", "unsubscribe", "manual" */
const char *gp_suppression_reason_name(enum gp_suppression_reason r);
/* gp_suppression_reason_parse - by name; false when there is none of that name */
bool gp_suppression_reason_parse(struct gp_str name, enum gp_suppression_reason *out);

/* One row: an address that an agency ("" = every agency) may not mail in this scope. Rows of other reasons stand beside
 * it: taking a complaint back leaves an unsubscribe as it is.
 */
struct gp_suppression {
    char address[255]; /* lower case */
    char agency[33];   /* "" = all */
    char scope[GP_STREAM_MAX + 1];
    enum gp_suppression_reason reason;
    unsigned step;      /* how often it was retested and bounced again */
    uint64_t since_ms;  /* first suppressed, in this run of failures */
    uint64_t retest_ms; /* from then on one message is let through; 0: never again */
    uint64_t until_ms;  /* then it ends by itself; 0: it does not. Only an operator's has an end */
    char why[201];      /* the remote side's words, or the operator's */
    char evidence[65];  /* archive id, or log line's queue id; "" */
};

/* Settings; intervals and spans in days. */
struct gp_suppression_rules {
    unsigned hard_count;                          /* days with a hard bounce before it is suppressed: 1 */
    size_t hard_steps;                            /* 4 */
    unsigned hard_days[GP_SUPPRESSION_STEPS_MAX]; /* 7 14 28 56, then for good */
    size_t soft_steps;                            /* 3 */
    unsigned soft_days[GP_SUPPRESSION_STEPS_MAX]; /* 14 28 56, the last again and again */
    unsigned soft_count; /* different days with an event, one of an unknown cause being half a day: 5 */
    unsigned soft_span;  /* days from the first to the last: 14 */
    unsigned full_span;  /* the same where full mailboxes are among them: 30 */
    unsigned window;     /* days that are looked at: 60 */
};
extern const struct gp_suppression_rules gp_suppression_defaults;

/* What is remembered of an address and agency since its last success: at most one of a day and category. */
struct gp_failure {
    uint32_t day; /* since 1970 */
    enum gp_category category;
};

/* gp_suppression_of - is it an event that may suppress, and for what reason? Hard bounces HARD; soft ones, full
 * mailboxes and unknown ones SOFT.
 */
bool gp_suppression_of(enum gp_category event, enum gp_suppression_reason *reason);

/* gp_suppression_judge - an event happened; does it make, change or end a suppression?
 * now: for a complaint or an unsubscribe the row of that reason and scope, else the row of the ladder (HARD or SOFT);
 * NULL: none. failures: in any order, this event included. *next is set for SET: reason, step, since_ms, retest_ms; the
 * rest is the caller's. A row of the ladder takes the place of the other one.
 * A success before since_ms, read late in the log, ends nothing.
 * A bounce that arrives before the retest is of older mail and changes nothing. A soft bounce of a hard row's retest
 * says nothing about the address: the same interval again.
 */
enum gp_suppression_change { GP_SUPPRESSION_KEEP, GP_SUPPRESSION_SET, GP_SUPPRESSION_CLEAR };
enum gp_suppression_change gp_suppression_judge(const struct gp_suppression_rules *rules,
                                                const struct gp_suppression *now, enum gp_category event,
                                                const struct gp_failure *failures, size_t n, uint64_t now_ms,
                                                struct gp_suppression *next);

/* gp_suppression_holds - does a row of this scope hold for mail of this stream? stream "": the agency names none, so
 * every scope holds
 */
bool gp_suppression_holds(struct gp_str scope, struct gp_str stream);

/* gp_suppression_due - may one message be let through as a retest? */
bool gp_suppression_due(const struct gp_suppression *s, uint64_t now_ms);

/* gp_suppression_ended - an operator's whose time is over: as if it were not there */
bool gp_suppression_ended(const struct gp_suppression *s, uint64_t now_ms);

/* gp_stream_valid - 1 to GP_STREAM_MAX letters, digits, '-' and '_'; GP_SCOPE_ALL is a scope and no stream */
bool gp_stream_valid(struct gp_str name);

#endif
