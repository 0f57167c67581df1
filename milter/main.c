/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - gatepost-milter: options, then everything in the order in which it must be made, signals, the end
 *
 * libmilter takes HUP, TERM and INT with sigwait() in a thread of its own, and each of them means to drop all sessions.
 * They are ours: the sigwait() below stands before the C library's and never returns. A handler in the main thread
 * would not do: a signal that comes while another one is pending there goes to libmilter's thread.
 */
#include "milter/buffered.h"
#include "milter/callbacks.h"
#include "milter/from.h"
#include "milter/housekeeping.h"
#include "milter/preflight.h"
#include "milter/session.h"
#include "shared/clock.h"
#include "shared/daemon.h"
#include "shared/epoch.h"
#include "shared/http/metrics_http.h"
#include "shared/listen.h"
#include "shared/log.h"
#include "shared/usage.h"

#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 10000 /* what running sessions get at the end */
#define DRAIN_POLL_MS 20
#define WATCH_MS 500        /* how soon the end of libmilter is seen */
/* Of each of libmilter's threads, which come and go with the sessions: the C library keeps 40 MiB of stacks that were
 * given back, and what is beyond it must map anew each time. A message needs a tenth.
 */
#ifdef __SANITIZE_THREAD__ /* keeps its own state there */
#define STACK_OCTETS (8U << 20)
#else
#define STACK_OCTETS (512U << 10)
#endif
#define SESSION_IDLE_S 7210 /* longer than any pause that Postfix allows a client within one step */

struct parts {
    struct gp_reload reload;
    struct gp_counters *counters; /* NULL: in-process */
    struct gp_ledger *ledger;
    struct gp_signer *signer;
    struct gp_forecasts *forecasts;
    struct gp_housekeeping *housekeeping;
    struct gp_preflight *preflight;
    struct gp_http *metrics; /* NULL: not served */
    sigset_t signals;
};

static _Atomic bool libmilter_ended;

int sigwait(const sigset_t *restrict set, int *restrict number)
{
    sigset_t all;
    (void)set, (void)number;
    sigfillset(&all);
    for (;;)
        sigsuspend(&all);
}

/* Blocked here, before any thread: every thread inherits that, and only sigtimedwait below takes them. HUP must not be
 * blocked: a blocked signal is kept even when it is ignored.
 */
static void signals_prepare(sigset_t *ours)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGUSR1);
    sigprocmask(SIG_BLOCK, ours, NULL);
}

/* "inet:host:port" is "inet:port@host" to libmilter; "unix:/path" is the same to both. */
static bool listen_name(const char *listen_on, char *out, size_t cap)
{
    struct gp_buf b = gp_buf_on(out, cap);
    const char *colon = strrchr(listen_on, ':');
    struct gp_str host = gp_str_z(listen_on);
    if (!gp_str_starts_nocase(host, GP_STR("inet:")) || colon == listen_on + 4) {
        gp_buf_putz(&b, listen_on);
        return !b.full;
    }
    host.p += 5;
    host.n = (size_t)(colon - host.p);
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = (struct gp_str){host.p + 1, host.n - 2};
    gp_buf_printf(&b, "%s:%s@", bracketed ? "inet6" : "inet", colon + 1);
    gp_buf_put(&b, host);
    return !b.full;
}

static bool listen_start(const struct gp_config *c)
{
    char name[4096];
    if (!listen_name(c->milter_listen, name, sizeof name) || smfi_setconn(name) != MI_SUCCESS) {
        gp_log(GP_ERROR, "start", "cannot listen on %s", c->milter_listen);
        return false;
    }
    smfi_setbacklog(SOMAXCONN);
    smfi_settimeout(SESSION_IDLE_S);
    mode_t before = umask(0117);
    bool listening = smfi_opensocket(true) == MI_SUCCESS;
    umask(before);
    if (!listening)
        gp_log_errno(GP_ERROR, "start", "cannot listen on %s", c->milter_listen);
    return listening && gp_listen_ready(c->milter_listen);
}

static bool ledger_open(const struct gp_config *c, struct parts *p)
{
    if (!gp_daemon_counters(c, &p->counters))
        return false;
    p->ledger = gp_ledger_new(p->counters, c->counters_prefix, gp_daemon_node(c->milter_listen), gp_daemon_random());
    if (p->ledger == NULL)
        return false;
    for (size_t i = 0; i < c->agencies_n; i++) {
        gp_ledger_adopt(p->ledger, c->agency[i].name);
        for (size_t k = 0; k < c->agency[i].tests; k++)
            gp_ledger_adopt(p->ledger, c->agency[i].test[k].allowance);
    }
    return true;
}

static bool signer_open(struct parts *p)
{
    p->signer = gp_signer_new((struct gp_signer_options){0});
    if (p->signer == NULL)
        gp_log(GP_ERROR, "start", "libopendkim cannot be used: it must know SHA-256 and Ed25519");
    return p->signer != NULL;
}

/* As long as the process: callbacks use them to the very end. */
static bool callbacks_open(const struct gp_config *c, struct parts *p)
{
    p->forecasts = gp_forecasts_new();
    const struct gp_services use = {.ledger = p->ledger,
                                    .signer = p->signer,
                                    .forecasts = p->forecasts,
                                    .suppressor = gp_suppressor_new(c->database, p->counters, c->counters_prefix),
                                    .auto_replies = gp_auto_replies_new(p->counters, c->counters_prefix)};
    return use.forecasts != NULL && use.suppressor != NULL && use.auto_replies != NULL && gp_callbacks_register(&use);
}

