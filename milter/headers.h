/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * headers.h - what the rules and the rewriting need to know of a message's headers, noted as they stream by
 *
 * Bounded: nothing grows with the message. One message, one thread at a time; no I/O.
 */
#ifndef GP_MILTER_HEADERS_H
#define GP_MILTER_HEADERS_H

#include "shared/str.h"
#include "shared/token.h"

#define GP_HEADERS_UNSUBSCRIBE_MAX 4096 /* octets of the client's List-Unsubscribe values kept, all together */
#define GP_HEADERS_GOING_MAX 64         /* X-Gatepost-* and List-Unsubscribe* headers of a client's, at most */
#define GP_HEADERS_FROM_MAX 8192        /* octets of From values kept, all together */
#define GP_HEADERS_SIGNATURES_MAX 16    /* DKIM-Signature headers of a client's looked at; further ones stay */

struct gp_headers {
    /* how often each stands; libmilter deletes by name and number */
    unsigned list_unsubscribe, list_unsubscribe_post, source, ref, spf, stream, from, message_ids, signatures;
    uint64_t covers[GP_HEADERS_SIGNATURES_MAX]; /* what each signature covers, see gp_covered_by */
    bool auto_submitted;                        /* Auto-Submitted other than "no" (RFC 3834) */
    bool auto_generated;                        /* of its own accord: auto-generated, auto-notified (RFC 5436) */
    bool auto_reply;                /* auto-replied or an unknown word, X-Autoreply, X-Autorespond, Precedence: auto_reply */
    bool report;                    /* Content-Type: multipart/report: a DSN or MDN */
    bool list_post;                 /* from list software */
    bool unsubscribe_cut, from_cut; /* did not fit; what is kept ends with the last value that did */
    char stream_name[GP_TOKEN_STREAM_MAX + 1]; /* the first X-Gatepost-Stream's, "" when missing or longer */
    /* the first one, without <>; "" when missing, longer or with control characters */
    char message_id[GP_TOKEN_MESSAGE_MAX + 1];
    size_t unsubscribe_n, from_n;
    /* values, unfolded, without blanks at their ends, each followed by LF: a value can hold any octet but CR and LF,
     * and none can run on into the next */
    char unsubscribe[GP_HEADERS_UNSUBSCRIBE_MAX];
    char from_text[GP_HEADERS_FROM_MAX];
};

void gp_headers_init(struct gp_headers *h);

/* gp_headers_note - one header as the milter sees it: name without colon, value with its leading blank, folded by LF */
void gp_headers_note(struct gp_headers *h, struct gp_str name, struct gp_str value);

/* gp_headers_octets - what this header counts towards the message size: "Name:value" and CRLF, every LF of a folded
 * value counted as CRLF
 */
uint64_t gp_headers_octets(struct gp_str name, struct gp_str value);

#endif
