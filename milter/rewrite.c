/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rewrite.c - the plan of a message's edits: sender, then deletions, then additions
 */
#include "milter/rewrite.h"

#include "milter/covered.h"
#include "milter/stream.h"
#include "milter/unsubscribe.h"
#include "shared/address.h"

#include <string.h>

/* What the steps of one plan share. */
struct planning {
    const struct gp_config *c;
    const struct gp_agency *a;
    const struct gp_headers *h;
    const struct gp_envelope *e;
    struct gp_plan *plan;
    uint32_t day; /* of the short tokens */
    uint8_t id[3];
};

/* Is it a valid bounce token of ours at return_path? */
static bool read_return_path(const struct gp_config *c, struct gp_str sender, uint32_t today,
                             struct gp_token_short *token)
{
    struct gp_str domain = gp_address_domain(sender);
    if (domain.n == 0 || !gp_str_eq_nocase(domain, gp_str_z(c->return_path)))
        return false;
    struct gp_str local = {sender.p, sender.n - domain.n - 1};
    return gp_token_verify(&c->keyring, local, domain, today, token) == GP_TOKEN_VALID &&
           token->type == GP_TOKEN_BOUNCE;
}

bool gp_rewrite_is_ours(const struct gp_config *c, const struct gp_agency *a, struct gp_str sender,
                        struct gp_str recipient, uint32_t today)
{
    struct gp_token_short t;
    uint8_t agency_hash[sizeof t.agency], recipient_hash[sizeof t.recipient];
    if (!read_return_path(c, sender, today, &t) ||
        !gp_token_agency(&c->keyring, t.key_id, gp_str_z(a->name), agency_hash) ||
        memcmp(agency_hash, t.agency, sizeof agency_hash) != 0)
        return false;
    if (recipient.n == 0)
        return true;
    return gp_token_recipient(&c->keyring, t.key_id, recipient, recipient_hash) &&
           memcmp(recipient_hash, t.recipient, sizeof recipient_hash) == 0;
}

static bool add_edit(struct planning *p, struct gp_edit edit)
{
    if (p->plan->n == GP_PLAN_EDITS_MAX || p->plan->buf.full)
        return false;
    p->plan->edit[p->plan->n++] = edit;
    return true;
}

/* Texts stand one behind the other in the plan, each with its NUL: begin, write to plan->buf, end. */
static const char *begin_text(struct planning *p)
{
    return p->plan->buf.p + p->plan->buf.n;
}

static bool end_text(struct planning *p)
{
    gp_buf_put(&p->plan->buf, (struct gp_str){"", 1});
    return !p->plan->buf.full;
}

static bool sign(const struct planning *p, enum gp_token_type type, char out[GP_TOKEN_SHORT + 1])
{
    return gp_token_sign(&p->c->keyring, type, p->day, gp_str_z(p->a->name), p->e->recipient, p->id,
                         gp_str_z(p->c->return_path), out);
}

static bool plan_sender(struct planning *p)
{
    struct gp_buf path = gp_buf_on(p->plan->return_path, sizeof p->plan->return_path);
    struct gp_token_short token;
    char local[GP_TOKEN_SHORT + 1];
    if (p->e->sender.n == 0)
        return true;
    if (p->e->re_enveloped) {
        /* the tokens in its headers name the same message as its return path */
        if (read_return_path(p->c, p->e->sender, p->e->day, &token)) {
            p->day = token.day;
            memcpy(p->id, token.id, sizeof p->id);
        }
        gp_buf_put(&path, p->e->sender);
        return !path.full;
    }
    if (!sign(p, GP_TOKEN_BOUNCE, local))
        return false;
    gp_buf_printf(&path, "%s@%s", local, p->c->return_path);
    const char *arguments = begin_text(p);
    gp_buf_printf(&p->plan->buf, "ENVID=%s RET=HDRS", local);
    return !path.full && end_text(p) &&
           add_edit(p, (struct gp_edit){GP_EDIT_SENDER, p->plan->return_path, arguments, 0, 0});
}

/* All of that name from the first-th on. */
static bool plan_deletes(struct planning *p, const char *name, unsigned count, unsigned first)
{
    return count < first || add_edit(p, (struct gp_edit){GP_EDIT_DELETE, name, NULL, first, count});
}

static bool plan_add(struct planning *p, const char *name, struct gp_str value)
{
    const char *text = begin_text(p);
    gp_buf_putz(&p->plan->buf, " ");
    gp_buf_put(&p->plan->buf, value);
    return end_text(p) && add_edit(p, (struct gp_edit){GP_EDIT_ADD, name, text, 0, 0});
}

/* One URI a line: ours are long, and a fold inside a URI is not allowed. */
static void put_uri_start(struct planning *p, const char *value)
{
    gp_buf_putz(&p->plan->buf, begin_text(p) == value ? " <" : ",\n\t<");
}

