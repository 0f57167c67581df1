/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.c - from what was said to what it means
 *
 * The texts are asked in the order of their worth: what was said about the recipient, what the report tells people
 * about him, the rest of it, its subject; then the bare codes. What was said before a recipient was named is never
 * about him.
 */
#include "shared/address.h"
#include "shared/report/evidence.h"

#include <string.h>

/* All that is known about one recipient's case. */
struct facts {
    const struct gp_dictionary *d;
    unsigned steps;           /* that looking into texts may still take */
    struct gp_evidence codes; /* its text is set for each text */
    enum gp_report_phase phase;
    bool final;                  /* no more attempts */
    struct gp_str sender_domain; /* "" when not known */
    struct gp_str recipient_domain;
};

static bool temporary(const struct gp_evidence *e)
{
    return e->reply[0] != 0 ? e->reply[0] == '4' : e->enhanced[0] == 4;
}

static bool before_recipient(enum gp_report_phase phase)
{
    return phase == GP_PHASE_CONNECT || phase == GP_PHASE_HELO || phase == GP_PHASE_MAIL;
}

/* A domain said not to exist may be the sender's own. */
static bool names_sender(const struct facts *f, struct gp_str text)
{
    return !gp_str_eq_nocase(f->sender_domain, f->recipient_domain) && gp_evidence_names(text, f->sender_domain) &&
           !gp_evidence_names(text, f->recipient_domain);
}

/* What an entry says of the recipient holds only for what was finally said about him. text: "" when codes decide. */
static enum gp_category category_of(const struct facts *f, const struct gp_dictionary_entry *e, struct gp_str text)
{
    bool final = f->final && !temporary(&f->codes);
    if (e->category != GP_CATEGORY_HARD && e->category != GP_CATEGORY_UNKNOWN)
        return e->category;
    if (before_recipient(f->phase) || (e->action == GP_REPLY_COMPARE && names_sender(f, text)))
        return GP_CATEGORY_POLICY;
    if (final && text.n == 0 && f->phase == GP_PHASE_DATA) /* the recipient had been accepted */
        return GP_CATEGORY_CONTENT;
    return final ? e->category : GP_CATEGORY_SOFT; /* what is still tried again is no bounce yet */
}

static struct gp_meaning meaning_of(const struct facts *f, const struct gp_dictionary_entry *e, struct gp_str text)
{
    bool suppresses = e->action == GP_REPLY_SUPPRESS || e->action == GP_REPLY_COMPARE;
    struct gp_meaning m = {.category = category_of(f, e, text),
                           .matched = e->pattern.text != NULL || e->provider != GP_CODE_ANY,
                           .by = e->by};
    m.suppress = suppresses && m.category == GP_CATEGORY_HARD;
    if (!suppresses || m.suppress) {
        m.action = e->action;
        m.action_s = e->action_s;
    }
    m.greylisting = m.action == GP_REPLY_GREYLISTING;
    return m;
}

/* What the first entry that fits one text says; false when none does. clean is the text, out's octets its own. */
static bool ask_text(struct facts *f, struct gp_str clean, struct gp_meaning *out)
{
    char joined[GP_EVIDENCE_MAX + 1];
    struct gp_buf b = gp_buf_on(joined, sizeof joined);
    gp_evidence_join(clean, &f->codes, &b);
    f->codes.text = gp_buf_str(&b);
    const struct gp_dictionary_entry *e = gp_dictionary_find(f->d, &f->codes, &f->steps);
    if (e != NULL)
        *out = meaning_of(f, e, f->codes.text);
    f->codes.text = (struct gp_str){"", 0};
    return e != NULL;
}

static struct gp_meaning ask_codes(const struct facts *f)
{
    const struct gp_dictionary_entry *e = gp_dictionary_find_codes(f->d, &f->codes);
    if (e != NULL)
        return meaning_of(f, e, f->codes.text);
    return (struct gp_meaning){.category = temporary(&f->codes) || !f->final ? GP_CATEGORY_SOFT : GP_CATEGORY_UNKNOWN,
                               .by = "nothing"};
}

struct gp_meaning gp_classify_said(const struct gp_dictionary *d, const struct gp_said *said)
{
    char clean[GP_EVIDENCE_MAX + 1];
    struct gp_buf b = gp_buf_on(clean, sizeof clean);
    struct facts f = {.d = d,
                      .steps = GP_DICTIONARY_SAID_STEPS,
                      .phase = said->phase,
                      .final = said->final,
                      .sender_domain = said->sender};
    struct gp_meaning m;
    gp_evidence_clean(said->text, &b);
    struct gp_str text = gp_evidence_strip(gp_buf_str(&b), &f.phase);
    gp_evidence_codes(text, said->reply, said->status, &f.codes);
    gp_dictionary_providers(d, said->provider, &f.codes.providers);
    f.recipient_domain = said->provider;
    return ask_text(&f, text, &m) ? m : ask_codes(&f);
}

