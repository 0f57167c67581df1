/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * live.h - limits that an operator changes in memcached while mail flows (pure; any thread)
 */
#ifndef GP_SHARED_LIVE_H
#define GP_SHARED_LIVE_H

#include "shared/counters.h"
#include "shared/limit.h"

/* gp_live_overlay - lay live values over *io
 * items[i] was fetched under gp_key_limit of names[i]; what is not GP_FOUND changes nothing, nor does a value that
 * does not parse. Returns the first name whose value does not parse, or GP_LIMIT_COUNT.
 */
enum gp_limit_name gp_live_overlay(struct gp_limits *io, const enum gp_limit_name *names, const struct gp_item *items,
                                   size_t n);

#endif
