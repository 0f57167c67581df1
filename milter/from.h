/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * from.h - in whose name is a message written, and may this agency? (the From header, RFC 5322 3.6.2, parsed by GMime)
 */
#ifndef GP_MILTER_FROM_H
#define GP_MILTER_FROM_H

#include "milter/headers.h"
#include "shared/address.h"
#include "shared/config.h"

#define GP_FROM_DEPTH_MAX 4   /* groups in groups: RFC 5322 has one level */
#define GP_FROM_COLONS_MAX 64 /* per header; bounds the parser's own recursion */

/* gp_from_start - once, before any thread calls the others */
void gp_from_start(void);

/* gp_from_permitted - is there at least one From header, and in each at least one address, and does every address, also
 * inside groups, stand under the agency's sender_domains?
 * What was cut, holds a NUL, goes past the bounds above or is not wholly understood is not permitted. A domain may
 * stand in U-labels or A-labels (xn--), here and there. Any thread.
 */
bool gp_from_permitted(const struct gp_headers *h, const struct gp_agency *agency);

/* gp_from_domain - the domain that every address of the one From header has, as the DNS has it (A-labels, lower case)
 * "" when there is none, or more than one header, when the addresses have several domains, and when it is not wholly
 * understood (see gp_from_permitted). Any thread.
 */
void gp_from_domain(const struct gp_headers *h, char out[GP_DOMAIN_MAX + 1]);

#endif
