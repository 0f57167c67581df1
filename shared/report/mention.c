/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mention.c - failure notices in plain words: whom they name, and what they say about each (pure)
 */
#include "shared/report/mention.h"

#include "shared/report/address_scan.h"

#include <string.h>

#define MENTIONS_MAX 400 /* that are looked at */
#define LINE_MAX_LOOKED_AT 2000
#define LINE_ADDRESSES_MAX 8
#define SAID_MAX (4 * GP_REPORT_TEXT_MAX) /* octets that may say something about one */

/* Words behind which addresses stand that failed, a line each. */
static const struct gp_str announcing[] = {
    GP_STR("following address"),
    GP_STR("following recipient"),
    GP_STR("following email address"),
    GP_STR("following mail address"),
    GP_STR("following destination"),
    GP_STR("following list of recipients"),
    GP_STR("following user"),
    GP_STR("following person"),
    GP_STR("these recipients"),
    GP_STR("these addresses"),
    GP_STR("this recipient"),
    GP_STR("affected recipients"),
    GP_STR("failed addresses"),
    GP_STR("failed recipient"),
    GP_STR("was not delivered to"),
    GP_STR("were not delivered to"),
    GP_STR("not be delivered to"),
    GP_STR("not be delivered for"),
    GP_STR("not been delivered to"),
    GP_STR("has not been delivered"),
    GP_STR("has not yet been delivered"),
    GP_STR("not reach the following"),
    GP_STR("recipient(s) could not be reached"),
    GP_STR("one or more of its"),
    GP_STR("to one or more"),
    GP_STR("one or more recipient"),
    GP_STR("able to deliver your message"),
    GP_STR("unable to deliver"),
    GP_STR("unable to be delivered"),
    GP_STR("be delivered to all"),
    GP_STR("been yet delivered"),
    GP_STR("yet to be delivered"),
    GP_STR("could not be delivered because of"),
    GP_STR("had delivery errors"),
    GP_STR("had delivery problems"),
    GP_STR("permanent fatal errors"),
    GP_STR("permanent delivery errors"),
    GP_STR("transient non-fatal errors"),
    GP_STR("email addressed to"),
    GP_STR("an email you addressed to"),
    GP_STR("intended recipients"),
    GP_STR("recipients were affected"),
    GP_STR("recipient of your message"),
    GP_STR("deliver the mail to"),
    GP_STR("failure reasons"),
    GP_STR("no valid recipients"),
    GP_STR("\xe4\xbb\xa5\xe4\xb8\x8b\xe3\x81\xae\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab"
           "\xe3\x82\xa2\xe3\x83\x89\xe3\x83\xac\xe3\x82\xb9"),             /* "the mail address(es) below" */
    GP_STR("\xe6\xac\xa1\xe3\x81\xae\xe3\x81\x82\xe3\x81\xa6\xe5\x85\x88"), /* "the following address" */
    {"", 0}};

/* Words behind which, in the same line, the address stands that failed. */
static const struct gp_str naming[] = {GP_STR("recipient address:"),
                                       GP_STR("recipient:"),
                                       GP_STR("failed recipient:"),
                                       GP_STR("following recipient:"),
                                       GP_STR("unknown user:"),
                                       GP_STR("user unknown:"),
                                       GP_STR("invalid user:"),
                                       GP_STR("mailbox is full:"),
                                       GP_STR("user mailbox exceeds allowed size:"),
                                       GP_STR("undeliverable to"),
                                       GP_STR("delivery failed:"),
                                       GP_STR("delivery failed to"),
                                       GP_STR("delivery to"),
                                       GP_STR("attempts:"),
                                       GP_STR("unable to deliver message to:"),
                                       GP_STR("unable to deliver message to"),
                                       GP_STR("unable to deliver to"),
                                       GP_STR("unable to deliver mail to"),
                                       GP_STR("delivered to:"),
                                       GP_STR("delivered to"),
                                       GP_STR("delivering your mail to"),
                                       GP_STR("delivering mail to"),
                                       GP_STR("deliver your message to"),
                                       GP_STR("deliver your mail to"),
                                       GP_STR("rejected recipient"),
                                       GP_STR("the following message to"),
                                       GP_STR("your message to:"),
                                       GP_STR("your message to"),
                                       GP_STR("your mail to"),
                                       GP_STR("message sent to"),
                                       GP_STR("permanent errors:"),
                                       GP_STR("smtp="),
                                       GP_STR("duplicated message-id in"),
                                       GP_STR("not member article from"),
                                       GP_STR("of this mailing list"),
                                       GP_STR("addressed to:"),
                                       GP_STR("address:"),
                                       GP_STR("could not find a gateway for"),
                                       GP_STR("x-failed-recipients:"),
                                       GP_STR("final-recipient: rfc822;"),
                                       GP_STR("intended recipient:"),
                                       GP_STR("intended for"),
                                       {"", 0}};

