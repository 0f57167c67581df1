/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * output.h - how gatepostctl prints: tables for people, JSON for programs, one line for an error
 *
 * One thread.
 */
#ifndef GP_CTL_OUTPUT_H
#define GP_CTL_OUTPUT_H

#include "shared/str.h"

#include <jansson.h>
#include <stdio.h>

#define GP_CTL_COLUMNS_MAX 10
#define GP_CTL_TIME_TEXT 32

/* A table is collected, then printed with columns as wide as their widest cell. */
struct gp_ctl_table {
    size_t columns, cells, room;
    char **cell; /* row by row */
    bool failed; /* no memory: what is missing prints empty */
};

/* gp_ctl_table_row - add a row; a NULL cell is empty. The first row is the heading. Cells are copied. */
void gp_ctl_table_init(struct gp_ctl_table *t, size_t columns);
void gp_ctl_table_row(struct gp_ctl_table *t, const char *const *cells);
void gp_ctl_table_print(const struct gp_ctl_table *t, FILE *out); /* no trailing blanks */
void gp_ctl_table_free(struct gp_ctl_table *t);

/* gp_ctl_json_print - print and release; a failure shows as an error of out */
void gp_ctl_json_print(json_t *owned, FILE *out);

/* gp_ctl_json_strings - a JSON array of n strings, cleaned */
json_t *gp_ctl_json_strings(char *const *v, size_t n);

/* gp_ctl_put_clean - foreign text for a terminal or JSON: UTF-8 without control characters; escaped when it is no UTF-8
 * (pure)
 */
void gp_ctl_put_clean(struct gp_buf *b, struct gp_str s);

/* gp_ctl_error - one line on stderr: "gatepostctl: <text>" */
void gp_ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* gp_ctl_time_text - "2026-11-21T04:20:00Z"; gp_ctl_day_text - "2026-11-21", of days since 1970 (pure) */
void gp_ctl_time_text(uint64_t ms, char out[GP_CTL_TIME_TEXT]);
void gp_ctl_day_text(uint32_t day, char out[GP_CTL_TIME_TEXT]);

/* gp_ctl_duration_text - "12h": the greatest unit that leaves no rest (pure) */
void gp_ctl_duration_text(uint64_t seconds, char out[GP_CTL_TIME_TEXT]);

#endif
