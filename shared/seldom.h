/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * seldom.h - what goes wrong for each message is told once a minute (pure but for the struct; any thread)
 *
 *     if (gp_seldom_due(&s->told, gp_clock_monotonic_ms()))
 *         gp_log(GP_ERROR, ...);
 */
#ifndef GP_SHARED_SELDOM_H
#define GP_SHARED_SELDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GP_SELDOM_MS 60000

struct gp_seldom {
    _Atomic uint64_t told_ms; /* 0: never */
};

/* gp_seldom_due - may it be told now? Then it counts as told: of many threads one hears true. Monotonic time. */
bool gp_seldom_due(struct gp_seldom *s, uint64_t now_ms);

#endif
