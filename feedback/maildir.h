/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * maildir.h - empties the Maildir in which the first release left what came back
 *
 * A worker: at the start and each minute; a file goes when its message is safe. Other files are left alone.
 */
#ifndef GP_FEEDBACK_MAILDIR_H
#define GP_FEEDBACK_MAILDIR_H

#include "feedback/intake.h"

struct gp_maildir;

/* gp_maildir_start - the Maildir is that of the running configuration at each turn; NULL (logged) on error */
struct gp_maildir *gp_maildir_start(struct gp_archive *archive, struct gp_intake *intake);
void gp_maildir_end(struct gp_maildir *m); /* tell it; NULL is fine, below too */
void gp_maildir_stop(struct gp_maildir *m);

#endif
