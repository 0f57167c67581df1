/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * answer.c - a verdict becomes a reply and a line in the log
 */
#include "milter/answer.h"

#include "shared/log.h"

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

static void line_begin(struct gp_line *l, SMFICTX *ctx, const struct gp_occasion *o, enum gp_reason reason)
{
    char symbol[] = "i";
    const char *queue_id = smfi_getsymval(ctx, symbol);
    gp_line_begin(l, reason == GP_INTERNAL ? GP_ERROR : GP_INFO, "verdict");
    gp_line_str(l, "queue_id", queue_id != NULL ? gp_str_z(queue_id) : GP_STR("NOQUEUE"));
    gp_line_str(l, "client", o->client);
    gp_line_str(l, "agency", o->agency);
    gp_line_reason(l, reason);
    gp_line_str(l, "stage", gp_str_z(o->stage));
    gp_line_str(l, "rule", gp_str_z(o->rule));
    gp_line_str(l, "sender", o->sender);
    gp_line_str(l, "recipient", o->recipient);
    gp_line_str(l, "detail", o->detail);
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
    gp_line_end(&line);
    if (smfi_setreply(ctx, code, enhanced, text) != MI_SUCCESS)
        gp_log(GP_ERROR, "reply", "libmilter does not take the reply for %s; Postfix gives its own", reply->reason);
    return code[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

void gp_answer_accepted(SMFICTX *ctx, const struct gp_occasion *o, uint64_t octets, struct gp_str return_path)
{
    struct gp_line line;
    line_begin(&line, ctx, o, GP_ACCEPTED);
    gp_line_u64(&line, "size", octets);
    gp_line_str(&line, "return_path", return_path);
    gp_line_end(&line);
}

void gp_answer_package(struct gp_str agency, unsigned percent)
{
    struct gp_line line;
    gp_line_begin(&line, GP_WARN, "package");
    gp_line_str(&line, "agency", agency);
    gp_line_u64(&line, "percent", percent);
    gp_line_end(&line);
}
