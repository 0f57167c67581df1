/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp.h - the server's side of one LMTP conversation (RFC 2033), octets in, events and replies out (pure)
 *
 * Every octet may come by itself or many commands at once (PIPELINING). Only a fault in the protocol is answered 5xx:
 * whatever else is wrong is the caller's 4xx, or a returned message would be lost. SIZE is announced without a number
 * and SMTPUTF8 is, because Postfix would otherwise refuse on our behalf.
 */
#ifndef GP_FEEDBACK_LMTP_H
#define GP_FEEDBACK_LMTP_H

#include "feedback/dotted.h"

#define GP_LMTP_LINE_MAX 2048 /* octets of a command, without its end */
#define GP_LMTP_PATH_MAX 320  /* octets of an address */
#define GP_LMTP_RECIPIENTS_MAX 100
#define GP_LMTP_ERRORS_MAX 20 /* then the conversation ends */
#define GP_LMTP_OUT_MAX 32768

enum gp_lmtp_event {
    GP_LMTP_MORE,    /* the input is spent, or there is no more room for replies: send `out`, then go on */
    GP_LMTP_BEGIN,   /* a message begins, if gp_lmtp_begin says so */
    GP_LMTP_CHUNK,   /* more of it, in `chunk`: as it was, dots unstuffed */
    GP_LMTP_MESSAGE, /* all of it was there: gp_lmtp_answer for each recipient */
    GP_LMTP_QUIT     /* send `out` and close */
};

struct gp_lmtp {
    const char *host; /* our name */
    enum { GP_LMTP_COMMANDS, GP_LMTP_BEGINNING, GP_LMTP_DATA, GP_LMTP_ANSWERING, GP_LMTP_OVER } state;
    struct gp_dotted data;
    bool greeted, have_sender, too_long;
    unsigned errors;
    size_t line_n;
    char line[GP_LMTP_LINE_MAX + 1];   /* and its CR */
    char sender[GP_LMTP_PATH_MAX + 1]; /* "" for <> */
    size_t recipients, answered;
    char recipient[GP_LMTP_RECIPIENTS_MAX][GP_LMTP_PATH_MAX + 1];
    struct gp_str chunk; /* into the input, or static */
    struct gp_buf out;
    char out_text[GP_LMTP_OUT_MAX];
};

/* gp_lmtp_init - the greeting is in `out` then; host must live as long */
void gp_lmtp_init(struct gp_lmtp *l, const char *host);

/* gp_lmtp_feed - go on with *in, which becomes what is left of it. Call again until MORE with nothing left. */
enum gp_lmtp_event gp_lmtp_feed(struct gp_lmtp *l, struct gp_str *in);

/* gp_lmtp_begin - after BEGIN: take the message, or answer 451 */
void gp_lmtp_begin(struct gp_lmtp *l, bool take);

/* gp_lmtp_answer - after MESSAGE, for the next recipient: 250 with its id, or 451 when id is NULL
 * With the last one the envelope is forgotten and commands go on.
 */
void gp_lmtp_answer(struct gp_lmtp *l, const char *id);

/* gp_lmtp_close - 421: the server ends the conversation */
void gp_lmtp_close(struct gp_lmtp *l, const char *why);

/* gp_lmtp_sent - `out` was sent */
void gp_lmtp_sent(struct gp_lmtp *l);

#endif
