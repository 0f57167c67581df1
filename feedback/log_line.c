/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_line.c - what one line of Postfix's log says
 */
#include "feedback/log_line.h"

#include <string.h>

#define QUEUE_ID_LEAST 6
#define COMMAND_MAX 32 /* "end of DATA" and the like */

static bool is_alnum(char c)
{
    return gp_is_digit(c) || gp_is_letter(c);
}

static struct gp_str from(struct gp_str s, size_t at)
{
    return (struct gp_str){s.p + at, s.n - at};
}

static bool starts(struct gp_str s, struct gp_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* Step over what must stand here. */
static bool skip(struct gp_str *s, struct gp_str what)
{
    if (!starts(*s, what))
        return false;
    *s = from(*s, what.n);
    return true;
}

/* Take what stands before c, and step over c. */
static bool take_until(struct gp_str *s, char c, struct gp_str *out)
{
    size_t at = gp_str_find(*s, c);
    if (at == s->n)
        return false;
    *out = (struct gp_str){s->p, at};
    *s = from(*s, at + 1);
    return true;
}

static size_t digits(struct gp_str s)
{
    size_t n = 0;
    while (n < s.n && gp_is_digit(s.p[n]))
        n++;
    return n;
}

/* "Nov 21 09:00:00", one octet each: a for a letter, 9 for a digit, _ for a digit or a blank. */
static bool fits(struct gp_str s, const char *form)
{
    size_t n = strlen(form);
    if (s.n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];
        bool good = form[i] == 'a'   ? is_alnum(c) && !gp_is_digit(c)
                    : form[i] == '9' ? gp_is_digit(c)
                    : form[i] == '_' ? gp_is_digit(c) || c == ' '
                                     : c == form[i];
        if (!good)
            return false;
    }
    return true;
}

static bool take_stamp(struct gp_str *s, struct gp_str *out)
{
    static const char plain[] = "aaa _9 99:99:99 ";
    if (fits(*s, plain)) {
        *out = (struct gp_str){s->p, sizeof plain - 2};
        *s = from(*s, sizeof plain - 1);
        return true;
    }
    return fits(*s, "9999-99-99T99:99:99") && take_until(s, ' ', out);
}

/* "postfix/smtp[123]: " */
static bool take_tag(struct gp_str *s, struct gp_str *out)
{
    size_t n = 0;
    while (n < s->n && n < GP_LOG_TAG_MAX &&
           (is_alnum(s->p[n]) || (s->p[n] != '\0' && strchr("/-_.", s->p[n]) != NULL)))
        n++;
    *out = (struct gp_str){s->p, n};
    *s = from(*s, n);
    if (skip(s, GP_STR("["))) {
        *s = from(*s, digits(*s));
        if (!skip(s, GP_STR("]")))
            return false;
    }
    return skip(s, GP_STR(": "));
}

bool gp_log_entry_split(struct gp_str line, struct gp_log_entry *out)
{
    struct gp_str host;
    if (!take_stamp(&line, &out->stamp) || !take_until(&line, ' ', &host) || host.n == 0 || !take_tag(&line, &out->tag))
        return false;
    out->message = line;
    return true;
}

/* "4XyZ...: " */
static bool take_queue_id(struct gp_str *s, struct gp_str *out)
{
    size_t n = 0;
    while (n < s->n && n < GP_LOG_QUEUE_ID_MAX && is_alnum(s->p[n]))
        n++;
    *out = (struct gp_str){s->p, n};
    *s = from(*s, n);
    return n >= QUEUE_ID_LEAST && skip(s, GP_STR(": "));
}

/* "<address>, ": the bracket that ends it is the first outside of a quoted local-part. */
static bool take_address(struct gp_str *s, struct gp_str *out)
{
    size_t n = 1;
    if (!starts(*s, GP_STR("<")))
        return false;
    if (s->n > 1 && s->p[1] == '"') {
        for (n = 2; n < s->n && s->p[n] != '"'; n++)
            n += s->p[n] == '\\';
    }
    while (n < s->n && s->p[n] != '>')
        n++;
    if (n >= s->n)
        return false;
    *out = (struct gp_str){s->p + 1, n - 1};
    *s = from(*s, n + 1);
    return skip(s, GP_STR(", "));
}

/* "host.example[192.0.2.1]:25", "none" */
static struct gp_str host_of(struct gp_str relay)
{
    size_t n = gp_str_find(relay, '[');
    return n < relay.n ? (struct gp_str){relay.p, n} : (struct gp_str){relay.p, 0};
}

static bool status_valid(struct gp_str s)
{
    if (s.n < 5 || !gp_is_digit(s.p[0]) || s.p[1] != '.')
        return false;
    size_t subject = digits(from(s, 2));
    if (subject == 0 || subject > 3 || 2 + subject == s.n || s.p[2 + subject] != '.')
        return false;
    size_t detail = digits(from(s, 3 + subject));
    return detail > 0 && detail <= 3 && 3 + subject + detail == s.n;
}

/* Seconds of "delay=4.8" */
static uint64_t whole_seconds(struct gp_str s)
{
    uint64_t v = 0;
    s.n = gp_str_find(s, '.');
    (void)gp_str_u64(s, UINT32_MAX, &v);
    return v;
}

