/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * state.c - pid and status files of the daemons, read
 */
#include "ctl/state.h"

#include "ctl/output.h"
#include "shared/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define STATUS_MAX 65536
#define SILENT_S 5 /* a status older than this is no sign of life */

const char *const gp_ctl_daemon_name[GP_CTL_DAEMONS] = {"policyd", "milter", "feedback"};

/* The start of a file, at most max octets; 0 when it cannot be read. */
static size_t read_file(int fd, char *out, size_t max)
{
    size_t n = 0;
    ssize_t got;
    while (n < max && (got = read(fd, out + n, max - n)) > 0)
        n += (size_t)got;
    return n;
}

/* What stands there may be anything, a pipe that nobody writes too. */
static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* What the pid file says, if there is such a process. */
static pid_t named(const char *run_directory, const char *program)
{
    char path[4096], text[32];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    uint64_t pid = 0;
    gp_buf_printf(&b, "%s/%s.pid", run_directory, program);
    int fd = open_file(path);
    size_t n = fd >= 0 ? read_file(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    if (!gp_str_u64(gp_str_trim((struct gp_str){text, n}), INT32_MAX, &pid) || pid == 0)
        return 0;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH ? 0 : (pid_t)pid;
}

/* The process that holds the daemon's lock, or 0. The kernel says who it is: the daemons write the pid file, and could
 * name a process in it that we must not signal. Who is not allowed to look at the lock has to believe the file.
 */
static pid_t holder(const char *run_directory, const char *program)
{
    char path[4096];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    gp_buf_printf(&b, "%s/%s.lock", run_directory, program);
    int fd = open_file(path);
    if (fd < 0)
        return errno == EACCES ? named(run_directory, program) : 0;
    bool held = fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK && whole.l_pid > 0;
    close(fd);
    return held ? whole.l_pid : 0;
}

static json_t *read_status(const char *path)
{
    char text[STATUS_MAX];
    int fd = open_file(path);
    if (fd < 0)
        return NULL;
    size_t n = read_file(fd, text, sizeof text);
    close(fd);
    return json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
}

void gp_ctl_daemon_read(const char *run_directory, const char *program, struct gp_ctl_daemon *out)
{
    char path[4096];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    *out = (struct gp_ctl_daemon){.program = program};
    out->pid = holder(run_directory, program);
    if (out->pid == 0)
        return;
    gp_buf_printf(&b, "%s/%s.status", run_directory, program);
    out->status = read_status(path);
    if (gp_ctl_daemon_number(out, "pid") != (uint64_t)out->pid)
        gp_ctl_daemon_free(out); /* left by an earlier one */
}

void gp_ctl_daemon_free(struct gp_ctl_daemon *d)
{
    json_decref(d->status);
    d->status = NULL;
}

bool gp_ctl_daemon_answers(const struct gp_ctl_daemon *d)
{
    uint64_t now = gp_clock_wall_ms() / 1000, written = gp_ctl_daemon_number(d, "now");
    return d->pid != 0 && written + SILENT_S >= now;
}

uint64_t gp_ctl_daemon_number(const struct gp_ctl_daemon *d, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(d->status, key));
    return v > 0 ? (uint64_t)v : 0;
}

void gp_ctl_daemon_text(const struct gp_ctl_daemon *d, const char *key, char out[1024])
{
    const json_t *v = json_object_get(d->status, key);
    struct gp_buf b = gp_buf_on(out, 1024);
    gp_ctl_put_clean(&b, (struct gp_str){json_string_value(v), json_string_length(v)});
}
