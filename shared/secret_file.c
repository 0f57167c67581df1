/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * secret_file.c - reading a file that holds a secret, if it is kept like one
 */
#include "shared/secret_file.h"

#include "shared/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

static bool check_file(const char *path, const char *what, int fd, struct gp_faults *faults)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        gp_fault(faults, path, 0, "%s: cannot be examined: %s", what, strerror(errno));
        return false;
    }
    unsigned mode = st.st_mode & 07777u;
    char shown[GP_FAULT_TEXT_MAX];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    gp_buf_put_escaped(&b, gp_str_z(path));
    bool good = true;
    if (!S_ISREG(st.st_mode)) {
        gp_fault(faults, path, 0, "%s: not a plain file", what);
        return false;
    }
    if ((mode & 007u) != 0) {
        gp_fault(faults, path, 0, "%s: open to every user of the system, mode is %04o; chmod o= %s", what, mode, shown);
        good = false;
    }
    if ((mode & 020u) != 0) {
        gp_fault(faults, path, 0, "%s: its group may write, mode is %04o; chmod g-w %s", what, mode, shown);
        good = false;
    }
    return good;
}

/* Returns how much was read, at most cap; -1 on an error. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, buf + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

/* Returns 0 at the end of the file, 1 when there is more, -1 on an error. */
static ssize_t more(int fd)
{
    char octet;
    ssize_t n = read_all(fd, &octet, 1);
    OPENSSL_cleanse(&octet, 1);
    return n;
}

static void cannot_open(const char *path, const char *what, const char *maker, struct gp_faults *faults)
{
    int error = errno;
    char shown[GP_FAULT_TEXT_MAX];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    gp_buf_put_escaped(&b, gp_str_z(path));
    const char *why = strerror(error);
    if (error == ENOENT && maker != NULL)
        gp_fault(faults, path, 0, "%s: cannot be opened: %s; %s makes one", what, why, maker);
    else if (error == EACCES)
        gp_fault(faults, path, 0, "%s: cannot be opened: %s; for the daemons: chgrp gatepost %s", what, why, shown);
    else
        gp_fault(faults, path, 0, "%s: cannot be opened: %s", what, why);
}

ssize_t gp_secret_read(const char *path, const char *what, const char *maker, char *buf, size_t cap,
                       struct gp_faults *faults)
{
    /* not blocking: opening a pipe by mistake must not hang the daemon */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = -1;
    if (fd < 0) {
        cannot_open(path, what, maker, faults);
        return -1;
    }
    if (!check_file(path, what, fd, faults))
        goto out;
    n = read_all(fd, buf, cap);
    ssize_t rest = n < 0 ? -1 : more(fd);
    if (rest < 0)
        gp_fault(faults, path, 0, "%s: cannot be read: %s", what, strerror(errno));
    else if (rest > 0)
        gp_fault(faults, path, 0, "%s: too long, at most %zu octets", what, cap);
    if (rest != 0)
        n = -1;
out:
    close(fd);
    return n;
}
