/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * watch.h - the background thread: follows the permanent blocks, finds the counters' servers back, journals test
 * windows (test_turns.h) of the running epoch, which there must be, and login bans (login.h)
 *
 * What may block (the database, a server that does not answer) happens here, so that no policy request waits for it.
 * All functions are for the main thread.
 */
#ifndef GP_POLICYD_WATCH_H
#define GP_POLICYD_WATCH_H

#include "policyd/login.h"
#include "shared/counters.h"
#include "shared/store.h"

#define GP_WATCH_EVERY_MS 1000

struct gp_watch;

/* gp_watch_start - open the database, read the blocks, start the thread
 * counters: NULL when there are none. prefix is copied, logins outlives it. Returns NULL (logged) when the blocks
 * cannot be read: a relay that does not know whom it has blocked must not start.
 */
struct gp_watch *gp_watch_start(const char *database, struct gp_counters *counters, const char *prefix,
                                struct gp_logins *logins);

/* gp_watch_stop - end the thread and free everything; NULL is fine */
void gp_watch_stop(struct gp_watch *w);

/* gp_watch_blocks - the blocks as read last; valid until the next call. When the database cannot be read, the blocks
 * known before stay.
 */
const struct gp_blocks *gp_watch_blocks(struct gp_watch *w);

#endif
