/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppressed.c - may this recipient be mailed?
 */
#include "milter/suppressed.h"

#include "shared/clock.h"
#include "shared/keys.h"
#include "shared/log.h"
#include "shared/seldom.h"

#include <stdlib.h>
#include <time.h>

struct gp_suppressor {
    struct gp_suppression_reader *reader;
    struct gp_counters *counters; /* NULL: nothing is retested */
    char prefix[32];
    struct gp_seldom told; /* the database cannot be read */
};

struct gp_suppressor *gp_suppressor_new(const char *database, struct gp_counters *counters, const char *prefix)
{
    struct gp_suppressor *s = calloc(1, sizeof *s);
    if (s == NULL || (s->reader = gp_suppression_reader_new(database)) == NULL) {
        free(s);
        return NULL;
    }
    struct gp_buf b = gp_buf_on(s->prefix, sizeof s->prefix);
    gp_buf_putz(&b, prefix);
    s->counters = counters;
    return s;
}

void gp_suppressor_free(struct gp_suppressor *s)
{
    if (s == NULL)
        return;
    gp_suppression_reader_free(s->reader);
    free(s);
}

void gp_suppressed_text(const struct gp_suppression *row, char detail[GP_DETAIL_MAX + 1])
{
    char since[24] = "";
    struct tm tm = {0};
    time_t t = (time_t)(row->since_ms / 1000);
    gmtime_r(&t, &tm);
    size_t tail = strftime(since, sizeof since, ", since %Y-%m-%d", &tm);
    const char *why = row->why[0] != '\0' ? row->why : gp_suppression_reason_name(row->reason);
    struct gp_verdict clean = gp_verdict_of(GP_SUPPRESSED, gp_str_z(why));
    struct gp_str text = gp_str_z(clean.detail);
    if (text.n > GP_DETAIL_MAX - tail)
        text.n = GP_DETAIL_MAX - tail;
    while (text.n > 0 && text.n < gp_str_z(clean.detail).n && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
        text.n--; /* not inside a UTF-8 character */
    struct gp_buf b = gp_buf_on(detail, GP_DETAIL_MAX + 1);
    gp_buf_put(&b, text);
    gp_buf_putz(&b, since);
}

/* Is this message the one that may pass? */
static bool claim(const struct gp_suppressor *s, const struct gp_agency *agency, const struct gp_suppression *row)
{
    char key[GP_KEY_MAX];
    if (s->counters == NULL)
        return false;
    gp_key_retest(key, s->prefix, agency->name, gp_str_z(row->address));
    return gp_counters_add(s->counters, agency->name, key, GP_STR("1"), GP_RETEST_EVERY_S) == GP_PUT_DONE;
}

static void log_retest(const struct gp_agency *agency, const struct gp_suppression *row)
{
    struct gp_line line;
    gp_line_begin(&line, GP_INFO, "retest");
    gp_line_str(&line, "agency", gp_str_z(agency->name));
    gp_line_str(&line, "recipient", gp_str_z(row->address));
    gp_line_u64(&line, "step", row->step);
    gp_line_end(&line);
}

static enum gp_reason unknown(struct gp_suppressor *s, const struct gp_config *c, const char *why)
{
    bool closed = c->on_counter_loss == GP_LOSS_CLOSED;
    if (gp_seldom_due(&s->told, gp_clock_monotonic_ms()))
        gp_log(GP_ERROR, "suppression", "the database cannot be read: %s; %s", why,
               closed ? "recipients wait" : "nobody is suppressed");
    return closed ? GP_INTERNAL : GP_ACCEPTED;
}

static enum gp_reason ask(struct gp_suppressor *s, const struct gp_suppressed_question *q, struct gp_str stream,
                          enum gp_suppression_part part, char detail[GP_DETAIL_MAX + 1])
{
    struct gp_suppression row;
    char why[128] = "";
    const struct gp_suppression_question look = {q->recipient, gp_str_z(q->agency->name), stream, part, q->now_ms};
    detail[0] = '\0';
    switch (gp_suppression_look(s->reader, &look, &row, why)) {
    case GP_SUPPRESSION_NONE:
        return GP_ACCEPTED;
    case GP_SUPPRESSION_UNKNOWN:
        return unknown(s, q->config, why);
    case GP_SUPPRESSION_RETEST:
        if (claim(s, q->agency, &row)) {
            log_retest(q->agency, &row);
            return GP_ACCEPTED;
        }
        break;
    case GP_SUPPRESSION_HOLDS:
        break;
    }
    gp_suppressed_text(&row, detail);
    return GP_SUPPRESSED;
}

enum gp_reason gp_suppressed_rcpt(struct gp_suppressor *s, const struct gp_suppressed_question *q,
                                  char detail[GP_DETAIL_MAX + 1])
{
    bool later = q->agency->streams.n > 0;
    return ask(s, q, (struct gp_str){NULL, 0}, later ? GP_SUPPRESSION_ANY_STREAM : GP_SUPPRESSION_WHOLE, detail);
}

enum gp_reason gp_suppressed_end(struct gp_suppressor *s, const struct gp_suppressed_question *q,
                                 char detail[GP_DETAIL_MAX + 1])
{
    detail[0] = '\0';
    if (q->agency->streams.n == 0)
        return GP_ACCEPTED;
    return ask(s, q, q->stream, GP_SUPPRESSION_BY_STREAM, detail);
}
