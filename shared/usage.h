/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage.h - what an agency has used: one item for every rate window and package (pure; any thread)
 *
 * Accepted recipients are counted in four rings of buckets (128 of 1 s, 128 of 10 s, 128 of 2 min, 97 of 30 min) and
 * in three durable counters (UTC day, UTC month, and for good). A window is read from the finest ring that covers it,
 * its oldest bucket counted whole: at equal clocks never one too many, and a place frees late by one bucket at most.
 * The item does not depend on which windows are configured, so a live limit changes nothing that is stored.
 *
 * Clocks: now_ms is wall-clock milliseconds since 1970. Nodes must agree within a minute. An item's time never goes
 * back: what a node charges whose clock is behind counts in the newest bucket, so it never leaves a window early. What
 * lies more than a minute ahead of now was written by a clock that jumped. A look does not count it; whoever charges
 * first moves it back to now (gp_usage_mend) and counts it, so it is never lost and locks nobody out for longer than
 * the window.
 *
 * birth names the item's life: drawn at random when an item is made anew. A process that sees another birth than the
 * one it knows has found a store that lost the item, and merges what it saw last.
 */
#ifndef GP_SHARED_USAGE_H
#define GP_SHARED_USAGE_H

#include "shared/limit.h"
#include "shared/verdict.h"

#define GP_USAGE_RINGS 4
#define GP_USAGE_SLOTS 128
#define GP_USAGE_ITEM_MAX 2048 /* octets of the encoded item, at most */
#define GP_USAGE_SKEW_MS 60000 /* a writer's clock may be that far ahead */

struct gp_usage_ring {
    uint64_t newest; /* absolute number of the newest bucket: ms / bucket length; 0 = never used */
    uint32_t slot[GP_USAGE_SLOTS];
};

/* What the database remembers too. */
struct gp_counts {
    uint32_t day;   /* days since 1970 of day_count */
    uint32_t month; /* months since 1970-01 of month_count */
    uint64_t day_count;
    uint64_t month_count;
    uint64_t total; /* never begins anew */
};

struct gp_usage {
    uint64_t birth;
    struct gp_usage_ring ring[GP_USAGE_RINGS];
    struct gp_counts counts;
};

void gp_usage_init(struct gp_usage *u, uint64_t birth);

/* gp_usage_encode - octets written, at most GP_USAGE_ITEM_MAX. Layout: gatepost-keys(5). */
size_t gp_usage_encode(const struct gp_usage *u, char out[GP_USAGE_ITEM_MAX]);

/* gp_usage_decode - false, and *out unspecified, for anything that neither gp_usage_encode of this version wrote nor
 * that of the one before it, whose items had no total: it is 0 then
 */
bool gp_usage_decode(struct gp_str item, struct gp_usage *out);

/* gp_usage_judge - may `recipients` more be accepted now?
 * Returns GP_ACCEPTED, GP_RATE or GP_PACKAGE (the package first: it is the longer wait). Changes nothing.
 */
enum gp_reason gp_usage_judge(const struct gp_usage *u, const struct gp_limits *limits, uint64_t now_ms,
                              uint32_t recipients);

/* gp_usage_mend - move what lies more than a minute ahead of now back to now
 * Returns whether there was any: then the item must be written even when the charge is refused, or it stays ahead.
 */
bool gp_usage_mend(struct gp_usage *u, uint64_t now_ms);

/* gp_usage_charge - count recipients as accepted now, whatever the limits say; mends the item first. Counts saturate.
 */
void gp_usage_charge(struct gp_usage *u, uint64_t now_ms, uint32_t recipients);

/* gp_usage_window - recipients counted in the last `seconds` (1..GP_WINDOW_MAX_S), as gp_usage_judge counts them */
uint64_t gp_usage_window(const struct gp_usage *u, uint32_t seconds, uint64_t now_ms);

/* gp_usage_package - recipients counted in the current calendar period, or in all; 0 for GP_PACKAGE_NONE */
uint64_t gp_usage_package(const struct gp_usage *u, enum gp_package_period period, uint64_t now_ms);

/* gp_usage_warning - did this charge cross 80, 90 or 100 percent of the package?
 * before and after are package counts. Returns the highest step crossed, or 0.
 */
unsigned gp_usage_warning(uint64_t before, uint64_t after, uint64_t package);

/* gp_usage_merge - bucket by bucket and counter by counter the greater of both; u keeps its birth
 * Both sides saw prefixes of one history, so the greater is what both know together. Mend both first.
 */
void gp_usage_merge(struct gp_usage *u, const struct gp_usage *seen);

/* gp_counts_package - the same of counters alone */
uint64_t gp_counts_package(const struct gp_counts *c, enum gp_package_period period, uint64_t now_ms);

/* gp_usage_day, gp_usage_month - the calendar numbers above for a time */
uint32_t gp_usage_day(uint64_t now_ms);
uint32_t gp_usage_month(uint64_t now_ms);

#endif
