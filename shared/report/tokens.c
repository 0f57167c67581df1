/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tokens.c - where a token of ours may stand in what came back
 */
#include "shared/report/address_scan.h"
#include "shared/report/reading.h"

#include <string.h>

#define BODY_MAX 8     /* candidates from links of a body */
#define TOKEN_MAX 1000 /* octets of a candidate */

static void add(struct gp_reading *r, enum gp_token_place place, struct gp_str text)
{
    struct gp_report *out = r->report;

    if (text.n > TOKEN_MAX || out->tokens_n == GP_REPORT_TOKENS_MAX)
        return;
    text = gp_text_flat(r->m, text, TOKEN_MAX);
    if (text.n == 0)
        return;
    for (size_t i = 0; i < out->tokens_n; i++) {
        if (gp_str_eq(out->tokens[i].text, text))
            return;
    }
    out->tokens[out->tokens_n++] = (struct gp_token_candidate){place, text};
}

/* url - its last part; of a mailto: the address, and the subject it asks for */
static void add_url(struct gp_reading *r, enum gp_token_place place, struct gp_str url)
{
    struct gp_str query = gp_text_from(url, gp_str_find(url, '?') + 1), subject = GP_STR("subject=");

    if (gp_str_starts_nocase(url, GP_STR("mailto:"))) {
        add(r, place, gp_address_only(gp_text_from(url, 7)));
        struct gp_str rest = gp_text_from(query, gp_text_at(query, subject));
        if (rest.n > subject.n)
            add(r, place, gp_text_to(gp_text_from(rest, subject.n), gp_str_find(gp_text_from(rest, subject.n), '&')));
        return;
    }
    url = gp_text_to(url, gp_str_find(url, '?'));
    for (size_t n = url.n; n > 0; n--) {
        if (url.p[n - 1] == '/') {
            add(r, place, gp_text_from(url, n));
            return;
        }
    }
}

static void add_urls(struct gp_reading *r, struct gp_str list)
{
    struct gp_str flat = gp_text_flat(r->m, list, 4096);

    for (unsigned i = 0; i < 4 && flat.n > 0; i++) {
        struct gp_str rest = gp_text_from(flat, gp_str_find(flat, '<') + 1);
        add_url(r, GP_PLACE_UNSUBSCRIBE, gp_text_to(rest, gp_str_find(rest, '>')));
        flat = gp_text_from(rest, gp_str_find(rest, '>') + 1);
    }
}

/* links "https://host/u/TOKEN" and ".../c/TOKEN" of a text */
static void add_links(struct gp_reading *r, struct gp_str text)
{
    for (unsigned i = 0; i < BODY_MAX && text.n > 0; i++) {
        struct gp_str url = gp_text_from(text, gp_text_at(text, GP_STR("https://")));
        size_t n = 0;
        while (n < url.n && n < TOKEN_MAX && strchr(" \n\"'<>()", url.p[n]) == NULL)
            n++;
        url.n = n < url.n ? n : url.n;
        if (n < TOKEN_MAX && (gp_text_has(url, GP_STR("/u/")) || gp_text_has(url, GP_STR("/c/"))))
            add_url(r, GP_PLACE_BODY, url);
        text = n > 0 ? (struct gp_str){url.p + n, (size_t)(text.p + text.n - (url.p + n))} : GP_STR("");
    }
}

void gp_read_tokens(struct gp_reading *r)
{
    struct gp_str returned = r->parts.returned, subject = r->report->subject;

    add(r, GP_PLACE_RETURN_PATH, gp_address_only(gp_field_find(r->parts.feedback, GP_STR("Original-Mail-From"))));
    add(r, GP_PLACE_RETURN_PATH, r->sender);
    add(r, GP_PLACE_RETURN_PATH, gp_address_only(gp_field_find(returned, GP_STR("Return-Path"))));
    add_urls(r, gp_field_find(returned, GP_STR("List-Unsubscribe")));
    add(r, GP_PLACE_REF, gp_field_find(returned, GP_STR("X-Gatepost-Ref")));
    add(r, GP_PLACE_FEEDBACK_ID, gp_field_find(returned, GP_STR("Feedback-ID")));
    add(r, GP_PLACE_ENVELOPE_ID, r->envelope_id);
    add(r, GP_PLACE_ENVELOPE_ID, gp_field_find(r->parts.feedback, GP_STR("Original-Envelope-Id")));
    if (r->report->kind == GP_REPORT_UNSUBSCRIBE || gp_str_find(subject, ' ') == subject.n)
        add(r, GP_PLACE_SUBJECT, subject);
    add_links(r, returned);
    add_links(r, r->human.text);
}
