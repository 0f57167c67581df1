/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_tail.h - the lines of a file that is written to and rotated meanwhile: each of them, and each once
 *
 * A rotated file is read to its end before its successor is begun, whether it was renamed, copied and emptied, or a
 * link was pointed elsewhere, also while nobody read. What is kept of a place are the file's inode and a hash of the
 * octets before it: so a file that was emptied and written anew is not taken for the old one, and a copy is found.
 * Compressed files are passed over. A line without its end waits for it. One thread at a time.
 */
#ifndef GP_FEEDBACK_LOG_TAIL_H
#define GP_FEEDBACK_LOG_TAIL_H

#include "feedback/log_position.h"
#include "shared/str.h"

struct gp_tail;

/* gp_tail_open - path need not exist yet: it is waited for
 * from: where to go on, which is searched for; NULL: at the beginning of the file, or at its end
 * NULL when out of memory.
 */
struct gp_tail *gp_tail_open(const char *path, const struct gp_log_position *from, bool at_end);
void gp_tail_close(struct gp_tail *t); /* NULL is fine */

/* gp_tail_next - the next line, without its end; false when there is none now
 * The view lives until the next call. Lines longer than GP_LOG_LINE_MAX are left out. Never blocks but on the disk.
 */
bool gp_tail_next(struct gp_tail *t, struct gp_str *line);

/* gp_tail_position - behind the line that gp_tail_next gave last; false while there was no file yet */
bool gp_tail_position(const struct gp_tail *t, struct gp_log_position *out);

#endif
