/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_record.c - an SPF record, term by term (pure)
 */
#include "shared/spf_record.h"

#include "shared/spf_macro.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63
#define VERSION GP_STR("v=spf1")

enum domain { NO_DOMAIN, MAY_DOMAIN, MUST_DOMAIN };

static const struct mechanism {
    struct gp_str name;
    enum gp_spf_kind kind;
    enum domain domain;
    bool prefix; /* may end in /24//64 */
} mechanisms[] = {
    {{"all", 3}, GP_SPF_ALL, NO_DOMAIN, false},  {{"include", 7}, GP_SPF_INCLUDE, MUST_DOMAIN, false},
    {{"a", 1}, GP_SPF_A, MAY_DOMAIN, true},      {{"mx", 2}, GP_SPF_MX, MAY_DOMAIN, true},
    {{"ptr", 3}, GP_SPF_PTR, MAY_DOMAIN, false}, {{"ip4", 3}, GP_SPF_IP4, NO_DOMAIN, true},
    {{"ip6", 3}, GP_SPF_IP6, NO_DOMAIN, true},   {{"exists", 6}, GP_SPF_EXISTS, MUST_DOMAIN, false},
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static struct gp_str from(struct gp_str s, size_t at)
{
    return at < s.n ? (struct gp_str){s.p + at, s.n - at} : (struct gp_str){s.p + s.n, 0};
}

bool gp_spf_is_record(struct gp_str txt)
{
    return gp_str_starts_nocase(txt, VERSION) && (txt.n == VERSION.n || txt.p[VERSION.n] == ' ');
}

struct gp_str gp_spf_terms(struct gp_str record)
{
    return from(record, VERSION.n);
}

bool gp_spf_asks(enum gp_spf_kind kind)
{
    switch (kind) {
    case GP_SPF_INCLUDE:
    case GP_SPF_A:
    case GP_SPF_MX:
    case GP_SPF_PTR:
    case GP_SPF_EXISTS:
    case GP_SPF_REDIRECT:
        return true;
    case GP_SPF_ALL:
    case GP_SPF_IP4:
    case GP_SPF_IP6:
    case GP_SPF_EXP:
    case GP_SPF_MODIFIER:
        return false;
    }
    return false;
}

/* toplabel: letters, digits, inner hyphens, and not only digits */
static bool is_top_label(struct gp_str label)
{
    bool numeric = true;
    if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        if (!is_alpha(label.p[i]) && !gp_is_digit(label.p[i]) && label.p[i] != '-')
            return false;
        numeric &= gp_is_digit(label.p[i]);
    }
    return !numeric;
}

static struct gp_str last_label(struct gp_str name)
{
    size_t at = name.n;
    while (at > 0 && name.p[at - 1] != '.')
        at--;
    return from(name, at);
}

static bool is_visible(struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    }
    return true;
}

bool gp_spf_name_valid(struct gp_str name)
{
    struct gp_str rest = name, label;
    size_t labels = 0;
    if (name.n > GP_SPF_NAME_MAX || !is_visible(name) || !is_top_label(last_label(name)))
        return false;
    for (; gp_str_split(&rest, '.', &label); labels++) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
    }
    return labels >= 2;
}

/* domain-spec */
static const char *read_domain(struct gp_str s, struct gp_spf_term *out)
{
    bool at_end;
    if (s.n == 0)
        return "a domain must follow";
    if (!gp_spf_macros_read(s, &out->macro, &at_end))
        return "its domain holds what no domain may, or a broken macro";
    out->domain = s;
    if (at_end)
        return NULL;
    if (s.n > 1 && s.p[s.n - 1] == '.')
        out->domain.n--;
    if (out->macro)
        return is_top_label(last_label(out->domain)) && out->domain.n > last_label(out->domain).n
                   ? NULL
                   : "its domain does not end like one";
    return gp_spf_name_valid(out->domain) ? NULL : "its domain is none";
}

/* Take "/24" off the end of *s; false when what stands there is no prefix length. None leaves *length alone. */
static bool take_prefix(struct gp_str *s, unsigned most, unsigned *length)
{
    uint64_t value;
    size_t at = s->n;
    while (at > 0 && gp_is_digit(s->p[at - 1]))
        at--;
    if (at == 0 || s->p[at - 1] != '/')
        return s->n == 0 || s->p[s->n - 1] != '/';
    struct gp_str digits = from(*s, at);
    if (digits.n == 0 || (digits.n > 1 && digits.p[0] == '0') || !gp_str_u64(digits, most, &value))
        return false;
    *length = (unsigned)value;
    s->n = at - 1;
    return true;
}

/* dual-cidr-length: "/24", "//64" or "/24//64" */
static bool take_prefixes(struct gp_str *s, struct gp_spf_term *out)
{
    size_t i = s->n;
    while (i > 0 && gp_is_digit(s->p[i - 1]))
        i--;
    bool v6 = i > 1 && s->p[i - 1] == '/' && s->p[i - 2] == '/';
    if (v6 && !take_prefix(s, 128, &out->v6))
        return false;
    if (v6)
        s->n--; /* the other slash */
    return take_prefix(s, 32, &out->v4);
}

