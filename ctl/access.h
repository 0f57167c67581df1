/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * access.h - can the daemons reach what the configuration names, as the user and group that it names?
 */
#ifndef GP_CTL_ACCESS_H
#define GP_CTL_ACCESS_H

#include "shared/config.h"

/* gp_ctl_access - add a warning for each file or folder that they cannot use, for an unknown user or group, and for a
 * mail_log that does not exist. Who is not root cannot see what others may: then files are not tried.
 */
void gp_ctl_access(const struct gp_config *c, struct gp_faults *faults);

#endif
