/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * from.h - may this agency write in these names? (the From header, RFC 5322 3.6.2, parsed by GMime)
 */
#ifndef GP_MILTER_FROM_H
#define GP_MILTER_FROM_H

#include "milter/headers.h"
#include "shared/config.h"

/* gp_from_start - once, before any thread calls gp_from_permitted */
void gp_from_start(void);

/* gp_from_permitted - is there at least one address, and does every address of every From header, also inside groups,
 * stand under the agency's sender_domains? What was cut or cannot be parsed is not permitted. Any thread.
 */
bool gp_from_permitted(const struct gp_headers *h, const struct gp_agency *agency);

#endif
