/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_time.h - when a line of a log was written
 *
 * A line may be read long after it was written, and counts where it belongs. Reads the time zone; one thread per clock.
 */
#ifndef GP_FEEDBACK_LOG_TIME_H
#define GP_FEEDBACK_LOG_TIME_H

#include "shared/str.h"

#define GP_LOG_STAMP_MAX 40

/* The stamp that was read last: lines of one second are many. */
struct gp_log_clock {
    char stamp[GP_LOG_STAMP_MAX];
    size_t n;
    uint64_t ms;
};

/* gp_log_time - in milliseconds since 1970; never later than now_ms, which it is too when the stamp cannot be read
 * "Nov 21 09:00:00" is local time, of the year that brings it nearest before now; RFC 3339 says its offset.
 */
uint64_t gp_log_time(struct gp_log_clock *clock, struct gp_str stamp, uint64_t now_ms);

#endif
