/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp.h - one letter to one place by SMTP, with an empty sender (libcurl; any thread)
 */
#ifndef GP_FEEDBACK_SMTP_H
#define GP_FEEDBACK_SMTP_H

#include "feedback/letter.h"

#define GP_SMTP_WHY_MAX 320

/* gp_smtp_stop_fn - shall it be given up? Asked about each second. */
typedef bool gp_smtp_stop_fn(void *arg);

/* gp_smtp_send - place: "inet:host:port" or "unix:/path". True when the server took it; else why[] says what happened.
 * Takes up to a minute.
 */
bool gp_smtp_send(const char *place, const struct gp_letter *letter, gp_smtp_stop_fn *stop, void *arg,
                  char why[GP_SMTP_WHY_MAX]);

#endif
