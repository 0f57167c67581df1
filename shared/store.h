/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store.h - what must outlive everything: durable blocks, counts, the journal of changes
 *
 * SQLite today (WAL); the interface is what a second back end would implement. A handle belongs to one thread. A
 * database file made by root gets its directory's owner, so that the daemons can write it. Calls may block up to 5 s on
 * another writer: never from a callback.
 */
#ifndef GP_SHARED_STORE_H
#define GP_SHARED_STORE_H

#include "shared/ip.h"
#include "shared/str.h"
#include "shared/usage.h"

struct gp_store;

/* gp_store_open - open or make the database; NULL with a text in why[] (NUL-terminated) on error */
struct gp_store *gp_store_open(const char *path, char why[256]);
void gp_store_close(struct gp_store *s); /* NULL is fine */

/* One permanent block. */
struct gp_block {
    char target[64]; /* agency's name or an address's canonical text */
    char reason[256];
    uint64_t since_ms;
};

/* Immutable list of blocks, sorted by target. */
struct gp_blocks {
    size_t n;
    struct gp_block *list;
};

/* gp_store_blocks - all blocks; false on error, *out untouched. Free with gp_blocks_free. */
bool gp_store_blocks(struct gp_store *s, struct gp_blocks *out);
void gp_blocks_free(struct gp_blocks *b);
/* gp_blocks_find - binary search; NULL when there is none (pure, any thread) */
const struct gp_block *gp_blocks_find(const struct gp_blocks *b, struct gp_str target);

/* gp_store_changed - has any other handle written since the last call? Cheap enough for each second. */
bool gp_store_changed(struct gp_store *s);

/* Who changed what, when, why. verb: "block", "limit set"...; what: its object and value. */
struct gp_change {
    const char *who, *verb, *what, *why;
    uint64_t when_ms;
};

/* gp_store_block, gp_store_unblock - change and journal in one transaction; false on error
 * unblock: *had says whether there was a block (it is journalled only then).
 */
bool gp_store_block(struct gp_store *s, const char *target, const struct gp_change *change);
bool gp_store_unblock(struct gp_store *s, const char *target, const struct gp_change *change, bool *had);

/* gp_store_journal - one change that happened elsewhere (memcached) */
bool gp_store_journal(struct gp_store *s, const struct gp_change *change);

typedef void gp_store_change_fn(void *arg, const struct gp_change *change);
/* gp_store_history - the newest `most` changes, newest first */
bool gp_store_history(struct gp_store *s, size_t most, gp_store_change_fn *each, void *arg);

/* gp_store_begin, gp_store_commit - several changes in one transaction; commit is what is fsynced, and rolls back when it
 * fails
 */
bool gp_store_begin(struct gp_store *s);
bool gp_store_commit(struct gp_store *s);
/* gp_store_rollback - give up the transaction that gp_store_begin opened; the error of before stays the last one */
void gp_store_rollback(struct gp_store *s);

/* gp_store_package_save - remember the counts of an allowance; a smaller count of the same period never replaces a
 * greater, but a row more than a day ahead, written by a clock that jumped, is replaced
 */
bool gp_store_package_save(struct gp_store *s, const char *allowance, const struct gp_counts *counts);
/* gp_store_package - what is remembered; all 0 when there is nothing */
bool gp_store_package(struct gp_store *s, const char *allowance, struct gp_counts *out);
typedef void gp_store_package_fn(void *arg, const char *allowance, const struct gp_counts *counts);
bool gp_store_packages(struct gp_store *s, gp_store_package_fn *each, void *arg);

/* gp_store_test_turn - a test window (allowance) opened or closed: note and journal it, in one transaction
 * Nothing is done when the same was noted before, by whatever process: so each turn is journalled once. A window that
 * was never noted counts as closed. what and why are kept for when the window is no longer configured.
 */
struct gp_test_turn {
    const char *allowance, *what, *why; /* why: the window's */
    bool open;
};
bool gp_store_test_turn(struct gp_store *s, const struct gp_test_turn *turn, const struct gp_change *change);
typedef void gp_store_test_fn(void *arg, const struct gp_test_turn *turn);
/* gp_store_tests - every window that was ever noted, by allowance, as it was noted last */
bool gp_store_tests(struct gp_store *s, gp_store_test_fn *each, void *arg);

const char *gp_store_error(struct gp_store *s); /* text of the last error */
/* gp_store_refused - was it about what was to be written, so that the same would fail again? */
bool gp_store_refused(const struct gp_store *s);

#endif
