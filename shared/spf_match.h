/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_match.h - does one mechanism of an SPF record match an address? (libspf2; RFC 7208 5)
 *
 * One thread at a time per struct gp_spf_matcher.
 */
#ifndef GP_SHARED_SPF_MATCH_H
#define GP_SHARED_SPF_MATCH_H

#include "shared/dns.h"
#include "shared/ip.h"
#include "shared/spf_record.h"

enum gp_spf_match {
    GP_SPF_NO_MATCH,
    GP_SPF_MATCH,
    GP_SPF_NOT_JUDGED /* a question said so, or there is no memory, or libspf2 does not know what to make of it */
};

/* gp_spf_ask_fn - answer a question that the match needs
 * Returns NULL, which ends the match as NOT_JUDGED; or the answer (never of state TROUBLE), which lasts until the next
 * question.
 */
typedef const struct gp_dns_answer *gp_spf_ask_fn(void *arg, const char *name, enum gp_dns_type type);

struct gp_spf_matcher;

/* gp_spf_matcher_new - for checks of this address; NULL when out of memory */
struct gp_spf_matcher *gp_spf_matcher_new(const struct gp_ip *from, gp_spf_ask_fn *ask, void *arg);
void gp_spf_matcher_free(struct gp_spf_matcher *m); /* NULL is fine */

/* gp_spf_match - an a, mx, ptr, ip4, ip6 or exists term of domain's record, right and without macros; the qualifier
 * does not count
 */
enum gp_spf_match gp_spf_match(struct gp_spf_matcher *m, const struct gp_spf_term *term, struct gp_str domain);

/* gp_spf_term_text - write a term, without qualifier, as libspf2 is given it for this address (pure) */
void gp_spf_term_text(const struct gp_spf_term *term, const struct gp_ip *from, struct gp_buf *b);

#endif
