/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf.c - would a receiver's SPF check pass? The walk through a record and what it includes, and every limit
 *
 * What ends a check (trouble, a limit, a broken record) is ruled once, with its reason; everything above only unwinds.
 */
#include "shared/spf.h"

#include "shared/dns_message.h"
#include "shared/spf_macro.h"
#include "shared/spf_match.h"
#include "shared/spf_record.h"

#define MX_MAX 10    /* RFC 7208 4.6.4: more is an error */
#define SHOWN_MAX 80 /* octets of a term or domain in a reason */

/* A record that is being evaluated, and the one that led to it. */
struct level {
    const struct level *up;
    struct gp_str domain;
};

struct check {
    struct gp_dns *dns;
    struct gp_spf_values values; /* domain: of the record at hand */
    uint64_t deadline_ms;
    gp_spf_trace_fn *trace;
    void *trace_arg;
    struct gp_spf_answer *out;
    struct gp_spf_matcher *matcher;
    bool ruled;

    /* of the term at hand */
    const struct gp_spf_term *term;
    unsigned asked;
    bool cut;
    struct gp_dns_answer answer; /* to the last question */
};

enum outcome { NO_MATCH, MATCH, RULED };

const char *gp_spf_name(enum gp_spf_result r)
{
    static const char *const names[] = {
        [GP_SPF_PASS] = "pass",       [GP_SPF_NONE] = "none",         [GP_SPF_NEUTRAL] = "neutral",
        [GP_SPF_UNKNOWN] = "unknown", [GP_SPF_SOFTFAIL] = "softfail", [GP_SPF_PERMERROR] = "permerror",
        [GP_SPF_FAIL] = "fail",
    };
    return names[r];
}

static void put_short(struct gp_buf *b, struct gp_str s)
{
    char text[SHOWN_MAX + 1];
    struct gp_buf t = gp_buf_on(text, sizeof text);
    gp_buf_put_escaped(&t, s);
    gp_buf_put(b, gp_buf_str(&t));
    gp_buf_putz(b, t.full ? "..." : "");
}

/* "include:_spf.example.net in example.gov", then more */
static void set_why(struct check *c, struct gp_str term, struct gp_str domain, const char *more)
{
    struct gp_buf b = gp_buf_on(c->out->why, sizeof c->out->why);
    put_short(&b, term);
    gp_buf_putz(&b, term.n > 0 ? " in " : "");
    put_short(&b, domain);
    gp_buf_putz(&b, more);
}

/* Returns result, for the caller to return. */
static enum gp_spf_result rule(struct check *c, enum gp_spf_result result, struct gp_str term, struct gp_str domain,
                               const char *why)
{
    if (!c->ruled) {
        c->ruled = true;
        c->out->result = result;
        set_why(c, term, domain, why);
    }
    return result;
}

static enum outcome rule_term(struct check *c, enum gp_spf_result result, const char *why)
{
    rule(c, result, c->term->text, c->values.domain, why);
    return RULED;
}

static const char *dropped(const struct gp_dns_answer *answer, enum gp_dns_type type)
{
    if (type == GP_DNS_PTR && answer->n > MX_MAX)
        return "all but the first 10 names";
    return answer->cut ? "more than 256 records, or a text of more than 4096 octets" : NULL;
}

static void ask(struct check *c, const char *name, enum gp_dns_type type, struct gp_dns_answer *answer)
{
    gp_dns_query(c->dns, name, type, c->deadline_ms, answer);
    struct gp_spf_step step = {name, type, answer, dropped(answer, type)};
    if (c->trace != NULL)
        c->trace(c->trace_arg, &step);
    if (answer->ttl_s < c->out->ttl_s)
        c->out->ttl_s = answer->ttl_s;
}

