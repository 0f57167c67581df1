/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * housekeeping.h - the background thread: what is due each second, and what may block
 *
 * Finds the counters' servers back, renews session rows, writes package counts to the database, writes the status file.
 * All functions are for the main thread.
 */
#ifndef GP_MILTER_HOUSEKEEPING_H
#define GP_MILTER_HOUSEKEEPING_H

#include "milter/forecast.h"
#include "shared/ledger.h"
#include "shared/reload.h"
#include "shared/store.h"

#define GP_HOUSEKEEPING_EVERY_MS 1000

struct gp_housekeeping;

/* gp_housekeeping_start - takes the store over; counters may be NULL; reload is guarded by this module from now on;
 * forecasts are counted in the status file
 * Returns NULL (logged) when there is no memory or no thread; then the store is still the caller's.
 */
struct gp_housekeeping *gp_housekeeping_start(struct gp_ledger *ledger, struct gp_counters *counters,
                                              struct gp_store *store, struct gp_reload *reload,
                                              struct gp_forecasts *forecasts);

/* gp_housekeeping_reload - gp_reload_now, and the outcome is in the status file when this returns */
void gp_housekeeping_reload(struct gp_housekeeping *h);

/* gp_housekeeping_stop - end the thread after a last round that saves the packages, close the store; NULL is fine */
void gp_housekeeping_stop(struct gp_housekeeping *h);

#endif
