/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * octets.h - unsigned numbers as octets in network order, for the items kept in memcached (pure; any thread)
 */
#ifndef GP_SHARED_OCTETS_H
#define GP_SHARED_OCTETS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* gp_octets_put, gp_octets_get - n (1..8) octets of v, the highest first */
static inline void gp_octets_put(char *at, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (char)(unsigned char)(v >> (8 * (n - 1 - i)));
}

static inline uint64_t gp_octets_get(const char *at, size_t n)
{
    uint64_t v = 0;
    uint32_t four;
    if (n == sizeof four) { /* at once: an item is hundreds of these */
        memcpy(&four, at, sizeof four);
        return be32toh(four);
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)at[i];
    return v;
}

#endif
