/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unsubscribe.h - whose List-Unsubscribe leaves with a message: the client's, ours or both (pure)
 *
 * The rules of RFC 2369 and RFC 8058: one List-Unsubscribe, at most one https URI in it, one List-Unsubscribe-Post and
 * only beside an https URI whose owner promised one-click.
 */
#ifndef GP_MILTER_UNSUBSCRIBE_H
#define GP_MILTER_UNSUBSCRIBE_H

#include "milter/headers.h"
#include "shared/config.h"

#define GP_UNSUBSCRIBE_URIS_MAX 8  /* of the client's, in append mode; further ones are left out */
#define GP_UNSUBSCRIBE_URI_MAX 900 /* octets of one; a longer one would not fit a line and is left out */

struct gp_unsubscribe_choice {
    /* the client's first one stays as it is; all others of that name go */
    bool keep, keep_post;
    /* what a new List-Unsubscribe holds, in this order; none of it: no new one */
    size_t uris;
    struct gp_str uri[GP_UNSUBSCRIBE_URIS_MAX]; /* the client's, without <>, into text */
    bool our_https, our_mailto;
    bool our_post; /* only beside our_https */
    char text[GP_HEADERS_UNSUBSCRIBE_MAX];
};

/* gp_unsubscribe_choose - have_https: is there a public_url?
 * Mail that nobody subscribed to (Auto-Submitted, reports, list software: see struct gp_headers) never gets ours.
 */
void gp_unsubscribe_choose(enum gp_unsubscribe mode, const struct gp_headers *h, bool have_https,
                           struct gp_unsubscribe_choice *out);

#endif
