# SPDX-License-Identifier: GPL-3.0-or-later
"""Reload after reload while mail flows: none lost, none charged twice, and old epochs are freed."""
import json
import signal
import threading
import time
import unittest

import crowd
import toll
import senders as truth
from process import wait_for
from relay import Relay
from sample import WIDE, agency
from senders import CLIENTS

RELOADS = 15 if toll.SCALE <= 1 else toll.times(50)
BETWEEN = 0 if toll.SCALE <= 1 else 20  # messages between two reloads, so that mail is what the machine is busy with
HELD = 5  # sessions that began under some epoch of the storm and stay until its end
GROWTH_KIB = 4096  # what the allocator may keep


class Storm(unittest.TestCase):
    def setUp(self):
        self.relay = Relay(agencies=truth.agencies(), changes={"drain_timeout": "1s"})
        self.relay.start()
        self.addCleanup(self.relay.stop)
        self.daemons = [self.relay.policyd, self.relay.milter]

    def status(self, daemon):
        with open(self.relay.path("run", f"{daemon.name}.status")) as f:
            return json.load(f)

    def reload(self, number):
        """Another configuration each time; the next when both have it."""
        extra = agency(f"extra{number % 7}", [f"127.0.4.{number % 7 + 1}"], ["extra.example.gov"],
                       limits={**WIDE, "message_size": f"{number % 50 + 10}K"})
        self.relay.write_agencies(truth.agencies() + extra)
        for daemon in self.daemons:
            daemon.child.send_signal(signal.SIGUSR1)
        for daemon in self.daemons:
            wait_for(f"{daemon.name} to reload", lambda: self.status(daemon)["reloads"] > number, 60)

    def storm(self, senders):
        """Memory once the first fifth is over; sessions that are still open"""
        held, warm = [], None
        for number in range(RELOADS):
            if number == RELOADS // 5:
                warm = toll.vitals(self.daemons)
            if number % (RELOADS // HELD) == 0:
                held.append(self.relay.client("127.0.2.4"))
                self.addCleanup(held[-1].close)
            self.reload(number)
            wait_for("mail to flow", lambda: sum(len(s.accepted) for s in senders) >= BETWEEN * number, 60)
        return warm, held

    def test_reloads_under_load(self):
        ending = threading.Event()
        self.addCleanup(ending.set)
        senders = truth.start(self.relay, ending)
        wait_for("mail to flow", lambda: truth.accepted(senders), 30)
        begun = time.monotonic()
        warm, held = self.storm(senders)
        took = time.monotonic() - begun
        per_second = len(truth.accepted(senders)) / took
        truth.stop(self, senders, ending)
        for c in held:
            c.close()
        for daemon in self.daemons:
            wait_for(f"{daemon.name} to free its epochs", lambda: self.status(daemon)["epochs_alive"] == 1, 30)
            self.assertEqual((self.status(daemon)["reloads"], self.status(daemon)["reload_failures"]), (RELOADS, 0))
        after = toll.vitals(self.daemons)
        lost, doubled = truth.check_sink(self, self.relay, senders)
        toll.row(fault="reload", times=RELOADS, accepted=len(truth.accepted(senders)), lost=lost, doubled=doubled,
                 lock_out_s=round(max(s.longest for s in senders), 1), overshoot=0, before=warm, after=after,
                 messages_per_second=round(per_second, 1), reloads_per_second=round(RELOADS / took, 1))
        for name in CLIENTS:
            self.assertEqual(truth.total(self.relay, name), len(truth.accepted(senders, name)), "charged once each")
            crowd.wait_sessions(self.relay, name, 0)
        for name, (resident, files) in after.items():
            self.assertLess(resident - warm[name][0], GROWTH_KIB, name)
            self.assertLessEqual(files, warm[name][1] + 8, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
