# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills and stops at random while mail flows: nothing accepted is lost, nothing sent twice, charges within the bound.

GATEPOST_SEED draws other moments and victims, GATEPOST_SCALE more of them.
"""
import os
import random
import signal
import threading
import time
import unittest

import crowd
import toll
import senders as truth
from chaos import Chaos
from process import wait_for
from relay import Relay
from senders import CLIENTS, STRICT, STRICT_COUNT

SEED = int(os.environ.get("GATEPOST_SEED", "20261121"))
KILLS = 100 if toll.SCALE <= 1 else toll.times(40)
STOPS = 12 if toll.SCALE <= 1 else toll.times(40)
EVERY_S = 0.6 if toll.SCALE <= 1 else 0.4
STOPPED_S = 1.5  # longer than any answer of the store is waited for
SESSION_LIFE_S = 60  # GP_SESSIONS_LIFE_MS
FORGOTTEN_S = 1.5  # what the database may be behind: a second, and half of one more on a busy machine


class Faults(unittest.TestCase):
    def setUp(self):
        # An smtpd that is killed in its first session counts as a bad command, and Postfix stops the listener a while.
        self.relay = Relay(agencies=truth.agencies(), postfix={"service_throttle_time": "1s"})
        self.relay.start()
        self.addCleanup(self.relay.stop)
        self.before = self.vitals()

    def vitals(self):
        return toll.vitals([self.relay.policyd, self.relay.milter])

    def load(self, names=tuple(CLIENTS)):
        ending = threading.Event()
        self.addCleanup(ending.set)
        return truth.start(self.relay, ending, names), ending

    def check_charges(self, chaos, senders):
        moments = chaos.forgetful()
        for name in CLIENTS:
            accepted = truth.accepted(senders, name)
            in_doubt = {r for r in chaos.in_doubt | set().union(*[s.unknown for s in senders])
                        if r.startswith(f"{name}-") and r not in accepted}
            forgotten = sum(1 for when in accepted.values() if any(m - FORGOTTEN_S <= when <= m for m in moments))
            charged = crowd.used(self.relay, name, "package")
            print(f"  {name}: accepted {len(accepted)}, charged {charged}, in doubt at a fault {len(in_doubt)}, may be "
                  f"forgotten {forgotten}")
            self.assertLessEqual(charged, len(accepted) + len(in_doubt))
            self.assertGreaterEqual(charged, len(accepted) - forgotten)

    def check_overshoot(self, chaos, senders):
        """Of a rate nothing is forgotten but when memcached and the milter die together: then it begins anew."""
        over = truth.overshoot(senders)
        self.assertLessEqual(over, STRICT_COUNT * len(chaos.forgetful()))
        return over

    def finish(self, what, chaos, senders, ending):
        """After the last fault: all come in again, none is left, and the sink and the charges are right."""
        last = time.monotonic()
        wait_for("every client to send again", lambda: all(
            s.failure or any(when > last for when in list(s.accepted.values())) for s in senders), SESSION_LIFE_S)
        print(f"\n  {what}: {chaos.struck}; all sent again {time.monotonic() - last:.1f} s after the last")
        truth.stop(self, senders, ending)
        free = [s for s in senders if s.agency != STRICT]
        longest = max(s.longest for s in free)
        print(f"  session-limit was said {sum(s.limited for s in senders)} times")
        self.assertLess(longest, SESSION_LIFE_S, f"not answered: {[s.unanswered for s in free]}")
        for name in CLIENTS:
            crowd.wait_sessions(self.relay, name, 0)
        lost, doubled = truth.check_sink(self, self.relay, senders)
        over = self.check_overshoot(chaos, senders)
        toll.row(fault=what, times=sum(chaos.struck.values()), accepted=len(truth.accepted(senders)), lost=lost,
                 doubled=doubled, lock_out_s=round(longest, 1), overshoot=over, before=self.before,
                 after=self.vitals())
        self.check_charges(chaos, senders)

    def test_a_hundred_kills(self):
        print(f"\n  seed {SEED}")
        master = self.relay.postfix.pid
        senders, ending = self.load((*CLIENTS, STRICT))
        chaos = Chaos(self.relay, senders, random.Random(SEED), KILLS, every_s=EVERY_S)
        chaos.run()
        self.finish("kill -9", chaos, senders, ending)
        self.assertEqual(sum(chaos.struck.values()), KILLS)
        self.assertEqual(self.relay.postfix.pid, master)

    def test_stops(self):
        """Who is stopped and goes on forgets nothing: no charge, no session, no rate."""
        senders, ending = self.load((*CLIENTS, STRICT))
        chaos = Chaos(self.relay, senders, random.Random(SEED), STOPS, signal.SIGSTOP, down_s=STOPPED_S, every_s=0.4)
        self.addCleanup(chaos.wake_all)
        chaos.run()
        chaos.history.clear()
        self.finish("SIGSTOP", chaos, senders, ending)

    def test_one_after_the_other(self):
        """While the milter or memcached lives on, not one charge is forgotten."""
        senders, ending = self.load()
        chaos = Chaos(self.relay, senders, random.Random(SEED))

        def memcached_knows_all():
            before = {name: len(truth.accepted(senders, name)) for name in CLIENTS}
            return all((crowd.used(self.relay, name, "rate") or 0) >= n for name, n in before.items())

        def all_sent_two():
            """the first may have been charged before the kill and answered after it"""
            return all(sum(when > killed for when in list(s.accepted.values())) >= 2 for s in senders)
        for number in range(12):
            name = ("memcached", "milter")[number % 2]
            chaos.strike(name)
            killed = time.monotonic()
            chaos.recover(name)
            wait_for(f"mail to flow after the death of {name}", all_sent_two, 30)
            wait_for(f"all charges to survive the death of {name}", memcached_knows_all, 30, 0.1)
        chaos.history.clear()  # none of them together: nothing may be forgotten
        self.finish("kill -9, in turn", chaos, senders, ending)


if __name__ == "__main__":
    unittest.main(verbosity=2)
