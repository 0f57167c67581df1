/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailbox.h - empties mailboxes on other hosts by POP3: each message is taken in once, then deleted
 *
 * A worker with a database handle of its own. A message is deleted when it is on our disk; should the deletion not last
 * (the session broke before QUIT), its unique id is remembered, so that it is only deleted the next time.
 */
#ifndef GP_FEEDBACK_MAILBOX_H
#define GP_FEEDBACK_MAILBOX_H

#include "feedback/intake.h"

#define GP_MAILBOX_SESSION_MAX 1000   /* messages of one session; the next one comes at once */
#define GP_MAILBOX_BACKOFF_MS 3600000 /* the longest time between two tries, unless `every` is longer */

struct gp_mailboxes;

/* gp_mailboxes_start - those of the running configuration at each turn; NULL (logged) on error */
struct gp_mailboxes *gp_mailboxes_start(const char *database, struct gp_archive *archive, struct gp_intake *intake);
void gp_mailboxes_wake(struct gp_mailboxes *m); /* the configuration changed; any thread */
void gp_mailboxes_end(struct gp_mailboxes *m);  /* tell it; NULL is fine, below too */
void gp_mailboxes_stop(struct gp_mailboxes *m);

#endif
