/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * log_time.c - when a line of a log was written
 */
#include "feedback/log_time.h"

#include <string.h>
#include <time.h>

#define PLAIN 15   /* octets of "Nov 21 09:00:00" */
#define RFC3339 19 /* octets of "2026-11-21T09:00:00" */
#define DAY_S 86400

/* The number in two or four octets; a blank counts as 0. */
static int number(const char *p, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : 0);
    return v;
}

static void read_clock(const char *p, struct tm *t)
{
    t->tm_hour = number(p, 2);
    t->tm_min = number(p + 3, 2);
    t->tm_sec = number(p + 6, 2);
}

static bool read_plain(struct gp_str s, time_t now, time_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm t = {.tm_isdst = -1}, today;
    const char *month = NULL;
    for (size_t i = 0; i < sizeof months - 1 && month == NULL; i += 3)
        month = memcmp(months + i, s.p, 3) == 0 ? months + i : NULL;
    if (month == NULL || localtime_r(&now, &today) == NULL)
        return false;
    t.tm_mon = (int)(month - months) / 3;
    t.tm_mday = number(s.p + 4, 2);
    t.tm_year = today.tm_year;
    read_clock(s.p + 7, &t);
    struct tm before = t;
    before.tm_year--;
    *out = mktime(&t);
    if (*out > now + DAY_S)
        *out = mktime(&before);
    return *out != (time_t)-1;
}

/* "Z", "+01:00", maybe after a fraction: seconds to take off */
static bool read_offset(struct gp_str s, int *out)
{
    size_t at = 0;
    if (s.n > 0 && s.p[0] == '.') {
        for (at = 1; at < s.n && s.p[at] >= '0' && s.p[at] <= '9';)
            at++;
    }
    *out = 0;
    if (at + 1 == s.n && (s.p[at] == 'Z' || s.p[at] == 'z'))
        return true;
    if (at + 6 != s.n || (s.p[at] != '+' && s.p[at] != '-') || s.p[at + 3] != ':')
        return false;
    *out = number(s.p + at + 1, 2) * 3600 + number(s.p + at + 4, 2) * 60;
    if (s.p[at] == '-')
        *out = -*out;
    return true;
}

static bool read_rfc3339(struct gp_str s, time_t *out)
{
    struct tm t = {.tm_year = number(s.p, 4) - 1900, .tm_mon = number(s.p + 5, 2) - 1, .tm_mday = number(s.p + 8, 2)};
    int offset;
    if (t.tm_mon < 0 || t.tm_mon > 11 || !read_offset((struct gp_str){s.p + RFC3339, s.n - RFC3339}, &offset))
        return false;
    read_clock(s.p + 11, &t);
    *out = timegm(&t) - offset;
    return true;
}

uint64_t gp_log_time(struct gp_log_clock *clock, struct gp_str stamp, uint64_t now_ms)
{
    time_t t = 0, now = (time_t)(now_ms / 1000);
    if (clock->n == 0 || stamp.n != clock->n || memcmp(stamp.p, clock->stamp, stamp.n) != 0) {
        bool good = stamp.n == PLAIN ? read_plain(stamp, now, &t)
                                     : stamp.n > RFC3339 && stamp.n <= GP_LOG_STAMP_MAX && read_rfc3339(stamp, &t);
        if (!good || t < 0 || t > now)
            return now_ms;
        memcpy(clock->stamp, stamp.p, stamp.n);
        clock->n = stamp.n;
        clock->ms = (uint64_t)t * 1000;
    }
    return clock->ms;
}
