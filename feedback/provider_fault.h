/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * provider_fault.h - many hard bounces at once that say the same are the provider's fault
 *
 * Within the caller's transaction; false is an error of the store. One thread per handle.
 */
#ifndef GP_FEEDBACK_PROVIDER_FAULT_H
#define GP_FEEDBACK_PROVIDER_FAULT_H

#include "shared/store.h"

#define GP_FAULT_MINUTES 10      /* looked at */
#define GP_FAULT_LEAST 20        /* bounces alike before anything is suspected */
#define GP_FAULT_PERCENT 10      /* of all results of the provider, deliveries too: more than that */
#define GP_FAULT_HOLD_MS 3600000 /* the text is distrusted so long after it was last seen too often */

/* gp_fault_suspected - so many bounces alike among so many results? Pure. */
bool gp_fault_suspected(uint64_t alike, uint64_t results);

/* One hard bounce. */
struct gp_fault_bounce {
    struct gp_str recipient, provider, diagnostic;
    uint64_t text; /* gp_text_hash of the diagnostic */
};

/* gp_fault_note - a hard bounce came in, which is not in the event log yet: is its text to be distrusted?
 * A recipient counts once: whoever has many tokens of his own is not many. When distrust begins, what the text did
 * within the minutes looked at is undone, and the operator is told.
 */
bool gp_fault_note(struct gp_store *s, const struct gp_fault_bounce *b, uint64_t now_ms, bool *distrusted);

/* gp_fault_prune - forget what is no longer looked at */
bool gp_fault_prune(struct gp_store *s, uint64_t now_ms);

#endif
