/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * delivery.c - what a line of the mail log brings about
 */
#include "feedback/delivery.h"

#include "feedback/judge.h"
#include "feedback/log_queue.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/statistics.h"
#include "shared/token.h"
#include "shared/usage.h"

#include <string.h>

#define SAID_MAX 2048 /* Postfix cuts its lines there */

/* One line and the message that it is about. */
struct taking {
    struct gp_delivery *d;
    const struct gp_log_line *l;
    uint64_t written_ms;
    char key[GP_QUEUED_KEY_MAX];
    struct gp_queued q;
};

static enum gp_token_state verify(const struct taking *t, struct gp_str local, struct gp_token_short *out)
{
    const struct gp_config *c = t->d->config;
    return gp_token_verify(&c->keyring, local, gp_str_z(c->return_path), gp_usage_day(t->written_ms), out);
}

/* The token of a return path of ours, and whose it is. */
static bool read_sender(struct taking *t, char token[GP_TOKEN_SHORT + 1], const struct gp_agency **agency)
{
    const struct gp_config *c = t->d->config;
    struct gp_str sender = t->l->sender, domain = gp_address_domain(sender);
    struct gp_token_short parsed;
    struct gp_buf b = gp_buf_on(token, GP_TOKEN_SHORT + 1);
    if (domain.n == 0 || !gp_str_eq_nocase(domain, gp_str_z(c->return_path)))
        return false;
    struct gp_str local = {sender.p, sender.n - domain.n - 1};
    enum gp_token_state state = verify(t, local, &parsed);
    if ((state != GP_TOKEN_VALID && state != GP_TOKEN_EXPIRED) || parsed.type != GP_TOKEN_BOUNCE)
        return false;
    gp_buf_put_lower(&b, local);
    *agency = gp_config_by_token(c, parsed.key_id, parsed.agency);
    return *agency != NULL;
}

static bool put(struct taking *t)
{
    t->q.day = gp_usage_day(t->written_ms);
    t->d->changed = true;
    return gp_queued_put(t->d->store, &t->q);
}

/* Queue ids come again for other messages; a line of one that is retried says what the first one said. */
static bool take_active(struct taking *t)
{
    char token[GP_TOKEN_SHORT + 1];
    const struct gp_agency *agency;
    const struct gp_str nowhere = {NULL, 0};
    bool found, had, ours = read_sender(t, token, &agency);
    if (!gp_queued_get(t->d->store, t->key, &t->q, &found))
        return false;
    if (!ours) {
        t->d->changed = t->d->changed || found;
        return !found || gp_queued_drop(t->d->store, t->key, &had);
    }
    if (found && strcmp(t->q.token, token) == 0)
        return t->q.day >= gp_usage_day(t->written_ms) || put(t);
    t->q = (struct gp_queued){.day = 0};
    memcpy(t->q.key, t->key, sizeof t->key);
    memcpy(t->q.token, token, sizeof token);
    memcpy(t->q.agency, agency->name, sizeof t->q.agency);
    return put(t) &&
           gp_act_count(t->d->act, gp_str_z(agency->name), nowhere, GP_STR(GP_STAT_ACCEPTED), 1, t->written_ms);
}

static bool names(const struct gp_config *c, const struct gp_token_short *token, struct gp_str address)
{
    uint8_t hash[sizeof token->recipient];
    return address.n > 0 && gp_token_recipient(&c->keyring, token->key_id, address, hash) &&
           memcmp(hash, token->recipient, sizeof hash) == 0;
}

/* Printable, and UTF-8 or ASCII: what was said goes into texts and tables. */
static struct gp_str cleaned(struct gp_str text, char out[SAID_MAX])
{
    size_t n = text.n < SAID_MAX ? text.n : SAID_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? '?' : text.p[i];
    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--; /* not inside a character */
    if (!gp_str_utf8((struct gp_str){out, n})) {
        for (size_t i = 0; i < n; i++)
            out[i] = (unsigned char)out[i] >= 0x80 ? '?' : out[i];
    }
    return (struct gp_str){out, n};
}

/* What is known of an attempt, from its line or from the queue. */
struct attempt {
    struct gp_str recipient, host, status, text;
    uint64_t queued_s;
    bool final, expired;
};

static struct gp_event event_of(const struct taking *t, const struct attempt *a, struct gp_str recipient)
{
    return (struct gp_event){.source = GP_SOURCE_LOG,
                             .proven = true,
                             .expired = a->expired || t->written_ms + GP_REPORT_DAYS * GP_DAY_MS < t->d->now_ms,
                             .final = a->final,
                             .agency = gp_str_z(t->q.agency),
                             .recipient = recipient,
                             .token = gp_str_z(t->q.token),
                             .status = a->status,
                             .evidence = t->l->queue_id,
                             .queued_s = a->queued_s};
}

