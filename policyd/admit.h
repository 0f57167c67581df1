/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * admit.h - carry the rules out: find the agency, fetch what the rules want, judge
 *
 * Many requests are judged together, so that the store is asked once. Main thread only.
 */
#ifndef GP_POLICYD_ADMIT_H
#define GP_POLICYD_ADMIT_H

#include "policyd/login.h"
#include "policyd/rules.h"

#define GP_BATCH_MAX 64               /* requests judged together */
#define GP_LOSS_REPORT_EVERY_MS 60000 /* one log line in this time says that the store is away */

/* One request. The caller sets the first two, gp_admit the others. */
struct gp_job {
    struct gp_request request;
    const struct gp_config *config; /* of the epoch that the session began with */
    const struct gp_profile *profile;
    struct gp_facts facts;
    struct gp_ruling ruling;
};

struct gp_admit;

/* counters: NULL when there are none to ask; logins: NULL when nobody counts failed ones here. Both outlive the result,
 * prefix is copied. NULL when out of memory.
 */
struct gp_admit *gp_admit_new(struct gp_counters *counters, const char *prefix, struct gp_logins *logins);
void gp_admit_free(struct gp_admit *a); /* NULL is fine */

/* gp_admit - judge n <= GP_BATCH_MAX requests, with one question to the store over all of them
 * A stranger, and a stage or profile whose rules want nothing, cost no question. now_ms: wall clock. Takes as long
 * as one gp_counters_get.
 */
void gp_admit(struct gp_admit *a, struct gp_job *jobs, size_t n, const struct gp_blocks *blocks, uint64_t now_ms);

/* gp_admit_report - say in the log how many requests the store did not answer, at most once a minute
 * monotonic_ms: call it after a batch and each second.
 */
void gp_admit_report(struct gp_admit *a, uint64_t monotonic_ms);

#endif
