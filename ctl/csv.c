/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv.c - comma-separated values, RFC 4180 with one record a line
 */
#include "ctl/csv.h"

#include "ctl/output.h"

#include <string.h>

void gp_ctl_csv_put(struct gp_buf *b, bool first, struct gp_str field)
{
    char text[GP_CTL_CSV_LINE_MAX];
    struct gp_buf clean = gp_buf_on(text, sizeof text);
    bool quoted = false;
    gp_ctl_put_clean(&clean, field);
    for (size_t i = 0; i < clean.n; i++)
        quoted = quoted || strchr(",\" ;", text[i]) != NULL;
    if (!first)
        gp_buf_putz(b, ",");
    if (!quoted) {
        gp_buf_put(b, gp_buf_str(&clean));
        return;
    }
    gp_buf_putz(b, "\"");
    for (size_t i = 0; i < clean.n; i++)
        gp_buf_put(b, text[i] == '"' ? GP_STR("\"\"") : (struct gp_str){&text[i], 1});
    gp_buf_putz(b, "\"");
}

/* From behind the opening quote to behind the closing one. */
static const char *read_quoted(struct gp_str line, size_t *i, struct gp_buf *buf)
{
    for (; *i < line.n; ++*i) {
        if (line.p[*i] != '"') {
            gp_buf_put(buf, (struct gp_str){line.p + *i, 1});
        } else if (*i + 1 < line.n && line.p[*i + 1] == '"') {
            gp_buf_putz(buf, "\"");
            ++*i;
        } else {
            ++*i;
            return NULL;
        }
    }
    return "a quote is not closed";
}

static void skip_blanks(struct gp_str line, size_t *i)
{
    while (*i < line.n && (line.p[*i] == ' ' || line.p[*i] == '\t'))
        ++*i;
}

/* From a field's begin to the comma behind it, or to the end. */
static const char *read_field(struct gp_str line, size_t *i, struct gp_buf *buf, struct gp_str *out)
{
    const char *wrong = NULL;
    skip_blanks(line, i);
    char *begin = buf->p + buf->n;
    if (*i < line.n && line.p[*i] == '"') {
        ++*i;
        wrong = read_quoted(line, i, buf);
        *out = (struct gp_str){begin, (size_t)(buf->p + buf->n - begin)};
        skip_blanks(line, i);
    } else {
        size_t from = *i;
        while (*i < line.n && line.p[*i] != ',')
            ++*i;
        gp_buf_put(buf, gp_str_trim((struct gp_str){line.p + from, *i - from}));
        *out = (struct gp_str){begin, (size_t)(buf->p + buf->n - begin)};
    }
    if (wrong == NULL && *i < line.n && line.p[*i] != ',')
        wrong = "text behind a closing quote";
    return wrong;
}

const char *gp_ctl_csv_read(struct gp_str line, char buf[GP_CTL_CSV_LINE_MAX], struct gp_str out[GP_CTL_CSV_FIELDS_MAX],
                            size_t *n)
{
    struct gp_buf b = gp_buf_on(buf, GP_CTL_CSV_LINE_MAX);
    *n = 0;
    for (size_t i = 0;; i++) { /* i: where a field begins */
        if (*n == GP_CTL_CSV_FIELDS_MAX)
            return "too many fields";
        const char *wrong = read_field(line, &i, &b, &out[*n]);
        if (wrong == NULL && b.full)
            wrong = "the line is too long";
        if (wrong != NULL)
            return wrong;
        ++*n;
        if (i >= line.n)
            return NULL;
    }
}
