# SPDX-License-Identifier: GPL-3.0-or-later
"""Any number of parallel clients get exactly the limit: rates, packages and sessions, at one and at two milters."""
import collections
import os
import threading
import unittest

import crowd
from process import wait_for
from relay import Relay
from sample import WIDE, agency

LIMIT = 25
CLIENTS = 50
CROWD = int(os.environ.get("GATEPOST_CROWD", "200"))
FEW = 4
SESSION_LIMIT = "421 4.4.5"

AGENCIES = "\n".join([
    agency("rated", ["127.0.1.1"], ["rated.example.gov"], limits={**WIDE, "rate": [f"{LIMIT}/1h"]}),
    agency("packaged", ["127.0.1.2"], ["packaged.example.gov"], limits={**WIDE, "package": f"{LIMIT}/month"}),
    agency("raced", ["127.0.1.3"], ["raced.example.gov"], limits={**WIDE, "rate": [f"{LIMIT}/1h"]}),
    agency("bought", ["127.0.1.4"], ["bought.example.gov"], limits={**WIDE, "package": f"{LIMIT}/month"}),
    agency("few", ["127.0.1.5"], ["few.example.gov"], limits={**WIDE, "sessions": str(FEW)}),
    agency("lowered", ["127.0.1.6"], ["lowered.example.gov"], limits=WIDE),
    agency("neighbour", ["127.0.1.9"], ["neighbour.example.gov"], limits={**WIDE, "rate": ["100000/1h"]}),
])
SOURCE = {"rated": "127.0.1.1", "packaged": "127.0.1.2", "raced": "127.0.1.3", "bought": "127.0.1.4",
          "few": "127.0.1.5", "lowered": "127.0.1.6", "neighbour": "127.0.1.9"}


class Neighbour:
    """Sends mail all the while: the crowd next door must not be felt."""

    def __init__(self, test):
        self.test, self.relay, self.replies = test, test.relay, []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        number = 0
        while not self.ending.is_set() or number < 3:
            try:
                with self.test.client("neighbour", number) as c:
                    c.hello()
                    self.replies.append(crowd.submit(c, "neighbour.example.gov", f"n{number}@example.com"))
            except OSError as e:
                self.replies.append(repr(e))
            number += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *unused):
        self.ending.set()
        self.thread.join()
        if kind is None:
            self.test.assertEqual(crowd.answers(self.replies), {"250 2.0.0": len(self.replies)})


