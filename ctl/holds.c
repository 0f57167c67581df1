/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * holds.c - look for every block, pause and ban that has a known name
 */
#include "ctl/holds.h"

#include "ctl/output.h"
#include "ctl/ttl.h"
#include "shared/verdict.h"

#include <stdlib.h>
#include <string.h>

/* One item that would hold somebody. */
struct candidate {
    const char *kind;
    char target[64];
};

static void hand_on(struct gp_ctl_hold *hold, struct gp_str reason, gp_ctl_hold_fn *each, void *arg)
{
    struct gp_verdict clean = gp_verdict_of(GP_BLOCKED, reason);
    memcpy(hold->reason, clean.detail, sizeof hold->reason);
    each(arg, hold);
}

static bool durable(struct gp_ctl *ctl, gp_ctl_hold_fn *each, void *arg)
{
    struct gp_blocks blocks = {0};
    if (!gp_ctl_store(ctl))
        return false;
    if (!gp_store_blocks(ctl->store, &blocks)) {
        gp_ctl_error("cannot read the blocks: %s", gp_store_error(ctl->store));
        return false;
    }
    for (size_t i = 0; i < blocks.n; i++) {
        struct gp_ctl_hold hold = {
            .kind = "block", .target = blocks.list[i].target, .since_ms = blocks.list[i].since_ms};
        hand_on(&hold, gp_str_z(blocks.list[i].reason), each, arg);
    }
    gp_blocks_free(&blocks);
    return true;
}

/* Name the keys that may hold the agency or one of its addresses. */
static void name_keys(const struct gp_ctl *ctl, const struct gp_agency *a, struct gp_item *items,
                      struct candidate *candidates)
{
    const char *prefix = ctl->config->counters_prefix;
    size_t n = 0;
    gp_key_block_agency(items[0].key, prefix, a->name);
    gp_key_pause(items[1].key, prefix, a->name);
    for (; n < 2; n++) {
        memcpy(candidates[n].target, a->name, sizeof a->name);
        candidates[n].kind = n == 0 ? "temporary block" : "pause";
    }
    for (size_t i = 0; i < a->addresses; i++) {
        gp_key_block_address(items[n].key, prefix, &a->address[i].ip);
        gp_ip_text(&a->address[i].ip, candidates[n].target);
        candidates[n++].kind = "temporary block";
        gp_key_ban(items[n].key, prefix, &a->address[i].ip);
        gp_ip_text(&a->address[i].ip, candidates[n].target);
        candidates[n++].kind = "login ban";
    }
}

static void found(const char *server, const struct gp_item *item, const struct candidate *candidate,
                  gp_ctl_hold_fn *each, void *arg)
{
    struct gp_ctl_hold hold = {.kind = candidate->kind, .target = candidate->target};
    char key[1][GP_KEY_MAX];
    memcpy(key[0], item->key, GP_KEY_MAX);
    gp_ctl_ttl(server, (const char(*)[GP_KEY_MAX])key, 1, &hold.left_s);
    hand_on(&hold, (struct gp_str){item->value, item->n}, each, arg);
}

static bool live(struct gp_ctl *ctl, const struct gp_agency *a, gp_ctl_hold_fn *each, void *arg)
{
    size_t n = 2 + 2 * a->addresses;
    struct gp_item *items = calloc(n, sizeof *items);
    struct candidate *candidates = calloc(n, sizeof *candidates);
    bool answered = items != NULL && candidates != NULL;
    if (answered) {
        struct gp_look look = {a->name, items, n};
        const char *server = gp_counters_server(ctl->counters, a->name);
        name_keys(ctl, a, items, candidates);
        gp_counters_get(ctl->counters, &look, 1);
        for (size_t i = 0; i < n; i++) {
            answered &= items[i].state != GP_UNKNOWN;
            if (items[i].state == GP_FOUND)
                found(server, &items[i], &candidates[i], each, arg);
        }
    }
    free(items);
    free(candidates);
    return answered;
}

bool gp_ctl_holds(struct gp_ctl *ctl, gp_ctl_hold_fn *each, void *arg)
{
    bool all = durable(ctl, each, arg), answered = true;
    if (ctl->config->counters.n == 0)
        return all;
    if (!gp_ctl_counters(ctl, "status"))
        return false;
    for (size_t i = 0; i < ctl->config->agencies_n; i++)
        answered &= live(ctl, &ctl->config->agency[i], each, arg);
    if (!answered)
        gp_ctl_error("memcached does not answer for every agency: temporary blocks and pauses are not all known");
    return all && answered;
}
