/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast.h - what receivers will make of the domains that mail is sent for: a table that is filled ahead of time
 *
 * One thread fills it (preflight.h): follow, due, learn. Callbacks on any thread look and want; they never wait for the
 * DNS, and for the filling thread only as long as the table is searched (less than 0.1 ms). No I/O, no clock: times
 * are monotonic milliseconds, given by the caller. Domains are kept as the DNS has them: A-labels, lower case.
 */
#ifndef GP_MILTER_FORECAST_H
#define GP_MILTER_FORECAST_H

#include "shared/address.h"
#include "shared/config.h"
#include "shared/dmarc.h"
#include "shared/spf.h"

#define GP_FORECASTS_MAX 20000     /* domains; further ones stay unknown */
#define GP_FORECAST_WANTED_MAX 64  /* domains in use that wait to be taken up; further ones ask with their next mail */
#define GP_FORECAST_TTL_LEAST_S 60 /* how long a verdict stands: the DNS's word within these bounds */
#define GP_FORECAST_TTL_MOST_S 86400
#define GP_FORECAST_RETRY_S 60 /* after DNS trouble; doubled while it lasts, up to the next */
#define GP_FORECAST_RETRY_MOST_S 960
#define GP_FORECAST_KEPT_S 86400 /* after its time a verdict stands on for so long while the DNS is in trouble */
#define GP_FORECAST_IDLE_S 86400 /* a domain that came by a ".dol.gov" is dropped when not used for so long */

/* What is known of one domain. */
struct gp_forecast {
    enum gp_spf_result spf;   /* the worst over all egress addresses */
    char egress[GP_IP_TEXT];  /* the one it is worst for; "" while UNKNOWN for want of any answer */
    char why[GP_SPF_WHY_MAX]; /* one printable line */
    struct gp_dmarc_policy dmarc;
    uint32_t ttl_s; /* set by who asked: the least of what the DNS said */
};

/* gp_forecast_unknown - nothing is known */
struct gp_forecast gp_forecast_unknown(void);

/* gp_forecast_worse - lay the answer for one egress address over *io if it is worse, or the first one (io->egress "")
 */
void gp_forecast_worse(struct gp_forecast *io, const struct gp_ip *egress, const struct gp_spf_answer *answer);

/* gp_forecast_bad - does the domain publish what makes its mail from here fail? softfail, permerror, fail */
bool gp_forecast_bad(const struct gp_forecast *f);

struct gp_forecasts;

struct gp_forecasts *gp_forecasts_new(void);    /* NULL: no memory */
void gp_forecasts_free(struct gp_forecasts *t); /* NULL is fine */

/* gp_forecasts_follow - take up the domains of a configuration; the filling thread
 * Those are return_path, relay_name and every sender domain without a leading dot; none without egress. New ones are
 * due at once, those that are gone are forgotten, a change of egress forgets all verdicts. Of domains that were wanted,
 * those that an agency may still send for stay. Returns how many did not fit (or that there was no memory for).
 */
size_t gp_forecasts_follow(struct gp_forecasts *t, const struct gp_config *c, uint64_t now_ms);

/* gp_forecasts_due - the domain that has been due for the longest; the filling thread
 * Takes up first what callbacks want, and drops what is idle. False when none is due; *next_ms: when the next one will
 * be (UINT64_MAX: none at all).
 */
bool gp_forecasts_due(struct gp_forecasts *t, uint64_t now_ms, char domain[GP_DOMAIN_MAX + 1], uint64_t *next_ms);

/* gp_forecasts_learn - what the DNS said of a domain just now; the filling thread
 * What is UNKNOWN in it does not replace a verdict that still stands. *before and *after: what callbacks saw and see.
 * False when the domain is no longer in the table.
 */
bool gp_forecasts_learn(struct gp_forecasts *t, struct gp_str domain, const struct gp_forecast *fresh, uint64_t now_ms,
                        struct gp_forecast *before, struct gp_forecast *after);

/* gp_forecasts_look - what is known of a domain (in any case, A-labels or U-labels); any thread
 * False, and gp_forecast_unknown, when the table does not have it.
 */
bool gp_forecasts_look(struct gp_forecasts *t, struct gp_str domain, uint64_t now_ms, struct gp_forecast *out);

/* gp_forecasts_want - mail is sent for a domain that the table does not have, by an agency that may; any thread
 * False when it is no domain, and when too many wait already.
 */
bool gp_forecasts_want(struct gp_forecasts *t, struct gp_str domain);

/* gp_forecasts_count - domains that were evaluated, and of these the bad ones; any thread */
void gp_forecasts_count(struct gp_forecasts *t, uint64_t now_ms, size_t *evaluated, size_t *bad);

#endif
