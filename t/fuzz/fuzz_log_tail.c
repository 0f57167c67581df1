/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_log_tail.c - a mail log of any octets, written in two pieces and read again after a restart: every line once, as
 * splitting the whole file gives them
 *
 * The first two octets say where the file is cut.
 */
#include "feedback/log_line.h"
#include "feedback/log_tail.h"
#include "t/fuzz/checked_log.h"
#include "t/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static struct scratch scratch;
static char path[512];

static void clean(void)
{
    scratch_close(&scratch);
}

static void append(struct gp_str s, const char *mode)
{
    FILE *f = fopen(path, mode);
    must(f != NULL && fwrite(s.p, 1, s.n, f) == s.n && fclose(f) == 0);
}

/* The next line that is to come of what was written; false: none is whole. */
static bool expected(struct gp_str *rest, struct gp_str *line)
{
    for (;;) {
        while (rest->n > 0 && rest->p[0] == '\0') /* the hole that a writer without O_APPEND leaves */
            *rest = (struct gp_str){rest->p + 1, rest->n - 1};
        size_t end = gp_str_find(*rest, '\n');
        if (end == rest->n)
            return false;
        *line = (struct gp_str){rest->p, end - (end > 0 && rest->p[end - 1] == '\r')};
        *rest = (struct gp_str){rest->p + end + 1, rest->n - end - 1};
        if (line->n <= GP_LOG_LINE_MAX)
            return true;
    }
}

/* Reads what there is; *rest becomes what was written behind it. */
static void drain(struct gp_tail *t, struct gp_str *rest)
{
    struct gp_str line, wanted;
    while (gp_tail_next(t, &line))
        must(expected(rest, &wanted) && gp_str_eq(line, wanted));
    must(!expected(rest, &wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_log_position at;
    if (n < 2)
        return 0;
    if (scratch.folder[0] == '\0') {
        checked_log_open();
        must(scratch_open(&scratch));
        atexit(clean);
        scratch_path(&scratch, "mail.log", path);
    }
    struct gp_str all = {(const char *)data + 2, n - 2};
    size_t cut = all.n == 0 ? 0 : ((size_t)data[0] << 8 | data[1]) % (all.n + 1);
    append((struct gp_str){all.p, cut}, "w");
    struct gp_tail *t = gp_tail_open(path, NULL, false);
    must(t != NULL);
    struct gp_str before = {all.p, cut};
    drain(t, &before);
    must(gp_tail_position(t, &at) && at.offset <= cut);
    append((struct gp_str){all.p + cut, all.n - cut}, "a");
    struct gp_str after = {before.p, before.n + all.n - cut};
    if ((data[0] & 1) != 0) { /* stopped and started again */
        gp_tail_close(t);
        t = gp_tail_open(path, &at, false);
        must(t != NULL);
    }
    drain(t, &after);
    gp_tail_close(t);
    unlink(path);
    return 0;
}
