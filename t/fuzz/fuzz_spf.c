/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_spf.c - an SPF record from foreign bytes: its terms, its names, what libspf2 makes of each term, a better record
 *
 * The first octet: 1 an IPv6 sender, 2 the DNS refuses, 4 it has nothing; the others choose what it answers with.
 */
#include "shared/spf_advice.h"
#include "shared/spf_macro.h"
#include "shared/spf_match.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

struct dns {
    uint8_t choice;
    unsigned asked;
    struct gp_dns_record record[12];
    struct gp_dns_answer answer;
};

static const struct gp_dns_answer *answer(void *arg, const char *name, enum gp_dns_type type)
{
    static char v4[] = "192.0.2.9", v6[] = "2001:db8::9", odd[] = "a\\.b (c).gov", host[] = "mail.example.gov",
                none[] = "";
    struct dns *dns = arg;
    char *names[] = {odd, host, none};
    must(strlen(name) <= 255 && dns->asked++ < 32);
    if (dns->choice & 2)
        return NULL;
    dns->answer =
        (struct gp_dns_answer){.state = dns->choice & 4 ? GP_DNS_NO_NAME : GP_DNS_FOUND, .record = dns->record};
    dns->answer.n = dns->choice & 4 ? 0 : (dns->choice >> 3U) % 12;
    for (size_t i = 0; i < dns->answer.n; i++) {
        char *text = type == GP_DNS_A ? v4 : type == GP_DNS_AAAA ? v6 : names[(i + dns->choice) % 3];
        dns->record[i] = (struct gp_dns_record){.text = text, .n = strlen(text)};
    }
    return &dns->answer;
}

static bool inside(struct gp_str part, struct gp_str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* What gp_spf_check does with a term in its turn. */
static void evaluate(struct gp_spf_matcher *m, struct dns *dns, struct gp_spf_term term, const struct gp_ip *from)
{
    char name[GP_SPF_NAME_MAX + 1];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    const struct gp_spf_values values = {GP_STR("strong-bad"), GP_STR("example.gov"), GP_STR("x.example.gov"), from};
    bool matches = term.kind < GP_SPF_REDIRECT && term.kind != GP_SPF_ALL && term.kind != GP_SPF_INCLUDE;
    if (term.macro && term.kind != GP_SPF_MODIFIER) {
        if (gp_spf_expand(term.domain, &values, &b) != NULL)
            return;
        must(!b.full);
        term.domain = gp_buf_str(&b);
    }
    must(term.domain.n == 0 || gp_spf_name_valid(term.domain));
    dns->asked = 0;
    if (matches && gp_spf_match(m, &term, GP_STR("x.example.gov")) == GP_SPF_MATCH)
        must(term.kind == GP_SPF_IP4 || term.kind == GP_SPF_IP6 || dns->asked > 0);
}

/* One for each family, as libspf2 takes long to make one. */
static struct gp_spf_matcher *matcher_of(struct dns *dns, const struct gp_ip *from)
{
    static struct gp_spf_matcher *made[2];
    struct gp_spf_matcher **m = &made[gp_ip_is_v4(from)];
    if (*m == NULL)
        *m = gp_spf_matcher_new(from, answer, dns);
    must(*m != NULL);
    return *m;
}

static void check_terms(struct gp_str record, struct dns *dns, const struct gp_ip *from)
{
    struct gp_str rest = gp_spf_terms(record);
    struct gp_spf_matcher *m = matcher_of(dns, from);
    struct gp_spf_term term;
    for (unsigned i = 0; gp_spf_term_next(&rest, &term) && i < 100; i++) {
        must(term.text.n > 0 && inside(term.text, record));
        if (term.wrong != NULL)
            continue;
        must(inside(term.domain, term.text) && term.v4 <= 32 && term.v6 <= 128);
        evaluate(m, dns, term, from);
    }
}

static void count(void *arg, const struct gp_spf_finding *finding)
{
    must(finding->text != NULL && finding->text[0] != '\0');
    ++*(unsigned *)arg;
}

/* What is proposed is right, ends, includes what it should, and is proposed for itself. */
static void check_correction(struct gp_str record)
{
    static char first[8192], second[8192];
    struct gp_buf a = gp_buf_on(first, sizeof first), b = gp_buf_on(second, sizeof second);
    struct gp_str twice[] = {record, record};
    struct gp_spf_outline outline;
    gp_spf_correct(twice, 2, GP_STR("b.example.gov"), &a);
    if (a.full)
        return;
    struct gp_str better = gp_buf_str(&a);
    gp_spf_outline(better, &outline);
    must(gp_spf_is_record(better) && outline.wrong.wrong == NULL && outline.has_all != outline.has_redirect);
    must(strcasestr(first, "include:b.example.gov") != NULL);
    gp_spf_correct(&better, 1, GP_STR("b.example.gov"), &b);
    must(gp_str_eq(better, gp_buf_str(&b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct dns dns;
    struct gp_str record = {(const char *)data + 1, n > 0 ? n - 1 : 0};
    struct gp_ip from;
    unsigned told = 0;
    if (n == 0)
        return 0;
    dns.choice = data[0];
    must(gp_ip_parse(dns.choice & 1 ? GP_STR("2001:db8::9") : GP_STR("192.0.2.9"), &from));
    must(!gp_spf_is_record(record) || gp_spf_lookalike(record) == NULL);
    if (!gp_spf_is_record(record))
        return 0;
    gp_spf_lint(record, false, count, &told);
    check_terms(record, &dns, &from);
    check_correction(record);
    return 0;
}
