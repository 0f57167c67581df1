/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kept.h - the headers of one message that are to be signed, kept from their arrival until all are there
 *
 * What of them is signed is known only then. Bounded. One message, one thread at a time; no I/O.
 */
#ifndef GP_MILTER_KEPT_H
#define GP_MILTER_KEPT_H

#include "shared/str.h"

#define GP_KEPT_OCTETS_MAX (256U << 10) /* of values, with 8 for each header */
#define GP_KEPT_NAMES_MAX 2048          /* octets of the names in h=: libopendkim looks at the first 4096 only */

enum gp_kept_state { GP_KEPT_ALL, GP_KEPT_TOO_LARGE, GP_KEPT_NO_MEMORY };

/* All zero: empty. */
struct gp_kept {
    enum gp_kept_state state; /* after anything but ALL nothing is kept */
    size_t n, cap, names;
    char *text;
};

/* gp_kept_note - one header as the milter sees it; kept when our signatures cover its name (covered.h) */
void gp_kept_note(struct gp_kept *k, struct gp_str name, struct gp_str value);

/* gp_kept_next - headers in the order of their arrival; *at: 0 to begin with. False: no more.
 * number: of the header, in covered.h; the view lives until the next gp_kept_note or gp_kept_clear.
 */
bool gp_kept_next(const struct gp_kept *k, size_t *at, unsigned *number, struct gp_str *value);

/* gp_kept_clear - empty again, its memory freed */
void gp_kept_clear(struct gp_kept *k);

#endif
