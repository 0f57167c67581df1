/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dmarc.c - gatepostctl dmarc test: what DMARC will say of a message as it leaves through this relay
 *
 * Signatures are not verified: one of a key of ours counts as good. A message without any, not yet sent, is judged by
 * the keys that would sign it.
 */
#include "ctl/verbs.h"

#include "ctl/message.h"
#include "ctl/output.h"
#include "ctl/resolver.h"
#include "shared/clock.h"
#include "shared/dmarc.h"
#include "shared/spf.h"

#include <string.h>

#define POLICY_MS 5000 /* deadline for the policy */

/* SPF for one domain, the worst over all egress addresses. */
struct path {
    const char *domain;
    enum gp_spf_result result;
    char from[GP_IP_TEXT];
    char why[GP_SPF_WHY_MAX];
};

struct signature {
    const char *domain, *selector;
    bool ours;    /* a key of the configuration; only these count */
    bool present; /* it stands in the message */
};

struct test {
    const struct gp_config *c;
    struct gp_ctl_message message;
    const struct gp_agency *agency; /* whose message it is; NULL: nobody's */
    struct path path, visible;      /* the return path's domain; the From domain */
    size_t signatures;
    struct signature signature[GP_CTL_SIGNATURES_MAX + GP_SIGNERS_MAX];
    struct gp_dmarc_policy policy;
    struct gp_dmarc_forecast forecast;
};

/* --- what is known ------------------------------------------------------------------------------------------------ */

/* The agency that X-Gatepost-Source names, else the first that may write in the From domain. */
static const struct gp_agency *agency_of(const struct gp_config *c, const struct gp_ctl_message *m)
{
    const struct gp_agency *a = gp_config_by_name(c, gp_str_z(m->source));
    for (size_t i = 0; i < c->agencies_n && a == NULL && m->from[0] != '\0'; i++) {
        if (gp_agency_may_send(&c->agency[i], gp_str_z(m->from)))
            a = &c->agency[i];
    }
    return a;
}

static bool is_key(const struct gp_dkim_key *key, size_t n, const struct gp_ctl_signature *s)
{
    for (size_t i = 0; i < n; i++) {
        if (gp_str_eq_nocase(gp_str_z(key[i].domain), gp_str_z(s->domain)) &&
            gp_str_eq_nocase(gp_str_z(key[i].selector), gp_str_z(s->selector)))
            return true;
    }
    return false;
}

static bool is_ours(const struct gp_config *c, const struct gp_ctl_signature *s)
{
    bool ours = is_key(c->dkim, c->dkim_n, s);
    for (size_t i = 0; i < c->agencies_n && !ours; i++)
        ours = is_key(c->agency[i].dkim, c->agency[i].dkim_n, s);
    return ours;
}

static void find_signatures(struct test *t)
{
    const struct gp_dkim_key *key[GP_SIGNERS_MAX];
    const struct gp_agency nobody = {.name = ""};
    bool signed_here = false;
    for (size_t i = 0; i < t->message.signatures && i < GP_CTL_SIGNATURES_MAX; i++) {
        const struct gp_ctl_signature *s = &t->message.signature[i];
        bool ours = is_ours(t->c, s);
        signed_here |= ours;
        t->signature[t->signatures++] = (struct signature){s->domain, s->selector, ours, true};
    }
    size_t n = signed_here
                   ? 0
                   : gp_config_signers(t->c, t->agency != NULL ? t->agency : &nobody, gp_str_z(t->message.from), key);
    for (size_t i = 0; i < n; i++)
        t->signature[t->signatures++] = (struct signature){key[i]->domain, key[i]->selector, true, false};
}

static void check_path(const struct gp_config *c, struct gp_dns *d, struct path *p)
{
    const struct gp_str anybody = {NULL, 0};
    struct gp_buf why = gp_buf_on(p->why, sizeof p->why);
    p->result = GP_SPF_UNKNOWN;
    gp_buf_putz(&why, c->egress_n == 0 ? "egress names no address" : "");
    for (size_t i = 0; i < c->egress_n && p->domain[0] != '\0'; i++) {
        struct gp_spf_answer a;
        gp_spf_check(d, &c->egress[i], anybody, gp_str_z(p->domain), gp_clock_monotonic_ms() + GP_SPF_DEADLINE_MS, NULL,
                     NULL, &a);
        if (i > 0 && a.result <= p->result)
            continue;
        p->result = a.result;
        gp_ip_text(&c->egress[i], p->from);
        why.n = 0;
        gp_ctl_put_clean(&why, gp_str_z(a.why));
        if (a.result == GP_SPF_UNKNOWN || a.result == GP_SPF_FAIL)
            break;
    }
}

static void gather(struct test *t, struct gp_dns *d)
{
    const struct gp_ctl_message *m = &t->message;
    bool null = m->returned && m->return_path[0] == '\0';
    struct gp_dmarc_facts f = {.from = gp_str_z(m->from)};
    t->agency = agency_of(t->c, m);
    t->path.domain = null ? t->c->relay_name : t->c->return_path; /* of null receivers check the greeting's name */
    t->visible.domain = m->from;
    t->policy = (struct gp_dmarc_policy){.state = GP_DMARC_NONE, .percent = 100};
    find_signatures(t);
    check_path(t->c, d, &t->path);
    check_path(t->c, d, &t->visible);
    if (m->from[0] != '\0')
        gp_dmarc_find(d, f.from, gp_clock_monotonic_ms() + POLICY_MS, &t->policy);
    f.return_path = gp_str_z(t->path.domain);
    f.spf = t->path.result;
    for (size_t i = 0; i < t->signatures && f.signatures < sizeof f.signature / sizeof f.signature[0]; i++) {
        if (t->signature[i].ours)
            f.signature[f.signatures++] = gp_str_z(t->signature[i].domain);
    }
    t->forecast = gp_dmarc_judge(&f, &t->policy);
}

