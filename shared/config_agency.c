/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_agency.c - from the parsed files to the configuration: gatepost.conf, the default limits, the agencies
 */
#include "shared/config_private.h"

#include <stdlib.h>
#include <string.h>

/* is_empty - not there, or a list of nothing; what has a wrong form was refused before */
static bool is_empty(const config_setting_t *list)
{
    return list == NULL || (config_setting_is_aggregate(list) && config_setting_length(list) == 0);
}

/* need_address - an agency has a production address, unless it has logins and no standby address either */
static void need_address(const struct gp_spot *at, const config_setting_t *s)
{
    const config_setting_t *production = config_setting_get_member(s, "production");
    if (!is_empty(production))
        return;
    if (!is_empty(config_setting_get_member(s, "logins")) && is_empty(config_setting_get_member(s, "standby")))
        return;
    gp_fault(at->load->faults, at->file->name, production != NULL ? config_setting_source_line(production) : at->line,
             "%s.production: no address, given nothing, must be one address or more, such as [ \"192.0.2.10\" ]",
             at->path);
}

/* agency_name - libconfig's names begin with a letter or '*', so the first one needs no look of its own */
static bool agency_name(struct gp_str s)
{
    return gp_conf_all_of(s, "-_", GP_AGENCY_NAME_MAX);
}

/* new_agency - a place at the end of the list; NULL when out of memory */
static struct gp_agency *new_agency(struct gp_load *l)
{
    struct gp_config *c = l->c;
    if (c->agencies_n == l->agencies_cap) {
        size_t cap = l->agencies_cap > 0 ? 2 * l->agencies_cap : 16;
        struct gp_agency *list = realloc(c->agency, cap * sizeof *list);
        if (list == NULL) {
            l->no_memory = true;
            return NULL;
        }
        c->agency = list;
        l->agencies_cap = cap;
    }
    c->agency[c->agencies_n] = (struct gp_agency){0};
    return &c->agency[c->agencies_n++];
}

static void read_agency(const struct gp_spot *at, const config_setting_t *s)
{
    char prefix[GP_CONFIG_PATH_MAX];
    struct gp_buf b = gp_buf_on(prefix, sizeof prefix);
    struct gp_agency *a = new_agency(at->load);
    if (a == NULL)
        return;
    struct gp_spot own = *at;
    own.agency = at->load->c->agencies_n - 1;
    b = gp_buf_on(a->name, sizeof a->name);
    gp_buf_putz(&b, config_setting_name(s));
    a->file = at->file->name;
    a->line = at->line;
    a->limits = at->load->c->limits;
    a->unsubscribe = at->load->c->unsubscribe;
    a->check_from = at->load->c->check_from;
    a->spf = at->load->c->spf;
    a->client_signatures = at->load->c->client_signatures;
    a->send_unsigned = at->load->c->send_unsigned;
    gp_claim(&own, GP_CLAIM_AGENCY, a->name, false);
    b = gp_buf_on(prefix, sizeof prefix);
    gp_buf_printf(&b, "%s.", a->name);
    struct gp_group g = {at->load, at->file, GP_SCOPE_AGENCY, prefix, own.agency, a};
    gp_config_read_group(&g, s, at->line);
    need_address(&own, s);
}

/* read_agencies - one file of agencies.d */
static void read_agencies(struct gp_load *l, const struct gp_conf_file *f)
{
    const config_setting_t *root = config_root_setting(&f->tree);
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *e = config_setting_get_elem(root, (unsigned)i);
        char path[GP_CONFIG_PATH_MAX];
        struct gp_spot at = {
            .load = l, .file = f, .line = config_setting_source_line(e), .path = path, .agency = GP_NO_AGENCY};
        struct gp_str name = gp_str_z(config_setting_name(e));
        gp_conf_join(path, "", config_setting_name(e));
        if (gp_str_eq(name, GP_STR("limits")))
            continue;
        if (config_setting_type(e) != CONFIG_TYPE_GROUP && gp_config_key(GP_SCOPE_TOP, name) != NULL)
            gp_fault(l->faults, f->name, at.line,
                     "%s: no agency's name, given in agencies.d, must stand in gatepost.conf", path);
        else if (config_setting_type(e) != CONFIG_TYPE_GROUP)
            gp_conf_wrong_form(&at, e, "must be an agency: name = { ... }");
        else if (!agency_name(name))
            gp_fault(l->faults, f->name, at.line,
                     "%s: bad name of an agency, given \"%s\", must be a letter, then letters, digits, - and _, "
                     "at most 32",
                     path, path);
        else
            read_agency(&at, e);
    }
}

/* read_defaults - the limits group, whatever file it stands in */
static void read_defaults(struct gp_load *l)
{
    const struct gp_key *key = gp_config_key(GP_SCOPE_TOP, GP_STR("limits"));
    for (size_t i = 0; i < l->files_n; i++) {
        const struct gp_conf_file *f = &l->files[i];
        const config_setting_t *s =
            f->parsed ? config_setting_get_member(config_root_setting(&f->tree), key->name) : NULL;
        if (s == NULL)
            continue;
        struct gp_spot at = {.load = l,
                             .file = f,
                             .line = config_setting_source_line(s),
                             .path = key->name,
                             .agency = GP_NO_AGENCY,
                             .target = l->c,
                             .field = &l->c->limits};
        gp_claim(&at, GP_CLAIM_LIMITS, key->name, false);
        gp_config_read_limits(&at, s, key->right);
    }
}

void gp_config_read(struct gp_load *l)
{
    const struct gp_conf_file *top = &l->files[0];
    l->c->suppression = gp_suppression_defaults; /* but for what the settings say */
    l->c->suppression.hard_steps = 0;
    memset(l->c->suppression.hard_days, 0, sizeof l->c->suppression.hard_days);
    if (top->parsed) {
        struct gp_group g = {l, top, GP_SCOPE_TOP, "", GP_NO_AGENCY, l->c};
        gp_config_read_group(&g, config_root_setting(&top->tree), 0);
    }
    l->c->limits = gp_limits_default;
    read_defaults(l);
    for (size_t i = 1; i < l->files_n; i++) {
        if (l->files[i].parsed)
            read_agencies(l, &l->files[i]);
    }
}
