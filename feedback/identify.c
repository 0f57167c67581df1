/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * identify.c - whose message a report is about, as far as tokens of ours prove it
 */
#include "feedback/identify.h"

#include <string.h>

#define TOKENS_MAX (GP_REPORT_TOKENS_MAX + 2) /* the report's, the envelope's, the subject */

struct sealed {
    char buf[GP_TOKEN_SEALED_MAX];
    struct gp_token_sealed token;
    struct gp_str text;
};

/* Every genuine token that was found. */
struct evidence {
    const struct gp_config *c;
    uint32_t today;
    size_t shorts_n, sealed_n;
    struct gp_token_short shorts[TOKENS_MAX];
    char short_text[TOKENS_MAX][GP_TOKEN_SHORT + 1];
    struct sealed sealed[2]; /* a third adds nothing: two either agree or do not */
    bool conflict;
};

static bool same_person(const struct gp_token_sealed *a, const struct gp_token_sealed *b)
{
    return gp_str_eq(a->agency, b->agency) && gp_str_eq_nocase(a->recipient, b->recipient);
}

static void add_sealed(struct evidence *e, struct gp_str text)
{
    struct sealed *place = &e->sealed[e->sealed_n > 0];
    if (gp_token_open(&e->c->keyring, text, place->buf, &place->token) != GP_TOKEN_VALID ||
        place->token.recipient.n == 0)
        return;
    place->text = text;
    if (e->sealed_n == 0)
        e->sealed_n = 1;
    else if (!same_person(&e->sealed[0].token, &e->sealed[1].token))
        e->conflict = true;
}

/* Returns whether it is one. */
static bool add_short(struct evidence *e, struct gp_str local)
{
    struct gp_token_short *t = &e->shorts[e->shorts_n];
    enum gp_token_state state = e->shorts_n < TOKENS_MAX
                                    ? gp_token_verify(&e->c->keyring, local, gp_str_z(e->c->return_path), e->today, t)
                                    : GP_TOKEN_MALFORMED;
    if (state != GP_TOKEN_VALID && state != GP_TOKEN_EXPIRED)
        return false;
    struct gp_buf b = gp_buf_on(e->short_text[e->shorts_n], sizeof e->short_text[0]);
    gp_buf_put_lower(&b, local);
    e->shorts_n++;
    return true;
}

/* The local-part of an address at return_path; false for any other text. */
static bool local_of(const struct gp_config *c, struct gp_str text, struct gp_str *local)
{
    size_t at = gp_str_find(text, '@');
    if (at == text.n || !gp_str_eq_nocase((struct gp_str){text.p + at + 1, text.n - at - 1}, gp_str_z(c->return_path)))
        return false;
    *local = (struct gp_str){text.p, at};
    return true;
}

static void add(struct evidence *e, struct gp_str text)
{
    struct gp_str local;
    if (local_of(e->c, text, &local))
        add_short(e, local);
    else if (text.n == GP_TOKEN_SHORT)
        add_short(e, text);
    else if (text.n > GP_TOKEN_SHORT && gp_str_find(text, '@') == text.n)
        add_sealed(e, text);
}

static void add_all(struct evidence *e, const struct gp_report *r, bool body)
{
    for (size_t i = 0; i < r->tokens_n; i++) {
        enum gp_token_place place = r->tokens[i].place;
        if (place != GP_PLACE_SUBJECT && (place == GP_PLACE_BODY) == body)
            add(e, r->tokens[i].text);
    }
}

/* A mail program may have folded the long subject. */
static void add_subject(struct evidence *e, struct gp_str subject)
{
    char text[GP_TOKEN_SEALED_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0; i < subject.n; i++) {
        if (subject.p[i] > ' ')
            gp_buf_put(&b, (struct gp_str){subject.p + i, 1});
    }
    if (!b.full)
        add_sealed(e, gp_buf_str(&b));
}

static bool names_recipient(const struct evidence *e, const struct gp_token_short *t, struct gp_str address)
{
    uint8_t hash[sizeof t->recipient];
    return address.n > 0 && gp_token_recipient(&e->c->keyring, t->key_id, address, hash) &&
           memcmp(hash, t->recipient, sizeof hash) == 0;
}

static bool names_agency(const struct evidence *e, const struct gp_token_short *t, struct gp_str name)
{
    uint8_t hash[sizeof t->agency];
    return gp_token_agency(&e->c->keyring, t->key_id, name, hash) && memcmp(hash, t->agency, sizeof hash) == 0;
}

