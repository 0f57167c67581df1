/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limits_view.c - lay what memcached and the database say over what the file says
 */
#include "ctl/limits_view.h"

#include "ctl/ttl.h"
#include "shared/live.h"
#include "shared/sessions.h"

#include <string.h>

enum { ITEM_USAGE = GP_LIMIT_COUNT, ITEM_SESSIONS, ITEM_COUNT }; /* items of limits come first */

static void from_file(struct gp_ctl_limits_view *v)
{
    v->effective = v->agency->limits;
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++) {
        bool given = (v->agency->limits.given & 1u << i) != 0;
        v->limit[i] = (struct gp_ctl_limit){.from = given ? GP_CTL_FROM_FILE : GP_CTL_FROM_DEFAULT};
    }
}

static void fetch(struct gp_ctl *ctl, struct gp_ctl_limits_view *v, struct gp_item items[ITEM_COUNT])
{
    const char *prefix = ctl->config->counters_prefix, *name = v->agency->name;
    struct gp_look look = {name, items, ITEM_COUNT};
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++)
        gp_key_limit(items[i].key, prefix, name, i);
    gp_key_usage(items[ITEM_USAGE].key, prefix, name);
    gp_key_sessions(items[ITEM_SESSIONS].key, prefix, name);
    gp_counters_get(ctl->counters, &look, 1);
    v->server = gp_counters_server(ctl->counters, name);
    v->answered = true;
    for (size_t i = 0; i < ITEM_COUNT; i++)
        v->answered &= items[i].state != GP_UNKNOWN;
}

/* One live value: it holds, or it is shown as ignored. */
static void overlay(struct gp_ctl_limits_view *v, enum gp_limit_name name, const struct gp_item *item)
{
    struct gp_ctl_limit *limit = &v->limit[name];
    struct gp_buf b = gp_buf_on(limit->ignored_text, sizeof limit->ignored_text);
    if (item->state != GP_FOUND)
        return;
    if (gp_live_overlay(&v->effective, &name, item, 1) == GP_LIMIT_COUNT) {
        limit->from = GP_CTL_FROM_LIVE;
        return;
    }
    limit->ignored = true;
    gp_buf_put_escaped(&b, (struct gp_str){item->value, item->n < 64 ? item->n : 64});
}

static void ask_ends(struct gp_ctl_limits_view *v, const struct gp_item items[GP_LIMIT_COUNT])
{
    char keys[GP_LIMIT_COUNT][GP_KEY_MAX];
    int64_t left[GP_LIMIT_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < GP_LIMIT_COUNT; i++) {
        if (items[i].state == GP_FOUND)
            memcpy(keys[n++], items[i].key, GP_KEY_MAX);
    }
    gp_ctl_ttl(v->server, (const char(*)[GP_KEY_MAX])keys, n, left);
    n = 0;
    for (size_t i = 0; i < GP_LIMIT_COUNT; i++) {
        if (items[i].state == GP_FOUND)
            v->limit[i].left_s = left[n++];
    }
}

static void read_items(struct gp_ctl_limits_view *v, const struct gp_item items[ITEM_COUNT])
{
    struct gp_sessions sessions;
    const struct gp_item *u = &items[ITEM_USAGE], *s = &items[ITEM_SESSIONS];
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++)
        overlay(v, i, &items[i]);
    if (u->state != GP_FOUND || !gp_usage_decode((struct gp_str){u->value, u->n}, &v->usage))
        gp_usage_init(&v->usage, 0);
    if (s->state == GP_FOUND && gp_sessions_decode((struct gp_str){s->value, s->n}, &sessions))
        v->sessions_open = gp_sessions_open(&sessions, v->now_ms);
}

/* The database remembers packages when memcached lost them, and with counters = []. */
static void remember(struct gp_store *store, struct gp_ctl_limits_view *v)
{
    struct gp_counts counts;
    (void)gp_store_package(store, v->agency->name, &counts); /* what cannot be read counts as nothing */
    uint64_t count = gp_counts_package(&counts, v->effective.package.period, v->now_ms);
    if (count > v->package_used)
        v->package_used = count;
}

void gp_ctl_limits_view(struct gp_ctl *ctl, const struct gp_agency *agency, uint64_t now_ms,
                        struct gp_ctl_limits_view *out)
{
    struct gp_item items[ITEM_COUNT] = {0};
    *out = (struct gp_ctl_limits_view){.agency = agency, .now_ms = now_ms};
    from_file(out);
    gp_usage_init(&out->usage, 0);
    if (ctl->counters != NULL) {
        fetch(ctl, out, items);
        read_items(out, items);
        ask_ends(out, items);
    }
    if (out->effective.message_size > ctl->config->message_size_ceiling)
        out->effective.message_size = ctl->config->message_size_ceiling;
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++)
        gp_limit_text(&out->effective, i, out->limit[i].text);
    out->package_used = gp_usage_package(&out->usage, out->effective.package.period, now_ms);
    if (ctl->store != NULL)
        remember(ctl->store, out);
}
