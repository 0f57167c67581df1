/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.h - the loop: accept, read, judge in batches, answer; signals and what is done each second
 *
 * One thread. In one turn every connection gets at most one request answered, and all requests of a turn are judged
 * together, so a busy connection cannot starve the others and a silent one costs nothing.
 */
#ifndef GP_POLICYD_SERVER_H
#define GP_POLICYD_SERVER_H

#include "policyd/admit.h"
#include "policyd/watch.h"
#include "shared/reload.h"

#include <signal.h>

#define GP_SERVER_ENDING_MS 2000 /* after TERM or INT: the longest that replies may still take */

/* What the server works with; all of it outlives the call of gp_server_run. */
struct gp_server_parts {
    struct gp_reload *reload;
    struct gp_counters *counters; /* NULL: none */
    struct gp_admit *admit;
    struct gp_watch *watch;
    struct gp_logins *logins;
    bool asked;       /* Dovecot asks here: auth_listen is set */
    int listener;     /* listening, non-blocking */
    sigset_t signals; /* blocked in every thread: TERM, INT, HUP, USR1 */
};

/* gp_server_run - until TERM or INT; there must be a running epoch. False (logged) when it cannot begin. */
bool gp_server_run(const struct gp_server_parts *parts);

#endif
