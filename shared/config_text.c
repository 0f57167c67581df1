/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config_text.c - is a value of this form? (pure)
 */
#include "shared/config_private.h"

#include "shared/address.h"

#include <string.h>

#define URL_MAX 200

bool gp_conf_all_of(struct gp_str s, const char *extra, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr(extra, c) == NULL))
            return false;
    }
    return s.n >= 1 && s.n <= max;
}

int gp_conf_word(struct gp_str s, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (gp_str_eq(s, gp_str_z(words[i])))
            return i;
    }
    return -1;
}

bool gp_conf_text_line(struct gp_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
            return false;
    }
    return s.n >= 1 && s.n <= max && gp_str_utf8(s);
}

bool gp_conf_path(struct gp_str s, size_t max)
{
    return gp_conf_text_line(s, max) && s.p[0] == '/' && s.p[s.n - 1] != '/';
}

static bool host(struct gp_str s)
{
    struct gp_ip ip;
    return (gp_ip_parse(s, &ip) && gp_ip_is_v4(&ip) && gp_str_find(s, ':') == s.n) || gp_domain_valid(s, false);
}

/* cut_host - take a host, or an IPv6 address in brackets, off the start */
static bool cut_host(struct gp_str *s)
{
    struct gp_ip ip;
    size_t n = 0;
    if (s->n > 0 && s->p[0] == '[') {
        n = gp_str_find(*s, ']');
        if (n == s->n || !gp_ip_parse((struct gp_str){s->p + 1, n - 1}, &ip) || gp_ip_is_v4(&ip))
            return false;
        n++;
    } else {
        n = gp_str_find(*s, ':');
        if (!host((struct gp_str){s->p, n}))
            return false;
    }
    *s = (struct gp_str){s->p + n, s->n - n};
    return true;
}

/* colon_port - ":1" to ":65535" */
static bool colon_port(struct gp_str s)
{
    uint64_t port;
    return s.n > 1 && s.p[0] == ':' && gp_str_u64((struct gp_str){s.p + 1, s.n - 1}, 65535, &port) && port > 0;
}

bool gp_conf_host_port(struct gp_str s)
{
    return cut_host(&s) && colon_port(s);
}

const char *gp_conf_url(struct gp_str s)
{
    const struct gp_str scheme = GP_STR("https://");
    if (gp_str_starts_nocase(s, GP_STR("http://")))
        return "unsubscribe links need https";
    if (s.n > URL_MAX)
        return "longer than 200 octets";
    if (s.n < scheme.n || memcmp(s.p, scheme.p, scheme.n) != 0)
        return "not an https URL";
    struct gp_str rest = {s.p + scheme.n, s.n - scheme.n};
    size_t slash = gp_str_find(rest, '/');
    struct gp_str authority = {rest.p, slash}, path = {rest.p + slash, rest.n - slash};
    if (path.n > 0 && !gp_conf_all_of(path, "/-._~%!$&'()*+,;=:@", URL_MAX))
        return "a blank, query, fragment or odd character in the URL";
    if (!cut_host(&authority) || (authority.n > 0 && !colon_port(authority)))
        return "not a host, or host:port, after https://";
    return NULL;
}

/* number - `digits` decimal digits at s.p + from, low..high */
static bool number(struct gp_str s, size_t from, size_t digits, uint64_t low, uint64_t high, uint64_t *out)
{
    return gp_str_u64((struct gp_str){s.p + from, digits}, high, out) && *out >= low;
}

/* Days since 1970 of a date, as in Hinnant's days_from_civil: a year begins in March. */
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y % 400;
    uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool gp_conf_time(struct gp_str s, struct gp_moment *out)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "....-..-..T..:..Z";
    uint64_t year, month, day, hour, minute;
    if (s.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (form[i] != '.' && s.p[i] != form[i])
            return false;
    }
    if (!number(s, 0, 4, 2000, 9999, &year) || !number(s, 5, 2, 1, 12, &month) || !number(s, 8, 2, 1, 31, &day) ||
        !number(s, 11, 2, 0, 23, &hour) || !number(s, 14, 2, 0, 59, &minute))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > days[month - 1] + (month == 2 && leap ? 1u : 0u))
        return false;
    struct gp_buf text = gp_buf_on(out->text, sizeof out->text);
    out->ms = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60000;
    gp_buf_put(&text, s);
    return true;
}
