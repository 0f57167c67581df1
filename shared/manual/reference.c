/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reference.c - the settings and limits as items of gatepost.conf(5)
 */
#include "shared/manual/parts.h"

#include "shared/manual/prose.h"
#include "shared/reload.h"

#include <string.h>

#define TEXT_MAX 1024

void gp_list_text(struct gp_buf *b, const char *values)
{
    struct gp_str rest = gp_str_z(values), value;
    for (bool first = true; gp_str_split(&rest, ',', &value); first = false)
        gp_buf_printf(b, "%s\"%.*s\"", first ? "[ " : ", ", GP_STR_FMT(value));
    gp_buf_putz(b, " ]");
}

/* put_right - "must be yes or no" as a sentence */
static void put_right(FILE *out, const char *right)
{
    char text[TEXT_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "M%s.", right + strlen("m"));
    gp_prose_plain(out, text);
}

static void put_default(FILE *out, const char *value, bool list)
{
    char text[TEXT_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    if (list)
        gp_list_text(&b, value);
    else
        gp_buf_putz(&b, value[0] != '\0' ? value : "\"\"");
    fputs("Default:\n", out);
    gp_prose_literal(out, text);
}

static void put_absent(FILE *out, const char *absent)
{
    char text[TEXT_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, "Default: %s", absent);
    gp_prose(out, text);
}

void gp_part_settings(FILE *out, enum gp_scope scope)
{
    const struct gp_key *key;
    for (size_t i = 0; (key = gp_config_key_at(i)) != NULL; i++) {
        if (key->scope != scope)
            continue;
        fprintf(out, ".It Ic %s\n", key->name);
        gp_prose(out, key->manual);
        put_right(out, key->right);
        if (key->needed)
            gp_prose_plain(out, "It has no default and must be given.");
        else if (key->standard != NULL)
            put_default(out, key->standard, key->form == GP_FORM_LIST);
        else
            put_absent(out, key->absent);
        if (key->scope == GP_SCOPE_TOP && gp_reload_needs_restart(key->name))
            gp_prose_plain(out, "A change needs a restart of the daemons.");
    }
}

void gp_part_limits(FILE *out, enum gp_scope scope)
{
    (void)scope;
    for (unsigned i = 0; i < GP_LIMIT_COUNT; i++) {
        enum gp_limit_name name = (enum gp_limit_name)i;
        struct gp_limits scratch = gp_limits_default;
        char standard[GP_LIMIT_TEXT_MAX];
        fprintf(out, ".It Ic %s\n", gp_limit_label(name));
        gp_prose(out, gp_limit_manual(name));
        put_right(out, gp_limit_set(&scratch, name, GP_STR("")));
        gp_limit_text(&gp_limits_default, name, standard);
        put_default(out, standard, strchr(standard, ',') != NULL);
    }
}
