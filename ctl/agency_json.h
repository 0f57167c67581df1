/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * agency_json.h - agencies as programs read them
 */
#ifndef GP_CTL_AGENCY_JSON_H
#define GP_CTL_AGENCY_JSON_H

#include "shared/config.h"

#include <jansson.h>

/* gp_ctl_keys_json - a list of DKIM keys: what is public of them. The caller has the reference. */
json_t *gp_ctl_keys_json(const struct gp_dkim_key *list, size_t n);

/* gp_ctl_agencies_json - an array, one object for each agency: what its entry in the file says, with defaults
 * The caller has the reference.
 */
json_t *gp_ctl_agencies_json(const struct gp_config *c);

#endif
