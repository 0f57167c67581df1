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

struct gp_admit {
    struct gp_counters *counters;
    char *prefix;
    uint64_t lost; /* requests not answered since the last report */
    bool reported;
    uint64_t reported_ms;
    struct gp_look look[GP_BATCH_MAX];
    struct gp_item item[GP_BATCH_MAX * ITEMS_PER_JOB];
};

struct gp_admit *gp_admit_new(struct gp_counters *counters, const char *prefix)
{
    struct gp_admit *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->counters = counters;
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

static void key_write(char out[GP_KEY_MAX], enum gp_want want, const char *prefix, const struct gp_agency *a,
                      const struct gp_ip *ip)
{
    const char *agency = a->name, *allowance = gp_agency_allowance(a);
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

/* Who asks, and what the rules need for an answer: the items are named from *items on. Returns how many. */
static size_t prepare(const struct gp_admit *a, struct gp_job *job, struct gp_item *items)
{
    struct gp_ip ip;
    size_t n = 0;
    struct gp_facts *f = &job->facts;
    if (!gp_ip_parse(job->request.client, &ip))
        return 0;
    gp_ip_text(&ip, f->client);
    f->agency = gp_config_admits(job->config, &ip, f->now_ms);
    if (f->agency == NULL || a->counters == NULL)
        return 0;
    unsigned wants = gp_rules_want(job->profile, job->request.stage);
    for (unsigned w = 0; w < GP_WANT_COUNT; w++) {
        if ((wants & GP_WANT(w)) == 0)
            continue;
        key_write(items[n].key, (enum gp_want)w, a->prefix, f->agency, &ip);
        f->item[w] = &items[n++];
    }
    return n;
}

void gp_admit(struct gp_admit *a, struct gp_job *jobs, size_t n, const struct gp_blocks *blocks, uint64_t now_ms)
{
    size_t looks = 0, items = 0;
    for (size_t i = 0; i < n; i++) {
        struct gp_job *job = &jobs[i];
        job->facts =
            (struct gp_facts){.config = job->config, .request = &job->request, .blocks = blocks, .now_ms = now_ms};
        job->profile = gp_profile_find(job->request.profile);
        size_t wanted = prepare(a, job, &a->item[items]);
        if (wanted == 0)
            continue;
        a->look[looks++] = (struct gp_look){job->facts.agency->name, &a->item[items], wanted};
        items += wanted;
    }
    if (looks > 0)
        gp_counters_get(a->counters, a->look, looks);
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
