/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv.h - comma-separated values, RFC 4180 with one record a line (pure; any thread)
 */
#ifndef GP_CTL_CSV_H
#define GP_CTL_CSV_H

#include "shared/str.h"

#define GP_CTL_CSV_FIELDS_MAX 16
#define GP_CTL_CSV_LINE_MAX 4096 /* octets of a line */

/* gp_ctl_csv_put - one field, quoted where it must be, without control characters; a comma before it unless it is the
 * record's first
 */
void gp_ctl_csv_put(struct gp_buf *b, bool first, struct gp_str field);

/* gp_ctl_csv_read - the fields of one line, without blanks around those that are not quoted
 * They point into buf. Returns NULL, or a static text that says what is wrong.
 */
const char *gp_ctl_csv_read(struct gp_str line, char buf[GP_CTL_CSV_LINE_MAX], struct gp_str out[GP_CTL_CSV_FIELDS_MAX],
                            size_t *n);

#endif
