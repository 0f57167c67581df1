/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * write_all.c - writing to a file what may take several writes
 */
#include "shared/write_all.h"

#include <errno.h>
#include <unistd.h>

bool gp_write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}
