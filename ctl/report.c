/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report.c - gatepostctl report: what was accepted, and what became of it
 */
#include "ctl/report.h"

#include "ctl/csv.h"
#include "ctl/output.h"
#include "ctl/since.h"
#include "ctl/target.h"
#include "ctl/verbs.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S UINT64_C(86400)
#define HOURS_MOST_DAYS 3 /* a longer time is shown by days */
#define SINCE_DEFAULT_S DAY_S

static bool starts(struct gp_str what, const char *prefix)
{
    return gp_str_starts_nocase(what, gp_str_z(prefix));
}

/* count of what (statistics.h) goes to its figure; what has none is left out (pure) */
static void figures_add(struct gp_ctl_figures *f, struct gp_str what, uint64_t count)
{
    if (gp_str_eq(what, GP_STR(GP_STAT_ACCEPTED)))
        f->accepted += count;
    else if (gp_str_eq(what, GP_STR(GP_STAT_DELIVERED)))
        f->delivered += count;
    else if (starts(what, GP_STAT_DEFERRED))
        f->deferred += count;
    else if (starts(what, GP_STAT_BOUNCED))
        f->bounced += count;
    else if (gp_str_eq(what, GP_STR(GP_STAT_COMPLAINTS)))
        f->complaints += count;
    else if (gp_str_eq(what, GP_STR(GP_STAT_UNSUBSCRIBES)))
        f->unsubscribes += count;
}

/* "bounced-hard-bounce" is its class's, "hard-bounce"; "" for what has none. */
static struct gp_str class_of(struct gp_str what)
{
    size_t skip = starts(what, GP_STAT_DEFERRED)  ? strlen(GP_STAT_DEFERRED)
                  : starts(what, GP_STAT_BOUNCED) ? strlen(GP_STAT_BOUNCED)
                                                  : what.n;
    return (struct gp_str){what.p + skip, what.n - skip};
}

/* The line of these names, made when there is none; lines come in order, so it is the last one or new. */
static struct gp_ctl_figures *line_of(struct gp_ctl_lines *l, struct gp_str name, struct gp_str more, uint64_t at_ms,
                                      bool sorted)
{
    size_t from = sorted && l->n > 0 ? l->n - 1 : 0;
    for (size_t i = from; i < l->n; i++) {
        struct gp_ctl_line *line = &l->line[i];
        if (line->at_ms == at_ms && gp_str_eq(name, gp_str_z(line->name)) && gp_str_eq(more, gp_str_z(line->more)))
            return &line->figures;
    }
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 32 : 2 * l->room;
        struct gp_ctl_line *grown = reallocarray(l->line, room, sizeof *grown);
        if (grown == NULL) {
            l->failed = true;
            return NULL;
        }
        l->line = grown;
        l->room = room;
    }
    struct gp_ctl_line *line = &l->line[l->n++];
    *line = (struct gp_ctl_line){.at_ms = at_ms};
    struct gp_buf a = gp_buf_on(line->name, sizeof line->name), b = gp_buf_on(line->more, sizeof line->more);
    gp_ctl_put_clean(&a, name);
    gp_ctl_put_clean(&b, more);
    return &line->figures;
}

static bool sum_provider(void *arg, const struct gp_stat_row *row)
{
    struct gp_ctl_report *r = arg;
    struct gp_ctl_figures *f = line_of(&r->providers, row->agency, row->provider, 0, true);
    if (f != NULL)
        figures_add(f, row->what, row->count);
    return f != NULL;
}

static bool sum_time(void *arg, const struct gp_stat_row *row)
{
    struct gp_ctl_report *r = arg;
    const struct gp_str none = {NULL, 0}, class_name = class_of(row->what);
    struct gp_ctl_figures *f = line_of(&r->times, none, none, row->at_ms, true), *c = NULL;
    if (f != NULL)
        figures_add(f, row->what, row->count);
    if (class_name.n > 0 && (c = line_of(&r->classes, class_name, none, 0, false)) != NULL)
        figures_add(c, row->what, row->count);
    return !r->times.failed && !r->classes.failed;
}