/* --- what is said ------------------------------------------------------------------------------------------------- */

static bool aligned(const struct test *t, const struct signature *s)
{
    return gp_dmarc_aligned(gp_str_z(t->message.from), gp_str_z(s->domain), t->policy.strict_dkim);
}

static void print_path(const char *title, const struct path *p)
{
    printf("%-14s %s: SPF %s", title, p->domain[0] != '\0' ? p->domain : "none", gp_spf_name(p->result));
    printf("%s%s%s%s\n", p->from[0] != '\0' ? " from " : "", p->from, p->why[0] != '\0' ? ": " : "", p->why);
}

static void print_signature(const struct test *t, const struct signature *s)
{
    const char *kind = !s->ours ? "not of this relay: not counted" : s->present ? "in the message" : "will be added";
    printf("%-14s %s/%s: %s%s\n", "signature", s->domain[0] != '\0' ? s->domain : "?",
           s->selector[0] != '\0' ? s->selector : "?", kind,
           !s->ours        ? ""
           : aligned(t, s) ? ", aligned"
                           : ", not aligned");
}

static void print_policy(const struct test *t)
{
    const struct gp_dmarc_policy *p = &t->policy;
    struct gp_str organization = gp_dmarc_organizational(gp_str_z(t->message.from));
    if (p->state == GP_DMARC_UNKNOWN)
        puts("policy         not known: the DNS does not answer");
    else if (p->state == GP_DMARC_NONE)
        puts("policy         none is published");
    else
        printf("policy         %s, at %.*s; adkim %s, aspf %s, pct %u\n", gp_dmarc_action_name(p->action),
               GP_STR_FMT(p->organizational ? organization : gp_str_z(t->message.from)),
               p->strict_dkim ? "strict" : "relaxed", p->strict_spf ? "strict" : "relaxed", p->percent);
}

static void print_text(const struct test *t)
{
    const struct gp_ctl_message *m = &t->message;
    if (m->from[0] != '\0')
        printf("From domain    %s\n", m->from);
    else
        printf("From domain    none: %s\n", m->from_headers == 1 ? "it cannot be read, or it names several domains"
                                                                 : "there must be one From header");
    printf("agency         %s\n", t->agency != NULL ? t->agency->name : "none may write in this name");
    print_path("return path", &t->path);
    if (m->returned && m->return_path[0] != '\0' && strcmp(m->return_path, t->path.domain) != 0)
        printf("               (in the file: %s, which the relay replaces)\n", m->return_path);
    print_path("visible From", &t->visible);
    for (size_t i = 0; i < t->signatures; i++)
        print_signature(t, &t->signature[i]);
    print_policy(t);
    printf("SPF aligned    %s\nDKIM aligned   %s\nDMARC          %s\n", t->forecast.spf_aligned ? "yes" : "no",
           t->forecast.dkim_aligned ? "yes" : "no", gp_dmarc_name(t->forecast.result));
}

static json_t *json_path(const struct path *p)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "domain", p->domain, "spf", gp_spf_name(p->result), "why", p->why);
    if (p->from[0] != '\0')
        json_object_set_new(o, "egress", json_string(p->from));
    return o;
}

static json_t *json_policy(const struct test *t)
{
    static const char *const state[] = {
        [GP_DMARC_UNKNOWN] = "unknown", [GP_DMARC_NONE] = "none", [GP_DMARC_POLICY] = "found"};
    const struct gp_dmarc_policy *p = &t->policy;
    if (p->state != GP_DMARC_POLICY)
        return json_pack("{s:s}", "state", state[p->state]);
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:i}", "state", state[p->state], "policy",
                     gp_dmarc_action_name(p->action), "organizational", p->organizational, "adkim",
                     p->strict_dkim ? "s" : "r", "aspf", p->strict_spf ? "s" : "r", "pct", (int)p->percent);
}

static void print_json(const struct test *t)
{
    json_t *signatures = json_array();
    for (size_t i = 0; i < t->signatures; i++) {
        const struct signature *s = &t->signature[i];
        json_array_append_new(signatures,
                              json_pack("{s:s, s:s, s:b, s:b, s:b}", "domain", s->domain, "selector", s->selector,
                                        "ours", s->ours, "in_message", s->present, "aligned", aligned(t, s)));
    }
    gp_ctl_json_print(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:s}", "from", t->message.from, "agency",
                                t->agency != NULL ? t->agency->name : "", "return_path", json_path(&t->path),
                                "visible_from", json_path(&t->visible), "signatures", signatures, "policy",
                                json_policy(t), "spf_aligned", t->forecast.spf_aligned, "dkim_aligned",
                                t->forecast.dkim_aligned, "dmarc", gp_dmarc_name(t->forecast.result)),
                      stdout);
}

int gp_ctl_dmarc_test(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    struct test t = {.c = NULL};
    struct gp_dns *dns = NULL;
    if (!gp_ctl_config(ctl) || !gp_ctl_message_read(args->arg[0], &t.message) ||
        (dns = gp_ctl_resolver(ctl, args)) == NULL)
        return GP_CTL_NO;
    t.c = ctl->config;
    gather(&t, dns);
    gp_dns_free(dns);
    if (args->json)
        print_json(&t);
    else
        print_text(&t);
    return t.forecast.result == GP_DMARC_PASS ? GP_CTL_OK : GP_CTL_NO;
}
