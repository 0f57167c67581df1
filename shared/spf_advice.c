/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_advice.c - what is unwise or wrong about an SPF record, and a better one (pure)
 */
#include "shared/spf_advice.h"

#include "shared/spf_record.h"

struct teller {
    gp_spf_finding_fn *tell;
    void *arg;
};

static void tell(const struct teller *t, bool error, struct gp_str term, const char *text)
{
    struct gp_spf_finding finding = {error, term, text};
    t->tell(t->arg, &finding);
}

/* "ip4=192.0.2.1" is a modifier that nobody knows, so it is ignored. */
static bool is_mechanism_with_equals_sign(const struct gp_spf_term *term)
{
    static const char *const names[] = {"ip4=", "ip6=", "a=", "mx=", "ptr=", "include=", "exists=", "all="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (gp_str_starts_nocase(term->text, gp_str_z(names[i])))
            return true;
    }
    return false;
}

/* What a right term is blamed for. */
static void lint_term(const struct teller *t, const struct gp_spf_term *term)
{
    bool passes = term->qualifier == '+';
    switch (term->kind) {
    case GP_SPF_ALL:
        if (passes)
            tell(t, true, term->text, "lets every address in the world pass");
        break;
    case GP_SPF_IP4:
    case GP_SPF_IP6:
        if (passes && (term->kind == GP_SPF_IP4 ? term->v4 : term->v6) == 0)
            tell(t, true, term->text, "lets every address in the world pass");
        break;
    case GP_SPF_PTR:
        tell(t, false, term->text, "is deprecated: slow, and receivers may skip it");
        break;
    case GP_SPF_MODIFIER:
        tell(t, false, term->text,
             is_mechanism_with_equals_sign(term) ? "is ignored: a mechanism has a colon, not an equals sign"
                                                 : "is ignored: no such modifier");
        break;
    case GP_SPF_A:
    case GP_SPF_MX:
    case GP_SPF_INCLUDE:
    case GP_SPF_EXISTS:
    case GP_SPF_REDIRECT:
    case GP_SPF_EXP:
        break;
    }
}

static void lint_end(const struct teller *t, const struct gp_spf_outline *outline)
{
    if (!outline->has_all && !outline->has_redirect)
        tell(t, false, (struct gp_str){0},
             "ends without all: what no term matches is neutral, as if there were no record");
    if (outline->has_all && outline->all.qualifier == '?')
        tell(t, false, outline->all.text, "says nothing of other senders; ~all or -all does");
}

void gp_spf_lint(struct gp_str record, bool included, gp_spf_finding_fn *fn, void *arg)
{
    const struct teller t = {fn, arg};
    struct gp_str rest = gp_spf_terms(record);
    struct gp_spf_outline outline;
    struct gp_spf_term term;
    bool ended = false, seen[GP_SPF_MODIFIER + 1] = {false};
    gp_spf_outline(record, &outline);
    while (gp_spf_term_next(&rest, &term)) {
        if (term.wrong != NULL)
            tell(&t, true, term.text, term.wrong);
        else if ((term.kind == GP_SPF_REDIRECT || term.kind == GP_SPF_EXP) && seen[term.kind])
            tell(&t, true, term.text, "stands there twice");
        else if (ended && term.kind < GP_SPF_REDIRECT)
            tell(&t, false, term.text, "is ignored, because it stands behind all");
        else
            lint_term(&t, &term);
        seen[term.kind] |= term.wrong == NULL;
        ended = seen[GP_SPF_ALL];
    }
    if (outline.has_all && outline.has_redirect)
        tell(&t, false, outline.redirect.text, "is ignored, because there is an all");
    if (!included)
        lint_end(&t, &outline);
    if (record.n > GP_SPF_LENGTH_WISE)
        tell(&t, false, (struct gp_str){0}, "is longer than 450 octets, which not every DNS answer can carry");
}

const char *gp_spf_lookalike(struct gp_str txt)
{
    struct gp_str inner = gp_str_trim(txt);
    if (gp_spf_is_record(txt))
        return NULL;
    if (gp_str_starts_nocase(inner, GP_STR("spf2.0/")))
        return "a Sender ID record (spf2.0): obsolete, and no receiver reads it";
    while (inner.n > 0 && (inner.p[0] == '"' || inner.p[0] == ' ' || inner.p[0] == '\''))
        inner = (struct gp_str){inner.p + 1, inner.n - 1};
    if (!gp_str_starts_nocase(inner, GP_STR("v=spf")) && !gp_str_starts_nocase(inner, GP_STR("spf1 ")) &&
        !gp_str_starts_nocase(inner, GP_STR("v=sfp")))
        return NULL;
    return "no SPF record, though it looks like one: it must begin with v=spf1 and a blank";
}

/* Has the record that is being written this term, or an explanation when this is one? */
static bool has_term(const struct gp_buf *out, const struct gp_spf_term *wanted)
{
    struct gp_str rest = gp_spf_terms(gp_buf_str(out));
    struct gp_spf_term term;
    while (gp_spf_term_next(&rest, &term)) {
        if (gp_str_eq_nocase(term.text, wanted->text) || (wanted->kind == GP_SPF_EXP && term.kind == GP_SPF_EXP))
            return true;
    }
    return false;
}

static void put_term(struct gp_buf *out, struct gp_str text)
{
    struct gp_spf_term term;
    if (!gp_spf_term_next(&text, &term) || has_term(out, &term))
        return;
    gp_buf_putz(out, " ");
    gp_buf_put(out, term.text);
}

/* Terms of one record: the mechanisms up to all, or the modifiers but redirect. */
static void put_terms(struct gp_buf *out, struct gp_str record, bool modifiers)
{
    struct gp_str rest = gp_spf_terms(record);
    struct gp_spf_term term;
    bool ended = false;
    while (gp_spf_term_next(&rest, &term)) {
        if (term.wrong != NULL || term.kind == GP_SPF_REDIRECT)
            continue;
        ended |= term.kind == GP_SPF_ALL;
        bool modifier = term.kind > GP_SPF_REDIRECT;
        if (modifier == modifiers && (modifier || !ended))
            put_term(out, term.text);
    }
}

/* How the new record ends: as the first of the old ones that has an end. */
static void put_end(struct gp_buf *out, const struct gp_str *records, size_t n)
{
    struct gp_spf_outline outline;
    struct gp_str redirect = {0};
    for (size_t i = 0; i < n; i++) {
        gp_spf_outline(records[i], &outline);
        if (outline.has_all) {
            put_term(out, outline.all.qualifier == '+' ? GP_STR("~all") : outline.all.text);
            return;
        }
        if (outline.has_redirect && redirect.n == 0)
            redirect = outline.redirect.text;
    }
    put_term(out, redirect.n > 0 ? redirect : n > 0 ? GP_STR("~all") : GP_STR("-all"));
}

void gp_spf_correct(const struct gp_str *records, size_t n, struct gp_str include, struct gp_buf *out)
{
    gp_buf_putz(out, "v=spf1");
    for (size_t i = 0; i < n; i++)
        put_terms(out, records[i], false);
    if (include.n > 0) {
        char text[sizeof "include:" + GP_SPF_NAME_MAX];
        struct gp_buf b = gp_buf_on(text, sizeof text);
        gp_buf_putz(&b, "include:");
        gp_buf_put(&b, include);
        put_term(out, gp_buf_str(&b));
    }
    put_end(out, records, n);
    for (size_t i = 0; i < n; i++)
        put_terms(out, records[i], true);
}
