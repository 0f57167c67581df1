/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * secret_file.h - reading a file that holds a secret, if it is kept like one
 *
 * Any thread.
 */
#ifndef GP_SHARED_SECRET_FILE_H
#define GP_SHARED_SECRET_FILE_H

#include "shared/fault.h"

#include <sys/types.h>

/* gp_secret_read - the whole file, at most cap octets
 * It must be a plain file that nobody but its owner can change and no stranger can read. Returns how much was read, or
 * -1 with faults that begin "path: <what>: ", what being "key file". maker is the command that makes such a file, NULL
 * when there is none. The caller cleanses buf.
 */
ssize_t gp_secret_read(const char *path, const char *what, const char *maker, char *buf, size_t cap,
                       struct gp_faults *faults);

#endif
