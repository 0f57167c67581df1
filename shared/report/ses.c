/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ses.c - what Amazon SES has SNS send by mail: the event of a message as JSON
 *
 * Read by its keys, not as a tree: the object stands inside a string of another one, its quotes escaped, its long lines
 * folded with "!", and a footer behind it.
 */
#include "shared/report/address_scan.h"
#include "shared/report/reading.h"
#include "shared/report/smtp_said.h"

#include <string.h>

/* unescaped - without the folds and backslashes of the outer string */
static struct gp_str unescaped(struct gp_report_memory *m, struct gp_str text)
{
    char *out = gp_memory_get(m, text.n);
    size_t n = 0;

    for (size_t i = 0; i < text.n && out != NULL; i++) {
        if (text.p[i] == '!' && i + 1 < text.n && text.p[i + 1] == '\n')
            i += i + 2 < text.n && text.p[i + 2] == ' ' ? 2 : 1;
        else if (text.p[i] != '\\')
            out[n++] = text.p[i];
    }
    return out != NULL ? (struct gp_str){out, n} : GP_STR("");
}

/* past - s behind the characters of marks, each once and in their order, and blanks around them; "" without them */
static struct gp_str past(struct gp_str s, const char *marks)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == *marks)) {
        if (s.p[i] == *marks)
            marks++;
        i++;
        if (*marks == '\0')
            break;
    }
    return *marks == '\0' ? gp_text_from(s, i) : GP_STR("");
}

/* value - of `"key": "value"`; what is a string ends at the next quote. "" when there is none. */
static struct gp_str value(struct gp_str json, struct gp_str key)
{
    struct gp_str rest = past(gp_text_from(json, gp_text_at(json, key) + key.n), ":\"");
    return gp_text_to(rest, gp_str_find(rest, '"'));
}

static struct gp_str array(struct gp_str json, struct gp_str key)
{
    struct gp_str rest = past(gp_text_from(json, gp_text_at(json, key) + key.n), ":[");
    return gp_text_to(rest, gp_str_find(rest, ']'));
}

static enum gp_report_action action_of(struct gp_str word)
{
    return gp_str_eq(word, GP_STR("delayed")) ? GP_ACTION_DELAYED : GP_ACTION_FAILED;
}

static struct gp_report_recipient *add(struct gp_reading *r, struct gp_str address)
{
    struct gp_str a = gp_address_only(gp_text_to(address, 512));
    return a.n > 0 ? gp_reading_add(r, gp_memory_lower(r->m, a)) : NULL;
}

static void add_bounced(struct gp_reading *r, struct gp_str recipients)
{
    while (recipients.n > 0) {
        struct gp_str one = gp_text_to(recipients, gp_str_find(recipients, '}'));
        struct gp_report_recipient *who = add(r, value(one, GP_STR("\"emailAddress\"")));
        recipients = gp_text_from(recipients, one.n + 1);
        if (who == NULL)
            continue;
        struct gp_str said = value(one, GP_STR("\"diagnosticCode\""));
        size_t type = gp_str_find(said, ';');
        said = type < 12 ? gp_text_from(said, type + 1) : said;
        who->diagnostic = gp_text_flat(r->m, said, GP_REPORT_TEXT_MAX);
        who->action = action_of(value(one, GP_STR("\"action\"")));
        who->status = gp_said_status(value(one, GP_STR("\"status\"")));
        who->reply = gp_said_reply(who->diagnostic);
        who->enhanced = gp_said_status(who->diagnostic);
        who->phase = gp_said_phase(gp_memory_lower(r->m, who->diagnostic));
    }
}

static void add_plain(struct gp_reading *r, struct gp_str list, enum gp_report_action action)
{
    size_t at, len;

    for (size_t from = 0; gp_address_scan(list, from, &at, &len); from = at + len) {
        struct gp_report_recipient *who = add(r, gp_text_to(gp_text_from(list, at), len));
        if (who != NULL)
            who->action = action;
    }
}

bool gp_read_ses(struct gp_reading *r)
{
    struct gp_str body = gp_str_trim(r->parts.text), type;

    if (body.n == 0 || body.p[0] != '{' || !gp_text_has(body, GP_STR("notificationType")))
        return false;
    body = unescaped(r->m, body);
    type = value(body, GP_STR("\"notificationType\""));
    if (gp_str_eq(type, GP_STR("Bounce"))) {
        r->report->kind = GP_REPORT_DSN;
        add_bounced(r, array(body, GP_STR("\"bouncedRecipients\"")));
    } else if (gp_str_eq(type, GP_STR("Complaint"))) {
        struct gp_str feedback = value(body, GP_STR("\"complaintFeedbackType\""));
        r->report->kind = GP_REPORT_ARF;
        r->report->feedback.type =
            feedback.n > 0 ? gp_memory_lower(r->m, gp_text_flat(r->m, feedback, 64)) : GP_STR("abuse");
        r->report->feedback.incidents = 1;
        add_plain(r, array(body, GP_STR("\"complainedRecipients\"")), GP_ACTION_NONE);
    } else if (gp_str_eq(type, GP_STR("Delivery"))) {
        r->report->kind = GP_REPORT_DSN;
        add_plain(r, array(body, GP_STR("\"recipients\"")), GP_ACTION_DELIVERED);
    }
    return r->report->recipients_n > 0;
}
