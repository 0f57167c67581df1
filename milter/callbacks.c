/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * callbacks.c - what libmilter calls: one short function per event
 *
 * Only CONTINUE or a 421 is ever answered before MAIL: any other verdict makes Postfix close the milter's connection
 * while the SMTP session goes on, and its place would be free too early.
 */
#include "milter/callbacks.h"

#include "milter/answer.h"
#include "milter/outlook.h"
#include "milter/session.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/metrics.h"

/* libmilter hands no argument of ours to a callback; set once, before any of them runs. */
static struct gp_services services;

static struct gp_now now(void)
{
    return (struct gp_now){services.ledger, gp_clock_wall_ms(), gp_clock_monotonic_ms()};
}

static struct gp_session *session_of(SMFICTX *ctx)
{
    return smfi_getpriv(ctx);
}

/* An event out of its order, or of a session that there was no memory for. */
static sfsistat out_of_order(SMFICTX *ctx, enum gp_milter_stage stage)
{
    const struct gp_occasion o = {.stage = stage, .rule = "order"};
    return gp_answer_refuse(ctx, &o, GP_INTERNAL);
}

/* argument: the path of MAIL or RCPT as it came, for the log */
static sfsistat judge(SMFICTX *ctx, const struct gp_session *s, enum gp_milter_stage stage,
                      const struct gp_milter_facts *f, struct gp_str argument)
{
    struct gp_occasion o = gp_occasion_of(s, stage);
    enum gp_reason reason = gp_milter_judge(stage, f, &o.rule);
    if (reason == GP_ACCEPTED)
        return SMFIS_CONTINUE;
    if (stage == GP_AT_MAIL)
        o.sender = argument;
    if (reason == GP_SPF_REJECT || reason == GP_SPF_DEFER)
        o.spf = gp_str_z(gp_spf_name(f->spf));
    if (stage == GP_AT_RCPT)
        o.recipient = argument;
    return gp_answer_refuse(ctx, &o, reason);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    const unsigned long need_actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM;
    /* Not SMFIP_NR_CONN: Postfix would keep the event until HELO, and a silent client would hold no session. */
    const unsigned long quiet = SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;
    char connect[] = "{client_addr} {client_port} {daemon_name} j", mail[] = "i {auth_authen}", queue_id[] = "i";
    (void)f2, (void)f3;
    if ((actions & need_actions) != need_actions || (steps & SMFIP_HDR_LEADSPC) == 0) {
        gp_log(GP_ERROR, "negotiate", "the mail server offers actions 0x%lx, steps 0x%lx: too little to work with",
               actions, steps);
        return SMFIS_REJECT; /* closes this connection; milter_default_action = tempfail then answers */
    }
    smfi_setsymlist(ctx, SMFIM_CONNECT, connect);
    smfi_setsymlist(ctx, SMFIM_ENVFROM, mail);
    smfi_setsymlist(ctx, SMFIM_ENVRCPT, queue_id);
    smfi_setsymlist(ctx, SMFIM_DATA, queue_id);
    smfi_setsymlist(ctx, SMFIM_EOH, queue_id);
    smfi_setsymlist(ctx, SMFIM_EOM, queue_id);
    *use_actions = need_actions;
    *use_steps = SMFIP_HDR_LEADSPC | quiet; /* where the server wants a reply all the same, libmilter sends it */
    *use_f2 = *use_f3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *peer)
{
    char symbol[] = "{daemon_name}";
    const struct gp_now t = now();
    (void)host;
    gp_session_end(session_of(ctx), &t);
    smfi_setpriv(ctx, gp_session_begin(gp_str_z(smfi_getsymval(ctx, symbol)), peer, &t));
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct gp_session *s = session_of(ctx);
    (void)name;
    if (s == NULL)
        return SMFIS_CONTINUE; /* said at MAIL */
    const struct gp_now t = now();
    const struct gp_milter_facts f = gp_session_facts(s, &t);
    return judge(ctx, s, GP_AT_HELO, &f, (struct gp_str){NULL, 0});
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct gp_session *s = session_of(ctx);
    char symbol[] = "{auth_authen}";
    if (s == NULL)
        return out_of_order(ctx, GP_AT_MAIL);
    const struct gp_now t = now();
    gp_session_login(s, gp_str_z(smfi_getsymval(ctx, symbol)), &t);
    gp_session_prepare(s, &t);
    struct gp_milter_facts f = gp_session_facts(s, &t);
    gp_facts_parameters(&f, argv + 1);
    gp_facts_path(&f, gp_str_z(argv[0]));
    f.spf = gp_outlook_spf(services.forecasts, f.config, f.agency, f.mailbox.domain, t.monotonic_ms);
    sfsistat status = judge(ctx, s, GP_AT_MAIL, &f, gp_str_z(argv[0]));
    if (status != SMFIS_CONTINUE)
        return status;
    if (s->profile == GP_PROFILE_RETURN)
        return SMFIS_ACCEPT; /* of this message we want to see no more */
    gp_session_sender(s, &f);
    return SMFIS_CONTINUE;
}

