# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens while policyd, the milter or memcached is away: no open relay, nothing lost, recovery by itself."""
import os
import signal
import time
import unittest

import crowd
from process import daemon_answers, suspend, unix_answers, wait_for
from relay import Relay
from sample import WIDE, agency
from smtp import Gone

LIMIT = 10
STRANGER = "127.0.3.99"
SOURCE = {"dol": "127.0.3.1", "rated": "127.0.3.2", "few": "127.0.3.3", "packaged": "127.0.3.4"}
AGENCIES = "\n".join(
    agency(name, [source], [f"{name}.example.gov"], limits={**WIDE, "rate": ["100000/1h"], **limits})
    for (name, source), limits in zip(SOURCE.items(), [{}, {"rate": [f"{LIMIT}/1h"]}, {"sessions": "2"},
                                                       {"package": f"{LIMIT}/month"}]))


def attempt(relay, source, recipient, domain="dol.example.gov"):
    """What a stubborn client hears that goes on whatever it is told: the first reply that is not good, else the last."""
    with relay.client(source) as c:
        replies = [c.greeting]
        try:
            replies += [c.say("HELO client.test"), c.mail(f"app@{domain}"), c.rcpt(recipient)]
            replies.append(c.data(crowd.smtp.message(to=recipient, sender=f"app@{domain}")))
        except Gone:
            pass
    return next((r for r in replies if r.code // 100 != 2), replies[-1])


class Case(unittest.TestCase):
    changes = {}

    def setUp(self):
        self.relay = Relay(agencies=AGENCIES, changes=self.changes)
        self.relay.start()
        self.addCleanup(self.relay.stop)
        self.number = 0

    def enter(self, name):
        """A session of the agency, past HELO if it is let in; and what it heard last"""
        c = self.relay.client(SOURCE[name])
        self.addCleanup(c.close)
        return c, c.say("HELO client.test") if c.greeting.code == 220 else c.greeting

    def send(self, name, count=1, client=None):
        """Replies to count messages in one session."""
        c, replies = client, []
        if client is None:
            c, reply = self.enter(name)
            self.assertEqual(reply.code, 250, reply)
        for _ in range(count):
            self.number += 1
            replies.append(crowd.submit(c, f"{name}.example.gov", f"{name}{self.number}@example.com"))
            if replies[-1].code // 100 != 2:
                c.say("RSET")
        if client is None:
            c.quit()
        return replies

    def check_flows(self):
        self.assertEqual(self.send("dol")[0].code, 250)
        self.relay.wait_delivered(f"dol{self.number}@example.com")

    def restart(self, *daemons):
        for daemon in daemons:
            daemon.start()
        for daemon in daemons:
            if daemon.name == "memcached":
                daemon.ready(lambda: unix_answers(self.relay.path("run", "memcached.sock")))
            else:
                name = {"policyd": "policy.sock", "milter": "milter.sock"}[daemon.name]
                daemon.ready(lambda: daemon_answers(self.relay.path("spool", "gatepost", name)))


class DaemonsAway(Case):
    def setUp(self):
        super().setUp()
        self.master = self.relay.postfix.pid
        self.check_flows()
        self.running, _ = self.enter("dol")
        self.before = len(self.relay.settled())

    def check_shut(self, listed):
        """listed: what the agency's new session hears, and one that was running"""
        heard = attempt(self.relay, STRANGER, "stranger@example.com")
        self.assertTrue(heard.code == 554 or heard.code // 100 == 4, heard)
        for n in range(3):
            heard = attempt(self.relay, SOURCE["dol"], f"away{n}@example.com")
            self.assertRegex(str(heard), listed)
        heard = crowd.submit(self.running, "dol.example.gov", "running@example.com")
        self.assertEqual(heard.code // 100, 4, heard)
        self.assertEqual(len(self.relay.settled()), self.before)

    def check_back(self, *daemons):
        self.restart(*daemons)
        wait_for("a stranger to be refused again",
                 lambda: attempt(self.relay, STRANGER, "stranger@example.com").code == 554, 10)
        wait_for("mail to flow", lambda: attempt(self.relay, SOURCE["dol"], "back@example.com").code == 250, 10)
        self.relay.wait_delivered("back@example.com")
        self.assertEqual(self.relay.postfix.pid, self.master, "and Postfix was not restarted")
        self.assertNotIn("stranger@example.com", crowd.recipients(self.relay.settled()))

    def test_policyd(self):
        self.relay.policyd.kill()
        self.check_shut("^451 4.3.0 .*General failure")
        self.check_back(self.relay.policyd)

    def test_milter(self):
        self.relay.milter.kill()
        self.check_shut("^451 4.7.1 Service unavailable - try again later")
        self.check_back(self.relay.milter)

    def test_both(self):
        self.relay.policyd.kill()
        self.relay.milter.kill()
        self.check_shut("^451 4.3.0 .*General failure")
        self.check_back(self.relay.policyd, self.relay.milter)

    def test_milter_dies_within_a_message(self):
        self.running.mail("app@dol.example.gov")
        self.running.rcpt("within@example.com")
        self.assertEqual(self.running.say("DATA").code, 354)
        self.running.send(b"From: <app@dol.example.gov>\r\n\r\nhalf")
        self.relay.milter.kill()
        self.running.send(b" and half\r\n.\r\n")
        self.assertEqual(self.running.read().code // 100, 4)
        self.assertEqual(len(self.relay.settled()), self.before)
        self.check_back(self.relay.milter)


class MemcachedAway:
    """How memcached goes and comes back; below, each under every on_counter_loss."""

    def go(self):
        self.relay.memcached.kill()

    def come_back(self):
        self.restart(self.relay.memcached)

    def wait_store(self, word):
        """both daemons say so themselves"""
        def told():
            states = {d["program"]: d.get("store") for d in crowd.status(self.relay)["daemons"]}
            return states == {"policyd": word, "milter": word, "feedback": "none"}
        wait_for(f"both daemons to find the store {word}", told, 15, 0.1)

    def check_reported_once(self, began):
        """Many requests went unanswered, and policyd said so once a minute at most."""
        lines = self.relay.log("policyd").count("event=counters-lost")
        self.assertGreaterEqual(lines, 1)
        self.assertLessEqual(lines, 1 + (time.monotonic() - began) // 60)

    def check_used(self, name, item, count):
        wait_for(f"{count} in {item} of {name}", lambda: crowd.used(self.relay, name, item) == count, 10, 0.1)


class Local(MemcachedAway):
    changes = {"on_counter_loss": "local"}

    def test_limits_hold(self):
        began = time.monotonic()
        self.assertEqual([r.code for r in self.send("rated", 4)], [250] * 4)
        inside, reply = self.enter("few")
        self.assertEqual(reply.code, 250, reply)
        self.go()
        replies = crowd.all_at_once(lambda i: attempt(self.relay, SOURCE["rated"], f"local{i}@example.com",
                                                      "rated.example.gov"), 2 * LIMIT)
        self.assertEqual(crowd.answers(replies), {"250 2.0.0": LIMIT - 4, "450 4.7.1": LIMIT + 4})
        second, reply = self.enter("few")
        self.assertEqual(reply.code, 250, reply)
        self.assertEqual(str(self.enter("few")[1]), "421 4.4.5 Service unavailable, concurrency limit reached")
        self.assertEqual(self.send("few", client=inside)[0].code, 250)
        self.assertEqual(attempt(self.relay, STRANGER, "stranger@example.com").code, 554)
        self.wait_store("down")
        self.come_back()
        self.wait_store("up")
        self.check_used("rated", "rate", LIMIT)
        self.check_used("few", "sessions", 2)
        inside.quit()
        second.drop()
        crowd.wait_sessions(self.relay, "few", 0)
        self.assertEqual(attempt(self.relay, SOURCE["rated"], "late@example.com", "rated.example.gov").code, 450)
        got = crowd.recipients(self.relay.settled())
        self.assertEqual(sum(n for r, n in got.items() if r.startswith(("rated", "local"))), LIMIT)
        self.check_reported_once(began)


class Open(MemcachedAway):
    changes = {"on_counter_loss": "open"}

    def test_nothing_is_limited_and_all_is_charged(self):
        began = time.monotonic()
        self.assertEqual([r.code for r in self.send("rated", 4)], [250] * 4)
        self.go()
        replies = crowd.all_at_once(lambda i: attempt(self.relay, SOURCE["rated"], f"open{i}@example.com",
                                                      "rated.example.gov"), 2 * LIMIT)
        self.assertEqual(crowd.answers(replies), {"250 2.0.0": 2 * LIMIT})
        crowded = [self.enter("few") for _ in range(4)]
        self.assertEqual([reply.code for _, reply in crowded], [250] * 4)
        self.assertEqual(attempt(self.relay, STRANGER, "stranger@example.com").code, 554)
        self.wait_store("down")
        self.come_back()
        self.wait_store("up")
        self.check_used("rated", "rate", 2 * LIMIT + 4)
        self.assertEqual(attempt(self.relay, SOURCE["rated"], "late@example.com", "rated.example.gov").code, 450)
        self.check_used("few", "sessions", 4)
        self.assertEqual(attempt(self.relay, SOURCE["few"], "late@example.com", "few.example.gov").code, 421)
        for c, _ in crowded:
            c.quit()
        crowd.wait_sessions(self.relay, "few", 0)
        self.check_reported_once(began)


class Closed(MemcachedAway):
    changes = {"on_counter_loss": "closed"}

    def test_all_is_put_off(self):
        began = time.monotonic()
        self.assertEqual(self.send("rated")[0].code, 250)
        before = len(self.relay.settled())
        running, ready = self.enter("dol")[0], self.enter("dol")[0]
        ready.mail("app@dol.example.gov")
        self.assertEqual(ready.rcpt("ready@example.com").code, 250)
        self.assertEqual(ready.say("DATA").code, 354)
        self.go()
        self.assertEqual(str(ready.body("From: <app@dol.example.gov>\r\n\r\nx")),
                         "451 4.3.0 General failure, please retry again or contact the support")
        replies = crowd.all_at_once(lambda i: attempt(self.relay, SOURCE["rated"], f"closed{i}@example.com",
                                                      "rated.example.gov"), LIMIT)
        self.assertEqual(crowd.answers(replies), {"451 4.3.0": LIMIT})
        self.assertEqual(self.send("dol", client=running)[0].code, 451)
        self.assertEqual(attempt(self.relay, STRANGER, "stranger@example.com").code, 554)
        self.assertEqual(len(self.relay.settled()), before)
        self.wait_store("down")
        self.come_back()
        self.wait_store("up")
        self.assertEqual(self.send("dol", client=running)[0].code, 250, "the session that was running sends again")
        self.check_flows()
        self.check_used("rated", "rate", 1)
        self.check_used("dol", "rate", 2)
        self.check_reported_once(began)


class LocalKilled(Local, Case):
    pass


class OpenKilled(Open, Case):
    pass


class ClosedKilled(Closed, Case):
    pass


class Stopped:
    """memcached takes connections and says nothing."""

    def go(self):
        suspend(self.relay.memcached.pid)
        self.addCleanup(self.wake)

    def wake(self):
        if self.relay.memcached.pid:
            os.kill(self.relay.memcached.pid, signal.SIGCONT)

    def come_back(self):
        self.wake()


class LocalStopped(Stopped, Local, Case):
    def test_nobody_waits_long(self):
        """The first to meet the silence waits; the breaker spares the others."""
        self.assertEqual(self.send("dol")[0].code, 250)
        self.go()
        began = time.monotonic()
        self.assertEqual([r.code for r in self.send("dol", 20)], [250] * 20)
        self.assertLess(time.monotonic() - began, 5)
        self.wait_store("down")
        self.come_back()
        self.wait_store("up")
        self.check_used("dol", "rate", 21)


class OpenStopped(Stopped, Open, Case):
    pass


class ClosedStopped(Stopped, Closed, Case):
    pass


class Packages(Case):
    changes = {"on_counter_loss": "local"}

    def check_limit(self, sent):
        """Exactly the rest is accepted."""
        replies = self.send("packaged", LIMIT - sent + 2)
        self.assertEqual([r.code for r in replies], [250] * (LIMIT - sent) + [452] * 2, [str(r) for r in replies])
        self.assertEqual(crowd.recipients(self.relay.settled()).total(), LIMIT)

    def test_memcached_restarts(self):
        self.send("packaged", 4)
        self.relay.memcached.kill()
        self.restart(self.relay.memcached)
        # the rate is told by memcached alone, the package by the database as well
        wait_for("memcached to learn again", lambda: crowd.used(self.relay, "packaged", "rate") == 4, 10, 0.1)
        self.assertEqual(crowd.used(self.relay, "packaged", "package"), 4)
        self.check_limit(4)

    def test_all_restarts(self):
        """The database knows what memcached and the milter forget."""
        self.send("packaged", 4)
        self.relay.memcached.kill()
        wait_for("the database to know", lambda: crowd.used(self.relay, "packaged", "package") == 4, 10, 0.1)
        self.relay.milter.kill()
        self.restart(self.relay.memcached, self.relay.milter)
        self.assertEqual(crowd.used(self.relay, "packaged", "package"), 4)
        self.check_limit(4)

    def test_milter_restarts(self):
        self.send("packaged", 4)
        self.relay.milter.kill()
        self.restart(self.relay.milter)
        self.check_limit(4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
