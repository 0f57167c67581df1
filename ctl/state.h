/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * state.h - is a daemon running, and what does it say of itself?
 *
 * A daemon holds a lock on run_directory/<program>.lock as long as it lives, by which the kernel tells its process:
 * what the daemons write of themselves decides nothing here. It rewrites run_directory/<program>.status each second.
 * One thread.
 */
#ifndef GP_CTL_STATE_H
#define GP_CTL_STATE_H

#include "shared/str.h"

#include <jansson.h>
#include <sys/types.h>

#define GP_CTL_DAEMONS 3
extern const char *const gp_ctl_daemon_name[GP_CTL_DAEMONS]; /* "policyd", "milter", "feedback" */

struct gp_ctl_daemon {
    const char *program;
    pid_t pid;      /* 0: not running */
    json_t *status; /* what this very process wrote; NULL when there is nothing (yet) */
};

/* gp_ctl_daemon_read - look at one daemon; free with gp_ctl_daemon_free */
void gp_ctl_daemon_read(const char *run_directory, const char *program, struct gp_ctl_daemon *out);
void gp_ctl_daemon_free(struct gp_ctl_daemon *d);

/* gp_ctl_daemon_answers - has it written its status of late? One that hangs does not. */
bool gp_ctl_daemon_answers(const struct gp_ctl_daemon *d);

/* gp_ctl_daemon_number - a number of its status, 0 when there is none */
uint64_t gp_ctl_daemon_number(const struct gp_ctl_daemon *d, const char *key);

/* gp_ctl_daemon_text - a text of its status without control characters, cut; "" when there is none */
void gp_ctl_daemon_text(const struct gp_ctl_daemon *d, const char *key, char out[1024]);

#endif