static bool act(struct taking *t, const struct gp_event *e)
{
    t->d->changed = true;
    return gp_act_event(t->d->act, t->d->config, e, t->written_ms);
}

/* One that failed, for now or for good. */
static bool act_on_failure(struct taking *t, const struct attempt *a)
{
    char lower[GP_TOKEN_RECIPIENT_MAX + 1], clean[SAID_MAX];
    struct gp_buf recipient = gp_buf_on(lower, sizeof lower);
    struct gp_str reply, text = cleaned(a->text, clean), said = gp_log_said(text, &reply);
    gp_buf_put_lower(&recipient, a->recipient);
    const struct gp_said query = {.status = a->status,
                                  .reply = reply,
                                  .text = text,
                                  .provider = a->host.n > 0 ? a->host : gp_address_domain(gp_buf_str(&recipient)),
                                  .final = a->final};
    struct gp_meaning meaning = gp_classify_said(t->d->dictionary, &query);
    struct gp_event e = event_of(t, a, gp_buf_str(&recipient));
    e.category = meaning.category;
    e.suppress = meaning.suppress;
    e.greylisting = meaning.greylisting;
    e.unclassified = !meaning.matched;
    e.reply = reply;
    e.diagnostic = said;
    return act(t, &e);
}

static bool act_on_delivery(struct taking *t, const struct attempt *a)
{
    char lower[GP_TOKEN_RECIPIENT_MAX + 1];
    struct gp_buf recipient = gp_buf_on(lower, sizeof lower);
    gp_buf_put_lower(&recipient, a->recipient);
    struct gp_event e = event_of(t, a, gp_buf_str(&recipient));
    e.category = GP_CATEGORY_DELIVERED;
    return act(t, &e);
}

static void keep(char *out, size_t room, struct gp_str s)
{
    struct gp_buf b = gp_buf_on(out, room);
    if (s.n >= room)
        s.n = room - 1;
    gp_buf_put(&b, s);
}

/* Should it expire, its line will not say why. */
static bool remember(struct taking *t, const struct attempt *a)
{
    char clean[SAID_MAX];
    keep(t->q.recipient, sizeof t->q.recipient, a->recipient);
    keep(t->q.host, sizeof t->q.host, a->host);
    keep(t->q.status, sizeof t->q.status, a->status);
    keep(t->q.text, sizeof t->q.text, cleaned(a->text, clean));
    return put(t);
}

static bool take_result(struct taking *t)
{
    const struct gp_log_line *l = t->l;
    struct gp_token_short token;
    struct attempt a = {.recipient = l->recipient,
                        .host = l->host,
                        .status = l->status,
                        .text = l->text,
                        .queued_s = l->delay_s,
                        .final = l->result != GP_LOG_DEFERRED};
    enum gp_token_state state = verify(t, gp_str_z(t->q.token), &token);
    if (state != GP_TOKEN_VALID && state != GP_TOKEN_EXPIRED)
        return true; /* its key is gone */
    a.expired = state == GP_TOKEN_EXPIRED;
    if (!names(t->d->config, &token, a.recipient))
        a.recipient = l->original;
    if (!names(t->d->config, &token, a.recipient))
        return true;
    if (l->result == GP_LOG_SENT)
        return act_on_delivery(t, &a);
    if (l->result == GP_LOG_DEFERRED && !remember(t, &a))
        return false;
    return l->suspended || act_on_failure(t, &a); /* e0: nobody was asked again */
}

static bool take_expiry(struct taking *t)
{
    const struct attempt a = {.recipient = gp_str_z(t->q.recipient),
                              .host = gp_str_z(t->q.host),
                              .status = gp_str_z(t->q.status),
                              .text = gp_str_z(t->q.text),
                              .final = true};
    return a.recipient.n == 0 || act_on_failure(t, &a);
}

bool gp_delivery_take(struct gp_delivery *d, const struct gp_log_line *l, uint64_t written_ms)
{
    struct taking t = {.d = d, .l = l, .written_ms = written_ms};
    struct gp_buf key = gp_buf_on(t.key, sizeof t.key);
    bool had, found;
    gp_buf_put(&key, l->instance);
    gp_buf_putz(&key, "/");
    gp_buf_put(&key, l->queue_id);
    if (key.full)
        return true;
    if (l->kind == GP_LOG_ACTIVE)
        return take_active(&t);
    if (l->kind == GP_LOG_REMOVED) {
        bool good = gp_queued_drop(d->store, t.key, &had);
        d->changed = d->changed || (good && had);
        return good;
    }
    if (!gp_queued_get(d->store, t.key, &t.q, &found))
        return false;
    if (!found)
        return true;
    return l->kind == GP_LOG_RESULT ? take_result(&t) : take_expiry(&t);
}
