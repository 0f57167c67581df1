/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_line.h - what one line of Postfix's log says of a message in its queue (pure; any thread)
 *
 * Recipients, host names and replies in it were chosen by strangers, so a line is read from the left, by the form in
 * which Postfix writes it (bounce/log_adhoc.c, qmgr/qmgr_active.c), and nothing is ever searched for: what stands
 * inside an address or a reply cannot pass for a field, nor a field for another. A line cut short says what was left of
 * it, or nothing. Views point into what was parsed.
 */
#ifndef GP_FEEDBACK_LOG_LINE_H
#define GP_FEEDBACK_LOG_LINE_H

#include "shared/str.h"

#define GP_LOG_LINE_MAX 16384 /* octets of a line; Postfix writes 2048 at most */
#define GP_LOG_TAG_MAX 64
#define GP_LOG_QUEUE_ID_MAX 32

/* A line of a log file, apart: whoever wrote it down. */
struct gp_log_entry {
    struct gp_str stamp;   /* "Nov 21 09:00:00" or RFC 3339: log_time.h */
    struct gp_str tag;     /* "postfix/smtp" */
    struct gp_str message; /* "4XyZ...: to=<...>" */
};

/* gp_log_entry_split - as syslog and postlogd write a line: "Nov 21 09:00:00 host postfix/smtp[123]: message"
 * The time may be RFC 3339's; the line is without its end. False for everything else.
 */
bool gp_log_entry_split(struct gp_str line, struct gp_log_entry *out);

enum gp_log_kind {
    GP_LOG_ACTIVE,  /* the queue manager took it up: sender */
    GP_LOG_RESULT,  /* of one attempt at one recipient */
    GP_LOG_EXPIRED, /* given up, returned to its sender */
    GP_LOG_REMOVED  /* it left the queue */
};
enum gp_log_result { GP_LOG_SENT, GP_LOG_DEFERRED, GP_LOG_BOUNCED };

struct gp_log_line {
    enum gp_log_kind kind;
    struct gp_str instance; /* "postfix", "postfix-out": queue ids are unique within it */
    struct gp_str queue_id;
    struct gp_str sender; /* ACTIVE, EXPIRED */
    /* RESULT */
    enum gp_log_result result;
    struct gp_str recipient; /* as Postfix writes it, a local-part quoted where it must be */
    struct gp_str original;  /* before aliases; "" when the same */
    struct gp_str host;      /* that was talked to, "" */
    struct gp_str status;    /* "4.7.0" */
    struct gp_str text;      /* inside the last parentheses, without "delivery temporarily suspended: " */
    bool suspended;          /* it was there: text is a copy of what another message was told (rule e0) */
    uint64_t delay_s;        /* since the message came */
};

/* gp_log_line_parse - tag and message of an entry, of a file or the journal; false when it is none of the kinds */
bool gp_log_line_parse(struct gp_str tag, struct gp_str message, struct gp_log_line *out);

/* gp_log_said - of a result's text what the remote side said: without "host H[IP] said: " before it and "(in reply to
 * RCPT TO command)" behind it. The whole text when it is Postfix's own, such as "connect to H[IP]:25: ...".
 * *reply: its code, "550", or "".
 */
struct gp_str gp_log_said(struct gp_str text, struct gp_str *reply);

#endif
