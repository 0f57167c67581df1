/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * failure.c - bounces: by the fields of a delivery status, or by words alone
 */
#include "shared/report/address_scan.h"
#include "shared/report/dsn.h"
#include "shared/report/mention.h"
#include "shared/report/reading.h"
#include "shared/report/smtp_said.h"

#include <string.h>

/* how failure notices call themselves; lower case, as UTF-8 */
static const struct gp_str subjects[] = {
    GP_STR("undeliver"),
    GP_STR("nondeliver"),
    GP_STR("non-deliver"),
    GP_STR("not deliver"),
    GP_STR("non remis"),
    GP_STR("delivery fail"),
    GP_STR("delivery has fail"),
    GP_STR("delivery problem"),
    GP_STR("delivery error"),
    GP_STR("delivery status"),
    GP_STR("delivery report"),
    GP_STR("delivery notification"),
    GP_STR("delivery delay"),
    GP_STR("deliver mail"),
    GP_STR("failure notice"),
    GP_STR("failure delivery"),
    GP_STR("failed delivery"),
    GP_STR("failed mail"),
    GP_STR("mail fail"),
    GP_STR("message fail"),
    GP_STR("mail error"),
    GP_STR("mail system error"),
    GP_STR("returned mail"),
    GP_STR("returned message"),
    GP_STR("returned to sender"),
    GP_STR("returning message"),
    GP_STR("mail could not be"),
    GP_STR("message could not be"),
    GP_STR("could not send mail"),
    GP_STR("could not send message"),
    GP_STR("error sending your mail"),
    GP_STR("delayed mail"),
    GP_STR("warning: message"),
    GP_STR("user unknown"),
    GP_STR("message you sent blocked"),
    GP_STR("errors from "),
    GP_STR("[bounce]"),
    GP_STR("message frozen"),
    GP_STR("error(s) in forwarding"),
    GP_STR("impossible de remettre"),
    GP_STR("nicht zugestellt"),
    GP_STR("onbestelbaar"),
    GP_STR("niet afgeleverd"),
    GP_STR("niedostarcz"),
    GP_STR("n\xc3\xa3o entregue"),
    GP_STR("n\xc3\xa3o foi poss"),
    GP_STR("unzustellbar"),
    GP_STR("nicht zustellbar"),
    GP_STR("unzustellbare"),
    GP_STR("no se puede entregar"),
    GP_STR("no entregado"),
    GP_STR("mancato recapito"),
    GP_STR("\xd0\xbd\xd0\xb5\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0"
           "\xbb\xd0\xb5\xd0\xbd\xd0\xbd"), /* "undelivered"
                                             */
    GP_STR("\xd0\xbd\xd0\xb5 "
           "\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0"
           "\xbd"),                                             /* "not delivered"
                                                                 */
    GP_STR("\xe9\x85\x8d\xe4\xbf\xa1\xe4\xb8\x8d\xe8\x83\xbd"), /* "undeliverable" */
    GP_STR("\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81"
           "\x9b\xe3\x82\x93"),                                             /* "cannot be
                                                                               delivered" */
    GP_STR("\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\xab\xe5\xa4\xb1\xe6\x95\x97"), /* "delivery
                                                                               failed"
                                                                             */
    GP_STR("\xe9\x80\x80\xe4\xbf\xa1"),                                     /* "returned letter" */
    {"", 0}};

/* texts that are one, whatever the subject */
static const struct gp_str texts[] = {GP_STR("you are not a member of this mailing list"),
                                      GP_STR("duplicated message-id in <"),
                                      GP_STR("could not be delivered to:"),
                                      GP_STR("was rejected by a remote"),
                                      {"", 0}};

static const struct gp_str delays[] = {GP_STR("has been delayed"),
                                       GP_STR("is delayed"),
                                       GP_STR("been delayed for"),
                                       GP_STR("has not yet been delivered"),
                                       GP_STR("not yet been delivered"),
                                       GP_STR("this is a warning message only"),
                                       GP_STR("this is a warning only"),
                                       GP_STR("will be retried"),
                                       GP_STR("still being retried"),
                                       GP_STR("could not send mail for past"),
                                       GP_STR("could not send message for past"),
                                       GP_STR("will continue to try"),
                                       GP_STR("will keep trying"),
                                       {"", 0}};

