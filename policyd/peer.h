/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * peer.h - the open policy connections: reading, writing, their epochs and their deadlines
 *
 * Nothing here blocks. Main thread only.
 */
#ifndef GP_POLICYD_PEER_H
#define GP_POLICYD_PEER_H

#include "policyd/connection.h"
#include "shared/epoch.h"

#include <sys/queue.h>

#define GP_PEERS_MAX 4096 /* connections at once; one more is closed at once */

/* One connection of one smtpd process; sessions follow each other on it. */
struct gp_peer {
    int fd;
    bool ended;             /* it will send no more: what is whole is still answered */
    bool ready;             /* stands in gp_peers.ready */
    uint32_t interest;      /* what epoll watches */
    struct gp_epoch *epoch; /* of the session that runs on it; NULL: none, or it is drained */
    bool watched;           /* its session began while we looked, and has shown no login yet */
    uint64_t whole_ns;      /* when its request was whole and next in line */
    uint64_t asked;         /* how much Dovecot had asked when the session began */
    TAILQ_ENTRY(gp_peer) all, queue;
    struct gp_connection io;
};
TAILQ_HEAD(gp_peer_list, gp_peer);

struct gp_peers {
    int epoll;
    size_t n;
    uint64_t now_ns; /* monotonic; the caller sets it before events */
    struct gp_peer_list all;
    struct gp_peer_list ready; /* those with a whole request, in the order they came */
};

void gp_peers_init(struct gp_peers *peers, int epoll);
void gp_peers_free(struct gp_peers *peers); /* closes all */

/* gp_peer_add - watch a new non-blocking socket, which is taken over; it is closed when it cannot be */
void gp_peer_add(struct gp_peers *peers, int fd);
void gp_peer_close(struct gp_peers *peers, struct gp_peer *p); /* frees p */

/* gp_peer_event - epoll has something for p: read once, or write; may close p */
void gp_peer_event(struct gp_peers *peers, struct gp_peer *p, uint32_t events, uint64_t now_ms);

/* gp_peer_answer - the request at p's front is answered; sends what can be sent, queues p again when another request
 * is whole; may close p
 */
void gp_peer_answer(struct gp_peers *peers, struct gp_peer *p, struct gp_str action, uint64_t now_ms);

/* gp_peer_next - take the longest waiting peer with a whole request off the queue; NULL when there is none */
struct gp_peer *gp_peer_next(struct gp_peers *peers);

/* gp_peers_expire - close those whose deadline has passed; drained epochs are let go of everywhere
 * gp_peers_retire - close those that have no whole request and no reply to send: the daemon is ending
 */
void gp_peers_expire(struct gp_peers *peers, uint64_t now_ms);
void gp_peers_retire(struct gp_peers *peers);

#endif
