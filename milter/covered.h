/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * covered.h - the headers that our signatures cover, by number (RFC 6376 5.4.1), and what a client's signature covers
 * of them (pure; any thread)
 *
 * Every header that a plan of edits adds or deletes is in the list, so a set of numbers tells whether an edit breaks a
 * signature.
 */
#ifndef GP_MILTER_COVERED_H
#define GP_MILTER_COVERED_H

#include "shared/str.h"

#define GP_COVERED_MAX 64 /* numbers are below it: a set of them is one uint64_t */

/* gp_covered_number - of a header's name, in any case; GP_COVERED_MAX when it is not in the list */
unsigned gp_covered_number(struct gp_str name);

/* gp_covered_set - the same as a set: one bit, or none */
uint64_t gp_covered_set(struct gp_str name);

/* gp_covered_signed - does a signature of ours cover it? All of the list but DKIM-Signature (RFC 6376 5.4). */
bool gp_covered_signed(unsigned number);

/* gp_covered_name - as it is usually written; number < GP_COVERED_MAX; NULL: no more */
const char *gp_covered_name(unsigned number);

/* gp_covered_once_more - names of those that h= names once more often than they stand in the message, so that nobody
 * can add another one; ends with NULL
 */
const char *const *gp_covered_once_more(void);

/* gp_covered_by - which of the list a client's DKIM-Signature names in its h=
 * value: of the header, folded or not. The tag list is read strictly (RFC 6376 3.2); one that is wrong gives the empty
 * set: it verifies nowhere, so nothing can break it.
 */
uint64_t gp_covered_by(struct gp_str value);

#endif
