/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * live.c - limits that an operator changes in memcached while mail flows
 */
#include "shared/live.h"

enum gp_limit_name gp_live_overlay(struct gp_limits *io, const enum gp_limit_name *names, const struct gp_item *items,
                                   size_t n)
{
    enum gp_limit_name bad = GP_LIMIT_COUNT;
    for (size_t i = 0; i < n; i++) {
        if (items[i].state != GP_FOUND)
            continue;
        struct gp_str text = gp_str_trim((struct gp_str){items[i].value, items[i].n});
        bool read = gp_limit_live(names[i]) && gp_limit_set(io, names[i], text) == NULL;
        if (!read && bad == GP_LIMIT_COUNT)
            bad = names[i];
    }
    return bad;
}