/* Short tokens of one key can be compared with each other even when nobody knows whom they name. */
static bool shorts_agree(const struct evidence *e)
{
    const struct gp_token_short *first = &e->shorts[0];
    for (size_t i = 1; i < e->shorts_n; i++) {
        const struct gp_token_short *t = &e->shorts[i];
        if (t->key_id == first->key_id && (memcmp(t->agency, first->agency, sizeof t->agency) != 0 ||
                                           memcmp(t->recipient, first->recipient, sizeof t->recipient) != 0))
            return false;
    }
    return true;
}

static bool shorts_name(const struct evidence *e, struct gp_str recipient, struct gp_str agency)
{
    for (size_t i = 0; i < e->shorts_n; i++) {
        if (!names_recipient(e, &e->shorts[i], recipient) || !names_agency(e, &e->shorts[i], agency))
            return false;
    }
    return true;
}

/* The first address of the report that the first short token names; original recipients before final ones. */
static struct gp_str named_address(const struct evidence *e, const struct gp_report *r, struct gp_str sender, bool any)
{
    const struct gp_token_short *t = &e->shorts[0];
    for (size_t i = 0; i < r->recipients_n; i++) {
        if (names_recipient(e, t, r->recipients[i].original_recipient))
            return r->recipients[i].original_recipient;
    }
    for (size_t i = 0; i < r->recipients_n; i++) {
        if (names_recipient(e, t, r->recipients[i].recipient))
            return r->recipients[i].recipient;
    }
    if (any && names_recipient(e, t, sender))
        return sender;
    return any && names_recipient(e, t, r->from) ? r->from : (struct gp_str){NULL, 0};
}

static void prove(struct gp_who *out, struct gp_str recipient, struct gp_str agency, struct gp_str stream, uint32_t day)
{
    struct gp_buf r = gp_buf_on(out->recipient, sizeof out->recipient), a = gp_buf_on(out->agency, sizeof out->agency),
                  s = gp_buf_on(out->stream, sizeof out->stream);
    gp_buf_put_lower(&r, recipient);
    gp_buf_put(&a, agency);
    gp_buf_put(&s, stream);
    out->day = day;
    out->proof = GP_PROOF_VALID;
}

static void decide(const struct evidence *e, const struct gp_report *r, struct gp_str sender, struct gp_who *out)
{
    const struct gp_token_sealed *s = &e->sealed[0].token;
    bool conflict = e->conflict || !shorts_agree(e);
    if (e->sealed_n > 0) {
        prove(out, s->recipient, s->agency, s->stream, s->day);
        conflict = conflict || !shorts_name(e, s->recipient, s->agency);
    } else if (e->shorts_n > 0) {
        const struct gp_token_short *t = &e->shorts[0];
        const struct gp_agency *a = gp_config_by_token(e->c, t->key_id, t->agency);
        struct gp_str address = named_address(e, r, sender, out->to_token && out->to == GP_TOKEN_UNSUBSCRIBE);
        if (a != NULL && address.n > 0) {
            prove(out, address, gp_str_z(a->name), (struct gp_str){NULL, 0}, t->day);
            conflict = conflict || !shorts_name(e, address, gp_str_z(a->name));
        }
    }
    if (conflict)
        out->proof = GP_PROOF_CONFLICT;
}

/* One message has one name, by which copies of a report are known, here and in the mail log: its return path's token.
 */
static void name(const struct evidence *e, struct gp_who *out)
{
    struct gp_buf b = gp_buf_on(out->token, sizeof out->token);
    size_t best = 0;
    for (size_t i = e->shorts_n; i > 0; i--) {
        if (e->shorts[i - 1].type == GP_TOKEN_BOUNCE)
            best = i - 1;
    }
    if (e->shorts_n > 0)
        gp_buf_putz(&b, e->short_text[best]);
    else if (e->sealed_n > 0)
        gp_buf_printf(&b, "s%016llx", (unsigned long long)gp_str_hash(e->sealed[0].text));
}

void gp_identify(const struct gp_config *c, const struct gp_report *r, struct gp_str sender, struct gp_str to,
                 uint32_t today, struct gp_who *out)
{
    struct evidence e = {.c = c, .today = today};
    struct gp_str local;
    memset(out, 0, sizeof *out);
    out->to_token = local_of(c, to, &local) && add_short(&e, local);
    if (out->to_token) {
        out->to = e.shorts[0].type;
        out->to_agency = gp_config_by_token(c, e.shorts[0].key_id, e.shorts[0].agency);
    }
    if (out->to_token && out->to == GP_TOKEN_UNSUBSCRIBE) {
        add_subject(&e, r->subject);
    } else {
        add_all(&e, r, false);
        if (e.shorts_n == out->to_token && e.sealed_n == 0)
            add_all(&e, r, true);
    }
    decide(&e, r, sender, out);
    name(&e, out);
}
