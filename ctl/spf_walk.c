/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_walk.c - the tree of a domain's SPF record and all it includes
 */
#include "ctl/spf_walk.h"

#include "ctl/output.h"
#include "shared/clock.h"
#include "shared/dns_message.h"
#include "shared/spf.h"
#include "shared/spf_advice.h"
#include "shared/spf_record.h"

#include <string.h>

#define MX_MAX 10
#define FINDINGS_MAX 200  /* twice as many with errors; what is beyond is only counted */
#define QUESTIONS_MAX 300 /* receivers ask 10 at most */

struct level {
    const struct level *up;
    struct gp_str domain;
    unsigned depth;
};

struct walk {
    struct gp_dns *dns;
    uint64_t deadline_ms;
    unsigned nodes, questions;
    const char *wanted;
    struct gp_ctl_spf *out;
    struct gp_str domain; /* whose record is being linted */
};

/* What one record and all below it would ask. */
struct cost {
    unsigned lookups, voids;
};

static json_t *clean(struct gp_str s)
{
    char text[GP_DNS_TEXT_MAX * 4 + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_ctl_put_clean(&b, s);
    return json_string(text);
}

static void tell(struct walk *w, bool error, struct gp_str domain, struct gp_str term, const char *text)
{
    w->out->errors += error;
    if (json_array_size(w->out->findings) >= (error ? 2 : 1) * FINDINGS_MAX)
        return;
    json_t *o = json_object();
    json_object_set_new(o, "level", json_string(error ? "error" : "warning"));
    json_object_set_new(o, "domain", clean(domain));
    if (term.n > 0)
        json_object_set_new(o, "term", clean(term));
    json_object_set_new(o, "text", json_string(text));
    json_array_append_new(w->out->findings, o);
}

static void on_finding(void *arg, const struct gp_spf_finding *finding)
{
    struct walk *w = arg;
    tell(w, finding->error, w->domain, finding->term, finding->text);
}

static struct gp_dns_answer ask(struct walk *w, struct gp_str domain, enum gp_dns_type type)
{
    char name[GP_SPF_NAME_MAX + 1];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    struct gp_dns_answer answer;
    if (w->questions++ >= QUESTIONS_MAX)
        return gp_dns_trouble("too many questions");
    gp_buf_put_lower(&b, domain);
    gp_dns_query(w->dns, name, type, w->deadline_ms, &answer);
    return answer;
}

static void tell_trouble(struct walk *w, struct gp_str domain, struct gp_str term, const char *why)
{
    char text[128];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    w->out->unknown = true;
    gp_buf_printf(&b, "not known: %s", why);
    tell(w, false, domain, term, text);
}

/* An a, mx or exists term: does its name lead anywhere? Addresses of either family will do for a. */
static void try_term(struct walk *w, struct gp_str domain, const struct gp_spf_term *term, struct cost *cost)
{
    bool mx = term->kind == GP_SPF_MX;
    struct gp_str name = term->domain.n > 0 ? term->domain : domain;
    struct gp_dns_answer answer = ask(w, name, mx ? GP_DNS_MX : GP_DNS_A);
    if (term->kind == GP_SPF_A && (answer.state == GP_DNS_NO_DATA || answer.state == GP_DNS_NO_NAME)) {
        gp_dns_answer_free(&answer);
        answer = ask(w, name, GP_DNS_AAAA);
    }
    if (answer.state == GP_DNS_TROUBLE) {
        tell_trouble(w, domain, term->text, answer.why);
    } else if (answer.n == 0 && !answer.cut) {
        cost->voids++;
        tell(w, false, domain, term->text, "finds nothing in the DNS");
    } else if (mx && answer.n > MX_MAX) {
        tell(w, true, domain, term->text, "leads to more than 10 MX hosts, an error to receivers");
    }
    gp_dns_answer_free(&answer);
}

static struct cost walk_domain(struct walk *w, const struct level *here, const struct gp_spf_term *via, json_t *node);

static bool is_loop(const struct level *here, struct gp_str domain)
{
    for (; here != NULL; here = here->up) {
        if (gp_str_eq_nocase(here->domain, domain))
            return true;
    }
    return false;
}

/* include or redirect */
static void follow(struct walk *w, const struct level *here, const struct gp_spf_term *term, json_t *children,
                   struct cost *cost)
{
    struct level below = {here, term->domain, here->depth + 1};
    json_t *node = json_object();
    json_object_set_new(node, "domain", clean(term->domain));
    json_object_set_new(node, "via", clean(term->text));
    w->out->includes |= w->wanted != NULL && gp_str_eq_nocase(term->domain, gp_str_z(w->wanted));
    if (is_loop(here, term->domain)) {
        json_object_set_new(node, "state", json_string("loop"));
        tell(w, true, here->domain, term->text, "leads back to where it came from: a loop");
    } else if (w->nodes >= GP_CTL_SPF_NODES_MAX || below.depth >= GP_CTL_SPF_DEPTH_MAX) {
        json_object_set_new(node, "state", json_string("not followed"));
        tell(w, true, here->domain, term->text, "was not followed: too many includes");
    } else {
        struct cost its = walk_domain(w, &below, term, node);
        cost->lookups += its.lookups;
        cost->voids += its.voids;
    }
    json_array_append_new(children, node);
}

static struct cost walk_terms(struct walk *w, const struct level *here, struct gp_str record, json_t *node)
{
    struct gp_str rest = gp_spf_terms(record);
    struct gp_spf_outline outline;
    struct gp_spf_term term;
    json_t *children = json_array();
    gp_spf_outline(record, &outline);
    struct cost cost = {.lookups = outline.lookups};
    json_object_set_new(node, "lookups", json_integer(outline.lookups));
    while (gp_spf_term_next(&rest, &term)) {
        bool follows = term.kind == GP_SPF_INCLUDE || (term.kind == GP_SPF_REDIRECT && !outline.has_all);
        if (term.wrong != NULL)
            continue;
        if (term.kind == GP_SPF_ALL)
            break;
        if (term.macro && gp_spf_asks(term.kind))
            tell(w, false, here->domain, term.text,
                 "has macros: what it asks depends on the message, and is not shown");
        else if (follows)
            follow(w, here, &term, children, &cost);
        else if (term.kind == GP_SPF_A || term.kind == GP_SPF_MX || term.kind == GP_SPF_EXISTS)
            try_term(w, here->domain, &term, &cost);
    }
    json_object_set_new(node, "includes", children);
    return cost;
}

/* Keep the texts that are, or look like, SPF records; returns how many are, the last of them in *record. */
static size_t pick(struct walk *w, struct gp_str domain, const struct gp_dns_answer *answer, json_t *records,
                   struct gp_str *record)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n; i++) {
        struct gp_str text = {answer->record[i].text, answer->record[i].n};
        const char *lookalike = gp_spf_lookalike(text);
        if (lookalike != NULL)
            tell(w, false, domain, text, lookalike);
        if (!gp_spf_is_record(text))
            continue;
        json_array_append_new(records, clean(text));
        *record = text;
        n++;
    }
    return n;
}

