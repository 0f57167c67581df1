/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * status.c - gatepostctl status: what runs, whether the store answers, who has sessions open, who is held
 */
#include "ctl/verbs.h"

#include "ctl/holds.h"
#include "ctl/output.h"
#include "ctl/state.h"
#include "ctl/ttl.h"
#include "shared/clock.h"
#include "shared/sessions.h"

#include <inttypes.h>

/* One report, printed as tables or collected as JSON. */
struct report {
    bool json;
    json_t *root;
    uint64_t now_ms;
    struct gp_ctl_table table;
};

static void begin(struct report *r, const char *const *heading, size_t columns)
{
    gp_ctl_table_init(&r->table, columns);
    gp_ctl_table_row(&r->table, heading);
}

/* One fact: a row, or a member of the named list, whose reference is taken over. */
static void put(struct report *r, const char *const *cells, const char *list, json_t *owned)
{
    gp_ctl_table_row(&r->table, cells);
    json_array_append_new(json_object_get(r->root, list), owned);
}

static void end(struct report *r, bool last)
{
    if (!r->json) {
        gp_ctl_table_print(&r->table, stdout);
        if (!last)
            putchar('\n');
    }
    gp_ctl_table_free(&r->table);
}

static void number(char out[32], uint64_t value)
{
    struct gp_buf b = gp_buf_on(out, 32);
    gp_buf_printf(&b, "%" PRIu64, value);
}

static const char *state_of(const struct gp_ctl_daemon *d)
{
    if (d->pid == 0)
        return "NOT RUNNING";
    return gp_ctl_daemon_answers(d) ? "running" : "NOT ANSWERING";
}

static void put_daemon(struct report *r, const struct gp_ctl_daemon *d)
{
    const char *open_key = json_object_get(d->status, "sessions") != NULL ? "sessions" : "connections";
    char program[64], pid[32] = "", epoch[32] = "", open[32] = "", store[1024], last[1024],
                      since[GP_CTL_TIME_TEXT] = "";
    struct gp_buf b = gp_buf_on(program, sizeof program);
    gp_buf_printf(&b, "gatepost-%s", d->program);
    if (d->pid != 0)
        number(pid, (uint64_t)d->pid);
    if (d->status != NULL) {
        number(epoch, gp_ctl_daemon_number(d, "epoch"));
        number(open, gp_ctl_daemon_number(d, open_key));
        gp_ctl_time_text(gp_ctl_daemon_number(d, "started") * 1000, since);
    }
    gp_ctl_daemon_text(d, "store", store);
    gp_ctl_daemon_text(d, "last_reload", last);
    json_t *o = json_pack("{s:s, s:b, s:b}", "program", d->program, "running", d->pid != 0, "answering", gp_ctl_daemon_answers(d));
    if (d->pid != 0)
        json_object_set_new(o, "pid", json_integer(d->pid));
    if (d->status != NULL)
        json_object_update_missing(o, d->status);
    put(r, (const char *[]){program, state_of(d), pid, since, epoch, open, store, last}, "daemons", o);
}

static bool daemons(struct gp_ctl *ctl, struct report *r)
{
    bool all = true;
    begin(r, (const char *[]){"PROGRAM", "STATE", "PID", "SINCE", "EPOCH", "OPEN", "STORE", "LAST RELOAD"}, 8);
    for (int i = 0; i < GP_CTL_DAEMONS; i++) {
        struct gp_ctl_daemon d;
        gp_ctl_daemon_read(ctl->config->run_directory, gp_ctl_daemon_name[i], &d);
        all &= gp_ctl_daemon_answers(&d);
        put_daemon(r, &d);
        gp_ctl_daemon_free(&d);
    }
    end(r, false);
    return all;
}

/* Whether Dovecot asks policyd about logins; without auth_listen it is not meant to. */
static void logins(struct gp_ctl *ctl, struct report *r)
{
    struct gp_ctl_daemon d;
    char requests[32] = "unknown", unasked[32] = "unknown", last[GP_CTL_TIME_TEXT] = "never";
    if (ctl->config->auth_listen == NULL)
        return;
    gp_ctl_daemon_read(ctl->config->run_directory, "policyd", &d);
    if (json_object_get(d.status, "auth_requests") != NULL) {
        number(requests, gp_ctl_daemon_number(&d, "auth_requests"));
        number(unasked, gp_ctl_daemon_number(&d, "auth_unasked"));
    }
    if (gp_ctl_daemon_number(&d, "auth_last") > 0)
        gp_ctl_time_text(gp_ctl_daemon_number(&d, "auth_last") * 1000, last);
    begin(r, (const char *[]){"DOVECOT ASKED", "LAST", "LOGINS UNASKED"}, 3);
    gp_ctl_table_row(&r->table, (const char *[]){requests, last, unasked});
    end(r, false);
    gp_ctl_daemon_free(&d);
}

