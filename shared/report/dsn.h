/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dsn.h - the fields of a delivery status notification, as loosely as systems write them (RFC 3464; c2; pure)
 */
#ifndef GP_REPORT_DSN_H
#define GP_REPORT_DSN_H

#include "shared/report/fields.h"
#include "shared/report/report.h"

struct gp_dsn {
    struct gp_str envelope_id, reporter, sender, arrival; /* of the message; "" */
    size_t n;
    struct gp_report_recipient *recipients; /* recipient and original_recipient as written, may both be "" */
    bool cut;                               /* there were more than GP_REPORT_RECIPIENTS_MAX */
};

/* gp_dsn_read - status: clean text of the delivery-status parts */
void gp_dsn_read(struct gp_report_memory *m, struct gp_str status, struct gp_dsn *out);

/* gp_dsn_in_text - where fields of a report begin in text for people, or text.n; lower is the text in lower case */
size_t gp_dsn_in_text(struct gp_str lower);

#endif
