/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive.h - every message that came in, byte for byte, in one file: <folder>/YYYY-MM-DD/<id>.eml, mode 0640
 *
 * A message is first a draft below <folder>/draft; what is kept gets its name of the day it came, and is durable then.
 * A crash leaves drafts, which the next start removes, and at worst a kept file that no row of the database names
 * (gp_archive_sweep). What fails is logged here, one trouble a minute. One process writes an archive; a draft belongs
 * to one thread, the rest is for any thread.
 */
#ifndef GP_FEEDBACK_ARCHIVE_H
#define GP_FEEDBACK_ARCHIVE_H

#include "shared/intake_store.h"

struct gp_archive;

/* octets of the disk that messages leave free: the database lives there */
#define GP_ARCHIVE_RESERVE (UINT64_C(64) << 20)

/* gp_archive_open - make the folder if need be, remove old drafts; NULL with a text in why[] on error */
struct gp_archive *gp_archive_open(const char *folder, char why[256]);
void gp_archive_free(struct gp_archive *a); /* NULL is fine */

/* gp_archive_reserve - instead of GP_ARCHIVE_RESERVE; before the first draft */
void gp_archive_reserve(struct gp_archive *a, uint64_t octets);

struct gp_draft;

/* gp_draft_new - NULL on error. gp_draft_free removes what was not kept; NULL is fine. */
struct gp_draft *gp_draft_new(struct gp_archive *a);
void gp_draft_free(struct gp_draft *d);

/* gp_draft_add - more of the message; false when the disk took it not, or has no more than the reserve: then the draft
 * is worth nothing
 */
bool gp_draft_add(struct gp_draft *d, struct gp_str octets);

/* gp_draft_seal - the whole message is there: make it durable; false on error. Once. */
bool gp_draft_seal(struct gp_draft *d);

/* Of a sealed draft. The views live as long as it does. */
struct gp_str gp_draft_octets(const struct gp_draft *d);
const char *gp_draft_hash(const struct gp_draft *d); /* SHA-256 of the octets */

/* gp_archive_id - the message's name: the same octets to the same recipient (any case) are the same message
 * False when OpenSSL fails.
 */
bool gp_archive_id(const char hash[GP_ARCHIVE_HASH + 1], struct gp_str recipient, char id[GP_ARCHIVE_ID + 1]);

/* gp_archive_keep - give a sealed draft its name; it may be kept under several. Durable only after gp_archive_sync of
 * that day. The file may be there already. False on error.
 */
bool gp_archive_keep(struct gp_archive *a, const struct gp_draft *d, const char *day, const char *id);
bool gp_archive_sync(struct gp_archive *a, const char *day);

/* gp_archive_sweep - show each file of the days from first to last ("" = no bound) that is older than `age` seconds;
 * remove those for which `wanted` says no, and days that are empty then. Returns how many were removed.
 */
typedef bool gp_archive_wanted_fn(void *arg, const char *id);
size_t gp_archive_sweep(struct gp_archive *a, const char *first, const char *last, unsigned age,
                        gp_archive_wanted_fn *wanted, void *arg);

#endif