/* The rules have passed: may this one be mailed? */
static sfsistat judge_recipient(SMFICTX *ctx, const struct gp_session *s, const struct gp_milter_facts *f,
                                const struct gp_now *t, struct gp_str argument)
{
    struct gp_occasion o = gp_occasion_of(s, GP_AT_RCPT);
    char detail[GP_DETAIL_MAX + 1];
    const struct gp_suppressed_question q = {
        .config = f->config, .agency = s->agency, .recipient = gp_facts_address(f), .now_ms = t->wall_ms};
    enum gp_reason reason = gp_suppressed_rcpt(services.suppressor, &q, detail);
    o.recipient = argument;
    o.detail = gp_str_z(detail);
    return reason == GP_ACCEPTED ? SMFIS_CONTINUE : gp_answer_refuse(ctx, &o, reason);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct gp_session *s = session_of(ctx);
    if (s == NULL || !s->message.open)
        return out_of_order(ctx, GP_AT_RCPT);
    const struct gp_now t = now();
    struct gp_milter_facts f = gp_session_facts(s, &t);
    gp_facts_path(&f, gp_str_z(argv[0]));
    sfsistat status = judge(ctx, s, GP_AT_RCPT, &f, gp_str_z(argv[0]));
    if (status == SMFIS_CONTINUE && s->profile != GP_PROFILE_OWN)
        status = judge_recipient(ctx, s, &f, &t, gp_str_z(argv[0]));
    if (status == SMFIS_CONTINUE)
        gp_session_recipient(s, &f);
    return status;
}

/* libmilter does not see to it that the command ends: nothing is read beyond the first octet that differs. */
static bool is_bad_rcpt(const char *command)
{
    const struct gp_str verb = GP_STR("GPBADRCPT");
    for (size_t i = 0; i < verb.n; i++) {
        if (!gp_str_eq_nocase((struct gp_str){command + i, 1}, (struct gp_str){verb.p + i, 1}))
            return false;
    }
    return command[verb.n] == '\0' || command[verb.n] == ' ';
}

/* smtpd_command_filter turns RCPT lines that Postfix would refuse itself into this verb. */
static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
    struct gp_session *s = session_of(ctx);
    if (s == NULL || !is_bad_rcpt(command))
        return SMFIS_CONTINUE;
    const struct gp_now t = now();
    struct gp_milter_facts f = gp_session_facts(s, &t);
    f.profile = GP_PROFILE_ADDRESS; /* bad syntax is bad on every listener */
    f.malformed = true;
    return judge(ctx, s, GP_AT_RCPT, &f, (struct gp_str){NULL, 0});
}

