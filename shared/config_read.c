/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_read.c - walk a group of libconfig's tree along the table of keys
 */
#include "shared/config_private.h"

#include <stdlib.h>
#include <string.h>

struct gp_shown gp_conf_show(struct gp_str s)
{
    struct gp_shown out;
    struct gp_buf b = gp_buf_on(out.text, sizeof out.text);
    gp_buf_put_escaped(&b, s);
    return out;
}

void gp_conf_join(char out[GP_CONFIG_PATH_MAX], const char *prefix, const char *name)
{
    struct gp_buf b = gp_buf_on(out, GP_CONFIG_PATH_MAX);
    gp_buf_putz(&b, prefix);
    gp_buf_put_escaped(&b, gp_str_z(name));
}

/* libconfig gives the last string of a list the line of what follows it: go back to a line with quotes. */
unsigned gp_conf_element_line(const struct gp_conf_file *f, const config_setting_t *list,
                              const config_setting_t *element)
{
    unsigned line = config_setting_source_line(element);
    while (line > config_setting_source_line(list)) {
        struct gp_str s = gp_conf_line(f, line);
        if (gp_str_find(s, '"') < s.n)
            break;
        line--;
    }
    return line;
}

void gp_conf_wrong_form(const struct gp_spot *at, const config_setting_t *s, const char *right)
{
    struct gp_shown given = gp_conf_show(gp_conf_line(at->file, at->line));
    int type = config_setting_type(s);
    bool bare =
        type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 || type == CONFIG_TYPE_FLOAT || type == CONFIG_TYPE_BOOL;
    if (bare)
        gp_fault(at->load->faults, at->file->name, at->line, "%s: value without quotes, given %s, %s, in quotes",
                 at->path, given.text, right);
    else
        gp_fault(at->load->faults, at->file->name, at->line, "%s: wrong form, given %s, %s", at->path, given.text,
                 right);
}

/* wrong_value - why may bring its own advice after ": " */
static void wrong_value(const struct gp_spot *at, const char *text, const char *why, const char *right)
{
    const char *colon = strstr(why, ": ");
    int n = colon != NULL ? (int)(colon - why) : (int)strlen(why);
    gp_fault(at->load->faults, at->file->name, at->line, "%s: %.*s, given \"%s\", %s", at->path, n, why,
             gp_conf_show(gp_str_z(text)).text, colon != NULL ? colon + 2 : right);
}

static void read_text(const struct gp_spot *at, const config_setting_t *s, const struct gp_key *key)
{
    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        gp_conf_wrong_form(at, s, key->right);
        return;
    }
    const char *text = config_setting_get_string(s);
    const char *why = key->set(at, gp_str_z(text));
    if (why != NULL)
        wrong_value(at, text, why, key->right);
}

static void read_list(const struct gp_spot *at, const config_setting_t *s, const struct gp_key *key)
{
    if (config_setting_type(s) != CONFIG_TYPE_ARRAY && config_setting_type(s) != CONFIG_TYPE_LIST) {
        gp_conf_wrong_form(at, s, key->right);
        return;
    }
    int n = config_setting_length(s);
    if (n == 0 && key->needed)
        gp_fault(at->load->faults, at->file->name, at->line, "%s: empty list, given [], %s", at->path, key->right);
    for (int i = 0; i < n; i++) {
        const config_setting_t *element = config_setting_get_elem(s, (unsigned)i);
        struct gp_spot one = *at;
        one.line = gp_conf_element_line(at->file, s, element);
        read_text(&one, element, key);
    }
}

/* add_test - behind the agency's other windows, whose memory it becomes */
static void add_test(const struct gp_spot *at, const struct gp_test_window *window)
{
    struct gp_agency *a = at->target;
    struct gp_test_window *list = realloc(a->test, (a->tests + 1) * sizeof *list);
    if (list == NULL) {
        free(window->why);
        at->load->no_memory = true;
        return;
    }
    a->test = list;
    a->test[a->tests++] = *window;
}

/* read_test - the group s as one more test window */
static void read_test(const struct gp_spot *at, const config_setting_t *s, const char *prefix)
{
    struct gp_test_window window = {.line = at->line};
    struct gp_group g = {at->load, at->file, GP_SCOPE_TEST, prefix, at->agency, &window};
    gp_config_read_group(&g, s, at->line);
    add_test(at, &window);
    if (window.from.ms > 0 && window.until.ms > 0 && window.from.ms >= window.until.ms)
        gp_fault(at->load->faults, at->file->name, at->line,
                 "%suntil: ends before it begins, given a time not after from, must be after from", prefix);
}

