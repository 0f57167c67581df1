/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * connection.c - one policy connection: octets in any pieces become whole requests
 */
#include "policyd/connection.h"

#include <string.h>

void gp_connection_init(struct gp_connection *c)
{
    c->n = c->scanned = c->whole = 0;
    c->out_n = c->out_sent = 0;
    c->since_ms = c->out_since_ms = 0;
}

/* Look for the end of the front request, line by line, in what has not been looked at: each octet is seen once. */
static void scan(struct gp_connection *c)
{
    while (c->whole == 0 && c->scanned < c->n) {
        const char *end = memchr(c->in + c->scanned, '\n', c->n - c->scanned);
        size_t i = end != NULL ? (size_t)(end - c->in) : c->n;
        if (end != NULL && (i == 0 || c->in[i - 1] == '\n'))
            c->whole = i + 1;
        c->scanned = end != NULL ? i + 1 : i;
    }
}

char *gp_connection_room(struct gp_connection *c, size_t *n)
{
    *n = sizeof c->in - c->n;
    return c->in + c->n;
}

void gp_connection_received(struct gp_connection *c, size_t n, uint64_t now_ms)
{
    if (c->n == 0)
        c->since_ms = now_ms;
    c->n += n;
    scan(c);
}

bool gp_connection_ready(const struct gp_connection *c)
{
    return c->whole > 0 && c->out_n == 0;
}

bool gp_connection_overlong(const struct gp_connection *c)
{
    return c->whole == 0 && c->n == sizeof c->in;
}

struct gp_str gp_connection_request(const struct gp_connection *c)
{
    return (struct gp_str){c->in, c->whole - 1};
}

void gp_connection_reply(struct gp_connection *c, struct gp_str action, uint64_t now_ms)
{
    memmove(c->in, c->in + c->whole, c->n - c->whole);
    c->n -= c->whole;
    c->scanned = c->whole = 0;
    c->since_ms = now_ms;
    scan(c);
    c->out_n = action.n < sizeof c->out ? action.n : sizeof c->out;
    memcpy(c->out, action.p, c->out_n);
    c->out_sent = 0;
    c->out_since_ms = now_ms;
}

struct gp_str gp_connection_unsent(const struct gp_connection *c)
{
    return (struct gp_str){c->out + c->out_sent, c->out_n - c->out_sent};
}

void gp_connection_sent(struct gp_connection *c, size_t n, uint64_t now_ms)
{
    c->out_sent += n;
    if (c->out_sent < c->out_n)
        return;
    c->out_n = c->out_sent = 0;
    c->since_ms = now_ms; /* nothing was read while the reply waited */
}

uint64_t gp_connection_deadline(const struct gp_connection *c)
{
    if (c->out_n > 0)
        return c->out_since_ms + GP_REPLY_DEADLINE_MS;
    if (c->whole > 0 || c->n == 0)
        return GP_CONNECTION_NEVER;
    return c->since_ms + GP_REQUEST_DEADLINE_MS;
}
