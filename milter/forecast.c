/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast.c - what receivers will make of the domains that mail is sent for: a table that is filled ahead of time
 */
#include "milter/forecast_private.h"

#include <stdlib.h>
#include <string.h>

/* --- one forecast ------------------------------------------------------------------------------------------------ */

struct gp_forecast gp_forecast_unknown(void)
{
    return (struct gp_forecast){
        .spf = GP_SPF_UNKNOWN, .dmarc = {.state = GP_DMARC_UNKNOWN, .percent = 100}, .ttl_s = GP_FORECAST_TTL_MOST_S};
}

void gp_forecast_worse(struct gp_forecast *io, const struct gp_ip *egress, const struct gp_spf_answer *answer)
{
    bool first = io->egress[0] == '\0';
    if (answer->ttl_s < io->ttl_s)
        io->ttl_s = answer->ttl_s;
    if (!first && answer->result <= io->spf)
        return;
    struct gp_buf why = gp_buf_on(io->why, sizeof io->why);
    io->spf = answer->result;
    gp_ip_text(egress, io->egress);
    gp_buf_putz(&why, answer->why);
}

bool gp_forecast_bad(const struct gp_forecast *f)
{
    return f->spf == GP_SPF_SOFTFAIL || f->spf == GP_SPF_PERMERROR || f->spf == GP_SPF_FAIL;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

struct gp_forecasts *gp_forecasts_new(void)
{
    struct gp_forecasts *t = calloc(1, sizeof *t);
    if (t != NULL)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

void gp_forecasts_free(struct gp_forecasts *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->slot[i].entry);
    pthread_mutex_destroy(&t->lock);
    free(t->slot);
    free(t->egress);
    free(t);
}

struct gp_forecast_entry *gp_forecast_entry_new(const char *domain, uint64_t now_ms)
{
    size_t n = strlen(domain) + 1;
    struct gp_forecast_entry *e = calloc(1, sizeof *e + n);
    if (e == NULL)
        return NULL;
    memcpy(e->domain, domain, n);
    e->known = gp_forecast_unknown();
    e->used_ms = now_ms;
    return e;
}

static size_t place_of(const struct gp_forecasts *t, const char *domain, bool *found)
{
    size_t from = 0, to = t->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(t->slot[middle].entry->domain, domain);
        *found = order == 0;
        if (*found)
            return middle;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *found = false;
    return from;
}

/* --- what is due -------------------------------------------------------------------------------------------------- */

/* lock held */
static bool make_room(struct gp_forecasts *t)
{
    size_t more = t->room < 16 ? 16 : t->room * 2;
    if (t->n >= GP_FORECASTS_MAX)
        return false;
    if (t->n < t->room)
        return true;
    struct gp_forecast_slot *bigger = reallocarray(t->slot, more, sizeof *bigger);
    if (bigger == NULL)
        return false;
    t->slot = bigger;
    t->room = more;
    return true;
}

/* lock held */
static void take_up(struct gp_forecasts *t, uint64_t now_ms)
{
    for (size_t i = 0; i < t->wanted_n; i++) {
        bool found;
        size_t at = place_of(t, t->wanted[i], &found);
        struct gp_forecast_entry *e;
        if (found || t->egress_n == 0 || !make_room(t) || (e = gp_forecast_entry_new(t->wanted[i], now_ms)) == NULL)
            continue;
        memmove(&t->slot[at + 1], &t->slot[at], (t->n - at) * sizeof *t->slot);
        t->slot[at] = (struct gp_forecast_slot){now_ms, e};
        t->n++;
    }
    t->wanted_n = 0;
}

/* lock held: the next one that is due, in turn, so that none waits for ever; n: none is */
static size_t next_due(struct gp_forecasts *t, uint64_t now_ms)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t at = (t->turn + i) % t->n;
        if (t->slot[at].due_ms <= now_ms) {
            t->turn = at;
            return at;
        }
    }
    return t->n;
}

/* lock held */
static uint64_t soonest(const struct gp_forecasts *t)
{
    uint64_t due_ms = UINT64_MAX;
    for (size_t i = 0; i < t->n; i++) {
        if (t->slot[i].due_ms < due_ms)
            due_ms = t->slot[i].due_ms;
    }
    return due_ms;
}

/* lock held */
static bool drop_idle(struct gp_forecasts *t, size_t at, uint64_t now_ms)
{
    struct gp_forecast_entry *e = t->slot[at].entry;
    if (e->configured || now_ms < e->used_ms + (uint64_t)GP_FORECAST_IDLE_S * 1000)
        return false;
    free(e);
    t->n--;
    memmove(&t->slot[at], &t->slot[at + 1], (t->n - at) * sizeof *t->slot);
    return true;
}

