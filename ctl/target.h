/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * target.h - what a verb's argument names: an agency, or one address
 *
 * One thread. The configuration must be loaded; results point into it.
 */
#ifndef GP_CTL_TARGET_H
#define GP_CTL_TARGET_H

#include "ctl/context.h"

struct gp_ctl_target {
    char text[64]; /* the agency's name, or the address in canonical form */
    bool is_address;
    struct gp_ip ip;                /* when is_address */
    const struct gp_agency *agency; /* that it names, or that lists the address; NULL when there is none */
    char group[64];                 /* group key of its items: the agency's name, else the address */
};

/* gp_ctl_agency - the agency of this name; NULL (told, with the nearest names) when there is none */
const struct gp_agency *gp_ctl_agency(const struct gp_ctl *ctl, const char *name);

/* gp_ctl_target - read an agency's name or a single address, listed or not
 * False (told) for a range, and for what is neither. The name of an agency that the configuration lacks passes with
 * agency NULL: a block may outlive its agency.
 */
bool gp_ctl_target(const struct gp_ctl *ctl, const char *text, struct gp_ctl_target *out);

/* gp_ctl_target_of - the target that an agency is */
struct gp_ctl_target gp_ctl_target_of(const struct gp_agency *agency);

#endif
