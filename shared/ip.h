/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ip.h - one IPv4 or IPv6 address in canonical form (pure; any thread)
 *
 * IPv4 is kept as RFC 4291 IPv4-mapped IPv6, so that one address has one form whatever way it came.
 */
#ifndef GP_SHARED_IP_H
#define GP_SHARED_IP_H

#include "shared/str.h"

#include <sys/socket.h>

#define GP_IP_TEXT 46 /* longest text with its NUL */

struct gp_ip {
    uint8_t b[16];
};

/* gp_ip_parse - the address a mail system reports: dotted quad, or IPv6 in any spelling of RFC 4291,
 * mapped IPv6 included (it becomes the IPv4 address). No zone, no prefix length, no brackets.
 * Returns false, and leaves *out alone, for anything else.
 */
bool gp_ip_parse(struct gp_str s, struct gp_ip *out);

/* gp_ip_parse_entry - one entry of a trust list: exactly one address
 * /32 on IPv4 and /128 on IPv6 mean the bare address. Ranges ("192.0.2.0/24", "192.0.2.1-9", "192.0.2.*"),
 * host names and IPv4-mapped spellings are refused.
 * Returns NULL and sets *out, or a static text that says what is wrong and what would be right.
 */
const char *gp_ip_parse_entry(struct gp_str s, struct gp_ip *out);

/* gp_ip_from_sockaddr - false for families other than AF_INET and AF_INET6, and for NULL */
bool gp_ip_from_sockaddr(const struct sockaddr *sa, struct gp_ip *out);

/* gp_ip_text - canonical text: dotted quad, or RFC 5952 lower case */
void gp_ip_text(const struct gp_ip *ip, char out[GP_IP_TEXT]);

bool gp_ip_is_v4(const struct gp_ip *ip);
int gp_ip_cmp(const struct gp_ip *a, const struct gp_ip *b); /* total order, for sorting and searching */

#endif