static const struct gp_str delay_subjects[] = {GP_STR("delay"),
                                               GP_STR("could not send mail for"),
                                               GP_STR("warning: could not send"),
                                               GP_STR("still being retried"),
                                               {"", 0}};

static const struct gp_str daemons[] = {GP_STR("mailer-daemon"),        GP_STR("postmaster"),
                                        GP_STR("mail-daemon"),          GP_STR("mailerdaemon"),
                                        GP_STR("maildaemon"),           GP_STR("mailer_daemon"),
                                        GP_STR("mail.delivery.system"), GP_STR("mdaemon"),
                                        GP_STR("post_master"),          {"", 0}};

static struct gp_str field(const struct gp_reading *r, struct gp_str name)
{
    return gp_field_find(r->parts.header, name);
}

static bool null_path(const struct gp_reading *r)
{
    struct gp_str path = field(r, GP_STR("Return-Path"));
    return gp_str_eq(path, GP_STR("<>")) || gp_str_starts_nocase(path, GP_STR("<MAILER-DAEMON"));
}

static bool from_daemon(const struct gp_reading *r)
{
    struct gp_str name = gp_text_to(gp_memory_lower(r->m, field(r, GP_STR("From"))), 500);
    return gp_text_starts_any(r->report->from, daemons) || gp_text_has(name, GP_STR("mailer-daemon")) ||
           gp_text_has(name, GP_STR("mail deliver"));
}

static bool is_delay(const struct gp_reading *r)
{
    return gp_text_has_any(r->subject, delay_subjects) || gp_text_has_any(r->human.lower, delays);
}

/* read_said - all that the text says, once: of many recipients it may be the only word */
static struct gp_str read_said(struct gp_reading *r)
{
    struct gp_mention all = {.end = r->human.text.n};
    return gp_mention_said(r->m, &r->human, &all);
}

static bool has_code(struct gp_str text)
{
    return gp_said_reply(text).n > 0 || gp_said_status(text).n > 0;
}

/* elsewhere - does the reason not stand with the address? It is alone there, or the only code stands before it. */
static bool elsewhere(const struct gp_reading *r, struct gp_str said, const struct gp_mentions *n,
                      struct gp_str address)
{
    size_t letters = 0;

    for (size_t i = 0; i < said.n; i++)
        letters += strchr(" <>\"':;*-[]().", said.p[i]) == NULL;
    return letters < address.n + 4 || (n->n == 1 && !has_code(said) && has_code(r->said));
}

/* what the text says about one; of the only one it may all be */
static struct gp_str said_about(const struct gp_reading *r, const struct gp_mentions *n,
                                const struct gp_report_recipient *who, bool alone)
{
    for (size_t i = 0; i < n->n; i++) {
        struct gp_str a = n->mention[i].address;
        if (!gp_str_eq(a, who->recipient) && !gp_str_eq(a, who->original_recipient))
            continue;
        struct gp_str said = gp_mention_said(r->m, &r->human, &n->mention[i]);
        return elsewhere(r, said, n, a) ? r->said : said;
    }
    return alone ? r->said : GP_STR("");
}

static struct gp_str original_of(const struct gp_reading *r, const struct gp_mentions *n, struct gp_str recipient)
{
    for (size_t i = 0; i < n->n; i++) {
        if (gp_str_eq(n->mention[i].address, recipient))
            return gp_mention_original(&r->human, &n->mention[i]);
    }
    return GP_STR("");
}

