/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dictionaries.h - the dictionaries in force: read again when a file changed; a faulty one leaves the old in force
 *
 * Who classifies takes a reference and keeps it for one message.
 */
#ifndef GP_FEEDBACK_DICTIONARIES_H
#define GP_FEEDBACK_DICTIONARIES_H

#include "shared/config.h"
#include "shared/report/classify.h"

struct gp_dictionaries;
struct gp_dictionary_ref;

/* gp_dictionaries_new - empty; NULL when out of memory. gp_dictionaries_free: nobody holds a reference any more. */
struct gp_dictionaries *gp_dictionaries_new(void);
void gp_dictionaries_free(struct gp_dictionaries *d); /* NULL is fine */

/* gp_dictionaries_look - read them if the folders, or any file in them, changed since the last look; faults are logged
 * once for each change. Returns whether any are in force. One thread at a time.
 */
bool gp_dictionaries_look(struct gp_dictionaries *d, const struct gp_strings *folders);

/* gp_dictionaries_ref - NULL when none are in force. Any thread. */
struct gp_dictionary_ref *gp_dictionaries_ref(struct gp_dictionaries *d);
const struct gp_dictionary *gp_dictionary_of(const struct gp_dictionary_ref *r);
void gp_dictionaries_unref(struct gp_dictionaries *d, struct gp_dictionary_ref *r); /* NULL is fine */

#endif
