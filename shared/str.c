/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * str.c - bounded views of foreign bytes, strict numbers, a bounded writer (pure)
 */
#include "shared/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t gp_str_distance(struct gp_str a, struct gp_str b)
{
    size_t row[GP_STR_DISTANCE_MAX + 1];
    if (a.n > GP_STR_DISTANCE_MAX || b.n > GP_STR_DISTANCE_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t changed = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

struct gp_str gp_str_z(const char *z)
{
    return (struct gp_str){z, z != NULL ? strlen(z) : 0};
}

bool gp_str_eq(struct gp_str a, struct gp_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool gp_str_eq_nocase(struct gp_str a, struct gp_str b)
{
    return a.n == b.n && gp_str_starts_nocase(a, b);
}

bool gp_str_starts_nocase(struct gp_str s, struct gp_str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        if (lower(s.p[i]) != lower(prefix.p[i]))
            return false;
    }
    return true;
}

int gp_str_cmp(struct gp_str a, struct gp_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

    return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

size_t gp_str_find(struct gp_str s, char c)
{
    const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

    return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct gp_str gp_str_trim(struct gp_str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct gp_str gp_str_cut(struct gp_str s, size_t max)
{
    size_t n = s.n < max ? s.n : max;
    for (unsigned i = 0; i < 3 && n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80; i++)
        n--;
    return (struct gp_str){s.p, n};
}

bool gp_str_split(struct gp_str *rest, char sep, struct gp_str *head)
{
    if (rest->p == NULL)
        return false;
    size_t at = gp_str_find(*rest, sep);
    *head = (struct gp_str){rest->p, at};
    if (at == rest->n)
        *rest = (struct gp_str){NULL, 0};
    else
        *rest = (struct gp_str){rest->p + at + 1, rest->n - at - 1};
    return true;
}

bool gp_str_u64(struct gp_str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9 || d > max || v > (max - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

struct unit {
    char letter;
    uint64_t factor;
};

/* scaled - a number with a unit letter at its end; without one of the letters: the number times bare, if that is not 0
 */
static bool scaled(struct gp_str s, const struct unit *units, size_t count, uint64_t bare, uint64_t max, uint64_t *out)
{
    uint64_t factor = bare, v = 0;

    for (size_t i = 0; i < count && s.n > 0; i++) {
        if (s.p[s.n - 1] == units[i].letter) {
            factor = units[i].factor;
            s.n--;
            break;
        }
    }
    if (factor == 0 || !gp_str_u64(s, max / factor, &v))
        return false;
    *out = v * factor;
    return true;
}

bool gp_str_size(struct gp_str s, uint64_t max, uint64_t *out)
{
    static const struct unit units[] = {{'K', 1U << 10}, {'M', 1U << 20}, {'G', 1U << 30}};

    return scaled(s, units, sizeof units / sizeof units[0], 1, max, out);
}

bool gp_str_seconds(struct gp_str s, uint64_t max, uint64_t *out)
{
    static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

    return scaled(s, units, sizeof units / sizeof units[0], 0, max, out);
}

/* utf8_len - octets of the well-formed character at the start of s (RFC 3629 section 4), or 0 */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second octet */
    size_t len = 2;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    if (p[0] >= 0xE0)
        len = p[0] >= 0xF0 ? 4 : 3;
    if (p[0] == 0xE0)
        low = 0xA0; /* overlong */
    else if (p[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (p[0] == 0xF0)
        low = 0x90; /* overlong */
    else if (p[0] == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (n < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (p[i] < 0x80 || p[i] > 0xBF)
            return 0;
    }
    return len;
}

bool gp_str_utf8(struct gp_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    for (size_t at = 0, len; at < s.n; at += len) {
        len = utf8_len(p + at, s.n - at);
        if (len == 0)
            return false;
    }
    return true;
}

/* FNV-1a, whose step for a zero octet is a multiplication alone: eight of them are one, by the eighth power. Usage items
 * are mostly zeros.
 */
uint64_t gp_str_hash(struct gp_str s)
{
    static const uint64_t prime = 0x100000001b3U, prime_8 = 0x1efac7090aef4a21U;
    uint64_t h = 0xcbf29ce484222325U;
    size_t i = 0;

    while (i < s.n) {
        uint64_t eight = 1;
        if (s.n - i >= sizeof eight)
            memcpy(&eight, s.p + i, sizeof eight);
        if (eight == 0) {
            h *= prime_8;
            i += sizeof eight;
            continue;
        }
        for (size_t end = least(i + sizeof eight, s.n); i < end; i++)
            h = (h ^ (unsigned char)s.p[i]) * prime;
    }
    return h;
}

struct gp_buf gp_buf_on(char *array, size_t cap)
{
    array[0] = '\0';
    return (struct gp_buf){.p = array, .cap = cap};
}

/* put_whole - all of s, or nothing; after the first that did not fit nothing follows, so the text is a prefix */
static void put_whole(struct gp_buf *b, const char *p, size_t n)
{
    if (b->full || n >= b->cap - b->n) {
        b->full = true;
        return;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void gp_buf_put(struct gp_buf *b, struct gp_str s)
{
    size_t room = b->cap - b->n - 1;

    if (s.n == 0 || b->full)
        return;
    put_whole(b, s.p, s.n < room ? s.n : room);
    b->full = s.n > room;
}

void gp_buf_putz(struct gp_buf *b, const char *z)
{
    gp_buf_put(b, gp_str_z(z));
}

void gp_buf_printf(struct gp_buf *b, const char *fmt, ...)
{
    size_t room = b->cap - b->n;
    va_list ap;

    if (b->full)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(b->p + b->n, room, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->p[b->n] = '\0';
        b->full = true;
    } else if ((size_t)n >= room) {
        b->n = b->cap - 1;
        b->full = true;
    } else {
        b->n += (size_t)n;
    }
}

void gp_buf_put_escaped(struct gp_buf *b, struct gp_str s)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < s.n && !b->full; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\\' || c == '"')
            put_whole(b, (const char[]){'\\', (char)c}, 2);
        else if (c >= ' ' && c <= '~')
            put_whole(b, s.p + i, 1);
        else
            put_whole(b, (const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
    }
}

void gp_buf_put_lower(struct gp_buf *b, struct gp_str s)
{
    for (size_t i = 0; i < s.n && !b->full; i++)
        put_whole(b, (const char[]){lower(s.p[i])}, 1);
}
