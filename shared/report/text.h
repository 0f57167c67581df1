/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * text.h - foreign octets to clean text, and looking into it (pure; any thread)
 *
 * Clean text is well-formed UTF-8 without control characters but for the line end '\n'. A tab is a blank.
 */
#ifndef GP_REPORT_TEXT_H
#define GP_REPORT_TEXT_H

#include "shared/report/memory.h"

/* gp_text_decode - octets of a charset to clean text; CRLF, LF and CR end lines
 * charset: a MIME name or "". A name that is not known, and octets that do not fit it, are read as UTF-8 or else as
 * windows-1252; ISO-2022-JP is known by its escapes too.
 */
struct gp_str gp_text_decode(struct gp_report_memory *m, struct gp_str octets, struct gp_str charset);

/* gp_text_words - clean text with its encoded words (RFC 2047) decoded, lines joined */
struct gp_str gp_text_words(struct gp_report_memory *m, struct gp_str value);

/* gp_text_flat - clean text in one line, runs of blanks as one blank; at most max octets, cut between characters */
struct gp_str gp_text_flat(struct gp_report_memory *m, struct gp_str text, size_t max);

/* gp_text_html - what a reader of the HTML sees, roughly: tags dropped, entities decoded, blocks as lines */
struct gp_str gp_text_html(struct gp_report_memory *m, struct gp_str html);

/* gp_text_line - take the next line off *rest, without its end; false when *rest is spent */
bool gp_text_line(struct gp_str *rest, struct gp_str *line);

/* gp_text_at - where needle stands in text, or text.n; both in lower case, or the case counts */
size_t gp_text_at(struct gp_str text, struct gp_str needle);
bool gp_text_has(struct gp_str text, struct gp_str needle);
/* gp_text_has_any - one of the words, which end with one that is empty */
bool gp_text_has_any(struct gp_str text, const struct gp_str *words);

/* gp_text_starts_any - as gp_text_has_any, at the beginning; letters in any case */
bool gp_text_starts_any(struct gp_str text, const struct gp_str *words);

static inline struct gp_str gp_text_from(struct gp_str s, size_t at)
{
    return at < s.n ? (struct gp_str){s.p + at, s.n - at} : GP_STR("");
}
static inline struct gp_str gp_text_to(struct gp_str s, size_t n)
{
    return (struct gp_str){s.p, n < s.n ? n : s.n};
}

#endif
