/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp_said.c - what can be read out of the text of a server: codes, phase, host (pure)
 */
#include "shared/report/smtp_said.h"

#include "shared/report/text.h"

#include <string.h>

/* digits - at the start of s, at most max; 0 when there are none or more */
static size_t digits(struct gp_str s, size_t max)
{
    size_t n = 0;
    while (n < s.n && n <= max && gp_is_digit(s.p[n]))
        n++;
    return n <= max ? n : 0;
}

/* status_length - "5.1.10" at the start of s, standing alone: its length, or 0 */
static size_t status_length(struct gp_str s)
{
    size_t n = 1, len;

    if (s.n < 5 || (s.p[0] != '4' && s.p[0] != '5' && s.p[0] != '2') || s.p[1] != '.')
        return 0;
    for (unsigned part = 0; part < 2; part++) {
        if (n >= s.n || s.p[n] != '.')
            return 0;
        len = digits(gp_text_from(s, n + 1), 3);
        if (len == 0)
            return 0;
        n += 1 + len;
    }
    bool more = n + 1 < s.n && s.p[n] == '.' && gp_is_digit(s.p[n + 1]);
    return more || (n < s.n && (s.p[n] == '-' ? n + 1 < s.n && gp_is_digit(s.p[n + 1]) : false)) ? 0 : n;
}

static bool stands_alone(struct gp_str text, size_t at)
{
    if (at == 0)
        return true;
    unsigned char c = (unsigned char)text.p[at - 1];
    return c >= 0x80 || strchr(" (<[#'\":;,->=/", (char)c) != NULL;
}

struct gp_str gp_said_status(struct gp_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '4' && text.p[i] != '5' && (i > 0 || text.p[i] != '2'))
            continue;
        size_t n = stands_alone(text, i) ? status_length(gp_text_from(text, i)) : 0;
        if (n > 0)
            return (struct gp_str){text.p + i, n};
    }
    return GP_STR("");
}

/* is_code - a reply code of SMTP at the start of s? What follows it says so too. */
static bool is_code(struct gp_str s)
{
    if (s.n < 3 || (s.p[0] != '4' && s.p[0] != '5') || strchr("0123457", s.p[1]) == NULL || !gp_is_digit(s.p[2]))
        return false;
    return s.n == 3 || strchr(" -:;,<\"')]>", s.p[3]) != NULL;
}

struct gp_str gp_said_reply(struct gp_str text)
{
    /* in this order: what the words before it, or the enhanced code behind it, vouch for; then any */
    static const struct gp_str before[] = {GP_STR("said: "),     GP_STR("said "),  GP_STR("<<< "),
                                           GP_STR("returned '"), GP_STR("code :"), GP_STR("failure: "),
                                           GP_STR("smtp; "),     GP_STR("smtp;"),  GP_STR("error: "),
                                           GP_STR("reason: "),   GP_STR("]: "),    {"", 0}};
    struct gp_str any = GP_STR("");

    for (size_t i = 0; i + 3 <= text.n; i++) {
        struct gp_str here = gp_text_from(text, i);
        if ((here.p[0] != '4' && here.p[0] != '5') || !is_code(here) || !stands_alone(text, i) ||
            (i > 0 && strchr("-=/,", text.p[i - 1]) != NULL))
            continue;
        struct gp_str code = gp_text_to(here, 3);
        size_t blanks = 3;
        while (blanks < here.n && strchr(" -#<", here.p[blanks]) != NULL && blanks < 8)
            blanks++;
        bool vouched = i == 0 || status_length(gp_text_from(here, blanks)) > 0;
        for (const struct gp_str *b = before; b->n > 0 && !vouched; b++)
            vouched = i >= b->n && memcmp(text.p + i - b->n, b->p, b->n) == 0;
        if (vouched)
            return code;
        if (any.n == 0 && here.n > 3)
            any = code;
    }
    return any;
}

