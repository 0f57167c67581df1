/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppress.h - what the suppress verbs share
 *
 * One thread. What is wrong is told on stderr.
 */
#ifndef GP_CTL_SUPPRESS_H
#define GP_CTL_SUPPRESS_H

#include "ctl/context.h"
#include "shared/address.h"
#include "shared/suppression_store.h"

/* gp_ctl_mailbox - one address in lower case; returns NULL, or a static text that says what is wrong (pure) */
const char *gp_ctl_mailbox(struct gp_str text, char out[GP_ADDRESS_MAX + 1]);

/* gp_ctl_mailbox_told - the same of an argument; false (told) when it is none */
bool gp_ctl_mailbox_told(const char *text, char out[GP_ADDRESS_MAX + 1]);

/* gp_ctl_scope_valid - "*", "bulk", or a stream's name (pure) */
bool gp_ctl_scope_valid(struct gp_str scope);

/* gp_ctl_suppress_filter - the rows that --agency and --since name; opens configuration and database. False (told). */
bool gp_ctl_suppress_filter(struct gp_ctl *ctl, const struct gp_ctl_args *args, struct gp_suppression_filter *out);

#endif
