/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * check.c - gatepostctl check: every fault of a configuration, or what was read from it
 *
 * The summary quotes each entry of each list by itself: two that libconfig joined for want of a comma are seen.
 */
#include "ctl/verbs.h"

#include "ctl/access.h"
#include "ctl/agency_json.h"
#include "ctl/output.h"

#include <inttypes.h>

static void print_quoted(const char *text)
{
    char shown[1024];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    gp_buf_put_escaped(&b, gp_str_z(text));
    printf("\"%s\"", shown);
}

static void print_text(const char *name, const char *text)
{
    printf("  %-15s", name);
    if (text != NULL && text[0] != '\0')
        print_quoted(text);
    puts(text == NULL || text[0] == '\0' ? "none" : "");
}

static void print_list(const char *name, const struct gp_strings *s)
{
    printf("  %-15s", name);
    for (size_t i = 0; i < s->n; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        print_quoted(s->v[i]);
    }
    puts(s->n == 0 ? "none" : "");
}

static void print_addresses(const char *name, const struct gp_agency *a, enum gp_role role)
{
    size_t n = 0;
    char ip[GP_IP_TEXT];
    printf("  %-15s", name);
    for (size_t i = 0; i < a->addresses; i++) {
        if (a->address[i].role != role)
            continue;
        gp_ip_text(&a->address[i].ip, ip);
        printf("%s\"%s\"", n++ > 0 ? ", " : "", ip);
    }
    puts(n == 0 ? "none" : "");
}

static void print_keys(const struct gp_dkim_key *list, size_t n)
{
    printf("  %-15s", "dkim");
    for (size_t i = 0; i < n; i++)
        printf("%s\"%s._domainkey.%s\" (%s%s)", i > 0 ? ", " : "", list[i].selector, list[i].domain,
               gp_dkim_type_word(list[i].type), list[i].signs ? "" : ", does not sign");
    puts(n == 0 ? "none" : "");
}

static void print_modes(bool send_unsigned, enum gp_client_signatures client, enum gp_spf_mode spf)
{
    printf("  %-15son_unsigned = %s, client_signatures = %s\n", "signing", send_unsigned ? "send" : "defer",
           gp_client_signatures_word(client));
    printf("  %-15s%s\n", "spf", gp_spf_mode_word(spf));
}

static void print_tests(const struct gp_agency *a)
{
    char ip[GP_IP_TEXT];
    for (size_t i = 0; i < a->tests; i++) {
        const struct gp_test_window *w = &a->test[i];
        gp_ip_text(&w->address, ip);
        printf("  %-15s\"%s\", \"%s\" to \"%s\", %" PRIu64 " messages\n", i == 0 ? "tests" : "", ip, w->from.text,
               w->until.text, w->messages);
    }
}

static void print_agency(const struct gp_agency *a)
{
    char text[GP_LIMIT_TEXT_MAX];
    printf("\n%s (%s:%u)\n", a->name, a->file, a->line);
    print_addresses("production", a, GP_ROLE_PRODUCTION);
    print_addresses("standby", a, GP_ROLE_STANDBY);
    print_list("logins", &a->logins);
    print_list("sender_domains", &a->sender_domains);
    print_list("streams", &a->streams);
    print_keys(a->dkim, a->dkim_n);
    print_modes(a->send_unsigned, a->client_signatures, a->spf);
    print_tests(a);
    for (enum gp_limit_name i = 0; i < GP_LIMIT_COUNT; i++) {
        gp_limit_text(&a->limits, i, text);
        printf("  %-15s%s = %s\n", i == 0 ? "limits" : "", gp_limit_label(i), text);
    }
}

static void print_summary(const struct gp_config *c)
{
    char ip[GP_IP_TEXT];
    printf("%s: good, %zu agenc%s\n", c->path, c->agencies_n, c->agencies_n == 1 ? "y" : "ies");
    print_list("counters", &c->counters);
    printf("  %-15s", "egress");
    for (size_t i = 0; i < c->egress_n; i++) {
        gp_ip_text(&c->egress[i], ip);
        printf("%s\"%s\"", i > 0 ? ", " : "", ip);
    }
    puts(c->egress_n == 0 ? "none: SPF of the sender domains is not looked at" : "");
    print_keys(c->dkim, c->dkim_n);
    print_modes(c->send_unsigned, c->client_signatures, c->spf);
    print_list("dns_servers", &c->dns_servers);
    print_text("mail_log", c->mail_log);
    print_text("operator", c->operator_to);
    print_text("notices", c->notices);
    print_list("dictionaries", &c->dictionaries);
    for (size_t i = 0; i < c->agencies_n; i++)
        print_agency(&c->agency[i]);
}

static json_t *json_faults(const struct gp_faults *faults, bool warnings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < faults->n; i++) {
        if (faults->list[i].warning == warnings)
            json_array_append_new(list, json_string(faults->list[i].text));
    }
    return list;
}

/* What gatepost-postfix(8) puts into Postfix's own configuration. */
static json_t *json_settings(const struct gp_config *c)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:s, s:s, s:s}", "relay_name", c->relay_name,
                     "return_path", c->return_path, "policy_listen", c->policy_listen, "milter_listen",
                     c->milter_listen, "feedback_listen", c->feedback_listen, "mail_log", c->mail_log, "operator",
                     c->operator_to, "notices", c->notices, "message_size_ceiling", (json_int_t)c->message_size_ceiling,
                     "on_unsigned", c->send_unsigned ? "send" : "defer", "client_signatures",
                     gp_client_signatures_word(c->client_signatures), "spf", gp_spf_mode_word(c->spf));
}

static void print_json(const struct gp_config *c, const struct gp_faults *faults)
{
    json_t *o = json_pack("{s:b, s:o, s:o}", "good", c != NULL, "errors", json_faults(faults, false), "warnings",
                          json_faults(faults, true));
    if (c != NULL) {
        json_object_set_new(o, "settings", json_settings(c));
        json_object_set_new(o, "counters", gp_ctl_json_strings(c->counters.v, c->counters.n));
        json_object_set_new(o, "dkim", gp_ctl_keys_json(c->dkim, c->dkim_n));
        json_object_set_new(o, "dns_servers", gp_ctl_json_strings(c->dns_servers.v, c->dns_servers.n));
        json_object_set_new(o, "dictionaries", gp_ctl_json_strings(c->dictionaries.v, c->dictionaries.n));
        json_object_set_new(o, "agencies", gp_ctl_agencies_json(c));
    }
    gp_ctl_json_print(o, stdout);
}

int gp_ctl_check(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_faults faults;
    const char *path = args->n > 0 ? args->arg[0] : ctl->path;
    gp_faults_init(&faults);
    ctl->config = gp_config_load(path, &faults);
    if (ctl->config != NULL)
        gp_ctl_access(ctl->config, &faults);
    if (args->json)
        print_json(ctl->config, &faults);
    else
        gp_ctl_faults_print(&faults, true);
    if (ctl->config == NULL && !args->json)
        gp_ctl_error("%s: %zu error%s", path, faults.errors, faults.errors == 1 ? "" : "s");
    else if (!args->json)
        print_summary(ctl->config);
    gp_faults_free(&faults);
    return ctl->config != NULL ? GP_CTL_OK : GP_CTL_NO;
}
