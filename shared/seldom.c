/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * seldom.c - what goes wrong for each message is told once a minute
 */
#include "shared/seldom.h"

bool gp_seldom_due(struct gp_seldom *s, uint64_t now_ms)
{
    uint64_t last = atomic_load(&s->told_ms);
    return (last == 0 || now_ms - last >= GP_SELDOM_MS) && atomic_compare_exchange_strong(&s->told_ms, &last, now_ms);
}