/* ... unless these do, too: it is somebody else's. */
static const struct gp_str others[] = {GP_STR("sender"),  GP_STR("from"),       GP_STR("reply"),
                                       GP_STR("contact"), GP_STR("postmaster"), {"", 0}};

/* What stands before an address of a transcript, and before the one that another stands for. */
static const struct gp_str commands[] = {GP_STR("rcpt to:"), GP_STR("rcpt:"), {"", 0}};
static const struct gp_str aliases[] = {GP_STR("generated by"),   GP_STR("generated from"),    GP_STR("expanded from"),
                                        GP_STR("expanded from:"), GP_STR("original address:"), {"", 0}};

/* Labels of a message's header: whose addresses they name is not known. */
static const struct gp_str headers[] = {GP_STR("to:"),       GP_STR("cc:"), GP_STR("from:"), GP_STR("sender:"),
                                        GP_STR("reply-to:"), GP_STR("by:"), GP_STR("for:"),  {"", 0}};

/* Lines that end what is said about the last one. */
static const struct gp_str closing[] = {
    GP_STR("message details:"),
    GP_STR("no further delivery attempts"),
    GP_STR("this has been a permanent failure"),
    GP_STR("if your message was also sent"),
    GP_STR("if you sent the email to multiple"),
    GP_STR("please note that this is only"),
    GP_STR("no action is required on your part"),
    GP_STR("for further assistance"),
    GP_STR("for more information about this format"),
    GP_STR("the attachment contains"),
    GP_STR("delivery attempts will continue"),
    GP_STR("\xd0\xa0\xd0\xb5\xd0\xba\xd0\xbe\xd0\xbc\xd0\xb5\xd0\xbd\xd0\xb4\xd1\x83\xd0\xb5\xd0\xbc"), /* "we
                                                                                                           recommend" */
    GP_STR("this address has been ignored"),
    {"", 0}};

struct scan {
    const struct gp_human *human;
    struct gp_mention found[MENTIONS_MAX];
    size_t n;
    struct gp_str last;  /* the line before */
    size_t announced_at; /* where the line ends that announces */
    bool announced, cut;
};

static bool ends_with_any(struct gp_str s, const struct gp_str *words)
{
    while (s.n > 0 && strchr(" \"'<[(", s.p[s.n - 1]) != NULL)
        s.n--;
    for (; words->n > 0; words++) {
        if (s.n >= words->n && gp_str_eq(gp_text_from(s, s.n - words->n), *words))
            return true;
    }
    return false;
}

/* words - how many octets of a text say something */
static size_t words(struct gp_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += strchr(" \n<>\"':;,*-=_[]().", s.p[i]) == NULL;
    return n;
}

/* begins_line - nothing but marks of a list stands before the address: blanks, "*", ">>>", "--", a quote */
static bool begins_line(struct gp_str before)
{
    for (size_t i = 0; i < before.n; i++) {
        if (strchr(" <\"'*>-([\xe2\x80\xa2\xc2\xb7", before.p[i]) == NULL)
            return false;
    }
    return true;
}

