/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns.c - gatepostctl dns: every record to publish, as lines of a zone file; whether it is published
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "ctl/resolver.h"
#include "ctl/target.h"
#include "ctl/zone.h"
#include "ctl/zone_verify.h"

#include <string.h>

/* What one run says, printed or collected. */
struct report {
    bool json, verified;
    json_t *records, *notes, *findings;
};

/* Whatever a foreign line holds, it stands behind a semicolon. */
static void print_comment(const char *lines)
{
    struct gp_str rest = gp_str_z(lines), line;
    while (gp_str_split(&rest, '\n', &line))
        printf(";   %.*s\n", GP_STR_FMT(line));
}

static void print_group(const struct gp_config *c, const struct gp_agency *a)
{
    char shown[1100];
    struct gp_buf b = gp_buf_on(shown, sizeof shown);
    if (a == NULL) {
        printf("; the relay, %s\n", c->relay_name);
        return;
    }
    gp_ctl_put_clean(&b, gp_str_z(a->contact));
    printf("\n; %s%s%s%s: for its DNS\n", a->name, b.n > 0 ? " (" : "", shown, b.n > 0 ? ")" : "");
}

static void print_record(const struct gp_zone_record *r)
{
    char line[GP_ZONE_LINE_MAX];
    gp_zone_line(r, line);
    if (r->state == GP_ZONE_UNASKED)
        puts(line);
    else
        printf("%s ; %s\n", line, gp_zone_state_name(r->state));
    if (r->found != NULL && r->state != GP_ZONE_OK)
        print_comment(r->found);
}

static json_t *lines_of(const char *found)
{
    json_t *list = json_array();
    struct gp_str rest = gp_str_z(found), line;
    while (found != NULL && gp_str_split(&rest, '\n', &line))
        json_array_append_new(list, json_stringn(line.p, line.n));
    return list;
}

static void collect(struct report *r, const struct gp_zone_record *record)
{
    char line[GP_ZONE_LINE_MAX];
    const char *whose = record->agency != NULL ? record->agency->name : "";
    if (record->kind == GP_ZONE_NOTE) {
        json_array_append_new(r->notes, json_pack("{s:s, s:s}", "agency", whose, "text", record->value));
        return;
    }
    gp_zone_line(record, line);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "agency", whose, "kind", gp_zone_kind_name(record->kind), "name",
                  record->name, "type", gp_zone_type(record->kind), "value", record->value, "zone", line);
    if (r->verified) {
        json_object_set_new(o, "state", json_string(gp_zone_state_name(record->state)));
        json_object_set_new(o, "found", lines_of(record->found));
    }
    json_array_append_new(r->records, o);
}

static void put_finding(void *arg, const struct gp_zone_finding *f)
{
    struct report *r = arg;
    json_array_append_new(r->findings, json_pack("{s:s, s:s, s:s}", "what", f->what, "state",
                                                 gp_zone_state_name(f->state), "text", f->text));
    if (!r->json)
        printf("; %s: %s: %s\n", f->what, gp_zone_state_name(f->state), f->text);
}

static void put_records(struct report *r, const struct gp_config *c, const struct gp_zone *z)
{
    for (size_t i = 0; i < z->n; i++) {
        const struct gp_zone_record *record = &z->record[i];
        if (r->json) {
            collect(r, record);
            continue;
        }
        if (i == 0 || record->agency != z->record[i - 1].agency)
            print_group(c, record->agency);
        print_record(record);
    }
}

static void gather(struct gp_zone *z, const struct gp_config *c, const struct gp_agency *a)
{
    if (a != NULL) {
        gp_zone_agency(z, c, a);
        return;
    }
    gp_zone_relay(z, c);
    for (size_t i = 0; i < c->agencies_n; i++)
        gp_zone_agency(z, c, &c->agency[i]);
}

/* dns: NULL, nothing is asked. Returns whether all is well. */
static bool say(struct report *r, const struct gp_config *c, const struct gp_agency *a, struct gp_dns *dns)
{
    struct gp_zone z = {0};
    gather(&z, c, a);
    struct gp_zone_check check = {.c = c, .d = dns};
    bool whole = !z.failed;
    size_t bad = dns != NULL ? gp_zone_verify(&check, &z) : 0;
    put_records(r, c, &z);
    gp_zone_free(&z);
    if (dns != NULL && a == NULL) {
        if (!r->json)
            fputc('\n', stdout);
        bad += gp_zone_relay_findings(&check, put_finding, r);
    }
    if (!whole)
        gp_ctl_error("out of memory: not all records are listed");
    if (bad > 0)
        gp_ctl_error("%zu of these are not in the DNS as they must be, or not known", bad);
    return whole && bad == 0;
}

int gp_ctl_dns(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    const struct gp_agency *a = NULL;
    struct gp_dns *dns = NULL;
    if (!gp_ctl_config(ctl) || (args->n > 0 && (a = gp_ctl_agency(ctl, args->arg[0])) == NULL) ||
        (args->verify && (dns = gp_ctl_resolver(ctl, args)) == NULL))
        return GP_CTL_NO;
    struct report r = {.json = args->json, .verified = args->verify};
    r.records = json_array();
    r.notes = json_array();
    r.findings = json_array();
    bool well = say(&r, ctl->config, a, dns);
    if (args->json)
        gp_ctl_json_print(json_pack("{s:O, s:O, s:O}", "records", r.records, "notes", r.notes, "findings", r.findings),
                          stdout);
    json_decref(r.records);
    json_decref(r.notes);
    json_decref(r.findings);
    gp_dns_free(dns);
    return well ? GP_CTL_OK : GP_CTL_NO;
}
