/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_policy.c - any octets in any pieces on a policy connection: bounds hold, requests do not depend on the pieces,
 * every answer is one line
 *
 * The first octet says how the rest is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "policyd/connection.h"
#include "policyd/reply.h"
#include "policyd/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct gp_config config = {.return_path = (char[]){"b.example.gov"}};
static struct gp_agency agency = {.name = "dol"};
static const struct gp_blocks blocks = {0, NULL};

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(struct gp_str whole, struct gp_str part)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* The action for one request; judged as an agency's and as a stranger's. Returns false for a malformed one. */
static bool answer(struct gp_str raw)
{
    struct gp_request r;
    if (gp_request_parse(raw, &r) != NULL)
        return false;
    check(inside(raw, r.client) && inside(raw, r.profile) && inside(raw, r.sender) && inside(raw, r.recipient) &&
          inside(raw, r.queue_id) && inside(raw, r.login));
    for (int listed = 0; listed < 2; listed++) {
        char out[GP_ACTION_MAX];
        struct gp_facts facts = {.config = &config, .request = &r, .blocks = &blocks};
        facts.agency = listed ? &agency : NULL;
        struct gp_ruling ruling = gp_rules_judge(gp_profile_find(r.profile), &facts);
        size_t n = gp_action_write(&ruling, out);
        check(n > 2 && n < sizeof out && memchr(out, '\n', n) == out + n - 2);
    }
    return true;
}

/* Feed in pieces; returns a digest of all requests taken, up to the one that closes the connection. */
static uint64_t play(const uint8_t *data, size_t n, size_t piece)
{
    struct gp_connection *c = malloc(sizeof *c);
    uint64_t digest = 0;
    bool open = c != NULL;
    if (c == NULL)
        return 0;
    gp_connection_init(c);
    while (open && (n > 0 || gp_connection_ready(c))) {
        size_t room;
        char *at = gp_connection_room(c, &room);
        size_t now = n < piece ? n : piece;
        now = now < room ? now : room;
        if (now > 0)
            memcpy(at, data, now);
        data += now;
        n -= now;
        gp_connection_received(c, now, 1);
        check(c->n <= GP_REQUEST_MAX && c->scanned <= c->n && c->whole <= c->n);
        open = !gp_connection_overlong(c);
        if (!gp_connection_ready(c))
            continue;
        struct gp_str raw = gp_connection_request(c);
        digest = digest * 31 + gp_str_hash(raw) + 1;
        open = answer(raw);
        gp_connection_reply(c, GP_STR("action=DUNNO\n\n"), 1);
        gp_connection_sent(c, gp_connection_unsent(c).n, 1);
    }
    free(c);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    uint64_t whole = play(data + 1, n - 1, GP_REQUEST_MAX);
    check(play(data + 1, n - 1, (size_t)data[0] + 1) == whole);
    return 0;
}
