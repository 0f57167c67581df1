/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reload.c - how a daemon takes a new configuration, and what it says of itself
 */
#include "shared/reload.h"

#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "shared/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MILTER_LISTEN,
    POLICY_LISTEN,
    AUTH_LISTEN,
    RUN_DIRECTORY,
    COUNTERS,
    COUNTERS_PREFIX,
    DATABASE,
    USER,
    GROUP,
    POLICY_METRICS,
    MILTER_METRICS,
    FEEDBACK_METRICS,
    LOG,
    LOG_FORMAT,
    FEEDBACK_LISTEN,
    ARCHIVE,
    FIXED_COUNT
};

static const char *const fixed_name[] = {
    [MILTER_LISTEN] = "milter_listen",
    [POLICY_LISTEN] = "policy_listen",
    [AUTH_LISTEN] = "auth_listen",
    [RUN_DIRECTORY] = "run_directory",
    [COUNTERS] = "counters",
    [COUNTERS_PREFIX] = "counters_prefix",
    [DATABASE] = "database",
    [USER] = "user",
    [GROUP] = "group",
    [POLICY_METRICS] = "policy_metrics",
    [MILTER_METRICS] = "milter_metrics",
    [FEEDBACK_METRICS] = "feedback_metrics",
    [LOG] = "log",
    [LOG_FORMAT] = "log_format",
    [FEEDBACK_LISTEN] = "feedback_listen",
    [ARCHIVE] = "archive",
};
_Static_assert(sizeof fixed_name / sizeof fixed_name[0] == FIXED_COUNT, "a setting without a name");
_Static_assert(FIXED_COUNT == GP_RELOAD_FIXED, "reload.h has another number of settings");

bool gp_reload_needs_restart(const char *setting)
{
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        if (strcmp(fixed_name[i], setting) == 0)
            return true;
    }
    return false;
}

static char *copied(const char *text)
{
    return strdup(text != NULL ? text : "");
}

static char *joined(const struct gp_strings *strings)
{
    size_t cap = 1;
    for (size_t i = 0; i < strings->n; i++)
        cap += strlen(strings->v[i]) + 1;
    char *text = malloc(cap);
    if (text == NULL)
        return NULL;
    struct gp_buf b = gp_buf_on(text, cap);
    for (size_t i = 0; i < strings->n; i++) {
        gp_buf_putz(&b, i > 0 ? "," : "");
        gp_buf_putz(&b, strings->v[i]);
    }
    return text;
}

static bool fixed_copy(const struct gp_config *c, char *fixed[GP_RELOAD_FIXED])
{
    bool whole = true;
    fixed[MILTER_LISTEN] = copied(c->milter_listen);
    fixed[POLICY_LISTEN] = copied(c->policy_listen);
    fixed[AUTH_LISTEN] = copied(c->auth_listen);
    fixed[RUN_DIRECTORY] = copied(c->run_directory);
    fixed[COUNTERS] = joined(&c->counters);
    fixed[COUNTERS_PREFIX] = copied(c->counters_prefix);
    fixed[DATABASE] = copied(c->database);
    fixed[USER] = copied(c->user);
    fixed[GROUP] = copied(c->group);
    fixed[POLICY_METRICS] = copied(c->policy_metrics);
    fixed[MILTER_METRICS] = copied(c->milter_metrics);
    fixed[FEEDBACK_METRICS] = copied(c->feedback_metrics);
    fixed[LOG] = copied(c->log == GP_LOG_SYSLOG ? "syslog" : "stderr");
    fixed[LOG_FORMAT] = copied(c->log_format == GP_LOG_JSON ? "json" : "text");
    fixed[FEEDBACK_LISTEN] = copied(c->feedback_listen);
    fixed[ARCHIVE] = copied(c->archive);
    for (size_t i = 0; i < GP_RELOAD_FIXED; i++)
        whole = whole && fixed[i] != NULL;
    return whole;
}

static void fixed_free(char *fixed[GP_RELOAD_FIXED])
{
    for (size_t i = 0; i < GP_RELOAD_FIXED; i++) {
        free(fixed[i]);
        fixed[i] = NULL;
    }
}

