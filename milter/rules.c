/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rules.c - what a session and a message must be, one table of rules by stage
 */
#include "milter/rules.h"

#include "milter/from.h"
#include "milter/rewrite.h"

#include <string.h>

typedef enum gp_reason rule_fn(const struct gp_milter_facts *f);

struct rule {
    unsigned stages; /* bits of enum gp_milter_stage */
    bool everyone;   /* also for the return path's listener, and for a login that is still to come */
    const char *name;
    rule_fn *check;
};

static enum gp_reason rule_reconfiguring(const struct gp_milter_facts *f)
{
    return f->drained ? GP_RECONFIGURING : GP_ACCEPTED;
}

static enum gp_reason rule_concurrency(const struct gp_milter_facts *f)
{
    return f->standing == GP_SESSION_LIMIT ? GP_SESSION_LIMIT : GP_ACCEPTED;
}

/* Policyd says so first, at RCPT; until then nobody can be named, and nothing of an agency is judged. */
static bool login_missing(const struct gp_milter_facts *f)
{
    return (f->profile == GP_PROFILE_LOGIN || f->profile == GP_PROFILE_BOTH) && !f->logged_in;
}

static enum gp_reason rule_login(const struct gp_milter_facts *f)
{
    return login_missing(f) ? GP_LOGIN_REQUIRED : GP_ACCEPTED;
}

/* An address that policyd let in is somebody's; where it is nobody's here, the two know different configurations for a
 * moment, or policyd was not asked: no reason to refuse for good. Both is by name: an agency acting in a test window is
 * still that agency.
 */
static enum gp_reason rule_permitted(const struct gp_milter_facts *f)
{
    bool both = f->profile == GP_PROFILE_BOTH;
    if (f->agency == NULL && f->profile != GP_PROFILE_LOGIN)
        return GP_INTERNAL;
    if (f->agency == NULL || f->ended)
        return GP_NOT_PERMITTED;
    return both && (f->login == NULL || strcmp(f->login->name, f->agency->name) != 0) ? GP_NOT_PERMITTED : GP_ACCEPTED;
}

/* Only from MAIL on: a 451 at HELO would end the milter's connection while the SMTP session lives on. */
static enum gp_reason rule_taken(const struct gp_milter_facts *f)
{
    return f->standing == GP_INTERNAL ? GP_INTERNAL : GP_ACCEPTED;
}

static enum gp_reason rule_messages(const struct gp_milter_facts *f)
{
    return f->accepted >= f->limits->messages_per_session ? GP_MESSAGES_PER_SESSION : GP_ACCEPTED;
}

static enum gp_reason rule_time(const struct gp_milter_facts *f)
{
    return f->age_ms >= (uint64_t)f->limits->session_time_s * 1000 ? GP_SESSION_TIME : GP_ACCEPTED;
}

/* A number that is none, or that no counter can hold, declares more than any limit allows. */
static enum gp_reason rule_declared_size(const struct gp_milter_facts *f)
{
    uint64_t size;
    if (!f->sized || gp_str_u64(f->size, f->limits->message_size, &size))
        return GP_ACCEPTED;
    return GP_MESSAGE_SIZE;
}

static enum gp_reason sender_refusal(const struct gp_milter_facts *f)
{
    return f->config->sender_domain_reject ? GP_SENDER_DOMAIN_REJECT : GP_SENDER_DOMAIN;
}

static enum gp_reason rule_sender(const struct gp_milter_facts *f)
{
    const struct gp_str anyone = {NULL, 0};
    bool permitted;
    if (f->malformed)
        permitted = false;
    else if (f->mailbox.local.n == 0)
        permitted = true; /* null; the From header is checked instead */
    else if (gp_facts_returning(f))
        permitted = gp_rewrite_is_ours(f->config, f->agency, gp_facts_address(f), anyone, f->today);
    else
        permitted = gp_agency_may_send(f->agency, f->mailbox.domain);
    return permitted ? GP_ACCEPTED : sender_refusal(f);
}

/* Only what the domain publishes about this relay counts: fail and softfail. Of the return path's own record the agency
 * is not to blame, and the null sender has no domain.
 */
static enum gp_reason rule_spf(const struct gp_milter_facts *f)
{
    bool refused = f->spf == GP_SPF_FAIL || f->spf == GP_SPF_SOFTFAIL;
    if (!refused || f->mailbox.domain.n == 0 || gp_facts_returning(f))
        return GP_ACCEPTED;
    if (f->agency->spf == GP_SPF_REJECTS)
        return GP_SPF_REJECT;
    return f->agency->spf == GP_SPF_DEFERS ? GP_SPF_DEFER : GP_ACCEPTED;
}

