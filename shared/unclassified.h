/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unclassified.h - remote replies that no dictionary entry fits, alike ones counted together
 *
 * So that the dictionaries can be extended where it matters. Bounded: of GP_UNCLASSIFIED_MAX texts the rarest goes when
 * a new one comes.
 */
#ifndef GP_SHARED_UNCLASSIFIED_H
#define GP_SHARED_UNCLASSIFIED_H

#include "shared/store.h"

#define GP_UNCLASSIFIED_MAX 5000
#define GP_TEXT_KEY_MAX 240 /* octets with the NUL */
#define GP_UNCLASSIFIED_SAMPLE_MAX 300

/* gp_text_key - what makes two replies alike: addresses become <@>, words with a digit in them #, blanks are joined,
 * ASCII letters lower case, cut. "550 5.1.1 <a@b.c> unknown (id 4Xyz)" is "# # <@> unknown (id #)". Pure.
 */
struct gp_str gp_text_key(struct gp_str text, char out[GP_TEXT_KEY_MAX]);

/* gp_text_hash - of the key; at most INT64_MAX, never 0 */
uint64_t gp_text_hash(struct gp_str text);

/* One text. Views live as long as the call. */
struct gp_unclassified {
    struct gp_str text; /* the key */
    uint64_t count, first_ms, last_ms;
    struct gp_str provider, sample, evidence; /* of the newest one */
};

/* gp_unclassified_add - text as it was said; false is an error of the store */
bool gp_unclassified_add(struct gp_store *s, struct gp_str text, struct gp_str provider, struct gp_str evidence,
                         uint64_t now_ms);

typedef void gp_unclassified_fn(void *arg, const struct gp_unclassified *u);
/* gp_unclassified_list - the `most` frequent ones, most frequent first */
bool gp_unclassified_list(struct gp_store *s, size_t most, gp_unclassified_fn *each, void *arg);

#endif
