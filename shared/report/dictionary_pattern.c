/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionary_pattern.c - the text of an entry: read, and looked for at one place
 *
 * A pattern is kept as one string: letters as they are, what has a meaning of its own as a control character.
 */
#include "shared/report/dictionary.h"

#include <stdlib.h>
#include <string.h>

#define ANY '\1'    /* * */
#define DIGITS '\2' /* # */
#define OPEN '\3'   /* { */
#define NEXT '\4'   /* , within { } */
#define CLOSE '\5'  /* } */

#define CHOICES_MAX 24 /* of * and { in one pattern: as deep as the search goes */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c)
{
    return (unsigned char)c >= ' ';
}

void gp_pattern_lower(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char lead = (unsigned char)p[i], next = i + 1 < n ? (unsigned char)p[i + 1] : 0;
        if (lead >= 'A' && lead <= 'Z') {
            p[i] = (char)(lead | 0x20);
        } else if ((lead == 0xC3 && next >= 0x80 && next <= 0x9E && next != 0x97) ||
                   (lead == 0xD0 && next >= 0x90 && next <= 0x9F)) {
            p[i + 1] = (char)(next + 0x20);
        } else if (lead == 0xD0 && next >= 0xA0 && next <= 0xAF) { /* these cross into the next 64 */
            p[i] = (char)0xD1;
            p[i + 1] = (char)(next - 0x20);
        } else if (lead == 0xD0 && next >= 0x80 && next <= 0x8F) {
            p[i] = (char)0xD1;
            p[i + 1] = (char)(next + 0x10);
        }
    }
}

/* The control character that c is kept as, or c. *group: whether we are within { } */
static char meaning(char c, bool *group)
{
    switch (c) {
    case '*':
        return ANY;
    case '#':
        return DIGITS;
    case '{':
        *group = true;
        return OPEN;
    case '}':
        *group = false;
        return CLOSE;
    case ',':
        return *group ? NEXT : c;
    default:
        return c;
    }
}

static const char *tokens(struct gp_str field, struct gp_buf *out)
{
    bool group = false;
    size_t choices = 0;
    for (size_t i = 0; i < field.n; i++) {
        char c = field.p[i], before = out->n > 0 ? out->p[out->n - 1] : '\0';
        if ((unsigned char)c < ' ')
            return c == '\t' ? "a tab, write a blank" : "a control character";
        if (c == '\\') {
            if (++i == field.n || strchr("\\|*#{},", field.p[i]) == NULL)
                return "a backslash that escapes nothing, it stands before one of \\ | * # { } ,";
            c = field.p[i];
        } else if ((c == '{' && group) || (c == '}' && !group)) {
            return "alternatives within one another, or closed but not opened; they are written {one,two}";
        } else {
            c = meaning(c, &group);
        }
        choices += c == ANY || c == OPEN;
        if (!((c == ' ' || c == ANY) && before == c))
            gp_buf_put(out, (struct gp_str){&c, 1});
    }
    if (group)
        return "alternatives that are not closed; they are written {one,two}";
    if (choices > CHOICES_MAX)
        return "more than 24 of * and {";
    gp_pattern_lower(out->p, out->n);
    return out->full ? "a text that is too long, 1000 octets would be right" : NULL;
}

/* Is there a beginning of three letters, whichever alternative is taken first? */
static bool begins_well(const struct gp_pattern *p)
{
    struct gp_pattern_beginning b;
    for (size_t i = 0; gp_pattern_beginning(p, i, &b); i++)
        if (b.n < GP_PATTERN_KEY)
            return false;
    return true;
}

const char *gp_pattern_read(struct gp_str field, struct gp_pattern *out)
{
    char all[GP_PATTERN_MAX + 1];
    struct gp_buf b = gp_buf_on(all, sizeof all);
    *out = (struct gp_pattern){0};
    const char *wrong = gp_str_utf8(field) ? tokens(field, &b) : "text that is no UTF-8";
    if (wrong != NULL)
        return wrong;
    struct gp_str text = gp_buf_str(&b);
    out->open_start = text.n > 0 && text.p[0] == ANY;
    text = gp_str_trim((struct gp_str){text.p + out->open_start, text.n - out->open_start});
    out->text = malloc(text.n > 0 ? text.n : 1);
    if (out->text == NULL)
        return "no memory";
    memcpy(out->text, text.p, text.n);
    out->n = (uint16_t)text.n;
    if (begins_well(out))
        return NULL;
    gp_pattern_free(out);
    return "a text that does not begin with three characters that stand for themselves";
}

