/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limit.h - the limits an agency can have: names, text forms, defaults (pure; any thread)
 *
 * The same text stands in gatepost.conf, in a live limit in memcached and on gatepostctl's command line.
 */
#ifndef GP_SHARED_LIMIT_H
#define GP_SHARED_LIMIT_H

#include "shared/str.h"

enum gp_limit_name {
    GP_LIMIT_RECIPIENTS_PER_MESSAGE,
    GP_LIMIT_MESSAGE_SIZE,
    GP_LIMIT_SESSIONS,
    GP_LIMIT_MESSAGES_PER_SESSION,
    GP_LIMIT_SESSION_TIME,
    GP_LIMIT_RATE,
    GP_LIMIT_PACKAGE,
    GP_LIMIT_FAILED_LOGINS,
    GP_LIMIT_AUTO_REPLIES,
    GP_LIMIT_COUNT
};

#define GP_RATES_MAX 8              /* windows of one agency */
#define GP_WINDOW_MAX_S (48 * 3600) /* longest rate window; what is longer is a package */
#define GP_FAILED_LOGINS_MAX 64     /* so many failures of one address are remembered */
#define GP_LIMIT_TEXT_MAX 256       /* longest text form with its NUL */

struct gp_window {
    uint64_t count;   /* events allowed in any stretch of this length */
    uint32_t seconds; /* 1..GP_WINDOW_MAX_S */
};

enum gp_package_period {
    GP_PACKAGE_NONE,
    GP_PACKAGE_DAY,
    GP_PACKAGE_MONTH,
    GP_PACKAGE_TOTAL /* for good: a test window's; no text form means it */
};

struct gp_package {
    uint64_t count;                /* recipients per calendar day or month, UTC, or in all */
    enum gp_package_period period; /* NONE: no package limit */
};

struct gp_limits {
    unsigned given;                  /* bit 1 << name: gp_limit_set wrote it; without it the value is the default */
    uint64_t recipients_per_message; /* 1 */
    uint64_t message_size;           /* octets, headers and body with CRLF */
    uint32_t sessions;               /* open at once, over all nodes */
    uint32_t messages_per_session;   /* accepted messages */
    uint32_t session_time_s;
    size_t rates; /* how many of rate[] hold; 0 = no rate limit */
    struct gp_window rate[GP_RATES_MAX];
    struct gp_package package;
    struct gp_window failed_logins;
    struct gp_window auto_replies;
};

/* What holds where nothing is set; gatepost.conf(5) and the sample show these. */
extern const struct gp_limits gp_limits_default;

/* gp_limit_label - "message_size" for GP_LIMIT_MESSAGE_SIZE */
const char *gp_limit_label(enum gp_limit_name name);

/* gp_limit_manual - what it means, for gatepost.conf(5), in the form of struct gp_key's texts
 * gp_limit_note - the comment beside it in the sample, or NULL
 */
const char *gp_limit_manual(enum gp_limit_name name);
const char *gp_limit_note(enum gp_limit_name name);

/* gp_limit_find - GP_LIMIT_COUNT when there is no such name */
enum gp_limit_name gp_limit_find(struct gp_str name);

/* gp_limit_live - may it be changed live in memcached? (all but recipients_per_message) */
bool gp_limit_live(enum gp_limit_name name);

/* gp_limit_set - read one limit from its text form into *io; the others stay
 * A rate is its whole list, comma-separated without blanks: "150/1m,1000/10m"; "0" is no rate limit.
 * package: "100000/month", "5000/day" or "0". Counts and sizes are at least 1 except where 0 is named here;
 * sessions and messages_per_session at most 65535; session_time 1s..7d; message_size at most 1G; failed_logins at most
 * 64; counts at most 10^12. Returns NULL and notes the name in io->given, or a static text that says what would be
 * right; then *io is unchanged.
 */
const char *gp_limit_set(struct gp_limits *io, enum gp_limit_name name, struct gp_str text);

/* gp_limit_text - the text form of one limit, one that gp_limit_set reads back to the same value
 * (but GP_PACKAGE_TOTAL, which reads "500/total" and cannot be set)
 */
void gp_limit_text(const struct gp_limits *limits, enum gp_limit_name name, char out[GP_LIMIT_TEXT_MAX]);

#endif