static const char *read_network(struct gp_str s, struct gp_spf_term *out)
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = out->kind == GP_SPF_IP4;
    if (!take_prefix(&s, v4 ? 32 : 128, v4 ? &out->v4 : &out->v6))
        return "its prefix length is none";
    struct gp_buf b = gp_buf_on(text, sizeof text);
    gp_buf_put(&b, s);
    if (b.full || !is_visible(s) || inet_pton(v4 ? AF_INET : AF_INET6, text, out->net) != 1)
        return v4 ? "no IPv4 address follows" : "no IPv6 address follows";
    return NULL;
}

/* rest: what follows the name */
static const char *read_mechanism(const struct mechanism *m, struct gp_str rest, struct gp_spf_term *out)
{
    out->kind = m->kind;
    if (m->prefix && m->domain != NO_DOMAIN && !take_prefixes(&rest, out))
        return "its prefix length is none";
    if (m->kind == GP_SPF_IP4 || m->kind == GP_SPF_IP6)
        return rest.n > 0 && rest.p[0] == ':' ? read_network(from(rest, 1), out) : "an address must follow";
    if (rest.n == 0)
        return m->domain == MUST_DOMAIN ? "a domain must follow" : NULL;
    if (m->domain == NO_DOMAIN)
        return "nothing may follow it";
    return rest.p[0] == ':' ? read_domain(from(rest, 1), out) : "no such mechanism";
}

static const char *read_modifier(struct gp_str name, struct gp_str value, struct gp_spf_term *out)
{
    bool at_end;
    out->kind = gp_str_eq_nocase(name, GP_STR("redirect")) ? GP_SPF_REDIRECT
                : gp_str_eq_nocase(name, GP_STR("exp"))    ? GP_SPF_EXP
                                                           : GP_SPF_MODIFIER;
    if (out->kind != GP_SPF_MODIFIER)
        return read_domain(value, out);
    return gp_spf_macros_read(value, &out->macro, &at_end) ? NULL : "a modifier with a broken macro";
}

static bool is_qualifier(char c)
{
    return is_one_of(c, "+-~?");
}

static const char *read_term(struct gp_str s, struct gp_spf_term *out)
{
    bool qualified = is_qualifier(s.p[0]);
    struct gp_str word = from(s, qualified), name = word;
    size_t n = 0;
    while (n < word.n && (is_alpha(word.p[n]) || (n > 0 && (gp_is_digit(word.p[n]) || is_one_of(word.p[n], "-_.")))))
        n++;
    name.n = n;
    if (n > 0 && n < word.n && word.p[n] == '=')
        return qualified ? "a modifier has no sign before it" : read_modifier(name, from(word, n + 1), out);
    out->qualifier = qualified ? s.p[0] : '+';
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if (gp_str_eq_nocase(name, mechanisms[i].name))
            return read_mechanism(&mechanisms[i], from(word, n), out);
    }
    return "no such mechanism";
}

bool gp_spf_term_next(struct gp_str *rest, struct gp_spf_term *out)
{
    while (rest->n > 0 && rest->p[0] == ' ')
        *rest = from(*rest, 1);
    if (rest->n == 0)
        return false;
    *out = (struct gp_spf_term){.text = {rest->p, gp_str_find(*rest, ' ')}, .v4 = 32, .v6 = 128};
    *rest = from(*rest, out->text.n);
    out->wrong = read_term(out->text, out);
    return true;
}

/* What is wrong with a term because of those before it. */
static const char *wrong_here(const struct gp_spf_term *term, const struct gp_spf_outline *seen, bool *exp)
{
    if (term->wrong != NULL)
        return term->wrong;
    if (term->kind == GP_SPF_REDIRECT && seen->has_redirect)
        return "a second redirect=";
    if (term->kind == GP_SPF_EXP && *exp)
        return "a second exp=";
    *exp |= term->kind == GP_SPF_EXP;
    return NULL;
}

void gp_spf_outline(struct gp_str record, struct gp_spf_outline *out)
{
    struct gp_str rest = gp_spf_terms(record);
    struct gp_spf_term term;
    bool exp = false;
    *out = (struct gp_spf_outline){0};
    while (gp_spf_term_next(&rest, &term)) {
        term.wrong = wrong_here(&term, out, &exp);
        if (term.wrong != NULL && out->wrong.wrong == NULL)
            out->wrong = term;
        if (term.wrong != NULL)
            continue;
        if (term.kind == GP_SPF_ALL && !out->has_all) {
            out->has_all = true;
            out->all = term;
        } else if (term.kind == GP_SPF_REDIRECT) {
            out->has_redirect = true;
            out->redirect = term;
        } else if (gp_spf_asks(term.kind) && !out->has_all) {
            out->lookups++;
        }
    }
    out->lookups += out->has_redirect && !out->has_all;
}
