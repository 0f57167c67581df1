/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * destination.h - does a recipient stand at our return path, and does it prove it? (pure; any thread)
 */
#ifndef GP_POLICYD_DESTINATION_H
#define GP_POLICYD_DESTINATION_H

#include "shared/config.h"
#include "shared/str.h"

enum gp_destination {
    GP_TO_ELSEWHERE,   /* not at return_path */
    GP_TO_RETURN_PATH, /* a token that one of our keys made, expired or not; postmaster and abuse */
    GP_TO_NOBODY       /* at return_path, and nothing of the kind */
};

/* gp_destination_of - recipient as the policy protocol gives it: unquoted, case preserved
 * Postfix rewrites some forms only after it asked us: a trailing dot, "user%domain", "domain!user", a source route. So
 * a dot is dropped here, and a routed form that names return_path anywhere is GP_TO_NOBODY.
 * today: days since 1970, UTC.
 */
enum gp_destination gp_destination_of(const struct gp_config *c, struct gp_str recipient, uint32_t today);

#endif
