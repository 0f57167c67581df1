/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * preflight.h - the thread that asks the DNS ahead of time and fills the table of forecasts
 *
 * It follows the running epoch. One domain after the other: SPF for every egress address, then the DMARC policy, each
 * with a deadline. What is bad is logged when it changes, and told to the contact of each agency with spf = "warn",
 * once a day (notice.h). All functions are for the main thread.
 */
#ifndef GP_MILTER_PREFLIGHT_H
#define GP_MILTER_PREFLIGHT_H

#include "milter/forecast.h"
#include "shared/store.h"

#define GP_PREFLIGHT_POLL_MS 1000  /* how soon a new epoch, or a domain that is wanted, is seen */
#define GP_PREFLIGHT_DMARC_MS 5000 /* deadline for the policy of one domain */
#define GP_PREFLIGHT_LET_GO_MS 300 /* how long gp_preflight_stop waits for a question that hangs */

struct gp_preflight;

/* gp_preflight_start - takes the store over; the table must live until the process ends; there must be an epoch
 * Returns NULL (logged) when there is no memory or no thread; then the store is still the caller's.
 */
struct gp_preflight *gp_preflight_start(struct gp_forecasts *forecasts, struct gp_store *store);

/* gp_preflight_stop - end the thread; NULL is fine
 * When it hangs in the DNS for longer than GP_PREFLIGHT_LET_GO_MS it is left alone, with all it uses: the process must
 * end now.
 */
void gp_preflight_stop(struct gp_preflight *p);

#endif
