/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stream.c - which of its agency's mail streams a message belongs to
 */
#include "milter/stream.h"

struct gp_str gp_stream_of(const struct gp_agency *a, const struct gp_headers *h)
{
    struct gp_str name = gp_str_z(h->stream_name);
    for (size_t i = 0; i < a->streams.n && name.n > 0; i++) {
        if (gp_str_eq(name, gp_str_z(a->streams.v[i])))
            return name;
    }
    return (struct gp_str){NULL, 0};
}
