/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login_failures.h - when logins from one address failed: the item gp:failures:<address>, see gatepost-keys(5) (pure)
 *
 * Text, so that an operator can read it: "GPF1" and the times of the newest failures, in milliseconds since 1970,
 * oldest first. Any thread.
 */
#ifndef GP_POLICYD_LOGIN_FAILURES_H
#define GP_POLICYD_LOGIN_FAILURES_H

#include "shared/limit.h"
#include "shared/str.h"

#define GP_FAILURES_MAX GP_FAILED_LOGINS_MAX /* no limit needs more */
#define GP_FAILURES_AHEAD_MS 60000           /* a time further ahead was written by a clock that jumped */
#define GP_FAILURES_ITEM_MAX (4 + GP_FAILURES_MAX * 21 + 1)

struct gp_failures {
    size_t n;
    uint64_t at_ms[GP_FAILURES_MAX]; /* ascending */
};

/* gp_failures_decode - false, and *out is empty, for anything that gp_failures_encode does not write */
bool gp_failures_decode(struct gp_str item, struct gp_failures *out);

/* gp_failures_encode - returns the length; the text ends with a NUL */
size_t gp_failures_encode(const struct gp_failures *f, char out[GP_FAILURES_ITEM_MAX]);

/* gp_failures_add - one more, now; those older than keep_s seconds are forgotten, and the oldest when there is no room
 */
void gp_failures_add(struct gp_failures *f, uint64_t now_ms, uint32_t keep_s);

/* gp_failures_count - how many of the last window_s seconds; one that is exactly as old is none of them */
uint64_t gp_failures_count(const struct gp_failures *f, uint64_t now_ms, uint32_t window_s);

#endif
