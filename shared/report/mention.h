/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mention.h - failure notices in plain words: whom they name, and what they say about each (pure)
 */
#ifndef GP_REPORT_MENTION_H
#define GP_REPORT_MENTION_H

#include "shared/report/human.h"
#include "shared/report/report.h"

/* How sure it is that an address is the one that failed; those of the best rank of a notice are taken. */
enum gp_mention_rank {
    GP_MENTION_NONE,
    GP_MENTION_LABELLED,  /* ends a line, behind a colon */
    GP_MENTION_ALIAS,     /* "generated from" it: what the one that failed was made of */
    GP_MENTION_LINE,      /* begins a line, of a text that announces nothing */
    GP_MENTION_COMMAND,   /* in a RCPT TO of a transcript */
    GP_MENTION_REPLY,     /* in the transcript's own reply: "550 <a@b>... User unknown" */
    GP_MENTION_ANNOUNCED, /* begins a line, behind words like "the following addresses failed" */
    GP_MENTION_NAMED      /* behind words that say what it is: "Recipient: " */
};

struct gp_mention {
    struct gp_str address; /* lower case */
    enum gp_mention_rank rank;
    size_t begin, end; /* what the text says about it: from here to there */
};

struct gp_mentions {
    size_t n;
    struct gp_mention *mention; /* GP_REPORT_RECIPIENTS_MAX; in their order, no address twice */
    bool cut;
};

/* gp_mentions_read - *out is set on every return; what it points to is of m and human
 * cut: there are more than are read. Without memory (m->failed) there are none.
 */
void gp_mentions_read(struct gp_report_memory *m, const struct gp_human *human, struct gp_mentions *out);

/* gp_mention_said - the part of the text about one mention that gives the reason; one line */
struct gp_str gp_mention_said(struct gp_report_memory *m, const struct gp_human *human, const struct gp_mention *about);

/* gp_mention_original - the address that a mention's one was made of, if its text says so; "" */
struct gp_str gp_mention_original(const struct gp_human *human, const struct gp_mention *about);

#endif
