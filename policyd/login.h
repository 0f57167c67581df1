/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * login.h - failed logins of every address, counted by all nodes together, and the bans that follow
 *
 * Postfix tells nobody of a failed login, so Dovecot does (login_http.h). Each failure is a time in the item
 * gp:failures:<address>; when the limit's window holds as many as the limit allows, the address is banned for as long
 * as the window: gp:ban:<address>. The limit is failed_logins of the agency whose login was tried, else the default; a
 * success clears nothing. What was refused for a ban is not counted. Without the store, or while it does not answer,
 * this process counts and bans for itself, and hands its bans over when the store is back.
 *
 * Any thread may call anything; a call takes at most as long as a few of counters.h.
 */
#ifndef GP_POLICYD_LOGIN_H
#define GP_POLICYD_LOGIN_H

#include "shared/config.h"
#include "shared/counters.h"
#include "shared/store.h"

#define GP_LOGIN_REPORT_EVERY_MS 60000 /* one log line in this time says that logins went by unasked */

struct gp_logins;

/* counters: NULL when there are none; they outlive the result, prefix is copied. NULL when out of memory. */
struct gp_logins *gp_logins_new(struct gp_counters *counters, const char *prefix);
void gp_logins_free(struct gp_logins *l); /* NULL is fine */

/* gp_logins_banned - is the address banned, as far as is known? */
bool gp_logins_banned(struct gp_logins *l, const struct gp_config *c, const struct gp_ip *ip, uint64_t now_ms);

/* gp_logins_banned_here - has this process banned it for itself? Asks nobody. */
bool gp_logins_banned_here(struct gp_logins *l, const struct gp_ip *ip, uint64_t now_ms);

/* gp_logins_failed - a login failed; counts it and bans the address when it is one too many */
void gp_logins_failed(struct gp_logins *l, const struct gp_config *c, const struct gp_ip *ip, struct gp_str login,
                      uint64_t now_ms);

/* gp_logins_settle - each second, from the thread that may block: write new bans to the journal, give this process's
 * own bans to the store
 */
void gp_logins_settle(struct gp_logins *l, struct gp_store *store, uint64_t now_ms);

/* What Dovecot asked, for the status file and to see when it does not. */
struct gp_logins_heard {
    uint64_t requests; /* good ones, so far */
    uint64_t last_ms;  /* when the last came; 0: never */
    uint64_t unasked;  /* sessions that logged in and Dovecot had asked nothing since they began */
};
void gp_logins_hear(struct gp_logins *l, uint64_t now_ms); /* a request came */
struct gp_logins_heard gp_logins_heard(const struct gp_logins *l);

/* gp_logins_unasked - a session has a login, and nobody asked since it began: Dovecot lets everybody in when it gets no
 * answer, so failures are not being counted
 * gp_logins_report - say so in the log, at most once a minute; monotonic_ms. Main thread.
 */
void gp_logins_unasked(struct gp_logins *l);
void gp_logins_report(struct gp_logins *l, uint64_t monotonic_ms);

#endif
