/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mta.h - SMTP sessions as Postfix 3.7 tells a milter of them (protocol 6)
 *
 * Macros stand in front of every event; what needs no answer is written together with what does, as Postfix does. The
 * client of agency K is 10.0.0.0 + K, its sender at aK.example; a message has one recipient and twelve headers.
 * An answer that refuses anything ends the program, as does whatever else goes wrong. One thread.
 */
#ifndef GP_T_BENCH_LOAD_MTA_H
#define GP_T_BENCH_LOAD_MTA_H

#include "t/bench/load/packets.h"

#include <stdint.h>

#define MTA_MACROS_MAX 512

/* What all sessions have in common. */
struct mta {
    const char *socket; /* the milter's */
    const char *body;   /* of every message */
    size_t body_n;
    int poller;          /* an epoll: its events carry the session */
    size_t begun, edits; /* messages; what the milter asked to change in them */
};

/* Events that macros are named for, as they are numbered when a milter asks for them. */
enum mta_stage { MTA_CONNECT, MTA_HELO, MTA_MAIL, MTA_RCPT, MTA_DATA, MTA_END, MTA_EOH, MTA_STAGES };

struct mta_session {
    struct mta *mta;
    unsigned agency;
    unsigned said;          /* messages of this session */
    uint64_t began_ns;      /* the message; the first of a session with its connect */
    uint64_t end_began_ns;  /* its end */
    struct packets packets; /* from here on mta.c's own; packets.fd is -1 when the session is closed */
    enum { OPTIONS, CONNECT, HELO, MAIL, RCPT, DATA, HEADER, EOH, BODY, END } waits; /* for the answer to this */
    size_t item;                             /* header or octet of the body that comes next */
    uint32_t steps;                          /* what the milter does not want to hear of or answer */
    char macros[MTA_STAGES][MTA_MACROS_MAX]; /* names and values as they are sent */
    size_t macros_n[MTA_STAGES];
};

/* mta_open - connect and say hello; mta and agency are set, a session that was closed may be opened again */
void mta_open(struct mta_session *s);

/* mta_next - the next message of the session; mta_close - or its end */
void mta_next(struct mta_session *s);
void mta_close(struct mta_session *s);

/* mta_send - go on sending what the socket did not take; when it takes more */
void mta_send(struct mta_session *s);

/* mta_receive - take what has come and go on as far as it allows
 * Returns true when it was the answer to the end of a message: then mta_next or mta_close is next.
 */
bool mta_receive(struct mta_session *s);

#endif
