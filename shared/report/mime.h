/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mime.h - the parts of a message that came back, found by type anywhere in its tree
 *
 * The tree is walked here, not by GMime's parser: that one parses every address header, and recurses as deep as the
 * sender likes ("To: a:a:a:..." ends its stack). GMime decodes: content types and transfer encodings.
 */
#ifndef GP_REPORT_MIME_H
#define GP_REPORT_MIME_H

#include "shared/report/fields.h"

struct gp_parts {
    struct gp_str header;      /* of the message; clean */
    struct gp_str text;        /* text for people, all of it up to a report or returned message; clean */
    struct gp_str status;      /* the fields of every delivery-status part; clean */
    struct gp_str feedback;    /* the fields of a feedback-report part; clean */
    struct gp_str returned;    /* the returned message, or its header; clean, "" when the text holds it */
    struct gp_str report_type; /* parameter of the Content-Type; lower case */
    bool receipt;              /* has a disposition-notification part */
    bool statistics;           /* has a TLS or DMARC aggregate report */
    bool cut;                  /* a limit was met */
};

/* gp_mime_open - take a message apart. A report that was forwarded as an attachment (RFC 822 part) is read in its
 * place, when the message is none itself.
 */
void gp_mime_open(struct gp_report_memory *m, struct gp_str raw, struct gp_parts *out);

#endif
