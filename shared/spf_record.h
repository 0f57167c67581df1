/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_record.h - an SPF record, term by term (RFC 7208 4.5, 4.6.1, 5, 6, 7.1, 12; pure, any thread)
 *
 *     v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all
 *
 * The grammar is kept to the letter, because receivers keep it. Views point into the record.
 */
#ifndef GP_SHARED_SPF_RECORD_H
#define GP_SHARED_SPF_RECORD_H

#include "shared/str.h"

#define GP_SPF_NAME_MAX 253 /* octets of a name that can be asked for */

enum gp_spf_kind {
    GP_SPF_ALL,
    GP_SPF_INCLUDE,
    GP_SPF_A,
    GP_SPF_MX,
    GP_SPF_PTR,
    GP_SPF_IP4,
    GP_SPF_IP6,
    GP_SPF_EXISTS,
    GP_SPF_REDIRECT, /* from here on modifiers */
    GP_SPF_EXP,
    GP_SPF_MODIFIER /* one that means nothing to us: ignored, as it must be */
};

struct gp_spf_term {
    struct gp_str text; /* as it stands */
    const char *wrong;  /* NULL, or static text that says what is wrong; then nothing below is set */
    enum gp_spf_kind kind;
    char qualifier;       /* of a mechanism: '+', '-', '~', '?' */
    struct gp_str domain; /* without final dot; empty: the domain whose record it is */
    bool macro;           /* domain holds macros, so it is no name yet */
    uint8_t net[16];      /* IP4: the first 4; IP6: all */
    unsigned v4, v6;      /* prefix lengths, 0..32 and 0..128 */
};

/* gp_spf_is_record - does a TXT record say that it is one: "v=spf1", then a blank or the end? */
bool gp_spf_is_record(struct gp_str txt);

/* gp_spf_terms - what follows "v=spf1" in a record */
struct gp_str gp_spf_terms(struct gp_str record);

/* gp_spf_term_next - take the next term off *rest; false when there is none */
bool gp_spf_term_next(struct gp_str *rest, struct gp_spf_term *out);

/* gp_spf_asks - does the evaluation of this kind count as one of the 10 lookups? */
bool gp_spf_asks(enum gp_spf_kind kind);

/* gp_spf_name_valid - can this be asked for, as the domain of a check or a term without macros is? At least two labels
 * of 1 to 63 visible octets, the last one no number; no final dot.
 */
bool gp_spf_name_valid(struct gp_str name);

/* A whole record at a glance. */
struct gp_spf_outline {
    struct gp_spf_term wrong; /* the first term that is; wrong.wrong is NULL when all are right */
    bool has_all, has_redirect;
    struct gp_spf_term all, redirect; /* redirect counts only without all */
    unsigned lookups;                 /* its own terms that ask, up to all; without what is included */
};

/* gp_spf_outline - *out is always set */
void gp_spf_outline(struct gp_str record, struct gp_spf_outline *out);

#endif
