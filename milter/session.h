/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * session.h - what is known of one SMTP session and of the message in it
 *
 * libmilter runs one session's events on changing threads, one after the other: everything lives here and nothing in a
 * thread. Bounded memory: about 16 KiB a session, and what buffered.h says; while headers come what kept.h says, after
 * them what departure.h says. No libmilter in here, so tests need none.
 */
#ifndef GP_MILTER_SESSION_H
#define GP_MILTER_SESSION_H

#include "milter/departure.h"
#include "milter/rules.h"
#include "shared/epoch.h"
#include "shared/ledger.h"

#include <sys/socket.h>

/* The message of the transaction that is open; gp_session_reset empties it. */
struct gp_message {
    bool open; /* MAIL was accepted */
    bool utf8;
    bool re_enveloped;                  /* the sender is a return path of ours */
    char sender[GP_ADDRESS_MAX + 1];    /* "" for null */
    char recipient[GP_ADDRESS_MAX + 1]; /* "" until one was accepted */
    uint32_t recipients;                /* accepted */
    uint64_t octets;
    struct gp_limits limits; /* those that held at MAIL */
    struct gp_headers headers;
    struct gp_kept kept;            /* empty once the headers have ended */
    struct gp_departure *departure; /* from then on; NULL: none could be made */
};

struct gp_session {
    struct gp_epoch *epoch;
    const struct gp_agency *agency; /* of the epoch; NULL: nobody we know */
    const struct gp_agency *login;  /* that lists the login; NULL: none does, or there is no login */
    bool logged_in;
    enum gp_profile profile;
    char client[GP_IP_TEXT]; /* "unknown" when Postfix did not know it any more */
    enum gp_reason standing; /* what taking the session gave */
    bool taken;              /* the ledger counts it; gp_session_end gives it back */
    uint64_t began_ms;       /* monotonic */
    uint32_t accepted;       /* messages */
    struct gp_message message;
};

/* What every call is told: where sessions are counted, and the time. */
struct gp_now {
    struct gp_ledger *ledger;
    uint64_t wall_ms, monotonic_ms;
};

/* gp_session_begin - a session of the running epoch, taken from its agency's allowance unless it is drained already
 * peer may be NULL (the client was gone before Postfix looked): then nothing is taken and nothing permitted.
 * NULL when there is no memory.
 */
struct gp_session *gp_session_begin(struct gp_str daemon_name, const struct sockaddr *peer, const struct gp_now *now);

/* gp_session_login - MAIL says who has logged in; empty: nobody
 * On the login's listener the session is that agency's from now on: taken from its allowance, then given back to the
 * one that had it before.
 */
void gp_session_login(struct gp_session *s, struct gp_str login, const struct gp_now *now);

/* gp_session_end - give back what was taken, forget the epoch, free; NULL is fine */
void gp_session_end(struct gp_session *s, const struct gp_now *now);

/* gp_session_reset - forget the message */
void gp_session_reset(struct gp_session *s);

/* gp_session_facts - the facts that the session and its message give */
struct gp_milter_facts gp_session_facts(const struct gp_session *s, const struct gp_now *now);

/* gp_session_prepare - before MAIL is judged: forgets the last message, reads the limits that hold now (one round
 * trip), and tries again to take the session if the store could not say
 */
void gp_session_prepare(struct gp_session *s, const struct gp_now *now);

/* gp_session_sender, gp_session_recipient - MAIL or RCPT was accepted with these facts */
void gp_session_sender(struct gp_session *s, const struct gp_milter_facts *f);
void gp_session_recipient(struct gp_session *s, const struct gp_milter_facts *f);

/* gp_session_header, gp_session_headers_end, gp_session_body - the content of the message as it streams by
 * e: without sender, recipient, re_enveloped and day, which the session knows. At its end message.departure is made.
 */
void gp_session_header(struct gp_session *s, struct gp_str name, struct gp_str value);
void gp_session_headers_end(struct gp_session *s, struct gp_signer *signer, struct gp_envelope e,
                            const struct gp_now *now);
void gp_session_body(struct gp_session *s, const unsigned char *octets, size_t n);

/* gp_session_count - sessions that live in this process, with or without a place in the ledger. Any thread. */
size_t gp_session_count(void);

#endif
