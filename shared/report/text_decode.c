/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * text_decode.c - foreign octets to clean text (pure)
 *
 * Only charsets of this list reach iconv: a name is the sender's choice, and some of the rest have a bad history.
 */
#include "shared/report/text.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <iconv.h>
#include <string.h>

static const char *const known[] = {
    "ISO-2022-JP", "Shift_JIS",   "CP932",       "EUC-JP",      "GBK",         "GB18030",    "Big5",
    "EUC-KR",      "KOI8-R",      "KOI8-U",      "UTF-16",      "UTF-16LE",    "UTF-16BE",   "UTF-7",
    "CP1250",      "CP1251",      "CP1252",      "CP1253",      "CP1254",      "CP1255",     "CP1256",
    "CP1257",      "CP1258",      "CP866",       "CP437",       "CP850",       "ISO-8859-1", "ISO-8859-2",
    "ISO-8859-3",  "ISO-8859-4",  "ISO-8859-5",  "ISO-8859-6",  "ISO-8859-7",  "ISO-8859-8", "ISO-8859-9",
    "ISO-8859-10", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16", "TIS-620"};

static const struct {
    const char *name, *is;
} alias[] = {{"sjis", "CP932"},
             {"shift-jis", "CP932"},
             {"shift_jis", "CP932"},
             {"x-sjis", "CP932"},
             {"windows-31j", "CP932"},
             {"gb2312", "GBK"},
             {"cp936", "GBK"},
             {"x-gbk", "GBK"},
             {"gb_2312-80", "GBK"},
             {"ks_c_5601-1987", "EUC-KR"},
             {"x-euc-jp", "EUC-JP"},
             {"latin1", "CP1252"},
             {"iso-8859-1", "CP1252"},
             {"us-ascii", "CP1252"},
             {"unicode-1-1-utf-7", "UTF-7"},
             {"iso-8859-8-i", "ISO-8859-8"},
             {"big5-hkscs", "Big5"},
             {"windows-874", "TIS-620"}};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* the name iconv knows it by, or NULL */
static const char *charset_name(struct gp_str charset)
{
    struct gp_str windows = GP_STR("windows-");
    for (size_t i = 0; i < COUNT(alias); i++) {
        if (gp_str_eq_nocase(charset, gp_str_z(alias[i].name)))
            return alias[i].is;
    }
    for (size_t i = 0; i < COUNT(known); i++) {
        struct gp_str name = gp_str_z(known[i]);
        bool cp = name.n > 2 && name.p[0] == 'C' && name.p[1] == 'P';
        if (gp_str_eq_nocase(charset, name))
            return known[i];
        if (cp && gp_str_starts_nocase(charset, windows) &&
            gp_str_eq(gp_text_from(charset, windows.n), gp_text_from(name, 2)))
            return known[i];
    }
    return NULL;
}

/* iconv_all - what does not fit becomes '?'; the output has room for four octets per octet of input */
static struct gp_str iconv_all(struct gp_report_memory *m, struct gp_str octets, const char *from)
{
    size_t room = octets.n * 4 + 4;
    char *out = gp_memory_get(m, room), *to = out, *at = (char *)(uintptr_t)octets.p;
    size_t left = octets.n;
    iconv_t cd = out != NULL ? iconv_open("UTF-8", from) : (iconv_t)-1;

    if (cd == (iconv_t)-1)
        return GP_STR("");
    while (left > 0 && room > 4 && iconv(cd, &at, &left, &to, &room) == (size_t)-1 && errno != E2BIG && left > 0) {
        *to++ = '?';
        room--;
        at++;
        left--;
    }
    iconv_close(cd);
    return (struct gp_str){out, (size_t)(to - out)};
}

/* repair - what is not UTF-8 becomes '?', in place; iconv lets more through than RFC 3629 does */
static void repair(char *p, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        unsigned char c = (unsigned char)p[i];
        len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (len > n - i || !gp_str_utf8((struct gp_str){p + i, len})) {
            p[i] = '?';
            len = 1;
        }
    }
}

/* clean - line ends to '\n', other controls away (in place: it never grows) */
static struct gp_str clean(char *p, size_t n)
{
    size_t to = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '\r') {
            if (i + 1 < n && p[i + 1] == '\n')
                continue;
            p[to++] = '\n';
        } else if (c == '\n' || (c >= ' ' && c != 0x7f && c != 0xC2 && c != 0xE2)) {
            p[to++] = p[i];
        } else if (c == '\t' || c == '\v' || c == '\f') {
            p[to++] = ' ';
        } else if (c == 0xC2 && i + 1 < n) { /* U+0080..U+009F; U+00A0 is a blank */
            unsigned char d = (unsigned char)p[++i];
            if (d == 0xA0) {
                p[to++] = ' ';
            } else if (d > 0xA0) {
                p[to++] = (char)c;
                p[to++] = (char)d;
            }
        } else if (c == 0xE2 && i + 2 < n) { /* U+2028 and U+2029 end lines; directions and joiners are not seen */
            unsigned char d = (unsigned char)p[i + 1], e = (unsigned char)p[i + 2];
            if (d == 0x80 && (e == 0xA8 || e == 0xA9))
                p[to++] = '\n';
            else if (!(d == 0x80 && ((e >= 0x8B && e <= 0x8F) || (e >= 0xAA && e <= 0xAE)))) {
                p[to++] = (char)c;
                p[to++] = (char)d;
                p[to++] = (char)e;
            }
            i += 2;
        }
    }
    return (struct gp_str){p, to};
}

