/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_position.h - how far the mail log was read, in the database: kept in one transaction with what the lines brought
 * about
 */
#ifndef GP_FEEDBACK_LOG_POSITION_H
#define GP_FEEDBACK_LOG_POSITION_H

#include "shared/store.h"

#define GP_LOG_NAME_MAX 4096
#define GP_LOG_MARK 256 /* octets before a place by which it is known again */

/* Numbers are at most INT64_MAX. */
struct gp_log_position {
    char name[GP_LOG_NAME_MAX]; /* a file's path with all links followed, before it was rotated; the journal's cursor */
    uint64_t inode, offset;
    uint64_t mark;    /* hash of the mark_n octets before offset */
    uint64_t mark_n;  /* GP_LOG_MARK, or offset when that is less */
    uint64_t read_ms; /* wall clock: until then it was read */
};

/* gp_log_position_get - *any: something was read before; *same: of this source (the setting mail_log), and *out says
 * how far. False is an error of the store.
 */
bool gp_log_position_get(struct gp_store *s, const char *source, struct gp_log_position *out, bool *any, bool *same);
/* gp_log_position_put - there is one: that of another source is forgotten */
bool gp_log_position_put(struct gp_store *s, const char *source, const struct gp_log_position *p);

#endif
