/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * archive_private.h - the inside of an archive; for archive.c and archive_sweep.c only
 */
#ifndef GP_FEEDBACK_ARCHIVE_PRIVATE_H
#define GP_FEEDBACK_ARCHIVE_PRIVATE_H

#include "feedback/archive.h"
#include "shared/seldom.h"

#include <stdatomic.h>

#define GP_ARCHIVE_SUFFIX ".eml"
#define GP_ARCHIVE_NAME (GP_ARCHIVE_ID + sizeof GP_ARCHIVE_SUFFIX)

struct gp_archive {
    int folder, drafts;
    atomic_ullong next; /* number of a draft */
    uint64_t reserve;
    struct gp_seldom told;
};

/* gp_archive_clear - remove every file of the folder; false (errno set) when one stays */
bool gp_archive_clear(int folder);

#endif
