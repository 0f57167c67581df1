/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * human.h - the part that people read, and where the returned message begins in it (pure)
 */
#ifndef GP_REPORT_HUMAN_H
#define GP_REPORT_HUMAN_H

#include "shared/report/text.h"

struct gp_human {
    struct gp_str text;     /* up to the returned message */
    struct gp_str lower;    /* the same in lower case: the same places */
    struct gp_str returned; /* what follows, without the line that says so; "" */
};

/* gp_human_open - text: clean. A report that somebody quoted ("> Final-Recipient: ...") is read without its marks. */
void gp_human_open(struct gp_report_memory *m, struct gp_str text, struct gp_human *out);

#endif