static bool put_csv(void *arg, const struct gp_stat_row *row)
{
    char text[1400], at[GP_CTL_TIME_TEXT], count[24];
    struct gp_buf b = gp_buf_on(text, sizeof text), c = gp_buf_on(count, sizeof count);
    (void)arg;
    gp_ctl_time_text(row->at_ms, at);
    gp_buf_printf(&c, "%" PRIu64, row->count);
    gp_ctl_csv_put(&b, true, gp_str_z(at));
    gp_ctl_csv_put(&b, false, row->agency);
    gp_ctl_csv_put(&b, false, row->provider);
    gp_ctl_csv_put(&b, false, row->what);
    gp_ctl_csv_put(&b, false, gp_buf_str(&c));
    puts(text);
    return true;
}

static bool put_json(void *arg, const struct gp_stat_row *row)
{
    char at[GP_CTL_TIME_TEXT], agency[64], provider[600], what[64];
    struct gp_buf b[] = {gp_buf_on(agency, sizeof agency), gp_buf_on(provider, sizeof provider),
                         gp_buf_on(what, sizeof what)};
    gp_ctl_time_text(row->at_ms, at);
    gp_ctl_put_clean(&b[0], row->agency);
    gp_ctl_put_clean(&b[1], row->provider);
    gp_ctl_put_clean(&b[2], row->what);
    return json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s, s:I}", "at", at, "agency", agency, "provider",
                                                provider, "what", what, "count", (json_int_t)row->count)) == 0;
}

static bool read_tables(struct gp_ctl *ctl, struct gp_ctl_report *r)
{
    struct gp_stat_query q = r->query;
    q.by_agency = q.by_provider = true;
    q.by_time = false;
    if (!gp_stat_read(ctl->store, &q, sum_provider, r))
        return false;
    q.by_agency = q.by_provider = false;
    q.by_time = true;
    return gp_stat_read(ctl->store, &q, sum_time, r);
}

static bool print_tables(struct gp_ctl *ctl, struct gp_ctl_report *r)
{
    bool good = read_tables(ctl, r);
    if (good && (r->providers.failed || r->times.failed || r->classes.failed))
        gp_ctl_error("out of memory: the report is not complete");
    if (good)
        gp_ctl_report_print(r, stdout);
    free(r->providers.line);
    free(r->times.line);
    free(r->classes.line);
    return good;
}

static bool print_rows(struct gp_ctl *ctl, const struct gp_ctl_report *r, bool json)
{
    char since[GP_CTL_TIME_TEXT], until[GP_CTL_TIME_TEXT];
    struct gp_stat_query q = r->query;
    q.by_agency = q.by_provider = q.by_time = true;
    if (!json) {
        puts("at,agency,provider,what,count");
        return gp_stat_read(ctl->store, &q, put_csv, NULL);
    }
    json_t *list = json_array();
    bool good = gp_stat_read(ctl->store, &q, put_json, list);
    gp_ctl_time_text(q.from_ms, since);
    gp_ctl_time_text(q.until_ms, until);
    if (good)
        gp_ctl_json_print(json_pack("{s:s, s:s, s:I, s:O}", "since", since, "until", until, "step_s",
                                    (json_int_t)q.step_s, "rows", list),
                          stdout);
    json_decref(list);
    return good;
}

int gp_ctl_report(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    uint64_t now_ms = gp_clock_wall_ms(), since_ms = now_ms - SINCE_DEFAULT_S * 1000;
    struct gp_ctl_report r = {.ascii = args->ascii || !gp_ctl_utf8_terminal()};
    if (args->since != NULL && !gp_ctl_since(gp_str_z(args->since), now_ms, &since_ms))
        return gp_ctl_misused(ctl,
                              "--since must be a time such as 2026-11-21 or 2026-11-21T04:20Z, or 7d for so long ago");
    if (!gp_ctl_config(ctl) || !gp_ctl_store(ctl))
        return GP_CTL_NO;
    if (args->agency != NULL && gp_ctl_agency(ctl, args->agency) == NULL)
        return GP_CTL_NO;
    bool days = since_ms + HOURS_MOST_DAYS * DAY_S * 1000 < now_ms;
    r.query = (struct gp_stat_query){
        .agency = gp_str_z(args->agency), .step_s = days ? DAY_S : 3600, .until_ms = now_ms + 1000};
    r.query.from_ms = since_ms / (r.query.step_s * 1000) * (r.query.step_s * 1000); /* whole hours or days */
    bool read = args->json || args->csv ? print_rows(ctl, &r, args->json) : print_tables(ctl, &r);
    if (!read)
        gp_ctl_error("cannot read the database: %s", gp_store_error(ctl->store));
    return read ? GP_CTL_OK : GP_CTL_NO;
}
