/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * since.h - a time on the command line (pure; any thread)
 */
#ifndef GP_CTL_SINCE_H
#define GP_CTL_SINCE_H

#include "shared/str.h"

/* gp_ctl_since - milliseconds since 1970 of "2026-11-21", "2026-11-21T04:20Z", "2026-11-21T04:20:05Z" (UTC), or so long
 * before now: "90s", "30m", "12h", "7d". Returns false, and leaves *out alone, for anything else.
 */
bool gp_ctl_since(struct gp_str text, uint64_t now_ms, uint64_t *out);

#endif
