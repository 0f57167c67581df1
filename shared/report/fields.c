/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields.c - "Name: value" lines of headers and reports, as loosely as systems write them (pure)
 */
#include "shared/report/fields.h"

#include <string.h>

static bool folds(struct gp_str s)
{
    if (s.n == 0 || (s.p[0] != ' ' && s.p[0] != '\t'))
        return false;
    return gp_str_trim(gp_text_to(s, gp_str_find(s, '\n'))).n > 0;
}

/* name_of - of "Name: value" and "Name : value"; "" when the line is none */
static struct gp_str name_of(struct gp_str line)
{
    size_t colon = gp_str_find(line, ':');

    if (colon == line.n || colon > 80)
        return GP_STR("");
    struct gp_str name = gp_str_trim(gp_text_to(line, colon));
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= ' ' || (unsigned char)name.p[i] >= 0x7f)
            return GP_STR("");
    }
    return name;
}

bool gp_field_next(struct gp_str *rest, struct gp_field *f)
{
    struct gp_str line, fold;

    if (!gp_text_line(rest, &line))
        return false;
    *f = (struct gp_field){.name = name_of(line), .blank = gp_str_trim(line).n == 0};
    f->value = f->name.n > 0 ? gp_text_from(line, gp_str_find(line, ':') + 1) : line;
    while (!f->blank && folds(*rest)) {
        gp_text_line(rest, &fold);
        const char *start = f->value.n > 0 ? f->value.p : fold.p;
        f->value = (struct gp_str){start, (size_t)(fold.p + fold.n - start)};
    }
    return true;
}

struct gp_str gp_field_find(struct gp_str header, struct gp_str name)
{
    struct gp_field f;

    while (gp_field_next(&header, &f) && !f.blank) {
        if (gp_str_eq_nocase(f.name, name))
            return gp_str_trim(f.value);
    }
    return GP_STR("");
}

struct gp_str gp_field_words(struct gp_report_memory *m, struct gp_str header, struct gp_str name)
{
    return gp_text_words(m, gp_field_find(header, name));
}

void gp_header_split(struct gp_str entity, struct gp_str *header, struct gp_str *body)
{
    struct gp_str rest = entity;
    struct gp_field f;

    while (rest.n > 0) {
        struct gp_str before = rest;
        gp_field_next(&rest, &f);
        if (f.blank) {
            *header = gp_text_to(entity, (size_t)(before.p - entity.p));
            *body = rest;
            return;
        }
    }
    *header = entity;
    *body = GP_STR("");
}

bool gp_header_like(struct gp_str text)
{
    static const struct gp_str first[] = {GP_STR("Received:"),
                                          GP_STR("Return-Path:"),
                                          GP_STR("Message-ID:"),
                                          GP_STR("Delivered-To:"),
                                          GP_STR("X-Envelope-From:"),
                                          GP_STR("DKIM-Signature:"),
                                          {"", 0}};
    struct gp_field f;
    unsigned fields = 0;

    while (text.n > 0 && text.p[0] == '\n')
        text = gp_text_from(text, 1);
    if (gp_text_starts_any(text, first))
        return true;
    while (fields < 2 && gp_field_next(&text, &f) && f.name.n > 0)
        fields++;
    return fields == 2;
}
