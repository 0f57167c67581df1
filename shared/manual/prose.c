/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prose.c - sentences of a table as mdoc
 */
#include "shared/manual/prose.h"

#include "shared/str.h"

#include <string.h>

#define LINE_MAX_OCTETS 80

/* put_argument - one argument of a macro, quoted */
static void put_argument(FILE *out, struct gp_str s)
{
    fputc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputs("\\(dq", out);
        else if (s.p[i] == '\\')
            fputs("\\e", out);
        else
            fputc(s.p[i], out);
    }
    fputc('"', out);
}

/* put_macro - "Xr postconf 5" and what stands right before and after it: "(", ")," */
static void put_macro(FILE *out, struct gp_str before, struct gp_str content, struct gp_str after)
{
    struct gp_str name;
    gp_str_split(&content, ' ', &name);
    fprintf(out, ".%.*s", GP_STR_FMT(name));
    for (size_t i = 0; i < before.n; i++)
        fprintf(out, " %c", before.p[i]);
    fputc(' ', out);
    if (gp_str_eq(name, GP_STR("Ql")))
        put_argument(out, content);
    else
        fprintf(out, "%.*s", GP_STR_FMT(content));
    for (size_t i = 0; i < after.n; i++)
        fprintf(out, " %c", after.p[i]);
    fputc('\n', out);
}

/* put_word - returns the column after it; 0 when its sentence ends */
static size_t put_word(FILE *out, size_t column, struct gp_str word)
{
    if (column > 0 && column + 1 + word.n > LINE_MAX_OCTETS) {
        fputc('\n', out);
        column = 0;
    }
    if (column > 0)
        column += (size_t)fprintf(out, " ");
    else if (word.p[0] == '.' || word.p[0] == '\'')
        column += (size_t)fprintf(out, "\\&");
    for (size_t i = 0; i < word.n; i++)
        column += (size_t)fprintf(out, word.p[i] == '\\' ? "\\e" : "%c", word.p[i]);
    if (word.p[word.n - 1] != '.' || gp_str_eq(word, GP_STR("...")))
        return column;
    fputc('\n', out);
    return 0;
}

/* take_word - up to the next blank; one with a macro ends after its brace only, as a macro may hold blanks */
static struct gp_str take_word(struct gp_str *rest, bool macros)
{
    size_t brace = gp_str_find(*rest, '{'), end = gp_str_find(*rest, ' ');
    if (macros && brace < end) {
        size_t close = gp_str_find(*rest, '}');
        struct gp_str after = {rest->p + close, rest->n - close};
        end = close + gp_str_find(after, ' ');
    }
    struct gp_str word = {rest->p, end};
    rest->p += end;
    rest->n -= end;
    return word;
}

static void put_prose(FILE *out, const char *text, bool macros)
{
    struct gp_str rest = gp_str_z(text);
    size_t column = 0;
    for (;;) {
        rest = gp_str_trim(rest);
        if (rest.n == 0)
            break;
        struct gp_str word = take_word(&rest, macros);
        size_t open = macros ? gp_str_find(word, '{') : word.n, close = gp_str_find(word, '}');
        if (open < close && close < word.n) {
            if (column > 0)
                fputc('\n', out);
            put_macro(out, (struct gp_str){word.p, open}, (struct gp_str){word.p + open + 1, close - open - 1},
                      (struct gp_str){word.p + close + 1, word.n - close - 1});
            column = 0;
        } else {
            column = put_word(out, column, word);
        }
    }
    if (column > 0)
        fputc('\n', out);
}

void gp_prose(FILE *out, const char *text)
{
    put_prose(out, text, true);
}

void gp_prose_plain(FILE *out, const char *text)
{
    put_prose(out, text, false);
}

void gp_prose_literal(FILE *out, const char *text)
{
    fputs(".Ql ", out);
    put_argument(out, gp_str_z(text));
    fputs(" .\n", out);
}
