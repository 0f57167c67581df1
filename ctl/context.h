/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * context.h - what verbs share: the configuration, memcached, the database and who is asking
 *
 * Each is opened when a verb first asks for it, so that a verb that needs none works without. One thread. Whatever
 * cannot be opened is told on stderr in one line (a configuration: one line for each fault).
 */
#ifndef GP_CTL_CONTEXT_H
#define GP_CTL_CONTEXT_H

#include "ctl/verb.h"
#include "shared/config.h"
#include "shared/counters.h"
#include "shared/store.h"

#define GP_CTL_CONFIG_DEFAULT "/etc/gatepost/gatepost.conf"

struct gp_ctl {
    const char *path; /* of gatepost.conf */
    const struct gp_ctl_verb *verb;
    struct gp_config *config; /* NULL until gp_ctl_config */
    struct gp_counters *counters;
    struct gp_store *store;
};

/* gp_ctl_config - load the configuration; false (told) when it has an error. Warnings are left to `check`. */
bool gp_ctl_config(struct gp_ctl *ctl);

/* gp_ctl_counters - connect lazily to memcached; false (told) when there is none
 * The configuration must be loaded. With counters = [] it says that `what` needs memcached.
 */
bool gp_ctl_counters(struct gp_ctl *ctl, const char *what);

/* gp_ctl_store - open the database; false (told) on error. The configuration must be loaded. */
bool gp_ctl_store(struct gp_ctl *ctl);

void gp_ctl_close(struct gp_ctl *ctl);

/* gp_ctl_misused - one line: what is wrong, and the verb's synopsis. Returns GP_CTL_USAGE. */
int gp_ctl_misused(const struct gp_ctl *ctl, const char *wrong);

/* gp_ctl_who - who asks: SUDO_USER when root was become by sudo, else the real user's name; for the journal */
void gp_ctl_who(char out[64]);

/* gp_ctl_faults_print - every fault of a configuration, one a line; warnings too when asked for */
void gp_ctl_faults_print(const struct gp_faults *faults, bool warnings);

#endif
