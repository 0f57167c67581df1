/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf.h - would a receiver's SPF check pass? (RFC 7208, evaluated by libspf2 over dns.h)
 *
 * Blocks on the DNS until its deadline: never from a callback. One thread at a time per struct gp_dns. Records that
 * libspf2 is known to mishandle never reach it; they count as a permanent error or as unknown.
 */
#ifndef GP_SHARED_SPF_H
#define GP_SHARED_SPF_H

#include "shared/dns.h"
#include "shared/ip.h"

#define GP_SPF_LOOKUPS_MAX 10 /* RFC 7208 4.6.4 */
#define GP_SPF_VOIDS_MAX 2
#define GP_SPF_DEADLINE_MS 10000 /* of one check, for callers without a better one */
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
    unsigned lookups, voids;
    uint32_t ttl_s;           /* how long it may be kept: the least TTL of all that was read */
    char why[GP_SPF_WHY_MAX]; /* one printable line: the mechanism that matched, or what is wrong */
};

/* One question that a check asked, for a trace. */
struct gp_spf_step {
    const char *name;
    enum gp_dns_type type;
    enum gp_dns_state state;
    size_t records;
    const char *note; /* what was dropped of it, or NULL */
};
typedef void gp_spf_trace_fn(void *arg, const struct gp_spf_step *step);

/* gp_spf_check - for mail of domain (local-part "postmaster" when local is empty), from this address
 * deadline_ms: monotonic. trace may be NULL. Always sets *out.
 */
void gp_spf_check(struct gp_dns *d, const struct gp_ip *from, struct gp_str local, struct gp_str domain,
                  uint64_t deadline_ms, gp_spf_trace_fn *trace, void *arg, struct gp_spf_answer *out);

#endif
