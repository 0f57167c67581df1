/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * text.c - lines, words and one-line forms of clean text (pure)
 */
#include "shared/report/text.h"

#include <string.h>

bool gp_text_line(struct gp_str *rest, struct gp_str *line)
{
    if (rest->n == 0)
        return false;
    size_t end = gp_str_find(*rest, '\n');
    *line = gp_text_to(*rest, end);
    *rest = gp_text_from(*rest, end + 1);
    return true;
}

size_t gp_text_at(struct gp_str text, struct gp_str needle)
{
    if (needle.n == 0 || needle.n > text.n)
        return text.n;
    const char *hit = memmem(text.p, text.n, needle.p, needle.n);
    return hit != NULL ? (size_t)(hit - text.p) : text.n;
}

bool gp_text_has(struct gp_str text, struct gp_str needle)
{
    return gp_text_at(text, needle) < text.n;
}

bool gp_text_has_any(struct gp_str text, const struct gp_str *words)
{
    for (; words->n > 0; words++) {
        if (gp_text_has(text, *words))
            return true;
    }
    return false;
}

bool gp_text_starts_any(struct gp_str text, const struct gp_str *words)
{
    for (; words->n > 0; words++) {
        if (gp_str_starts_nocase(text, *words))
            return true;
    }
    return false;
}

struct gp_str gp_text_flat(struct gp_report_memory *m, struct gp_str text, size_t max)
{
    size_t room = text.n < max ? text.n : max, n = 0, i = 0;
    char *out = gp_memory_get(m, room + 1);

    if (out == NULL)
        return GP_STR("");
    for (; i < text.n && n < room; i++) {
        bool blank = text.p[i] == ' ' || text.p[i] == '\n';
        if (!blank)
            out[n++] = text.p[i];
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    if (i < text.n) { /* cut: not inside a character */
        while (n > 0 && ((unsigned char)text.p[i] & 0xC0) == 0x80) {
            i--;
            n--;
        }
    }
    return gp_str_trim((struct gp_str){out, n});
}
