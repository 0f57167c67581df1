/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_advice.h - what is unwise or wrong about an SPF record, and a better one (RFC 7208; pure, any thread)
 */
#ifndef GP_SHARED_SPF_ADVICE_H
#define GP_SHARED_SPF_ADVICE_H

#include "shared/str.h"

#define GP_SPF_LENGTH_WISE 450 /* octets of a record that fits into any DNS answer (RFC 7208 3.4) */

struct gp_spf_finding {
    bool error;         /* receivers find an error, or the record lets everybody pass; else only unwise */
    struct gp_str term; /* that it is about; may be empty */
    const char *text;
};
typedef void gp_spf_finding_fn(void *arg, const struct gp_spf_finding *finding);

/* gp_spf_lint - tell what there is to tell of one record by itself
 * included: it stands behind an include, where how it ends does not matter.
 */
void gp_spf_lint(struct gp_str record, bool included, gp_spf_finding_fn *tell, void *arg);

/* gp_spf_lookalike - NULL, or what keeps a TXT record that seems meant as an SPF record from being one */
const char *gp_spf_lookalike(struct gp_str txt);

/* gp_spf_correct - write one record that says what these n records say, and includes include (may be empty)
 * Broken terms, those behind "all" and repetitions are left out; "+all", or no end at all, becomes "~all". Without any
 * record: an exclusive one, "v=spf1 include:... -all".
 */
void gp_spf_correct(const struct gp_str *records, size_t n, struct gp_str include, struct gp_buf *out);

#endif
