/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * headers.c - one row per header that matters; all others pass unread
 */
#include "milter/headers.h"

#include "milter/covered.h"

#include <string.h>

#define WORD_MAX 40 /* the words that are compared are shorter */

void gp_headers_init(struct gp_headers *h)
{
    memset(h, 0, sizeof *h);
}

/* Appends one value and LF. A line break becomes nothing before a blank, a blank otherwise. */
static void keep_value(char *list, size_t cap, size_t *n, bool *cut, struct gp_str value)
{
    value = gp_str_trim(value);
    if (value.n >= cap - *n) {
        *cut = true;
        return;
    }
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool before_blank = i + 1 < value.n && strchr("\r\n\t ", value.p[i + 1]) != NULL && value.p[i + 1] != '\0';
        if (c != '\r' && c != '\n')
            list[(*n)++] = c;
        else if (!before_blank)
            list[(*n)++] = ' ';
    }
    list[(*n)++] = '\n';
}

/* The value up to the first ';', without blanks and comments (RFC 5322 CFWS), lower case; cut at WORD_MAX - 1. */
static struct gp_str first_word(struct gp_str value, char word[WORD_MAX])
{
    struct gp_buf b = gp_buf_on(word, WORD_MAX);
    size_t depth = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\' && depth > 0)
            i++;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (c == ';' && depth == 0)
            break;
        else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            gp_buf_put_lower(&b, (struct gp_str){&c, 1});
    }
    return gp_buf_str(&b);
}

static void note_auto_submitted(struct gp_headers *h, struct gp_str value)
{
    char word[WORD_MAX];
    struct gp_str said = first_word(value, word);
    if (gp_str_eq(said, GP_STR("no")))
        return;
    h->auto_submitted = true;
    if (gp_str_eq(said, GP_STR("auto-generated")) || gp_str_eq(said, GP_STR("auto-notified")))
        h->auto_generated = true;
    else
        h->auto_reply = true;
}

/* X-Autoreply, X-Autorespond: yes, or a text of the reply's. */
static void note_auto_reply(struct gp_headers *h, struct gp_str value)
{
    char word[WORD_MAX];
    struct gp_str said = first_word(value, word);
    if (said.n > 0 && !gp_str_eq(said, GP_STR("no")))
        h->auto_reply = true;
}

static void note_precedence(struct gp_headers *h, struct gp_str value)
{
    char word[WORD_MAX];
    if (gp_str_eq(first_word(value, word), GP_STR("auto_reply")))
        h->auto_reply = true;
}

static void note_content_type(struct gp_headers *h, struct gp_str value)
{
    char word[WORD_MAX];
    if (gp_str_eq(first_word(value, word), GP_STR("multipart/report")))
        h->report = true;
}

static void note_from(struct gp_headers *h, struct gp_str value)
{
    h->from++;
    keep_value(h->from_text, sizeof h->from_text, &h->from_n, &h->from_cut, value);
}

static void note_list_post(struct gp_headers *h, struct gp_str value)
{
    (void)value;
    h->list_post = true;
}

static void note_list_unsubscribe(struct gp_headers *h, struct gp_str value)
{
    h->list_unsubscribe++;
    keep_value(h->unsubscribe, sizeof h->unsubscribe, &h->unsubscribe_n, &h->unsubscribe_cut, value);
}

static void note_list_unsubscribe_post(struct gp_headers *h, struct gp_str value)
{
    (void)value;
    h->list_unsubscribe_post++;
}

static void note_message_id(struct gp_headers *h, struct gp_str value)
{
    if (h->message_ids++ > 0)
        return;
    value = gp_str_trim(value);
    size_t open = gp_str_find(value, '<');
    if (open < value.n)
        value = (struct gp_str){value.p + open + 1, value.n - open - 1};
    value.n = gp_str_find(value, '>');
    if (value.n > GP_TOKEN_MESSAGE_MAX)
        return;
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return;
    }
    if (value.n > 0)
        memcpy(h->message_id, value.p, value.n);
}

static void note_ref(struct gp_headers *h, struct gp_str value)
{
    (void)value;
    h->ref++;
}

static void note_signature(struct gp_headers *h, struct gp_str value)
{
    if (h->signatures < GP_HEADERS_SIGNATURES_MAX)
        h->covers[h->signatures] = gp_covered_by(value);
    h->signatures++;
}

static void note_spf(struct gp_headers *h, struct gp_str value)
{
    (void)value;
    h->spf++;
}

static void note_source(struct gp_headers *h, struct gp_str value)
{
    (void)value;
    h->source++;
}

static void note_stream(struct gp_headers *h, struct gp_str value)
{
    value = gp_str_trim(value);
    if (h->stream++ > 0 || value.n > GP_TOKEN_STREAM_MAX)
        return;
    struct gp_buf b = gp_buf_on(h->stream_name, sizeof h->stream_name);
    gp_buf_put(&b, value); /* names that the agency does not have count for nothing, whatever they hold */
}

static const struct {
    const char *name;
    void (*note)(struct gp_headers *h, struct gp_str value);
} header[] = {
    {"Auto-Submitted", note_auto_submitted},
    {"Content-Type", note_content_type},
    {"DKIM-Signature", note_signature},
    {"From", note_from},
    {"List-Post", note_list_post},
    {"List-Unsubscribe", note_list_unsubscribe},
    {"List-Unsubscribe-Post", note_list_unsubscribe_post},
    {"Message-ID", note_message_id},
    {"Precedence", note_precedence},
    {"X-Autoreply", note_auto_reply},
    {"X-Autorespond", note_auto_reply},
    {"X-Gatepost-Ref", note_ref},
    {"X-Gatepost-SPF", note_spf},
    {"X-Gatepost-Source", note_source},
    {"X-Gatepost-Stream", note_stream},
};

void gp_headers_note(struct gp_headers *h, struct gp_str name, struct gp_str value)
{
    name = gp_str_trim(name);
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++) {
        if (gp_str_eq_nocase(name, gp_str_z(header[i].name))) {
            header[i].note(h, value);
            return;
        }
    }
}

uint64_t gp_headers_octets(struct gp_str name, struct gp_str value)
{
    uint64_t octets = (uint64_t)name.n + 1 + value.n + 2;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n' && (i == 0 || value.p[i - 1] != '\r'))
            octets++;
    }
    return octets;
}
