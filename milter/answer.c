/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * answer.c - a verdict becomes a reply and a line in the log
 */
#include "milter/answer.h"

#include "shared/log.h"
#include "shared/metrics.h"

struct gp_occasion gp_occasion_of(const struct gp_session *s, enum gp_milter_stage stage)
{
    return (struct gp_occasion){
        .stage = stage,
        .client = gp_str_z(s->client),
        .agency = gp_str_z(s->agency != NULL ? s->agency->name : NULL),
        .sender = s->message.open && s->message.sender[0] == '\0' ? GP_STR("<>") : gp_str_z(s->message.sender),
        .recipient = gp_str_z(s->message.recipient),
    };
}

void gp_answer_text(const struct gp_verdict *v, char out[GP_ANSWER_TEXT_MAX])
{
    char text[GP_REPLY_TEXT_MAX];
    struct gp_buf b = gp_buf_on(out, GP_ANSWER_TEXT_MAX);
    gp_reply_text(v, text);
    struct gp_str rest = gp_str_z(text), part;
    for (bool first = true; gp_str_split(&rest, '%', &part); first = false) {
        if (!first)
            gp_buf_putz(&b, "%%");
        gp_buf_put(&b, part);
    }
}

/* What the operator should look at. */
static enum gp_level level_of(const struct gp_occasion *o, enum gp_reason reason)
{
    if (reason == GP_INTERNAL || reason == GP_UNSIGNED)
        return GP_ERROR;
    return o->unsigned_why.n > 0 ? GP_WARN : GP_INFO;
}

static void line_begin(struct gp_line *l, SMFICTX *ctx, const struct gp_occasion *o, enum gp_reason reason)
{
    char symbol[] = "i";
    const char *queue_id = smfi_getsymval(ctx, symbol);
    gp_line_begin(l, level_of(o, reason), "verdict");
    gp_line_str(l, "queue_id", queue_id != NULL ? gp_str_z(queue_id) : GP_STR("NOQUEUE"));
    gp_line_str(l, "client", o->client);
    gp_line_str(l, "agency", o->agency);
    gp_line_reason(l, reason);
    gp_line_str(l, "stage", gp_str_z(gp_milter_stage_name(o->stage)));
    gp_line_str(l, "rule", gp_str_z(o->rule));
    gp_line_str(l, "sender", o->sender);
    gp_line_str(l, "recipient", o->recipient);
    gp_line_str(l, "detail", o->detail);
    gp_line_str(l, "unsigned", o->unsigned_why);
}

static void line_end(struct gp_line *l, const struct gp_occasion *o)
{
    gp_line_str(l, "spf", o->spf);
    gp_line_str(l, "dmarc", o->dmarc);
    gp_line_end(l);
}

static void count(enum gp_milter_stage stage, enum gp_reason reason)
{
    switch (stage) {
    case GP_AT_HELO:
        gp_metrics_decided(GP_METRICS_HELO, reason);
        break;
    case GP_AT_MAIL:
        gp_metrics_decided(GP_METRICS_MAIL, reason);
        break;
    case GP_AT_RCPT:
        gp_metrics_decided(GP_METRICS_RCPT, reason);
        break;
    case GP_AT_DATA:
        gp_metrics_decided(GP_METRICS_DATA, reason);
        break;
    case GP_AT_END:
        gp_metrics_decided(GP_METRICS_END, reason);
        break;
    }
}

sfsistat gp_answer_refuse(SMFICTX *ctx, const struct gp_occasion *o, enum gp_reason reason)
{
    struct gp_line line;
    char code[4], enhanced[16], text[GP_ANSWER_TEXT_MAX];
    const struct gp_verdict verdict = gp_verdict_of(reason, o->detail);
    const struct gp_reply *reply = gp_reply_of(reason);
    struct gp_buf c = gp_buf_on(code, sizeof code), e = gp_buf_on(enhanced, sizeof enhanced);
    gp_buf_putz(&c, reply->code);
    gp_buf_putz(&e, reply->enhanced);
    gp_answer_text(&verdict, text);
    line_begin(&line, ctx, o, reason);
    line_end(&line, o);
    count(o->stage, reason);
    if (smfi_setreply(ctx, code, enhanced, text) != MI_SUCCESS)
        gp_log(GP_ERROR, "reply", "libmilter does not take the reply for %s; Postfix gives its own", reply->reason);
    return code[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

/* which keys have signed, "domain/selector/type", with commas. Pure. */
static void put_signatures(const struct gp_departure *d, struct gp_buf *out)
{
    for (size_t i = 0; i < d->keys; i++) {
        const struct gp_dkim_key *key = d->key[i];
        if (gp_departure_signed(d, i))
            gp_buf_printf(out, "%s%s/%s/%s", out->n > 0 ? "," : "", key->domain, key->selector,
                          gp_dkim_type_word(key->type));
    }
}

void gp_answer_accepted(SMFICTX *ctx, const struct gp_occasion *o, uint64_t octets, const struct gp_departure *d)
{
    struct gp_line line;
    char text[GP_SIGNERS_MAX * (GP_DOMAIN_MAX + GP_DKIM_SELECTOR_MAX + sizeof "ed25519//,")];
    struct gp_buf signatures = gp_buf_on(text, sizeof text);
    size_t made = 0;
    for (size_t i = 0; i < d->keys; i++)
        made += gp_departure_signed(d, i);
    put_signatures(d, &signatures);
    line_begin(&line, ctx, o, GP_ACCEPTED);
    gp_line_u64(&line, "size", octets);
    gp_line_str(&line, "return_path", gp_str_z(d->plan.return_path));
    gp_line_u64(&line, "signed", made);
    gp_line_str(&line, "signatures", gp_buf_str(&signatures));
    line_end(&line, o);
    count(o->stage, GP_ACCEPTED);
}

void gp_answer_package(struct gp_str agency, unsigned percent)
{
    struct gp_line line;
    gp_line_begin(&line, GP_WARN, "package");
    gp_line_str(&line, "agency", agency);
    gp_line_u64(&line, "percent", percent);
    gp_line_end(&line);
}
