/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * poison.h - a message that makes the daemon crash while it is read does so once
 *
 * Its sender would repeat it for days. So a crash (SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL) leaves a mark named after
 * the message that the crashing thread was reading; whoever meets a marked one keeps it unread. A kill leaves none.
 */
#ifndef GP_FEEDBACK_POISON_H
#define GP_FEEDBACK_POISON_H

#include <stdbool.h>

/* gp_poison_watch - folder is made if need be; marks stand there, and the handlers from then on. False (errno set) on
 * error. Once in a process, before there are threads.
 */
bool gp_poison_watch(const char *folder);

/* gp_poison_enter, gp_poison_leave - around reading; id must live until then. Any thread; not nested. */
void gp_poison_enter(const char *id);
void gp_poison_leave(void);

/* gp_poison_marked - did this one crash us before? */
bool gp_poison_marked(const char *id);

#endif
