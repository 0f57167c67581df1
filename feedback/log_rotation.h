/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_rotation.h - which files a log was rotated into, and in what order
 *
 * Of "mail.log" these are "mail.log.1", "mail.log-20261121", "mail.log.20261121-090000", "mail-20261121.log" in the
 * same folder, also with ".gz" or the like behind.
 */
#ifndef GP_FEEDBACK_LOG_ROTATION_H
#define GP_FEEDBACK_LOG_ROTATION_H

#include "shared/str.h"

#define GP_ROTATION_NAME_MAX 256
#define GP_ROTATION_FILES_MAX 4096

/* What a file's name says. */
struct gp_rotation_name {
    bool live;           /* the name itself */
    bool packed;         /* compressed: it cannot be followed */
    bool counted;        /* ".1": a greater number is older; else a date: a smaller one is older */
    uint64_t number;     /* counted */
    struct gp_str stamp; /* into name */
};

/* gp_rotation_parse - is name the log, or what it was rotated into? Pure. */
bool gp_rotation_parse(struct gp_str log, struct gp_str name, struct gp_rotation_name *out);

struct gp_rotated {
    char name[GP_ROTATION_NAME_MAX]; /* without its folder */
    bool live, packed;
    uint64_t device, inode, size, changed_ns;
};

/* gp_rotation_list - the files of a log, oldest first, the log itself last; free() them
 * path is that of the log. NULL and *n 0 when there are none, or the folder cannot be read.
 */
struct gp_rotated *gp_rotation_list(const char *path, size_t *n);

#endif
