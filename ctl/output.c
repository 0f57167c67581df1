/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * output.c - tables for people, JSON for programs, one line for an error
 */
#include "ctl/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GAP 2 /* blanks between columns */

void gp_ctl_table_init(struct gp_ctl_table *t, size_t columns)
{
    *t = (struct gp_ctl_table){.columns = columns};
}

void gp_ctl_table_row(struct gp_ctl_table *t, const char *const *cells)
{
    if (t->cells + t->columns > t->room) {
        size_t room = t->room * 2 + t->columns * 16;
        char **grown = reallocarray(t->cell, room, sizeof *grown);
        if (grown == NULL) {
            t->failed = true;
            return;
        }
        t->cell = grown;
        t->room = room;
    }
    for (size_t i = 0; i < t->columns; i++) {
        char *copy = cells[i] != NULL ? strdup(cells[i]) : NULL;
        t->failed |= cells[i] != NULL && copy == NULL;
        t->cell[t->cells++] = copy;
    }
}

static const char *text_of(const char *cell)
{
    return cell != NULL ? cell : "";
}

/* Columns a terminal needs: one for each UTF-8 sequence. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* Blanks are written before the next cell that is not empty, so that no line ends in blanks. */
static void print_row(char *const *cells, const size_t *width, size_t columns, FILE *out)
{
    size_t owed = 0;
    for (size_t i = 0; i < columns; i++) {
        const char *text = text_of(cells[i]);
        size_t n = width_of(text);
        if (n > 0) {
            fprintf(out, "%*s%s", (int)owed, "", text);
            owed = 0;
        }
        owed += width[i] - n + GAP;
    }
    fputc('\n', out);
}

void gp_ctl_table_print(const struct gp_ctl_table *t, FILE *out)
{
    size_t width[GP_CTL_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < t->cells; i++) {
        size_t n = width_of(text_of(t->cell[i]));
        size_t *w = &width[i % t->columns];
        *w = n > *w ? n : *w;
    }
    for (size_t i = 0; i < t->cells; i += t->columns)
        print_row(&t->cell[i], width, t->columns, out);
    if (t->failed)
        gp_ctl_error("out of memory: the table is not complete");
}

void gp_ctl_table_free(struct gp_ctl_table *t)
{
    for (size_t i = 0; i < t->cells; i++)
        free(t->cell[i]);
    free(t->cell);
    gp_ctl_table_init(t, t->columns);
}

void gp_ctl_json_print(json_t *owned, FILE *out)
{
    if (owned == NULL || json_dumpf(owned, out, JSON_INDENT(2)) != 0)
        gp_ctl_error("cannot write JSON: out of memory, or the output is closed");
    fputc('\n', out);
    json_decref(owned);
}

json_t *gp_ctl_json_strings(char *const *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char text[1100];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_ctl_put_clean(&b, gp_str_z(v[i]));
        json_array_append_new(list, json_string(text));
    }
    return list;
}

/* Octets of the control character that s starts with (C0, DEL, and C1 as UTF-8 writes it), or 0. */
static size_t control_at(struct gp_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < ' ' || c == 0x7f)
        return 1;
    return c == 0xC2 && s.n > 1 && (unsigned char)s.p[1] < 0xA0 ? 2 : 0;
}

void gp_ctl_put_clean(struct gp_buf *b, struct gp_str s)
{
    if (!gp_str_utf8(s)) {
        gp_buf_put_escaped(b, s);
        return;
    }
    while (s.n > 0) {
        size_t skipped = control_at(s), step = skipped > 0 ? skipped : 1;
        if (skipped == 0)
            gp_buf_put(b, (struct gp_str){s.p, 1});
        s.p += step;
        s.n -= step;
    }
}

void gp_ctl_error(const char *fmt, ...)
{
    va_list ap;
    fputs("gatepostctl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

/* The calendar day and the time of day, UTC; zeros when the year does not fit. */
static struct tm calendar(uint64_t seconds)
{
    struct tm tm = {0};
    time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    return tm;
}

void gp_ctl_time_text(uint64_t ms, char out[GP_CTL_TIME_TEXT])
{
    struct tm tm = calendar(ms / 1000);
    if (strftime(out, GP_CTL_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

void gp_ctl_day_text(uint32_t day, char out[GP_CTL_TIME_TEXT])
{
    struct tm tm = calendar((uint64_t)day * 86400);
    if (strftime(out, GP_CTL_TIME_TEXT, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
}

void gp_ctl_duration_text(uint64_t seconds, char out[GP_CTL_TIME_TEXT])
{
    static const struct {
        uint64_t length;
        char letter;
    } unit[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    struct gp_buf b = gp_buf_on(out, GP_CTL_TIME_TEXT);
    size_t i = 0;
    while (seconds % unit[i].length != 0)
        i++;
    gp_buf_printf(&b, "%" PRIu64 "%c", seconds / unit[i].length, unit[i].letter);
}