class Crowds:
    """The tests; the classes below run them with their number of milters."""
    milters = 1

    @classmethod
    def setUpClass(cls):
        cls.relay = Relay(agencies=AGENCIES, milters=cls.milters)
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    def client(self, name, number):
        """From the agency's address, to the milters in turn."""
        return self.relay.client(SOURCE[name], self.relay.ports[number % self.milters])

    def check_exactly(self, name, item, replies, refusal):
        """replies: (recipient, reply) of every message"""
        accepted = [recipient for recipient, reply in replies if reply.code == 250]
        counts = crowd.answers(reply for _, reply in replies)
        self.assertEqual(counts, {"250 2.0.0": LIMIT, refusal: len(replies) - LIMIT})
        got = {r: n for r, n in crowd.recipients(self.relay.settled()).items() if r.endswith(f"@{name}.test")}
        self.assertEqual(got, {recipient: 1 for recipient in accepted})
        self.assertEqual(crowd.used(self.relay, name, item), len(got))
        beside = crowd.recipients(self.relay.delivered())
        self.assertEqual(crowd.used(self.relay, "neighbour", "rate"),
                         sum(n for r, n in beside.items() if r.endswith("@example.com")))

    def as_they_come(self, name):
        """Each client sends two messages, on two connections."""
        def work(i):
            replies = []
            for n in range(2):
                recipient = f"m{i}-{n}@{name}.test"
                with self.client(name, i) as c:
                    c.hello()
                    replies.append((recipient, crowd.submit(c, f"{name}.example.gov", recipient)))
            return replies
        return [reply for replies in crowd.all_at_once(work, CLIENTS) for reply in replies]

    def all_past_rcpt(self, name):
        """All are past policyd before the first sends: what is left is between them and the milter."""
        barrier = threading.Barrier(CLIENTS)

        def work(i):
            recipient = f"r{i}@{name}.test"
            with self.client(name, i) as c:
                c.hello()
                c.mail(f"app@{name}.example.gov")
                self.assertEqual(c.rcpt(recipient).code, 250)
                barrier.wait(60)
                reply = c.data(crowd.smtp.message(to=recipient, sender=f"app@{name}.example.gov"))
                self.assertIn(c.say("RSET").code, (250,), "the session goes on after the refusal")
                return recipient, reply
        return crowd.all_at_once(work, CLIENTS)

    def test_rate(self):
        with Neighbour(self):
            replies = self.as_they_come("rated")
        self.check_exactly("rated", "rate", replies, "450 4.7.1")

    def test_package(self):
        with Neighbour(self):
            replies = self.as_they_come("packaged")
        self.check_exactly("packaged", "package", replies, "452 4.7.1")

    def test_rate_at_end_of_data(self):
        with Neighbour(self):
            replies = self.all_past_rcpt("raced")
        self.check_exactly("raced", "rate", replies, "450 4.7.1")
        self.assertIn("450 4.7.1 Rate limit reached, retry later", {str(reply) for _, reply in replies})

    def test_package_at_end_of_data(self):
        with Neighbour(self):
            replies = self.all_past_rcpt("bought")
        self.check_exactly("bought", "package", replies, "452 4.7.1")
        self.assertIn("452 4.7.1 Too many recipients received based on tier configuration",
                      {str(reply) for _, reply in replies})

    # --- sessions ---------------------------------------------------------------------------------------------------

    def enter(self, name, number):
        """A session past HELO, or None and the refusal."""
        c, reply = crowd.enter(self.client(name, number))
        if c is None:
            self.assertTrue(str(reply).startswith(SESSION_LIMIT), reply)
            self.assertIn("Service unavailable, concurrency limit reached", str(reply))
        return c, reply

    def stay_until_all_answered(self, name):
        """Everybody knocks once, and who is let in stays until the last has been answered."""
        barrier = threading.Barrier(CROWD)

        def work(i):
            c, reply = self.enter(name, i)
            barrier.wait(60)
            if c is not None:
                self.assertEqual(crowd.submit(c, f"{name}.example.gov", f"s{i}@{name}.test").code, 250)
                c.quit()
            return reply
        return crowd.answers(crowd.all_at_once(work, CROWD))

    def knock_until_served(self, name):
        """Everybody knocks until let in, sends one message and leaves; the most that were inside at once."""
        gauge, refused = crowd.Gauge(), collections.Counter()

        def work(i):
            for attempt in range(10000):
                c, reply = self.enter(name, i + attempt)
                if c is None:
                    refused[str(reply).split(":")[0]] += 1
                    continue
                gauge.enter()
                reply = crowd.submit(c, f"{name}.example.gov", f"k{i}@{name}.test")
                gauge.leave()
                c.quit()
                return reply
        replies = crowd.all_at_once(work, CROWD)
        self.assertEqual(crowd.answers(replies), {"250 2.0.0": CROWD})
        self.assertGreater(sum(refused.values()), 0)
        return gauge.most

    def test_sessions(self):
        with Neighbour(self):
            counts = self.stay_until_all_answered("few")
            self.assertEqual(counts["250 relay.example.gov"], FEW)
            self.assertEqual(counts[SESSION_LIMIT], CROWD - FEW)
            crowd.wait_sessions(self.relay, "few", 0)
            self.assertLessEqual(self.knock_until_served("few"), FEW)
            crowd.wait_sessions(self.relay, "few", 0)
        got = crowd.recipients(self.relay.settled())
        self.assertEqual({r: n for r, n in got.items() if r.endswith("@few.test") and r.startswith("k")},
                         {f"k{i}@few.test": 1 for i in range(CROWD)})

    def open_many(self, name):
        entered = crowd.all_at_once(lambda i: self.enter(name, i), CROWD)
        self.assertEqual([str(reply) for c, reply in entered if c is None], [])
        crowd.wait_sessions(self.relay, name, CROWD)
        return [c for c, _ in entered]

    def test_sessions_lowered_live(self):
        running = self.open_many("lowered")
        with Neighbour(self):
            done = self.relay.ctl("limit", "set", "lowered", "sessions", str(FEW), "--reason", "a test")
            self.assertEqual(done.returncode, 0, done.stderr)
            replies = crowd.all_at_once(
                lambda i: crowd.submit(running[i], "lowered.example.gov", f"l{i}@lowered.test"), CROWD)
            self.assertEqual(crowd.answers(replies), {"250 2.0.0": CROWD}, "lowering a limit ends nothing that runs")
            while len(running) >= FEW:
                self.assertIsNone(self.enter("lowered", len(running))[0], f"let in beside {len(running)} others")
                leave = max(1, min(len(running) - FEW, 60)) if len(running) > FEW else 1
                for c in running[:leave]:
                    c.quit()
                del running[:leave]
                crowd.wait_sessions(self.relay, "lowered", len(running))
            newcomer, reply = self.enter("lowered", 0)
            self.assertIsNotNone(newcomer, reply)
            self.assertIsNone(self.enter("lowered", 1)[0])
            for c in [newcomer, *running]:
                c.drop()
            crowd.wait_sessions(self.relay, "lowered", 0)
            self.assertEqual(self.stay_until_all_answered("lowered")["250 relay.example.gov"], FEW)
            crowd.wait_sessions(self.relay, "lowered", 0)
            self.assertLessEqual(self.knock_until_served("lowered"), FEW)
            crowd.wait_sessions(self.relay, "lowered", 0)
        self.relay.settled()


class OneMilter(Crowds, unittest.TestCase):
    milters = 1


class TwoMilters(Crowds, unittest.TestCase):
    milters = 2

    def test_each_listener_has_its_milter(self):
        """Or the races were between the threads of one."""
        for i in range(2):
            with self.client("neighbour", i) as c:
                c.hello()
                self.assertEqual(crowd.submit(c, "neighbour.example.gov", f"part{i}@example.com").code, 250)
        for name, number in (("milter", 0), ("milter-2", 1)):
            wait_for(f"{name} to log", lambda: f"recipient=part{number}@example.com" in self.relay.log(name), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
