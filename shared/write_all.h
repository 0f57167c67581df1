/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * write_all.h - writing to a file what may take several writes
 *
 * Any thread; blocks as the file does.
 */
#ifndef GP_SHARED_WRITE_ALL_H
#define GP_SHARED_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* gp_write_all - n octets, whatever signal comes between; false with errno when not all could be written */
bool gp_write_all(int fd, const char *p, size_t n);

#endif
