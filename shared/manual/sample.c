/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sample.c - settings as lines of a sample file: what is advised as it is, the rest commented out
 */
#include "shared/manual/parts.h"

#include <string.h>

#define VALUE_MAX 1024
#define NOTE_COLUMN 50

/* How the lines of one file stand. */
struct style {
    const char *indent;
    int names; /* columns */
};

static void put_note(FILE *out, size_t column, const char *note)
{
    if (note != NULL)
        fprintf(out, "%*s# %s", column < NOTE_COLUMN ? (int)(NOTE_COLUMN - column) : 2, "", note);
    fputc('\n', out);
}

/* put_setting - value may have several lines */
static void put_setting(FILE *out, const struct style *style, const struct gp_key *key, const char *value)
{
    const char *off = key->advised ? "" : "# ";
    struct gp_str rest = gp_str_z(value), line;
    size_t column = (size_t)fprintf(out, "%s%s%-*s = ", style->indent, off, style->names - (int)strlen(off), key->name);
    int margin = (int)(column - strlen(style->indent) - strlen(off));
    gp_str_split(&rest, '\n', &line);
    column += (size_t)fprintf(out, "%.*s", GP_STR_FMT(line));
    while (gp_str_split(&rest, '\n', &line))
        column = (size_t)fprintf(out, "\n%s%s%*s%.*s", style->indent, off, margin, "", GP_STR_FMT(line)) - 1;
    put_note(out, column, key->note);
}

static void put_limits(FILE *out, const struct gp_key *key)
{
    size_t column = (size_t)fprintf(out, "%s = {", key->name);
    put_note(out, column, key->note);
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        enum gp_limit_name name = (enum gp_limit_name)i;
        char standard[GP_LIMIT_TEXT_MAX], value[VALUE_MAX];
        struct gp_buf b = gp_buf_on(value, sizeof value);
        gp_limit_text(&gp_limits_default, name, standard);
        if (strchr(standard, ',') != NULL)
            gp_list_text(&b, standard);
        else
            gp_buf_printf(&b, "\"%s\"", standard);
        column = (size_t)fprintf(out, "  %-22s = %s", gp_limit_label(name), value);
        put_note(out, column, gp_limit_note(name));
    }
    fputs("}\n", out);
}

void gp_part_sample(FILE *out, enum gp_scope scope)
{
    const struct style style = scope == GP_SCOPE_TOP ? (struct style){"", 22} : (struct style){"  ", 19};
    const struct gp_key *key;
    for (size_t i = 0; (key = gp_config_key_at(i)) != NULL; i++) {
        char text[VALUE_MAX];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        const char *value = key->sample != NULL ? key->sample : key->standard;
        if (key->scope != scope)
            continue;
        if (key->heading != NULL)
            fprintf(out, "\n# %s\n", key->heading);
        if (value == NULL) {
            put_limits(out, key);
            continue;
        }
        if (key->form == GP_FORM_LIST)
            gp_list_text(&b, value);
        else
            gp_buf_printf(&b, key->form == GP_FORM_TEXT ? "\"%s\"" : "%s", value);
        put_setting(out, &style, key, text);
    }
}
