/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * upkeep.h - what is due by time alone: changed dictionaries, guards and alarms, what the archive and tables forget
 *
 * A worker with a database handle of its own.
 */
#ifndef GP_FEEDBACK_UPKEEP_H
#define GP_FEEDBACK_UPKEEP_H

#include "feedback/archive.h"
#include "feedback/dictionaries.h"

#define GP_INTAKE_ROWS_DAYS 30 /* rows are kept at least so long: a message that comes again is known by its row */

struct gp_upkeep;

/* gp_upkeep_start - sweeps the archive of what a crash left, then starts the thread; NULL (logged) on error */
struct gp_upkeep *gp_upkeep_start(const char *database, struct gp_archive *archive,
                                  struct gp_dictionaries *dictionaries);
void gp_upkeep_wake(struct gp_upkeep *u); /* the configuration changed; any thread */
void gp_upkeep_end(struct gp_upkeep *u);  /* tell it; NULL is fine, below too */
void gp_upkeep_stop(struct gp_upkeep *u);

#endif