/* codes, phase and host, from the report's words before those for people */
static void evidence(const struct gp_reading *r, struct gp_report_recipient *who)
{
    struct gp_str first = who->diagnostic.n > 0 ? who->diagnostic : who->human;

    who->reply = gp_said_reply(first);
    who->enhanced = gp_said_status(first);
    who->phase = gp_said_phase(gp_memory_lower(r->m, first));
    if (who->reply.n == 0)
        who->reply = gp_said_reply(who->human);
    if (who->phase == GP_PHASE_NOT_SAID)
        who->phase = gp_said_phase(gp_memory_lower(r->m, who->human));
    if (who->remote.n == 0)
        who->remote = gp_memory_lower(r->m, gp_said_host(who->human));
    if (who->diagnostic.n == 0) /* a server's words begin with its code; others have no end and no beginning */
        who->diagnostic =
            who->reply.n > 0 ? gp_text_from(who->human, (size_t)(who->reply.p - who->human.p)) : who->human;
    if (who->status.n == 0)
        who->status = who->enhanced;
}

/* whom the message was for, when only its header can tell: X-Failed-Recipients, else the one address of its To */
static struct gp_str only_recipient(const struct gp_reading *r)
{
    struct gp_str failed = gp_address_only(field(r, GP_STR("X-Failed-Recipients"))), to;
    size_t at, len;

    if (failed.n > 0)
        return failed;
    to = gp_text_to(gp_field_find(r->parts.returned, GP_STR("To")), 2000);
    if (gp_address_scan(to, 0, &at, &len) &&
        gp_str_find(gp_text_from(to, at + len), '@') == gp_text_from(to, at + len).n)
        return (struct gp_str){to.p + at, len};
    return GP_STR("");
}

bool gp_read_dsn(struct gp_reading *r)
{
    struct gp_str status = r->parts.status;
    struct gp_mentions named;
    struct gp_dsn d;

    if (status.n == 0)
        status = gp_text_from(r->human.text, gp_dsn_in_text(r->human.lower));
    if (status.n == 0)
        return false;
    gp_dsn_read(r->m, status, &d);
    if (d.n == 0)
        return false;
    r->said = read_said(r);
    gp_mentions_read(r->m, &r->human, &named);
    for (size_t i = 0; i < d.n; i++) {
        struct gp_report_recipient *from = &d.recipients[i], *to;
        struct gp_str address = from->recipient.n > 0 ? from->recipient : from->original_recipient;
        if (address.n == 0 && d.n == 1)
            address = named.n == 1 ? named.mention[0].address : gp_memory_lower(r->m, only_recipient(r));
        to = address.n > 0 ? gp_reading_find(r, address) : NULL;
        if (to != NULL && (to->action == GP_ACTION_FAILED || from->action != GP_ACTION_FAILED))
            continue; /* of several about one address, the failure counts */
        if (address.n == 0 || (to == NULL && (to = gp_reading_add(r, address)) == NULL))
            continue;
        from->recipient = address;
        *to = *from;
        to->human = said_about(r, &named, to, d.n == 1);
        if (to->original_recipient.n == 0)
            to->original_recipient = original_of(r, &named, to->recipient);
        evidence(r, to);
    }
    r->report->cut = r->report->cut || d.cut;
    r->report->reporter = d.reporter;
    r->envelope_id = d.envelope_id;
    r->sender = d.sender;
    r->arrival = d.arrival;
    return true;
}

static struct gp_report_recipient *add_said(struct gp_reading *r, struct gp_str address, struct gp_str said,
                                            enum gp_report_action action)
{
    struct gp_report_recipient *to = gp_reading_add(r, address);
    if (to == NULL)
        return NULL;
    to->action = action;
    to->human = said;
    evidence(r, to);
    return to;
}

/* the addresses of X-Failed-Recipients */
static void add_failed(struct gp_reading *r, const struct gp_mentions *n, enum gp_report_action action)
{
    struct gp_str failed = gp_text_to(field(r, GP_STR("X-Failed-Recipients")), 16384);
    size_t at, len;

    for (size_t from = 0; gp_address_scan(failed, from, &at, &len); from = at + len) {
        struct gp_report_recipient who = {.recipient = gp_memory_lower(r->m, (struct gp_str){failed.p + at, len})};
        add_said(r, who.recipient, said_about(r, n, &who, true), action);
    }
}

