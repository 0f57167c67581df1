/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outbox.h - mail of Gatepost's own leaves: notices, and what people wrote to the return path
 *
 * A worker with a database handle of its own. By SMTP to the place that `notices` names, with an empty sender. At least
 * once: a letter that was sent twice has one Message-ID. While it cannot leave it waits, at most GP_LETTER_DAYS.
 * Without that setting notices are only logged.
 */
#ifndef GP_FEEDBACK_OUTBOX_H
#define GP_FEEDBACK_OUTBOX_H

#define GP_LETTER_DAYS 5

struct gp_outbox;

/* gp_outbox_start - NULL (logged) on error */
struct gp_outbox *gp_outbox_start(const char *database);
void gp_outbox_end(struct gp_outbox *o); /* tell it; NULL is fine, below too */
void gp_outbox_stop(struct gp_outbox *o);

#endif
