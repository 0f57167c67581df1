/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nearest.c - which names may have been meant
 */
#include "ctl/nearest.h"

void gp_ctl_nearest(struct gp_ctl_nearest *io, const char *wanted, const char *name)
{
    struct gp_str a = gp_str_z(wanted), b = gp_str_z(name);
    size_t at;
    size_t far = gp_str_distance(a, b), longer = a.n > b.n ? a.n : b.n;
    if (a.n == 0 || b.n == 0)
        return;
    bool begins = gp_str_starts_nocase(b, a) || gp_str_starts_nocase(a, b);
    if (!begins && far > (longer + 1) / 3)
        return;
    for (at = io->n; at > 0 && io->distance[at - 1] > far; at--) {
        if (at < GP_CTL_NEAREST_MAX) {
            io->best[at] = io->best[at - 1];
            io->distance[at] = io->distance[at - 1];
        }
    }
    if (at < GP_CTL_NEAREST_MAX) {
        io->best[at] = name;
        io->distance[at] = far;
        io->n += io->n < GP_CTL_NEAREST_MAX;
    }
}

void gp_ctl_nearest_text(const struct gp_ctl_nearest *found, char out[256])
{
    struct gp_buf b = gp_buf_on(out, 256);
    for (size_t i = 0; i < found->n; i++) {
        gp_buf_putz(&b, i == 0 ? "; did you mean " : i + 1 == found->n ? " or " : ", ");
        gp_buf_putz(&b, found->best[i]);
    }
    if (found->n > 0)
        gp_buf_putz(&b, "?");
}
