/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * since.c - a time on the command line
 */
#include "ctl/since.h"

#include <time.h>

#define YEARS_100_S (UINT64_C(100) * 366 * 86400)

/* Is the text of this form? In it 0 stands for any digit. */
static bool has_form(struct gp_str text, struct gp_str form)
{
    if (text.n != form.n)
        return false;
    for (size_t i = 0; i < form.n; i++) {
        char c = text.p[i];
        if (form.p[i] == '0' ? c < '0' || c > '9' : c != form.p[i])
            return false;
    }
    return true;
}

static int number(struct gp_str text, size_t at, size_t n)
{
    int v = 0;
    for (size_t i = at; i < at + n && i < text.n; i++)
        v = v * 10 + (text.p[i] - '0');
    return v;
}

/* The day and the time must be ones that the calendar has. */
static bool read_time(struct gp_str s, uint64_t *ms)
{
    struct tm tm = {.tm_year = number(s, 0, 4) - 1900, .tm_mon = number(s, 5, 2) - 1, .tm_mday = number(s, 8, 2)};
    if (s.n > 11) {
        tm.tm_hour = number(s, 11, 2);
        tm.tm_min = number(s, 14, 2);
    }
    if (s.n > 17)
        tm.tm_sec = number(s, 17, 2);
    struct tm same = tm;
    time_t t = timegm(&same);
    if (t < 0 || same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday || same.tm_hour != tm.tm_hour ||
        same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec)
        return false;
    *ms = (uint64_t)t * 1000;
    return true;
}

bool gp_ctl_since(struct gp_str text, uint64_t now_ms, uint64_t *out)
{
    uint64_t seconds;
    if (has_form(text, GP_STR("0000-00-00")) || has_form(text, GP_STR("0000-00-00T00:00Z")) ||
        has_form(text, GP_STR("0000-00-00T00:00:00Z")))
        return read_time(text, out);
    if (!gp_str_seconds(text, YEARS_100_S, &seconds))
        return false;
    *out = now_ms > seconds * 1000 ? now_ms - seconds * 1000 : 0;
    return true;
}
