/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * category.h - what came back can mean (pure; any thread)
 */
#ifndef GP_REPORT_CATEGORY_H
#define GP_REPORT_CATEGORY_H

#include "shared/str.h"

/*    enum suffix    name                letter  */
#define GP_CATEGORIES(X)                     \
    X(HARD,          "hard-bounce",      'H') /* the address does not exist, or never takes mail again */ \
    X(SOFT,          "soft-bounce",      'S') /* it may work another time */                              \
    X(MAILBOX_FULL,  "mailbox-full",     'M')                                                             \
    X(POLICY,        "policy-block",     'P') /* reputation, authentication, sender refused: our problem */ \
    X(RATE,          "rate-limited",     'R') /* too much, too fast: our problem */                       \
    X(CONTENT,       "content-rejected", 'C') /* spam, virus, size, format: our problem */                \
    X(AUTO_REPLY,    "auto-reply",       'A')                                                             \
    X(COMPLAINT,     "feedback-report",  'F')                                                             \
    X(UNSUBSCRIBE,   "unsubscribe",      'B')                                                             \
    X(DELIVERED,     "delivered",        'D')                                                             \
    X(UNKNOWN,       "unknown",          'U') /* a bounce, of a cause that no dictionary knows */         \
    X(NOT_A_BOUNCE,  "not-a-bounce",     'N') /* receipts, statistics, people */

enum gp_category {
#define GP_X(id, name, letter) GP_CATEGORY_##id,
    GP_CATEGORIES(GP_X)
#undef GP_X
        GP_CATEGORY_COUNT
};

/* gp_category_name - "hard-bounce"; gp_category_letter - 'H' */
const char *gp_category_name(enum gp_category c);
char gp_category_letter(enum gp_category c);
/* gp_category_parse - by name; false when there is none of that name */
bool gp_category_parse(struct gp_str name, enum gp_category *out);

/* gp_category_of_letter - by its one letter, which is what the database holds; false when there is none of that letter */
bool gp_category_of_letter(struct gp_str letter, enum gp_category *out);

#endif
