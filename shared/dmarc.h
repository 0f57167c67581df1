/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dmarc.h - what DMARC will say of a message (RFC 7489), organizational domains by the public suffix list
 *
 * Pure but for gp_dmarc_find, which asks the DNS and blocks until its deadline. Any thread.
 */
#ifndef GP_SHARED_DMARC_H
#define GP_SHARED_DMARC_H

#include "shared/dns.h"
#include "shared/spf.h"

enum gp_dmarc_state {
    GP_DMARC_UNKNOWN, /* the DNS did not answer, or has not been asked yet */
    GP_DMARC_NONE,    /* no policy is published */
    GP_DMARC_POLICY
};
enum gp_dmarc_action { GP_DMARC_DO_NONE, GP_DMARC_DO_QUARANTINE, GP_DMARC_DO_REJECT };
const char *gp_dmarc_action_name(enum gp_dmarc_action a); /* "none", "quarantine", "reject" */

struct gp_dmarc_policy {
    enum gp_dmarc_state state;
    enum gp_dmarc_action action; /* for the domain that was asked for: p=, or sp= of its organizational domain */
    bool strict_dkim, strict_spf;
    unsigned percent;
    bool organizational; /* found at the organizational domain */
    uint32_t ttl_s;
};

/* gp_dmarc_organizational - view into domain: its organizational domain, or itself when the list knows no better
 * domain: lower case, no final dot. The list is Debian's publicsuffix (or the one built into libpsl), read once.
 */
struct gp_str gp_dmarc_organizational(struct gp_str domain);

/* gp_dmarc_aligned - strict: the same domain; else: the same organizational domain. Case-insensitive. */
bool gp_dmarc_aligned(struct gp_str a, struct gp_str b, bool strict);

/* gp_dmarc_record - read one TXT record into *out (state, action, modes, percent)
 * subdomain: the record is that of the organizational domain of the one that was asked for, so sp= counts.
 * Returns false when it is no DMARC record at all or must be ignored (RFC 7489 6.6.3).
 */
bool gp_dmarc_record(struct gp_str text, bool subdomain, struct gp_dmarc_policy *out);

/* gp_dmarc_find - the policy for mail whose From header names domain: at _dmarc.domain, else at its organizational one
 * domain: in any case, A-labels or U-labels. Always sets *out; ttl_s: how long it may be kept.
 */
void gp_dmarc_find(struct gp_dns *d, struct gp_str domain, uint64_t deadline_ms, struct gp_dmarc_policy *out);

/* What is known of the message as it leaves. */
struct gp_dmarc_facts {
    struct gp_str from;        /* domain of the From header; empty: none or several, which never pass */
    struct gp_str return_path; /* domain of the envelope sender */
    enum gp_spf_result spf;    /* for return_path from the egress addresses: the worst of them */
    size_t signatures;
    struct gp_str signature[8]; /* d= of those that will verify */
};

enum gp_dmarc_result { GP_DMARC_PASS, GP_DMARC_FAIL, GP_DMARC_NO_POLICY, GP_DMARC_NOT_KNOWN };

struct gp_dmarc_forecast {
    enum gp_dmarc_result result;    /* PASS: with or without a policy; NO_POLICY only when it would fail */
    bool spf_aligned, dkim_aligned; /* and passed; while the policy is not known: in strict mode */
};

/* gp_dmarc_judge - pure */
struct gp_dmarc_forecast gp_dmarc_judge(const struct gp_dmarc_facts *f, const struct gp_dmarc_policy *p);

const char *gp_dmarc_name(enum gp_dmarc_result r); /* "pass", "fail", "no-policy", "unknown" */

#endif