static const struct {
    struct gp_str words;
    enum gp_report_phase phase;
} phases[] = {
    {GP_STR("in reply to mail from"), GP_PHASE_MAIL},
    {GP_STR("in reply to rcpt to"), GP_PHASE_RCPT},
    {GP_STR("in reply to end of data"), GP_PHASE_DATA},
    {GP_STR("in reply to data"), GP_PHASE_DATA},
    {GP_STR("in reply to bdat"), GP_PHASE_DATA},
    {GP_STR("in reply to ehlo"), GP_PHASE_HELO},
    {GP_STR("in reply to helo"), GP_PHASE_HELO},
    {GP_STR("in reply to starttls"), GP_PHASE_HELO},
    {GP_STR("in reply to lhlo"), GP_PHASE_HELO},
    {GP_STR("in reply to initial server greeting"), GP_PHASE_CONNECT},
    {GP_STR("refused to talk to me"), GP_PHASE_CONNECT},
    {GP_STR("after mail from"), GP_PHASE_MAIL},
    {GP_STR("after rcpt to"), GP_PHASE_RCPT},
    {GP_STR("after rcpt command"), GP_PHASE_RCPT},
    {GP_STR("after end of data"), GP_PHASE_DATA},
    {GP_STR("after data"), GP_PHASE_DATA},
    {GP_STR("after pipelined mail from"), GP_PHASE_MAIL},
    {GP_STR("after pipelined rcpt to"), GP_PHASE_RCPT},
    {GP_STR("after pipelined data"), GP_PHASE_DATA},
    {GP_STR("after pipelined end of data"), GP_PHASE_DATA},
    {GP_STR("after sending data block"), GP_PHASE_DATA},
    {GP_STR("after initial connection"), GP_PHASE_CONNECT},
    {GP_STR("after ehlo"), GP_PHASE_HELO},
    {GP_STR("after helo"), GP_PHASE_HELO},
    {GP_STR("after starttls"), GP_PHASE_HELO},
    {GP_STR("did not like our mail from"), GP_PHASE_MAIL},
    {GP_STR("did not like our rcpt to"), GP_PHASE_RCPT},
    {GP_STR("did not like our data"), GP_PHASE_DATA},
    {GP_STR("did not like our final data"), GP_PHASE_DATA},
    {GP_STR("did not like our helo"), GP_PHASE_HELO},
    {GP_STR("did not like our ehlo"), GP_PHASE_HELO},
    {GP_STR("sender was rejected"), GP_PHASE_MAIL},
    {GP_STR("does not like recipient"), GP_PHASE_RCPT},
    {GP_STR("failed after i sent the message"), GP_PHASE_DATA},
    {GP_STR("failed on data command"), GP_PHASE_DATA},
    {GP_STR("[mail_from]"), GP_PHASE_MAIL},
    {GP_STR("[rcpt_to]"), GP_PHASE_RCPT},
    {GP_STR("[data]"), GP_PHASE_DATA},
    {GP_STR("[bodyseg]"), GP_PHASE_DATA},
    {GP_STR("smtp command mail from"), GP_PHASE_MAIL},
    {GP_STR("smtp command rcpt to"), GP_PHASE_RCPT},
    {GP_STR("smtp command data"), GP_PHASE_DATA},
    {GP_STR("step: rcpt to"), GP_PHASE_RCPT},
    {GP_STR("step: mail from"), GP_PHASE_MAIL},
    {GP_STR("step: data"), GP_PHASE_DATA},
    {GP_STR("progress was rcpt to"), GP_PHASE_RCPT},
    {GP_STR("progress was mail from"), GP_PHASE_MAIL},
    {GP_STR("progress was data"), GP_PHASE_DATA},
    {GP_STR("smtp:rcpt"), GP_PHASE_RCPT},
    {GP_STR("smtp:mail"), GP_PHASE_MAIL},
    {GP_STR("smtp:data"), GP_PHASE_DATA},
    {GP_STR("for rcpt command"), GP_PHASE_RCPT},
    {GP_STR("for rcpt to command"), GP_PHASE_RCPT},
    {GP_STR("for mail command"), GP_PHASE_MAIL},
    {GP_STR("for data command"), GP_PHASE_DATA},
    {GP_STR("for text command"), GP_PHASE_DATA},
    {GP_STR("after mail command"), GP_PHASE_MAIL},
    {GP_STR("greeting failed"), GP_PHASE_CONNECT},
    {GP_STR("my name was rejected"), GP_PHASE_HELO},
    {GP_STR("sent <<< rcpt"), GP_PHASE_RCPT},
    {GP_STR("sent <<< mail"), GP_PHASE_MAIL},
    {GP_STR("sent <<< data"), GP_PHASE_DATA},
    {GP_STR("following rcpt command"), GP_PHASE_RCPT},
    {GP_STR("following mail command"), GP_PHASE_MAIL},
    {GP_STR("following data command"), GP_PHASE_DATA},
};

