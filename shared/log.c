/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log.c - one line per event, key=value, foreign bytes escaped, floods limited
 */
#include "shared/log.h"

#include "shared/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define VALUE_MAX 256
#define GATES 64 /* flood counters; two names in one share its allowance */

/* Lines of one event and reason in the current second. */
struct gate {
    uint64_t second;
    uint64_t lines;
    uint64_t left_out;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gate gates[GATES];
static enum gp_log_target where = GP_LOG_STDERR;

static const char *const level_name[] = {[GP_ERROR] = "error", [GP_WARN] = "warning", [GP_INFO] = "info"};
static const int level_priority[] = {[GP_ERROR] = LOG_ERR, [GP_WARN] = LOG_WARNING, [GP_INFO] = LOG_INFO};

void gp_log_open(const char *program, enum gp_log_target target)
{
    if (target == GP_LOG_SYSLOG)
        openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
    where = target;
}

/* One write, so that lines of two threads never mix. */
static void emit(enum gp_level level, const char *text, size_t n)
{
    if (where == GP_LOG_SYSLOG) {
        syslog(level_priority[level], "%s", text);
        return;
    }
    char line[sizeof((struct gp_line *)NULL)->text + 64];
    struct gp_buf b = gp_buf_on(line, sizeof line - 1);
    uint64_t now = gp_clock_wall_ms();
    gp_buf_printf(&b, "%llu.%03u ", (unsigned long long)(now / 1000), (unsigned)(now % 1000));
    gp_buf_put(&b, (struct gp_str){text, n});
    line[b.n] = '\n';
    ssize_t written = write(STDERR_FILENO, line, b.n + 1);
    (void)written; /* a log that cannot be written has nobody to tell */
}

/* Returns whether the line may pass; *missed is what this gate left out in an earlier second. */
static bool gate_pass(const char *event, enum gp_reason reason, uint64_t *missed)
{
    uint64_t second = gp_clock_monotonic_ms() / 1000;
    struct gate *g = &gates[(gp_str_hash(gp_str_z(event)) + (uint64_t)reason) % GATES];
    *missed = 0;
    pthread_mutex_lock(&lock);
    if (g->second != second) {
        *missed = g->left_out;
        *g = (struct gate){.second = second};
    }
    bool pass = g->lines < GP_LOG_PER_SECOND;
    if (pass)
        g->lines++;
    else
        g->left_out++;
    pthread_mutex_unlock(&lock);
    return pass;
}

void gp_line_begin(struct gp_line *l, enum gp_level level, const char *event)
{
    l->level = level;
    l->event = event;
    l->reason = GP_ACCEPTED;
    l->always = false;
    l->buf = gp_buf_on(l->text, sizeof l->text);
    gp_buf_printf(&l->buf, "level=%s event=%s", level_name[level], event);
}

static bool plain(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return true;
}

void gp_line_str(struct gp_line *l, const char *key, struct gp_str value)
{
    if (value.n == 0)
        return;
    if (value.n > VALUE_MAX)
        value.n = VALUE_MAX;
    gp_buf_printf(&l->buf, " %s=", key);
    if (plain(value)) {
        gp_buf_put(&l->buf, value);
        return;
    }
    gp_buf_putz(&l->buf, "\"");
    gp_buf_put_escaped(&l->buf, value);
    gp_buf_putz(&l->buf, "\"");
}

void gp_line_u64(struct gp_line *l, const char *key, uint64_t value)
{
    gp_buf_printf(&l->buf, " %s=%llu", key, (unsigned long long)value);
}

void gp_line_reason(struct gp_line *l, enum gp_reason reason)
{
    const struct gp_reply *r = gp_reply_of(reason);
    l->reason = reason;
    l->always = reason == GP_ACCEPTED;
    gp_line_str(l, "reason", gp_str_z(r->reason));
    gp_line_str(l, "code", gp_str_z(r->code));
}

void gp_line_end(struct gp_line *l)
{
    uint64_t missed = 0;
    bool pass = l->always || gate_pass(l->event, l->reason, &missed);
    if (missed > 0) {
        char text[256];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_buf_printf(&b, "level=warning event=flood of=%s reason=%s left_out=%llu", l->event,
                      gp_reply_of(l->reason)->reason, (unsigned long long)missed);
        emit(GP_WARN, text, b.n);
    }
    if (pass)
        emit(l->level, l->text, l->buf.n);
}

static void log_text(enum gp_level level, const char *event, int number, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void log_text(enum gp_level level, const char *event, int number, const char *fmt, va_list ap)
{
    struct gp_line l;
    char text[1024];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    gp_line_begin(&l, level, event);
    gp_buf_putz(&l.buf, " text=\"");
    gp_buf_put_escaped(&l.buf, (struct gp_str){text, length});
    gp_buf_putz(&l.buf, "\"");
    if (number != 0) {
        char room[128];
        gp_line_str(&l, "error", gp_str_z(strerror_r(number, room, sizeof room)));
    }
    gp_line_end(&l);
}

void gp_log(enum gp_level level, const char *event, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_text(level, event, 0, fmt, ap);
    va_end(ap);
}

void gp_log_errno(enum gp_level level, const char *event, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    log_text(level, event, saved, fmt, ap);
    va_end(ap);
    errno = saved;
}
