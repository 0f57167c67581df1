/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * apply.h - a plan of edits is carried out; the only place that changes a message
 */
#ifndef GP_MILTER_APPLY_H
#define GP_MILTER_APPLY_H

#include "milter/rewrite.h"

#include <libmilter/mfapi.h>

/* gp_apply - all edits in their order, at end of message only
 * False (logged) when one was not taken; then the message must be refused, which drops the edits made before.
 */
bool gp_apply(SMFICTX *ctx, const struct gp_plan *plan);

#endif
