/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_private.h - the inside of struct gp_forecasts; for forecast.c and forecast_follow.c only
 */
#ifndef GP_MILTER_FORECAST_PRIVATE_H
#define GP_MILTER_FORECAST_PRIVATE_H

#include "milter/forecast.h"

#include <pthread.h>

struct gp_forecast_entry {
    bool configured;   /* stands in the configuration; else it came by gp_forecasts_want; the filling thread's alone */
    bool evaluated;    /* learned at least once */
    unsigned troubles; /* in a row */
    uint64_t spf_until_ms, dmarc_until_ms; /* how long what is known stands */
    uint64_t used_ms;                      /* looked up last */
    struct gp_forecast known;
    char domain[];
};

/* Apart from the entries, so that a search for what is due reads little. */
struct gp_forecast_slot {
    uint64_t due_ms;
    struct gp_forecast_entry *entry;
};

struct gp_forecasts {
    pthread_mutex_t lock; /* guards all but egress: only the filling thread changes slots, and under it */
    size_t n, room;
    struct gp_forecast_slot *slot; /* sorted by domain */
    size_t turn;                   /* where the search for what is due goes on */
    size_t wanted_n;
    char wanted[GP_FORECAST_WANTED_MAX][GP_DOMAIN_MAX + 1];
    size_t egress_n; /* the filling thread's alone: what the verdicts are for */
    struct gp_ip *egress;
};

/* gp_forecast_entry_new - nothing is known of it yet; domain: as the DNS has it; NULL: no memory */
struct gp_forecast_entry *gp_forecast_entry_new(const char *domain, uint64_t now_ms);

#endif
