/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reload.h - how a daemon takes a new configuration, and what it says of itself in run_directory/<program>.status and
 * <program>.metrics
 *
 * Sockets are open and privileges dropped when a reload comes, so some settings hold until the daemon is started again;
 * gatepost.conf(5) names them. One thread at a time per struct gp_reload.
 */
#ifndef GP_SHARED_RELOAD_H
#define GP_SHARED_RELOAD_H

#include "shared/config.h"
#include "shared/counters.h"

#define GP_RELOAD_FIXED 16

struct gp_reload {
    const char *program;          /* "milter" */
    const char *path;             /* of the configuration */
    char *fixed[GP_RELOAD_FIXED]; /* copies: the epoch they come from may end */
    uint64_t started_s;           /* since 1970 */
    uint64_t reloads, failures;
    bool failed; /* the last reload did */
    char failure[GP_FAULT_TEXT_MAX];
    const char *store; /* what the status file says of it; NULL: as the counters are */
    char more[192]; /* further members of the status file, each with a comma before it: ",\"auth_last\":7" */
};

/* gp_reload_needs_restart - is this a setting of gatepost.conf that a reload does not take? */
bool gp_reload_needs_restart(const char *setting);

/* gp_reload_init - program and path must live as long as *r; c is what the daemon starts with
 * False when out of memory. gp_reload_free is right in either case.
 */
bool gp_reload_init(struct gp_reload *r, const char *program, const char *path, const struct gp_config *c,
                    uint64_t wall_ms);
void gp_reload_free(struct gp_reload *r);

/* gp_reload_now - load the configuration anew and make it the running epoch
 * A bad one changes nothing, nor does one that changes a setting which needs a restart: half of it would hold here and
 * the whole of it in gatepostctl. Logs the outcome. Returns whether there is a new epoch.
 */
bool gp_reload_now(struct gp_reload *r, uint64_t monotonic_ms);

/* gp_reload_report - replace the status and the metrics file; gauge is the name of value ("sessions"); counters may be NULL */
void gp_reload_report(const struct gp_reload *r, const char *gauge, uint64_t value, const struct gp_counters *counters,
                      uint64_t wall_ms);

#endif
