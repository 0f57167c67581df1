/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_follow.c - the table of forecasts takes up the domains of a configuration
 *
 * The new list is made aside, beside the old one, which callbacks read meanwhile; they wait for the exchange only.
 */
#include "milter/forecast_private.h"

#include <stdlib.h>
#include <string.h>

static int slot_cmp(const void *a, const void *b)
{
    return strcmp(((const struct gp_forecast_slot *)a)->entry->domain,
                  ((const struct gp_forecast_slot *)b)->entry->domain);
}

/* A list of slots with room for all that may come. */
struct making {
    size_t n;
    struct gp_forecast_slot *slot;
};

static void push(struct making *m, struct gp_forecast_slot slot)
{
    m->slot[m->n++] = slot;
}

/* Returns how many were left out for want of memory: 0 or 1. */
static size_t add_domain(struct making *m, const char *domain, uint64_t now_ms)
{
    char ascii[GP_DOMAIN_MAX + 1];
    if (domain[0] == '.' || !gp_domain_ascii(gp_str_z(domain), ascii))
        return 0;
    struct gp_forecast_entry *e = gp_forecast_entry_new(ascii, now_ms);
    if (e == NULL)
        return 1;
    e->configured = true;
    push(m, (struct gp_forecast_slot){now_ms, e});
    return 0;
}

static void sort(struct making *m)
{
    if (m->n > 1)
        qsort(m->slot, m->n, sizeof *m->slot, slot_cmp);
}

/* Each domain once, at most GP_FORECASTS_MAX of them; returns how many more there were. */
static size_t settle(struct making *m)
{
    size_t kept = 0, missing = 0;
    sort(m);
    for (size_t i = 0; i < m->n; i++) {
        bool again = kept > 0 && slot_cmp(&m->slot[kept - 1], &m->slot[i]) == 0;
        if (!again && kept < GP_FORECASTS_MAX) {
            m->slot[kept++] = m->slot[i];
            continue;
        }
        missing += !again;
        free(m->slot[i].entry);
    }
    m->n = kept;
    return missing;
}

/* What the configuration names, as new entries. */
static size_t add_configured(struct making *m, const struct gp_config *c, uint64_t now_ms)
{
    size_t missing = add_domain(m, c->return_path, now_ms) + add_domain(m, c->relay_name, now_ms);
    for (size_t i = 0; i < c->agencies_n; i++) {
        for (size_t k = 0; k < c->agency[i].sender_domains.n; k++)
            missing += add_domain(m, c->agency[i].sender_domains.v[k], now_ms);
    }
    return missing + settle(m);
}

static size_t configured_most(const struct gp_config *c)
{
    size_t n = 2;
    for (size_t i = 0; i < c->agencies_n; i++)
        n += c->agency[i].sender_domains.n;
    return n;
}

static bool anybody_may_send(const struct gp_config *c, const char *domain)
{
    for (size_t i = 0; i < c->agencies_n; i++) {
        if (gp_agency_may_send(&c->agency[i], gp_str_z(domain)))
            return true;
    }
    return false;
}

/* An old entry takes the place of the new one of its domain, or joins the list when an agency may still send for it.
 * What is then in nobody's list, old or new, is left in gone.
 */
static void merge(struct making *m, const struct gp_forecasts *t, const struct gp_config *c, struct making *gone)
{
    size_t fresh = m->n, k = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct gp_forecast_slot old = t->slot[i];
        while (k < fresh && slot_cmp(&m->slot[k], &old) < 0)
            k++;
        bool again = k < fresh && slot_cmp(&m->slot[k], &old) == 0;
        bool stays = !again && fresh > 0 && m->n < GP_FORECASTS_MAX && anybody_may_send(c, old.entry->domain);
        push(again || !stays ? gone : m, again ? m->slot[k] : old);
        if (again)
            m->slot[k] = old;
        old.entry->configured = again;
    }
    sort(m);
}

/* Takes over the addresses that verdicts are for; true when they are others than before. */
static bool follow_egress(struct gp_forecasts *t, const struct gp_config *c)
{
    size_t octets = c->egress_n * sizeof *c->egress;
    if (t->egress_n == c->egress_n && (octets == 0 || memcmp(t->egress, c->egress, octets) == 0))
        return false;
    free(t->egress);
    t->egress = octets > 0 ? malloc(octets) : NULL;
    t->egress_n = t->egress != NULL ? c->egress_n : 0; /* no memory: they differ the next time too */
    if (t->egress_n > 0)
        memcpy(t->egress, c->egress, octets);
    return true;
}

static void forget(struct gp_forecast_slot *s, uint64_t now_ms)
{
    struct gp_forecast_entry *e = s->entry;
    e->known = gp_forecast_unknown();
    e->spf_until_ms = e->dmarc_until_ms = 0;
    e->troubles = 0;
    e->evaluated = false;
    s->due_ms = now_ms;
}

/* Returns the old list. */
static struct gp_forecast_slot *exchange(struct gp_forecasts *t, const struct making *m, bool anew, uint64_t now_ms)
{
    pthread_mutex_lock(&t->lock);
    struct gp_forecast_slot *old = t->slot;
    t->slot = m->slot;
    t->n = m->n;
    t->room = m->n;
    for (size_t i = 0; anew && i < t->n; i++)
        forget(&t->slot[i], now_ms);
    pthread_mutex_unlock(&t->lock);
    return old;
}

size_t gp_forecasts_follow(struct gp_forecasts *t, const struct gp_config *c, uint64_t now_ms)
{
    size_t most = configured_most(c), missing = most;
    struct making m = {0, calloc(most + t->n, sizeof *m.slot)}, gone = {0, calloc(t->n + 1, sizeof *gone.slot)};
    if (m.slot == NULL || gone.slot == NULL) {
        free(m.slot);
        goto out; /* all stays as it was */
    }
    missing = c->egress_n > 0 ? add_configured(&m, c, now_ms) : 0;
    merge(&m, t, c, &gone);
    free(exchange(t, &m, follow_egress(t, c), now_ms));
    for (size_t i = 0; i < gone.n; i++)
        free(gone.slot[i].entry);
out:
    free(gone.slot);
    return missing;
}
