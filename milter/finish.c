/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * finish.c - a whole message: may its recipient have it; signed, rewritten, charged, and said what receivers will make
 * of it
 */
#include "milter/finish.h"

#include "milter/answer.h"
#include "milter/apply.h"
#include "milter/stream.h"

static struct gp_outlook outlook_of(const struct gp_services *use, const struct gp_session *s, const char *from,
                                    const struct gp_now *t)
{
    struct gp_outlook o;
    const struct gp_departure *d = s->message.departure;
    const struct gp_dkim_key *key[GP_SIGNERS_MAX];
    struct gp_outlook_facts f = {.config = s->epoch->config,
                                 .agency = s->agency,
                                 .from = gp_str_z(from),
                                 .sender = gp_str_z(s->message.sender),
                                 .key = key};
    for (size_t i = 0; d != NULL && i < d->keys; i++) {
        if (gp_departure_signed(d, i))
            key[f.keys++] = d->key[i];
    }
    gp_outlook(use->forecasts, &f, t->monotonic_ms, &o);
    return o;
}

void gp_finish_spf(const struct gp_services *use, const struct gp_session *s, const struct gp_now *t,
                   char out[GP_OUTLOOK_HEADER_MAX])
{
    char from[GP_DOMAIN_MAX + 1];
    out[0] = '\0';
    if (s->agency == NULL || s->agency->spf != GP_SPF_TAG || s->message.sender[0] == '\0')
        return;
    gp_from_domain(&s->message.headers, from);
    const struct gp_outlook o = outlook_of(use, s, from, t);
    gp_outlook_header(&o, out);
}

static enum gp_reason sign_and_apply(SMFICTX *ctx, struct gp_departure *d)
{
    if (d == NULL)
        return GP_INTERNAL;
    enum gp_reason reason = gp_departure_sign(d);
    if (reason == GP_ACCEPTED && !gp_apply(ctx, &d->plan))
        reason = GP_INTERNAL;
    return reason;
}

/* The rules have passed: sign, rewrite, then charge. What is refused after the edits leaves no trace of them. */
static enum gp_reason commit(SMFICTX *ctx, const struct gp_services *use, struct gp_session *s, const struct gp_now *t)
{
    unsigned percent = 0;
    enum gp_reason reason = sign_and_apply(ctx, s->message.departure);
    if (reason != GP_ACCEPTED)
        return reason;
    reason = gp_ledger_charge(use->ledger, s->agency, &s->message.limits, s->epoch->config->on_counter_loss, 1,
                              t->wall_ms, &percent);
    if (reason == GP_ACCEPTED && percent > 0)
        gp_answer_package(gp_str_z(s->agency->name), percent);
    return reason;
}

/* What only the whole message tells of its recipient: its stream, and whether it is an automatic reply. The latter is
 * counted when *counted is set.
 */
static enum gp_reason recipient_at_end(const struct gp_services *use, const struct gp_session *s,
                                       const struct gp_now *t, char detail[GP_DETAIL_MAX + 1], bool *counted)
{
    const struct gp_message *m = &s->message;
    const struct gp_config *c = s->epoch->config;
    const struct gp_suppressed_question q = {.config = c,
                                             .agency = s->agency,
                                             .recipient = gp_str_z(m->recipient),
                                             .stream = gp_stream_of(s->agency, &m->headers),
                                             .now_ms = t->wall_ms};
    enum gp_reason reason = gp_suppressed_end(use->suppressor, &q, detail);
    *counted = false;
    if (reason != GP_ACCEPTED || !gp_auto_reply_is(&m->headers, m->sender[0] == '\0'))
        return reason;
    reason = gp_auto_replies_take(use->auto_replies, s->agency, q.recipient, c->on_counter_loss, t->wall_ms);
    *counted = reason == GP_ACCEPTED;
    return reason;
}

sfsistat gp_finish_own(SMFICTX *ctx, struct gp_session *s)
{
    struct gp_occasion o = gp_occasion_of(s, GP_AT_END);
    enum gp_reason reason = sign_and_apply(ctx, s->message.departure);
    if (s->message.departure != NULL)
        o.unsigned_why = gp_str_z(gp_departure_why(s->message.departure));
    if (reason != GP_ACCEPTED)
        return gp_answer_refuse(ctx, &o, reason);
    gp_answer_accepted(ctx, &o, s->message.octets, s->message.departure);
    return SMFIS_ACCEPT;
}

sfsistat gp_finish(SMFICTX *ctx, const struct gp_services *use, struct gp_session *s, const struct gp_now *t)
{
    char dmarc[GP_OUTLOOK_DMARC_MAX], detail[GP_DETAIL_MAX + 1];
    bool counted;
    struct gp_occasion o = gp_occasion_of(s, GP_AT_END);
    enum gp_reason reason = recipient_at_end(use, s, t, detail, &counted);
    o.detail = gp_str_z(detail);
    if (reason == GP_ACCEPTED)
        reason = commit(ctx, use, s, t);
    if (reason != GP_ACCEPTED && counted)
        gp_auto_replies_give_back(use->auto_replies, s->agency, gp_str_z(s->message.recipient));
    if (s->message.departure != NULL)
        o.unsigned_why = gp_str_z(gp_departure_why(s->message.departure));
    if (reason != GP_ACCEPTED)
        return gp_answer_refuse(ctx, &o, reason);
    s->accepted++;
    const struct gp_outlook outlook = outlook_of(use, s, s->message.departure->from, t);
    gp_outlook_dmarc(&outlook, dmarc);
    o.spf = gp_str_z(gp_spf_name(outlook.forecast.spf));
    o.dmarc = gp_str_z(dmarc);
    gp_answer_accepted(ctx, &o, s->message.octets, s->message.departure);
    return SMFIS_ACCEPT;
}
