/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * admit.c - carry the rules out: find the agency, fetch what the rules want, judge
 */
#include "policyd/admit.h"

#include "shared/keys.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_PER_JOB GP_WANT_COUNT
#define LOOKS_PER_JOB 2 /* the agency's items, the address's items */

struct gp_admit {
    struct gp_counters *counters;
    struct gp_logins *logins;
    char *prefix;
    uint64_t lost; /* requests not answered since the last report */
    bool reported;
    uint64_t reported_ms;
    struct gp_look look[GP_BATCH_MAX * LOOKS_PER_JOB];
    struct gp_item item[GP_BATCH_MAX * ITEMS_PER_JOB];
};

/* Where the next question goes. */
struct wanted {
    struct gp_look *look;
    struct gp_item *next;
};

struct gp_admit *gp_admit_new(struct gp_counters *counters, const char *prefix, struct gp_logins *logins)
{
    struct gp_admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->counters = counters;
    a->logins = logins;
    a->prefix = strdup(prefix);
    if (a->prefix == NULL) {
        free(a);
        return NULL;
    }
    return a;
}

void gp_admit_free(struct gp_admit *a)
{
    if (a != NULL)
        free(a->prefix);
    free(a);
}

/* a may be NULL for the items of an address */
static void key_write(char out[GP_KEY_MAX], enum gp_want want, const char *prefix, const struct gp_agency *a,
                      const struct gp_ip *ip)
{
    const char *agency = a != NULL ? a->name : "", *allowance = a != NULL ? gp_agency_allowance(a) : "";
    switch (want) {
    case GP_WANT_SESSIONS:
        gp_key_sessions(out, prefix, allowance);
        break;
    case GP_WANT_USAGE:
        gp_key_usage(out, prefix, allowance);
        break;
    case GP_WANT_LIMIT_SESSIONS:
        gp_key_limit(out, prefix, agency, GP_LIMIT_SESSIONS);
        break;
    case GP_WANT_LIMIT_RATE:
        gp_key_limit(out, prefix, agency, GP_LIMIT_RATE);
        break;
    case GP_WANT_LIMIT_PACKAGE:
        gp_key_limit(out, prefix, agency, GP_LIMIT_PACKAGE);
        break;
    case GP_WANT_BLOCK_AGENCY:
        gp_key_block_agency(out, prefix, agency);
        break;
    case GP_WANT_BLOCK_ADDRESS:
        gp_key_block_address(out, prefix, ip);
        break;
    case GP_WANT_BAN_ADDRESS:
        gp_key_ban(out, prefix, ip);
        break;
    case GP_WANT_PAUSE_AGENCY:
        gp_key_pause(out, prefix, agency);
        break;
    case GP_WANT_COUNT:
        break;
    }
}

/* Who asks. False when there is no address to ask about. */
static bool identify(const struct gp_admit *a, struct gp_job *job, struct gp_ip *ip)
{
    struct gp_facts *f = &job->facts;
    enum gp_acting acting = gp_rules_acting(job->profile, job->request.stage);
    bool known = gp_ip_parse(job->request.client, ip);
    if (job->request.login.n > 0)
        f->login = gp_config_by_login(job->config, job->request.login);
    if (acting == GP_BY_LOGIN)
        f->agency = f->login;
    if (!known)
        return false;
    gp_ip_text(ip, f->client);
    if (acting == GP_BY_ADDRESS)
        f->agency = gp_config_admits(job->config, ip, f->now_ms);
    f->banned_here = a->logins != NULL && gp_logins_banned_here(a->logins, ip, f->now_ms);
    return true;
}

/* The items named by wants, all of one group: named from w->next on. */
static void want_items(const struct gp_admit *a, struct gp_job *job, const struct gp_ip *ip, unsigned wants,
                       const char *group, struct wanted *w)
{
    struct gp_item *first = w->next;
    for (unsigned i = 0; i < GP_WANT_COUNT; i++) {
        if ((wants & GP_WANT(i)) == 0)
            continue;
        key_write(w->next->key, (enum gp_want)i, a->prefix, job->facts.agency, ip);
        job->facts.item[i] = w->next++;
    }
    if (w->next > first)
        *w->look++ = (struct gp_look){group, first, (size_t)(w->next - first)};
}

/* What the rules need for an answer. The address's items may stand on another server than the agency's. */
static void prepare(const struct gp_admit *a, struct gp_job *job, struct wanted *w)
{
    struct gp_ip ip;
    struct gp_facts *f = &job->facts;
    bool known = identify(a, job, &ip), meant = gp_rules_acting(job->profile, job->request.stage) != GP_BY_NOTHING;
    if (a->counters == NULL || (meant && f->agency == NULL))
        return;
    unsigned wants = gp_rules_want(job->profile, job->request.stage);
    if (f->agency != NULL)
        want_items(a, job, &ip, wants & ~GP_WANTS_OF_ADDRESS, f->agency->name, w);
    if (!known)
        return;
    const struct gp_agency *lists = gp_config_lists(job->config, &ip);
    want_items(a, job, &ip, wants & GP_WANTS_OF_ADDRESS, lists != NULL ? lists->name : f->client, w);
}

void gp_admit(struct gp_admit *a, struct gp_job *jobs, size_t n, const struct gp_blocks *blocks, uint64_t now_ms)
{
    struct wanted w = {a->look, a->item};
    for (size_t i = 0; i < n; i++) {
        struct gp_job *job = &jobs[i];
        job->facts =
            (struct gp_facts){.config = job->config, .request = &job->request, .blocks = blocks, .now_ms = now_ms};
        job->profile = gp_profile_find(job->request.profile);
        prepare(a, job, &w);
    }
    if (w.look > a->look)
        gp_counters_get(a->counters, a->look, (size_t)(w.look - a->look));
    for (size_t i = 0; i < n; i++) {
        jobs[i].ruling = gp_rules_judge(jobs[i].profile, &jobs[i].facts);
        a->lost += jobs[i].ruling.lost;
    }
}

void gp_admit_report(struct gp_admit *a, uint64_t monotonic_ms)
{
    if (a->lost == 0 || (a->reported && monotonic_ms - a->reported_ms < GP_LOSS_REPORT_EVERY_MS))
        return;
    struct gp_line line;
    gp_line_begin(&line, GP_WARN, "counters-lost");
    gp_line_u64(&line, "requests", a->lost);
    gp_line_end(&line);
    a->lost = 0;
    a->reported = true;
    a->reported_ms = monotonic_ms;
}