bool gp_forecasts_due(struct gp_forecasts *t, uint64_t now_ms, char domain[GP_DOMAIN_MAX + 1], uint64_t *next_ms)
{
    size_t at;
    pthread_mutex_lock(&t->lock);
    take_up(t, now_ms);
    while ((at = next_due(t, now_ms)) < t->n && drop_idle(t, at, now_ms))
        ;
    bool due = at < t->n;
    *next_ms = due ? now_ms : soonest(t);
    if (due)
        memcpy(domain, t->slot[at].entry->domain, strlen(t->slot[at].entry->domain) + 1);
    pthread_mutex_unlock(&t->lock);
    return due;
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

/* lock held */
static struct gp_forecast seen(const struct gp_forecast_entry *e, uint64_t now_ms)
{
    struct gp_forecast f = e->known, unknown = gp_forecast_unknown();
    if (now_ms >= e->spf_until_ms) {
        f.spf = unknown.spf;
        if (f.spf != e->known.spf)
            f.egress[0] = f.why[0] = '\0';
    }
    if (now_ms >= e->dmarc_until_ms)
        f.dmarc = unknown.dmarc;
    return f;
}

static uint64_t until(bool known, uint32_t ttl_s, uint64_t now_ms)
{
    return known ? now_ms + ((uint64_t)ttl_s + GP_FORECAST_KEPT_S) * 1000 : 0;
}

/* lock held */
static void lay(struct gp_forecast_slot *s, const struct gp_forecast *fresh, uint64_t now_ms)
{
    struct gp_forecast_entry *e = s->entry;
    bool spf = fresh->spf != GP_SPF_UNKNOWN, dmarc = fresh->dmarc.state != GP_DMARC_UNKNOWN;
    uint32_t ttl_s = fresh->ttl_s, retry_s = (uint32_t)GP_FORECAST_RETRY_S << e->troubles;
    if (ttl_s < GP_FORECAST_TTL_LEAST_S)
        ttl_s = GP_FORECAST_TTL_LEAST_S;
    if (ttl_s > GP_FORECAST_TTL_MOST_S)
        ttl_s = GP_FORECAST_TTL_MOST_S;
    if (spf || now_ms >= e->spf_until_ms) {
        struct gp_dmarc_policy policy = e->known.dmarc;
        e->known = *fresh;
        e->known.dmarc = policy;
        e->spf_until_ms = until(spf, ttl_s, now_ms);
    }
    if (dmarc || now_ms >= e->dmarc_until_ms) {
        e->known.dmarc = fresh->dmarc;
        e->dmarc_until_ms = until(dmarc, ttl_s, now_ms);
    }
    e->evaluated = true;
    s->due_ms = now_ms + (uint64_t)(spf && dmarc ? ttl_s : retry_s) * 1000;
    if (spf && dmarc)
        e->troubles = 0;
    else if (retry_s < GP_FORECAST_RETRY_MOST_S)
        e->troubles++;
}

bool gp_forecasts_learn(struct gp_forecasts *t, struct gp_str domain, const struct gp_forecast *fresh, uint64_t now_ms,
                        struct gp_forecast *before, struct gp_forecast *after)
{
    char ascii[GP_DOMAIN_MAX + 1];
    bool found = false;
    *before = *after = gp_forecast_unknown();
    if (!gp_domain_ascii(domain, ascii))
        return false;
    pthread_mutex_lock(&t->lock);
    size_t at = place_of(t, ascii, &found);
    if (found) {
        *before = seen(t->slot[at].entry, now_ms);
        lay(&t->slot[at], fresh, now_ms);
        t->turn = at + 1;
        *after = seen(t->slot[at].entry, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

bool gp_forecasts_look(struct gp_forecasts *t, struct gp_str domain, uint64_t now_ms, struct gp_forecast *out)
{
    char ascii[GP_DOMAIN_MAX + 1];
    bool found = false;
    *out = gp_forecast_unknown();
    if (!gp_domain_ascii(domain, ascii))
        return false;
    pthread_mutex_lock(&t->lock);
    size_t at = place_of(t, ascii, &found);
    if (found) {
        t->slot[at].entry->used_ms = now_ms;
        *out = seen(t->slot[at].entry, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

bool gp_forecasts_want(struct gp_forecasts *t, struct gp_str domain)
{
    char ascii[GP_DOMAIN_MAX + 1];
    bool taken = false;
    if (!gp_domain_ascii(domain, ascii))
        return false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->wanted_n && !taken; i++)
        taken = strcmp(t->wanted[i], ascii) == 0;
    if (!taken && t->wanted_n < GP_FORECAST_WANTED_MAX) {
        memcpy(t->wanted[t->wanted_n++], ascii, strlen(ascii) + 1);
        taken = true;
    }
    pthread_mutex_unlock(&t->lock);
    return taken;
}

void gp_forecasts_count(struct gp_forecasts *t, uint64_t now_ms, size_t *evaluated, size_t *bad)
{
    *evaluated = *bad = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++) {
        const struct gp_forecast_entry *e = t->slot[i].entry;
        *evaluated += e->evaluated;
        *bad += now_ms < e->spf_until_ms && gp_forecast_bad(&e->known);
    }
    pthread_mutex_unlock(&t->lock);
}
