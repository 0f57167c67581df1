/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * from.h - may this agency write in these names? (the From header, RFC 5322 3.6.2, parsed by GMime)
 */
#ifndef GP_MILTER_FROM_H
#define GP_MILTER_FROM_H

#include "milter/headers.h"
#include "shared/config.h"

#define GP_FROM_DEPTH_MAX 4   /* groups in groups: RFC 5322 has one level */
#define GP_FROM_COLONS_MAX 64 /* per header; bounds the parser's own recursion */

/* gp_from_start - once, before any thread calls gp_from_permitted */
void gp_from_start(void);

/* gp_from_permitted - is there at least one From header, and in each at least one address, and does every address, also
 * inside groups, stand under the agency's sender_domains?
 * What was cut, holds a NUL, goes past the bounds above or is not wholly understood is not permitted. A domain may
 * stand in U-labels or A-labels (xn--), here and there. Any thread.
 */
bool gp_from_permitted(const struct gp_headers *h, const struct gp_agency *agency);

#endif
