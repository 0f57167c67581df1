/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_walk.h - the tree of a domain's SPF record and all it includes, whoever the sender is
 *
 * Blocks on the DNS until its deadline. One thread.
 */
#ifndef GP_CTL_SPF_WALK_H
#define GP_CTL_SPF_WALK_H

#include "shared/dns.h"

#include <jansson.h>

#define GP_CTL_SPF_NODES_MAX 64
#define GP_CTL_SPF_DEPTH_MAX 12
#define GP_CTL_SPF_DEADLINE_MS 30000

/* What a walk found. tree and findings belong to whoever started it. */
struct gp_ctl_spf {
    json_t *tree; /* { domain, via, state, trouble, records [], lookups, lookups_total, voids_total, includes [] } */
    json_t *findings;        /* [ { level: "error" or "warning", domain, term, text } ], not without bound */
    unsigned lookups, voids; /* of the whole evaluation when no term matches */
    unsigned errors;
    bool unknown;  /* the DNS did not answer to all that was asked */
    bool includes; /* the domain of `wanted` stands in the tree */
};

/* gp_ctl_spf_walk - wanted: a domain to look out for, may be NULL. Always sets *out, whose tree and findings the caller
 * releases. domain: a valid name.
 */
void gp_ctl_spf_walk(struct gp_dns *d, struct gp_str domain, const char *wanted, struct gp_ctl_spf *out);

#endif
