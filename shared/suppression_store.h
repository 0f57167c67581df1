/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suppression_store.h - suppressions in the database, and what their ladder remembers
 *
 * Each call is one statement; those that belong together stand in a transaction of the caller's. False is an error of
 * the store (gp_store_error). One thread per handle; the milter reads with suppression_reader.h instead.
 */
#ifndef GP_SHARED_SUPPRESSION_STORE_H
#define GP_SHARED_SUPPRESSION_STORE_H

#include "shared/store.h"
#include "shared/suppression.h"

#define GP_FAILURES_READ_MAX 512 /* of the window: at most one of a day and category */

/* gp_suppression_put - make the row, or make it be this one; key: address, agency, reason, scope */
bool gp_suppression_put(struct gp_store *s, const struct gp_suppression *row, uint64_t now_ms);

/* gp_suppression_drop - *had (may be NULL): there was one */
bool gp_suppression_drop(struct gp_store *s, const struct gp_suppression *key, bool *had);

/* gp_suppression_ladder - the hard or soft row of address and agency; *found false: none */
bool gp_suppression_ladder(struct gp_store *s, struct gp_str address, struct gp_str agency, struct gp_suppression *out,
                           bool *found);

/* gp_suppression_row - the row of this reason and scope */
bool gp_suppression_row(struct gp_store *s, struct gp_str address, struct gp_str agency,
                        enum gp_suppression_reason reason, struct gp_str scope, struct gp_suppression *out,
                        bool *found);

/* Which rows. Empty views: any. */
struct gp_suppression_filter {
    struct gp_str address;
    struct gp_str agency; /* GP_STR("-"): those that hold for every agency */
    uint64_t since_ms;    /* changed at or after; 0: all */
};
typedef bool gp_suppression_fn(void *arg, const struct gp_suppression *row, uint64_t changed_ms);
/* gp_suppression_list - by address; each row until `each` returns false. It must not write with the same handle. */
bool gp_suppression_list(struct gp_store *s, const struct gp_suppression_filter *f, gp_suppression_fn *each, void *arg);

/* gp_suppression_end - drop at most `most` rows whose time is over */
bool gp_suppression_end(struct gp_store *s, uint64_t now_ms, size_t most);

/* gp_failure_note - remember one of that day and category; gp_failure_read - those from a day on, at most
 * GP_FAILURES_READ_MAX; gp_failure_forget - all up to a day, *had: there was one; gp_failure_prune - those before a day
 */
bool gp_failure_note(struct gp_store *s, struct gp_str address, struct gp_str agency, struct gp_failure f);
bool gp_failure_read(struct gp_store *s, struct gp_str address, struct gp_str agency, uint32_t from,
                     struct gp_failure out[GP_FAILURES_READ_MAX], size_t *n);
bool gp_failure_forget(struct gp_store *s, struct gp_str address, struct gp_str agency, uint32_t until, bool *had);
bool gp_failure_prune(struct gp_store *s, uint32_t before, size_t most);

/* gp_counted_once - *first: this token was not seen with this class before; it is from now on */
bool gp_counted_once(struct gp_store *s, struct gp_str token, struct gp_str class_name, uint32_t day, bool *first);
bool gp_counted_prune(struct gp_store *s, uint32_t before, size_t most);

#endif
