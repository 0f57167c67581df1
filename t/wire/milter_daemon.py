# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-milter alone, with a configuration and, if wanted, a memcached of its own, below one directory in /tmp."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import process  # noqa: E402
import sample  # noqa: E402

import milter_client  # noqa: E402
import relayconf  # noqa: E402

SESSION_LIMIT = "421 4.4.5 Service unavailable, concurrency limit reached"
WIDE = {"sessions": "500", "messages_per_session": "1000", "rate": ["100000/1m"]}


def agencies(**limits):
    """dol with these limits, and dos, a neighbour with wide ones."""
    return (sample.agency("dol", ["192.0.2.10", "2001:db8::10"], ["dol.gov", ".dol.gov"], {**WIDE, **limits},
                          standby=["192.0.2.12"]) +
            sample.agency("dos", ["192.0.2.20"], ["dos.gov"], WIDE))


class Milter(relayconf.Relay):
    """changes: settings of gatepost.conf; limits: of the agency dol. memcached=False: counters = []."""

    def __init__(self, memcached=False, limits=None, **changes):
        super().__init__("milter", agencies(**(limits or {})), memcached, **changes)
        if memcached:
            self.start_memcached()
        self.with_memcached = False  # a test that ends it wants it away, also when the milter starts again

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.close()

    def configure(self, text=None, **limits):
        super().configure(agencies(**limits) if limits else text)

    def wait(self, seconds=20):
        """Exit status."""
        return self.child.wait(seconds)

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child = None

    def mta(self, **options):
        return milter_client.Mta(self.socket, **options)

    def session(self, address="192.0.2.10", profile="gatepost-address", **options):
        """A session past HELO, which must be welcome, at the latest when the milter has seen that those before are over."""
        def past_helo():
            mta = self.mta(**options).begin(address, profile)
            reply = mta.helo()
            if reply == "continue":
                return mta
            mta.close()
            if reply != SESSION_LIMIT:
                raise AssertionError(reply)
        return until("a place for the session", past_helo)


def until(what, test, seconds=15):
    return process.wait_for(what, test, seconds)


def now():
    return time.monotonic()
