/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * zone.h - the DNS records that a configuration asks for (pure)
 *
 * Who has to publish them: the relay's operator, or the DNS of an agency. One thread.
 */
#ifndef GP_CTL_ZONE_H
#define GP_CTL_ZONE_H

#include "shared/config.h"

#define GP_ZONE_LINE_MAX 8192 /* octets of one record as a line; longer ones are cut, and do not occur */

enum gp_zone_kind {
    GP_ZONE_MX,  /* value: the host */
    GP_ZONE_SPF, /* value: the text of a TXT record; so for the next three */
    GP_ZONE_DKIM,
    GP_ZONE_DMARC,
    GP_ZONE_REPORTS, /* that reports about another domain may be sent here: RFC 7489 7.1 */
    GP_ZONE_NOTE     /* no record: something that no record can say; name is NULL */
};

enum gp_zone_state { GP_ZONE_UNASKED, GP_ZONE_OK, GP_ZONE_MISSING, GP_ZONE_DIFFERS, GP_ZONE_UNKNOWN };

struct gp_zone_record {
    const struct gp_agency *agency; /* whose DNS; NULL: the relay's */
    enum gp_zone_kind kind;
    char *name; /* owner: A-labels, lower case, no final dot */
    char *value;
    enum gp_zone_state state;
    char *found; /* what is there instead, or why nothing is known; foreign text, one line each; NULL: nothing */
};

struct gp_zone {
    size_t n, room;
    struct gp_zone_record *record; /* each group together */
    bool failed;                   /* no memory: not all are there */
};

/* gp_zone_relay - MX and SPF of return_path, SPF of relay_name, the relay's DKIM keys, a DMARC policy */
void gp_zone_relay(struct gp_zone *z, const struct gp_config *c);

/* gp_zone_agency - DKIM keys, SPF and DMARC of its sender domains
 * A name that has an SPF or a DMARC record in z already gets no second one.
 */
void gp_zone_agency(struct gp_zone *z, const struct gp_config *c, const struct gp_agency *a);

void gp_zone_free(struct gp_zone *z);

/* gp_zone_type - "MX" or "TXT" */
const char *gp_zone_type(enum gp_zone_kind kind);
/* gp_zone_kind_name, gp_zone_state_name - "spf", "ok" and so on; for programs */
const char *gp_zone_kind_name(enum gp_zone_kind kind);
const char *gp_zone_state_name(enum gp_zone_state state);

/* gp_zone_line - the record as a line of a zone file, whatever its value holds; texts of at most 255 octets each
 * dol.gov. IN TXT ( "v=spf1 include:b.example.gov -all" )
 */
void gp_zone_line(const struct gp_zone_record *r, char out[GP_ZONE_LINE_MAX]);

#endif
