/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_lmtp.c - any octets in any pieces on an LMTP connection: bounds hold, what comes of them does not depend on the
 * pieces, every reply is a line of a code the protocol knows, and after a message only 250 or 451
 *
 * The first octet says how the rest is cut, the second what the server answers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feedback/lmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What one conversation came to: of replies and message octets only a digest is kept. */
struct outcome {
    uint64_t replies, octets;
    unsigned messages, recipients;
    bool over;
};

static uint64_t digest(uint64_t so_far, struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++)
        so_far = (so_far ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return so_far;
}

/* Lines "ddd text" or "ddd-text", each with its CRLF. */
static void check_replies(struct gp_str out)
{
    while (out.n > 0) {
        size_t end = gp_str_find(out, '\n');
        check(end < out.n && end > 4 && out.p[end - 1] == '\r' && (out.p[3] == ' ' || out.p[3] == '-'));
        check(out.p[0] >= '2' && out.p[0] <= '5' && memchr(out.p, '\r', end) == out.p + end - 1);
        out = (struct gp_str){out.p + end + 1, out.n - end - 1};
    }
}

static void send_out(struct gp_lmtp *l, struct outcome *o)
{
    check(!l->out.full);
    check_replies(gp_buf_str(&l->out));
    o->replies = digest(o->replies, gp_buf_str(&l->out));
    gp_lmtp_sent(l);
}

static void answer(struct gp_lmtp *l, struct outcome *o, unsigned manner)
{
    size_t n = l->recipients;
    check(n > 0 && n <= GP_LMTP_RECIPIENTS_MAX);
    for (size_t i = 0; i < n; i++)
        gp_lmtp_answer(l, (manner >> i % 8 & 1) != 0 ? "0123456789abcdef0123456789abcdef" : NULL);
    o->messages++;
    o->recipients += (unsigned)n;
    check(l->recipients == 0);
}

/* Returns false when the conversation is over. */
static bool play_piece(struct gp_lmtp *l, struct gp_str in, unsigned manner, struct outcome *o)
{
    struct gp_str whole = in;
    enum gp_lmtp_event event;
    do {
        event = gp_lmtp_feed(l, &in);
        switch (event) {
        case GP_LMTP_MORE:
            send_out(l, o);
            break;
        case GP_LMTP_BEGIN:
            gp_lmtp_begin(l, (manner & 0x80) == 0 || o->messages % 2 == 0);
            break;
        case GP_LMTP_CHUNK:
            check(l->chunk.n > 0 && ((l->chunk.p >= whole.p && l->chunk.p + l->chunk.n <= whole.p + whole.n) ||
                                     gp_str_eq(l->chunk, GP_STR("\r"))));
            o->octets = digest(o->octets, l->chunk);
            break;
        case GP_LMTP_MESSAGE:
            answer(l, o, manner);
            break;
        case GP_LMTP_QUIT:
            return false;
        }
    } while (in.n > 0 || event != GP_LMTP_MORE);
    return true;
}

static struct outcome play(const char *p, size_t n, size_t piece, unsigned manner)
{
    struct gp_lmtp *l = malloc(sizeof *l);
    struct outcome o = {0};
    check(l != NULL);
    gp_lmtp_init(l, "relay.example.gov");
    while (n > 0 && !o.over) {
        size_t take = piece < n ? piece : n;
        char *copy = malloc(take); /* so that reading beyond a piece is seen */
        check(copy != NULL);
        memcpy(copy, p, take);
        o.over = !play_piece(l, (struct gp_str){copy, take}, manner, &o);
        free(copy);
        p += take;
        n -= take;
    }
    send_out(l, &o);
    free(l);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    const char *p = (const char *)data + 2;
    struct outcome whole = play(p, n - 2, SIZE_MAX, data[1]), cut = play(p, n - 2, 1u + data[0] % 32, data[1]);
    check(whole.replies == cut.replies && whole.octets == cut.octets && whole.messages == cut.messages &&
          whole.recipients == cut.recipients && whole.over == cut.over);
    return 0;
}
