/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nearest.h - which names may have been meant (pure; any thread)
 */
#ifndef GP_CTL_NEAREST_H
#define GP_CTL_NEAREST_H

#include "shared/str.h"

#define GP_CTL_NEAREST_MAX 3

/* gp_ctl_nearest - add name to the list of the nearest to wanted, if it is near enough
 * Near: about a third of the letters of the longer one differ at most, or one begins with the other; letters
 * compare without case. best[] holds the nearest first and is changed in place; start with n = 0.
 */
struct gp_ctl_nearest {
    size_t n;
    const char *best[GP_CTL_NEAREST_MAX];
    size_t distance[GP_CTL_NEAREST_MAX];
};
void gp_ctl_nearest(struct gp_ctl_nearest *io, const char *wanted, const char *name);

/* gp_ctl_nearest_text - "; did you mean a, b or c?", or "" */
void gp_ctl_nearest_text(const struct gp_ctl_nearest *found, char out[256]);

#endif
