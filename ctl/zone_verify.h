/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * zone_verify.h - are the records that a configuration asks for published? what else must a relay's DNS have?
 *
 * Blocks on the DNS: each question has GP_ZONE_DEADLINE_MS, an SPF check GP_SPF_DEADLINE_MS; when questions in a row
 * without an answer have cost GP_ZONE_PATIENCE_MS, no more is asked. One thread.
 */
#ifndef GP_CTL_ZONE_VERIFY_H
#define GP_CTL_ZONE_VERIFY_H

#include "ctl/zone.h"
#include "shared/dns.h"

#define GP_ZONE_DEADLINE_MS 5000
#define GP_ZONE_PATIENCE_MS 12000

/* Whom to ask; both functions share the patience. */
struct gp_zone_check {
    const struct gp_config *c;
    struct gp_dns *d;
    uint64_t wasted_ms; /* 0 at first; on questions in a row that were not answered */
};

/* Something that is no record of the list. */
struct gp_zone_finding {
    enum gp_zone_state state; /* OK, MISSING, DIFFERS or UNKNOWN */
    char what[64];            /* "address of relay_name", "name of 198.51.100.7" */
    char text[1024];          /* what was found, or what is to be done; clean */
};
typedef void gp_zone_finding_fn(void *arg, const struct gp_zone_finding *f);

/* gp_zone_verify - sets state and found of every record
 * SPF is good when a check of every egress address passes, however it is written. Where it does not, value becomes the
 * record that is there, put right. DMARC is good with any policy, here or at the organizational domain. Returns how
 * many are not OK.
 */
size_t gp_zone_verify(struct gp_zone_check *v, struct gp_zone *z);

/* gp_zone_relay_findings - relay_name has an address; each egress address has a name, which has the address
 * Returns how many are not OK.
 */
size_t gp_zone_relay_findings(struct gp_zone_check *v, gp_zone_finding_fn *each, void *arg);

#endif
