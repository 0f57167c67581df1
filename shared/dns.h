/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns.h - questions to the DNS, each with a deadline (c-ares; RFC 1035)
 *
 * Blocks until the answer or the deadline: never from a callback. One thread at a time per struct gp_dns. What comes
 * back is foreign: bounded here, and any octet may stand in a text.
 */
#ifndef GP_SHARED_DNS_H
#define GP_SHARED_DNS_H

#include "shared/config.h"

#define GP_DNS_RECORDS_MAX 256 /* of one answer; further ones are left out and `cut` is set */
#define GP_DNS_TEXT_MAX 4096   /* octets of one TXT record, its strings joined; a longer one is left out, `cut` set */
#define GP_DNS_TTL_LEAST 30    /* seconds; a smaller TTL counts as this */
#define GP_DNS_TTL_MOST 86400
#define GP_DNS_TTL_NEGATIVE 300 /* of a name or type that is not there */

enum gp_dns_type { GP_DNS_A = 1, GP_DNS_PTR = 12, GP_DNS_MX = 15, GP_DNS_TXT = 16, GP_DNS_AAAA = 28 };

enum gp_dns_state {
    GP_DNS_FOUND,
    GP_DNS_NO_DATA, /* the name is there, no such record */
    GP_DNS_NO_NAME, /* NXDOMAIN */
    GP_DNS_TROUBLE  /* nothing is known: timeout, SERVFAIL, refused, garbage; `why` says it */
};

struct gp_dns_record {
    char *text; /* NUL-terminated; TXT: n octets as they came; A, AAAA: the address; MX, PTR: a name without final dot,
                 * the root as "" */
    size_t n;
    unsigned preference; /* MX */
};

struct gp_dns_answer {
    enum gp_dns_state state;
    uint32_t ttl_s; /* within the bounds above */
    bool cut;
    const char *why; /* TROUBLE: static text */
    size_t n;
    struct gp_dns_record *record;
};

#define GP_DNS_TRY_MS 1000
#define GP_DNS_ROUNDS 3

struct gp_dns;

/* gp_dns_new - servers: "address" or "address:port", IPv6 in brackets before a port; none: those of /etc/resolv.conf
 * NULL when out of memory or a server is no address.
 */
struct gp_dns *gp_dns_new(const struct gp_strings *servers);
void gp_dns_free(struct gp_dns *d); /* NULL is fine */

/* gp_dns_query - ask one server after the other until one answers, or deadline_ms (monotonic milliseconds) has passed
 * name: ASCII, without final dot. Always sets *out; gp_dns_answer_free frees what it holds. UDP, then TCP when the
 * answer was truncated. A CNAME is followed by the server. A server has GP_DNS_TRY_MS to answer, twice as long when all
 * were asked in vain, GP_DNS_ROUNDS times; the one that answered last is the first to be asked the next time.
 */
void gp_dns_query(struct gp_dns *d, const char *name, enum gp_dns_type type, uint64_t deadline_ms,
                  struct gp_dns_answer *out);
void gp_dns_answer_free(struct gp_dns_answer *a);

#endif
