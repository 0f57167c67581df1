/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * status.h - what this daemon says of itself in run_directory/policyd.status, and how a reload went
 *
 * Main thread only.
 */
#ifndef GP_POLICYD_STATUS_H
#define GP_POLICYD_STATUS_H

#include "policyd/settings.h"
#include "shared/counters.h"

struct gp_status {
    uint64_t started_s; /* since 1970 */
    uint64_t reloads, reload_failures;
    bool failed;                     /* the last reload did */
    char failure[GP_FAULT_TEXT_MAX]; /* and why */
};

/* gp_status_reload - load the configuration anew and make it the running epoch; a bad one changes nothing
 * Whatever needs a restart is logged. monotonic_ms: now.
 */
void gp_status_reload(struct gp_status *status, const char *path, const struct gp_settings *settings,
                      uint64_t monotonic_ms);

/* gp_status_write - replace the status file; counters may be NULL; wall_ms: now */
void gp_status_write(const struct gp_status *status, const struct gp_settings *settings,
                     const struct gp_counters *counters, size_t connections, uint64_t wall_ms);

#endif
