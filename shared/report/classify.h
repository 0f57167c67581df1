/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.h - what each recipient's evidence means, by dictionaries that are data
 *
 * Dictionary files (*.dict, read in the order of their names; gatepost-dictionary(5)) hold one entry a line: provider,
 * reply code, enhanced code, text pattern, category, action. The first entry that fits decides. Immutable once loaded;
 * any thread may classify with it.
 */
#ifndef GP_REPORT_CLASSIFY_H
#define GP_REPORT_CLASSIFY_H

#include "shared/fault.h"
#include "shared/report/report.h"

struct gp_dictionary;

/* gp_dictionary_load - every *.dict of the folders, in their order; all faults of all files in one run
 * NULL when there was an error (faults say which file and line) or no memory.
 */
struct gp_dictionary *gp_dictionary_load(const char *const *folders, size_t n, struct gp_faults *faults);
void gp_dictionary_free(struct gp_dictionary *d); /* NULL is fine */

/* gp_classify - give the report, and each of its recipients, category, suppress and by. Pure. */
void gp_classify(const struct gp_dictionary *d, struct gp_report *r);

/* What a remote server's reply means that stood in the mail log, not in a report: the same entries. */
struct gp_said {
    struct gp_str status;   /* "4.7.0", "" */
    struct gp_str reply;    /* "421", "" */
    struct gp_str text;
    struct gp_str provider; /* host name of the relay, or the recipient's domain; "" */
    enum gp_report_phase phase;
    bool final;             /* it will not be tried again */
};
struct gp_meaning {
    enum gp_category category;
    bool suppress, greylisting;
    bool matched;   /* an entry fitted; else category comes from the codes alone, and it is to be counted as unclassified */
    const char *by;
};
struct gp_meaning gp_classify_said(const struct gp_dictionary *d, const struct gp_said *said);

#endif
