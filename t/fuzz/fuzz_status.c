/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_status.c - files in the run directory that the daemons' user may have written, as gatepostctl reads them: whose
 * process it is, and what may be shown of its words
 *
 * Input: the pid file up to a NUL ("$" stands for the number of the process that holds the lock), then the status file,
 * where it does too.
 */
#include "ctl/state.h"
#include "t/unit/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct scratch scratch;
static pid_t daemon_pid; /* a process that holds the lock, as a daemon that lives */

static void clean(void)
{
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    scratch_close(&scratch);
}

static void write_file(const char *name, struct gp_str text)
{
    char path[512];
    scratch_path(&scratch, name, path);
    FILE *f = fopen(path, "w");
    must(f != NULL);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '$')
            fprintf(f, "%d", (int)daemon_pid);
        else
            fputc(text.p[i], f);
    }
    must(fclose(f) == 0);
}

static void hold(const char *path, int told)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0 && write(told, "", 1) == 1);
    for (;;)
        pause();
}

static void prepare(void)
{
    char path[512], octet;
    int told[2];
    must(scratch_open(&scratch) && pipe(told) == 0);
    scratch_path(&scratch, "milter.lock", path);
    daemon_pid = fork();
    must(daemon_pid >= 0);
    if (daemon_pid == 0)
        hold(path, told[1]);
    close(told[1]);
    must(read(told[0], &octet, 1) == 1);
    close(told[0]);
    atexit(clean);
}

static void check_words(const struct gp_ctl_daemon *d)
{
    static const char *const keys[] = {"pid", "version", "config", "reload_error", "since"};
    char text[1024];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        gp_ctl_daemon_text(d, keys[i], text);
        must(strnlen(text, sizeof text) < sizeof text && gp_str_utf8(gp_str_z(text)));
        for (const char *p = text; *p != '\0'; p++)
            must((unsigned char)*p >= ' ' && *p != 0x7f);
        (void)gp_ctl_daemon_number(d, keys[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str rest = {(const char *)data, n}, pid;
    struct gp_ctl_daemon d;
    if (n == 0)
        return 0;
    if (daemon_pid == 0)
        prepare();
    gp_str_split(&rest, '\0', &pid);
    write_file("milter.pid", pid);
    write_file("milter.status", rest);
    gp_ctl_daemon_read(scratch.folder, "milter", &d);
    must(d.pid == daemon_pid); /* whatever the files say */
    must(d.status == NULL || gp_ctl_daemon_number(&d, "pid") == (uint64_t)d.pid);
    check_words(&d);
    gp_ctl_daemon_free(&d);
    return 0;
}
