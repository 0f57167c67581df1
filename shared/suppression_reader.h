/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression_reader.h - may this address be mailed now? Asked by many threads, answered in microseconds
 *
 * A few read-only handles on the database file, opened when they are first needed. In WAL mode a reader never waits for
 * a writer; what would wait all the same is answered "unknown" instead. A look-up holds its handle no longer than
 * itself, so a thread waits for other look-ups at most.
 */
#ifndef GP_SHARED_SUPPRESSION_READER_H
#define GP_SHARED_SUPPRESSION_READER_H

#include "shared/suppression.h"

#define GP_SUPPRESSION_HANDLES 8

struct gp_suppression_reader;

/* gp_suppression_reader_new - path: the database; it need not exist yet. NULL when out of memory. */
struct gp_suppression_reader *gp_suppression_reader_new(const char *path);
void gp_suppression_reader_free(struct gp_suppression_reader *r); /* NULL is fine; no look-up may be running */

enum gp_suppression_answer {
    GP_SUPPRESSION_NONE,
    GP_SUPPRESSION_HOLDS,  /* *row says why */
    GP_SUPPRESSION_RETEST, /* *row is due: one message may pass, and whoever lets it pass must have claimed that */
    GP_SUPPRESSION_UNKNOWN /* the database cannot be read */
};

/* Which rows are looked at: those whose scope is GP_SCOPE_ALL, which no stream can change, the others, or both. */
enum gp_suppression_part { GP_SUPPRESSION_WHOLE, GP_SUPPRESSION_ANY_STREAM, GP_SUPPRESSION_BY_STREAM };

/* What is asked. */
struct gp_suppression_question {
    struct gp_str address; /* any case */
    struct gp_str agency;
    struct gp_str stream; /* "": none */
    enum gp_suppression_part part;
    uint64_t now_ms;
};

/* gp_suppression_look - one look-up, any thread
 * No file, or one without the table, is a database in which nothing was ever suppressed. why[] (NUL-terminated) is set
 * for UNKNOWN.
 */
enum gp_suppression_answer gp_suppression_look(struct gp_suppression_reader *r, const struct gp_suppression_question *q,
                                               struct gp_suppression *row, char why[128]);

#endif