static void rule_trouble(struct check *c, const char *name, enum gp_dns_type type, const char *why)
{
    char text[GP_SPF_WHY_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_printf(&b, " %s: %s", gp_dns_type_name(type), why);
    rule(c, GP_SPF_UNKNOWN, (struct gp_str){0}, gp_str_z(name), text);
}

/* What the matcher asks. The first question of a term says whether there is anything to ask for. */
static const struct gp_dns_answer *on_ask(void *arg, const char *name, enum gp_dns_type type)
{
    struct check *c = arg;
    gp_dns_answer_free(&c->answer);
    ask(c, name, type, &c->answer);
    c->cut |= c->answer.cut;
    if (c->answer.state == GP_DNS_TROUBLE) {
        rule_trouble(c, name, type, c->answer.why);
        return NULL;
    }
    if (c->asked++ == 0 && c->answer.n == 0 && !c->answer.cut && ++c->out->voids > GP_SPF_VOIDS_MAX) {
        rule_term(c, GP_SPF_PERMERROR, ": the third term that finds nothing; 2 are allowed");
        return NULL;
    }
    if (type == GP_DNS_MX && c->answer.n > MX_MAX) {
        rule_term(c, GP_SPF_PERMERROR, ": more than 10 MX hosts");
        return NULL;
    }
    return &c->answer;
}

static enum outcome match_term(struct check *c)
{
    c->asked = 0;
    c->cut = false;
    switch (gp_spf_match(c->matcher, c->term, c->values.domain)) {
    case GP_SPF_MATCH:
        return MATCH;
    case GP_SPF_NO_MATCH:
        return c->cut ? rule_term(c, GP_SPF_UNKNOWN, ": too many records to see them all") : NO_MATCH;
    case GP_SPF_NOT_JUDGED:
        break;
    }
    return rule_term(c, GP_SPF_UNKNOWN, ": cannot be evaluated"); /* unless ruled by a question */
}

static enum gp_spf_result check_domain(struct check *c, const struct level *up, struct gp_str domain);

/* include and redirect: the result of another domain's record, which must be there and not on the way to this one */
static enum gp_spf_result check_other(struct check *c, const struct level *here, const struct gp_spf_term *term)
{
    for (const struct level *l = here; l != NULL; l = l->up) {
        if (gp_str_eq_nocase(l->domain, term->domain))
            return rule(c, GP_SPF_PERMERROR, term->text, here->domain, ": a loop");
    }
    enum gp_spf_result result = check_domain(c, here, term->domain);
    if (result == GP_SPF_NONE)
        return rule(c, GP_SPF_PERMERROR, term->text, here->domain, ": there is no SPF record");
    return result;
}

static enum outcome include(struct check *c, const struct level *here, const struct gp_spf_term *term)
{
    switch (check_other(c, here, term)) {
    case GP_SPF_PASS:
        return MATCH;
    case GP_SPF_FAIL:
    case GP_SPF_SOFTFAIL:
    case GP_SPF_NEUTRAL:
        return NO_MATCH;
    case GP_SPF_NONE:
    case GP_SPF_UNKNOWN:
    case GP_SPF_PERMERROR:
        break;
    }
    return RULED;
}

/* A term's turn has come: is it one that asks too many, and what is its name? name: room for that. False: ruled. */
static bool begin(struct check *c, const struct level *here, struct gp_spf_term *term, char name[GP_SPF_NAME_MAX + 1])
{
    char why[GP_SPF_WHY_MAX];
    struct gp_buf b = gp_buf_on(name, GP_SPF_NAME_MAX + 1), text = gp_buf_on(why, sizeof why);
    c->term = term;
    c->values.domain = here->domain;
    if (gp_spf_asks(term->kind) && ++c->out->lookups > GP_SPF_LOOKUPS_MAX) {
        rule_term(c, GP_SPF_PERMERROR, ": the 11th term that asks the DNS; 10 are allowed");
        return false;
    }
    const char *wrong = term->macro ? gp_spf_expand(term->domain, &c->values, &b) : NULL;
    if (wrong != NULL) {
        gp_buf_printf(&text, ": %s", wrong);
        rule_term(c, GP_SPF_UNKNOWN, why);
    } else if (term->macro) {
        term->domain = gp_buf_str(&b);
    }
    return wrong == NULL;
}

static enum outcome evaluate(struct check *c, const struct level *here, const struct gp_spf_term *term)
{
    switch (term->kind) {
    case GP_SPF_ALL:
        return MATCH;
    case GP_SPF_INCLUDE:
        return include(c, here, term);
    case GP_SPF_A:
    case GP_SPF_MX:
    case GP_SPF_PTR:
    case GP_SPF_IP4:
    case GP_SPF_IP6:
    case GP_SPF_EXISTS:
        return match_term(c);
    case GP_SPF_REDIRECT:
    case GP_SPF_EXP:
    case GP_SPF_MODIFIER:
        break; /* not in turn */
    }
    return NO_MATCH;
}

static enum gp_spf_result qualified(char qualifier)
{
    switch (qualifier) {
    case '-':
        return GP_SPF_FAIL;
    case '~':
        return GP_SPF_SOFTFAIL;
    case '?':
        return GP_SPF_NEUTRAL;
    default:
        return GP_SPF_PASS;
    }
}

/* The first term that matches decides. A plain include leaves the reason to what matched inside it. */
static enum gp_spf_result check_terms(struct check *c, const struct level *here, struct gp_str rest,
                                      struct gp_spf_outline *outline)
{
    char name[GP_SPF_NAME_MAX + 1];
    struct gp_spf_term term;
    while (gp_spf_term_next(&rest, &term)) {
        if (term.kind >= GP_SPF_REDIRECT)
            continue;
        enum outcome outcome = begin(c, here, &term, name) ? evaluate(c, here, &term) : RULED;
        if (outcome == RULED)
            return c->out->result;
        if (outcome == MATCH) {
            if (term.kind != GP_SPF_INCLUDE || term.qualifier != '+')
                set_why(c, term.text, here->domain, "");
            return qualified(term.qualifier);
        }
    }
    if (outline->has_redirect)
        return begin(c, here, &outline->redirect, name) ? check_other(c, here, &outline->redirect) : c->out->result;
    set_why(c, (struct gp_str){0}, here->domain, ": no term matches");
    return GP_SPF_NEUTRAL;
}

/* Look for the one SPF record among a domain's texts. Returns false when that is ruled, or NONE. */
static bool find_record(struct check *c, struct gp_str domain, struct gp_dns_answer *answer, struct gp_str *record)
{
    char name[GP_SPF_NAME_MAX + 1];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    size_t found = 0;
    gp_buf_put_lower(&b, domain);
    ask(c, name, GP_DNS_TXT, answer);
    if (answer->state == GP_DNS_TROUBLE) {
        rule_trouble(c, name, GP_DNS_TXT, answer->why);
        return false;
    }
    for (size_t i = 0; i < answer->n; i++) {
        struct gp_str text = {answer->record[i].text, answer->record[i].n};
        if (gp_spf_is_record(text)) {
            *record = text;
            found++;
        }
    }
    if (found > 1)
        rule(c, GP_SPF_PERMERROR, (struct gp_str){0}, domain, ": more than one SPF record");
    else if (found == 0 && answer->cut)
        rule(c, GP_SPF_UNKNOWN, (struct gp_str){0}, domain,
             ": a TXT record of more than 4096 octets, or more than 256");
    return found == 1;
}

static enum gp_spf_result check_domain(struct check *c, const struct level *up, struct gp_str domain)
{
    struct level here = {up, domain};
    struct gp_dns_answer answer = {0};
    struct gp_spf_outline outline;
    struct gp_str record;
    enum gp_spf_result result = GP_SPF_NONE;

    if (find_record(c, domain, &answer, &record)) {
        gp_spf_outline(record, &outline);
        if (outline.wrong.wrong != NULL) {
            char why[GP_SPF_WHY_MAX];
            struct gp_buf b = gp_buf_on(why, sizeof why);
            gp_buf_printf(&b, ": syntax error: %s", outline.wrong.wrong);
            result = rule(c, GP_SPF_PERMERROR, outline.wrong.text, domain, why);
        } else {
            result = check_terms(c, &here, gp_spf_terms(record), &outline);
        }
    } else if (c->ruled) {
        result = c->out->result;
    } else {
        set_why(c, (struct gp_str){0}, domain, ": no SPF record");
    }
    gp_dns_answer_free(&answer);
    return result;
}

void gp_spf_check(struct gp_dns *d, const struct gp_ip *from, struct gp_str local, struct gp_str domain,
                  uint64_t deadline_ms, gp_spf_trace_fn *trace, void *arg, struct gp_spf_answer *out)
{
    struct check c = {.dns = d, .deadline_ms = deadline_ms, .trace = trace, .trace_arg = arg, .out = out};
    *out = (struct gp_spf_answer){.result = GP_SPF_NONE, .ttl_s = GP_DNS_TTL_MOST};
    if (domain.n > 0 && domain.p[domain.n - 1] == '.')
        domain.n--;
    c.values = (struct gp_spf_values){local.n > 0 ? local : GP_STR("postmaster"), domain, domain, from};
    if (!gp_spf_name_valid(domain)) {
        set_why(&c, (struct gp_str){0}, domain, ": no domain that could have an SPF record");
        return;
    }
    c.matcher = gp_spf_matcher_new(from, on_ask, &c);
    if (c.matcher == NULL)
        rule(&c, GP_SPF_UNKNOWN, (struct gp_str){0}, domain, ": out of memory");
    else
        out->result = check_domain(&c, NULL, domain);
    gp_spf_matcher_free(c.matcher);
    gp_dns_answer_free(&c.answer);
}
