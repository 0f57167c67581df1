/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nearest.c - edit distance between names
 */
#include "ctl/nearest.h"

#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete or replace to make one the other (Levenshtein); both at most GP_CTL_NAME_MAX. */
static size_t distance(struct gp_str a, struct gp_str b)
{
    size_t row[GP_CTL_NAME_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

void gp_ctl_nearest(struct gp_ctl_nearest *io, const char *wanted, const char *name)
{
    struct gp_str a = gp_str_z(wanted), b = gp_str_z(name);
    size_t at;
    if (a.n == 0 || b.n == 0 || a.n > GP_CTL_NAME_MAX || b.n > GP_CTL_NAME_MAX)
        return;
    size_t far = distance(a, b), longer = a.n > b.n ? a.n : b.n;
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