static void tell_missing(struct walk *w, const struct level *here, const struct gp_spf_term *via,
                         const struct gp_dns_answer *answer)
{
    if (answer->cut)
        tell(w, true, here->domain, (struct gp_str){0},
             "a TXT record is longer than 4096 octets, or there are more than 256: what it says is not known");
    else if (via != NULL)
        tell(w, true, here->up->domain, via->text, "leads to no SPF record, an error to receivers");
    else
        tell(w, false, here->domain, (struct gp_str){0}, "has no SPF record");
}

static struct cost walk_domain(struct walk *w, const struct level *here, const struct gp_spf_term *via, json_t *node)
{
    struct cost cost = {0};
    struct gp_str record = {0};
    json_t *records = json_array();
    const char *state = "found";
    struct gp_dns_answer answer = ask(w, here->domain, GP_DNS_TXT);
    w->nodes++;
    size_t n = pick(w, here->domain, &answer, records, &record);
    json_object_set_new(node, "records", records);
    if (answer.state == GP_DNS_TROUBLE) {
        state = "trouble";
        json_object_set_new(node, "trouble", json_string(answer.why));
        tell_trouble(w, here->domain, (struct gp_str){0}, answer.why);
    } else if (n == 0) {
        state = answer.cut ? "trouble" : "none";
        tell_missing(w, here, via, &answer);
    } else if (n > 1) {
        state = "several";
        tell(w, true, here->domain, (struct gp_str){0}, "has more than one SPF record, an error to receivers");
    }
    if (n == 1) {
        w->domain = here->domain;
        gp_spf_lint(record, via != NULL, on_finding, w);
        cost = walk_terms(w, here, record, node);
    }
    json_object_set_new(node, "state", json_string(state));
    json_object_set_new(node, "lookups_total", json_integer(cost.lookups));
    json_object_set_new(node, "voids_total", json_integer(cost.voids));
    gp_dns_answer_free(&answer);
    return cost;
}

void gp_ctl_spf_walk(struct gp_dns *d, struct gp_str domain, const char *wanted, struct gp_ctl_spf *out)
{
    struct level top = {.domain = domain};
    struct walk w = {
        .dns = d, .deadline_ms = gp_clock_monotonic_ms() + GP_CTL_SPF_DEADLINE_MS, .wanted = wanted, .out = out};
    *out = (struct gp_ctl_spf){.tree = json_object(), .findings = json_array()};
    json_object_set_new(out->tree, "domain", clean(domain));
    struct cost cost = walk_domain(&w, &top, NULL, out->tree);
    out->lookups = cost.lookups;
    out->voids = cost.voids;
    if (cost.lookups > GP_SPF_LOOKUPS_MAX)
        tell(&w, true, domain, (struct gp_str){0}, "needs more than 10 lookups, an error to receivers");
    if (cost.voids > GP_SPF_VOIDS_MAX)
        tell(&w, true, domain, (struct gp_str){0}, "has more than 2 terms that find nothing, an error to receivers");
}
