/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory.h - what a report's views point to: blocks that live and die together
 *
 * One thread at a time. A failure is remembered, so that the caller may look once, at the end.
 */
#ifndef GP_REPORT_MEMORY_H
#define GP_REPORT_MEMORY_H

#include "shared/str.h"

struct gp_report_memory {
    struct gp_memory_block *blocks;
    bool failed; /* once there was no memory */
};

/* gp_memory_get - n octets of zeros, aligned for anything; NULL, and failed, when there is no memory */
void *gp_memory_get(struct gp_report_memory *m, size_t n);
/* gp_memory_copy - a copy of s; an empty view when there is no memory */
struct gp_str gp_memory_copy(struct gp_report_memory *m, struct gp_str s);
struct gp_str gp_memory_lower(struct gp_report_memory *m, struct gp_str s); /* ASCII letters in lower case */
void gp_memory_free(struct gp_report_memory *m);

#endif
