/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_tail.c - the lines of a file that is written to and rotated meanwhile
 */
#include "feedback/log_tail.h"

#include "feedback/log_line.h"
#include "feedback/log_rotation.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM (GP_LOG_MARK + (256u << 10)) /* read at once; more than the longest line */

struct gp_tail {
    char path[GP_LOG_NAME_MAX];
    struct gp_log_position at; /* of the open file, as fill() found it last; or where to go on */
    bool known;                /* at says something */
    bool at_end;               /* begin the first file there */
    int fd;                    /* -1: no file yet */
    char *buffer;              /* octets of the file from buffer_at on: some that were read before, then unread ones */
    uint64_t buffer_at;
    size_t next, end;
    bool skipping; /* up to the end of a line that is too long, or began before a place */
    bool leaving;  /* its successor was seen to be written: this file gets no more lines than it has */
    bool said_waiting;
};

static uint64_t hash_of(const char *p, size_t n)
{
    return gp_str_hash((struct gp_str){p, n}) & INT64_MAX;
}

static void copy_name(char out[GP_LOG_NAME_MAX], const char *name)
{
    struct gp_buf b = gp_buf_on(out, GP_LOG_NAME_MAX);
    gp_buf_putz(&b, name);
}

struct gp_tail *gp_tail_open(const char *path, const struct gp_log_position *from, bool at_end)
{
    struct gp_tail *t = calloc(1, sizeof *t);
    char *buffer = malloc(ROOM);
    if (t == NULL || buffer == NULL) {
        free(t);
        free(buffer);
        return NULL;
    }
    t->fd = -1;
    t->buffer = buffer;
    t->at_end = at_end;
    copy_name(t->path, path);
    if (from != NULL) {
        t->at = *from;
        t->known = true;
    }
    return t;
}

void gp_tail_close(struct gp_tail *t)
{
    if (t == NULL)
        return;
    if (t->fd >= 0)
        close(t->fd);
    free(t->buffer);
    free(t);
}

static void note_place(struct gp_tail *t)
{
    size_t n = t->next < GP_LOG_MARK ? t->next : GP_LOG_MARK;
    t->at.offset = t->buffer_at + t->next;
    t->at.mark_n = n;
    t->at.mark = hash_of(t->buffer + t->next - n, n);
}

bool gp_tail_position(const struct gp_tail *t, struct gp_log_position *out)
{
    size_t n = t->next < GP_LOG_MARK ? t->next : GP_LOG_MARK;
    *out = t->at;
    out->read_ms = gp_clock_wall_ms();
    if (t->fd >= 0) {
        out->offset = t->buffer_at + t->next;
        out->mark_n = n;
        out->mark = hash_of(t->buffer + t->next - n, n);
    }
    return t->known;
}

/* Does the file hold what stood before the place? */
static bool fits(int fd, uint64_t size, const struct gp_log_position *at)
{
    char octets[GP_LOG_MARK];
    size_t n = (size_t)at->mark_n;
    return at->mark_n <= GP_LOG_MARK && at->mark_n <= at->offset && at->offset <= size &&
           pread(fd, octets, n, (off_t)(at->offset - n)) == (ssize_t)n && hash_of(octets, n) == at->mark;
}

/* What begins within a line, or in the hole that a writer without O_APPEND leaves, has no beginning. */
static bool start_at(struct gp_tail *t, int fd, uint64_t offset)
{
    size_t n = offset < GP_LOG_MARK ? (size_t)offset : GP_LOG_MARK;
    if (pread(fd, t->buffer, n, (off_t)(offset - n)) != (ssize_t)n)
        return false;
    t->buffer_at = offset - n;
    t->next = t->end = n;
    t->skipping = n > 0 && t->buffer[n - 1] != '\n' && t->buffer[n - 1] != '\0';
    t->leaving = false;
    note_place(t);
    return true;
}

enum where { AT_PLACE, AT_PLACE_OR_START, AT_END };

/* Once, until a file can be opened again. */
static void say_waiting(struct gp_tail *t, const char *path)
{
    if (!t->said_waiting)
        gp_log_errno(GP_WARN, "maillog", "waiting for %s: not a file that can be read", path);
    t->said_waiting = true;
}

