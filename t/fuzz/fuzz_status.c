/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_status.c - files in the run directory that anyone of the daemons' group may have written, as gatepostctl reads
 * them: whose process it is, and what may be shown of its words
 *
 * Input: the pid file up to a NUL ("$" stands for this process's number), then the status file, where it does too.
 */
#include "ctl/state.h"
#include "t/unit/scratch.h"

#include <fcntl.h>
#include <sys/file.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct scratch scratch;
static int held = -1; /* the lock of a daemon that lives: ours */

static void clean(void)
{
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
            fprintf(f, "%d", (int)getpid());
        else
            fputc(text.p[i], f);
    }
    must(fclose(f) == 0);
}

static void prepare(void)
{
    char path[512];
    must(scratch_open(&scratch));
    atexit(clean);
    write_file("milter.pid", GP_STR(""));
    scratch_path(&scratch, "milter.pid", path);
    held = open(path, O_RDONLY | O_CLOEXEC);
    must(held >= 0 && flock(held, LOCK_EX) == 0);
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
    if (held < 0)
        prepare();
    gp_str_split(&rest, '\0', &pid);
    write_file("milter.pid", pid);
    write_file("milter.status", rest);
    gp_ctl_daemon_read(scratch.folder, "milter", &d);
    must(d.pid >= 0 && (d.status == NULL || d.pid > 0));
    must(d.status == NULL || gp_ctl_daemon_number(&d, "pid") == (uint64_t)d.pid);
    check_words(&d);
    gp_ctl_daemon_free(&d);
    return 0;
}
