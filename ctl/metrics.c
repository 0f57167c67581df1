/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics.c - gatepostctl metrics: what the daemons that run count of themselves, for Prometheus, as one text
 *
 * A family may stand in a text once only, so those of the daemons are laid together.
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "ctl/state.h"
#include "shared/metrics.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HELP GP_STR("# HELP ")

/* One family of one daemon's text. */
struct family {
    struct gp_str name, head, samples;
};

static bool starts(struct gp_str s, struct gp_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* The first lines of s, n of them, or all before the next # HELP for n = 0; taken off s. */
static struct gp_str take_lines(struct gp_str *s, size_t n)
{
    struct gp_str taken = {s->p, 0};
    for (size_t i = 0; s->n > 0 && (n > 0 ? i < n : !starts(*s, HELP)); i++) {
        size_t line = gp_str_find(*s, '\n');
        line += line < s->n;
        taken.n += line;
        *s = (struct gp_str){s->p + line, s->n - line};
    }
    return taken;
}

static bool next_family(struct gp_str *rest, struct family *out)
{
    if (!starts(*rest, HELP))
        return false;
    struct gp_str name = {rest->p + HELP.n, rest->n - HELP.n};
    out->name = (struct gp_str){name.p, gp_str_find(name, ' ')};
    out->head = take_lines(rest, 2);
    out->samples = take_lines(rest, 0);
    return true;
}

static bool find_family(struct gp_str text, struct gp_str name, struct family *out)
{
    while (next_family(&text, out)) {
        if (gp_str_eq(out->name, name))
            return true;
    }
    return false;
}

static void put(struct gp_str s)
{
    fwrite(s.p, 1, s.n, stdout);
}

static void put_family(const struct gp_str *texts, size_t from, const struct family *f)
{
    struct family other;
    for (size_t i = 0; i < from; i++) {
        if (find_family(texts[i], f->name, &other))
            return; /* it was put with the others */
    }
    put(f->head);
    put(f->samples);
    for (size_t i = from + 1; i < GP_CTL_DAEMONS; i++) {
        if (find_family(texts[i], f->name, &other))
            put(other.samples);
    }
}

/* Lines of printable ASCII, which may go to a terminal; what is none is no text of a daemon. */
static struct gp_str read_text(const char *run_directory, const char *program, char room[GP_METRICS_TEXT_MAX])
{
    char path[4096];
    struct gp_buf b = gp_buf_on(path, sizeof path);
    struct gp_str text = {room, 0};
    gp_buf_printf(&b, "%s/%s.metrics", run_directory, program);
    /* not waiting for a writer, should a pipe stand there */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return text;
    for (ssize_t n; text.n < GP_METRICS_TEXT_MAX && (n = read(fd, room + text.n, GP_METRICS_TEXT_MAX - text.n)) > 0;)
        text.n += (size_t)n;
    close(fd);
    for (size_t i = 0; i < text.n; i++) {
        if ((text.p[i] < ' ' && text.p[i] != '\n') || text.p[i] > '~')
            return (struct gp_str){room, 0};
    }
    return text;
}

int gp_ctl_metrics(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    static char room[GP_CTL_DAEMONS][GP_METRICS_TEXT_MAX];
    struct gp_str texts[GP_CTL_DAEMONS], rest;
    struct family f;
    (void)args;
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    printf("# HELP gatepost_up 1 when the daemon runs and answers.\n# TYPE gatepost_up gauge\n");
    for (size_t i = 0; i < GP_CTL_DAEMONS; i++) {
        struct gp_ctl_daemon d;
        gp_ctl_daemon_read(ctl->config->run_directory, gp_ctl_daemon_name[i], &d);
        bool up = gp_ctl_daemon_answers(&d);
        gp_ctl_daemon_free(&d);
        printf("gatepost_up{program=\"%s\"} %d\n", gp_ctl_daemon_name[i], up);
        texts[i] = up ? read_text(ctl->config->run_directory, gp_ctl_daemon_name[i], room[i]) : GP_STR("");
    }
    for (size_t i = 0; i < GP_CTL_DAEMONS; i++) {
        rest = texts[i];
        while (next_family(&rest, &f))
            put_family(texts, i, &f);
    }
    return GP_CTL_OK;
}
