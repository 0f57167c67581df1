/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * status.c - what this daemon says of itself in run_directory/policyd.status, and how a reload went
 */
#include "policyd/status.h"

#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/log.h"

#include <unistd.h>

void gp_status_reload(struct gp_status *status, const char *path, const struct gp_settings *settings,
                      uint64_t monotonic_ms)
{
    struct gp_config *fresh = gp_daemon_reload(path, status->failure);
    status->failed = fresh == NULL;
    if (fresh == NULL) {
        status->reload_failures++;
        gp_log(GP_ERROR, "reload", "failed, epoch %llu stays", (unsigned long long)gp_epoch_number());
        return;
    }
    gp_settings_compare(settings, fresh);
    gp_epoch_swap(fresh, monotonic_ms);
    status->reloads++;
    gp_log(GP_INFO, "reload", "epoch %llu", (unsigned long long)gp_epoch_number());
}

/* A JSON string's inside; the text is ours, so only what could break the form is replaced. */
static void json_put(struct gp_buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            gp_buf_put(b, GP_STR("\\"));
        if (*text >= ' ' && *text != 0x7F)
            gp_buf_put(b, (struct gp_str){text, 1});
        else
            gp_buf_putz(b, "?");
    }
}

static const char *store_state(const struct gp_counters *counters)
{
    if (counters == NULL)
        return "in-process";
    return gp_counters_up(counters) ? "up" : "down";
}

void gp_status_write(const struct gp_status *status, const struct gp_settings *settings,
                     const struct gp_counters *counters, size_t connections, uint64_t wall_ms)
{
    char json[2 * GP_FAULT_TEXT_MAX + 512];
    struct gp_buf b = gp_buf_on(json, sizeof json);
    const struct gp_config place = {.run_directory = settings->value[GP_SETTING_RUN_DIRECTORY]};
    gp_buf_printf(&b, "{\"program\":\"policyd\",\"pid\":%ld,\"version\":\"%s\",\"epoch\":%llu,\"epochs_alive\":%zu",
                  (long)getpid(), GATEPOST_VERSION, (unsigned long long)gp_epoch_number(), gp_epoch_alive());
    gp_buf_printf(&b, ",\"reloads\":%llu,\"reload_failures\":%llu,\"last_reload\":\"",
                  (unsigned long long)status->reloads, (unsigned long long)status->reload_failures);
    gp_buf_putz(&b, status->failed ? "failed: " : "ok");
    json_put(&b, status->failed ? status->failure : "");
    gp_buf_printf(&b, "\",\"connections\":%zu,\"store\":\"%s\",\"started\":%llu,\"now\":%llu}\n", connections,
                  store_state(counters), (unsigned long long)status->started_s, (unsigned long long)(wall_ms / 1000));
    gp_daemon_status(&place, "policyd", json);
}
