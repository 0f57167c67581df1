/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kept.c - one growing text: number, length and octets of one header after the other
 */
#include "milter/kept.h"

#include "milter/covered.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 4096

struct mark {
    uint32_t number, n;
};

static void give_up(struct gp_kept *k, enum gp_kept_state state)
{
    gp_kept_clear(k);
    k->state = state;
}

static bool make_room(struct gp_kept *k, size_t need)
{
    size_t cap = k->cap > 0 ? k->cap : FIRST_CAP;
    while (cap - k->n < need)
        cap *= 2;
    if (cap == k->cap)
        return true;
    char *more = realloc(k->text, cap);
    if (more == NULL)
        return false;
    k->text = more;
    k->cap = cap;
    return true;
}

void gp_kept_note(struct gp_kept *k, struct gp_str name, struct gp_str value)
{
    unsigned number = gp_covered_number(gp_str_trim(name));
    if (k->state != GP_KEPT_ALL || !gp_covered_signed(number))
        return;
    struct mark mark = {number, (uint32_t)value.n};
    k->names += gp_str_z(gp_covered_name(number)).n + 1;
    if (value.n > GP_KEPT_OCTETS_MAX - sizeof mark || k->n > GP_KEPT_OCTETS_MAX - sizeof mark - value.n ||
        k->names > GP_KEPT_NAMES_MAX) {
        give_up(k, GP_KEPT_TOO_LARGE);
        return;
    }
    if (!make_room(k, sizeof mark + value.n)) {
        give_up(k, GP_KEPT_NO_MEMORY);
        return;
    }
    memcpy(k->text + k->n, &mark, sizeof mark);
    if (value.n > 0)
        memcpy(k->text + k->n + sizeof mark, value.p, value.n);
    k->n += sizeof mark + value.n;
}

bool gp_kept_next(const struct gp_kept *k, size_t *at, unsigned *number, struct gp_str *value)
{
    struct mark mark;
    if (*at >= k->n)
        return false;
    memcpy(&mark, k->text + *at, sizeof mark);
    *number = mark.number;
    *value = (struct gp_str){k->text + *at + sizeof mark, mark.n};
    *at += sizeof mark + mark.n;
    return true;
}

void gp_kept_clear(struct gp_kept *k)
{
    free(k->text);
    *k = (struct gp_kept){.state = GP_KEPT_ALL};
}
