/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * spf_macro.c - macro-strings of SPF records (pure)
 */
#include "shared/spf_macro.h"

#include "shared/spf_record.h"

#include <string.h>

#define EXPANDED_MAX 4096 /* octets before labels are taken off the front */
#define VALUE_MAX 1024    /* of one macro: more than any address has */

/* "%{l1r+-}": letter, how many parts of its value from the right (0: all), whether in reverse, what parts them */
struct macro {
    char letter;
    size_t parts;
    bool reverse;
    struct gp_str delimiters; /* empty: "." */
};

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The macro at s.p[0] == '%'; returns its length, or 0 when it is none. c, r and t are for explanations only. */
static size_t read_macro(struct gp_str s, struct macro *out)
{
    size_t i = 3, digits;
    *out = (struct macro){0};
    if (s.n < 2)
        return 0;
    if (is_one_of(s.p[1], "%_-")) {
        out->letter = s.p[1];
        return 2;
    }
    if (s.p[1] != '{' || s.n < 4 || !is_one_of(s.p[2], "slodiphvSLODIPHV"))
        return 0;
    out->letter = s.p[2];
    for (digits = i; i < s.n && gp_is_digit(s.p[i]); i++)
        out->parts = out->parts > VALUE_MAX ? out->parts : out->parts * 10 + (size_t)(s.p[i] - '0');
    if (i > digits && out->parts == 0)
        return 0;
    out->reverse = i < s.n && is_one_of(s.p[i], "rR");
    i += out->reverse;
    out->delimiters.p = s.p + i;
    while (i < s.n && is_one_of(s.p[i], ".-+,/_="))
        i++;
    out->delimiters.n = (size_t)(s.p + i - out->delimiters.p);
    return i < s.n && s.p[i] == '}' ? i + 1 : 0;
}

bool gp_spf_macros_read(struct gp_str s, bool *macro, bool *at_end)
{
    *macro = *at_end = false;
    for (size_t i = 0, length; i < s.n; i += length) {
        struct macro m;
        bool is_macro = s.p[i] == '%';
        length = is_macro ? read_macro((struct gp_str){s.p + i, s.n - i}, &m) : 1;
        if (length == 0 || s.p[i] <= ' ' || s.p[i] > '~')
            return false;
        *macro |= is_macro;
        *at_end = is_macro;
    }
    return true;
}

static void put_nibbles(const struct gp_ip *ip, struct gp_buf *b)
{
    for (size_t i = 0; i < sizeof ip->b; i++)
        gp_buf_printf(b, "%s%x.%x", i > 0 ? "." : "", ip->b[i] >> 4U, ip->b[i] & 15U);
}

static void put_address(const struct gp_ip *ip, struct gp_buf *b)
{
    char text[GP_IP_TEXT];
    if (!gp_ip_is_v4(ip)) {
        put_nibbles(ip, b);
        return;
    }
    gp_ip_text(ip, text);
    gp_buf_putz(b, text);
}

/* Returns false for what is not known. */
static bool put_value(char lower, const struct gp_spf_values *v, struct gp_buf *b)
{
    switch (lower) {
    case 's':
        gp_buf_put(b, v->local);
        gp_buf_putz(b, "@");
        gp_buf_put(b, v->sender);
        return true;
    case 'l':
        gp_buf_put(b, v->local);
        return true;
    case 'o':
        gp_buf_put(b, v->sender);
        return true;
    case 'd':
        gp_buf_put(b, v->domain);
        return true;
    case 'i':
        put_address(v->from, b);
        return true;
    case 'v':
        gp_buf_putz(b, gp_ip_is_v4(v->from) ? "in-addr" : "ip6");
        return true;
    default:
        return false;
    }
}

static bool is_delimiter(const struct macro *m, char c)
{
    return m->delimiters.n > 0 ? gp_str_find(m->delimiters, c) < m->delimiters.n : c == '.';
}

/* The part of s that begins at *at; *at becomes where the next begins, beyond s.n after the last. */
static struct gp_str part_at(struct gp_str s, const struct macro *m, size_t *at)
{
    size_t begin = *at, end = begin;
    while (end < s.n && !is_delimiter(m, s.p[end]))
        end++;
    *at = end + 1;
    return (struct gp_str){s.p + begin, end - begin};
}

static size_t count_parts(struct gp_str s, const struct macro *m)
{
    size_t n = 0;
    for (size_t at = 0; at <= s.n; n++)
        part_at(s, m, &at);
    return n;
}

static struct gp_str nth_part(struct gp_str s, const struct macro *m, size_t index)
{
    size_t at = 0;
    struct gp_str part = part_at(s, m, &at);
    while (index-- > 0)
        part = part_at(s, m, &at);
    return part;
}

/* Escaped as in a URL, which a capital letter asks for. */
static void put_part(struct gp_str part, bool url, struct gp_buf *b)
{
    for (size_t i = 0; i < part.n; i++) {
        char c = part.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || gp_is_digit(c) || is_one_of(c, "-._~");
        if (plain || !url)
            gp_buf_put(b, (struct gp_str){&c, 1});
        else
            gp_buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

static const char *expand_macro(const struct macro *m, const struct gp_spf_values *values, struct gp_buf *out)
{
    char text[VALUE_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    bool url = m->letter >= 'A' && m->letter <= 'Z';
    if (is_one_of(m->letter, "%_-")) {
        gp_buf_putz(out, m->letter == '%' ? "%" : m->letter == '_' ? " " : "%20");
        return NULL;
    }
    if (!put_value((char)(m->letter | 0x20), values, &b))
        return "its macro %{p} or %{h} stands for what is not known before a message is sent";
    if (b.full)
        return "what its macros stand for is too long";
    struct gp_str value = gp_buf_str(&b);
    size_t n = count_parts(value, m), take = m->parts == 0 || m->parts > n ? n : m->parts;
    for (size_t i = n - take; i < n; i++) { /* i-th of the parts in their order, reversed or not */
        if (i > n - take)
            gp_buf_putz(out, ".");
        put_part(nth_part(value, m, m->reverse ? n - 1 - i : i), url, out);
    }
    return NULL;
}

static struct gp_str without_front(struct gp_str name)
{
    while (name.n > GP_SPF_NAME_MAX) {
        size_t dot = gp_str_find(name, '.');
        if (dot == name.n)
            break;
        name.p += dot + 1;
        name.n -= dot + 1;
    }
    return name;
}

const char *gp_spf_expand(struct gp_str s, const struct gp_spf_values *values, struct gp_buf *out)
{
    char text[EXPANDED_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    for (size_t i = 0, length; i < s.n; i += length) {
        struct macro m;
        const char *why = NULL;
        length = s.p[i] == '%' ? read_macro((struct gp_str){s.p + i, s.n - i}, &m) : 1;
        if (s.p[i] != '%')
            gp_buf_put(&b, (struct gp_str){s.p + i, 1});
        else if (length > 0)
            why = expand_macro(&m, values, &b);
        else
            return "a broken macro";
        if (why != NULL)
            return why;
    }
    struct gp_str name = without_front(gp_buf_str(&b));
    bool strange = gp_str_find(name, '%') < name.n || gp_str_find(name, '\\') < name.n;
    if (b.full || strange || !gp_spf_name_valid(name))
        return "what its macros stand for is no name";
    gp_buf_put(out, name);
    return NULL;
}
