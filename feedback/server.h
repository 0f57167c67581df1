/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.h - gatepost-feedback as a whole: raises everything in order, serves until a signal ends it
 *
 * Inputs and what else runs by itself are modules with a thread and a database handle of their own; a new one is
 * started and ended here, and nowhere else known.
 */
#ifndef GP_FEEDBACK_SERVER_H
#define GP_FEEDBACK_SERVER_H

#include "shared/reload.h"

#include <signal.h>

#define GP_FEEDBACK_PROGRAM "feedback"

/* gp_feedback_serve - with the running epoch; signals: blocked already, read here; listener: taken over
 * Privileges are dropped, the pid file is there. False (logged) when something could not be raised.
 */
bool gp_feedback_serve(struct gp_reload *reload, const sigset_t *signals, int listener);

#endif
