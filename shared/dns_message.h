/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns_message.h - reading the answer a DNS server sent (RFC 1035 4; pure, any thread)
 */
#ifndef GP_SHARED_DNS_MESSAGE_H
#define GP_SHARED_DNS_MESSAGE_H

#include "shared/dns.h"

/* gp_dns_read - what a whole message says of the name in its question: records of this type
 * Aliases within the message are followed; records of other names and in other sections do not count. Always sets
 * *out, which gp_dns_answer_free frees: TROUBLE when the message is broken, a referral, or has another response code
 * than success and NXDOMAIN.
 */
void gp_dns_read(const uint8_t *message, size_t n, enum gp_dns_type type, struct gp_dns_answer *out);

/* gp_dns_trouble - an answer of which nothing is known; why: static text */
struct gp_dns_answer gp_dns_trouble(const char *why);

/* gp_dns_type_name - "A", "AAAA", "MX", "PTR", "TXT" */
const char *gp_dns_type_name(enum gp_dns_type type);

#endif
