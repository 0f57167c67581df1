/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * letter.h - one message of Gatepost's own, as it is sent (pure: the date is given; any thread)
 *
 * From postmaster of the relay, marked as automatic and as ours, so that nobody answers it and it is never sent on
 * again. An archived message may be attached: as message/rfc822 where it can be sent as it is, else base64. What is
 * sent is made piece by piece, so a large message costs no memory.
 */
#ifndef GP_FEEDBACK_LETTER_H
#define GP_FEEDBACK_LETTER_H

#include "shared/str.h"

#define GP_LETTER_HEAD_MAX 16384 /* octets of headers and text */

struct gp_letter {
    const char *relay_name;
    struct gp_str to;            /* what gp_mailbox_parse takes */
    struct gp_str reply_to;      /* the same, or "": none */
    struct gp_str message_id;    /* left part; the same for the same letter, however often it is sent */
    struct gp_str subject, body; /* lines end with LF */
    uint64_t date_ms;
    struct gp_str attached; /* octets of a message; p NULL: nothing is */
};

/* Where the sending stands. */
struct gp_letter_reader {
    struct gp_str attached;
    bool encode;           /* base64 */
    size_t head, at, tail; /* octets given so far of each part */
    size_t head_n, tail_n;
    char head_text[GP_LETTER_HEAD_MAX];
    char tail_text[128];
};

/* gp_letter_open - false when headers and text are too long */
bool gp_letter_open(const struct gp_letter *l, struct gp_letter_reader *r);

/* gp_letter_read - the next octets, at most cap (76 or more); 0 at the end */
size_t gp_letter_read(struct gp_letter_reader *r, char *out, size_t cap);

/* gp_letter_sendable - may the octets stand in a message as they are: CRLF line ends, no NUL, lines of at most 998? */
bool gp_letter_sendable(struct gp_str octets);

#endif
