/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_spf_check.c - a whole evaluation of SPF, and the tree of a record, against a DNS that answers what it likes: both
 * end, within the bounds of RFC 7208, and say why in one printable line
 *
 * Input: an octet (1: an IPv6 sender, 2: answers begin anew when they are spent), then one answer a line: "!" trouble,
 * "-" no such name, "0" no such record, else texts with a NUL between them.
 */
#include "ctl/spf_walk.h"
#include "shared/dns_message.h"
#include "shared/spf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ASKED_MOST 400 /* ten terms, each of ten names at most, with both kinds of addresses, and the records */
#define RECORDS 12

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* What the DNS has to say, and what of it is left. */
static struct gp_str all, left;
static bool again;
static unsigned asked;

struct gp_dns *gp_dns_new(const struct gp_strings *servers)
{
    (void)servers;
    return NULL;
}

void gp_dns_free(struct gp_dns *d)
{
    must(d == NULL);
}

/* As gp_dns_read promises: an address is one, a name has no NUL. */
static bool fits(enum gp_dns_type type, struct gp_str text)
{
    struct gp_ip ip;
    if (type == GP_DNS_A || type == GP_DNS_AAAA)
        return gp_ip_parse(text, &ip) && gp_ip_is_v4(&ip) == (type == GP_DNS_A);
    return type == GP_DNS_TXT || text.n <= 255;
}

static void put_records(struct gp_str line, enum gp_dns_type type, struct gp_dns_answer *out)
{
    struct gp_str text;
    out->record = calloc(RECORDS, sizeof *out->record);
    must(out->record != NULL);
    while (out->n < RECORDS && gp_str_split(&line, '\0', &text)) {
        if (!fits(type, text))
            continue;
        char *copy = malloc(text.n + 1);
        must(copy != NULL);
        memcpy(copy, text.n > 0 ? text.p : "", text.n);
        copy[text.n] = '\0';
        out->record[out->n++] = (struct gp_dns_record){.text = copy, .n = text.n, .preference = (unsigned)text.n};
    }
    out->state = out->n > 0 ? GP_DNS_FOUND : GP_DNS_NO_DATA;
}

void gp_dns_query(struct gp_dns *d, const char *name, enum gp_dns_type type, uint64_t deadline_ms,
                  struct gp_dns_answer *out)
{
    struct gp_str line = GP_STR("-");
    must(d == NULL && deadline_ms > 0 && asked++ < ASKED_MOST);
    must(strlen(name) > 0 && strlen(name) <= 253);
    if (left.p == NULL && again)
        left = all;
    if (!gp_str_split(&left, '\n', &line))
        line = GP_STR("-");
    *out = (struct gp_dns_answer){.state = GP_DNS_NO_NAME, .ttl_s = GP_DNS_TTL_NEGATIVE};
    if (gp_str_eq(line, GP_STR("!")))
        *out = gp_dns_trouble("timeout");
    else if (gp_str_eq(line, GP_STR("0")))
        out->state = GP_DNS_NO_DATA;
    else if (!gp_str_eq(line, GP_STR("-")))
        put_records(line, type, out);
}

static void begin(const uint8_t *data, size_t n)
{
    all = left = (struct gp_str){(const char *)data + 1, n - 1};
    again = (data[0] & 2) != 0;
    asked = 0;
}

static void trace(void *arg, const struct gp_spf_step *step)
{
    must(step->name[0] != '\0' && step->answer != NULL);
    ++*(unsigned *)arg;
}

static void check_line(const char *text)
{
    for (; *text != '\0'; text++)
        must(*text >= ' ' && *text < 0x7f);
}

static void check_all(const struct gp_ip *from)
{
    struct gp_spf_answer a;
    unsigned steps = 0;
    gp_spf_check(NULL, from, GP_STR("strong-bad"), GP_STR("example.gov"), 1 << 30, trace, &steps, &a);
    must(a.result <= GP_SPF_FAIL && gp_spf_name(a.result)[0] != '\0' && steps == asked);
    must(a.lookups <= GP_SPF_LOOKUPS_MAX + 1 && a.voids <= GP_SPF_VOIDS_MAX + 1);
    must(a.ttl_s >= GP_DNS_TTL_LEAST && a.ttl_s <= GP_DNS_TTL_MOST);
    check_line(a.why);
}

static void walk(void)
{
    struct gp_ctl_spf tree;
    gp_ctl_spf_walk(NULL, GP_STR("example.gov"), "b.example.gov", &tree);
    must(tree.tree != NULL && json_is_array(tree.findings));
    char *text = json_dumps(tree.tree, 0);
    must(text != NULL && strlen(text) > 2);
    free(text);
    json_decref(tree.tree);
    json_decref(tree.findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_ip from;
    if (n == 0)
        return 0;
    must(gp_ip_parse((data[0] & 1) != 0 ? GP_STR("2001:db8::9") : GP_STR("192.0.2.9"), &from));
    begin(data, n);
    check_all(&from);
    begin(data, n);
    walk();
    return 0;
}
