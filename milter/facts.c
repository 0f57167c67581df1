/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * facts.c - reading SMTP arguments into the facts that the rules look at
 */
#include "milter/rules.h"

enum gp_profile gp_profile_of(struct gp_str daemon_name)
{
    static const struct {
        struct gp_str name;
        enum gp_profile profile;
    } names[] = {
        {{"gatepost-address", 16}, GP_PROFILE_ADDRESS},
        {{"gatepost-login", 14}, GP_PROFILE_LOGIN},
        {{"gatepost-both", 13}, GP_PROFILE_BOTH},
        {{"gatepost-return", 15}, GP_PROFILE_RETURN},
        {{"gatepost-own", 12}, GP_PROFILE_OWN},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (gp_str_eq(daemon_name, names[i].name))
            return names[i].profile;
    }
    return GP_PROFILE_ADDRESS;
}

void gp_facts_path(struct gp_milter_facts *f, struct gp_str path)
{
    f->malformed = gp_path_parse(path, f->utf8, &f->mailbox) != NULL;
    if (f->malformed)
        f->mailbox = (struct gp_mailbox){0};
}

void gp_facts_parameters(struct gp_milter_facts *f, char *const *argv)
{
    const struct gp_str size = GP_STR("SIZE=");
    for (; *argv != NULL; argv++) {
        struct gp_str parameter = gp_str_z(*argv);
        if (gp_str_eq_nocase(parameter, GP_STR("SMTPUTF8"))) {
            f->utf8 = true;
        } else if (gp_str_starts_nocase(parameter, size)) {
            f->sized = true;
            f->size = (struct gp_str){parameter.p + size.n, parameter.n - size.n};
        }
    }
}

/* Both views point into one path, with nothing but the @ between them. */
struct gp_str gp_facts_address(const struct gp_milter_facts *f)
{
    const struct gp_mailbox *m = &f->mailbox;
    if (m->domain.n == 0)
        return m->local;
    return (struct gp_str){m->local.p, (size_t)(m->domain.p + m->domain.n - m->local.p)};
}

bool gp_facts_returning(const struct gp_milter_facts *f)
{
    return gp_str_eq_nocase(f->mailbox.domain, gp_str_z(f->config->return_path));
}