void gp_pattern_free(struct gp_pattern *p)
{
    free(p->text);
    p->text = NULL;
}

/* Where the nth of the first alternatives begins; the text's end when there is no nth. */
static size_t alternative(const struct gp_pattern *p, size_t nth)
{
    size_t i = 0;
    if (p->n == 0 || p->text[0] != OPEN)
        return nth == 0 ? 0 : p->n;
    for (i = 1; nth > 0; i++) {
        if (p->text[i] == CLOSE)
            return p->n;
        nth -= p->text[i] == NEXT;
    }
    return i;
}

bool gp_pattern_beginning(const struct gp_pattern *p, size_t nth, struct gp_pattern_beginning *out)
{
    bool group = p->n > 0 && p->text[0] == OPEN;
    out->from = alternative(p, nth);
    out->n = 0;
    for (size_t i = out->from; i < p->n && out->n < GP_PATTERN_RUN_MAX; i++) {
        char c = p->text[i];
        if (is_letter(c)) {
            out->run[out->n++] = c;
        } else if (group && (c == NEXT || c == CLOSE)) { /* the run goes on behind the group */
            while (p->text[i] != CLOSE)
                i++;
            group = false;
        } else {
            break;
        }
    }
    return nth == 0 || out->from < p->n;
}

/* A search for one pattern in one text. */
struct search {
    const struct gp_pattern *p;
    struct gp_str text;
    unsigned *steps;
};

static bool ends_well(const struct search *s, size_t at)
{
    return at == 0 || at >= s->text.n || !is_word(s->text.p[at]) || !is_word(s->text.p[at - 1]);
}

/* One step: false when there are none left. */
static bool step(const struct search *s)
{
    if (*s->steps == 0)
        return false;
    --*s->steps;
    return true;
}

static bool rest_fits(const struct search *s, size_t i, size_t at);

/* The same; but most alternatives are told apart by their first letter. */
static bool may_fit(const struct search *s, size_t i, size_t at)
{
    char first = s->p->text[i];
    if (!step(s) || (is_letter(first) && (at >= s->text.n || s->text.p[at] != first)))
        return false;
    return rest_fits(s, i, at);
}

/* Behind a *: at the nearest place that fits. */
static bool fits_within(const struct search *s, size_t i, size_t from)
{
    if (i == s->p->n)
        return true;
    for (size_t at = from; at <= s->text.n && at - from <= GP_PATTERN_ANY_MAX; at++) {
        if (may_fit(s, i, at))
            return true;
        if (at < s->text.n && s->text.p[at] == '\n')
            return false;
    }
    return false;
}

/* One of the alternatives, the first of which is at i, and then what follows them. */
static bool one_fits(const struct search *s, size_t i, size_t at)
{
    const char *p = s->p->text;
    do {
        if (may_fit(s, i, at))
            return true;
        while (p[i] != NEXT && p[i] != CLOSE)
            i++;
    } while (p[i++] == NEXT);
    return false;
}

/* Does the rest of the pattern, from i, stand at `at`? It calls itself once for each * and { at most: CHOICES_MAX deep.
 */
static bool rest_fits(const struct search *s, size_t i, size_t at)
{
    const char *p = s->p->text;
    for (; i < s->p->n; i++) {
        size_t from = at;
        switch (p[i]) {
        case DIGITS:
            while (at < s->text.n && s->text.p[at] >= '0' && s->text.p[at] <= '9')
                at++;
            if (at == from)
                return false;
            break;
        case ANY:
            return fits_within(s, i + 1, at);
        case OPEN:
            return one_fits(s, i + 1, at);
        case NEXT: /* one alternative stood there: go on behind the others */
            while (p[i] != CLOSE)
                i++;
            break;
        case CLOSE:
            break;
        default:
            if (!step(s) || at >= s->text.n || s->text.p[at++] != p[i])
                return false;
        }
    }
    return ends_well(s, at);
}

bool gp_pattern_fits(const struct gp_pattern *p, size_t from, struct gp_str text, size_t at, unsigned *steps)
{
    struct search s = {p, text, steps};
    bool within = at > 0 && at < text.n && is_word(text.p[at]) && is_word(text.p[at - 1]);
    return (p->open_start || !within) && rest_fits(&s, from, at);
}
