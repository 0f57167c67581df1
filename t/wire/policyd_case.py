# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of gatepost-policyd share: its agencies, its replies, a daemon that ends with the test."""
import unittest

from policy_client import Client
from relayconf import Relay, sample

NOT_PERMITTED = "554 5.7.1 Address not permitted to relay"
BLOCKED = "554 5.7.1 Blocked: "
BLOCKED_TEMPORARILY = "421 4.7.1 Blocked temporarily: "
LOGIN_BAN = "421 4.7.0 Too many failed logins, try again later"
PAUSED = "450 4.7.1 Paused: "
SESSION_LIMIT = "421 4.4.5 Service unavailable, concurrency limit reached"
PACKAGE = "452 4.7.1 Too many recipients received based on tier configuration"
RATE = "450 4.7.1 Rate limit reached, retry later"
TOKEN_FORGED = "550 5.1.1 No such return path"
INTERNAL = "451 4.3.0 General failure, please retry again or contact the support"


def agencies(**limits):
    """dol with these limits, and dos, a neighbour."""
    return (sample.agency("dol", ["192.0.2.10", "2001:db8::10"], ["dol.gov"], {"sessions": "4", **limits},
                          standby=["192.0.2.12"]) +
            sample.agency("dos", ["192.0.2.20"], ["dos.gov"]))


class Case(unittest.TestCase):
    def start(self, memcached=True, text=None, options=None, **changes):
        relay = Relay("policyd", text or agencies(), memcached, **changes)
        self.addCleanup(relay.close)
        return relay.start(**(options or {}))

    def client(self, relay, **options):
        client = Client(relay.socket, **options)
        self.addCleanup(client.close)
        return client
