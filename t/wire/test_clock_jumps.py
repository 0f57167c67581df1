# SPDX-License-Identifier: GPL-3.0-or-later
"""The wall clock of a node jumps, both ways: what is locked out, and for how long; what is forgotten, and how much.

The bounds are those of gatepost-milter(8), FAULTS. Time is moved by t/harness/clock_jump.c, so nothing is waited for.
"""
import mmap
import os
import random
import struct
import unittest

from milter_daemon import Milter, SESSION_LIMIT, agencies, until
import toll  # milter_daemon says where
from policy_client import Client
from relayconf import BUILD, Relay
from test_milter import RATE

COUNT, WINDOW_S, BUCKET_S, SKEW_S = 5, 60, 1, 60
RING_S = 128  # of the window's buckets: what was charged longer ago is not in the item any more
ROW_S = 60 + SKEW_S  # how long a row of sessions lasts that a dead node left, at most
DAY_S = 86400
SEED = int(os.environ.get("GATEPOST_SEED", "20261121"))
LIMITS = {"rate": [f"{COUNT}/{WINDOW_S}s"], "sessions": "2", "messages_per_session": "65535"}


class Clock:
    """Milliseconds that the daemons' clock is ahead of ours"""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(8))
        os.chmod(path, 0o644)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 8)

    def set(self, seconds):
        self.map[:] = struct.pack("=q", round(seconds * 1000))

    def jump(self, seconds):
        self.set(struct.unpack("=q", self.map[:])[0] / 1000 + seconds)

    @property
    def environment(self):
        return {**os.environ, "LD_PRELOAD": os.path.join(BUILD, "t", "libclock_jump.so"), "GATEPOST_CLOCK": self.path,
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Jumps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.milter = Milter(memcached=True, limits=LIMITS)
        cls.addClassCleanup(cls.milter.close)
        cls.clock = Clock(cls.milter.path("clock"))
        cls.milter.start(env=cls.clock.environment)
        cls.policyd = Relay("policyd", agencies(**LIMITS), memcached=False, counters=[cls.milter.memcached_path])
        cls.addClassCleanup(cls.policyd.close)
        cls.policyd.start(env=cls.clock.environment)
        cls.draw = random.Random(SEED)

    def setUp(self):
        """Everything used before has left its window."""
        self.clock.jump(3 * DAY_S)
        self.mta = self.milter.session()
        self.addCleanup(self.mta.close)

    def send(self, count):
        """How many of count messages are accepted; the others must be refused for their rate"""
        replies = [self.mta.message()[1] for _ in range(count)]
        self.assertEqual(set(replies) - {"accept", RATE}, set())
        return replies.count("accept")

    def policyd_says(self, state="RCPT"):
        client = Client(self.policyd.socket)
        try:
            return client.ask(state)
        finally:
            client.close()

    def check_spent(self):
        """Nothing is to be had; and once the milter has brought the item back to the present, policyd knows it."""
        self.assertEqual(self.send(2), 0, "the jump made nobody forget")
        until("the item to be of the present", lambda: self.policyd_says() == RATE)

    def check_free(self):
        """The whole allowance, and policyd knows it; on a busy machine it may have missed an answer of memcached."""
        until("policyd to know that it is free", lambda: self.policyd_says() == "OK")
        self.assertEqual(self.send(COUNT + 2), COUNT)
        until("policyd to know that it is spent", lambda: self.policyd_says() == RATE)

    def test_back(self):
        """Nothing is forgotten, and nobody is locked out for longer than the window, a minute and a bucket."""
        for _ in range(toll.times(10)):
            back = self.draw.choice([1, 30, 59, 61, 3600, DAY_S, 400 * DAY_S]) * self.draw.uniform(0.5, 1)
            with self.subTest(back=back):
                self.clock.jump(DAY_S)
                self.check_free()
                self.clock.jump(-back)
                self.check_spent()
                self.clock.jump(WINDOW_S + SKEW_S + BUCKET_S)
                self.check_free()
        toll.row(fault="clock back", times=toll.times(10), overshoot=0, lock_out_s=f"< {WINDOW_S + SKEW_S + BUCKET_S}")

    def test_forward(self):
        """A jump by less than the window forgets nothing; a longer one is the time it says. Back again, the window, a
        minute and a bucket later, all is as it was."""
        for _ in range(toll.times(10)):
            ahead = self.draw.choice([WINDOW_S / 2, RING_S, 3600, DAY_S, 400 * DAY_S]) * self.draw.uniform(1, 1.5)
            with self.subTest(ahead=ahead):
                self.clock.jump(DAY_S)
                self.check_free()
                self.clock.jump(ahead)
                self.assertEqual(self.send(COUNT + 2), COUNT if ahead > WINDOW_S else 0)
                self.clock.jump(-ahead)
                self.check_spent()
                self.clock.jump(WINDOW_S + SKEW_S + BUCKET_S)
                self.check_free()
        toll.row(fault="clock forward", times=toll.times(10), overshoot=f"{COUNT} for each",
                 lock_out_s=f"< {WINDOW_S + SKEW_S + BUCKET_S}")

    def enter(self, milter=None):
        """A session past HELO, None when there is no place"""
        mta = (milter or self.milter).mta().begin()
        if mta.helo() == "continue":
            return mta
        mta.close()

    def test_sessions(self):
        """Within a node they are counted, not timed. libmilter itself ends what idles for two hours, so not that far ahead."""
        for _ in range(toll.times(10)):
            second = until("the place to be free", self.enter)
            with second, self.milter.mta() as third:
                self.clock.jump(self.draw.choice([10, 50, 70, 200, -10, -50, -70, -200, -DAY_S, -40 * DAY_S]))
                self.assertEqual(third.begin().helo(), SESSION_LIMIT)
        toll.row(fault="clock, sessions", times=toll.times(10), overshoot=0, lock_out_s=0)

    def test_sessions_of_a_node_that_died(self):
        """Its row counts for its life and a minute at most, whatever the clock did meanwhile."""
        for jump in (-DAY_S, -90, -50, -10, 10, 50, DAY_S):
            with self.subTest(jump=jump):
                other = Milter(counters=[self.milter.memcached_path], limits=LIMITS)
                self.addCleanup(other.close)
                other.start(env=self.clock.environment)
                held = until("the second place, as self.mta has the first", lambda: self.enter(other))
                other.kill()
                held.close()
                self.clock.jump(jump)
                if jump < ROW_S - SKEW_S:
                    until("the row to be of the present", lambda: self.policyd_says("CONNECT") == SESSION_LIMIT, 40)
                self.clock.jump(ROW_S)
                until("the dead node's place to be free", self.enter).close()


if __name__ == "__main__":
    unittest.main()
