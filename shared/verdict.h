/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict.h - the one table of replies
 *
 * Every reply Gatepost can give is a row here and nowhere else. The reason id is what logs, metrics and manuals use. What
 * it means stands in verdict_meaning.c; "ninja -C build manuals" writes gatepost-replies(7) from both.
 * Pure; any thread.
 */
#ifndef GP_SHARED_VERDICT_H
#define GP_SHARED_VERDICT_H

#include "shared/str.h"

/*    enum suffix           reason id               code   enhanced  text ("%" stands for the operator's reason) */
#define GP_REPLIES(X)                                                                                                 \
    X(RECIPIENT_LIMIT,      "recipient-limit",      "452", "4.5.3",                                                   \
      "Service unavailable, recipient per message limit reached")                                                     \
    X(SESSION_LIMIT,        "session-limit",        "421", "4.4.5", "Service unavailable, concurrency limit reached") \
    X(RECONFIGURING,        "reconfiguring",        "421", "4.3.2", "Reconfiguration in progress")                    \
    X(RECIPIENT_SYNTAX,     "recipient-syntax",     "501", "5.5.2", "RCPT TO syntax error")                           \
    X(SENDER_DOMAIN,        "sender-domain",        "451", "4.7.1",                                                   \
      "General failure, this is a private mailfrom domain, usage is not permitted")                                   \
    X(SENDER_DOMAIN_REJECT, "sender-domain",        "550", "5.7.1",                                                   \
      "General failure, this is a private mailfrom domain, usage is not permitted")                                   \
    X(PACKAGE,              "package",              "452", "4.7.1",                                                   \
      "Too many recipients received based on tier configuration")                                                     \
    X(MESSAGE_SIZE,         "message-size",         "552", "5.3.4", "message size limit exceeded")                    \
    X(RATE,                 "rate",                 "450", "4.7.1", "Rate limit reached, retry later")                \
    X(NOT_PERMITTED,        "not-permitted",        "554", "5.7.1", "Address not permitted to relay")                 \
    X(BLOCKED,              "blocked",              "554", "5.7.1", "Blocked: %")                                     \
    X(BLOCKED_TEMPORARILY,  "blocked-temporarily",  "421", "4.7.1", "Blocked temporarily: %")                         \
    X(LOGIN_BAN,            "login-ban",            "421", "4.7.0", "Too many failed logins, try again later")        \
    X(PAUSED,               "paused",               "450", "4.7.1", "Paused: %")                                      \
    X(MESSAGES_PER_SESSION, "messages-per-session", "421", "4.7.0", "Too many messages in this session, reconnect")   \
    X(SESSION_TIME,         "session-time",         "421", "4.7.0", "Session too long, reconnect")                    \
    X(LOGIN_REQUIRED,       "login-required",       "530", "5.7.0", "Login required")                                 \
    X(HEADERS,              "headers",              "554", "5.6.0",                                                   \
      "Too many X-Gatepost or List-Unsubscribe headers")                                                              \
    X(HEADERS_SIZE,         "headers",              "554", "5.6.0", "Headers too large to be signed")                 \
    X(SPF_REJECT,           "spf",                  "550", "5.7.23", "Sender domain does not authorize this relay")   \
    X(SPF_DEFER,            "spf",                  "450", "4.7.23", "Sender domain does not authorize this relay")   \
    X(UNSIGNED,             "unsigned",             "451", "4.7.5", "Message could not be signed, retry later")       \
    X(SUPPRESSED,           "suppressed",           "550", "5.7.1", "Recipient suppressed: %")                        \
    X(AUTO_REPLY_LIMIT,     "auto-reply-limit",     "550", "5.7.1", "Too many automatic replies to this recipient")   \
    X(RETURN_FORGED,        "token-forged",         "550", "5.1.1", "No such return path")                            \
    X(INTERNAL,             "internal",             "451", "4.3.0",                                                   \
      "General failure, please retry again or contact the support")

enum gp_reason {
    GP_ACCEPTED, /* no reply of ours; reason id "accepted" in logs */
#define GP_X(id, reason, code, enhanced, text) GP_##id,
    GP_REPLIES(GP_X)
#undef GP_X
        GP_REASON_COUNT
};

#define GP_DETAIL_MAX 200 /* octets of an operator's reason that reach a client */
#define GP_REPLY_TEXT_MAX 512

struct gp_reply {
    const char *reason;   /* "session-limit" */
    const char *code;     /* "421"; "" for GP_ACCEPTED */
    const char *enhanced; /* "4.4.5" */
    const char *text;     /* may hold one %, see gp_reply_text */
};

/* A decision: what and, where an operator gave a reason, why. */
struct gp_verdict {
    enum gp_reason reason;
    char detail[GP_DETAIL_MAX + 1]; /* the operator's reason as gp_verdict_of cleaned it, or "" */
};

/* gp_reply_of - the row; never NULL for a value of the enum */
const struct gp_reply *gp_reply_of(enum gp_reason reason);

/* What a reply means to people: sentences in the form of struct gp_key's texts (shared/config_private.h). */
struct gp_reply_meaning {
    const char *who; /* says it, at which stage, by which rule: no sentence */
    const char *means, *administrator, *submitter;
};

/* gp_reply_meaning_of - verdict_meaning.c; never NULL for a value of the enum */
const struct gp_reply_meaning *gp_reply_meaning_of(enum gp_reason reason);

/* gp_verdict_of - a verdict; detail is copied without CR, LF and other control characters, only well-formed
 * UTF-8, and cut at GP_DETAIL_MAX octets
 */
struct gp_verdict gp_verdict_of(enum gp_reason reason, struct gp_str detail);

/* gp_reply_text - the text after code and enhanced code, the detail put in for "%"; always NUL-terminated.
 * An empty detail reads "by the operator".
 */
void gp_reply_text(const struct gp_verdict *v, char out[GP_REPLY_TEXT_MAX]);

#endif
