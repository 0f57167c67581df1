/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unsubscribe.c - the choice between the client's List-Unsubscribe and ours
 */
#include "milter/unsubscribe.h"

#include <string.h>

/* A URI goes out as it came or not at all: a scheme, then printable ASCII. */
static bool is_uri(struct gp_str s)
{
    size_t colon = gp_str_find(s, ':');
    if (s.n > GP_UNSUBSCRIBE_URI_MAX || colon == 0 || colon + 1 >= s.n)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c <= ' ' || c >= 0x7f || c == '<' || c == '"' || (i < colon && !letter && (i == 0 || !digit)))
            return false;
    }
    return true;
}

static bool is_https(struct gp_str uri)
{
    return gp_str_starts_nocase(uri, GP_STR("https:"));
}

/* The next <uri> of one header value, its blanks (folding made them, RFC 2369) taken out into text. */
static bool next_uri(struct gp_str *rest, char *text, size_t *used, struct gp_str *uri)
{
    size_t open = gp_str_find(*rest, '<');
    if (open == rest->n)
        return false;
    struct gp_str inside = {rest->p + open + 1, rest->n - open - 1};
    size_t close = gp_str_find(inside, '>');
    if (close == inside.n)
        return false;
    *uri = (struct gp_str){text + *used, 0};
    for (size_t i = 0; i < close; i++) {
        if (inside.p[i] != ' ' && inside.p[i] != '\t')
            text[*used + uri->n++] = inside.p[i];
    }
    *used += uri->n;
    *rest = (struct gp_str){inside.p + close + 1, inside.n - close - 1};
    return true;
}

/* The client's URIs, the first of several https ones only. Returns whether there is an https one. */
static bool collect(const struct gp_headers *h, struct gp_unsubscribe_choice *out)
{
    struct gp_str values = {h->unsubscribe, h->unsubscribe_n}, value, uri;
    bool https = false;
    size_t used = 0;
    while (gp_str_split(&values, '\n', &value)) {
        while (out->uris < GP_UNSUBSCRIBE_URIS_MAX && next_uri(&value, out->text, &used, &uri)) {
            if (!is_uri(uri) || (https && is_https(uri)))
                continue;
            https = https || is_https(uri);
            out->uri[out->uris++] = uri;
        }
    }
    return https;
}

static void choose_ours(struct gp_unsubscribe_choice *out, bool have_https)
{
    out->our_https = out->our_post = have_https;
    out->our_mailto = true;
}

static void choose_clients(struct gp_unsubscribe_choice *out)
{
    out->keep = out->keep_post = true;
}

static void choose_both(struct gp_unsubscribe_choice *out, const struct gp_headers *h, bool have_https)
{
    bool https = !h->unsubscribe_cut && collect(h, out);
    if (out->uris == 0) {
        choose_clients(out);
        return;
    }
    choose_ours(out, have_https && !https);
    out->keep_post = https;
}

void gp_unsubscribe_choose(enum gp_unsubscribe mode, const struct gp_headers *h, bool have_https,
                           struct gp_unsubscribe_choice *out)
{
    memset(out, 0, sizeof *out);
    if (h->auto_submitted || h->report || h->list_post)
        mode = GP_UNSUBSCRIBE_NONE;
    switch (mode) {
    case GP_UNSUBSCRIBE_NONE:
        choose_clients(out);
        break;
    case GP_UNSUBSCRIBE_KEEP:
        if (h->list_unsubscribe > 0)
            choose_clients(out);
        else
            choose_ours(out, have_https);
        break;
    case GP_UNSUBSCRIBE_REPLACE:
        choose_ours(out, have_https);
        break;
    case GP_UNSUBSCRIBE_APPEND:
        if (h->list_unsubscribe > 0)
            choose_both(out, h, have_https);
        else
            choose_ours(out, have_https);
        break;
    }
}
