/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_rotation.c - which files a log was rotated into
 */
#include "feedback/log_rotation.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCANS_MAX 10
#define COUNT_DIGITS 5 /* a longer number is a date */

static bool starts(struct gp_str s, struct gp_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static bool ends(struct gp_str s, struct gp_str with)
{
    return s.n >= with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

static bool take_packed(struct gp_str *name)
{
    static const char *const endings[] = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct gp_str ending = gp_str_z(endings[i]);
        if (ends(*name, ending)) {
            name->n -= ending.n;
            return true;
        }
    }
    return false;
}

/* "-20261121", ".1": what rotation put in */
static bool read_middle(struct gp_str s, struct gp_rotation_name *out)
{
    bool plain = true;
    if (s.n < 2 || (s.p[0] != '.' && s.p[0] != '-') || !gp_is_digit(s.p[1]) || !gp_is_digit(s.p[s.n - 1]))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        if (!gp_is_digit(s.p[i]) && strchr(".-_T:", s.p[i]) == NULL)
            return false;
        plain = plain && gp_is_digit(s.p[i]);
    }
    out->stamp = (struct gp_str){s.p + 1, s.n - 1};
    out->counted = plain && out->stamp.n <= COUNT_DIGITS && gp_str_u64(out->stamp, UINT32_MAX, &out->number);
    return true;
}

bool gp_rotation_parse(struct gp_str log, struct gp_str name, struct gp_rotation_name *out)
{
    size_t stem = log.n;
    *out = (struct gp_rotation_name){.live = gp_str_eq(name, log)};
    if (out->live)
        return true;
    out->packed = take_packed(&name);
    if (starts(name, log) && read_middle((struct gp_str){name.p + log.n, name.n - log.n}, out))
        return true;
    while (stem > 0 && log.p[stem - 1] != '.')
        stem--;
    if (stem <= 1)
        return false;
    struct gp_str head = {log.p, stem - 1}, ending = {log.p + stem - 1, log.n - stem + 1};
    return name.n > log.n && starts(name, head) && ends(name, ending) &&
           read_middle((struct gp_str){name.p + head.n, name.n - log.n}, out);
}

/* which of two is older: less than 0 when a is. Pure. */
static int older_first(const struct gp_rotation_name *a, const struct gp_rotation_name *b)
{
    if (a->live != b->live)
        return a->live ? 1 : -1;
    if (a->counted != b->counted)
        return a->counted ? -1 : 1;
    if (a->counted && a->number != b->number)
        return a->number > b->number ? -1 : 1;
    return a->counted ? 0 : gp_str_cmp(a->stamp, b->stamp);
}

static int by_age(const void *a, const void *b, void *log)
{
    struct gp_rotation_name x, y;
    gp_rotation_parse(*(struct gp_str *)log, gp_str_z(((const struct gp_rotated *)a)->name), &x);
    gp_rotation_parse(*(struct gp_str *)log, gp_str_z(((const struct gp_rotated *)b)->name), &y);
    return older_first(&x, &y);
}

static bool look_at(int folder, struct gp_str log, const char *name, struct gp_rotated *out)
{
    struct stat st;
    struct gp_rotation_name parsed;
    struct gp_buf b = gp_buf_on(out->name, sizeof out->name);
    if (!gp_rotation_parse(log, gp_str_z(name), &parsed) || fstatat(folder, name, &st, 0) != 0 || !S_ISREG(st.st_mode))
        return false;
    gp_buf_putz(&b, name);
    out->live = parsed.live;
    out->packed = parsed.packed;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->size = (uint64_t)st.st_size;
    out->changed_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    return !b.full;
}

static struct gp_rotated *collect(DIR *d, struct gp_str log, size_t *n)
{
    size_t room = 0;
    struct gp_rotated *list = NULL;
    for (struct dirent *e; (e = readdir(d)) != NULL && *n < GP_ROTATION_FILES_MAX;) {
        if (*n == room) {
            struct gp_rotated *more = reallocarray(list, room = room == 0 ? 16 : 2 * room, sizeof *list);
            if (more == NULL)
                break;
            list = more;
        }
        if (look_at(dirfd(d), log, e->d_name, &list[*n]))
            ++*n;
    }
    return list;
}

static struct gp_rotated *scan(const char *folder, struct gp_str log, size_t *n)
{
    DIR *d = opendir(folder);
    *n = 0;
    if (d == NULL)
        return NULL;
    struct gp_rotated *list = collect(d, log, n);
    closedir(d);
    if (list != NULL)
        qsort_r(list, *n, sizeof *list, by_age, &log);
    return list;
}

static bool same(const struct gp_rotated *a, size_t a_n, const struct gp_rotated *b, size_t b_n)
{
    bool yes = a_n == b_n;
    for (size_t i = 0; i < a_n && yes; i++)
        yes = strcmp(a[i].name, b[i].name) == 0 && a[i].inode == b[i].inode;
    return yes;
}

/* Names may move from file to file in the midst of a scan: two of the same outcome saw none move. */
struct gp_rotated *gp_rotation_list(const char *path, size_t *n)
{
    char folder[4096];
    struct gp_buf b = gp_buf_on(folder, sizeof folder);
    const char *slash = strrchr(path, '/');
    size_t again_n = 0;
    *n = 0;
    if (slash == NULL)
        return NULL;
    gp_buf_put(&b, (struct gp_str){path, slash == path ? 1 : (size_t)(slash - path)});
    struct gp_str log = gp_str_z(slash + 1);
    struct gp_rotated *list = NULL, *again = NULL;
    for (int i = 0; i < SCANS_MAX && (i < 2 || !same(list, *n, again, again_n)); i++) {
        free(list);
        list = again;
        *n = again_n;
        again = scan(folder, log, &again_n);
    }
    free(again);
    return list;
}
