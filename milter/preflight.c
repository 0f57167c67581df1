/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * preflight.c - the thread that asks the DNS ahead of time and fills the table of forecasts
 */
#include "milter/preflight.h"

#include "milter/spf_notice.h"
#include "shared/clock.h"
#include "shared/epoch.h"
#include "shared/log.h"
#include "shared/notice.h"
#include "shared/usage.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct gp_preflight {
    struct gp_forecasts *forecasts;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop and ended */
    pthread_cond_t wake;
    bool stop, ended;
    /* this thread's alone */
    struct gp_store *store;
    struct gp_dns *dns; /* asks the servers of the epoch that was followed last; NULL: no egress, no memory */
    uint64_t epoch;     /* its number */
    bool store_failing; /* logged when it changes */
};

static bool stopping(struct gp_preflight *p)
{
    pthread_mutex_lock(&p->lock);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop;
}

static void follow(struct gp_preflight *p, const struct gp_epoch *e)
{
    if (e->number == p->epoch)
        return;
    size_t missing = gp_forecasts_follow(p->forecasts, e->config, gp_clock_monotonic_ms());
    if (missing > 0)
        gp_log(GP_WARN, "preflight", "%zu domains are more than the %d that can be watched", missing, GP_FORECASTS_MAX);
    gp_dns_free(p->dns);
    p->dns = e->config->egress_n > 0 ? gp_dns_new(&e->config->dns_servers) : NULL;
    if (p->dns != NULL || e->config->egress_n == 0)
        p->epoch = e->number;
}

/* --- one domain --------------------------------------------------------------------------------------------------- */

/* The first address that fails, or that the DNS does not answer for, ends it: nothing can be worse, or is worth the
 * wait.
 */
static struct gp_forecast ask(struct gp_preflight *p, const struct gp_config *c, struct gp_str domain)
{
    struct gp_forecast f = gp_forecast_unknown();
    const struct gp_str anybody = {NULL, 0};
    for (size_t i = 0; i < c->egress_n && !stopping(p); i++) {
        struct gp_spf_answer answer;
        gp_spf_check(p->dns, &c->egress[i], anybody, domain, gp_clock_monotonic_ms() + GP_SPF_DEADLINE_MS, NULL, NULL,
                     &answer);
        gp_forecast_worse(&f, &c->egress[i], &answer);
        if (answer.result == GP_SPF_FAIL || answer.result == GP_SPF_UNKNOWN)
            break;
    }
    if (!stopping(p))
        gp_dmarc_find(p->dns, domain, gp_clock_monotonic_ms() + GP_PREFLIGHT_DMARC_MS, &f.dmarc);
    if (f.dmarc.ttl_s < f.ttl_s)
        f.ttl_s = f.dmarc.ttl_s;
    return f;
}

/* Not that a domain is good, which at the start is news of thousands. */
static bool worth_a_line(const struct gp_forecast *before, const struct gp_forecast *after)
{
    const struct gp_dmarc_policy *was = &before->dmarc, *is = &after->dmarc;
    bool spf = before->spf != after->spf && (before->spf != GP_SPF_UNKNOWN || gp_forecast_bad(after));
    bool dmarc = was->state != GP_DMARC_UNKNOWN && (was->state != is->state || was->action != is->action);
    return spf || dmarc;
}

static void log_change(struct gp_str domain, const struct gp_forecast *before, const struct gp_forecast *after)
{
    struct gp_line l;
    if (!worth_a_line(before, after))
        return;
    gp_line_begin(&l, gp_forecast_bad(after) ? GP_WARN : GP_INFO, "forecast");
    gp_line_str(&l, "domain", domain);
    gp_line_str(&l, "spf", gp_str_z(gp_spf_name(after->spf)));
    gp_line_str(&l, "egress", gp_str_z(after->egress));
    gp_line_str(&l, "why", gp_str_z(after->why));
    if (after->dmarc.state != GP_DMARC_UNKNOWN)
        gp_line_str(&l, "dmarc_policy",
                    after->dmarc.state == GP_DMARC_NONE ? GP_STR("missing")
                                                        : gp_str_z(gp_dmarc_action_name(after->dmarc.action)));
    gp_line_end(&l);
}

