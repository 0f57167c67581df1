/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ip.c - one IPv4 or IPv6 address in canonical form (pure)
 *
 * inet_pton judges the spelling: it takes dotted quads of four plain decimal numbers and the IPv6 forms of RFC 4291.
 */
#include "shared/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};

static struct gp_ip from_v4(const void *octets)
{
    struct gp_ip ip;

    memcpy(ip.b, mapped, sizeof mapped);
    memcpy(ip.b + sizeof mapped, octets, 4);
    return ip;
}

bool gp_ip_parse(struct gp_str s, struct gp_ip *out)
{
    char z[GP_IP_TEXT];
    unsigned char b[16];

    if (s.n == 0 || s.n >= sizeof z || gp_str_find(s, '\0') != s.n)
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (inet_pton(AF_INET, z, b) == 1) {
        *out = from_v4(b);
        return true;
    }
    if (inet_pton(AF_INET6, z, b) != 1)
        return false;
    memcpy(out->b, b, sizeof out->b);
    return true;
}

/* only - does s hold nothing but octets of set? */
static bool only(struct gp_str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || strchr(set, s.p[i]) == NULL)
            return false;
    }
    return true;
}

static bool has(struct gp_str s, char c)
{
    return gp_str_find(s, c) < s.n;
}

/* leading_zero - four dotted numbers, at least one of them like "007"? */
static bool leading_zero(struct gp_str s)
{
    bool found = false;
    int parts = 0;

    if (!only(s, "0123456789."))
        return false;
    for (struct gp_str part; gp_str_split(&s, '.', &part); parts++)
        found = found || (part.n > 1 && part.p[0] == '0');
    return found && parts == 4;
}

/* why_not - what is wrong with a text that is not an address */
static const char *why_not(struct gp_str s)
{
    if (s.n == 0)
        return "is empty: write one address, like 192.0.2.1 or 2001:db8::1";
    if (s.p[0] == '[' || s.p[s.n - 1] == ']')
        return "stands in brackets: write the bare address, like 192.0.2.1 or 2001:db8::1";
    if (has(s, '%'))
        return "carries a zone: write an address that is valid on every link, without \"%\"";
    if (has(s, '*'))
        return "is a wildcard: list each address by itself";
    if (leading_zero(s))
        return "has a number with leading zeros, which some programs read as octal: write 192.0.2.1, not 192.0.2.001";
    if (has(s, '-') && only(s, "0123456789abcdefABCDEF.:- "))
        return "is a range: list each address by itself";
    if (only(s, "0123456789."))
        return "is not a complete IPv4 address: write four numbers of 0 to 255, like 192.0.2.1";
    if (has(s, ':'))
        return "is not an IPv6 address: write one like 2001:db8::1, without a port";
    return "is not an address; a host name is not taken: write the address itself, like 192.0.2.1 or 2001:db8::1";
}

const char *gp_ip_parse_entry(struct gp_str s, struct gp_ip *out)
{
    size_t slash = gp_str_find(s, '/');
    struct gp_str bare = {s.p, slash};
    struct gp_ip ip;

    if (!gp_ip_parse(bare, &ip))
        return why_not(bare);
    if (gp_ip_is_v4(&ip) && has(bare, ':'))
        return "is an IPv4 address in an IPv6 spelling: write 192.0.2.1, not ::ffff:192.0.2.1";
    if (slash < s.n) {
        struct gp_str bits = {s.p + slash + 1, s.n - slash - 1};
        if (!gp_str_eq(bits, gp_ip_is_v4(&ip) ? GP_STR("32") : GP_STR("128")))
            return "is a network: list each address by itself (only /32 on IPv4 and /128 on IPv6 mean one address)";
    }
    *out = ip;
    return NULL;
}

bool gp_ip_from_sockaddr(const struct sockaddr *sa, struct gp_ip *out)
{
    if (sa == NULL)
        return false;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, sa, sizeof v4);
        *out = from_v4(&v4.sin_addr);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, sa, sizeof v6);
        memcpy(out->b, &v6.sin6_addr, sizeof out->b);
        return true;
    }
    return false;
}

/* inet_ntop would do it by sprintf, and policyd writes two for every request. */
static void v4_text(const unsigned char b[4], char *out)
{
    for (size_t i = 0; i < 4; i++) {
        if (b[i] >= 100)
            *out++ = (char)('0' + b[i] / 100);
        if (b[i] >= 10)
            *out++ = (char)('0' + b[i] / 10 % 10);
        *out++ = (char)('0' + b[i] % 10);
        *out++ = i < 3 ? '.' : '\0';
    }
}

void gp_ip_text(const struct gp_ip *ip, char out[GP_IP_TEXT])
{
    if (gp_ip_is_v4(ip))
        v4_text(ip->b + sizeof mapped, out);
    else
        inet_ntop(AF_INET6, ip->b, out, GP_IP_TEXT);
}

bool gp_ip_is_v4(const struct gp_ip *ip)
{
    return memcmp(ip->b, mapped, sizeof mapped) == 0;
}

int gp_ip_cmp(const struct gp_ip *a, const struct gp_ip *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}
