/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * housekeeping.c - the background thread: what is due each second, and what may block
 */
#include "milter/housekeeping.h"

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Counts of one allowance that the database does not have yet. */
struct unsaved {
    char allowance[GP_ALLOWANCE_MAX + 1];
    struct gp_counts counts;
};

struct gp_housekeeping {
    struct gp_ledger *ledger;
    struct gp_counters *counters; /* NULL: in-process */
    struct gp_store *store;       /* this thread's alone */
    pthread_t thread;
    pthread_mutex_t report; /* guards reload and the status file */
    struct gp_reload *reload;
    struct gp_forecasts *forecasts;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;
    /* this thread's alone */
    bool counters_away, store_failing; /* each is logged when it changes */
    size_t unsaved_n, unsaved_cap;     /* at most one for each allowance ever configured */
    struct unsaved *unsaved;
};

static void report(struct gp_housekeeping *h)
{
    size_t evaluated, bad;
    gp_forecasts_count(h->forecasts, gp_clock_monotonic_ms(), &evaluated, &bad);
    gp_metrics_set(GP_METRIC_SPF_DOMAINS, evaluated);
    gp_metrics_set(GP_METRIC_SPF_FAILING, bad);
    gp_metrics_set(GP_METRIC_SESSIONS, gp_ledger_sessions(h->ledger));
    pthread_mutex_lock(&h->report);
    struct gp_buf more = gp_buf_on(h->reload->more, sizeof h->reload->more);
    gp_buf_printf(&more, ",\"spf_domains\":%zu,\"spf_failing\":%zu", evaluated, bad);
    gp_reload_report(h->reload, "sessions", gp_ledger_sessions(h->ledger), h->counters, gp_clock_wall_ms());
    pthread_mutex_unlock(&h->report);
}

static void probe(struct gp_housekeeping *h)
{
    if (h->counters == NULL)
        return;
    bool away = !gp_counters_probe(h->counters);
    if (away != h->counters_away)
        gp_log(away ? GP_WARN : GP_INFO, "counters", "%s", away ? "memcached does not answer" : "memcached is back");
    h->counters_away = away;
}

static struct unsaved *unsaved_of(struct gp_housekeeping *h, const char *allowance)
{
    for (size_t i = 0; i < h->unsaved_n; i++) {
        if (gp_str_eq(gp_str_z(h->unsaved[i].allowance), gp_str_z(allowance)))
            return &h->unsaved[i];
    }
    if (h->unsaved_n == h->unsaved_cap) {
        size_t cap = h->unsaved_cap == 0 ? 16 : 2 * h->unsaved_cap;
        struct unsaved *bigger = realloc(h->unsaved, cap * sizeof *bigger);
        if (bigger == NULL)
            return NULL;
        h->unsaved = bigger;
        h->unsaved_cap = cap;
    }
    struct unsaved *u = &h->unsaved[h->unsaved_n++];
    struct gp_buf name = gp_buf_on(u->allowance, sizeof u->allowance);
    gp_buf_putz(&name, allowance);
    return u;
}

/* The ledger tells a change once; it is kept here until the database has it. */
static void note(void *arg, const char *allowance, const struct gp_counts *counts)
{
    struct unsaved *u = unsaved_of(arg, allowance);
    if (u != NULL) /* else no memory: told again with its next message */
        u->counts = *counts;
}

static bool save_all(struct gp_housekeeping *h)
{
    bool saved = true;
    if (!gp_store_begin(h->store))
        return false;
    for (size_t i = 0; i < h->unsaved_n && saved; i++)
        saved = gp_store_package_save(h->store, h->unsaved[i].allowance, &h->unsaved[i].counts);
    return gp_store_commit(h->store) && saved;
}

static void save(struct gp_housekeeping *h)
{
    gp_ledger_packages(h->ledger, note, h);
    if (h->unsaved_n == 0)
        return;
    bool failing = !save_all(h);
    if (failing != h->store_failing)
        gp_log(failing ? GP_ERROR : GP_INFO, "database", "%s",
               failing ? gp_store_error(h->store) : "package counts are saved again");
    h->store_failing = failing;
    if (!failing)
        h->unsaved_n = 0;
}

/* Returns false when it is time to end. */
static bool wait_for_next(struct gp_housekeeping *h)
{
    uint64_t due = gp_clock_monotonic_ms() + GP_HOUSEKEEPING_EVERY_MS;
    struct timespec until = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000};
    pthread_mutex_lock(&h->lock);
    while (!h->stop && gp_clock_monotonic_ms() < due)
        pthread_cond_timedwait(&h->wake, &h->lock, &until);
    bool on = !h->stop;
    pthread_mutex_unlock(&h->lock);
    return on;
}

static void *housekeeping_run(void *arg)
{
    struct gp_housekeeping *h = arg;
    do {
        probe(h);
        gp_ledger_renew(h->ledger, gp_clock_wall_ms());
        report(h); /* before the database, which may take its time */
        save(h);
    } while (wait_for_next(h));
    save(h);
    return NULL;
}

static void housekeeping_free(struct gp_housekeeping *h)
{
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    pthread_mutex_destroy(&h->report);
    free(h->unsaved);
    free(h);
}

struct gp_housekeeping *gp_housekeeping_start(struct gp_ledger *ledger, struct gp_counters *counters,
                                              struct gp_store *store, struct gp_reload *reload,
                                              struct gp_forecasts *forecasts)
{
    pthread_condattr_t attributes;
    struct gp_housekeeping *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->ledger = ledger;
    h->counters = counters;
    h->store = store;
    h->reload = reload;
    h->forecasts = forecasts;
    pthread_mutex_init(&h->report, NULL);
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&h->thread, NULL, housekeeping_run, h) != 0) {
        gp_log(GP_ERROR, "start", "cannot start the housekeeping thread");
        housekeeping_free(h);
        return NULL;
    }
    return h;
}

void gp_housekeeping_reload(struct gp_housekeeping *h)
{
    pthread_mutex_lock(&h->report);
    gp_reload_now(h->reload, gp_clock_monotonic_ms());
    pthread_mutex_unlock(&h->report);
    report(h);
}

void gp_housekeeping_stop(struct gp_housekeeping *h)
{
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    gp_store_close(h->store);
    housekeeping_free(h);
}
