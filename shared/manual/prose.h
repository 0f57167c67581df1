/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prose.h - sentences of a table as mdoc (writes to out; nothing else)
 */
#ifndef GP_SHARED_MANUAL_PROSE_H
#define GP_SHARED_MANUAL_PROSE_H

#include <stdio.h>

/* gp_prose - plain sentences, with mdoc macros in braces: "see {Xr postconf 5}." becomes a line of its own
 * Lines end after a sentence, or at 80 octets. Braces do not nest.
 */
void gp_prose(FILE *out, const char *text);

/* gp_prose_plain - the same for a text whose braces are braces */
void gp_prose_plain(FILE *out, const char *text);

/* gp_prose_literal - ".Ql text .", whatever octets the text has */
void gp_prose_literal(FILE *out, const char *text);

#endif