static bool plan_unsubscribe(struct planning *p, const struct gp_unsubscribe_choice *choice)
{
    struct gp_plan *plan = p->plan;
    const char *value = begin_text(p);
    char local[GP_TOKEN_SHORT + 1];
    for (size_t i = 0; i < choice->uris; i++) {
        put_uri_start(p, value);
        gp_buf_put(&plan->buf, choice->uri[i]);
        gp_buf_putz(&plan->buf, ">");
    }
    if (choice->our_https) {
        put_uri_start(p, value);
        gp_buf_printf(&plan->buf, "%s/u/%s>", p->c->public_url, plan->sealed);
    }
    if (choice->our_mailto) {
        if (!sign(p, GP_TOKEN_UNSUBSCRIBE, local))
            return false;
        put_uri_start(p, value);
        gp_buf_printf(&plan->buf, "mailto:%s@%s?subject=%s>", local, p->c->return_path, plan->sealed);
    }
    if (begin_text(p) != value &&
        (!end_text(p) || !add_edit(p, (struct gp_edit){GP_EDIT_ADD, "List-Unsubscribe", value, 0, 0})))
        return false;
    return !choice->our_post || plan_add(p, "List-Unsubscribe-Post", GP_STR("List-Unsubscribe=One-Click"));
}

/* What the plan changes, as a set of covered.h. */
static uint64_t changed_by(const struct gp_plan *plan)
{
    uint64_t set = 0;
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->edit[i].kind != GP_EDIT_SENDER)
            set |= gp_covered_set(gp_str_z(plan->edit[i].name));
    }
    return set;
}

/* A signature names how many instances of a header it covers, counted from the last one. So deleting any (those that go
 * are the last ones) and adding one at the end both break it; also when it named a header that was not there.
 */
static bool plan_client_signatures(struct planning *p)
{
    static const char name[] = "DKIM-Signature";
    unsigned count = p->h->signatures < GP_HEADERS_SIGNATURES_MAX ? p->h->signatures : GP_HEADERS_SIGNATURES_MAX;
    bool gone[GP_HEADERS_SIGNATURES_MAX] = {false};
    uint64_t changed = changed_by(p->plan);
    if (p->a->client_signatures == GP_CLIENT_SIGNATURES_KEEP)
        return true;
    for (bool more = true; more;) { /* a signature may cover one that goes */
        more = false;
        for (unsigned i = 0; i < count; i++) {
            if (gone[i] || ((p->h->covers[i] & changed) == 0 && p->a->client_signatures == GP_CLIENT_SIGNATURES_AUTO))
                continue;
            gone[i] = more = true;
            changed |= gp_covered_set(GP_STR("DKIM-Signature"));
        }
    }
    for (unsigned i = count; i > 0; i--) {
        if (gone[i - 1] && !add_edit(p, (struct gp_edit){GP_EDIT_DELETE, name, NULL, i, i}))
            return false;
    }
    return true;
}

static bool plan_sealed(struct planning *p)
{
    struct gp_str message = gp_str_z(p->h->message_id);
    if (message.n == 0)
        message = p->e->queue_id;
    if (message.n > GP_TOKEN_MESSAGE_MAX)
        message.n = GP_TOKEN_MESSAGE_MAX;
    return gp_token_seal(&p->c->keyring, p->day, gp_str_z(p->a->name), p->e->recipient, message,
                         gp_stream_of(p->a, p->h), p->plan->sealed);
}

void gp_plan_empty(struct gp_plan *plan)
{
    plan->n = 0;
    plan->buf = gp_buf_on(plan->text, sizeof plan->text);
    plan->return_path[0] = plan->sealed[0] = '\0';
}

bool gp_rewrite(const struct gp_config *c, const struct gp_agency *a, const struct gp_headers *h,
                const struct gp_envelope *e, struct gp_plan *plan)
{
    struct planning p = {.c = c, .a = a, .h = h, .e = e, .plan = plan, .day = e->day};
    struct gp_unsubscribe_choice choice;
    bool have_https = gp_str_z(c->public_url).n > 0 && gp_str_z(c->public_url).n <= GP_PLAN_PUBLIC_URL_MAX;
    memcpy(p.id, e->id, sizeof p.id);
    gp_plan_empty(plan);
    gp_unsubscribe_choose(a->unsubscribe, h, have_https, &choice);
    return plan_sender(&p) && plan_sealed(&p) && plan_deletes(&p, "X-Gatepost-Source", h->source, 1) &&
           plan_deletes(&p, "X-Gatepost-Ref", h->ref, 1) && plan_deletes(&p, "X-Gatepost-SPF", h->spf, 1) &&
           plan_deletes(&p, "X-Gatepost-Stream", h->stream, 1) &&
           plan_deletes(&p, "List-Unsubscribe", h->list_unsubscribe, choice.keep ? 2 : 1) &&
           plan_deletes(&p, "List-Unsubscribe-Post", h->list_unsubscribe_post, choice.keep_post ? 2 : 1) &&
           plan_add(&p, "X-Gatepost-Source", gp_str_z(a->name)) &&
           plan_add(&p, "X-Gatepost-Ref", gp_str_z(plan->sealed)) &&
           (e->spf.n == 0 || plan_add(&p, "X-Gatepost-SPF", e->spf)) && plan_unsubscribe(&p, &choice) &&
           plan_client_signatures(&p);
}

bool gp_plan_insert(struct gp_plan *plan, const char *name, const char *value)
{
    if (plan->n == GP_PLAN_EDITS_MAX)
        return false;
    plan->edit[plan->n++] = (struct gp_edit){GP_EDIT_INSERT, name, value, 0, 0};
    return true;
}
