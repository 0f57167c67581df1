/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * human.c - where the returned message begins in the text (pure)
 */
#include "shared/report/human.h"

#include "shared/report/fields.h"

#include <string.h>

/* A line of these words, and of nothing else but rulers around them, ends the text. */
static const struct gp_str whole[] = {GP_STR("original message"),
                                      GP_STR("original message headers"),
                                      GP_STR("original message header"),
                                      GP_STR("original headers"),
                                      GP_STR("original mail"),
                                      GP_STR("original mail info"),
                                      GP_STR("original mail header"),
                                      GP_STR("returned message"),
                                      GP_STR("returned mail"),
                                      GP_STR("returned message headers"),
                                      GP_STR("unsent message"),
                                      GP_STR("message header"),
                                      GP_STR("message headers"),
                                      GP_STR("message text"),
                                      GP_STR("message contents"),
                                      GP_STR("forwarded message"),
                                      GP_STR("headers of the original message"),
                                      GP_STR("copy of message"),
                                      GP_STR("copy of the original message"),
                                      GP_STR("bounced message"),
                                      GP_STR("undelivered message"),
                                      {"", 0}};

/* A line that begins with these words, behind a ruler or not, ends the text. */
static const struct gp_str begins[] = {GP_STR("below this line is a copy of"),
                                       GP_STR("below this line is the "),
                                       GP_STR("below is a copy of the original message"),
                                       GP_STR("enclosed is a copy of the message"),
                                       GP_STR("enclosed are the original headers"),
                                       GP_STR("original message follow"),
                                       GP_STR("original message header follow"),
                                       GP_STR("original message headers follow"),
                                       GP_STR("original mail as follows"),
                                       GP_STR("message header follow"),
                                       GP_STR("message headers follow"),
                                       GP_STR("message text follow"),
                                       GP_STR("unsent message follow"),
                                       GP_STR("unsent message below"),
                                       GP_STR("returned message follow"),
                                       GP_STR("the original message follow"),
                                       GP_STR("your original message follow"),
                                       GP_STR("your message follow"),
                                       GP_STR("this is a copy of the message"),
                                       GP_STR("this is a copy of your message"),
                                       GP_STR("this is a copy of the headers"),
                                       GP_STR("the body of the message is "),
                                       GP_STR("the header of the original message"),
                                       GP_STR("the headers of the original message"),
                                       GP_STR("the header page of the original message"),
                                       GP_STR("included is a copy of the message"),
                                       GP_STR("a copy of the original message"),
                                       GP_STR("a copy of your message"),
                                       GP_STR("here is a copy of the "),
                                       GP_STR("here are the headers of the "),
                                       GP_STR("header of message follow"),
                                       GP_STR("start of returned message"),
                                       GP_STR("begin returned message"),
                                       GP_STR("text of your message follow"),
                                       GP_STR("message body suppressed"),
                                       GP_STR("no message was collected"),
                                       GP_STR("start original message"),
                                       GP_STR("the non-delivered message is attached"),
                                       GP_STR("original message is attached"),
                                       {"", 0}};

/* A line that begins so, at its very start, is a header line of the returned message. */
static const struct gp_str header[] = {
    GP_STR("received:"), GP_STR("return-path:"), GP_STR("dkim-signature:"), GP_STR("delivered-to:"), {"", 0}};

static bool is_ruler(char c)
{
    return strchr("-=*_#>|+~ ", c) != NULL;
}

static struct gp_str without_rulers(struct gp_str line)
{
    while (line.n > 0 && is_ruler(line.p[0]))
        line = gp_text_from(line, 1);
    while (line.n > 0 && (is_ruler(line.p[line.n - 1]) || line.p[line.n - 1] == ':' || line.p[line.n - 1] == '.'))
        line.n--;
    return line;
}

static bool ends_text(struct gp_str line)
{
    struct gp_str words = without_rulers(line);

    if (words.n == 0 || words.n > 120)
        return false;
    for (const struct gp_str *w = whole; w->n > 0; w++) {
        if (gp_str_eq(words, *w))
            return true;
    }
    return gp_text_starts_any(words, begins);
}

/* fields_begin - behind a ruler: is this line a header's, and the next one, too? */
static bool fields_begin(struct gp_str rest, struct gp_str line)
{
    static const struct gp_str names[] = {
        GP_STR("from:"),       GP_STR("to:"),           GP_STR("date:"), GP_STR("subject:"),
        GP_STR("message-id:"), GP_STR("mime-version:"), GP_STR("from "), {"", 0}};
    struct gp_field next;
    return gp_text_starts_any(line, names) && gp_field_next(&rest, &next) && next.name.n > 0;
}

/* unquoted - the text without one mark at the start of each line */
static struct gp_str unquoted(struct gp_report_memory *m, struct gp_str text)
{
    char *out = gp_memory_get(m, text.n + 1);
    struct gp_str rest = text, line;
    size_t n = 0;

    while (out != NULL && gp_text_line(&rest, &line)) {
        size_t mark = gp_str_starts_nocase(line, GP_STR("> ")) ? 2 : gp_str_starts_nocase(line, GP_STR(">")) ? 1 : 0;
        memcpy(out + n, line.p + mark, line.n - mark);
        n += line.n - mark;
        out[n++] = '\n';
    }
    return out != NULL ? (struct gp_str){out, n} : text;
}

void gp_human_open(struct gp_report_memory *m, struct gp_str text, struct gp_human *out)
{
    struct gp_str rest, line;
    size_t at = 0;
    bool ruled = false;

    out->lower = gp_memory_lower(m, text);
    if (gp_text_has(out->lower, GP_STR("\n> final-recipient:"))) {
        text = unquoted(m, text);
        out->lower = gp_memory_lower(m, text);
    }
    out->text = text;
    out->returned = GP_STR("");
    for (rest = out->lower; gp_text_line(&rest, &line); at = out->lower.n - rest.n) {
        bool is_header = gp_text_starts_any(line, header) || (ruled && fields_begin(rest, line));
        ruled = line.n >= 10 && without_rulers(line).n == 0;
        if (!is_header && !ends_text(line))
            continue;
        out->returned = gp_text_from(text, is_header ? at : text.n - rest.n);
        out->text = gp_text_to(text, at);
        out->lower = gp_text_to(out->lower, at);
        break;
    }
    struct gp_str ruler;
    while (out->returned.n > 0 && gp_text_line(&(struct gp_str){out->returned.p, out->returned.n}, &ruler) &&
           without_rulers(ruler).n == 0)
        out->returned = gp_text_from(out->returned, ruler.n + 1);
}
