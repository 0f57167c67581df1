/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_text.c - the bounded views that everything foreign passes through, against plain definitions of what they do;
 * and foreign text on its way into a log, a reply and a terminal
 *
 * The first octet is a length, the second a separator.
 */
#include "ctl/output.h"
#include "ctl/ttl.h"
#include "shared/log.h"
#include "shared/verdict.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void within(struct gp_str part, struct gp_str whole)
{
    must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* RFC 3629, by its table. */
static bool is_utf8(struct gp_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t length = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
        if (length == 0 || length > s.n - i)
            return false;
        uint32_t c = length == 1 ? p[i] : p[i] & (0x7fU >> length);
        for (size_t k = 1; k < length; k++) {
            if (p[i + k] >> 6 != 2)
                return false;
            c = c << 6 | (p[i + k] & 0x3f);
        }
        if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return false;
        i += length;
    }
    return true;
}

/* A decimal number of digits alone, as long as it fits. */
static bool is_number(struct gp_str s, uint64_t max, uint64_t *out)
{
    unsigned __int128 v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
        if (v > max)
            return false;
    }
    *out = (uint64_t)v;
    return s.n > 0;
}

/* a number and one of these letters, each worth so much; bare: the letter may be missing */
static bool is_quantity(struct gp_str s, const char *letters, const uint64_t *worth, bool bare, uint64_t *out)
{
    const char *letter = s.n > 0 && s.p[s.n - 1] != '\0' ? strchr(letters, s.p[s.n - 1]) : NULL;
    uint64_t factor = letter != NULL ? worth[letter - letters] : 1, v;
    if ((letter == NULL && !bare) || !is_number((struct gp_str){s.p, s.n - (letter != NULL)}, UINT64_MAX / factor, &v))
        return false;
    *out = v * factor;
    return true;
}

static void check_numbers(struct gp_str s)
{
    static const uint64_t octets[] = {1024, UINT64_C(1) << 20, UINT64_C(1) << 30}, seconds[] = {1, 60, 3600, 86400};
    static const uint64_t most[] = {0, 255, INT32_MAX, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        uint64_t a = 7, b = 7;
        must(gp_str_u64(s, most[i], &a) == is_number(s, most[i], &b) && (a == b || a == 7));
        a = b = 7;
        bool is = is_quantity(s, "KMG", octets, true, &b) && b <= most[i];
        must(gp_str_size(s, most[i], &a) == is && a == (is ? b : 7));
        a = b = 7;
        is = is_quantity(s, "smhd", seconds, false, &b) && b <= most[i];
        must(gp_str_seconds(s, most[i], &a) == is && a == (is ? b : 7));
    }
    must(gp_ctl_ttl_answer(s) >= GP_CTL_TTL_UNKNOWN);
}

static void check_parts(struct gp_str s, char separator, size_t length)
{
    struct gp_str rest = s, part, cut = gp_str_cut(s, length), trimmed = gp_str_trim(s);
    size_t octets = 0, parts = 0;
    while (gp_str_split(&rest, separator, &part)) {
        within(part, s);
        must(gp_str_find(part, separator) == part.n);
        octets += part.n;
        parts++;
    }
    must(s.p == NULL || octets + parts - 1 == s.n);
    within(trimmed, s);
    must(trimmed.n == 0 || (strchr(" \t\r\n", trimmed.p[0]) == NULL || trimmed.p[0] == '\0'));
    must(cut.n <= length && cut.n <= s.n && (cut.n == 0 || cut.p == s.p) && (cut.n == s.n || cut.n + 4 > length));
    must(gp_str_utf8(s) == is_utf8(s) && (!is_utf8(s) || is_utf8(cut)));
    struct gp_str other = {s.p + cut.n, s.n - cut.n};
    must(gp_str_distance(cut, other) == gp_str_distance(other, cut));
    must(gp_str_cmp(cut, other) == -gp_str_cmp(other, cut) || gp_str_cmp(cut, other) * gp_str_cmp(other, cut) < 0);
    must(gp_str_eq(cut, other) == (gp_str_cmp(cut, other) == 0));
    must(!gp_str_eq_nocase(cut, other) || cut.n > GP_STR_DISTANCE_MAX || gp_str_distance(cut, other) == 0);
}

static unsigned hex(char c)
{
    const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c);
    must(c != '\0' && at != NULL);
    return (unsigned)(at - digits);
}

/* What is escaped is printable and says the same. */
static void check_escaped(struct gp_str s)
{
    static char text[4 * 4096 + 1];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    if (s.n > 4096)
        return;
    gp_buf_put_escaped(&b, s);
    must(!b.full && strlen(text) == b.n);
    const char *p = text;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)*p;
        must(c >= ' ' && c < 0x7f && c != '"');
        if (c == '\\' && *++p == 'x') {
            c = (unsigned char)(hex(p[1]) << 4 | hex(p[2]));
            p += 2;
        } else if (c == '\\') {
            c = (unsigned char)*p;
        }
        must(c == (unsigned char)s.p[i]);
        p++;
    }
    must(*p == '\0');
}

static void check_shown(struct gp_str s, size_t length)
{
    static struct gp_line line;
    char small[256], reply[GP_REPLY_TEXT_MAX];
    struct gp_buf b = gp_buf_on(small, length + 1);
    gp_ctl_put_clean(&b, s);
    must(b.n <= length && strlen(small) == b.n);
    for (size_t i = 0; i < b.n; i++)
        must((unsigned char)small[i] >= ' ' && small[i] != 0x7f);
    gp_line_begin(&line, GP_INFO, "fuzz");
    gp_line_str(&line, "text", s);
    for (size_t i = 0; i < line.buf.n; i++)
        must(line.text[i] >= ' ' && line.text[i] < 0x7f);
    const struct gp_verdict v = gp_verdict_of(GP_BLOCKED, s);
    must(strlen(v.detail) <= GP_DETAIL_MAX && is_utf8(gp_str_z(v.detail)));
    gp_reply_text(&v, reply);
    must(strlen(reply) > sizeof "Blocked: " - 1 && is_utf8(gp_str_z(reply)));
    for (const char *p = reply; *p != '\0'; p++)
        must((unsigned char)*p >= ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    struct gp_str s = {(const char *)data + 2, n - 2};
    check_numbers(s);
    check_parts(s, (char)data[1], data[0]);
    check_escaped(s);
    check_shown(s, data[0] % 255);
    return 0;
}
