/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_source.h - where the mail log is read: a file that is rotated, or the journal
 */
#ifndef GP_FEEDBACK_LOG_SOURCE_H
#define GP_FEEDBACK_LOG_SOURCE_H

#include "feedback/log_position.h"

struct gp_log_source;

struct gp_log_record {
    struct gp_str tag, message; /* for gp_log_line_parse; "" when no daemon of a Postfix wrote it */
    uint64_t written_ms;
};

/* gp_log_source_open - mail_log: "journal", the path of a folder with journal files, or that of a file
 * from, at_end: as gp_tail_open. NULL with errno set when it cannot be opened.
 */
struct gp_log_source *gp_log_source_open(const char *mail_log, const struct gp_log_position *from, bool at_end);
void gp_log_source_close(struct gp_log_source *s); /* NULL is fine */

/* gp_log_source_next - false when there is nothing now; the views live until the next call */
bool gp_log_source_next(struct gp_log_source *s, uint64_t now_ms, struct gp_log_record *out);

/* gp_log_source_position - behind the record given last; false when there is none yet */
bool gp_log_source_position(const struct gp_log_source *s, struct gp_log_position *out);

#endif
