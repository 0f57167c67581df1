/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report_print.c - the tables of gatepostctl report
 */
#include "ctl/report.h"

#include "ctl/output.h"

#include <inttypes.h>

#define PROVIDERS_MOST 200 /* lines; the rest are one */

static void number(uint64_t n, char out[24])
{
    struct gp_buf b = gp_buf_on(out, 24);
    gp_buf_printf(&b, "%" PRIu64, n);
}

/* "12.3 %", "" of nothing */
static void percent(uint64_t part, uint64_t whole, char out[24])
{
    struct gp_buf b = gp_buf_on(out, 24);
    out[0] = '\0';
    if (whole > 0)
        gp_buf_printf(&b, "%.*f %%", part * 100 < whole ? 2 : 1, (double)part * 100.0 / (double)whole);
}

static void put_provider(struct gp_ctl_table *t, const char *agency, const char *provider,
                         const struct gp_ctl_figures *f)
{
    char n[6][24], bounced[24], complained[24];
    number(f->accepted, n[0]);
    number(f->delivered, n[1]);
    number(f->deferred, n[2]);
    number(f->bounced, n[3]);
    number(f->complaints, n[4]);
    number(f->unsubscribes, n[5]);
    percent(f->bounced, f->delivered + f->bounced, bounced);
    percent(f->complaints, f->delivered, complained);
    gp_ctl_table_row(t, (const char *[]){agency, provider, n[0], n[1], n[2], n[3], bounced, n[4], complained, n[5]});
}

static void add(struct gp_ctl_figures *sum, const struct gp_ctl_figures *f)
{
    sum->accepted += f->accepted;
    sum->delivered += f->delivered;
    sum->deferred += f->deferred;
    sum->bounced += f->bounced;
    sum->complaints += f->complaints;
    sum->unsubscribes += f->unsubscribes;
}

static bool is_empty(const struct gp_ctl_figures *f)
{
    return f->accepted + f->delivered + f->deferred + f->bounced + f->complaints + f->unsubscribes == 0;
}

/* Each agency's and provider's, then all of them. What is accepted is not of a provider yet. */
static void print_providers(const struct gp_ctl_lines *l, FILE *out)
{
    struct gp_ctl_table t;
    struct gp_ctl_figures all = {0}, rest = {0};
    gp_ctl_table_init(&t, 10);
    gp_ctl_table_row(&t, (const char *[]){"AGENCY", "PROVIDER", "ACCEPTED", "DELIVERED", "DEFERRED", "BOUNCED", "",
                                          "COMPLAINTS", "", "UNSUBSCRIBES"});
    for (size_t i = 0; i < l->n; i++) {
        const struct gp_ctl_line *line = &l->line[i];
        add(&all, &line->figures);
        if (i >= PROVIDERS_MOST)
            add(&rest, &line->figures);
        else if (!is_empty(&line->figures))
            put_provider(&t, line->name, line->more, &line->figures);
    }
    if (l->n > PROVIDERS_MOST)
        put_provider(&t, "", "(the rest)", &rest);
    put_provider(&t, "all", "", &all);
    gp_ctl_table_print(&t, out);
    gp_ctl_table_free(&t);
}

static uint64_t greatest(const struct gp_ctl_lines *l)
{
    uint64_t most = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct gp_ctl_figures *f = &l->line[i].figures;
        uint64_t sum = f->delivered + f->deferred + f->bounced;
        most = sum > most ? sum : most;
    }
    return most;
}

static void print_classes(const struct gp_ctl_report *r, FILE *out)
{
    struct gp_ctl_table t;
    if (r->classes.n == 0)
        return;
    fputc('\n', out);
    gp_ctl_table_init(&t, 4);
    gp_ctl_table_row(&t, (const char *[]){"CLASS", "DEFERRED", "BOUNCED", ""});
    for (size_t i = 0; i < r->classes.n; i++) {
        const struct gp_ctl_line *line = &r->classes.line[i];
        char deferred[24], bounced[24], bar[GP_CTL_BAR_TEXT];
        number(line->figures.deferred, deferred);
        number(line->figures.bounced, bounced);
        gp_ctl_bar(line->figures.deferred + line->figures.bounced, greatest(&r->classes), r->ascii, bar);
        gp_ctl_table_row(&t, (const char *[]){line->name, deferred, bounced, bar});
    }
    gp_ctl_table_print(&t, out);
    gp_ctl_table_free(&t);
}

static void put_time(struct gp_ctl_table *t, const struct gp_ctl_report *r, uint64_t at_ms,
                     const struct gp_ctl_figures *f)
{
    char at[GP_CTL_TIME_TEXT], n[3][24], bar[GP_CTL_BAR_TEXT];
    gp_ctl_time_text(at_ms, at);
    at[r->query.step_s >= 86400 ? 10 : 16] = '\0';
    number(f->delivered, n[0]);
    number(f->deferred, n[1]);
    number(f->bounced, n[2]);
    gp_ctl_bar(f->delivered + f->deferred + f->bounced, greatest(&r->times), r->ascii, bar);
    gp_ctl_table_row(t, (const char *[]){at, n[0], n[1], n[2], bar});
}

/* Each hour or day from the first that has something to the last, also those between that have nothing. */
static void print_times(const struct gp_ctl_report *r, FILE *out)
{
    static const struct gp_ctl_figures nothing;
    struct gp_ctl_table t;
    const struct gp_ctl_lines *l = &r->times;
    uint64_t step_ms = r->query.step_s * 1000;
    if (l->n == 0)
        return;
    fputc('\n', out);
    gp_ctl_table_init(&t, 5);
    gp_ctl_table_row(&t, (const char *[]){r->query.step_s >= 86400 ? "DAY (UTC)" : "HOUR (UTC)", "DELIVERED",
                                          "DEFERRED", "BOUNCED", ""});
    for (size_t i = 0; i < l->n; i++) {
        for (uint64_t at = i == 0 ? l->line[0].at_ms : l->line[i - 1].at_ms + step_ms; at < l->line[i].at_ms;
             at += step_ms)
            put_time(&t, r, at, &nothing);
        put_time(&t, r, l->line[i].at_ms, &l->line[i].figures);
    }
    gp_ctl_table_print(&t, out);
    gp_ctl_table_free(&t);
}

void gp_ctl_report_print(const struct gp_ctl_report *r, FILE *out)
{
    char since[GP_CTL_TIME_TEXT], until[GP_CTL_TIME_TEXT];
    gp_ctl_time_text(r->query.from_ms, since);
    gp_ctl_time_text(r->query.until_ms, until);
    fprintf(out, "from %s until %s\n\n", since, until);
    print_providers(&r->providers, out);
    print_classes(r, out);
    print_times(r, out);
}
