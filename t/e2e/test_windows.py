# SPDX-License-Identifier: GPL-3.0-or-later
"""Test windows through the whole relay: a stranger before, admitted inside up to the count, refused after."""
import json
import sqlite3
import threading
import time
import unittest

from scene import WIDE, Scene, agency, replies

DOL = "app@dol.example.gov"
COUNT = 6


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(seconds))


def window(address, messages, begins, ends):
    return (f'{{ why = "load test" address = "{address}" messages = "{messages}" from = "{moment(begins)}" '
            f'until = "{moment(ends)}" }}')


def agencies(*windows):
    text = agency("dol", ["127.0.9.1"], ["dol.example.gov"], limits={**WIDE, "package": "3/month"})
    return text.rstrip().removesuffix("}") + f"  tests = ( {', '.join(windows)} )\n}}\n"


NOW = time.time()
OPEN = window("127.0.9.2", COUNT, NOW - 3600, NOW + 3600)
LATER = window("127.0.9.3", COUNT, NOW + 3600, NOW + 7200)
# ends with a minute of the clock that is at least 30 s away when the relay is being raised
ENDS = NOW + 30 + 60 - (NOW + 30) % 60
ENDING = window("127.0.9.4", COUNT, NOW - 3600, ENDS)
RACED = window("127.0.9.5", COUNT, NOW - 3600, NOW + 3600)


class Windows(Scene):
    agencies = agencies(OPEN, LATER, ENDING, RACED)

    def send(self, source, recipient, sender=DOL):
        with self.relay.client(source) as c:
            if c.greeting.code != 220:
                return c.greeting
            c.hello()
            return self.submit(c, sender, recipient)

    def window(self, address):
        return next(w for w in json.loads(self.operator("tests", "dol", "--json"))["tests"] if w["address"] == address)

    def journal(self, address):
        changes = json.loads(self.operator("history", "--last", "1000", "--json"))["changes"]
        return [c["verb"] for c in reversed(changes) if c["what"].startswith(f"dol {address},")]

    def test_not_yet(self):
        self.assertPolicyds(self.connect("127.0.9.3").greeting, "not-permitted")
        self.assertEqual(self.window("127.0.9.3")["state"], "waiting")
        self.assertEqual(self.journal("127.0.9.3"), [])

    def test_count_apart_from_production_and_durable(self):
        self.wait("the opening in the journal", lambda: self.journal("127.0.9.2") == ["test open"])
        for n in range(3):
            self.assertGood(self.send("127.0.9.2", f"test{n}@example.com"))
            self.assertGood(self.send("127.0.9.1", f"production{n}@example.com"))
        self.assertPolicyds(self.send("127.0.9.1", "x@example.com"), "package")  # 3 a month, and none of them the test's
        self.assertMilters(self.send("127.0.9.2", "x@example.com", "app@doe.example.gov"), "sender-domain")
        self.wait("the database to know", lambda: self.saved() == 3)
        self.relay.memcached.kill()
        self.relay.milter.kill()
        self.relay.memcached.start()
        self.relay.milter.start()
        for n in range(3, COUNT):
            self.wait(f"message {n}", lambda: self.send("127.0.9.2", f"test{n}@example.com").code == 250)
        # by the milter at first, by policyd at RCPT once it has found memcached back
        self.wait("the refusal at RCPT", lambda: self.refused_early("127.0.9.2"))
        self.assertEqual((self.window("127.0.9.2")["state"], self.window("127.0.9.2")["used"]), ("used up", COUNT))
        self.wait("the closing in the journal", lambda: self.journal("127.0.9.2") == ["test open", "test close"])
        for n in range(COUNT):
            self.assertDelivered(f"test{n}@example.com")

    def refused_early(self, source):
        reply = self.send(source, "x@example.com")
        self.assertEqual(reply.code, 452, reply)
        return replies.is_policyds(reply, "package")

    def saved(self):
        """What the database has of the window's count"""
        db = sqlite3.connect(f"file:{self.relay.path('db', 'gatepost.db')}?mode=ro", uri=True)
        row = db.execute("SELECT total FROM package WHERE agency LIKE 'dol:127.0.9.2:%'").fetchone()
        db.close()
        return row[0] if row else 0

    def test_exactly_the_count_goes_through(self):
        """Sessions past RCPT together: the milter gives places to the first of them."""
        clients = [self.past_rcpt("127.0.9.5", DOL, f"raced{n}@example.com") for n in range(2 * COUNT)]
        codes = []

        def data(n, client):
            codes.append(client.data(self.message(f"raced{n}@example.com", DOL)).code)

        threads = [threading.Thread(target=data, args=pair) for pair in enumerate(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(codes), [250] * COUNT + [452] * COUNT)

    def test_the_end_reaches_open_sessions(self):
        session, past = self.session("127.0.9.4"), self.past_rcpt("127.0.9.4", DOL, "late@example.com")
        self.assertGood(self.submit(session, DOL, "intime@example.com"))
        self.assertEqual(self.window("127.0.9.4")["state"], "open")
        self.wait("the end of the window", lambda: time.time() >= ENDS, ENDS - time.time() + 5)
        self.assertMilters(session.mail(DOL), "not-permitted")
        self.assertMilters(past.data(self.message("late@example.com", DOL)), "not-permitted")
        self.assertPolicyds(self.connect("127.0.9.4").greeting, "not-permitted")
        self.assertEqual(self.window("127.0.9.4")["state"], "over")
        self.wait("the closing in the journal", lambda: self.journal("127.0.9.4") == ["test open", "test close"])
        self.assertNotDelivered("late@example.com")


if __name__ == "__main__":
    unittest.main()
