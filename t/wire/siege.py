# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon under attack: a well-behaved neighbour alone and beside it, and what the daemon has left of memory and files."""
import time

import toll
from process import Trouble, wait_for

ROUNDS = 25 if toll.SCALE <= 1 else 300  # of the neighbour, alone and beside each attack
SLOWEST_S = 5.0  # a busy machine's; an attack that held the neighbour up would cost it a time-out of ten
GROWTH_KIB = (12 if toll.SCALE <= 1 else 40) * 1024  # what the allocator may keep of an attack that is over
POOL = 24  # files of handles on the database and of connections to memcached, which stay open


class Siege:
    """relay: of relayconf; ask(): one exchange of the neighbour"""

    def __init__(self, relay, ask):
        self.relay, self.ask = relay, ask
        self.sanitized = toll.sanitized(relay.child.pid)
        for _ in range(10):
            ask()
        self.alone = self.neighbour(lambda: None)

    def vitals(self):
        pid = self.relay.child.pid
        return toll.resident_kib(pid), toll.files(pid)

    def neighbour(self, attack):
        """Seconds of each exchange; before each the attack does another step"""
        took = []
        for _ in range(ROUNDS):
            attack()
            begun = time.monotonic()
            self.ask()
            took.append(time.monotonic() - begun)
        return took

    def calm(self, before):
        """Files and memory nearly as before"""
        resident, files = self.vitals()
        return files <= before[1] + POOL and (self.sanitized or resident < before[0] + GROWTH_KIB)

    def run(self, test, name, attack, end, most_kib):
        """attack() before each exchange, end() after the last; resident memory may grow by most_kib meanwhile"""
        before = self.vitals()
        peak = [before]

        def step():
            attack()
            peak[0] = max(peak[0], self.vitals())
        beside = self.neighbour(step)
        end()
        try:
            wait_for("memory and files to be as before", lambda: self.calm(before), 30)
        except Trouble:
            test.fail(f"after {name}: {self.vitals()}, before {before}")
        test.assertIsNone(self.relay.child.poll())
        test.assertLess(peak[0][0] - before[0], most_kib, f"memory under {name}")
        test.assertLess(max(beside), SLOWEST_S, name)
        toll.row(fault=f"{self.relay.program}: {name}", times=ROUNDS, p99_alone_ms=toll.p99_ms(self.alone),
                 p99_ms=toll.p99_ms(beside), before=before, peak=peak[0], after=self.vitals())
