/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields.h - "Name: value" lines of headers and reports, as loosely as systems write them (pure; any thread)
 *
 * Lines end with '\n': the caller sees to that.
 */
#ifndef GP_REPORT_FIELDS_H
#define GP_REPORT_FIELDS_H

#include "shared/report/text.h"

struct gp_field {
    struct gp_str name;  /* without blanks at its end; "" for a line that is no field */
    struct gp_str value; /* as it stands, with its folds */
    bool blank;          /* an empty line: a group ends */
};

/* gp_field_next - take the next field off *rest; false at the end. A line that begins with a blank or tab folds. */
bool gp_field_next(struct gp_str *rest, struct gp_field *f);

/* gp_field_find - value of the first field of this name before the first empty line, trimmed; "" */
struct gp_str gp_field_find(struct gp_str header, struct gp_str name);

/* gp_field_words - the same, decoded, in one line */
struct gp_str gp_field_words(struct gp_report_memory *m, struct gp_str header, struct gp_str name);

/* gp_header_split - a message or part in two: its header, and its body behind the empty line */
void gp_header_split(struct gp_str entity, struct gp_str *header, struct gp_str *body);

/* gp_header_like - does it begin as a header does: two fields, or one that mail systems write first? */
bool gp_header_like(struct gp_str text);

#endif