static sfsistat on_data(SMFICTX *ctx)
{
    struct gp_session *s = session_of(ctx);
    if (s == NULL || !s->message.open)
        return out_of_order(ctx, GP_AT_DATA);
    const struct gp_now t = now();
    const struct gp_milter_facts f = gp_session_facts(s, &t);
    return judge(ctx, s, GP_AT_DATA, &f, (struct gp_str){NULL, 0});
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct gp_session *s = session_of(ctx);
    if (s != NULL)
        gp_session_header(s, gp_str_z(name), gp_str_z(value));
    return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    struct gp_session *s = session_of(ctx);
    char symbol[] = "i", spf[GP_OUTLOOK_HEADER_MAX];
    if (s != NULL) {
        const struct gp_now t = now();
        gp_finish_spf(&services, s, &t, spf);
        struct gp_envelope e = {.queue_id = gp_str_z(smfi_getsymval(ctx, symbol)), .spf = gp_str_z(spf)};
        if (gp_token_random(e.id))
            gp_session_headers_end(s, services.signer, e, &t);
    }
    return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t n)
{
    struct gp_session *s = session_of(ctx);
    if (s != NULL)
        gp_session_body(s, chunk, n);
    return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *ctx)
{
    struct gp_session *s = session_of(ctx);
    if (s == NULL || !s->message.open || s->message.recipients == 0)
        return out_of_order(ctx, GP_AT_END);
    const struct gp_now t = now();
    sfsistat status = SMFIS_CONTINUE;
    if (s->profile == GP_PROFILE_OWN) {
        status = gp_finish_own(ctx, s);
    } else {
        const struct gp_milter_facts f = gp_session_facts(s, &t);
        status = judge(ctx, s, GP_AT_END, &f, (struct gp_str){NULL, 0});
        if (status == SMFIS_CONTINUE)
            status = gp_finish(ctx, &services, s, &t);
    }
    gp_session_reset(s);
    return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct gp_session *s = session_of(ctx);
    if (s != NULL)
        gp_session_reset(s);
    return SMFIS_CONTINUE;
}

/* May come twice, and without a connect. */
static sfsistat on_close(SMFICTX *ctx)
{
    const struct gp_now t = now();
    gp_session_end(session_of(ctx), &t);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

/* How long Postfix waits for what may ask memcached, and for the signatures. */
static sfsistat timed(enum gp_metrics_stage stage, uint64_t begun_ns, sfsistat status)
{
    gp_metrics_took(stage, gp_clock_monotonic_ns() - begun_ns);
    return status;
}

static sfsistat timed_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *peer)
{
    uint64_t begun_ns = gp_clock_monotonic_ns();
    return timed(GP_METRICS_CONNECT, begun_ns, on_connect(ctx, host, peer));
}

static sfsistat timed_mail(SMFICTX *ctx, char **argv)
{
    uint64_t begun_ns = gp_clock_monotonic_ns();
    return timed(GP_METRICS_MAIL, begun_ns, on_mail(ctx, argv));
}

static sfsistat timed_rcpt(SMFICTX *ctx, char **argv)
{
    uint64_t begun_ns = gp_clock_monotonic_ns();
    return timed(GP_METRICS_RCPT, begun_ns, on_rcpt(ctx, argv));
}

static sfsistat timed_end(SMFICTX *ctx)
{
    uint64_t begun_ns = gp_clock_monotonic_ns();
    return timed(GP_METRICS_END, begun_ns, on_end(ctx));
}

bool gp_callbacks_register(const struct gp_services *use)
{
    static char name[] = "gatepost";
    struct smfiDesc filter = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM,
        .xxfi_connect = timed_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = timed_mail,
        .xxfi_envrcpt = timed_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = timed_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_unknown = on_unknown,
        .xxfi_data = on_data,
        .xxfi_negotiate = on_negotiate,
    };
    services = *use;
    return smfi_register(filter) == MI_SUCCESS;
}
