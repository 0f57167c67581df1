/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log.c - one line per event, key=value or JSON, foreign bytes escaped, floods limited
 */
#include "shared/log.h"

#include "shared/clock.h"
#include "shared/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define VALUE_MAX 256
#define CLOSING 2   /* octets kept for what closes the last value and the line: "} */
#define ROOM_MIN 16 /* for a value; with less the field is left out */
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
static enum gp_log_format form = GP_LOG_TEXT;

static const char *const level_name[] = {[GP_ERROR] = "error", [GP_WARN] = "warning", [GP_INFO] = "info"};
static const int level_priority[] = {[GP_ERROR] = LOG_ERR, [GP_WARN] = LOG_WARNING, [GP_INFO] = LOG_INFO};

void gp_log_open(const char *program, enum gp_log_target target, enum gp_log_format format)
{
    if (target == GP_LOG_SYSLOG)
        openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
    where = target;
    form = format;
}

static void put_time(struct gp_buf *b)
{
    uint64_t now = gp_clock_wall_ms();
    gp_buf_printf(b, "%llu.%03u", (unsigned long long)(now / 1000), (unsigned)(now % 1000));
}

/* One write, so that lines of two threads never mix. */
static void emit(struct gp_line *l)
{
    if (form == GP_LOG_JSON) {
        l->buf.cap += CLOSING;
        gp_buf_putz(&l->buf, "}");
    }
    if (where == GP_LOG_SYSLOG) {
        syslog(level_priority[l->level], "%s", l->text);
        return;
    }
    char line[sizeof l->text + 64];
    struct gp_buf b = gp_buf_on(line, sizeof line - 1);
    if (form == GP_LOG_TEXT) {
        put_time(&b);
        gp_buf_putz(&b, " ");
    }
    gp_buf_put(&b, gp_buf_str(&l->buf));
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
    if (!pass)
        gp_metrics_add(GP_METRIC_LOG_LEFT_OUT, 1);
    return pass;
}

void gp_line_begin(struct gp_line *l, enum gp_level level, const char *event)
{
    l->level = level;
    l->event = event;
    l->reason = GP_ACCEPTED;
    l->always = false;
    l->buf = gp_buf_on(l->text, sizeof l->text - CLOSING);
    if (form == GP_LOG_JSON) {
        gp_buf_putz(&l->buf, "{\"time\":");
        put_time(&l->buf);
        gp_buf_printf(&l->buf, ",\"level\":\"%s\",\"event\":\"%s\"", level_name[level], event);
    } else {
        gp_buf_printf(&l->buf, "level=%s event=%s", level_name[level], event);
    }
}

/* The name of a field and what stands before and after it; false when the line has no room for another. */
static bool put_key(struct gp_line *l, const char *key)
{
    if (l->buf.cap - l->buf.n < strlen(key) + ROOM_MIN)
        return false;
    gp_buf_printf(&l->buf, form == GP_LOG_JSON ? ",\"%s\":" : " %s=", key);
    return true;
}

/* A value that does not fit is cut between two characters; the quote behind it has its room. */
static void put_quoted(struct gp_line *l, struct gp_str value)
{
    gp_buf_putz(&l->buf, "\"");
    if (form == GP_LOG_JSON)
        gp_buf_put_json(&l->buf, value);
    else
        gp_buf_put_escaped(&l->buf, value);
    l->buf.full = false;
    l->buf.cap++;
    gp_buf_putz(&l->buf, "\"");
    l->buf.cap--;
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
    value = gp_str_cut(value, VALUE_MAX);
    if (value.n == 0 || !put_key(l, key))
        return;
    if (form == GP_LOG_TEXT && plain(value) && value.n < l->buf.cap - l->buf.n)
        gp_buf_put(&l->buf, value);
    else
        put_quoted(l, value);
}

void gp_line_u64(struct gp_line *l, const char *key, uint64_t value)
{
    char digits[24];
    struct gp_buf b = gp_buf_on(digits, sizeof digits);
    gp_buf_printf(&b, "%llu", (unsigned long long)value);
    if (l->buf.cap - l->buf.n >= strlen(key) + ROOM_MIN + b.n && put_key(l, key))
        gp_buf_put(&l->buf, gp_buf_str(&b));
}

void gp_line_reason(struct gp_line *l, enum gp_reason reason)
{
    const struct gp_reply *r = gp_reply_of(reason);
    l->reason = reason;
    l->always = reason == GP_ACCEPTED;
    gp_line_str(l, "reason", gp_str_z(r->reason));
    gp_line_str(l, "code", gp_str_z(r->code));
}

/* What the flood limit left out in an earlier second. */
static void tell_flood(const struct gp_line *of, uint64_t missed)
{
    struct gp_line l;
    gp_line_begin(&l, GP_WARN, "flood");
    gp_line_str(&l, "of", gp_str_z(of->event));
    gp_line_str(&l, "reason", gp_str_z(gp_reply_of(of->reason)->reason));
    gp_line_u64(&l, "left_out", missed);
    emit(&l);
}

void gp_line_end(struct gp_line *l)
{
    uint64_t missed = 0;
    bool pass = l->always || gate_pass(l->event, l->reason, &missed);
    if (missed > 0)
        tell_flood(l, missed);
    if (pass)
        emit(l);
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
    if (put_key(&l, "text"))
        put_quoted(&l, (struct gp_str){text, length});
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
