/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dotted.c - text that ends with a line of a single dot, taken apart
 */
#include "feedback/dotted.h"

static void skip(struct gp_str *in, size_t n)
{
    *in = (struct gp_str){in->p + n, in->n - n};
}

/* Octets of *in up to where a line begins with a dot; the state behind them. */
static size_t plain(struct gp_dotted *d, struct gp_str in)
{
    size_t i = 0;
    while (i < in.n && !(d->at == GP_DOTTED_LINE && in.p[i] == '.')) {
        if (d->at == GP_DOTTED_TEXT)
            i += gp_str_find((struct gp_str){in.p + i, in.n - i}, '\r');
        if (i == in.n)
            break;
        if (in.p[i] == '\r')
            d->at = GP_DOTTED_CR;
        else
            d->at = d->at == GP_DOTTED_CR && in.p[i] == '\n' ? GP_DOTTED_LINE : GP_DOTTED_TEXT;
        i++;
    }
    return i;
}

enum gp_dotted_event gp_dotted_feed(struct gp_dotted *d, struct gp_str *in, struct gp_str *chunk)
{
    while (in->n > 0) {
        if (d->at == GP_DOTTED_DOT) { /* the dot was left out */
            d->at = in->p[0] == '\r' ? GP_DOTTED_DOT_CR : GP_DOTTED_TEXT;
            if (in->p[0] == '\r')
                skip(in, 1);
        } else if (d->at == GP_DOTTED_DOT_CR && in->p[0] == '\n') {
            skip(in, 1);
            d->at = GP_DOTTED_LINE;
            return GP_DOTTED_END;
        } else if (d->at == GP_DOTTED_DOT_CR) { /* the line only began with a dot */
            d->at = GP_DOTTED_CR;
            *chunk = GP_STR("\r");
            return GP_DOTTED_CHUNK;
        } else {
            *chunk = (struct gp_str){in->p, plain(d, *in)};
            skip(in, chunk->n);
            if (in->n > 0) {
                d->at = GP_DOTTED_DOT;
                skip(in, 1);
            }
            if (chunk->n > 0)
                return GP_DOTTED_CHUNK;
        }
    }
    return GP_DOTTED_MORE;
}
