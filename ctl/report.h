/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * report.h - figures summed up, and their tables
 *
 * One thread.
 */
#ifndef GP_CTL_REPORT_H
#define GP_CTL_REPORT_H

#include "ctl/graph.h"
#include "shared/statistics.h"

#include <stdio.h>

struct gp_ctl_figures {
    uint64_t accepted, delivered, deferred, bounced, complaints, unsubscribes;
};

/* One line of a table: an agency and a provider, a class of bounces, or a time. */
struct gp_ctl_line {
    char name[64], more[300];
    uint64_t at_ms;
    struct gp_ctl_figures figures;
};

struct gp_ctl_lines {
    size_t n, room;
    struct gp_ctl_line *line;
    bool failed; /* no memory: some are missing */
};

struct gp_ctl_report {
    struct gp_stat_query query;
    bool ascii; /* bars of # */
    struct gp_ctl_lines providers, classes, times;
};

/* gp_ctl_report_print - the three tables */
void gp_ctl_report_print(const struct gp_ctl_report *r, FILE *out);

#endif
