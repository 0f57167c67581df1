/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp_connection.c - one LMTP connection: octets from the socket, events to the archive and intake, replies back
 */
#include "feedback/lmtp_connection.h"

#include "feedback/lmtp.h"
#include "feedback/lmtp_server.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ROOM_FOR_QUEUE_FILE (UINT64_C(1) << 20) /* Postfix's own limit is that much above message_size_ceiling */

struct connection {
    int fd;
    const struct gp_lmtp_shared *shared;
    struct gp_epoch *epoch;
    struct gp_draft *draft; /* of the message that is arriving */
    uint64_t size;
    bool lost;          /* the draft is worth nothing: 451 */
    uint64_t end_at_ms; /* 0: the daemon does not end */
    struct gp_lmtp lmtp;
    char in[65536];
};

/* False when the peer does not take it. */
static bool flush(struct connection *c)
{
    struct gp_str out = gp_buf_str(&c->lmtp.out);
    uint64_t deadline_ms = gp_clock_monotonic_ms() + GP_LMTP_SENDING_MS;
    while (out.n > 0 && gp_clock_monotonic_ms() < deadline_ms) {
        ssize_t n = send(c->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        out = (struct gp_str){out.p + n, out.n - (size_t)n};
    }
    gp_lmtp_sent(&c->lmtp);
    return out.n == 0;
}

/* Until the peer said something; false when it is silent for too long or the daemon ends and it is in no message. */
static bool await(struct connection *c)
{
    for (;;) {
        struct pollfd watched[] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->shared->end, .events = POLLIN}};
        uint64_t now_ms = gp_clock_monotonic_ms();
        bool ending = c->end_at_ms > 0;
        if (ending && (c->lmtp.state != GP_LMTP_DATA || now_ms >= c->end_at_ms)) {
            gp_lmtp_close(&c->lmtp, "ending");
            return false;
        }
        int n = poll(watched, ending ? 1 : 2, ending ? (int)(c->end_at_ms - now_ms) : GP_LMTP_IDLE_MS);
        if (n == 0 && !ending) {
            gp_lmtp_close(&c->lmtp, "nothing was said for too long");
            return false;
        }
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0 && watched[0].revents != 0)
            return true;
        if (n > 0 && !ending)
            c->end_at_ms = gp_clock_monotonic_ms() + GP_LMTP_ENDING_MS;
    }
}

static void begin_message(struct connection *c)
{
    c->draft = gp_draft_new(c->shared->archive);
    c->size = 0;
    c->lost = false;
    gp_lmtp_begin(&c->lmtp, c->draft != NULL);
}

static void add_to_message(struct connection *c)
{
    c->size += c->lmtp.chunk.n;
    if (c->lost)
        return;
    if (c->size > c->epoch->config->message_size_ceiling + ROOM_FOR_QUEUE_FILE) {
        gp_log(GP_ERROR, "connection", "a message is larger than message_size_ceiling and 1 MiB: not taken");
        c->lost = true;
    } else {
        c->lost = !gp_draft_add(c->draft, c->lmtp.chunk);
    }
}

static void end_message(struct connection *c)
{
    size_t n = c->lmtp.recipients;
    c->lost = c->lost || !gp_draft_seal(c->draft);
    for (size_t i = 0; i < n; i++) {
        char id[GP_ARCHIVE_ID + 1];
        const struct gp_incoming m = {.source = "lmtp",
                                      .sender = gp_str_z(c->lmtp.sender),
                                      .recipient = gp_str_z(c->lmtp.recipient[i]),
                                      .draft = c->draft};
        bool taken = !c->lost && gp_intake(c->shared->intake, &m, gp_clock_wall_ms(), id) != GP_TAKEN_AGAIN;
        gp_lmtp_answer(&c->lmtp, taken ? id : NULL);
    }
    gp_draft_free(c->draft);
    c->draft = NULL;
}

/* What was received; false when the conversation is over. */
static bool take(struct connection *c, struct gp_str in)
{
    enum gp_lmtp_event event;
    do {
        event = gp_lmtp_feed(&c->lmtp, &in);
        switch (event) {
        case GP_LMTP_MORE:
            if (!flush(c))
                return false;
            break;
        case GP_LMTP_BEGIN:
            begin_message(c);
            break;
        case GP_LMTP_CHUNK:
            add_to_message(c);
            break;
        case GP_LMTP_MESSAGE:
            end_message(c);
            break;
        case GP_LMTP_QUIT:
            return false;
        }
    } while (in.n > 0 || event != GP_LMTP_MORE);
    return true;
}

void gp_lmtp_connection_run(int fd, const struct gp_lmtp_shared *shared)
{
    const struct timeval patience = {.tv_sec = GP_LMTP_SENDING_MS / 1000};
    struct connection *c = calloc(1, sizeof *c);
    bool open = c != NULL;
    if (c == NULL)
        return;
    *c = (struct connection){.fd = fd, .shared = shared, .epoch = gp_epoch_ref()};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    gp_lmtp_init(&c->lmtp, c->epoch->config->relay_name);
    open = flush(c);
    while (open && await(c)) {
        ssize_t n = recv(fd, c->in, sizeof c->in, MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        open = n > 0 && take(c, (struct gp_str){c->in, n > 0 ? (size_t)n : 0});
    }
    flush(c);
    gp_draft_free(c->draft);
    gp_epoch_unref(c->epoch);
    free(c);
}
