/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * clock.c - the only place that reads a clock
 */
#include "shared/clock.h"

#include <time.h>

static uint64_t clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t); /* cannot fail for these ids */
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t gp_clock_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t gp_clock_monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t gp_clock_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}