static bool is_notice(const struct gp_reading *r, enum gp_mention_rank rank)
{
    struct gp_str beginning = gp_text_to(r->human.lower, 1000);
    bool answer = gp_str_starts_nocase(r->subject, GP_STR("re:"));

    if (field(r, GP_STR("X-Failed-Recipients")).n > 0)
        return true;
    if (!answer && (gp_text_has_any(r->subject, subjects) || gp_text_has_any(beginning, texts)))
        return true;
    if (from_daemon(r))
        return !gp_has_auto_subject(r);
    return null_path(r) && rank >= GP_MENTION_COMMAND && !gp_is_auto_reply(r);
}

/* read_enclosed - a report that somebody forwarded in the text, below words of his own */
static bool read_enclosed(struct gp_reading *r)
{
    struct gp_parts own = r->parts;

    if (!gp_text_has(r->human.returned, GP_STR("Final-Recipient:")))
        return false;
    gp_mime_open(r->m, r->human.returned, &r->parts);
    if (r->parts.status.n == 0) {
        r->parts = own;
        return false;
    }
    r->parts.header = own.header;
    gp_human_open(r->m, r->parts.text, &r->human);
    return gp_read_dsn(r);
}

/* is_aside - an address of the sender, or of somebody who helps: it stands in a notice, but did not fail */
static bool is_aside(const struct gp_reading *r, struct gp_str address)
{
    static const struct gp_str helpers[] = {GP_STR("postmaster@"), GP_STR("abuse@"), GP_STR("support@"),
                                            GP_STR("help"),        GP_STR("admin"),  {"", 0}};
    struct gp_str to = gp_memory_lower(r->m, gp_address_only(gp_text_to(field(r, GP_STR("To")), 2000)));

    return gp_str_eq(address, r->report->from) || gp_str_eq(address, r->report->returned_from) ||
           gp_str_eq(address, to) || gp_text_starts_any(address, helpers);
}

/* in_passing - the first address of the text that is no aside */
static struct gp_str in_passing(const struct gp_reading *r)
{
    struct gp_str text = gp_text_to(r->human.lower, 8192);
    size_t at, len;

    for (size_t from = 0; gp_address_scan(text, from, &at, &len); from = at + len) {
        if (!is_aside(r, gp_text_to(gp_text_from(text, at), len)))
            return gp_text_to(gp_text_from(text, at), len);
    }
    return GP_STR("");
}

/* only_asides - are there no other mentions? Then one of them must be meant. */
static bool only_asides(const struct gp_reading *r, const struct gp_mentions *n)
{
    for (size_t i = 0; i < n->n; i++) {
        if (!is_aside(r, n->mention[i].address))
            return false;
    }
    return true;
}

bool gp_read_notice(struct gp_reading *r)
{
    struct gp_mentions n;

    r->said = read_said(r);
    gp_mentions_read(r->m, &r->human, &n);
    enum gp_mention_rank rank = n.n > 0 ? n.mention[0].rank : GP_MENTION_NONE;
    if (!is_notice(r, rank))
        return false;
    enum gp_report_action action = is_delay(r) ? GP_ACTION_DELAYED : GP_ACTION_FAILED;
    if (rank < GP_MENTION_ANNOUNCED)
        add_failed(r, &n, action);
    bool by_header = r->report->recipients_n > 0; /* surer than a mention in passing */
    bool asides = only_asides(r, &n);
    for (size_t i = 0; i < n.n && !by_header; i++) {
        struct gp_report_recipient who = {.recipient = n.mention[i].address}, *to;
        if (!asides && is_aside(r, who.recipient))
            continue;
        to = add_said(r, who.recipient, said_about(r, &n, &who, false), action);
        if (to != NULL)
            to->original_recipient = original_of(r, &n, to->recipient);
    }
    if (r->report->recipients_n == 0 && read_enclosed(r))
        return true;
    if (r->report->recipients_n == 0 && only_recipient(r).n > 0)
        add_said(r, gp_memory_lower(r->m, only_recipient(r)), r->said, action);
    if (r->report->recipients_n == 0 && in_passing(r).n > 0)
        add_said(r, in_passing(r), r->said, action);
    r->report->cut = r->report->cut || n.cut;
    return true;
}