static enum gp_reason rule_recipient_syntax(const struct gp_milter_facts *f)
{
    return f->malformed || f->mailbox.local.n == 0 ? GP_RECIPIENT_SYNTAX : GP_ACCEPTED;
}

static enum gp_reason rule_single_recipient(const struct gp_milter_facts *f)
{
    return f->recipients >= f->limits->recipients_per_message ? GP_RECIPIENT_LIMIT : GP_ACCEPTED;
}

/* A return path names one recipient; with another one its reports would be believed about the wrong person. */
static enum gp_reason rule_sender_token(const struct gp_milter_facts *f)
{
    if (!f->re_enveloped || gp_rewrite_is_ours(f->config, f->agency, f->sender, gp_facts_address(f), f->today))
        return GP_ACCEPTED;
    return sender_refusal(f);
}

static enum gp_reason rule_size(const struct gp_milter_facts *f)
{
    return f->octets > f->limits->message_size ? GP_MESSAGE_SIZE : GP_ACCEPTED;
}

/* Each costs Postfix a pass over its queue file; no honest message has a tenth of that. */
static enum gp_reason rule_headers(const struct gp_milter_facts *f)
{
    const struct gp_headers *h = f->headers;
    uint64_t going = (uint64_t)h->source + h->ref + h->spf + h->stream + h->list_unsubscribe +
                     h->list_unsubscribe_post;
    return going > GP_HEADERS_GOING_MAX ? GP_HEADERS : GP_ACCEPTED;
}

static enum gp_reason rule_from_header(const struct gp_milter_facts *f)
{
    bool wanted = f->agency->check_from || f->sender.n == 0;
    return !wanted || gp_from_permitted(f->headers, f->agency) ? GP_ACCEPTED : sender_refusal(f);
}

/* In the order in which they speak. */
static const struct rule rules[] = {
    {GP_AT_HELO | GP_AT_MAIL | GP_AT_RCPT | GP_AT_DATA, true, "reconfiguring", rule_reconfiguring},
    {GP_AT_HELO | GP_AT_MAIL | GP_AT_RCPT | GP_AT_DATA, false, "concurrency", rule_concurrency},
    {GP_AT_RCPT | GP_AT_END, true, "login", rule_login},
    {GP_AT_MAIL | GP_AT_END, false, "permitted", rule_permitted},
    {GP_AT_MAIL, false, "taken", rule_taken},
    {GP_AT_MAIL, false, "messages-per-session", rule_messages},
    {GP_AT_MAIL, false, "session-time", rule_time},
    {GP_AT_MAIL, false, "declared-size", rule_declared_size},
    {GP_AT_MAIL, false, "sender", rule_sender},
    {GP_AT_MAIL, false, "spf", rule_spf},
    {GP_AT_RCPT, false, "recipient-syntax", rule_recipient_syntax},
    {GP_AT_RCPT, false, "single-recipient", rule_single_recipient},
    {GP_AT_RCPT, false, "sender-token", rule_sender_token},
    {GP_AT_END, false, "size", rule_size},
    {GP_AT_END, false, "headers", rule_headers},
    {GP_AT_END, false, "from-header", rule_from_header},
};

enum gp_reason gp_milter_judge(enum gp_milter_stage stage, const struct gp_milter_facts *f, const char **rule)
{
    bool nameless = stage != GP_AT_HELO && login_missing(f);
    bool agencys = f->profile != GP_PROFILE_RETURN && f->profile != GP_PROFILE_OWN;
    *rule = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct rule *r = &rules[i];
        if ((r->stages & stage) == 0 || (!r->everyone && (!agencys || nameless)))
            continue;
        enum gp_reason reason = r->check(f);
        if (reason != GP_ACCEPTED) {
            *rule = r->name;
            return reason;
        }
    }
    return GP_ACCEPTED;
}

const char *gp_milter_stage_name(enum gp_milter_stage stage)
{
    switch (stage) {
    case GP_AT_HELO:
        return "HELO";
    case GP_AT_MAIL:
        return "MAIL";
    case GP_AT_RCPT:
        return "RCPT";
    case GP_AT_DATA:
        return "DATA";
    case GP_AT_END:
        return "END-OF-MESSAGE";
    }
    return "";
}
