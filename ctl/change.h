/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * change.h - changes of items in memcached, each written to the journal when it was done
 *
 * The database is opened before memcached is touched; a change that then cannot be journalled stays and is told loudly.
 * Errors are told on stderr. One thread.
 */
#ifndef GP_CTL_CHANGE_H
#define GP_CTL_CHANGE_H

#include "ctl/context.h"
#include "ctl/target.h"

enum gp_ctl_done {
    GP_CTL_DONE,
    GP_CTL_ABSENT, /* there was nothing to remove; not told, not journalled */
    GP_CTL_FAILED  /* told */
};

/* gp_ctl_put - make the item of the target's group be value for ttl_s seconds; `what` goes into the journal */
enum gp_ctl_done gp_ctl_put(struct gp_ctl *ctl, const struct gp_ctl_target *target, const char *key, const char *value,
                            uint32_t ttl_s, const char *what, const char *why);

/* gp_ctl_remove - delete the item */
enum gp_ctl_done gp_ctl_remove(struct gp_ctl *ctl, const struct gp_ctl_target *target, const char *key,
                               const char *what, const char *why);

/* gp_ctl_journal - write to the journal what the running verb did elsewhere; false (told loudly) when it cannot
 * The database must be open.
 */
bool gp_ctl_journal(struct gp_ctl *ctl, const char *what, const char *why);

/* gp_ctl_change - a journal entry of the running verb, now; who points into the caller's memory */
struct gp_change gp_ctl_change(const struct gp_ctl *ctl, const char who[64], const char *what, const char *why);

#endif
