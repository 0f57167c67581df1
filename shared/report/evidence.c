/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * evidence.c - making texts comparable
 */
#include "shared/report/evidence.h"

#include <stdlib.h>
#include <string.h>

static bool is_word(char c)
{
    return gp_is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool starts(struct gp_str s, size_t at, const char *z)
{
    size_t n = strlen(z);
    return at <= s.n && s.n - at >= n && memcmp(s.p + at, z, n) == 0;
}

static struct gp_str from(struct gp_str s, size_t at)
{
    return at >= s.n ? (struct gp_str){"", 0} : (struct gp_str){s.p + at, s.n - at};
}

static size_t find(struct gp_str s, const char *z)
{
    const char *p = s.n > 0 ? memmem(s.p, s.n, z, strlen(z)) : NULL;
    return p == NULL ? s.n : (size_t)(p - s.p);
}

/* White space that is longer than an octet, and marks that have a plain form. Returns its octets, or 0. */
static size_t plain_form(struct gp_str s, const char **out)
{
    static const struct {
        const char *octets, *plain;
    } forms[] = {{"\xC2\xA0", " "},      {"\xE3\x80\x80", " "},  {"\xE2\x80\x98", "'"}, {"\xE2\x80\x99", "'"},
                 {"\xE2\x80\x9C", "\""}, {"\xE2\x80\x9D", "\""}, {"\xE2\x80\x8B", ""},  {"\xE2\x80\x8F", ""}};
    if (s.n == 0 || ((unsigned char)s.p[0] != 0xC2 && (unsigned char)s.p[0] != 0xE2 && (unsigned char)s.p[0] != 0xE3))
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (starts(s, 0, forms[i].octets)) {
            *out = forms[i].plain;
            return strlen(forms[i].octets);
        }
    }
    return 0;
}

/* White space that was met, still to be written: how many line ends it has. */
static void put_gap(struct gp_buf *out, size_t lines, char next)
{
    bool ideographs = lines > 0 && (unsigned char)next >= 0xE3 && (unsigned char)next <= 0xE9 &&
                      (unsigned char)out->p[out->n - 1] >= 0x80;
    if (lines > 1)
        gp_buf_putz(out, "\n");
    else if (!ideographs)
        gp_buf_putz(out, " ");
}

void gp_evidence_clean(struct gp_str raw, struct gp_buf *out)
{
    size_t lines = 0;
    bool gap = false;
    for (size_t i = 0; i < raw.n && !out->full;) {
        const char *plain = NULL;
        size_t n = plain_form(from(raw, i), &plain);
        struct gp_str c = n > 0 ? gp_str_z(plain) : (struct gp_str){raw.p + i, 1};
        i += n > 0 ? n : 1;
        if (c.n == 0)
            continue;
        if ((unsigned char)c.p[0] <= ' ' || c.p[0] == 127) {
            gap = true;
            lines += c.p[0] == '\n';
            continue;
        }
        if (gap && out->n > 0)
            put_gap(out, lines, c.p[0]);
        gap = false;
        lines = 0;
        gp_buf_put(out, c);
    }
    gp_pattern_lower(out->p, out->n);
}

/* "in reply to end of data command": which command was answered. */
static enum gp_report_phase phase_named(struct gp_str command)
{
    static const struct {
        const char *words;
        enum gp_report_phase phase;
    } phases[] = {{"ehlo", GP_PHASE_HELO},       {"helo", GP_PHASE_HELO},        {"lhlo", GP_PHASE_HELO},
                  {"initial", GP_PHASE_CONNECT}, {"mail from", GP_PHASE_MAIL},   {"rcpt to", GP_PHASE_RCPT},
                  {"data", GP_PHASE_DATA},       {"end of data", GP_PHASE_DATA}, {"bdat", GP_PHASE_DATA},
                  {"auth", GP_PHASE_HELO},       {"starttls", GP_PHASE_HELO}};
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        if (starts(command, 0, phases[i].words))
            return phases[i].phase;
    return GP_PHASE_NOT_SAID;
}

static void set_phase(enum gp_report_phase *phase, enum gp_report_phase said)
{
    if (*phase == GP_PHASE_NOT_SAID)
        *phase = said;
}

static struct gp_str strip_front(struct gp_str s, enum gp_report_phase *phase)
{
    static const char said[] = " said: ", refused[] = " refused to talk to me: ";
    size_t type = 0;
    while (type < s.n && type < 20 && (is_word(s.p[type]) || s.p[type] == '-'))
        type++;
    if (type > 0 && type < s.n && s.p[type] == ';') /* RFC 3464 2.3.6 */
        s = gp_str_trim(from(s, type + 1));
    if (!starts(s, 0, "host "))
        return s;
    size_t a = find(s, said), b = find(s, refused);
    if (b < a) {
        set_phase(phase, GP_PHASE_CONNECT);
        return from(s, b + sizeof refused - 1);
    }
    return a < s.n ? from(s, a + sizeof said - 1) : s;
}

