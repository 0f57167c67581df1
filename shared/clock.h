/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * clock.h - the only place that reads a clock; everything else is given the time
 */
#ifndef GP_SHARED_CLOCK_H
#define GP_SHARED_CLOCK_H

#include <stdint.h>

#define GP_DAY_MS UINT64_C(86400000)

uint64_t gp_clock_wall_ms(void);      /* since 1970, UTC; shared between nodes */
uint64_t gp_clock_monotonic_ms(void); /* never jumps; for ages and deadlines inside one process */
uint64_t gp_clock_monotonic_ns(void); /* the same in nanoseconds; for how long something took */

#endif
