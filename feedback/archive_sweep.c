/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive_sweep.c - what the archive loses: old drafts, files that nobody names
 */
#include "feedback/archive_private.h"

#include "shared/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An own descriptor for reading a folder: its position is not shared. NULL (errno set) on error. */
static DIR *read_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL && fd >= 0)
        close(fd);
    return d;
}

bool gp_archive_clear(int folder)
{
    DIR *d = read_folder(folder, ".");
    bool good = d != NULL;
    for (struct dirent *e; good && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            good = unlinkat(folder, e->d_name, 0) == 0;
    }
    int saved = errno;
    if (d != NULL)
        closedir(d);
    errno = saved;
    return good;
}

/* The id of "<id>.eml"; false for any other name. */
static bool id_of(const char *name, char id[GP_ARCHIVE_ID + 1])
{
    if (strlen(name) != GP_ARCHIVE_NAME - 1 || strcmp(name + GP_ARCHIVE_ID, GP_ARCHIVE_SUFFIX) != 0 ||
        strspn(name, "0123456789abcdef") != GP_ARCHIVE_ID)
        return false;
    memcpy(id, name, GP_ARCHIVE_ID);
    id[GP_ARCHIVE_ID] = '\0';
    return true;
}

static bool is_day(const char *name)
{
    return strlen(name) == GP_ARCHIVE_DAY && strspn(name, "0123456789-") == GP_ARCHIVE_DAY && name[4] == '-';
}

struct sweep {
    time_t before; /* files changed later are left alone */
    gp_archive_wanted_fn *wanted;
    void *arg;
    size_t removed;
};

static void sweep_day(struct sweep *s, int archive, const char *day)
{
    DIR *d = read_folder(archive, day);
    size_t left = 0;
    char id[GP_ARCHIVE_ID + 1];
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        struct stat st;
        if (!id_of(e->d_name, id)) {
            left += e->d_name[0] != '.';
            continue;
        }
        bool old = fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ctime <= s->before;
        if (old && !s->wanted(s->arg, id) && unlinkat(dirfd(d), e->d_name, 0) == 0)
            s->removed++;
        else
            left++;
    }
    if (d == NULL)
        return;
    closedir(d);
    if (left == 0)
        unlinkat(archive, day, AT_REMOVEDIR);
}

size_t gp_archive_sweep(struct gp_archive *a, const char *first, const char *last, unsigned age,
                        gp_archive_wanted_fn *wanted, void *arg)
{
    struct sweep s = {.before = (time_t)(gp_clock_wall_ms() / 1000) - (time_t)age, .wanted = wanted, .arg = arg};
    DIR *d = read_folder(a->folder, ".");
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        bool inside =
            (first[0] == '\0' || strcmp(e->d_name, first) >= 0) && (last[0] == '\0' || strcmp(e->d_name, last) <= 0);
        if (is_day(e->d_name) && inside)
            sweep_day(&s, a->folder, e->d_name);
    }
    if (d != NULL)
        closedir(d);
    return s.removed;
}
