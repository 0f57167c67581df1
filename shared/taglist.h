/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * taglist.h - "tag=value; tag=value", as DKIM and DMARC write it (RFC 6376 3.2) (pure; any thread)
 */
#ifndef GP_SHARED_TAGLIST_H
#define GP_SHARED_TAGLIST_H

#include "shared/str.h"

/* gp_tag_next - take the next tag off *rest
 * name and value come without blanks and line ends around them; value.p is NULL when there is no "=". Parts that are
 * blank are passed over. Returns false when *rest is spent.
 */
bool gp_tag_next(struct gp_str *rest, struct gp_str *name, struct gp_str *value);

/* gp_tag_find - the value of the first tag of this name (case counts); false when there is none */
bool gp_tag_find(struct gp_str list, struct gp_str name, struct gp_str *value);

#endif
