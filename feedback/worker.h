/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * worker.h - a thread that takes one turn after another until it is told to end
 *
 * Every input but LMTP is one, and so is what goes out. What a turn needs that belongs to one thread (a database
 * handle) is in arg and used by nobody else.
 */
#ifndef GP_FEEDBACK_WORKER_H
#define GP_FEEDBACK_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct gp_worker;

/* gp_turn_fn - do what is due; returns the milliseconds until the next turn. A long turn asks gp_worker_ending. */
typedef uint64_t gp_turn_fn(void *arg, struct gp_worker *w);

/* gp_worker_start - the first turn comes at once; NULL (logged) on error. arg must live until gp_worker_stop. */
struct gp_worker *gp_worker_start(const char *name, gp_turn_fn *turn, void *arg);

/* gp_worker_wake - take the next turn now; any thread */
void gp_worker_wake(struct gp_worker *w);

/* gp_worker_end, gp_worker_stop - tell it to end; wait until it has, and free it. NULL is fine. */
void gp_worker_end(struct gp_worker *w);
void gp_worker_stop(struct gp_worker *w);

/* gp_worker_ending - was it told to end? Any thread. */
bool gp_worker_ending(const struct gp_worker *w);

#endif
