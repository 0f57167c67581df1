/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_input.h - the mail log as an input: followed wherever mail_log says, each line acted on exactly once
 *
 * A worker with a database handle of its own. Lines are taken in batches; how far was read is written in the
 * transaction of what the lines brought about, so neither a crash nor a full disk loses a line or counts one twice.
 */
#ifndef GP_FEEDBACK_LOG_INPUT_H
#define GP_FEEDBACK_LOG_INPUT_H

#include "feedback/dictionaries.h"

struct gp_log_input;

/* gp_log_input_start - follows what the running epoch's mail_log says, now and after reloads; dictionaries stay the
 * caller's, and until there are any nothing is read. NULL (logged) on error.
 */
struct gp_log_input *gp_log_input_start(const char *database, struct gp_dictionaries *dictionaries);
void gp_log_input_wake(struct gp_log_input *in); /* the configuration changed; any thread */
void gp_log_input_end(struct gp_log_input *in);  /* tell it; NULL is fine, below too */
void gp_log_input_stop(struct gp_log_input *in);

#endif
