/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * maildir.c - empties the Maildir in which the first release left what came back
 */
#include "feedback/maildir.h"

#include "feedback/worker.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVERY_MS 60000

struct gp_maildir {
    struct gp_worker *worker;
    struct gp_archive *archive;
    struct gp_intake *intake;
};

/* A sealed draft with what the file holds; NULL on error. */
static struct gp_draft *draft_of(struct gp_archive *archive, int fd)
{
    struct gp_draft *d = gp_draft_new(archive);
    char octets[65536];
    ssize_t n = d == NULL ? -1 : 1;
    while (n > 0) {
        n = read(fd, octets, sizeof octets);
        if (n < 0)
            gp_log_errno(GP_ERROR, "maildir", "cannot read a file there");
        else if (n > 0 && !gp_draft_add(d, (struct gp_str){octets, (size_t)n}))
            n = -1;
    }
    if (n == 0 && gp_draft_seal(d))
        return d;
    gp_draft_free(d);
    return NULL;
}

/* One file. False when nothing can be taken in now. */
static bool take_file(struct gp_maildir *m, int folder, const char *name)
{
    struct stat st;
    struct gp_draft *draft = NULL;
    char id[GP_ARCHIVE_ID + 1];
    enum gp_taken taken = GP_TAKEN_AGAIN;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        gp_log_errno(GP_WARN, "maildir", "cannot read a file there");
        return true;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return true;
    }
    draft = draft_of(m->archive, fd);
    close(fd);
    if (draft == NULL)
        return false;
    const struct gp_incoming incoming = {.source = "maildir", .no_envelope = true, .draft = draft};
    taken = gp_intake(m->intake, &incoming, gp_clock_wall_ms(), id);
    gp_draft_free(draft);
    if (taken != GP_TAKEN_AGAIN && unlinkat(folder, name, 0) != 0 && errno != ENOENT)
        gp_log_errno(GP_ERROR, "maildir", "cannot remove a file, which was taken in as %s", id);
    return taken != GP_TAKEN_AGAIN;
}

static void empty_folder(struct gp_maildir *m, struct gp_worker *w, const char *maildir, const char *name)
{
    char path[4096];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    gp_buf_printf(&b, "%s/%s", maildir, name);
    DIR *d = opendir(path);
    if (d == NULL && errno != ENOENT)
        gp_log_errno(GP_ERROR, "maildir", "cannot read %s", path);
    for (struct dirent *e; d != NULL && !gp_worker_ending(w) && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.' && !take_file(m, dirfd(d), e->d_name))
            break;
    }
    if (d != NULL)
        closedir(d);
}

static uint64_t turn(void *arg, struct gp_worker *w)
{
    struct gp_maildir *m = arg;
    struct gp_epoch *e = gp_epoch_ref();
    const char *maildir = e->config->maildir;
    if (maildir != NULL) {
        empty_folder(m, w, maildir, "new");
        empty_folder(m, w, maildir, "cur");
    }
    gp_epoch_unref(e);
    return EVERY_MS;
}

struct gp_maildir *gp_maildir_start(struct gp_archive *archive, struct gp_intake *intake)
{
    struct gp_maildir *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->archive = archive;
    m->intake = intake;
    m->worker = gp_worker_start("maildir", turn, m);
    if (m->worker != NULL)
        return m;
    free(m);
    return NULL;
}

void gp_maildir_end(struct gp_maildir *m)
{
    if (m != NULL)
        gp_worker_end(m->worker);
}

void gp_maildir_stop(struct gp_maildir *m)
{
    if (m == NULL)
        return;
    gp_worker_stop(m->worker);
    free(m);
}