static struct gp_str sender_domain(const struct gp_report *r)
{
    for (size_t i = 0; i < r->tokens_n; i++)
        if (r->tokens[i].place == GP_PLACE_RETURN_PATH)
            return gp_address_domain(r->tokens[i].text);
    return gp_address_domain(r->returned_from);
}

static bool ask_raw(struct facts *f, struct gp_str raw, struct gp_meaning *out)
{
    char clean[GP_EVIDENCE_MAX + 1];
    struct gp_buf b = gp_buf_on(clean, sizeof clean);
    gp_evidence_clean(raw, &b);
    return b.n > 0 && ask_text(f, gp_buf_str(&b), out);
}

/* Comes first: its codes and its phase hold for the other texts too. */
static bool ask_diagnostic(struct facts *f, const struct gp_report_recipient *p, struct gp_meaning *out)
{
    char clean[GP_REPORT_TEXT_MAX + 1];
    struct gp_buf b = gp_buf_on(clean, sizeof clean);
    gp_evidence_clean(p->diagnostic, &b);
    struct gp_str text = gp_evidence_strip(gp_buf_str(&b), &f->phase);
    gp_evidence_codes(text, p->reply, p->enhanced.n > 0 ? p->enhanced : p->status, &f->codes);
    return ask_text(f, text, out);
}

static struct gp_meaning judge(struct facts *f, const struct gp_report *r, size_t i)
{
    const struct gp_report_recipient *p = &r->recipients[i];
    struct gp_meaning m = {.category = GP_CATEGORY_DELIVERED, .matched = true, .by = "action"};
    if (p->action == GP_ACTION_DELIVERED || p->action == GP_ACTION_RELAYED || p->action == GP_ACTION_EXPANDED)
        return m;
    f->phase = p->phase;
    f->final = p->action != GP_ACTION_DELAYED;
    f->recipient_domain = gp_address_domain(p->recipient.n > 0 ? p->recipient : p->original_recipient);
    f->codes.providers = (struct gp_providers){0};
    gp_dictionary_providers(f->d, p->remote, &f->codes.providers);
    gp_dictionary_providers(f->d, f->recipient_domain, &f->codes.providers);
    if (ask_diagnostic(f, p, &m) || ask_raw(f, p->human, &m))
        return m;
    if (r->recipients_n == 1 && (ask_raw(f, r->human, &m) || ask_raw(f, r->subject, &m))) /* it is about him alone */
        return m;
    return ask_codes(f);
}

static void set_all(struct gp_report *r, enum gp_category category, bool suppress)
{
    r->category = category;
    for (size_t i = 0; i < r->recipients_n; i++) {
        r->recipients[i].category = category;
        r->recipients[i].suppress = suppress;
        r->recipients[i].matched = true;
        r->recipients[i].by = "kind";
    }
}

static void classify_failures(const struct gp_dictionary *d, struct gp_report *r)
{
    struct facts f = {.d = d, .steps = GP_DICTIONARY_REPORT_STEPS, .sender_domain = sender_domain(r), .final = true};
    struct gp_meaning m = {0};
    for (size_t i = 0; i < r->recipients_n; i++) {
        m = judge(&f, r, i);
        r->recipients[i].category = m.category;
        r->recipients[i].suppress = m.suppress;
        r->recipients[i].matched = m.matched;
        r->recipients[i].by = m.by;
    }
    gp_evidence_codes(GP_STR(""), GP_STR(""), GP_STR(""), &f.codes);
    if (r->recipients_n > 0)
        r->category = r->recipients[0].category;
    else
        r->category = ask_raw(&f, r->human, &m) || ask_raw(&f, r->subject, &m) ? m.category : GP_CATEGORY_UNKNOWN;
}

void gp_classify(const struct gp_dictionary *d, struct gp_report *r)
{
    bool harmless =
        gp_str_eq(r->feedback.type, GP_STR("not-spam")) || gp_str_eq(r->feedback.type, GP_STR("auth-failure"));
    switch (r->kind) {
    case GP_REPORT_DSN:
    case GP_REPORT_BOUNCE:
        classify_failures(d, r);
        break;
    case GP_REPORT_ARF:
        set_all(r, GP_CATEGORY_COMPLAINT, !harmless);
        break;
    case GP_REPORT_AUTO_REPLY:
        set_all(r, GP_CATEGORY_AUTO_REPLY, false);
        break;
    case GP_REPORT_UNSUBSCRIBE:
        set_all(r, GP_CATEGORY_UNSUBSCRIBE, true);
        break;
    case GP_REPORT_OTHER:
        set_all(r, GP_CATEGORY_NOT_A_BOUNCE, false);
        break;
    }
}