static void tell(struct gp_preflight *p, const struct gp_config *c, const struct gp_agency *a, const char *domain,
                 const struct gp_forecast *f)
{
    char subject[GP_SPF_NOTICE_SUBJECT_MAX], body[GP_SPF_NOTICE_BODY_MAX];
    uint64_t now_ms = gp_clock_wall_ms();
    bool added;
    gp_spf_notice(c, a, domain, f, subject, body);
    const struct gp_notice n = {.agency = a->name,
                                .kind = "spf",
                                .key = domain,
                                .day = gp_usage_day(now_ms),
                                .created_ms = now_ms,
                                .subject = subject,
                                .body = body};
    bool failing = !gp_notice_add(p->store, &n, &added);
    if (failing != p->store_failing)
        gp_log(failing ? GP_ERROR : GP_INFO, "database", "%s",
               failing ? gp_store_error(p->store) : "notices are saved again");
    p->store_failing = failing;
    if (failing || !added)
        return;
    struct gp_line l;
    gp_line_begin(&l, GP_INFO, "notice");
    gp_line_str(&l, "agency", gp_str_z(a->name));
    gp_line_str(&l, "kind", gp_str_z(n.kind));
    gp_line_str(&l, "about", gp_str_z(domain));
    gp_line_str(&l, "subject", gp_str_z(subject));
    gp_line_end(&l);
}

static void evaluate(struct gp_preflight *p, const struct gp_config *c, const char *domain)
{
    struct gp_str name = gp_str_z(domain);
    struct gp_forecast before, after, fresh = ask(p, c, name);
    if (stopping(p) || !gp_forecasts_learn(p->forecasts, name, &fresh, gp_clock_monotonic_ms(), &before, &after))
        return;
    log_change(name, &before, &after);
    for (size_t i = 0; i < c->agencies_n && gp_forecast_bad(&after); i++) {
        const struct gp_agency *a = &c->agency[i];
        if (a->spf == GP_SPF_WARN && gp_agency_may_send(a, name))
            tell(p, c, a, domain, &after);
    }
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Evaluates one domain that is due; returns how long to wait for the next. The epoch is not held while waiting. */
static uint64_t step(struct gp_preflight *p)
{
    char domain[GP_DOMAIN_MAX + 1];
    uint64_t wait_ms = GP_PREFLIGHT_POLL_MS, next_ms, now_ms = gp_clock_monotonic_ms();
    struct gp_epoch *e = gp_epoch_ref();
    follow(p, e);
    if (p->dns != NULL && gp_forecasts_due(p->forecasts, now_ms, domain, &next_ms)) {
        evaluate(p, e->config, domain);
        wait_ms = 0;
    }
    gp_epoch_unref(e);
    return wait_ms;
}

/* Returns whether *flag, which is stop or ended, was set within this time. */
static bool wait_for(struct gp_preflight *p, const bool *flag, uint64_t ms)
{
    uint64_t due = gp_clock_monotonic_ms() + ms;
    struct timespec until = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000};
    pthread_mutex_lock(&p->lock);
    while (!*flag && gp_clock_monotonic_ms() < due)
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    bool set = *flag;
    pthread_mutex_unlock(&p->lock);
    return set;
}

static void set_flag(struct gp_preflight *p, bool *flag)
{
    pthread_mutex_lock(&p->lock);
    *flag = true;
    pthread_cond_signal(&p->wake); /* one waits at most: for stop the thread, then for ended the one who stops it */
    pthread_mutex_unlock(&p->lock);
}

static void *preflight_run(void *arg)
{
    struct gp_preflight *p = arg;
    while (!wait_for(p, &p->stop, step(p)))
        ;
    set_flag(p, &p->ended);
    return NULL;
}

static void preflight_free(struct gp_preflight *p)
{
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    gp_dns_free(p->dns);
    free(p);
}

struct gp_preflight *gp_preflight_start(struct gp_forecasts *forecasts, struct gp_store *store)
{
    pthread_condattr_t attributes;
    struct gp_preflight *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->forecasts = forecasts;
    p->store = store;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&p->thread, NULL, preflight_run, p) != 0) {
        gp_log(GP_ERROR, "start", "cannot start the preflight thread");
        preflight_free(p);
        return NULL;
    }
    return p;
}

void gp_preflight_stop(struct gp_preflight *p)
{
    if (p == NULL)
        return;
    set_flag(p, &p->stop);
    if (!wait_for(p, &p->ended, GP_PREFLIGHT_LET_GO_MS)) {
        pthread_detach(p->thread);
        return;
    }
    pthread_join(p->thread, NULL);
    gp_store_close(p->store);
    preflight_free(p);
}
