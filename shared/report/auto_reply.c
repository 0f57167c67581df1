/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * auto_reply.c - answers of machines on behalf of people (RFC 3834 and its cousins)
 */
#include "shared/report/reading.h"

/* how such answers call themselves; lower case, as UTF-8 */
static const struct gp_str subjects[] = {
    GP_STR("out of office"),
    GP_STR("out of the office"),
    GP_STR("out-of-office"),
    GP_STR("ooo:"),
    GP_STR("auto:"),
    GP_STR("auto re:"),
    GP_STR("autoreply"),
    GP_STR("auto-reply"),
    GP_STR("auto reply"),
    GP_STR("auto response"),
    GP_STR("auto-response"),
    GP_STR("autoresponse"),
    GP_STR("automatic reply"),
    GP_STR("automatic response"),
    GP_STR("automated reply"),
    GP_STR("automated response"),
    GP_STR("away from my mail"),
    GP_STR("away from the office"),
    GP_STR("away until"),
    GP_STR("i am away"),
    GP_STR("on vacation"),
    GP_STR("vacation:"),
    GP_STR("vacation reply"),
    GP_STR("on holiday"),
    GP_STR("on leave"),
    GP_STR("please verify your message"),
    GP_STR("challenge-response"),
    GP_STR("abwesenheit"),
    GP_STR("abwesend"),
    GP_STR("automatische antwort"),
    GP_STR("automatisch antwoord"),
    GP_STR("afwezig"),
    GP_STR("autosvar"),
    GP_STR("r\xc3\xa9ponse automatique"),
    GP_STR("absence du bureau"),
    GP_STR("respuesta autom\xc3\xa1tica"),
    GP_STR("fuera de la oficina"),
    GP_STR("resposta autom\xc3\xa1tica"),
    GP_STR("risposta automatica"),
    GP_STR("fuori sede"),
    GP_STR("automatyczna odpowied"),
    GP_STR("\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82"), /* "autoanswer" */
    GP_STR("\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94"), /* "automatic answer", Japanese */
    GP_STR("\xe4\xb8\x8d\xe5\x9c\xa8"),                         /* "absent" */
    GP_STR("\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d"), /* "automatic reply", Chinese */
    GP_STR("\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe8\xa6\x86"), /* the same, traditional */
    {"", 0}};

static const struct gp_str machine_headers[] = {
    GP_STR("X-Autoreply"),      GP_STR("X-Autorespond"),    GP_STR("X-Autoresponder"), GP_STR("X-Auto-Reply"),
    GP_STR("X-AutoReply-From"), GP_STR("X-Mail-Autoreply"), GP_STR("X-Vacation"),      {"", 0}};

static struct gp_str value(const struct gp_reading *r, struct gp_str name)
{
    return gp_field_find(r->parts.header, name);
}

static bool auto_submitted(const struct gp_reading *r, struct gp_str begin)
{
    return gp_str_starts_nocase(value(r, GP_STR("Auto-Submitted")), begin);
}

static bool has_machine_header(const struct gp_reading *r)
{
    for (const struct gp_str *n = machine_headers; n->n > 0; n++) {
        if (value(r, *n).n > 0 && !gp_str_starts_nocase(value(r, *n), GP_STR("no")))
            return true;
    }
    return false;
}

/* in the middle of a subject such words may be a person's, if nothing else speaks for a machine */
bool gp_has_auto_subject(const struct gp_reading *r)
{
    static const struct gp_str precedence[] = {GP_STR("bulk"), GP_STR("junk"), GP_STR("auto"), {"", 0}};
    bool machine = gp_str_eq(value(r, GP_STR("Return-Path")), GP_STR("<>")) ||
                   value(r, GP_STR("X-Auto-Response-Suppress")).n > 0 ||
                   gp_text_starts_any(value(r, GP_STR("Precedence")), precedence) || auto_submitted(r, GP_STR("auto"));

    return gp_text_starts_any(r->subject, subjects) || (machine && gp_text_has_any(r->subject, subjects));
}

bool gp_is_auto_reply(const struct gp_reading *r)
{
    static const struct gp_str precedence[] = {GP_STR("auto_reply"), GP_STR("auto-reply"), {"", 0}};

    return has_machine_header(r) || auto_submitted(r, GP_STR("auto-")) ||
           gp_text_starts_any(value(r, GP_STR("Precedence")), precedence) || gp_has_auto_subject(r);
}

bool gp_is_automatic(const struct gp_reading *r)
{
    static const struct gp_str precedence[] = {GP_STR("bulk"), GP_STR("junk"), GP_STR("list"), GP_STR("auto"), {"", 0}};
    struct gp_str path = value(r, GP_STR("Return-Path")), submitted = value(r, GP_STR("Auto-Submitted"));

    return r->report->kind != GP_REPORT_OTHER || gp_str_eq(path, GP_STR("<>")) ||
           (submitted.n > 0 && !gp_str_starts_nocase(submitted, GP_STR("no"))) || gp_is_auto_reply(r) ||
           gp_text_starts_any(value(r, GP_STR("Precedence")), precedence) ||
           value(r, GP_STR("X-Auto-Response-Suppress")).n > 0 || value(r, GP_STR("List-Id")).n > 0 ||
           value(r, GP_STR("X-Loop")).n > 0;
}

bool gp_read_unsubscribe(struct gp_reading *r)
{
    bool machine = value(r, GP_STR("X-Apple-Unsubscribe")).n > 0; /* a mail program's button */
    bool says = gp_str_starts_nocase(r->subject, GP_STR("unsubscribe")) &&
                !gp_str_eq(value(r, GP_STR("Return-Path")), GP_STR("<>"));

    if (!machine && (!says || auto_submitted(r, GP_STR("auto")) || has_machine_header(r)))
        return false;
    if (r->report->from.n > 0)
        gp_reading_add(r, r->report->from);
    return true;
}
