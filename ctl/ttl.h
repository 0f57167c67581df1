/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ttl.h - how long items of memcached still last
 *
 * libmemcached offers no command that tells an item's remaining time, memcached does ("mg KEY t"), so this asks it over
 * a socket of its own. One thread.
 */
#ifndef GP_CTL_TTL_H
#define GP_CTL_TTL_H

#include "shared/keys.h"
#include "shared/str.h"

#define GP_CTL_TTL_FOREVER (-1) /* the item has no end */
#define GP_CTL_TTL_UNKNOWN (-2) /* gone meanwhile, or the server did not say */
#define GP_CTL_TTL_KEYS_MAX 64

/* gp_ctl_ttl - seconds left of n items (at most GP_CTL_TTL_KEYS_MAX) that live on this server
 * server: "/run/x.sock" or "host:port". Sets left[0..n-1] in any case. Takes at most half a second.
 */
void gp_ctl_ttl(const char *server, const char (*keys)[GP_KEY_MAX], size_t n, int64_t *left);

/* gp_ctl_ttl_answer - read one line of memcached's answer, without its line end (pure) */
int64_t gp_ctl_ttl_answer(struct gp_str line);

#endif