static void seed(void *arg, const char *allowance, const struct gp_counts *counts)
{
    struct gp_counts sane = *counts;
    if (sane.day > gp_usage_day(gp_clock_wall_ms()) + 1) {
        gp_log(GP_WARN, "start", "package counts of %s are of a day to come: left out", allowance);
        sane.day = sane.month = 0;
        sane.day_count = sane.month_count = 0;
    }
    gp_ledger_seed_package(arg, allowance, &sane);
}

/* After privileges were dropped, so that the database's files are the daemon's own. */
static struct gp_store *store_open(const struct gp_config *c, struct gp_ledger *ledger)
{
    char why[256];
    struct gp_store *store = gp_store_open(c->database, why);
    if (store == NULL) {
        gp_log(GP_ERROR, "start", "database: %s", why);
    } else if (!gp_store_packages(store, seed, ledger)) {
        gp_log(GP_ERROR, "start", "database: %s", gp_store_error(store));
        gp_store_close(store);
        store = NULL;
    }
    return store;
}

static void small_stacks(void)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setstacksize(&attributes, STACK_OCTETS) == 0)
        (void)pthread_setattr_default_np(&attributes);
    (void)pthread_attr_destroy(&attributes);
}

static void *libmilter_run(void *arg)
{
    (void)arg;
    small_stacks(); /* of the threads that are made from now on */
    smfi_main();
    atomic_store(&libmilter_ended, true); /* it could not accept; the main thread sees it */
    return NULL;
}

/* A thread of its own, with a handle of its own on the database. */
static bool preflight_open(const struct gp_config *c, struct parts *p)
{
    char why[256];
    struct gp_store *store = gp_store_open(c->database, why);
    if (store == NULL)
        gp_log(GP_ERROR, "start", "database: %s", why);
    else if ((p->preflight = gp_preflight_start(p->forecasts, store)) == NULL)
        gp_store_close(store);
    return p->preflight != NULL;
}

/* config is the running epoch's */
static bool start(const struct gp_config *c, const char *path, struct parts *p)
{
    pthread_t thread;
    int metrics = -1;
    signals_prepare(&p->signals);
    gp_daemon_descriptors();
    gp_from_start();
    gp_buffered_on();
    if (!gp_reload_init(&p->reload, "milter", path, c, gp_clock_wall_ms()) || !gp_daemon_pidfile(c, "milter") ||
        gp_listen_taken(c->milter_listen) || !ledger_open(c, p) || !signer_open(p) || !callbacks_open(c, p) ||
        !listen_start(c) || !gp_metrics_http_open(c->milter_metrics, &metrics) || !gp_daemon_drop(c))
        return false;
    struct gp_store *store = store_open(c, p->ledger);
    if (store == NULL)
        return false;
    p->housekeeping = gp_housekeeping_start(p->ledger, p->counters, store, &p->reload, p->forecasts);
    if (p->housekeeping == NULL) {
        gp_store_close(store);
        return false;
    }
    if (!preflight_open(c, p) || !gp_metrics_http_start(&metrics, &p->metrics))
        return false;
    gp_log(GP_INFO, "start", "gatepost-milter %s on %s", GATEPOST_VERSION, c->milter_listen);
    return pthread_create(&thread, NULL, libmilter_run, NULL) == 0 && pthread_detach(thread) == 0;
}

/* Returns whether the end was asked for. */
static bool serve(struct parts *p)
{
    const struct timespec tick = {.tv_nsec = WATCH_MS * 1000000L};
    while (!atomic_load(&libmilter_ended)) {
        int number = sigtimedwait(&p->signals, NULL, &tick);
        if (number == SIGUSR1)
            gp_housekeeping_reload(p->housekeeping);
        else if (number == SIGTERM || number == SIGINT)
            return true;
    }
    gp_log(GP_ERROR, "end", "libmilter ended by itself");
    return false;
}

/* Each running session hears 421 at its next command. */
static void drain(void)
{
    const struct timespec poll = {.tv_nsec = DRAIN_POLL_MS * 1000000L};
    uint64_t until = gp_clock_monotonic_ms() + DRAIN_MS;
    gp_epoch_drain_all();
    while (gp_session_count() > 0 && gp_clock_monotonic_ms() < until)
        nanosleep(&poll, NULL);
}

int main(int argc, char **argv)
{
    static struct parts parts;
    const char *path;
    int status = gp_daemon_options(argc, argv, "gatepost-milter", &path);
    if (status >= 0)
        return status;
    struct gp_config *config = gp_daemon_load(path);
    if (config == NULL)
        return 1;
    gp_log_open("gatepost-milter", config->log, config->log_format);
    gp_epoch_swap(config, gp_clock_monotonic_ms());
    bool well = start(config, path, &parts) && serve(&parts);
    if (well)
        drain();
    gp_http_stop(parts.metrics);
    gp_preflight_stop(parts.preflight);
    gp_housekeeping_stop(parts.housekeeping);
    if (parts.ledger != NULL)
        gp_ledger_leave(parts.ledger, gp_clock_wall_ms());
    gp_log(GP_INFO, "end", "gatepost-milter, %zu sessions cut off", gp_session_count());
    /* Not exit(): callbacks may still run, and libmilter would remove a successor's socket. */
    _exit(well ? 0 : 1);
}
