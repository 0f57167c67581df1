/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mail_head.h - what a message's own headers say of its envelope, and of whether a person wrote it (pure; any thread)
 *
 * For mail that comes without an envelope (POP3, Maildir), and to keep automatic mail from going round in circles. What
 * stands there is the sender's word: an address proves nothing, the token in it does.
 */
#ifndef GP_FEEDBACK_MAIL_HEAD_H
#define GP_FEEDBACK_MAIL_HEAD_H

#include "shared/str.h"

#define GP_MAIL_HEAD_MAX 262144 /* octets that are looked at */
#define GP_MAIL_HEAD_TO_MAX 16
#define GP_MAIL_HEAD_ADDRESS_MAX 254
#define GP_MAIL_HEAD_RECEIVED_MAX 25 /* more than that: a loop */

struct gp_mail_head {
    bool has_return_path;
    struct gp_str return_path; /* address of the first Return-Path, "" for <> */
    size_t to_n;
    struct gp_str to[GP_MAIL_HEAD_TO_MAX]; /* addresses at our domain: of delivery headers first, then of To and Cc */
    unsigned received;                     /* Received headers */
    bool automatic; /* no person wrote it: Auto-Submitted, Precedence, X-Autoreply and their cousins, a report */
    bool button;    /* a mail program's unsubscribe button wrote it, for a person */
    bool forwarded; /* it bears our own mark */
};

/* gp_mail_head_read - the views point into raw; domain is return_path */
void gp_mail_head_read(struct gp_str raw, struct gp_str domain, struct gp_mail_head *out);

#define GP_FORWARDED_HEADER "X-Gatepost-Forwarded"

#endif
