/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tail_fixture.h - a folder with a log in it, whoever writes and rotates it, and whoever follows it
 */
#ifndef GP_T_UNIT_TAIL_FIXTURE_H
#define GP_T_UNIT_TAIL_FIXTURE_H

#include "feedback/log_line.h"
#include "feedback/log_tail.h"
#include "t/unit/scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct scratch scratch;
static struct gp_tail *tail;

static inline const char *tail_path(const char *name)
{
    static char path[4][512];
    static unsigned turn;
    char *out = path[turn++ % 4];
    scratch_path(&scratch, name, out);
    return out;
}

static inline void tail_write(const char *name, struct gp_str octets)
{
    int fd = open(tail_path(name), O_WRONLY | O_CREAT | O_APPEND, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, octets.p, octets.n), octets.n);
    close(fd);
}

static inline void tail_say(const char *name, const char *text)
{
    tail_write(name, gp_str_z(text));
}

static inline void tail_rename(const char *from, const char *to)
{
    assert_int_equal(rename(tail_path(from), tail_path(to)), 0);
}

static inline void tail_remove(const char *name)
{
    assert_int_equal(unlink(tail_path(name)), 0);
}

static inline void tail_copy(const char *from, const char *to)
{
    char octets[65536];
    int fd = open(tail_path(from), O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, octets, sizeof octets);
    close(fd);
    assert_true(n >= 0 && (size_t)n < sizeof octets);
    tail_write(to, (struct gp_str){octets, (size_t)n});
}

static inline void tail_truncate(const char *name)
{
    assert_int_equal(truncate(tail_path(name), 0), 0);
}

static inline void tail_start(const struct gp_log_position *from)
{
    tail = gp_tail_open(tail_path("mail.log"), from, false);
    assert_non_null(tail);
}

/* End, and go on where it ended: what a restart does. */
static inline struct gp_log_position tail_stop(void)
{
    struct gp_log_position at;
    assert_true(gp_tail_position(tail, &at));
    gp_tail_close(tail);
    tail = NULL;
    return at;
}

/* All lines that are there now, each with a blank behind. */
static inline const char *tail_lines(void)
{
    static char out[65536];
    struct gp_buf b = gp_buf_on(out, sizeof out);
    struct gp_str line;
    while (gp_tail_next(tail, &line)) {
        gp_buf_put(&b, line);
        gp_buf_putz(&b, " ");
    }
    assert_false(b.full);
    return out;
}

#define EXPECT(lines) assert_string_equal(tail_lines(), lines)

static inline int tail_setup(void **state)
{
    (void)state;
    return scratch_open(&scratch) ? 0 : -1;
}

static inline int tail_teardown(void **state)
{
    (void)state;
    gp_tail_close(tail);
    tail = NULL;
    scratch_close(&scratch);
    return 0;
}

#endif