/* behind_reply - "550 <", "554 5.1.1 <": a transcript's own reply, not one that it quotes */
static bool behind_reply(struct gp_str before)
{
    struct gp_str s = gp_str_trim(before);
    size_t i = 0;

    if (s.n < 3 || (s.p[0] != '4' && s.p[0] != '5'))
        return false;
    while (i < s.n && strchr("0123456789. <-", s.p[i]) != NULL)
        i++;
    return i == s.n && i < 20;
}

static enum gp_mention_rank rank_of(const struct scan *s, struct gp_str line, size_t at, size_t len)
{
    struct gp_str before = gp_text_to(line, at), after = gp_text_from(line, at + len);

    if (ends_with_any(before, aliases) || (begins_line(before) && ends_with_any(s->last, aliases)))
        return GP_MENTION_ALIAS;
    if (ends_with_any(before, commands))
        return GP_MENTION_COMMAND;
    bool listed =
        gp_str_starts_nocase(before, GP_STR(">>> ")) && gp_str_find(before, ':') == before.n; /* >>> Name <a@b> */
    if (begins_line(before) || listed) {
        bool brackets = before.n > 0 && before.p[before.n - 1] == '<';
        if (!brackets && after.n > 0 && (unsigned char)after.p[0] >= 0x80)
            return GP_MENTION_NONE; /* it is part of a sentence */
        return s->announced ? GP_MENTION_ANNOUNCED : GP_MENTION_LINE;
    }
    if (ends_with_any(before, naming) &&
        !gp_text_has_any(gp_text_from(before, before.n > 24 ? before.n - 24 : 0), others))
        return GP_MENTION_NAMED;
    if (behind_reply(before))
        return GP_MENTION_REPLY;
    bool last = gp_str_find(before, ':') < before.n && words(after) == 0;
    return last && !ends_with_any(before, headers) && !gp_text_has_any(before, others) ? GP_MENTION_LABELLED
                                                                                       : GP_MENTION_NONE;
}

static void note(struct scan *s, struct gp_str line, size_t at, size_t len, size_t begin, size_t end)
{
    enum gp_mention_rank rank = rank_of(s, line, at, len);

    if (rank == GP_MENTION_NONE)
        return;
    if (s->n == MENTIONS_MAX) {
        s->cut = true;
        return;
    }
    s->found[s->n++] = (struct gp_mention){.address = {line.p + at, len}, .rank = rank, .begin = begin, .end = end};
}

static void scan_lines(struct scan *s)
{
    struct gp_str rest = s->human->lower, line;
    size_t begin = 0, at, len;

    for (; !s->cut && gp_text_line(&rest, &line); begin = s->human->lower.n - rest.n) {
        size_t end = begin + line.n;
        line = gp_text_to(line, LINE_MAX_LOOKED_AT);
        size_t from = 0;
        if (gp_str_find(line, '@') < line.n) {
            size_t before = s->n;
            for (unsigned i = 0; i < LINE_ADDRESSES_MAX && s->n == before; i++) {
                if (!gp_address_scan(line, from, &at, &len))
                    break;
                note(s, line, at, len, begin, end);
                from = at + len;
            }
        }
        s->last = line;
        if (!s->announced && line.n < 400) {
            s->announced = gp_text_has_any(line, announcing);
            s->announced_at = end;
        }
    }
}

static bool known(const struct gp_mentions *out, struct gp_str address)
{
    for (size_t i = 0; i < out->n; i++) {
        if (gp_str_eq(out->mention[i].address, address))
            return true;
    }
    return false;
}

/* reasons_first - do the addresses stand behind their reasons? Then nothing follows the last one. */
static bool reasons_first(const struct gp_mentions *out, const struct scan *s, enum gp_mention_rank rank)
{
    if (rank == GP_MENTION_REPLY || out->n < 2 || rank != GP_MENTION_ANNOUNCED)
        return rank == GP_MENTION_REPLY;
    struct gp_str text = s->human->lower;
    const struct gp_mention *last = &out->mention[out->n - 1];
    size_t first = out->mention[0].begin > s->announced_at ? out->mention[0].begin - s->announced_at : 0;
    return words(gp_text_from(text, last->begin)) <= words(last->address) &&
           words(gp_text_to(gp_text_from(text, s->announced_at), first)) > 0;
}