struct gp_str gp_evidence_strip(struct gp_str text, enum gp_report_phase *phase)
{
    static const char reply_to[] = "(in reply to ";
    text = gp_str_trim(strip_front(text, phase));
    size_t at = text.n >= sizeof reply_to ? text.n - sizeof reply_to + 1 : 0;
    while (at > 0 && !starts(text, at, reply_to))
        at--;
    if (at == 0)
        return text;
    set_phase(phase, phase_named(from(text, at + sizeof reply_to - 1)));
    return gp_str_trim((struct gp_str){text.p, at});
}

/* One to three digits. Returns how many. */
static size_t number(struct gp_str s, size_t at, int16_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; at + n < s.n && n < 3 && gp_is_digit(s.p[at + n]); n++)
        *out = (int16_t)(*out * 10 + (s.p[at + n] - '0'));
    return at + n < s.n && gp_is_digit(s.p[at + n]) ? 0 : n;
}

/* "5.1.1", and no part of an address or a version. */
static bool enhanced_at(struct gp_str s, size_t at, int16_t out[3])
{
    if (at >= s.n || strchr("245", s.p[at]) == NULL || (at > 0 && (is_word(s.p[at - 1]) || s.p[at - 1] == '.')))
        return false;
    for (size_t i = 0; i < 3; i++) {
        size_t n = number(s, at, &out[i]);
        if (n == 0 || (i == 0 && n > 1))
            return false;
        at += n;
        if (i < 2 && (at >= s.n || s.p[at++] != '.'))
            return false;
    }
    if (out[1] > 7) /* RFC 3463 knows subjects up to 7: this is a version */
        return false;
    return at == s.n ||
           !(is_word(s.p[at]) || s.p[at] == '-' || (s.p[at] == '.' && at + 1 < s.n && gp_is_digit(s.p[at + 1])));
}

static bool reply_at(struct gp_str s, size_t at, char out[3])
{
    if (s.n < at + 3 || strchr("245", s.p[at]) == NULL || s.p[at + 1] < '0' || s.p[at + 1] > '7' ||
        !gp_is_digit(s.p[at + 2]))
        return false;
    if (s.n > at + 3 && (is_word(s.p[at + 3]) || s.p[at + 3] == '.'))
        return false;
    memcpy(out, s.p + at, 3);
    return true;
}

static void read_enhanced(struct gp_str text, struct gp_evidence *out)
{
    for (size_t at = 0; at < text.n; at++)
        if (enhanced_at(text, at, out->enhanced))
            return;
    out->enhanced[0] = out->enhanced[1] = out->enhanced[2] = GP_CODE_ANY;
}

void gp_evidence_codes(struct gp_str text, struct gp_str reply, struct gp_str status, struct gp_evidence *out)
{
    memset(out->reply, 0, sizeof out->reply);
    if (!reply_at(text, 0, out->reply))
        reply_at(reply, 0, out->reply);
    read_enhanced(text, out);
    if (out->enhanced[0] == GP_CODE_ANY || out->enhanced[0] == 2)
        read_enhanced(status, out);
}

void gp_evidence_join(struct gp_str text, const struct gp_evidence *codes, struct gp_buf *out)
{
    size_t kept = 0;
    for (size_t at = 3; codes->reply[0] != 0 && at + 4 < text.n; at++) {
        if (text.p[at - 1] != ' ' || memcmp(text.p + at, codes->reply, 3) != 0)
            continue;
        int16_t again[3];
        size_t end = at + 4;
        bool repeats = enhanced_at(text, end, again) && memcmp(again, codes->enhanced, sizeof again) == 0;
        if (repeats)
            end += gp_str_find(from(text, end), ' ');
        if (!(text.p[at + 3] == '-' || (text.p[at + 3] == ' ' && repeats)))
            continue;
        while (end < text.n && text.p[end] == ' ')
            end++;
        gp_buf_put(out, (struct gp_str){text.p + kept, at - kept});
        kept = end;
        at = end;
    }
    gp_buf_put(out, from(text, kept));
}

bool gp_evidence_names(struct gp_str text, struct gp_str domain)
{
    char name[256];
    struct gp_buf b = gp_buf_on(name, sizeof name);
    gp_buf_put_lower(&b, domain);
    if (b.full || b.n == 0)
        return false;
    for (size_t at = find(text, name); at < text.n; at++) {
        bool begins = at == 0 || !(is_word(text.p[at - 1]) || text.p[at - 1] == '.' || text.p[at - 1] == '-');
        char after = at + b.n < text.n ? text.p[at + b.n] : ' ',
             then = at + b.n + 1 < text.n ? text.p[at + b.n + 1] : ' ';
        if (starts(text, at, name) && begins && !is_word(after) && after != '-' && !(after == '.' && is_word(then)))
            return true;
    }
    return false;
}
