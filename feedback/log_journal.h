/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_journal.h - the mail log as systemd's journal has it
 *
 * Entries of the facility mail. Those of a unit that is not called postfix* are left out: anybody who may log can write
 * what looks like a line of Postfix, but not in its unit. One thread at a time.
 */
#ifndef GP_FEEDBACK_LOG_JOURNAL_H
#define GP_FEEDBACK_LOG_JOURNAL_H

#include "feedback/log_position.h"

struct gp_journal;

struct gp_journal_entry {
    struct gp_str tag; /* "postfix/smtp"; "" when it is none of Postfix's */
    struct gp_str message;
    uint64_t written_ms;
};

/* gp_journal_open - directory: of journal files; NULL: this system's journal
 * from, at_end: as gp_tail_open. NULL with errno set when it cannot be opened.
 */
struct gp_journal *gp_journal_open(const char *directory, const struct gp_log_position *from, bool at_end);
void gp_journal_close(struct gp_journal *j); /* NULL is fine */

/* gp_journal_next - the next entry; false when there is none now. The views live until the next call. */
bool gp_journal_next(struct gp_journal *j, struct gp_journal_entry *out);

/* gp_journal_position - behind the entry that was given last; false when none was yet */
bool gp_journal_position(const struct gp_journal *j, struct gp_log_position *out);

#endif