/* blocks - each mention's text: up to the next one, or back to the one before */
static void blocks(struct gp_mentions *out, bool back, size_t n)
{
    for (size_t i = 0; i < out->n; i++) {
        struct gp_mention *here = &out->mention[i];
        if (back) {
            here->begin = i > 0 ? out->mention[i - 1].end : 0;
            here->end = i + 1 < out->n ? here->end : n;
        } else {
            here->end = i + 1 < out->n ? out->mention[i + 1].begin : n;
        }
    }
}

/* best_of - the two best ranks are as good as each other: the text uses one or the other first */
static enum gp_mention_rank best_of(const struct scan *s)
{
    enum gp_mention_rank best = GP_MENTION_NONE;

    for (size_t i = 0; i < s->n && best < GP_MENTION_ANNOUNCED; i++)
        best = s->found[i].rank > best ? s->found[i].rank : best;
    return best;
}

void gp_mentions_read(struct gp_report_memory *m, const struct gp_human *human, struct gp_mentions *out)
{
    struct scan *s = gp_memory_get(m, sizeof *s);

    *out = (struct gp_mentions){.mention = gp_memory_get(m, GP_REPORT_RECIPIENTS_MAX * sizeof *out->mention)};
    if (s == NULL || out->mention == NULL)
        return;
    s->human = human;
    scan_lines(s);
    enum gp_mention_rank best = best_of(s);
    for (size_t i = 0; i < s->n; i++) {
        if (s->found[i].rank != best || known(out, s->found[i].address))
            continue;
        if (out->n == GP_REPORT_RECIPIENTS_MAX) {
            s->cut = true;
            break;
        }
        out->mention[out->n++] = s->found[i];
    }
    out->cut = s->cut;
    blocks(out, reasons_first(out, s, best), human->text.n);
}

static bool closes(struct gp_str line)
{
    size_t rule = 0;
    struct gp_str t = gp_str_trim(line);

    while (rule < t.n && (t.p[rule] == '-' || t.p[rule] == '_' || t.p[rule] == '='))
        rule++;
    return (rule == t.n && rule >= 10) || gp_text_starts_any(t, closing);
}

struct gp_str gp_mention_said(struct gp_report_memory *m, const struct gp_human *human, const struct gp_mention *about)
{
    size_t n = about->end - about->begin < SAID_MAX ? about->end - about->begin : SAID_MAX;
    struct gp_str text = gp_str_cut(gp_text_from(human->text, about->begin), n);
    struct gp_str lower = gp_text_to(gp_text_from(human->lower, about->begin), text.n), rest = lower, line;
    bool said = false;

    while (gp_text_line(&rest, &line)) {
        if (said && closes(line)) {
            text.n = (size_t)(line.p - lower.p);
            break;
        }
        size_t own = line.p == lower.p ? about->address.n + 8 : 0; /* the address alone says nothing */
        said = said || gp_str_trim(line).n > own;
    }
    return gp_text_flat(m, text, GP_REPORT_TEXT_MAX);
}

struct gp_str gp_mention_original(const struct gp_human *human, const struct gp_mention *about)
{
    struct gp_str text = gp_text_to(gp_text_from(human->lower, about->begin), about->end - about->begin);

    for (const struct gp_str *a = aliases; a->n > 0; a++) {
        struct gp_str rest = gp_text_to(gp_text_from(text, gp_text_at(text, *a) + a->n), 300);
        struct gp_str line = gp_str_trim(rest);
        line = gp_text_to(line, gp_str_find(line, '\n'));
        if (gp_str_find(line, '@') < line.n)
            return gp_address_only(line);
    }
    return GP_STR("");
}
