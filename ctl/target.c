/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * target.c - an agency's name or one address, as an operator writes it
 */
#include "ctl/target.h"

#include "ctl/nearest.h"
#include "ctl/output.h"

static void tell_unknown(const struct gp_ctl *ctl, const char *name)
{
    struct gp_ctl_nearest found = {0};
    char shown[256], near[256];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    for (size_t i = 0; i < ctl->config->agencies_n; i++)
        gp_ctl_nearest(&found, name, ctl->config->agency[i].name);
    gp_ctl_nearest_text(&found, near);
    gp_buf_put_escaped(&b, gp_str_z(name));
    gp_ctl_error("there is no agency \"%s\"%s", shown, found.n > 0 ? near : "; gatepostctl agencies lists them");
}

const struct gp_agency *gp_ctl_agency(const struct gp_ctl *ctl, const char *name)
{
    const struct gp_agency *agency = gp_config_by_name(ctl->config, gp_str_z(name));
    if (agency == NULL)
        tell_unknown(ctl, name);
    return agency;
}

/* Could the configuration name an agency so? What could not is read as an address. */
static bool is_name(struct gp_str s)
{
    if (s.n == 0 || s.n > GP_AGENCY_NAME_MAX || !gp_is_letter(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        if (!gp_is_letter(s.p[i]) && !gp_is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    }
    return true;
}

struct gp_ctl_target gp_ctl_target_of(const struct gp_agency *agency)
{
    struct gp_ctl_target t = {.agency = agency};
    struct gp_buf text = gp_buf_on(t.text, sizeof t.text), group = gp_buf_on(t.group, sizeof t.group);
    gp_buf_putz(&text, agency->name);
    gp_buf_putz(&group, agency->name);
    return t;
}

bool gp_ctl_target(const struct gp_ctl *ctl, const char *text, struct gp_ctl_target *out)
{
    struct gp_str s = gp_str_z(text);
    char shown[256], address[GP_IP_TEXT];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    *out = (struct gp_ctl_target){.is_address = !is_name(s)};
    if (out->is_address) {
        const char *wrong = gp_ip_parse_entry(s, &out->ip);
        if (wrong != NULL) {
            gp_buf_put_escaped(&b, s);
            gp_ctl_error("\"%s\": %s", shown, wrong);
            return false;
        }
        gp_ip_text(&out->ip, address);
        s = gp_str_z(address);
        out->agency = gp_config_lists(ctl->config, &out->ip);
    } else {
        out->agency = gp_config_by_name(ctl->config, s);
    }
    struct gp_buf t = gp_buf_on(out->text, sizeof out->text), g = gp_buf_on(out->group, sizeof out->group);
    gp_buf_put(&t, s);
    gp_buf_put(&g, out->agency != NULL ? gp_str_z(out->agency->name) : s);
    return true;
}