/* Names in why[] the settings that a running daemon cannot change; false when there is any, or no memory. */
static bool fixed_same(char *const old[GP_RELOAD_FIXED], const struct gp_config *c, char why[GP_FAULT_TEXT_MAX])
{
    char *fresh[GP_RELOAD_FIXED];
    struct gp_buf b = gp_buf_on(why, GP_FAULT_TEXT_MAX);
    bool whole = fixed_copy(c, fresh);
    for (size_t i = 0; whole && i < GP_RELOAD_FIXED; i++) {
        if (strcmp(old[i], fresh[i]) != 0)
            gp_buf_printf(&b, "%s%s", b.n > 0 ? ", " : "", fixed_name[i]);
    }
    if (b.n > 0)
        gp_buf_putz(&b, ": changed, which needs a restart; until then all stays as it was");
    fixed_free(fresh);
    return whole && b.n == 0;
}

bool gp_reload_init(struct gp_reload *r, const char *program, const char *path, const struct gp_config *c,
                    uint64_t wall_ms)
{
    *r = (struct gp_reload){.program = program, .path = path, .started_s = wall_ms / 1000};
    gp_metrics_begin(program, r->started_s);
    return fixed_copy(c, r->fixed);
}

void gp_reload_free(struct gp_reload *r)
{
    fixed_free(r->fixed);
}

bool gp_reload_now(struct gp_reload *r, uint64_t monotonic_ms)
{
    struct gp_config *fresh = gp_daemon_reload(r->path, r->failure);
    if (fresh != NULL && !fixed_same(r->fixed, fresh, r->failure)) {
        gp_log(GP_ERROR, "reload", "%s", r->failure);
        gp_config_free(fresh);
        fresh = NULL;
    }
    r->failed = fresh == NULL;
    if (fresh == NULL) {
        r->failures++;
        gp_log(GP_ERROR, "reload", "failed, epoch %llu stays", (unsigned long long)gp_epoch_number());
        return false;
    }
    gp_epoch_swap(fresh, monotonic_ms);
    r->reloads++;
    gp_log(GP_INFO, "reload", "epoch %llu", (unsigned long long)gp_epoch_number());
    return true;
}

/* The inside of a JSON string; the text is ours, so what could break the form is merely replaced. */
static void json_put(struct gp_buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            gp_buf_putz(b, "\\");
        gp_buf_put(b, c >= ' ' && c < 0x7F ? (struct gp_str){text, 1} : GP_STR("?"));
    }
}

static const char *store_state(const struct gp_counters *counters)
{
    if (counters == NULL)
        return "in-process";
    return gp_counters_up(counters) ? "up" : "down";
}

static void metrics_publish(const struct gp_reload *r, const struct gp_config *place, const struct gp_counters *counters)
{
    char text[GP_METRICS_TEXT_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_metrics_set(GP_METRIC_EPOCH, gp_epoch_number());
    gp_metrics_set(GP_METRIC_EPOCHS_ALIVE, gp_epoch_alive());
    gp_metrics_set(GP_METRIC_RELOADS_OK, r->reloads);
    gp_metrics_set(GP_METRIC_RELOADS_FAILED, r->failures);
    gp_metrics_set(GP_METRIC_STORE_UP, counters == NULL || gp_counters_up(counters));
    gp_metrics_write(&b);
    gp_daemon_publish(place, r->program, "metrics", gp_buf_str(&b));
}

void gp_reload_report(const struct gp_reload *r, const char *gauge, uint64_t value, const struct gp_counters *counters,
                      uint64_t wall_ms)
{
    char json[2 * GP_FAULT_TEXT_MAX + 512];
    struct gp_buf b = gp_buf_on(json, sizeof json);
    const struct gp_config place = {.run_directory = r->fixed[RUN_DIRECTORY]};
    gp_buf_printf(&b, "{\"program\":\"%s\",\"pid\":%ld,\"version\":\"%s\",\"epoch\":%llu,\"epochs_alive\":%zu",
                  r->program, (long)getpid(), GATEPOST_VERSION, (unsigned long long)gp_epoch_number(),
                  gp_epoch_alive());
    gp_buf_printf(&b, ",\"reloads\":%llu,\"reload_failures\":%llu,\"last_reload\":\"", (unsigned long long)r->reloads,
                  (unsigned long long)r->failures);
    gp_buf_putz(&b, r->failed ? "failed: " : "ok");
    json_put(&b, r->failed ? r->failure : "");
    gp_buf_printf(&b, "\",\"%s\":%llu,\"store\":\"%s\",\"started\":%llu,\"now\":%llu%s}\n", gauge,
                  (unsigned long long)value, r->store != NULL ? r->store : store_state(counters), (unsigned long long)r->started_s,
                  (unsigned long long)(wall_ms / 1000), r->more);
    metrics_publish(r, &place, counters); /* first: who finds the status finds this process's metrics too */
    gp_daemon_publish(&place, r->program, "status", gp_buf_str(&b));
}
