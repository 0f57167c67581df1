/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * classify.h - what each recipient's evidence means, by dictionaries that are data
 *
 * Dictionary files (*.dict, read in the order of their names; gatepost-dictionary(5)) hold one entry a line: provider,
 * reply code, enhanced code, text pattern, category, action. The first entry that fits decides. Immutable once loaded;
 * any thread may classify with it. `by` points into the dictionary, or to a static text.
 */
#ifndef GP_REPORT_CLASSIFY_H
#define GP_REPORT_CLASSIFY_H

#include "shared/fault.h"
#include "shared/report/report.h"

struct gp_dictionary;

/*    enum suffix   name           what the entry asks for */
#define GP_REPLY_ACTIONS(X)                                                                    \
    X(NONE,         "none")                                                                    \
    X(SUPPRESS,     "suppress")    /* the recipient is not to be written to */                 \
    X(COMPARE,      "compare")     /* the same, unless the domain named is the sender's own */ \
    X(THROTTLE,     "throttle")    /* go slower with this provider */                          \
    X(SUSPEND,      "suspend")     /* leave this provider alone for a time */                  \
    X(DELAY,        "delay")       /* leave this recipient alone for a time */                 \
    X(ALERT,        "alert")       /* people have to mend something here */                    \
    X(GREYLISTING,  "greylisting") /* try again as always: no signal at all */

enum gp_reply_action {
#define GP_X(id, name) GP_REPLY_##id,
    GP_REPLY_ACTIONS(GP_X)
#undef GP_X
        GP_REPLY_ACTIONS_N
};
const char *gp_reply_action_name(enum gp_reply_action a);

/* gp_dictionary_load - every *.dict of the folders in the order of the files' names, whichever folder they stand in; of
 * two with one name the one in the later folder. A folder that does not exist is empty. All faults in one run.
 * NULL when there was an error (faults say which file and line), no entry at all, or no memory; never without a fault.
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
    struct gp_str sender;   /* domain of the return path, "": one that is said not to exist may be ours */
};
struct gp_meaning {
    enum gp_category category;
    bool suppress, greylisting;
    bool matched;   /* an entry fitted; else category comes from the codes alone, and it is to be counted as unclassified */
    enum gp_reply_action action;
    uint32_t action_s; /* how long to suspend; 0 when not said */
    const char *by;
};

/* gp_classify_said - pure. "host H[IP] said: " before and "(in reply to ... command)" after the text are understood; a
 * copy for each queued message, "delivery temporarily suspended: ...", is the caller's to leave out.
 */
struct gp_meaning gp_classify_said(const struct gp_dictionary *d, const struct gp_said *said);

#endif
