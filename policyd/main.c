/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepost-policyd: options, then everything in the order in which it must be made
 */
#include "policyd/server.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/listen.h"
#include "shared/log.h"

#include <unistd.h>

static void signals_prepare(sigset_t *ours)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGHUP);
    sigaddset(ours, SIGUSR1);
    sigprocmask(SIG_BLOCK, ours, NULL);
}

/* config is the running epoch's */
static bool serve(const char *path, const struct gp_config *config)
{
    struct gp_reload reload;
    struct gp_server_parts parts = {.reload = &reload, .listener = -1};
    bool done = false;
    signals_prepare(&parts.signals);
    if (!gp_reload_init(&reload, "policyd", path, config, gp_clock_wall_ms()))
        goto out;
    gp_daemon_descriptors();
    parts.listener = gp_listen_open(config, config->policy_listen);
    if (parts.listener < 0 || !gp_daemon_drop(config) || !gp_daemon_pidfile(config, "policyd"))
        goto out;
    if (!gp_daemon_counters(config, &parts.counters))
        goto out;
    parts.watch = gp_watch_start(config->database, parts.counters);
    parts.admit = gp_admit_new(parts.counters, config->counters_prefix);
    if (parts.watch == NULL || parts.admit == NULL)
        goto out;
    gp_log(GP_INFO, "start", "gatepost-policyd %s on %s", GATEPOST_VERSION, config->policy_listen);
    done = gp_server_run(&parts);
out:
    gp_admit_free(parts.admit);
    gp_watch_stop(parts.watch);
    gp_counters_free(parts.counters);
    gp_reload_free(&reload);
    if (parts.listener >= 0)
        close(parts.listener);
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
    gp_log_open("gatepost-policyd", config->log);
    gp_epoch_swap(config, gp_clock_monotonic_ms());
    return serve(path, config) ? 0 : 1;
}
