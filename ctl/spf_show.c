/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_show.c - gatepostctl spf show: the tree of a domain's SPF record, what is wrong with it, the one to publish
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "ctl/resolver.h"
#include "ctl/spf_walk.h"
#include "shared/spf.h"
#include "shared/spf_advice.h"
#include "shared/spf_record.h"

#include <string.h>

#define RECORDS_MAX 16 /* of one domain, to make one of them */
#define STRING_MAX 255 /* octets of one string of a TXT record */

/* What to publish: record is empty when nothing is to change. */
struct advice {
    char record[GP_DNS_TEXT_MAX + 1];
    char text[512];
};

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void say_without_record(const char *relay, struct gp_buf *b)
{
    gp_buf_putz(b, "There is no record. Leave it so: mail without one is not refused for it. Or");
    if (relay != NULL)
        gp_buf_putz(b, ", if all mail of the domain leaves through this relay, publish this one");
    else
        gp_buf_putz(b, " publish one that names all who send");
}

static void say_change(const struct gp_ctl_spf *spf, const char *relay, bool same, struct gp_buf *b)
{
    if (same)
        gp_buf_putz(b, spf->errors > 0 ? "What is wrong cannot be put right in this record itself"
                                       : "Nothing is to change");
    else if (relay != NULL && !spf->includes)
        gp_buf_printf(b, "Publish this instead, with the senders of this relay (include:%s)", relay);
    else
        gp_buf_putz(b, "Publish this instead");
}

/* relay: the domain to include, or NULL. */
static void advise(const struct gp_ctl_spf *spf, const char *relay, struct advice *out)
{
    const json_t *records = json_object_get(spf->tree, "records"), *record;
    struct gp_str list[RECORDS_MAX];
    size_t n = 0, i;
    struct gp_buf b = gp_buf_on(out->record, sizeof out->record), text = gp_buf_on(out->text, sizeof out->text);
    const char *state = text_of(spf->tree, "state");
    json_array_foreach(records, i, record)
    {
        if (n < RECORDS_MAX)
            list[n++] = gp_str_z(json_string_value(record));
    }
    if (strcmp(state, "trouble") == 0 || n == RECORDS_MAX) {
        gp_buf_putz(&text, "What is published now is not known; ask again");
        return;
    }
    if (n > 0 || relay != NULL)
        gp_spf_correct(list, n, spf->includes || relay == NULL ? (struct gp_str){0} : gp_str_z(relay), &b);
    bool same = n == 1 && gp_str_eq_nocase(gp_buf_str(&b), list[0]);
    if (n == 0)
        say_without_record(relay, &text);
    else
        say_change(spf, relay, same, &text);
    if (same || b.full)
        out->record[0] = '\0';
}

static void print_node(const json_t *node, int depth)
{
    const json_t *list = json_object_get(node, "records"), *item;
    size_t i;
    int indent = depth * 4;
    const char *via = text_of(node, "via"), *state = text_of(node, "state"), *trouble = text_of(node, "trouble");
    printf("%*s%s", indent, "", depth > 0 ? via : text_of(node, "domain"));
    if (strcmp(state, "found") == 0)
        printf(": %" JSON_INTEGER_FORMAT " lookups, %" JSON_INTEGER_FORMAT " of them its own\n",
               number_of(node, "lookups_total"), number_of(node, "lookups"));
    else
        printf(": %s%s%s\n", state, trouble[0] != '\0' ? ", " : "", trouble);
    json_array_foreach(list, i, item) printf("%*s%s\n", indent + 2, "", json_string_value(item));
    list = json_object_get(node, "includes");
    json_array_foreach(list, i, item) print_node(item, depth + 1);
}

static void print_findings(const json_t *findings)
{
    const json_t *f;
    size_t i;
    json_array_foreach(findings, i, f)
    {
        const char *term = text_of(f, "term");
        printf("%s: %s: %s%s%s\n", text_of(f, "level"), text_of(f, "domain"), term, term[0] != '\0' ? " " : "",
               text_of(f, "text"));
    }
    if (i > 0)
        fputc('\n', stdout);
}

/* As a zone file has it: strings of at most 255 octets. */
static void put_zone(const char *domain, const char *record, struct gp_buf *b)
{
    size_t n = strlen(record);
    gp_buf_printf(b, "%s. IN TXT", domain);
    for (size_t at = 0; at < n; at += STRING_MAX)
        gp_buf_printf(b, " \"%.*s\"", (int)(n - at < STRING_MAX ? n - at : STRING_MAX), record + at);
}

static void print_text(const struct gp_ctl_spf *spf, const struct advice *advice, const char *zone)
{
    print_node(spf->tree, 0);
    printf("\n%u of %d lookups, %u of %d terms that find nothing\n\n", spf->lookups, GP_SPF_LOOKUPS_MAX, spf->voids,
           GP_SPF_VOIDS_MAX);
    print_findings(spf->findings);
    printf("%s%s\n", advice->text, advice->record[0] != '\0' ? ":" : ".");
    if (advice->record[0] != '\0')
        printf("  %s\n", zone);
}

static void print_json(const struct gp_ctl_spf *spf, const struct advice *advice, const char *zone)
{
    json_t *o = json_object(), *a = json_object();
    json_object_set_new(o, "domain", json_string(text_of(spf->tree, "domain")));
    json_object_set_new(o, "lookups", json_integer(spf->lookups));
    json_object_set_new(o, "voids", json_integer(spf->voids));
    json_object_set_new(o, "includes_relay", json_boolean(spf->includes));
    json_object_set(o, "tree", spf->tree);
    json_object_set(o, "findings", spf->findings);
    json_object_set_new(a, "text", json_string(advice->text));
    if (advice->record[0] != '\0') {
        json_object_set_new(a, "record", json_string(advice->record));
        json_object_set_new(a, "zone", json_string(zone));
    }
    json_object_set_new(o, "advice", a);
    gp_ctl_json_print(o, stdout);
}

static int show(struct gp_dns *dns, struct gp_str domain, const char *relay, bool json)
{
    char zone[GP_DNS_TEXT_MAX + GP_SPF_NAME_MAX + 128];
    struct gp_buf b = gp_buf_on(zone, sizeof zone);
    struct gp_ctl_spf spf;
    struct advice advice;
    gp_ctl_spf_walk(dns, domain, relay, &spf);
    /* the relay's own return path needs no include of itself */
    advise(&spf, relay != NULL && gp_str_eq_nocase(domain, gp_str_z(relay)) ? NULL : relay, &advice);
    put_zone(text_of(spf.tree, "domain"), advice.record, &b);
    if (json)
        print_json(&spf, &advice, zone);
    else
        print_text(&spf, &advice, zone);
    json_decref(spf.tree);
    json_decref(spf.findings);
    return spf.errors == 0 && !spf.unknown ? GP_CTL_OK : GP_CTL_NO;
}

int gp_ctl_spf_show(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_str domain = gp_str_z(args->arg[0]);
    if (domain.n > 0 && domain.p[domain.n - 1] == '.')
        domain.n--;
    if (!gp_spf_name_valid(domain))
        return gp_ctl_misused(ctl, "DOMAIN must be a domain name, such as example.gov");
    struct gp_dns *dns = gp_ctl_config_if_any(ctl) ? gp_ctl_resolver(ctl, args) : NULL;
    if (dns == NULL)
        return GP_CTL_NO;
    int status = show(dns, domain, ctl->config != NULL ? ctl->config->return_path : NULL, args->json);
    gp_dns_free(dns);
    return status;
}