static bool has_escape(struct gp_str s)
{
    return gp_text_has(s, GP_STR("\033$B")) || gp_text_has(s, GP_STR("\033$@"));
}

struct gp_str gp_text_decode(struct gp_report_memory *m, struct gp_str octets, struct gp_str charset)
{
    const char *from = charset_name(gp_str_trim(charset));
    bool plain = from == NULL || strcmp(from, "CP1252") == 0;
    struct gp_str text = octets;

    if (octets.n == 0)
        return GP_STR("");
    if (plain && has_escape(octets))
        from = "ISO-2022-JP";
    else if (plain && gp_str_utf8(octets))
        from = NULL; /* many say us-ascii and write UTF-8 */
    else if (plain && !gp_str_starts_nocase(charset, GP_STR("utf")))
        from = "CP1252";
    text = from != NULL ? iconv_all(m, octets, from) : gp_memory_copy(m, octets);
    char *p = (char *)(uintptr_t)text.p;
    if (text.n > 0 && !gp_str_utf8(text))
        repair(p, text.n);
    return text.n > 0 ? clean(p, text.n) : text;
}

/* word - one encoded word at the start of s: its length, and its text in *out; 0 when it is none */
static size_t word(struct gp_report_memory *m, struct gp_str s, struct gp_str *out)
{
    struct gp_str rest = gp_text_from(s, 2), charset, encoding, data;
    size_t end;

    if (!gp_str_starts_nocase(s, GP_STR("=?")) || !gp_str_split(&rest, '?', &charset) ||
        !gp_str_split(&rest, '?', &encoding) || encoding.n != 1 || charset.n > 64 || rest.p == NULL)
        return 0;
    end = gp_text_at(rest, GP_STR("?="));
    if (end == rest.n)
        return 0;
    data = gp_text_to(rest, end);
    bool base64 = encoding.p[0] == 'b' || encoding.p[0] == 'B';
    if (!base64 && encoding.p[0] != 'q' && encoding.p[0] != 'Q')
        return 0;
    GMimeEncoding state;
    g_mime_encoding_init_decode(&state,
                                base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *to = gp_memory_get(m, g_mime_encoding_outlen(&state, data.n) + 1);
    if (to == NULL)
        return 0;
    size_t n = g_mime_encoding_step(&state, data.p, data.n, to);
    n += g_mime_encoding_flush(&state, NULL, 0, to + n);
    for (size_t i = 0; i < n && !base64; i++)
        to[i] = to[i] == '_' ? ' ' : to[i];
    *out = gp_text_decode(m, (struct gp_str){to, n}, gp_text_to(charset, gp_str_find(charset, '*')));
    return (size_t)(data.p + data.n + 2 - s.p);
}

struct gp_str gp_text_words(struct gp_report_memory *m, struct gp_str value)
{
    struct gp_str v = gp_str_trim(value), decoded;
    size_t n = 0;

    if (!gp_text_has(v, GP_STR("=?")))
        return gp_text_flat(m, v, v.n);
    v = gp_str_cut(v, 4096);
    char *out = gp_memory_get(m, v.n * 4);
    if (out == NULL)
        return GP_STR("");
    for (size_t i = 0, blanks = 0; i < v.n;) {
        size_t len = word(m, gp_text_from(v, i), &decoded);
        if (len > 0 && n + decoded.n < v.n * 4) {
            n -= blanks; /* white space between two encoded words is none */
            if (decoded.n > 0)
                memcpy(out + n, decoded.p, decoded.n);
            n += decoded.n;
            i += len;
            blanks = 0;
            while (i + blanks < v.n && strchr(" \t\r\n", v.p[i + blanks]) != NULL && v.p[i + blanks] != '\0')
                blanks++;
            if (i + blanks == v.n || n + blanks >= v.n * 4)
                break;
            memset(out + n, ' ', blanks);
            n += blanks;
            i += blanks;
            continue;
        }
        if (n >= v.n * 4)
            break;
        out[n++] = v.p[i++];
        blanks = 0;
    }
    return gp_text_flat(m, gp_text_decode(m, (struct gp_str){out, n}, GP_STR("utf-8")), n * 4);
}