/* What the milter knows of the sender domains; without egress it asks for nothing. */
static void forecasts(struct gp_ctl *ctl, struct report *r)
{
    struct gp_ctl_daemon d;
    char domains[32] = "unknown", failing[32] = "unknown";
    if (ctl->config->egress_n == 0)
        return;
    gp_ctl_daemon_read(ctl->config->run_directory, "milter", &d);
    if (json_object_get(d.status, "spf_domains") != NULL) {
        number(domains, gp_ctl_daemon_number(&d, "spf_domains"));
        number(failing, gp_ctl_daemon_number(&d, "spf_failing"));
    }
    begin(r, (const char *[]){"DOMAINS ASKED FOR", "FAILING SPF"}, 2);
    gp_ctl_table_row(&r->table, (const char *[]){domains, failing});
    end(r, false);
    gp_ctl_daemon_free(&d);
}

/* Each server is asked by itself, so that the one that is away is named. */
static bool servers(struct gp_ctl *ctl, struct report *r)
{
    const struct gp_strings *names = &ctl->config->counters;
    bool all = true;
    begin(r, (const char *[]){"MEMCACHED", "STATE"}, 2);
    if (names->n == 0)
        gp_ctl_table_row(&r->table, (const char *[]){"none (counters = [])", "one milter enforces alone"});
    for (size_t i = 0; i < names->n; i++) {
        const char *why, *name = names->v[i];
        struct gp_counters *one = gp_counters_new(&name, 1, &why);
        bool up = one != NULL && gp_counters_probe(one);
        gp_counters_free(one);
        all &= up;
        put(r, (const char *[]){name, up ? "up" : "DOWN"}, "servers",
            json_pack("{s:s, s:b}", "server", name, "up", up));
    }
    end(r, false);
    return all;
}

/* Open sessions of an agency over all nodes; false when not known. */
static bool open_sessions(struct gp_ctl *ctl, const struct gp_agency *a, uint64_t now_ms, uint64_t *open)
{
    struct gp_item item = {0};
    struct gp_look look = {a->name, &item, 1};
    struct gp_sessions sessions;
    *open = 0;
    if (ctl->counters == NULL)
        return false;
    gp_key_sessions(item.key, ctl->config->counters_prefix, a->name);
    gp_counters_get(ctl->counters, &look, 1);
    if (item.state == GP_FOUND && gp_sessions_decode((struct gp_str){item.value, item.n}, &sessions))
        *open = gp_sessions_open(&sessions, now_ms);
    return item.state != GP_UNKNOWN;
}

static void agencies(struct gp_ctl *ctl, struct report *r)
{
    begin(r, (const char *[]){"AGENCY", "SESSIONS"}, 2);
    for (size_t i = 0; i < ctl->config->agencies_n; i++) {
        const struct gp_agency *a = &ctl->config->agency[i];
        uint64_t open;
        char text[32] = "unknown";
        json_t *o = json_pack("{s:s}", "agency", a->name);
        if (open_sessions(ctl, a, r->now_ms, &open)) {
            number(text, open);
            json_object_set_new(o, "sessions", json_integer((json_int_t)open));
        }
        put(r, (const char *[]){a->name, text}, "agencies", o);
    }
    end(r, false);
}

static void put_hold(void *arg, const struct gp_ctl_hold *h)
{
    struct report *r = arg;
    char since[GP_CTL_TIME_TEXT], until[GP_CTL_TIME_TEXT] = "unblocked";
    json_t *o = json_pack("{s:s, s:s, s:s}", "target", h->target, "kind", h->kind, "reason", h->reason);
    if (h->since_ms > 0) {
        gp_ctl_time_text(h->since_ms, since);
        json_object_set_new(o, "since", json_string(since));
    } else if (h->left_s >= 0) {
        gp_ctl_time_text(r->now_ms + (uint64_t)h->left_s * 1000, until);
        json_object_set_new(o, "until", json_string(until));
    }
    put(r, (const char *[]){h->target, h->kind, until, h->reason}, "held", o);
}

static bool held(struct gp_ctl *ctl, struct report *r)
{
    begin(r, (const char *[]){"HELD", "BY", "UNTIL", "REASON"}, 4);
    bool known = gp_ctl_holds(ctl, put_hold, r);
    if (r->table.cells == r->table.columns)
        gp_ctl_table_row(&r->table, (const char *[]){"nobody", NULL, NULL, NULL});
    end(r, true);
    return known;
}

int gp_ctl_status(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    struct report r = {.json = args->json, .now_ms = gp_clock_wall_ms()};
    r.root = json_pack("{s:[], s:[], s:[], s:[]}", "daemons", "servers", "agencies", "held");
    bool well = daemons(ctl, &r);
    logins(ctl, &r);
    forecasts(ctl, &r);
    well &= servers(ctl, &r);
    if (ctl->config->counters.n > 0)
        well &= gp_ctl_counters(ctl, "status");
    agencies(ctl, &r);
    well &= held(ctl, &r);
    if (args->json)
        gp_ctl_json_print(json_incref(r.root), stdout);
    json_decref(r.root);
    return well ? GP_CTL_OK : GP_CTL_NO;
}
