/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address_scan.c - addresses as they stand in the middle of text (pure)
 */
#include "shared/report/address_scan.h"

#include "shared/address.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_local(char c, bool bracketed)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL) ||
           (bracketed && (unsigned char)c >= 0x80);
}

/* where the local part begins that ends before at */
static size_t local_begin(struct gp_str text, size_t from, size_t at)
{
    size_t i = at, floor = at > GP_ADDRESS_MAX && at - GP_ADDRESS_MAX > from ? at - GP_ADDRESS_MAX : from;

    if (i > floor && text.p[i - 1] == '"') { /* "John Doe"@example.org */
        for (i--; i > floor && text.p[i - 1] != '"' && text.p[i - 1] != '\n';)
            i--;
        return i > floor && text.p[i - 1] == '"' ? i - 1 : at;
    }
    bool bracketed = false;
    for (size_t j = i; j > floor && text.p[j - 1] != ' ' && text.p[j - 1] != '\n' && !bracketed; j--)
        bracketed = text.p[j - 1] == '<';
    while (i > floor && is_local(text.p[i - 1], bracketed))
        i--;
    while (i < at && text.p[i] != '#' && strchr("'`./=|{", text.p[i]) != NULL && text.p[i] != '=')
        i++; /* quotes and marks around it */
    return i;
}

static size_t domain_length(struct gp_str s)
{
    size_t n = 0;

    if (s.n > 0 && s.p[0] == '[') {
        for (n = 1; n < s.n && n < 64 && (is_alnum(s.p[n]) || s.p[n] == '.' || s.p[n] == ':');)
            n++;
        return n < s.n && s.p[n] == ']' ? n + 1 : 0;
    }
    while (n < s.n && n < GP_DOMAIN_MAX && (is_alnum(s.p[n]) || s.p[n] == '-' || s.p[n] == '.' || s.p[n] == '_'))
        n++;
    while (n > 0 && !is_alnum(s.p[n - 1]))
        n--;
    return n > 0 && is_alnum(s.p[0]) ? n : 0;
}

bool gp_address_scan(struct gp_str text, size_t from, size_t *at, size_t *len)
{
    for (size_t i = from; i < text.n; i++) {
        i += gp_str_find((struct gp_str){text.p + i, text.n - i}, '@');
        if (i >= text.n)
            return false;
        size_t begin = local_begin(text, from, i);
        size_t domain = domain_length((struct gp_str){text.p + i + 1, text.n - i - 1});
        bool character = begin < i && ((unsigned char)text.p[begin] & 0xC0) != 0x80;
        if (character && domain > 0 && i - begin + 1 + domain <= GP_ADDRESS_MAX) {
            *at = begin;
            *len = i - begin + 1 + domain;
            return true;
        }
    }
    return false;
}

struct gp_str gp_address_only(struct gp_str text)
{
    size_t open = gp_str_find(text, '<'), at, len;

    if (open < text.n && gp_address_scan(text, open, &at, &len) && at == open + 1)
        return (struct gp_str){text.p + at, len};
    if (gp_address_scan(text, 0, &at, &len))
        return (struct gp_str){text.p + at, len};
    return (struct gp_str){"", 0};
}

struct gp_str gp_address_field(struct gp_str value)
{
    size_t semicolon = gp_str_find(value, ';'), at, len;
    struct gp_str v = value;

    if (semicolon < v.n && semicolon < 12)
        v = (struct gp_str){v.p + semicolon + 1, v.n - semicolon - 1};
    v = gp_str_trim(v);
    if (v.n > 0 && v.p[0] == '@') /* a source route, "@relay:a@b", or no address at all */
        v = (struct gp_str){"", 0};
    if (!gp_address_scan(v, 0, &at, &len))
        return (struct gp_str){"", 0};
    size_t open = gp_str_find(v, '<');
    if (open < v.n && open < at && gp_address_scan(v, open, &at, &len))
        return (struct gp_str){v.p + at, len};
    return (struct gp_str){v.p + at, len};
}