/* Open a file in the stead of the one that is open. False: nothing changed.
 * is: which file it has to be, NULL for any: names move while a log is rotated.
 */
static bool begin(struct gp_tail *t, const char *path, const struct gp_rotated *is, enum where where)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (t->fd < 0 || errno != ENOENT) /* names move */
            say_waiting(t, path);
        goto fail;
    }
    if (is != NULL && (is->device != st.st_dev || is->inode != st.st_ino))
        goto fail;
    uint64_t size = (uint64_t)st.st_size;
    bool here = t->known && fits(fd, size, &t->at);
    if ((where == AT_PLACE && !here) || !start_at(t, fd, here ? t->at.offset : where == AT_END ? size : 0))
        goto fail;
    if (t->fd >= 0)
        close(t->fd);
    t->fd = fd;
    t->at.inode = st.st_ino & INT64_MAX;
    t->known = true;
    t->said_waiting = false;
    gp_log(GP_INFO, "maillog", "reading %s from octet %llu on", path, (unsigned long long)t->at.offset);
    return true;
fail:
    if (fd >= 0)
        close(fd);
    return false;
}

/* A file of the log's folder. */
static bool begin_rotated(struct gp_tail *t, const struct gp_rotated *file, enum where where)
{
    char path[GP_LOG_NAME_MAX];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    const char *slash = strrchr(t->at.name, '/');
    gp_buf_put(&b, (struct gp_str){t->at.name, slash == NULL ? 0 : (size_t)(slash - t->at.name + 1)});
    gp_buf_putz(&b, file->name);
    return !b.full && begin(t, path, file, where);
}

/* The file that the path leads to. */
static bool begin_path(struct gp_tail *t, enum where where)
{
    char *resolved = realpath(t->path, NULL);
    bool good = resolved != NULL && strlen(resolved) < GP_LOG_NAME_MAX && begin(t, resolved, NULL, where);
    if (good)
        copy_name(t->at.name, resolved);
    else if (resolved == NULL)
        say_waiting(t, t->path);
    free(resolved);
    return good;
}

/* The oldest file that was written since; NULL: none. */
static const struct gp_rotated *written_since(const struct gp_rotated *list, size_t n, uint64_t ns)
{
    for (size_t i = 0; i < n; i++) {
        if (!list[i].packed && list[i].changed_ns >= ns)
            return &list[i];
    }
    return NULL;
}

/* The file of the place: under whatever name, else a copy of it. */
static bool begin_known(struct gp_tail *t, const struct gp_rotated *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((list[i].inode & INT64_MAX) == t->at.inode && begin_rotated(t, &list[i], AT_PLACE))
            return true;
    }
    for (size_t i = 0; i < n && t->at.mark_n > 0; i++) {
        if (!list[i].packed && list[i].size >= t->at.offset && begin_rotated(t, &list[i], AT_PLACE))
            return true;
    }
    return false;
}

/* No file is open, and there is a place to go on from. */
static bool locate(struct gp_tail *t)
{
    size_t n;
    struct gp_rotated *list = gp_rotation_list(t->at.name, &n);
    bool good = begin_known(t, list, n);
    if (!good) {
        const struct gp_rotated *since = written_since(list, n, t->at.read_ms * 1000000);
        unsigned long long offset = t->at.offset;
        good = since != NULL ? begin_rotated(t, since, AT_PLACE_OR_START) : begin_path(t, AT_PLACE_OR_START);
        if (good)
            gp_log(GP_WARN, "maillog", "what %s held before octet %llu is nowhere: what followed there was not read",
                   t->at.name, offset);
    }
    free(list);
    return good;
}

