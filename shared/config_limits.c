/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_limits.c - a limits group: the default one and those of agencies
 */
#include "shared/config_private.h"

#include <inttypes.h>

static void set_limit(const struct gp_spot *at, struct gp_limits *into, enum gp_limit_name name, const char *text)
{
    const char *why = gp_limit_set(into, name, gp_str_z(text));
    if (why != NULL)
        gp_fault(at->load->faults, at->file->name, at->line, "%s: wrong value, given \"%s\", %s", at->path,
                 gp_conf_show(gp_str_z(text)).text, why);
}

/* read_rates - a list of rates; each is judged by itself, then all of them together */
static void read_rates(const struct gp_spot *at, const config_setting_t *s, struct gp_limits *into)
{
    char text[GP_LIMIT_TEXT_MAX];
    struct gp_buf all = gp_buf_on(text, sizeof text);
    size_t errors = at->load->faults->errors;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *element = config_setting_get_elem(s, (unsigned)i);
        struct gp_limits scratch = gp_limits_default;
        struct gp_spot one = *at;
        one.line = gp_conf_element_line(at->file, s, element);
        if (config_setting_type(element) != CONFIG_TYPE_STRING) {
            gp_conf_wrong_form(&one, element, "must be a rate such as \"150/1m\"");
            continue;
        }
        set_limit(&one, &scratch, GP_LIMIT_RATE, config_setting_get_string(element));
        gp_buf_putz(&all, i > 0 ? "," : "");
        gp_buf_putz(&all, config_setting_get_string(element));
    }
    if (at->load->faults->errors == errors)
        set_limit(at, into, GP_LIMIT_RATE, all.full ? "" : text);
}

/* check_size - an agency's own size is judged here, the default one when its key may still be to come */
static void check_size(const struct gp_spot *at, const struct gp_limits *limits, const char *text)
{
    uint64_t ceiling = at->load->c->message_size_ceiling;
    if (at->agency == GP_NO_AGENCY) {
        at->load->size_file = at->file;
        at->load->size_line = at->line;
    } else if (ceiling > 0 && limits->message_size > ceiling) {
        gp_fault(at->load->faults, at->file->name, at->line,
                 "%s: above message_size_ceiling, given \"%s\", must be at most %" PRIu64 " octets", at->path,
                 gp_conf_show(gp_str_z(text)).text, ceiling);
    }
}

static void read_limit(const struct gp_spot *at, const config_setting_t *s, enum gp_limit_name name)
{
    struct gp_limits *into = at->field;
    int type = config_setting_type(s);
    if (type == CONFIG_TYPE_STRING) {
        const char *text = config_setting_get_string(s);
        set_limit(at, into, name, text);
        if (name == GP_LIMIT_MESSAGE_SIZE)
            check_size(at, into, text);
    } else if (name == GP_LIMIT_RATE && (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST)) {
        read_rates(at, s, into);
    } else {
        char standard[GP_LIMIT_TEXT_MAX], right[GP_LIMIT_TEXT_MAX + 32];
        struct gp_buf b = gp_buf_on(right, sizeof right);
        gp_limit_text(&gp_limits_default, name, standard);
        gp_buf_printf(&b, "must be a text such as \"%s\"", standard);
        gp_conf_wrong_form(at, s, right);
    }
}

static void unknown_limit(const struct gp_spot *at, const char *name)
{
    const char *near = gp_config_nearest(GP_SCOPE_TOP, true, gp_str_z(name));
    gp_fault(at->load->faults, at->file->name, at->line,
             "%s: unknown limit, given \"%s\", must be a limit of gatepost.conf(5)%s%s", at->path,
             gp_conf_show(gp_str_z(name)).text, near != NULL ? ", perhaps " : "", near != NULL ? near : "");
}

void gp_config_read_limits(const struct gp_spot *at, const config_setting_t *s, const char *right)
{
    char prefix[GP_CONFIG_PATH_MAX], path[GP_CONFIG_PATH_MAX];
    if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
        gp_conf_wrong_form(at, s, right);
        return;
    }
    struct gp_buf b = gp_buf_on(prefix, sizeof prefix);
    gp_buf_putz(&b, at->path);
    gp_buf_putz(&b, ".");
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
        enum gp_limit_name name = gp_limit_find(gp_str_z(config_setting_name(e)));
        gp_conf_join(path, prefix, config_setting_name(e));
        struct gp_spot one = *at;
        one.line = config_setting_source_line(e);
        one.path = path;
        if (name == GP_LIMIT_COUNT)
            unknown_limit(&one, config_setting_name(e));
        else
            read_limit(&one, e, name);
    }
}
