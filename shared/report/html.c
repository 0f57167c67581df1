/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html.c - what a reader of HTML sees, roughly (pure)
 */
#include "shared/report/text.h"

#include <string.h>

/* elements that begin a line, and those whose content is not seen; each name ends at a blank, '/' or '>' */
static const struct gp_str breaks[] = {GP_STR("br"), GP_STR("p"),  GP_STR("div"),   GP_STR("tr"),  GP_STR("li"),
                                       GP_STR("hr"), GP_STR("h1"), GP_STR("h2"),    GP_STR("h3"),  GP_STR("td"),
                                       GP_STR("ul"), GP_STR("ol"), GP_STR("table"), GP_STR("pre"), {"", 0}};
static const struct gp_str unseen[] = {GP_STR("style"), GP_STR("script"), GP_STR("title"), {"", 0}};

static const struct {
    struct gp_str name, is;
} entities[] = {{GP_STR("amp;"), GP_STR("&")},   {GP_STR("lt;"), GP_STR("<")},   {GP_STR("gt;"), GP_STR(">")},
                {GP_STR("quot;"), GP_STR("\"")}, {GP_STR("nbsp;"), GP_STR(" ")}, {GP_STR("apos;"), GP_STR("'")},
                {GP_STR("#39;"), GP_STR("'")},   {GP_STR("#64;"), GP_STR("@")},  {GP_STR("#34;"), GP_STR("\"")}};

static bool is_one_of(struct gp_str name, const struct gp_str *list)
{
    for (; list->n > 0; list++) {
        if (gp_str_eq_nocase(name, *list))
            return true;
    }
    return false;
}

/* tag - s begins behind '<': octets up to and with '>'; the element's name in *name, "" for a comment */
static size_t tag(struct gp_str s, struct gp_str *name)
{
    size_t n = 0, end;

    *name = GP_STR("");
    if (gp_str_starts_nocase(s, GP_STR("!--"))) {
        end = gp_text_at(s, GP_STR("-->"));
        return end < s.n ? end + 3 : s.n;
    }
    end = gp_str_find(s, '>');
    struct gp_str inner = gp_text_to(s, end);
    if (inner.n > 0 && inner.p[0] == '/')
        inner = gp_text_from(inner, 1);
    while (n < inner.n && strchr(" \t\n/", inner.p[n]) == NULL)
        n++;
    *name = gp_text_to(inner, n);
    return end < s.n ? end + 1 : s.n;
}

/* skip_unseen - octets of s up to the end tag of the element */
static size_t skip_unseen(struct gp_str s, struct gp_str name)
{
    for (size_t at = 0; at < s.n;) {
        at += gp_text_at(gp_text_from(s, at), GP_STR("</"));
        if (gp_str_starts_nocase(gp_text_from(s, at + 2), name))
            return at;
        at += 2;
    }
    return s.n;
}

static size_t entity(struct gp_str s, struct gp_str *is)
{
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (gp_str_starts_nocase(s, entities[i].name)) {
            *is = entities[i].is;
            return entities[i].name.n;
        }
    }
    *is = GP_STR("&");
    return 0;
}

struct gp_str gp_text_html(struct gp_report_memory *m, struct gp_str html)
{
    char *out = gp_memory_get(m, html.n + 1);
    size_t n = 0;
    struct gp_str name, is;

    if (out == NULL)
        return GP_STR("");
    for (size_t i = 0; i < html.n;) {
        struct gp_str rest = gp_text_from(html, i + 1);
        char c = html.p[i++];
        bool begins = rest.n > 0 && (rest.p[0] == '/' || rest.p[0] == '!' || (rest.p[0] | 0x20) >= 'a');
        if (c == '<' && begins && rest.p[0] != '@') {
            bool end = rest.p[0] == '/';
            i += tag(rest, &name);
            if (is_one_of(name, breaks) && n > 0 && out[n - 1] != '\n')
                out[n++] = '\n';
            else if (!end && is_one_of(name, unseen))
                i += skip_unseen(gp_text_from(html, i), name);
        } else if (c == '&') {
            i += entity(rest, &is);
            out[n++] = is.p[0];
        } else {
            out[n++] = c;
        }
    }
    return (struct gp_str){out, n};
}