static bool result_of(struct gp_str word, enum gp_log_result *out)
{
    static const struct {
        const char *word;
        enum gp_log_result result;
    } results[] = {{"sent", GP_LOG_SENT},
                   {"deferred", GP_LOG_DEFERRED},
                   {"bounced", GP_LOG_BOUNCED},
                   {"SOFTBOUNCE", GP_LOG_DEFERRED}}; /* soft_bounce = yes */
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (gp_str_eq(word, gp_str_z(results[i].word))) {
            *out = results[i].result;
            return true;
        }
    }
    return false;
}

/* "status=deferred (text)"; the last parenthesis is missing in a line that was cut. */
static bool take_outcome(struct gp_str s, struct gp_log_line *out)
{
    size_t n = gp_str_find(s, ' ');
    if (!result_of((struct gp_str){s.p, n}, &out->result))
        return false;
    s = from(s, n);
    if (!skip(&s, GP_STR(" (")))
        return s.n == 0;
    if (s.n > 0 && s.p[s.n - 1] == ')')
        s.n--;
    out->suspended = skip(&s, GP_STR("delivery temporarily suspended: "));
    out->text = s;
    return true;
}

/* "relay=..., [conn_use=..., ]delay=..., delays=..., dsn=..., status=...": values without commas, but for the last */
static bool take_fields(struct gp_str s, struct gp_log_line *out)
{
    bool relay = false;
    while (!skip(&s, GP_STR("status="))) {
        struct gp_str name, value;
        size_t comma = gp_str_find(s, ',');
        struct gp_str field = {s.p, comma};
        s = from(s, comma);
        if (!take_until(&field, '=', &name) || !skip(&s, GP_STR(", ")))
            return false;
        value = field;
        if (gp_str_eq(name, GP_STR("relay"))) {
            out->host = host_of(value);
            relay = true;
        } else if (gp_str_eq(name, GP_STR("delay"))) {
            out->delay_s = whole_seconds(value);
        } else if (gp_str_eq(name, GP_STR("dsn"))) {
            out->status = value;
        }
    }
    return relay && status_valid(out->status) && take_outcome(s, out);
}

static bool parse_result(struct gp_str s, struct gp_log_line *out)
{
    out->kind = GP_LOG_RESULT;
    if (!take_address(&s, &out->recipient))
        return false;
    if (skip(&s, GP_STR("orig_to=")) && !take_address(&s, &out->original))
        return false;
    return starts(s, GP_STR("relay=")) && take_fields(s, out);
}

/* Of the queue manager: "<sender>, size=300, nrcpt=1 (queue active)", "<sender>, status=expired, returned to sender" */
static bool parse_sender(struct gp_str s, struct gp_log_line *out)
{
    if (!take_address(&s, &out->sender))
        return false;
    out->kind = GP_LOG_EXPIRED;
    if (skip(&s, GP_STR("status=")))
        return gp_str_eq(s, GP_STR("expired, returned to sender")) ||
               gp_str_eq(s, GP_STR("force-expired, returned to sender"));
    out->kind = GP_LOG_ACTIVE;
    return starts(s, GP_STR("size="));
}

static bool is_queue_manager(struct gp_str tag)
{
    return tag.n >= 4 && memcmp(tag.p + tag.n - 4, "qmgr", 4) == 0;
}

bool gp_log_line_parse(struct gp_str tag, struct gp_str message, struct gp_log_line *out)
{
    *out = (struct gp_log_line){.instance = {tag.p, gp_str_find(tag, '/')}};
    if (out->instance.n == tag.n || !take_queue_id(&message, &out->queue_id))
        return false;
    if (skip(&message, GP_STR("to=")))
        return parse_result(message, out);
    if (is_queue_manager(tag) && skip(&message, GP_STR("from=")))
        return parse_sender(message, out);
    out->kind = GP_LOG_REMOVED;
    return gp_str_eq(message, GP_STR("removed"));
}

/* The name and address have no blanks, so the words behind them are Postfix's. */
static struct gp_str without_speaker(struct gp_str s)
{
    struct gp_str host, rest = s;
    if (!skip(&rest, GP_STR("host ")) || !take_until(&rest, ' ', &host) ||
        (!skip(&rest, GP_STR("said: ")) && !skip(&rest, GP_STR("refused to talk to me: "))))
        return s;
    return rest;
}

/* The remote side may have written the same words; Postfix's are the last. */
static struct gp_str without_command(struct gp_str s)
{
    static const char begin[] = " (in reply to ", end[] = " command)";
    const size_t begin_n = sizeof begin - 1, end_n = sizeof end - 1;
    if (s.n < begin_n + end_n || memcmp(s.p + s.n - end_n, end, end_n) != 0)
        return s;
    for (size_t at = s.n - end_n - begin_n, tried = 0; tried <= COMMAND_MAX; at--, tried++) {
        if (memcmp(s.p + at, begin, begin_n) == 0)
            return (struct gp_str){s.p, at};
        if (at == 0)
            break;
    }
    return s;
}

struct gp_str gp_log_said(struct gp_str text, struct gp_str *reply)
{
    struct gp_str said = without_speaker(text);
    bool remote = said.n < text.n;
    if (remote)
        said = without_command(said);
    bool code = said.n >= 3 && said.p[0] >= '2' && said.p[0] <= '5' && digits(said) == 3 &&
                (said.n == 3 || said.p[3] == ' ' || said.p[3] == '-');
    *reply = (struct gp_str){said.p, remote && code ? 3 : 0};
    return said;
}
