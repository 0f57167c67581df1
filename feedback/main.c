/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepost-feedback: options, then everything that needs privileges, then server.c
 */
#include "feedback/server.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/http/metrics_http.h"
#include "shared/listen.h"
#include "shared/log.h"

#include <curl/curl.h>
#include <gmime/gmime.h>
#include <unistd.h>

/* config is the running epoch's */
static bool serve(const char *path, const struct gp_config *config)
{
    struct gp_reload reload;
    sigset_t signals;
    struct gp_http *metrics = NULL;
    int listener = -1, metrics_listener = -1;
    bool done = false;
    gp_daemon_signals(&signals);
    if (!gp_reload_init(&reload, GP_FEEDBACK_PROGRAM, path, config, gp_clock_wall_ms()))
        goto out;
    gp_daemon_descriptors();
    listener = gp_listen_open(config->feedback_listen);
    if (listener < 0 || !gp_metrics_http_open(config->feedback_metrics, &metrics_listener) ||
        !gp_daemon_drop(config) || !gp_daemon_pidfile(config, GP_FEEDBACK_PROGRAM) ||
        !gp_metrics_http_start(&metrics_listener, &metrics))
        goto out;
    done = gp_feedback_serve(&reload, &signals, listener);
    listener = -1;
out:
    if (listener >= 0)
        close(listener);
    if (metrics_listener >= 0)
        close(metrics_listener);
    gp_http_stop(metrics);
    gp_reload_free(&reload);
    return done;
}

int main(int argc, char **argv)
{
    const char *path;
    int status = gp_daemon_options(argc, argv, "gatepost-feedback", &path);
    if (status >= 0)
        return status;
    struct gp_config *config = gp_daemon_load(path);
    if (config == NULL)
        return 1;
    gp_log_open("gatepost-feedback", config->log, config->log_format);
    gp_epoch_swap(config, gp_clock_monotonic_ms());
    g_mime_init();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    status = serve(path, config) ? 0 : 1;
    curl_global_cleanup();
    g_mime_shutdown();
    return status;
}