static uint64_t changed_ns(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* Which file of the list comes after the open one; n when that is the last, or the path leads elsewhere now.
 * *passed: how many compressed ones before it are passed over. A file that was last written before the open one never
 * comes after it, whatever it is called.
 */
static size_t successor(const struct gp_tail *t, const struct gp_rotated *list, size_t n, size_t *passed)
{
    struct stat st;
    size_t at = 0;
    *passed = 0;
    if (fstat(t->fd, &st) != 0)
        return n;
    while (at < n && (list[at].device != st.st_dev || list[at].inode != st.st_ino))
        at++;
    if (at == n) { /* removed, or compressed: its name is gone */
        const struct gp_rotated *since = written_since(list, n, changed_ns(&st) + 1);
        return since == NULL ? n : (size_t)(since - list);
    }
    for (at++; at < n && (list[at].packed || list[at].changed_ns < changed_ns(&st)); at++)
        *passed += list[at].packed && list[at].changed_ns >= changed_ns(&st);
    return at;
}

/* At the end of the open file. Once something is written to the successor, nothing is any more to this one: it is read
 * again to its end, and left. Returns whether there is more to read now.
 */
static bool move_on(struct gp_tail *t)
{
    struct stat open_one, st = {.st_size = 0}; /* between two files there may be none */
    size_t n, passed;
    bool more = false;
    if (stat(t->path, &st) == 0 && fstat(t->fd, &open_one) == 0 && st.st_dev == open_one.st_dev &&
        st.st_ino == open_one.st_ino) {
        t->leaving = false;
        return false;
    }
    struct gp_rotated *list = gp_rotation_list(t->at.name, &n);
    size_t next = successor(t, list, n, &passed);
    bool written = next < n ? !list[next].live || list[next].size > 0 : st.st_size > 0;
    if (written && t->leaving) {
        note_place(t);
        more = next < n ? begin_rotated(t, &list[next], AT_PLACE_OR_START) : begin_path(t, AT_PLACE_OR_START);
        if (more && passed > 0)
            gp_log(GP_WARN, "maillog", "%zu files before it are compressed: what they hold was not read", passed);
    } else if (written) {
        more = t->leaving = true;
    }
    free(list);
    return more;
}

enum filled { FILLED_MORE, FILLED_SAME, FILLED_OTHER };

/* Read on, from the octets before the place on: they must be the same as ever. */
static enum filled fill(struct gp_tail *t)
{
    size_t had = t->end - t->next;
    note_place(t);
    size_t n = (size_t)t->at.mark_n;
    ssize_t got = pread(t->fd, t->buffer, ROOM, (off_t)(t->at.offset - n));
    if (got < 0 || (size_t)got < n || hash_of(t->buffer, n) != t->at.mark)
        return FILLED_OTHER;
    t->buffer_at = t->at.offset - n;
    t->next = n;
    t->end = (size_t)got;
    return t->end - t->next > had ? FILLED_MORE : FILLED_SAME;
}

static bool take_line(struct gp_tail *t, struct gp_str *line)
{
    for (;;) {
        while (!t->skipping && t->next < t->end && t->buffer[t->next] == '\0')
            t->next++;
        const char *p = t->buffer + t->next, *lf = memchr(p, '\n', t->end - t->next);
        if (lf == NULL)
            break;
        bool whole = !t->skipping;
        *line = (struct gp_str){p, (size_t)(lf - p)};
        t->next += line->n + 1;
        t->skipping = false;
        if (line->n > 0 && lf[-1] == '\r')
            line->n--;
        if (whole && line->n <= GP_LOG_LINE_MAX)
            return true;
    }
    t->skipping = t->skipping || t->end - t->next > GP_LOG_LINE_MAX;
    if (t->skipping)
        t->next = t->end;
    return false;
}

/* The last line of a file that gets no end any more. */
static bool take_rest(struct gp_tail *t, struct gp_str *line)
{
    *line = (struct gp_str){t->buffer + t->next, t->end - t->next};
    t->next = t->end;
    return line->n > 0;
}

static bool begin_any(struct gp_tail *t)
{
    return t->known ? locate(t) : begin_path(t, t->at_end ? AT_END : AT_PLACE_OR_START);
}

bool gp_tail_next(struct gp_tail *t, struct gp_str *line)
{
    if (t->fd < 0 && !begin_any(t))
        return false;
    while (!take_line(t, line)) {
        enum filled filled = fill(t);
        if (filled == FILLED_MORE)
            continue;
        if (filled == FILLED_OTHER) {
            close(t->fd);
            t->fd = -1;
            if (!locate(t))
                return false;
        } else if (t->leaving && take_rest(t, line)) {
            return true;
        } else if (!move_on(t)) {
            return false;
        }
    }
    return true;
}