/* command - of a transcript: the last command before the first refusal of the remote server */
static enum gp_report_phase command(struct gp_str lower)
{
    enum gp_report_phase phase = GP_PHASE_NOT_SAID;

    for (size_t at = 0; at < lower.n;) {
        size_t next = gp_text_at(gp_text_from(lower, at), GP_STR(">>> "));
        size_t answer = gp_text_at(gp_text_from(lower, at), GP_STR("<<< "));
        if (answer < next && is_code(gp_text_from(lower, at + answer + 4)) && phase != GP_PHASE_NOT_SAID)
            return phase;
        if (answer < next) {
            at += answer + 4;
            continue;
        }
        if (at + next >= lower.n)
            break;
        at += next + 4;
        struct gp_str verb = gp_text_to(gp_text_from(lower, at), 4);
        phase = gp_str_eq(verb, GP_STR("rcpt"))                                      ? GP_PHASE_RCPT
                : gp_str_eq(verb, GP_STR("mail"))                                    ? GP_PHASE_MAIL
                : gp_str_eq(verb, GP_STR("data"))                                    ? GP_PHASE_DATA
                : gp_str_eq(verb, GP_STR("ehlo")) || gp_str_eq(verb, GP_STR("helo")) ? GP_PHASE_HELO
                : gp_text_to(verb, 1).n > 0 && verb.p[0] == '.'                      ? GP_PHASE_DATA
                                                                                     : phase;
    }
    return phase;
}

enum gp_report_phase gp_said_phase(struct gp_str lower)
{
    enum gp_report_phase phase = command(lower);

    for (size_t i = 0; i < sizeof phases / sizeof phases[0] && phase == GP_PHASE_NOT_SAID; i++) {
        if (gp_text_has(lower, phases[i].words))
            phase = phases[i].phase;
    }
    return phase;
}

/* host_begin - a host name at the start of s, or "" */
static struct gp_str host_begin(struct gp_str s)
{
    size_t n = 0;

    while (n < s.n && n < 255 && (gp_is_digit(s.p[n]) || gp_is_letter(s.p[n]) || strchr(".-_", s.p[n]) != NULL))
        n++;
    while (n > 0 && s.p[n - 1] == '.')
        n--;
    return gp_str_find(gp_text_to(s, n), '.') < n ? gp_text_to(s, n) : GP_STR("");
}

/* host_before - the word that ends before at, an address in brackets left out */
static struct gp_str host_before(struct gp_str text, size_t at)
{
    size_t end = at, open = at;

    if (end > 0 && text.p[end - 1] == ']') {
        while (open > 0 && text.p[open - 1] != '[')
            open--;
        end = open > 0 ? open - 1 : end;
        while (end > 0 && text.p[end - 1] == ' ')
            end--;
    }
    size_t begin = end;
    while (begin > 0 && end - begin < 255 && text.p[begin - 1] != ' ')
        begin--;
    return host_begin(gp_text_to(gp_text_from(text, begin), end - begin));
}

struct gp_str gp_said_host(struct gp_str text)
{
    static const struct gp_str before[] = {GP_STR("while talking to "),
                                           GP_STR("While talking to "),
                                           GP_STR("host: "),
                                           GP_STR("host "),
                                           GP_STR("Connected to "),
                                           {"", 0}};
    static const struct gp_str behind[] = {GP_STR(" did not like our "),
                                           GP_STR(" does not like recipient"),
                                           GP_STR(" rejected your message"),
                                           GP_STR(" responded with failure"),
                                           {"", 0}};
    struct gp_str found = GP_STR("");

    for (const struct gp_str *b = before; b->n > 0 && found.n == 0; b++)
        found = host_begin(gp_text_from(text, gp_text_at(text, *b) + b->n));
    for (const struct gp_str *b = behind; b->n > 0 && found.n == 0; b++)
        found = gp_text_has(text, *b) ? host_before(text, gp_text_at(text, *b)) : found;
    size_t google = gp_text_at(text, GP_STR("for the recipient domain "));
    if (found.n == 0 && google < text.n) {
        struct gp_str rest = gp_text_from(text, google);
        found = host_begin(gp_text_from(rest, gp_text_at(rest, GP_STR(" by ")) + 4));
    }
    return found;
}
