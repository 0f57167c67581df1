/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * connection.h - one policy connection: octets in any pieces become whole requests, one reply waits to be sent (pure)
 *
 * Every amount is bounded: a request's octets, the time it may take to arrive, the reply, the time it may wait to be
 * read. One thread per connection. Times are monotonic milliseconds.
 */
#ifndef GP_POLICYD_CONNECTION_H
#define GP_POLICYD_CONNECTION_H

#include "shared/str.h"

#define GP_REQUEST_MAX 16384           /* octets of one request with its empty line; Postfix sends about 1 KiB */
#define GP_REQUEST_DEADLINE_MS 10000   /* from the first octet of a request to its last */
#define GP_REPLY_DEADLINE_MS 10000     /* a reply that nobody reads */
#define GP_ACTION_MAX 1024             /* octets of one reply with its empty line */
#define GP_CONNECTION_NEVER UINT64_MAX /* no deadline runs */

struct gp_connection {
    size_t n;          /* octets in in[] */
    size_t scanned;    /* how far in[] holds no end of a request */
    size_t whole;      /* length of the whole request at the front of in[], 0 when there is none */
    uint64_t since_ms; /* when the unfinished request began */
    size_t out_n, out_sent;
    uint64_t out_since_ms;
    char in[GP_REQUEST_MAX];
    char out[GP_ACTION_MAX];
};

void gp_connection_init(struct gp_connection *c);

/* gp_connection_room - where to read the next octets to, and how many at most; 0: take a request first
 * gp_connection_received - n octets were put there
 */
char *gp_connection_room(struct gp_connection *c, size_t *n);
void gp_connection_received(struct gp_connection *c, size_t n, uint64_t now_ms);

/* gp_connection_ready - is a whole request here, and no reply waiting? */
bool gp_connection_ready(const struct gp_connection *c);

/* gp_connection_overlong - GP_REQUEST_MAX octets, and still no end of the request */
bool gp_connection_overlong(const struct gp_connection *c);

/* gp_connection_request - the request at the front, without its empty line; only when ready
 * The view holds until gp_connection_reply.
 */
struct gp_str gp_connection_request(const struct gp_connection *c);

/* gp_connection_reply - the request at the front is answered: it goes, and the action waits to be sent
 * action: at most GP_ACTION_MAX octets.
 */
void gp_connection_reply(struct gp_connection *c, struct gp_str action, uint64_t now_ms);

/* gp_connection_unsent - what is still to be sent; gp_connection_sent - n octets of it were */
struct gp_str gp_connection_unsent(const struct gp_connection *c);
void gp_connection_sent(struct gp_connection *c, size_t n, uint64_t now_ms);

/* gp_connection_deadline - when this connection has used up its patience, or GP_CONNECTION_NEVER
 * A connection between two requests may be silent as long as it likes: Postfix keeps them for minutes.
 */
uint64_t gp_connection_deadline(const struct gp_connection *c);

#endif
