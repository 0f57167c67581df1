/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_macro.h - macro-strings of SPF records (RFC 7208 7; pure, any thread)
 *
 *     exists:%{ir}.%{v}.%{d}     for 192.0.2.1 and example.gov: exists:1.2.0.192.in-addr.example.gov
 */
#ifndef GP_SHARED_SPF_MACRO_H
#define GP_SHARED_SPF_MACRO_H

#include "shared/ip.h"

/* gp_spf_macros_read - is s a macro-string of a domain-spec or modifier?
 * *macro: it holds macros; *at_end: one of them is its end. Both are set when it is one.
 */
bool gp_spf_macros_read(struct gp_str s, bool *macro, bool *at_end);

/* What macros stand for. */
struct gp_spf_values {
    struct gp_str local, sender; /* of the sender's address: its local-part and its domain */
    struct gp_str domain;        /* whose record it is */
    const struct gp_ip *from;
};

/* gp_spf_expand - write the name that a macro-string stands for
 * A name of more than 253 octets loses labels at its front. Returns NULL, or static text that says why there is no such
 * name: %{p} and %{h} are not known before a message is sent, and what results may be none that the DNS can hold.
 */
const char *gp_spf_expand(struct gp_str s, const struct gp_spf_values *values, struct gp_buf *out);

#endif
