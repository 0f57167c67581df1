/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address.h - mailbox addresses as they stand in SMTP commands (pure; any thread)
 *
 * Grammar: RFC 5321 4.1.2 (Mailbox, Path), 4.1.3 (address literals), 4.5.3.1 (lengths), RFC 6531 3.3 (UTF-8).
 * Lengths are octets: local-part 64, domain 255, mailbox 254 (a path of 256 with its brackets).
 */
#ifndef GP_SHARED_ADDRESS_H
#define GP_SHARED_ADDRESS_H

#include "shared/str.h"

#define GP_ADDRESS_MAX 254
#define GP_DOMAIN_MAX 255

struct gp_mailbox {
    struct gp_str local;  /* as written, with its quotes when it is a quoted-string */
    struct gp_str domain; /* as written; an address literal with its brackets */
    bool utf8;            /* holds octets above 127 */
};

/* gp_mailbox_parse - is the whole view one Mailbox of RFC 5321 / RFC 6531?
 * utf8 allows non-ASCII (RFC 6531); a U-label must be one that IDNA2008 can encode.
 * A domain of digits and dots only is refused (RFC 1123 2.1; an address literal is written in brackets).
 * The views in *out point into s.
 * Returns NULL and sets *out, or a static text that says what is wrong.
 */
const char *gp_mailbox_parse(struct gp_str s, bool utf8, struct gp_mailbox *out);

/* gp_path_parse - the argument of MAIL FROM or RCPT TO as a milter sees it: "<mailbox>"
 * A source route "<@a,@b:mailbox>" is accepted and ignored (RFC 5321 4.1.1.3). "<>" is the null path: both views
 * empty. "<postmaster>" without a domain is accepted, in any case, with an empty domain (RFC 5321 4.1.1.3).
 * A missing bracket is an error.
 * Returns NULL and sets *out, or a static text that says what is wrong. The caller decides whether null is allowed.
 */
const char *gp_path_parse(struct gp_str s, bool utf8, struct gp_mailbox *out);

/* gp_address_domain - what stands behind the last '@', unchecked; empty when there is none */
struct gp_str gp_address_domain(struct gp_str address);

/* gp_domain_in - does the domain stand under a configured sender domain?
 * pattern "dol.gov": that domain; ".dol.gov": its subdomains only. ASCII letters compare without case;
 * one trailing dot of domain is not tolerated.
 */
bool gp_domain_in(struct gp_str domain, struct gp_str pattern);

/* gp_domain_valid - a host name in letters, digits, hyphens and dots, or U-labels; no literal, no trailing dot */
bool gp_domain_valid(struct gp_str s, bool utf8);

/* gp_domain_ascii - a domain as the DNS has it: A-labels, lower case; false when it has no such form of 253 octets */
bool gp_domain_ascii(struct gp_str s, char out[GP_DOMAIN_MAX + 1]);

#endif
