/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metrics.c - what a daemon counts of itself, and its text form for Prometheus
 */
#include "shared/metrics.h"

#include <stdatomic.h>
#include <string.h>

static const struct row {
    unsigned programs;
    const char *type, *name, *labels, *help;
} rows[] = {
#define GP_X(id, programs, type, name, labels, help) {programs, type, name, labels, help},
    GP_METRICS(GP_X)
#undef GP_X
};

static const struct stage {
    const char *label;
    unsigned decides, timed; /* in these programs */
} stages[] = {
#define GP_X(id, label, decides, timed) {label, decides, timed},
    GP_METRICS_STAGES(GP_X)
#undef GP_X
};

static const struct bound {
    uint64_t ns;
    const char *le;
} bounds[] = {
#define GP_X(ns, le) {UINT64_C(ns), le},
    GP_METRICS_BUCKETS(GP_X)
#undef GP_X
};
#define BOUNDS (sizeof bounds / sizeof bounds[0])

/* Each event stands in one bucket; they are added up when written. */
struct histogram {
    _Atomic uint64_t bucket[BOUNDS + 1];
    _Atomic uint64_t sum_ns;
};

static const char *the_program = "";
static unsigned the_mask; /* GP_IN_... */
static _Atomic uint64_t numbers[GP_METRIC_COUNT];
static _Atomic uint64_t decisions[GP_METRICS_STAGE_COUNT][GP_REASON_COUNT];
static struct histogram histograms[GP_METRICS_STAGE_COUNT];

static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t value_of(const _Atomic uint64_t *of)
{
    return atomic_load_explicit(of, memory_order_relaxed);
}

void gp_metrics_begin(const char *program, uint64_t started_s)
{
    static const char *const name[] = {"policyd", "milter", "feedback"};
    for (unsigned i = 0; i < sizeof name / sizeof name[0]; i++) {
        if (strcmp(program, name[i]) == 0) {
            the_program = name[i];
            the_mask = 1U << i;
        }
    }
    gp_metrics_set(GP_METRIC_INFO, 1);
    gp_metrics_set(GP_METRIC_STARTED, started_s);
}

void gp_metrics_add(enum gp_metric m, uint64_t n)
{
    add(&numbers[m], n);
}

void gp_metrics_set(enum gp_metric m, uint64_t value)
{
    atomic_store(&numbers[m], value); /* not relaxed: helgrind would take that for no atomic at all */
}

void gp_metrics_decided(enum gp_metrics_stage stage, enum gp_reason reason)
{
    add(&decisions[stage][reason], 1);
}

void gp_metrics_took(enum gp_metrics_stage stage, uint64_t nanoseconds)
{
    size_t i = 0;
    while (i < BOUNDS && nanoseconds > bounds[i].ns)
        i++;
    add(&histograms[stage].bucket[i], 1);
    add(&histograms[stage].sum_ns, nanoseconds);
}

static void put_head(struct gp_buf *b, const char *name, const char *type, const char *help)
{
    gp_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_numbers(struct gp_buf *b)
{
    const char *last = "";
    for (size_t i = 0; i < GP_METRIC_COUNT; i++) {
        const struct row *r = &rows[i];
        if ((r->programs & the_mask) == 0)
            continue;
        if (strcmp(r->name, last) != 0)
            put_head(b, r->name, r->type, r->help);
        last = r->name;
        gp_buf_printf(b, "%s{program=\"%s\"%s%s} %llu\n", r->name, the_program, r->labels[0] != '\0' ? "," : "",
                      r->labels, (unsigned long long)value_of(&numbers[i]));
    }
}

static bool same(enum gp_reason a, enum gp_reason b)
{
    const struct gp_reply *x = gp_reply_of(a), *y = gp_reply_of(b);
    return strcmp(x->reason, y->reason) == 0 && strcmp(x->code, y->code) == 0;
}

/* Two rows of the verdict table may have one reason id; with the same code they are one time series. */
static bool is_first(enum gp_reason reason)
{
    for (enum gp_reason before = 0; before < reason; before++) {
        if (same(before, reason))
            return false;
    }
    return true;
}

static void put_decision(struct gp_buf *b, enum gp_metrics_stage stage, enum gp_reason reason)
{
    const struct gp_reply *r = gp_reply_of(reason);
    uint64_t n = 0;
    for (enum gp_reason other = reason; other < GP_REASON_COUNT; other++) {
        if (same(reason, other))
            n += value_of(&decisions[stage][other]);
    }
    gp_buf_printf(b, "gatepost_decisions_total{program=\"%s\",stage=\"%s\",reason=\"%s\"", the_program,
                  stages[stage].label, r->reason);
    if (r->code[0] != '\0')
        gp_buf_printf(b, ",code=\"%s\"", r->code);
    gp_buf_printf(b, "} %llu\n", (unsigned long long)n);
}

static void put_decisions(struct gp_buf *b)
{
    if ((the_mask & GP_IN_BOTH) == 0)
        return;
    put_head(b, "gatepost_decisions_total", "counter",
             "Verdicts by reason id; accepted at END-OF-MESSAGE is an accepted message, elsewhere: not refused.");
    for (enum gp_metrics_stage s = 0; s < GP_METRICS_STAGE_COUNT; s++) {
        for (enum gp_reason r = 0; (stages[s].decides & the_mask) != 0 && r < GP_REASON_COUNT; r++) {
            if (is_first(r))
                put_decision(b, s, r);
        }
    }
}

static void put_histogram(struct gp_buf *b, enum gp_metrics_stage stage)
{
    const struct histogram *h = &histograms[stage];
    const char *label = stages[stage].label;
    uint64_t n = 0, sum = value_of(&h->sum_ns);
    for (size_t i = 0; i <= BOUNDS; i++) {
        n += value_of(&h->bucket[i]);
        gp_buf_printf(b, "gatepost_decision_seconds_bucket{program=\"%s\",stage=\"%s\",le=\"%s\"} %llu\n", the_program,
                      label, i < BOUNDS ? bounds[i].le : "+Inf", (unsigned long long)n);
    }
    gp_buf_printf(b, "gatepost_decision_seconds_sum{program=\"%s\",stage=\"%s\"} %llu.%09llu\n", the_program, label,
                  (unsigned long long)(sum / 1000000000), (unsigned long long)(sum % 1000000000));
    gp_buf_printf(b, "gatepost_decision_seconds_count{program=\"%s\",stage=\"%s\"} %llu\n", the_program, label,
                  (unsigned long long)n);
}

static void put_histograms(struct gp_buf *b)
{
    if ((the_mask & GP_IN_BOTH) == 0)
        return;
    put_head(b, "gatepost_decision_seconds", "histogram",
             "From a request read to its answer (policyd), or how long Postfix waited for the milter.");
    for (enum gp_metrics_stage s = 0; s < GP_METRICS_STAGE_COUNT; s++) {
        if ((stages[s].timed & the_mask) != 0)
            put_histogram(b, s);
    }
}

void gp_metrics_write(struct gp_buf *b)
{
    put_numbers(b);
    put_decisions(b);
    put_histograms(b);
}
