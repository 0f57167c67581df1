# SPDX-License-Identifier: GPL-3.0-or-later
"""The two items of gatepost-keys(5), written from the manual alone."""
import struct
import time

RINGS = ((1000, 128), (10000, 128), (120000, 128), (1800000, 97))


def fnv(octets):
    value = 0xcbf29ce484222325
    for c in octets:
        value = (value ^ c) * 0x100000001b3 % 2**64
    return value


def sealed(octets):
    return octets + struct.pack(">Q", fnv(octets))


def usage(recipients, now=None):
    """So many recipients accepted just now."""
    now = time.time() if now is None else now
    utc = time.gmtime(now)
    body = b"GPU2" + struct.pack(">QIIQQQ", 1, int(now // 86400), (utc.tm_year - 1970) * 12 + utc.tm_mon - 1, recipients,
                                 recipients, recipients)
    for length, slots in RINGS:
        newest = int(now * 1000) // length
        ring = [0] * slots
        ring[newest % slots] = recipients
        body += struct.pack(f">Q{slots}I", newest, *ring)
    return sealed(body)


def sessions(*counts):
    """One row of each count, every row a node of its own, with a whole life before it."""
    body = b"GPS1" + struct.pack(">H", len(counts))
    for node, count in enumerate(counts, 1):
        body += struct.pack(">QQIQ", node, 1, count, int(time.time() * 1000) + 60000)
    return sealed(body)