/* read_groups - a list of groups: dkim, tests */
static void read_groups(const struct gp_spot *at, const config_setting_t *s, const struct gp_key *key)
{
    char prefix[GP_CONFIG_PATH_MAX];
    if (config_setting_type(s) != CONFIG_TYPE_LIST) {
        gp_conf_wrong_form(at, s, key->right);
        return;
    }
    gp_conf_join(prefix, at->path, ".");
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
        struct gp_spot one = *at;
        one.line = config_setting_source_line(e);
        if (config_setting_type(e) != CONFIG_TYPE_GROUP)
            gp_conf_wrong_form(&one, e, key->right);
        else if (key->form == GP_FORM_DKIM)
            gp_config_read_dkim(&one, e, prefix);
        else
            read_test(&one, e, prefix);
    }
}

static void read_key(const struct gp_spot *at, const config_setting_t *s, const struct gp_key *key)
{
    switch (key->form) {
    case GP_FORM_TEXT:
        read_text(at, s, key);
        break;
    case GP_FORM_LIST:
        read_list(at, s, key);
        break;
    case GP_FORM_LIMITS:
        if (key->scope == GP_SCOPE_AGENCY) /* the default limits are read before all else, whatever their file */
            gp_config_read_limits(at, s, key->right);
        break;
    case GP_FORM_DKIM:
    case GP_FORM_TESTS:
        read_groups(at, s, key);
        break;
    case GP_FORM_MAILBOXES:
        gp_config_read_mailboxes(at, s, key);
        break;
    }
}

/* unknown_key - with the best guess of what was meant */
static void unknown_key(const struct gp_spot *at, const struct gp_group *g, const config_setting_t *s)
{
    const char *name = config_setting_name(s);
    const char *near = gp_config_nearest(g->scope, false, gp_str_z(name));
    const char *right = "must be a key of gatepost.conf(5)", *guess = "";
    if (gp_limit_find(gp_str_z(name)) != GP_LIMIT_COUNT) {
        right = "must stand in the group limits";
    } else if (g->scope == GP_SCOPE_TOP && config_setting_type(s) == CONFIG_TYPE_GROUP) {
        right = near != NULL && gp_str_eq(gp_str_z(near), GP_STR("limits"))
                    ? "must be limits, or an agency in a file of agencies.d"
                    : "must stand in a file of agencies.d if it is an agency";
    } else if (near != NULL) {
        right = "must be a key of gatepost.conf(5), perhaps ";
        guess = near;
    } else if (g->scope == GP_SCOPE_AGENCY && gp_config_key(GP_SCOPE_TOP, gp_str_z(name)) != NULL) {
        right = "must stand in gatepost.conf";
    }
    gp_fault(at->load->faults, at->file->name, at->line, "%s: unknown key, given \"%s\", %s%s", at->path,
             gp_conf_show(gp_str_z(name)).text, right, guess);
}

/* absent - what a key means that is not there */
static void absent(struct gp_spot *at, const struct gp_key *key)
{
    struct gp_str rest = key->standard != NULL ? gp_str_z(key->standard) : (struct gp_str){0}, element;
    if (key->needed)
        gp_fault(at->load->faults, at->file->name, at->line, "%s: missing, given nothing, %s", at->path, key->right);
    else if (key->form == GP_FORM_LIST)
        while (gp_str_split(&rest, ',', &element))
            (void)key->set(at, element);
    else if (key->standard != NULL)
        (void)key->set(at, rest);
}

void gp_config_read_group(const struct gp_group *g, const config_setting_t *s, unsigned line)
{
    char path[GP_CONFIG_PATH_MAX];
    struct gp_spot at = {.load = g->load, .file = g->file, .path = path, .agency = g->agency, .target = g->target};
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
        const struct gp_key *key = gp_config_key(g->scope, gp_str_z(config_setting_name(e)));
        gp_conf_join(path, g->prefix, config_setting_name(e));
        at.line = config_setting_source_line(e);
        at.field = key != NULL ? (char *)g->target + key->offset : NULL;
        if (key != NULL)
            read_key(&at, e, key);
        else
            unknown_key(&at, g, e);
    }
    const struct gp_key *key;
    for (size_t i = 0; (key = gp_config_key_at(i)) != NULL; i++) {
        if (key->scope != g->scope || config_setting_get_member(s, key->name) != NULL)
            continue;
        gp_conf_join(path, g->prefix, key->name);
        at.line = line;
        at.field = (char *)g->target + key->offset;
        absent(&at, key);
    }
}
