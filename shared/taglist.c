/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * taglist.c - "tag=value; tag=value", as DKIM and DMARC write it
 */
#include "shared/taglist.h"

bool gp_tag_next(struct gp_str *rest, struct gp_str *name, struct gp_str *value)
{
    struct gp_str part;
    while (gp_str_split(rest, ';', &part)) {
        part = gp_str_trim(part);
        if (part.n == 0)
            continue;
        size_t equals = gp_str_find(part, '=');
        *name = gp_str_trim((struct gp_str){part.p, equals});
        *value = (struct gp_str){NULL, 0};
        if (equals < part.n)
            *value = gp_str_trim((struct gp_str){part.p + equals + 1, part.n - equals - 1});
        return true;
    }
    return false;
}

bool gp_tag_find(struct gp_str list, struct gp_str name, struct gp_str *value)
{
    struct gp_str found;
    while (gp_tag_next(&list, &found, value)) {
        if (value->p != NULL && gp_str_eq(found, name))
            return true;
    }
    return false;
}
