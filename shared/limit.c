/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limit.c - one table of limits: name, how its text is read, how it is written
 */
#include "shared/limit.h"

#include <inttypes.h>

#define COUNT_MAX UINT64_C(1000000000000)
#define SMALL_MAX 65535
#define SESSION_TIME_MAX_S (7 * 24 * 3600)
#define MESSAGE_SIZE_MAX (UINT64_C(1) << 30)

const struct gp_limits gp_limits_default = {
    .recipients_per_message = 1,
    .message_size = 200 * 1024,
    .sessions = 4,
    .messages_per_session = 100,
    .session_time_s = 3600,
    .rates = 2,
    .rate = {{150, 60}, {1000, 600}},
    .package = {0, GP_PACKAGE_NONE},
    .failed_logins = {3, 1800},
    .auto_replies = {5, 86400},
};

static void put_unit(struct gp_buf *b, uint64_t value, const uint64_t *factor, const char *unit, size_t units)
{
    for (size_t i = 0; i < units; i++) {
        if (value % factor[i] == 0 && value >= factor[i]) {
            gp_buf_printf(b, "%" PRIu64, value / factor[i]);
            if (unit[i] != ' ')
                gp_buf_put(b, (struct gp_str){&unit[i], 1});
            return;
        }
    }
    gp_buf_putz(b, "0");
}

static void put_size(struct gp_buf *b, uint64_t octets)
{
    static const uint64_t factor[] = {UINT64_C(1) << 30, UINT64_C(1) << 20, UINT64_C(1) << 10, 1};
    put_unit(b, octets, factor, "GMK ", 4);
}

static void put_seconds(struct gp_buf *b, uint64_t seconds)
{
    static const uint64_t factor[] = {86400, 3600, 60, 1};
    put_unit(b, seconds, factor, "dhms", 4);
}

static void put_window(struct gp_buf *b, const struct gp_window *w)
{
    gp_buf_printf(b, "%" PRIu64 "/", w->count);
    put_seconds(b, w->seconds);
}

static bool read_small(struct gp_str s, uint32_t *out)
{
    uint64_t v;
    if (!gp_str_u64(s, SMALL_MAX, &v) || v == 0)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool read_window(struct gp_str s, struct gp_window *out)
{
    struct gp_str count;
    uint64_t n, seconds;
    if (!gp_str_split(&s, '/', &count) || s.p == NULL)
        return false;
    if (!gp_str_u64(count, COUNT_MAX, &n) || n == 0)
        return false;
    if (!gp_str_seconds(s, GP_WINDOW_MAX_S, &seconds) || seconds == 0)
        return false;
    *out = (struct gp_window){n, (uint32_t)seconds};
    return true;
}

static const char *set_recipients(struct gp_limits *io, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_u64(s, COUNT_MAX, &v) || v != 1)
        return "must be 1: one return path names one recipient";
    io->recipients_per_message = v;
    return NULL;
}

static const char *set_size(struct gp_limits *io, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_size(s, MESSAGE_SIZE_MAX, &v) || v == 0)
        return "must be a size from 1 to 1G, such as 200K or 14M";
    io->message_size = v;
    return NULL;
}

static const char *set_sessions(struct gp_limits *io, struct gp_str s)
{
    return read_small(s, &io->sessions) ? NULL : "must be a whole number from 1 to 65535, such as 4";
}

static const char *set_messages(struct gp_limits *io, struct gp_str s)
{
    return read_small(s, &io->messages_per_session) ? NULL : "must be a whole number from 1 to 65535, such as 100";
}

static const char *set_session_time(struct gp_limits *io, struct gp_str s)
{
    uint64_t v;
    if (!gp_str_seconds(s, SESSION_TIME_MAX_S, &v) || v == 0)
        return "must be a time from 1s to 7d with its unit s, m, h or d, such as 1h";
    io->session_time_s = (uint32_t)v;
    return NULL;
}

static const char *set_rate(struct gp_limits *io, struct gp_str s)
{
    struct gp_window rate[GP_RATES_MAX];
    size_t n = 0;
    struct gp_str part;
    if (gp_str_eq(s, GP_STR("0"))) {
        io->rates = 0;
        return NULL;
    }
    if (s.n == 0)
        return "must be recipients/time with a time from 1s to 48h, such as 150/1m, or 0 for no rate limit";
    while (gp_str_split(&s, ',', &part)) {
        if (n == GP_RATES_MAX)
            return "must be at most 8 rates";
        if (!read_window(part, &rate[n++]))
            return "must be recipients/time with a time from 1s to 48h, such as 150/1m, or 0 for no rate limit";
    }
    for (size_t i = 0; i < n; i++)
        io->rate[i] = rate[i];
    io->rates = n;
    return NULL;
}

static const char *set_package(struct gp_limits *io, struct gp_str s)
{
    static const char right[] = "must be recipients/day or recipients/month, such as 100000/month, or 0 for none";
    struct gp_str count;
    uint64_t v;
    if (gp_str_eq(s, GP_STR("0"))) {
        io->package = (struct gp_package){0, GP_PACKAGE_NONE};
        return NULL;
    }
    if (!gp_str_split(&s, '/', &count) || !gp_str_u64(count, COUNT_MAX, &v) || v == 0)
        return right;
    if (gp_str_eq(s, GP_STR("day")))
        io->package = (struct gp_package){v, GP_PACKAGE_DAY};
    else if (gp_str_eq(s, GP_STR("month")))
        io->package = (struct gp_package){v, GP_PACKAGE_MONTH};
    else
        return right;
    return NULL;
}

