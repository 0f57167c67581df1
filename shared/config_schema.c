/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_schema.c - look-ups in the rows of config_keys_*.c, which config_keys.h explains
 *
 * The keys of a limits group are those of limit.h.
 */
#include "shared/config_keys.h"

const struct gp_key *gp_config_key_at(size_t i)
{
    if (i < gp_keys_relay_n)
        return &gp_keys_relay[i];
    i -= gp_keys_relay_n;
    if (i < gp_keys_feedback_n)
        return &gp_keys_feedback[i];
    i -= gp_keys_feedback_n;
    return i < gp_keys_agency_n ? &gp_keys_agency[i] : NULL;
}

const struct gp_key *gp_config_key(enum gp_scope scope, struct gp_str name)
{
    const struct gp_key *key;
    for (size_t i = 0; (key = gp_config_key_at(i)) != NULL; i++) {
        if (key->scope == scope && gp_str_eq(name, gp_str_z(key->name)))
            break;
    }
    return key;
}

static void nearer(struct gp_str name, const char *known, size_t *best, const char **found)
{
    size_t d = gp_str_distance(name, gp_str_z(known));
    if (d < *best && d < name.n) {
        *best = d;
        *found = known;
    }
}

const char *gp_config_nearest(enum gp_scope scope, bool limits, struct gp_str name)
{
    const char *found = NULL;
    size_t best = name.n < 5 ? 2 : 3; /* above what is near */
    for (unsigned i = 0; limits && i < GP_LIMIT_COUNT; i++)
        nearer(name, gp_limit_label((enum gp_limit_name)i), &best, &found);
    const struct gp_key *key;
    for (size_t i = 0; !limits && (key = gp_config_key_at(i)) != NULL; i++) {
        if (key->scope == scope)
            nearer(name, key->name, &best, &found);
    }
    return found;
}
