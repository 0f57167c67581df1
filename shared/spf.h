/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf.h - would a receiver's SPF check pass? (RFC 7208, mechanisms matched by libspf2, all names asked through dns.h)
 *
 * Blocks on the DNS until its deadline: never from a callback. One thread at a time per struct gp_dns.
 *
 * A record's grammar, the order of its terms, include, redirect and every limit are judged here, to the letter of the
 * RFC; libspf2 is given one term at a time, rewritten from what was understood of it, its macros replaced. So no record
 * as it came from the DNS ever reaches libspf2. What is legitimate but cannot be judged (%{p}, %{h}, more records than
 * can be read) makes the result UNKNOWN when the evaluation comes to it.
 */
#ifndef GP_SHARED_SPF_H
#define GP_SHARED_SPF_H

#include "shared/dns.h"
#include "shared/ip.h"

#define GP_SPF_LOOKUPS_MAX 10 /* RFC 7208 4.6.4 */
#define GP_SPF_VOIDS_MAX 2
#define GP_SPF_DEADLINE_MS 20000 /* of one check, for callers without a better one (RFC 7208 4.6.4) */
#define GP_SPF_WHY_MAX 256

/* From good to bad. UNKNOWN: the DNS did not answer; it is never a verdict. */
enum gp_spf_result {
    GP_SPF_PASS,
    GP_SPF_NONE,
    GP_SPF_NEUTRAL,
    GP_SPF_UNKNOWN,
    GP_SPF_SOFTFAIL,
    GP_SPF_PERMERROR,
    GP_SPF_FAIL
};

/* gp_spf_name - "pass", "none", "neutral", "unknown", "softfail", "permerror", "fail" */
const char *gp_spf_name(enum gp_spf_result r);

struct gp_spf_answer {
    enum gp_spf_result result;
    unsigned lookups, voids;  /* terms that ask; those of them that found nothing to ask for */
    uint32_t ttl_s;           /* how long it may be kept: the least TTL of all that was read */
    char why[GP_SPF_WHY_MAX]; /* one printable line: the mechanism that matched, or what is wrong */
};

/* One question that a check asked, for a trace; it lasts as long as the call. */
struct gp_spf_step {
    const char *name;
    enum gp_dns_type type;
    const struct gp_dns_answer *answer;
    const char *note; /* what was dropped of it, or NULL */
};
typedef void gp_spf_trace_fn(void *arg, const struct gp_spf_step *step);

/* gp_spf_check - for mail of domain (local-part "postmaster" when local is empty), from this address
 * A domain that is no name in the DNS has no record: NONE. deadline_ms: monotonic. trace may be NULL. Always sets *out.
 */
void gp_spf_check(struct gp_dns *d, const struct gp_ip *from, struct gp_str local, struct gp_str domain,
                  uint64_t deadline_ms, gp_spf_trace_fn *trace, void *arg, struct gp_spf_answer *out);

#endif
