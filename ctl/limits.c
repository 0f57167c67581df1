/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limits.c - gatepostctl limits: effective value, where it comes from, until when, what is used of it
 */
#include "ctl/verbs.h"

#include "ctl/limits_view.h"
#include "ctl/output.h"
#include "ctl/target.h"
#include "ctl/ttl.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const from_text[] = {
    [GP_CTL_FROM_DEFAULT] = "default", [GP_CTL_FROM_FILE] = "file", [GP_CTL_FROM_LIVE] = "live"};

static bool has_end(const struct gp_ctl_limit *limit)
{
    return limit->from == GP_CTL_FROM_LIVE && limit->left_s >= 0;
}

static void until_text(const struct gp_ctl_limits_view *v, const struct gp_ctl_limit *limit, char out[64])
{
    char time[GP_CTL_TIME_TEXT] = "";
    struct gp_buf b = gp_buf_on(out, 64);
    if (has_end(limit)) {
        gp_ctl_time_text(v->now_ms + (uint64_t)limit->left_s * 1000, time);
        gp_buf_printf(&b, "%s (%" PRId64 "s)", time, limit->left_s);
    } else if (limit->from == GP_CTL_FROM_LIVE) {
        gp_buf_putz(&b, limit->left_s == GP_CTL_TTL_FOREVER ? "without end" : "unknown");
    }
}

/* What is used of a limit that counts; "" for the others, and when it is not known. */
static void used_text(const struct gp_ctl_limits_view *v, enum gp_limit_name name, char out[256])
{
    struct gp_buf b = gp_buf_on(out, 256);
    const struct gp_limits *l = &v->effective;
    char length[GP_CTL_TIME_TEXT];
    if (name == GP_LIMIT_PACKAGE && l->package.period != GP_PACKAGE_NONE)
        gp_buf_printf(&b, "%" PRIu64, v->package_used);
    if (!v->answered)
        return;
    if (name == GP_LIMIT_SESSIONS)
        gp_buf_printf(&b, "%" PRIu64, v->sessions_open);
    for (size_t i = 0; name == GP_LIMIT_RATE && i < l->rates; i++) {
        gp_ctl_duration_text(l->rate[i].seconds, length);
        gp_buf_printf(&b, "%s%" PRIu64 "/%s", i > 0 ? "," : "",
                      gp_usage_window(&v->usage, l->rate[i].seconds, v->now_ms), length);
    }
}

static void print_table(const struct gp_ctl_limits_view *v)
{
    struct gp_ctl_table t;
    gp_ctl_table_init(&t, 6);
    gp_ctl_table_row(&t, (const char *[]){"LIMIT", "VALUE", "FROM", "UNTIL", "USED", ""});
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++) {
        const struct gp_ctl_limit *limit = &v->limit[i];
        char until[64], used[256], note[GP_LIMIT_TEXT_MAX + 64] = "";
        struct gp_buf b = gp_buf_on(note, sizeof note);
        until_text(v, limit, until);
        used_text(v, i, used);
        if (limit->ignored)
            gp_buf_printf(&b, "live value \"%s\" ignored: it is no %s", limit->ignored_text, gp_limit_label(i));
        gp_ctl_table_row(&t,
                         (const char *[]){gp_limit_label(i), limit->text, from_text[limit->from], until, used, note});
    }
    printf("%s: keys on %s%s\n", v->agency->name, v->server != NULL ? v->server : "no server (counters = [])",
           v->server != NULL && !v->answered ? ", which does not answer" : "");
    gp_ctl_table_print(&t, stdout);
    gp_ctl_table_free(&t);
}

static json_t *json_used(const struct gp_ctl_limits_view *v, enum gp_limit_name name)
{
    const struct gp_limits *l = &v->effective;
    if (name == GP_LIMIT_PACKAGE && l->package.period != GP_PACKAGE_NONE)
        return json_integer((json_int_t)v->package_used);
    if (name == GP_LIMIT_SESSIONS && v->answered)
        return json_integer((json_int_t)v->sessions_open);
    if (name != GP_LIMIT_RATE || !v->answered)
        return NULL;
    json_t *windows = json_array();
    for (size_t i = 0; i < l->rates; i++)
        json_array_append_new(windows,
                              json_pack("{s:I, s:I, s:I}", "count", (json_int_t)l->rate[i].count, "seconds",
                                        (json_int_t)l->rate[i].seconds, "used",
                                        (json_int_t)gp_usage_window(&v->usage, l->rate[i].seconds, v->now_ms)));
    return windows;
}

static json_t *json_limit(const struct gp_ctl_limits_view *v, enum gp_limit_name name)
{
    const struct gp_ctl_limit *limit = &v->limit[name];
    char until[GP_CTL_TIME_TEXT];
    json_t *o = json_pack("{s:s, s:s, s:s}", "name", gp_limit_label(name), "value", limit->text, "from",
                          from_text[limit->from]);
    if (has_end(limit)) {
        gp_ctl_time_text(v->now_ms + (uint64_t)limit->left_s * 1000, until);
        json_object_set_new(o, "until", json_string(until));
        json_object_set_new(o, "seconds_left", json_integer(limit->left_s));
    }
    json_t *used = json_used(v, name);
    if (used != NULL)
        json_object_set_new(o, "used", used);
    if (limit->ignored)
        json_object_set_new(o, "ignored", json_string(limit->ignored_text));
    return o;
}

static json_t *json_view(const struct gp_ctl_limits_view *v)
{
    json_t *limits = json_array();
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++)
        json_array_append_new(limits, json_limit(v, i));
    return json_pack("{s:s, s:s?, s:b, s:o}", "agency", v->agency->name, "server", v->server, "live_known", v->answered,
                     "limits", limits);
}

/* Returns whether everything asked for is known. */
static bool show(struct gp_ctl *ctl, const struct gp_agency *agency, json_t *list)
{
    struct gp_ctl_limits_view v;
    gp_ctl_limits_view(ctl, agency, gp_clock_wall_ms(), &v);
    if (list != NULL)
        json_array_append_new(list, json_view(&v));
    else
        print_table(&v);
    if (v.server != NULL && !v.answered)
        gp_ctl_error("memcached at %s does not answer: live limits and usage of %s are not known", v.server,
                     agency->name);
    return v.server == NULL || v.answered;
}

int gp_ctl_limits(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    const struct gp_agency *one = NULL;
    if (!gp_ctl_config(ctl))
        return GP_CTL_NO;
    if (args->n > 0 && (one = gp_ctl_agency(ctl, args->arg[0])) == NULL)
        return GP_CTL_NO;
    bool known = gp_ctl_store(ctl);
    if (ctl->config->counters.n > 0)
        known &= gp_ctl_counters(ctl, "limits");
    json_t *list = args->json ? json_array() : NULL;
    for (size_t i = 0; i < ctl->config->agencies_n; i++) {
        const struct gp_agency *agency = &ctl->config->agency[i];
        if (one != NULL && agency != one)
            continue;
        if (list == NULL && one == NULL && i > 0)
            putchar('\n');
        known &= show(ctl, agency, list);
    }
    if (list != NULL)
        gp_ctl_json_print(json_pack("{s:o}", "agencies", list), stdout);
    return known ? GP_CTL_OK : GP_CTL_NO;
}
