/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bans.c - gatepostctl bans: which addresses are banned for failed logins
 *
 * memcached cannot list its keys. Names to ask it for come from the journal, where gatepost-policyd writes each ban of
 * this node, and from the agencies' addresses, which other nodes may have banned.
 */
#include "ctl/verbs.h"

#include "ctl/holds.h"
#include "ctl/output.h"
#include "ctl/target.h"
#include "ctl/ttl.h"
#include "shared/clock.h"

#include <stdlib.h>
#include <string.h>

struct report {
    struct gp_ctl *ctl;
    uint64_t now_ms;
    struct gp_ctl_table table;
    json_t *list;
    size_t n, room;
    struct gp_ip *seen; /* addresses looked at already */
    bool failed;
};

static void put(struct report *r, const char *address, int64_t left_s, const char *reason)
{
    char until[GP_CTL_TIME_TEXT] = "", left[GP_CTL_TIME_TEXT] = "unknown";
    json_t *o = json_pack("{s:s, s:s}", "address", address, "reason", reason);
    if (left_s >= 0) {
        gp_ctl_duration_text((uint64_t)left_s, left);
        gp_ctl_time_text(r->now_ms + (uint64_t)left_s * 1000, until);
        json_object_set_new(o, "left", json_integer(left_s));
        json_object_set_new(o, "until", json_string(until));
    }
    gp_ctl_table_row(&r->table, (const char *[]){address, left, until, reason});
    json_array_append_new(r->list, o);
}

/* Is this the first time that we meet the address? */
static bool first_time(struct report *r, const struct gp_ip *ip)
{
    for (size_t i = 0; i < r->n; i++) {
        if (gp_ip_cmp(&r->seen[i], ip) == 0)
            return false;
    }
    if (r->n == r->room) {
        size_t room = r->room == 0 ? 64 : 2 * r->room;
        struct gp_ip *seen = realloc(r->seen, room * sizeof *seen);
        if (seen == NULL) {
            r->failed = true;
            return false;
        }
        r->seen = seen;
        r->room = room;
    }
    r->seen[r->n++] = *ip;
    return true;
}

static void from_hold(void *arg, const struct gp_ctl_hold *hold)
{
    struct report *r = arg;
    struct gp_ip ip;
    if (strcmp(hold->kind, "login ban") == 0 && gp_ip_parse(gp_str_z(hold->target), &ip) && first_time(r, &ip))
        put(r, hold->target, hold->left_s, hold->reason);
}

static void look_up(struct report *r, const char *address)
{
    struct gp_ctl_target t;
    struct gp_item item = {0};
    struct gp_look look = {t.group, &item, 1};
    char key[1][GP_KEY_MAX], reason[1024];
    struct gp_buf b = gp_buf_on(reason, sizeof reason);
    int64_t left_s;
    if (!gp_ctl_target(r->ctl, address, &t) || !t.is_address || !first_time(r, &t.ip))
        return;
    gp_key_ban(item.key, r->ctl->config->counters_prefix, &t.ip);
    gp_counters_get(r->ctl->counters, &look, 1);
    r->failed |= item.state == GP_UNKNOWN;
    if (item.state != GP_FOUND)
        return;
    memcpy(key[0], item.key, sizeof key[0]);
    gp_ctl_ttl(gp_counters_server(r->ctl->counters, t.group), (const char(*)[GP_KEY_MAX])key, 1, &left_s);
    gp_ctl_put_clean(&b, (struct gp_str){item.value, item.n});
    put(r, t.text, left_s, reason);
}

static void from_journal(void *arg, const struct gp_change *change)
{
    struct report *r = arg;
    if (strcmp(change->verb, "ban") == 0 && change->when_ms + GP_WINDOW_MAX_S * UINT64_C(1000) > r->now_ms)
        look_up(r, change->what);
}

int gp_ctl_bans(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct report r = {.ctl = ctl, .now_ms = gp_clock_wall_ms()};
    if (!gp_ctl_config(ctl) || !gp_ctl_counters(ctl, "bans") || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    r.list = json_array();
    gp_ctl_table_init(&r.table, 4);
    gp_ctl_table_row(&r.table, (const char *[]){"ADDRESS", "LEFT", "UNTIL", "REASON"});
    bool known = gp_ctl_holds(ctl, from_hold, &r);
    bool read = gp_store_history(ctl->store, GP_CTL_LAST_MAX, from_journal, &r);
    if (!read)
        gp_ctl_error("cannot read the journal: %s", gp_store_error(ctl->store));
    if (r.failed)
        gp_ctl_error("memcached does not answer for every address: not all bans are known");
    if (args->json)
        gp_ctl_json_print(json_pack("{s:O}", "bans", r.list), stdout);
    else
        gp_ctl_table_print(&r.table, stdout);
    gp_ctl_table_free(&r.table);
    json_decref(r.list);
    free(r.seen);
    return known && read && !r.failed ? GP_CTL_OK : GP_CTL_NO;
}
