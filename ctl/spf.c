/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf.c - gatepostctl spf test: what a receiver's SPF check would say, and every question on the way
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "ctl/resolver.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/dns_message.h"
#include "shared/spf.h"
#include "shared/spf_record.h"

#include <string.h>

#define SHOWN_MAX 5 /* records of an answer, for people */

static const char *const state_name[] = {[GP_DNS_FOUND] = "found",
                                         [GP_DNS_NO_DATA] = "no such record",
                                         [GP_DNS_NO_NAME] = "no such name",
                                         [GP_DNS_TROUBLE] = "trouble"};

static json_t *clean_string(const char *p, size_t n)
{
    char text[GP_DNS_TEXT_MAX * 4 + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_ctl_put_clean(&b, (struct gp_str){p, n});
    return json_string(text);
}

/* A text that has nothing to do with SPF is none of the trace's business. */
static bool is_shown(const struct gp_spf_step *step, const struct gp_dns_record *record)
{
    return step->type != GP_DNS_TXT || gp_spf_is_record((struct gp_str){record->text, record->n});
}

static void on_step(void *arg, const struct gp_spf_step *step)
{
    json_t *trace = arg, *records = json_array(), *o = json_object();
    json_object_set_new(o, "name", clean_string(step->name, strlen(step->name)));
    json_object_set_new(o, "type", json_string(gp_dns_type_name(step->type)));
    json_object_set_new(o, "state", json_string(state_name[step->answer->state]));
    if (step->answer->state == GP_DNS_TROUBLE)
        json_object_set_new(o, "trouble", json_string(step->answer->why));
    json_object_set_new(o, "ttl", json_integer(step->answer->ttl_s));
    json_object_set_new(o, "count", json_integer((json_int_t)step->answer->n));
    for (size_t i = 0; i < step->answer->n; i++) {
        const struct gp_dns_record *record = &step->answer->record[i];
        if (is_shown(step, record))
            json_array_append_new(records, clean_string(record->text, record->n));
    }
    json_object_set_new(o, "records", records);
    if (step->note != NULL)
        json_object_set_new(o, "dropped", json_string(step->note));
    json_array_append_new(trace, o);
}

static void print_step(const json_t *step)
{
    const json_t *records = json_object_get(step, "records"), *record;
    size_t i, shown = json_array_size(records);
    const char *state = json_string_value(json_object_get(step, "state"));
    const char *trouble = json_string_value(json_object_get(step, "trouble"));
    const char *dropped = json_string_value(json_object_get(step, "dropped"));
    json_int_t count = json_integer_value(json_object_get(step, "count"));
    printf("  %-4s %s: ", json_string_value(json_object_get(step, "type")),
           json_string_value(json_object_get(step, "name")));
    if (count > 0)
        printf("%" JSON_INTEGER_FORMAT " record%s\n", count, count > 1 ? "s" : "");
    else
        printf("%s\n", trouble != NULL ? trouble : state);
    json_array_foreach(records, i, record)
    {
        if (i < SHOWN_MAX)
            printf("         %s\n", json_string_value(record));
    }
    if (shown > SHOWN_MAX)
        printf("         and %zu more\n", shown - SHOWN_MAX);
    if (dropped != NULL)
        printf("         dropped: %s\n", dropped);
}

static void print_answer(const char *sender, const char *ip, const struct gp_spf_answer *answer, const json_t *trace)
{
    const json_t *step;
    size_t i;
    printf("%s: mail of %s from %s\n%s\n\n", gp_spf_name(answer->result), sender, ip, answer->why);
    json_array_foreach(trace, i, step) print_step(step);
    printf("\n%u of %d lookups, %u of %d that found nothing; good for %u s\n", answer->lookups, GP_SPF_LOOKUPS_MAX,
           answer->voids, GP_SPF_VOIDS_MAX, answer->ttl_s);
}

static void print_json(const char *sender, const char *ip, const struct gp_spf_answer *answer, json_t *trace)
{
    json_t *o = json_object();
    json_object_set_new(o, "sender", json_string(sender));
    json_object_set_new(o, "ip", json_string(ip));
    json_object_set_new(o, "result", json_string(gp_spf_name(answer->result)));
    json_object_set_new(o, "why", json_string(answer->why));
    json_object_set_new(o, "lookups", json_integer(answer->lookups));
    json_object_set_new(o, "voids", json_integer(answer->voids));
    json_object_set_new(o, "ttl", json_integer(answer->ttl_s));
    json_object_set(o, "trace", trace);
    gp_ctl_json_print(o, stdout);
}

/* "user@domain", or a domain alone. */
static const char *read_sender(const char *text, struct gp_mailbox *out)
{
    struct gp_str s = gp_str_z(text);
    *out = (struct gp_mailbox){.domain = s};
    if (gp_str_find(s, '@') < s.n)
        return gp_mailbox_parse(s, false, out);
    return gp_spf_name_valid(s) ? NULL : "neither an address nor a domain";
}

int gp_ctl_spf_test(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct gp_ip ip;
    struct gp_mailbox sender;
    struct gp_spf_answer answer;
    char text[GP_IP_TEXT];
    if (args->ip == NULL || !gp_ip_parse(gp_str_z(args->ip), &ip))
        return gp_ctl_misused(ctl, "--ip must be the one address the mail comes from, such as 93.94.38.32");
    if (args->sender == NULL || read_sender(args->sender, &sender) != NULL)
        return gp_ctl_misused(ctl, "--sender must be the address the mail is from, such as user@example.gov");
    struct gp_dns *dns = gp_ctl_config_if_any(ctl) ? gp_ctl_resolver(ctl, args) : NULL;
    if (dns == NULL)
        return GP_CTL_NO;
    json_t *trace = json_array();
    gp_spf_check(dns, &ip, sender.local, sender.domain, gp_clock_monotonic_ms() + GP_SPF_DEADLINE_MS, on_step, trace,
                 &answer);
    gp_ip_text(&ip, text);
    if (args->json)
        print_json(args->sender, text, &answer, trace);
    else
        print_answer(args->sender, text, &answer, trace);
    json_decref(trace);
    gp_dns_free(dns);
    return answer.result == GP_SPF_PASS ? GP_CTL_OK : GP_CTL_NO;
}
