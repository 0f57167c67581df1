/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log.h - one line per event, key=value or JSON, foreign bytes escaped, floods limited
 *
 * A line: "level=info event=verdict queue_id=NOQUEUE client=192.0.2.1 reason=rate", or
 * {"time":1764396243.120,"level":"info","event":"verdict","queue_id":"NOQUEUE","client":"192.0.2.1","reason":"rate"}
 * gatepost-log(5) has the events and their fields. Any thread; nothing here fails.
 */
#ifndef GP_SHARED_LOG_H
#define GP_SHARED_LOG_H

#include "shared/config.h"
#include "shared/str.h"
#include "shared/verdict.h"

enum gp_level { GP_ERROR, GP_WARN, GP_INFO };

/* Lines of one event and reason; what is left out is counted in one line. An accepted message always has its line:
 * they are as many as the limits allow, and each may be asked for one day.
 */
#define GP_LOG_PER_SECOND 200

/* gp_log_open - program is the syslog identity; before it, lines go to stderr as text. Once, before other threads. */
void gp_log_open(const char *program, enum gp_log_target target, enum gp_log_format format);

/* gp_log - a plain line of ours: event=<event> text="..." */
void gp_log(enum gp_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* gp_log_errno - the same with errno's text; leaves errno as it was */
void gp_log_errno(enum gp_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A line built field by field. Values are escaped and quoted where they must be; a value longer than 256 octets is cut.
 * A line that is full takes no more fields, and is well-formed all the same.
 */
struct gp_line {
    char text[6144];
    struct gp_buf buf;
    enum gp_level level;
    const char *event;
    enum gp_reason reason;
    bool always; /* no flood limit */
};

void gp_line_begin(struct gp_line *l, enum gp_level level, const char *event);
void gp_line_str(struct gp_line *l, const char *key, struct gp_str value); /* left out when value is empty */
void gp_line_u64(struct gp_line *l, const char *key, uint64_t value);
void gp_line_reason(struct gp_line *l, enum gp_reason reason); /* reason=<id>, and code= when it is a reply */
void gp_line_end(struct gp_line *l);                           /* writes it, unless the flood limit holds */

#endif
