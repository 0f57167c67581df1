/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limits_view.h - the limits of one agency as they hold now, and what is used of them
 *
 * One thread.
 */
#ifndef GP_CTL_LIMITS_VIEW_H
#define GP_CTL_LIMITS_VIEW_H

#include "ctl/context.h"
#include "shared/usage.h"

enum gp_ctl_from { GP_CTL_FROM_DEFAULT, GP_CTL_FROM_FILE, GP_CTL_FROM_LIVE };

struct gp_ctl_limit {
    char text[GP_LIMIT_TEXT_MAX];         /* the effective value */
    enum gp_ctl_from from;
    int64_t left_s;                       /* of a live one; see ttl.h */
    bool ignored;                         /* there is a live value that does not parse */
    char ignored_text[GP_LIMIT_TEXT_MAX]; /* escaped, cut */
};

struct gp_ctl_limits_view {
    const struct gp_agency *agency;
    const char *server; /* that holds the agency's keys; NULL with counters = [] */
    bool answered;      /* it did: live values, usage and sessions are known */
    struct gp_limits effective;
    struct gp_ctl_limit limit[GP_LIMIT_COUNT];
    struct gp_usage usage;
    uint64_t sessions_open; /* over all nodes */
    uint64_t package_used;  /* the greater of the item's and the database's count */
    uint64_t now_ms;
};

/* gp_ctl_limits_view - gather it: one round trip for the items, one for their ends, the database for the package */
void gp_ctl_limits_view(struct gp_ctl *ctl, const struct gp_agency *agency, uint64_t now_ms,
                        struct gp_ctl_limits_view *out);

#endif
