/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepost-policyd: options, then everything in the order in which it must be made
 */
#include "policyd/login_http.h"
#include "policyd/server.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/http/metrics_http.h"
#include "shared/listen.h"
#include "shared/log.h"

#include <unistd.h>

/* Sockets, while there are privileges for them. *auth is -1 when Dovecot does not ask here, *metrics without
 * policy_metrics.
 */
static bool listen_all(const struct gp_config *c, int *policy, int *auth, int *metrics)
{
    char place[256];
    struct gp_buf b = gp_buf_on(place, sizeof place);
    *policy = gp_listen_open(c->policy_listen);
    if (*policy < 0 || !gp_metrics_http_open(c->policy_metrics, metrics))
        return false;
    if (c->auth_listen == NULL)
        return true;
    gp_buf_printf(&b, "inet:%s", c->auth_listen);
    *auth = gp_listen_open(place);
    return *auth >= 0;
}

/* config is the running epoch's */
static bool serve(const char *path, const struct gp_config *config)
{
    struct gp_reload reload;
    struct gp_server_parts parts = {.reload = &reload, .listener = -1};
    struct gp_http *http = NULL, *metrics = NULL;
    int auth = -1, metrics_listener = -1;
    bool done = false;
    gp_daemon_signals(&parts.signals);
    if (!gp_reload_init(&reload, "policyd", path, config, gp_clock_wall_ms()))
        goto out;
    gp_daemon_descriptors();
    if (!listen_all(config, &parts.listener, &auth, &metrics_listener) || !gp_daemon_drop(config) ||
        !gp_daemon_pidfile(config, "policyd"))
        goto out;
    if (!gp_daemon_counters(config, &parts.counters))
        goto out;
    parts.logins = gp_logins_new(parts.counters, config->counters_prefix);
    if (parts.logins == NULL)
        goto out;
    parts.watch = gp_watch_start(config->database, parts.counters, config->counters_prefix, parts.logins);
    parts.admit = gp_admit_new(parts.counters, config->counters_prefix, parts.logins);
    if (parts.watch == NULL || parts.admit == NULL)
        goto out;
    parts.asked = auth >= 0;
    if (parts.asked) {
        http = gp_login_http_start(auth, parts.logins);
        auth = -1;
        if (http == NULL)
            goto out;
    }
    if (!gp_metrics_http_start(&metrics_listener, &metrics))
        goto out;
    gp_log(GP_INFO, "start", "gatepost-policyd %s on %s", GATEPOST_VERSION, config->policy_listen);
    done = gp_server_run(&parts);
out:
    gp_http_stop(metrics);
    gp_http_stop(http);
    gp_admit_free(parts.admit);
    gp_watch_stop(parts.watch);
    gp_logins_free(parts.logins);
    gp_counters_free(parts.counters);
    gp_reload_free(&reload);
    if (parts.listener >= 0)
        close(parts.listener);
    if (auth >= 0)
        close(auth);
    if (metrics_listener >= 0)
        close(metrics_listener);
    return done;
}

int main(int argc, char **argv)
{
    const char *path;
    int status = gp_daemon_options(argc, argv, "gatepost-policyd", &path);
    if (status >= 0)
        return status;
    struct gp_config *config = gp_daemon_load(path);
    if (config == NULL)
        return 1;
    gp_log_open("gatepost-policyd", config->log, config->log_format);
    gp_epoch_swap(config, gp_clock_monotonic_ms());
    return serve(path, config) ? 0 : 1;
}
