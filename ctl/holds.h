/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * holds.h - who may not send at present: permanent blocks, temporary ones, pauses, login bans
 *
 * One thread.
 */
#ifndef GP_CTL_HOLDS_H
#define GP_CTL_HOLDS_H

#include "ctl/context.h"

struct gp_ctl_hold {
    const char *kind;                   /* "block", "temporary block", "pause", "login ban" */
    const char *target;                 /* the agency's name, or an address */
    char reason[GP_CTL_REASON_MAX + 1]; /* cleaned */
    uint64_t since_ms;                  /* of a permanent block, else 0 */
    int64_t left_s;                     /* of the others; see ttl.h */
};
typedef void gp_ctl_hold_fn(void *arg, const struct gp_ctl_hold *hold);

/* gp_ctl_holds - hand every hold of the agencies and their addresses to each, and all permanent blocks
 * memcached cannot list keys: a temporary block of an address that no agency lists is not found here.
 * Returns false (told) when a server or the database did not answer; what is known was handed on.
 */
bool gp_ctl_holds(struct gp_ctl *ctl, gp_ctl_hold_fn *each, void *arg);

#endif
