/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dotted.h - text that ends with a line of a single dot, as LMTP and POP3 send messages, taken apart (pure)
 *
 * Only CRLF.CRLF ends it, only CRLF begins a line: a lone LF or CR is an octet like any other, so nothing can be
 * smuggled. The octets may come in any pieces.
 */
#ifndef GP_FEEDBACK_DOTTED_H
#define GP_FEEDBACK_DOTTED_H

#include "shared/str.h"

struct gp_dotted {
    enum { GP_DOTTED_LINE, GP_DOTTED_TEXT, GP_DOTTED_CR, GP_DOTTED_DOT, GP_DOTTED_DOT_CR } at; /* 0: a line begins */
};

enum gp_dotted_event {
    GP_DOTTED_MORE,  /* the input is spent */
    GP_DOTTED_CHUNK, /* more of the text, in *chunk: into the input, or static; dots unstuffed */
    GP_DOTTED_END    /* *in is what follows */
};

/* gp_dotted_feed - go on with *in, which becomes what is left of it */
enum gp_dotted_event gp_dotted_feed(struct gp_dotted *d, struct gp_str *in, struct gp_str *chunk);

#endif