static const char *set_failed_logins(struct gp_limits *io, struct gp_str s)
{
    struct gp_window window;
    if (!read_window(s, &window) || window.count > GP_FAILED_LOGINS_MAX)
        return "must be failures/time with 1 to 64 failures and a time from 1s to 48h, such as 3/30m";
    io->failed_logins = window;
    return NULL;
}

static const char *set_auto_replies(struct gp_limits *io, struct gp_str s)
{
    return read_window(s, &io->auto_replies) ? NULL : "must be messages/time with a time from 1s to 48h, such as 5/1d";
}

static void text_recipients(const struct gp_limits *l, struct gp_buf *b)
{
    gp_buf_printf(b, "%" PRIu64, l->recipients_per_message);
}

static void text_size(const struct gp_limits *l, struct gp_buf *b)
{
    put_size(b, l->message_size);
}

static void text_sessions(const struct gp_limits *l, struct gp_buf *b)
{
    gp_buf_printf(b, "%" PRIu32, l->sessions);
}

static void text_messages(const struct gp_limits *l, struct gp_buf *b)
{
    gp_buf_printf(b, "%" PRIu32, l->messages_per_session);
}

static void text_session_time(const struct gp_limits *l, struct gp_buf *b)
{
    put_seconds(b, l->session_time_s);
}

static void text_rate(const struct gp_limits *l, struct gp_buf *b)
{
    for (size_t i = 0; i < l->rates; i++) {
        if (i > 0)
            gp_buf_putz(b, ",");
        put_window(b, &l->rate[i]);
    }
    if (l->rates == 0)
        gp_buf_putz(b, "0");
}

static void text_package(const struct gp_limits *l, struct gp_buf *b)
{
    static const char *const period[] = {
        [GP_PACKAGE_DAY] = "day", [GP_PACKAGE_MONTH] = "month", [GP_PACKAGE_TOTAL] = "total"};
    if (l->package.period == GP_PACKAGE_NONE)
        gp_buf_putz(b, "0");
    else
        gp_buf_printf(b, "%" PRIu64 "/%s", l->package.count, period[l->package.period]);
}

static void text_failed_logins(const struct gp_limits *l, struct gp_buf *b)
{
    put_window(b, &l->failed_logins);
}

static void text_auto_replies(const struct gp_limits *l, struct gp_buf *b)
{
    put_window(b, &l->auto_replies);
}

static const struct {
    const char *label;
    bool live;
    const char *(*set)(struct gp_limits *io, struct gp_str s);
    void (*text)(const struct gp_limits *l, struct gp_buf *b);
    const char *note, *manual;
} table[] = {
    [GP_LIMIT_RECIPIENTS_PER_MESSAGE] = {"recipients_per_message", false, set_recipients, text_recipients,
         "nothing else yet: one return path names one recipient",
         "Recipients of one message."},
    [GP_LIMIT_MESSAGE_SIZE] = {"message_size", true, set_size, text_size,
         NULL,
         "Size of a message, headers and body with CRLF, at most {Ic message_size_ceiling}."},
    [GP_LIMIT_SESSIONS] = {"sessions", true, set_sessions, text_sessions,
         "open at once",
         "Sessions open at once, over all nodes."},
    [GP_LIMIT_MESSAGES_PER_SESSION] = {"messages_per_session", true, set_messages, text_messages,
         NULL,
         "Accepted messages in one session."},
    [GP_LIMIT_SESSION_TIME] = {"session_time", true, set_session_time, text_session_time,
         NULL,
         "How long a session may last."},
    [GP_LIMIT_RATE] = {"rate", true, set_rate, text_rate,
         "recipients; all of them hold",
         "Accepted recipients in a stretch of time: one text or a list of at most 8, all of which hold."},
    [GP_LIMIT_PACKAGE] = {"package", true, set_package, text_package,
         "recipients per day or month: \"100000/month\"; 0 = none",
         "Recipients in a calendar day or month, UTC."},
    [GP_LIMIT_FAILED_LOGINS] = {"failed_logins", true, set_failed_logins, text_failed_logins,
         "then the address is banned for 30m",
         "So many failed logins from one address within that time ban the address for that time. The login "
         "that was tried decides whose limit it is; a user name that no agency lists falls under the default. "
         "A login that succeeds clears nothing."},
    [GP_LIMIT_AUTO_REPLIES] = {"auto_replies", true, set_auto_replies, text_auto_replies,
         "per recipient address",
         "Automatic replies to one recipient within the time that the first of them begins; see "
         "{Xr gatepost-milter 8}."},
};
_Static_assert(sizeof table / sizeof table[0] == GP_LIMIT_COUNT, "table out of step with enum gp_limit_name");

const char *gp_limit_label(enum gp_limit_name name)
{
    return table[name].label;
}

const char *gp_limit_manual(enum gp_limit_name name)
{
    return table[name].manual;
}

const char *gp_limit_note(enum gp_limit_name name)
{
    return table[name].note;
}

enum gp_limit_name gp_limit_find(struct gp_str name)
{
    unsigned i = 0;
    while (i < GP_LIMIT_COUNT && !gp_str_eq(name, gp_str_z(table[i].label)))
        i++;
    return (enum gp_limit_name)i;
}

bool gp_limit_live(enum gp_limit_name name)
{
    return table[name].live;
}

const char *gp_limit_set(struct gp_limits *io, enum gp_limit_name name, struct gp_str text)
{
    const char *why = table[name].set(io, text);
    if (why == NULL)
        io->given |= 1u << name;
    return why;
}

void gp_limit_text(const struct gp_limits *limits, enum gp_limit_name name, char out[GP_LIMIT_TEXT_MAX])
{
    struct gp_buf b = gp_buf_on(out, GP_LIMIT_TEXT_MAX);
    table[name].text(limits, &b);
}
