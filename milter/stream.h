/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stream.h - which of its agency's mail streams a message belongs to (pure; any thread)
 */
#ifndef GP_MILTER_STREAM_H
#define GP_MILTER_STREAM_H

#include "milter/headers.h"
#include "shared/config.h"

/* gp_stream_of - what X-Gatepost-Stream says, when the agency has a stream of that name; else "". View into h. */
struct gp_str gp_stream_of(const struct gp_agency *a, const struct gp_headers *h);

#endif
