/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parts.h - the parts of manuals and samples that are made from the program's tables (they write to out; nothing else)
 *
 * The scope says which settings; parts that are about none take no notice of it.
 */
#ifndef GP_SHARED_MANUAL_PARTS_H
#define GP_SHARED_MANUAL_PARTS_H

#include "shared/config_private.h"

#include <stdio.h>

/* reference.c: items of a list of gatepost.conf(5) */
void gp_part_settings(FILE *out, enum gp_scope scope);
void gp_part_limits(FILE *out, enum gp_scope scope);

/* sample.c: lines of a sample file */
void gp_part_sample(FILE *out, enum gp_scope scope);

/* replies.c: items of the list of gatepost-replies(7) */
void gp_part_replies(FILE *out, enum gp_scope scope);

/* gp_list_text - "7d,14d" as [ "7d", "14d" ] */
void gp_list_text(struct gp_buf *b, const char *values);

#endif
