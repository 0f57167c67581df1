/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outlook.h - what receivers will say of one message by SPF and DMARC: for its line in the log and for X-Gatepost-SPF
 *
 * gp_outlook reads the table of forecasts (forecast.h: it does not wait); the rest is pure. Any thread.
 */
#ifndef GP_MILTER_OUTLOOK_H
#define GP_MILTER_OUTLOOK_H

#include "milter/forecast.h"

#define GP_OUTLOOK_DMARC_MAX 24
#define GP_OUTLOOK_HEADER_MAX 1024

/* What is known of the message. Views live as long as the call. */
struct gp_outlook_facts {
    const struct gp_config *config;
    const struct gp_agency *agency;
    struct gp_str from;   /* domain of the From header; empty: none, or several */
    struct gp_str sender; /* envelope sender as the client gave it, without <>; empty: null */
    size_t keys;
    const struct gp_dkim_key *const *key; /* that sign it */
};

struct gp_outlook {
    char domain[GP_DOMAIN_MAX + 1]; /* of the From header, or of the sender when that names none or several */
    struct gp_forecast forecast;    /* for it */
    struct gp_dmarc_forecast dmarc;
};

/* gp_outlook - look up the domain and the return path (with a null sender: relay_name, which the relay greets with),
 * and judge. A domain that the table does not have is wanted from now on, if the agency may send for it.
 */
void gp_outlook(struct gp_forecasts *t, const struct gp_outlook_facts *f, uint64_t now_ms, struct gp_outlook *out);

/* gp_outlook_spf - the forecast for the sender's domain alone, at MAIL; wanted from now on as above
 * a: NULL when it is nobody's. UNKNOWN for a null sender.
 */
enum gp_spf_result gp_outlook_spf(struct gp_forecasts *t, const struct gp_config *c, const struct gp_agency *a,
                                  struct gp_str domain, uint64_t now_ms);

/* gp_outlook_dmarc - "pass/dkim", "pass/spf", "pass/dkim+spf", "fail", "no-policy" or "unknown" */
void gp_outlook_dmarc(const struct gp_outlook *o, char out[GP_OUTLOOK_DMARC_MAX]);

/* gp_outlook_header - value of X-Gatepost-SPF: "fail; domain=dol.gov; egress=198.51.100.7;\n\twhy=\"...\"", folded,
 * printable ASCII; egress and why are left out when there is none
 */
void gp_outlook_header(const struct gp_outlook *o, char out[GP_OUTLOOK_HEADER_MAX]);

#endif
