/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * agency_json.c - agencies as programs read them
 */
#include "ctl/agency_json.h"

#include "ctl/output.h"

static json_t *addresses(const struct gp_agency *a, enum gp_role role)
{
    json_t *list = json_array();
    char ip[GP_IP_TEXT];
    for (size_t i = 0; i < a->addresses; i++) {
        if (a->address[i].role != role)
            continue;
        gp_ip_text(&a->address[i].ip, ip);
        json_array_append_new(list, json_string(ip));
    }
    return list;
}

static json_t *tests(const struct gp_agency *a)
{
    json_t *list = json_array();
    char ip[GP_IP_TEXT], why[1024];
    for (size_t i = 0; i < a->tests; i++) {
        const struct gp_test_window *w = &a->test[i];
        struct gp_buf b = gp_buf_on(why, sizeof why);
        gp_ip_text(&w->address, ip);
        gp_ctl_put_clean(&b, gp_str_z(w->why));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:I}", "why", why, "address", ip, "from", w->from.text,
                                        "until", w->until.text, "messages", (json_int_t)w->messages));
    }
    return list;
}

static json_t *limits(const struct gp_agency *a)
{
    json_t *o = json_object();
    char text[GP_LIMIT_TEXT_MAX];
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++) {
        gp_limit_text(&a->limits, i, text);
        json_object_set_new(o, gp_limit_label(i), json_string(text));
    }
    return o;
}

json_t *gp_ctl_keys_json(const struct gp_dkim_key *list, size_t n)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < n; i++) {
        char path[2048];
        struct gp_buf b = gp_buf_on(path, sizeof path);
        gp_ctl_put_clean(&b, gp_str_z(list[i].path));
        json_array_append_new(keys, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "domain", list[i].domain, "selector",
                                              list[i].selector, "type", gp_dkim_type_word(list[i].type), "signs",
                                              list[i].signs, "key", path, "record", list[i].record));
    }
    return keys;
}

json_t *gp_ctl_agencies_json(const struct gp_config *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->agencies_n; i++) {
        const struct gp_agency *a = &c->agency[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "agency", a->name,
                            "contact", a->contact, "production", addresses(a, GP_ROLE_PRODUCTION), "standby",
                            addresses(a, GP_ROLE_STANDBY), "logins", gp_ctl_json_strings(a->logins.v, a->logins.n),
                            "sender_domains", gp_ctl_json_strings(a->sender_domains.v, a->sender_domains.n), "limits",
                            limits(a), "tests", tests(a), "dkim", gp_ctl_keys_json(a->dkim, a->dkim_n), "on_unsigned",
                            a->send_unsigned ? "send" : "defer", "client_signatures",
                            gp_client_signatures_word(a->client_signatures), "spf", gp_spf_mode_word(a->spf)));
    }
    return list;
}
