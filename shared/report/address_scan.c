/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address_scan.c - addresses as they stand in the middle of text (pure)
 */
#include "shared/report/address_scan.h"

#include "shared/address.h"

#include <string.h>

static bool is_alnum(char c)
{
    return gp_is_digit(c) || gp_is_letter(c);
}

static bool is_local(char c, bool wide)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL) ||
           (wide && (unsigned char)c >= 0x80);
}

static size_t floor_of(size_t from, size_t at)
{
    return at > GP_ADDRESS_MAX && at - GP_ADDRESS_MAX > from ? at - GP_ADDRESS_MAX : from;
}

/* in_brackets - does "<" stand before the word that ends at at? There, letters beyond ASCII belong to an address. */
static bool in_brackets(struct gp_str text, size_t from, size_t at)
{
    size_t floor = floor_of(from, at);

    while (at > floor && text.p[at - 1] != ' ' && text.p[at - 1] != '\n') {
        if (text.p[--at] == '<')
            return true;
    }
    return false;
}

/* where the local part begins that ends before at */
static size_t local_begin(struct gp_str text, size_t from, size_t at, bool wide)
{
    size_t i = at, floor = floor_of(from, at);

    if (i > floor && text.p[i - 1] == '"') { /* "John Doe"@example.org */
        for (i--; i > floor && text.p[i - 1] != '"' && text.p[i - 1] != '\n';)
            i--;
        return i > floor && text.p[i - 1] == '"' ? i - 1 : at;
    }
    while (i > floor && is_local(text.p[i - 1], wide))
        i--;
    if (gp_str_starts_nocase((struct gp_str){text.p + i, at - i}, GP_STR("smtp=")))
        i += 5; /* of an X.400 address */
    while (i < at && strchr("'`./|{", text.p[i]) != NULL)
        i++; /* quotes and marks around it */
    return i;
}

static bool is_domain(char c, bool wide)
{
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || (wide && (unsigned char)c >= 0x80);
}

static size_t domain_length(struct gp_str s, bool wide)
{
    size_t n = 0;

    if (s.n > 0 && s.p[0] == '[') {
        for (n = 1; n < s.n && n < 64 && (is_alnum(s.p[n]) || s.p[n] == '.' || s.p[n] == ':');)
            n++;
        return n < s.n && s.p[n] == ']' ? n + 1 : 0;
    }
    while (n < s.n && n < GP_DOMAIN_MAX && is_domain(s.p[n], wide))
        n++;
    while (n > 0 && (s.p[n - 1] == '-' || s.p[n - 1] == '.' || s.p[n - 1] == '_'))
        n--;
    return n > 0 && s.p[0] != '-' && s.p[0] != '.' && s.p[0] != '_' ? n : 0;
}

/* scan - wide: letters beyond ASCII are part of it in any case */
static bool scan(struct gp_str text, size_t from, bool wide, size_t *at, size_t *len)
{
    for (size_t i = from; i < text.n; i++) {
        i += gp_str_find((struct gp_str){text.p + i, text.n - i}, '@');
        if (i >= text.n)
            return false;
        bool all = wide || in_brackets(text, from, i);
        size_t begin = local_begin(text, from, i, all);
        size_t domain = domain_length((struct gp_str){text.p + i + 1, text.n - i - 1}, all);
        struct gp_str found = {text.p + begin, i - begin + 1 + domain};
        if (begin < i && domain > 0 && found.n <= GP_ADDRESS_MAX && gp_str_utf8(found)) {
            *at = begin;
            *len = found.n;
            return true;
        }
    }
    return false;
}

bool gp_address_scan(struct gp_str text, size_t from, size_t *at, size_t *len)
{
    return scan(text, from, false, at, len);
}

struct gp_str gp_address_only(struct gp_str text)
{
    size_t open = gp_str_find(text, '<'), at, len;

    if (open < text.n && scan(text, open, false, &at, &len) && at == open + 1)
        return (struct gp_str){text.p + at, len};
    if (scan(text, 0, false, &at, &len))
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
    if (!scan(v, 0, true, &at, &len))
        return (struct gp_str){"", 0};
    size_t open = gp_str_find(v, '<');
    if (open < v.n && open < at && scan(v, open, true, &at, &len))
        return (struct gp_str){v.p + at, len};
    return (struct gp_str){v.p + at, len};
}
