# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred kills at random while mail flows: nothing accepted is lost, nothing sent twice, charges within the bound.

GATEPOST_SEED draws other moments and victims. Whoever is down already when drawn is replaced by another draw, so that two
runs of one seed are alike and not the same.
"""
import heapq
import os
import random
import signal
import threading
import time
import unittest

import crowd
import process
from process import wait_for
from relay import Relay
from sample import WIDE, agency

SEED = int(os.environ.get("GATEPOST_SEED", "20261121"))
KILLS = 100
EVERY_S = 0.6  # between two kills, on average
DOWN_S = 0.5  # a daemon is down for so long, at most
SESSION_LIFE_S = 60  # GP_SESSIONS_LIFE_MS
FORGOTTEN_S = 1.5  # what the database may be behind: a second, and half of one more on a busy machine
LEARNT_S = {"memcached": 1.5, "milter": 0.5}  # after a restart: until it knows again what the other knows

# As many sessions as clients, so that one that is not given back locks somebody out.
CLIENTS = {"alpha": ("127.0.2.1", 3), "beta": ("127.0.2.2", 2), "gamma": ("127.0.2.3", 1)}
AGENCIES = "\n".join(
    agency(name, [source], [f"{name}.example.gov"],
           limits={**WIDE, "sessions": str(count), "messages_per_session": "5", "rate": ["1000000/1h"],
                   "package": "1000000/month"})
    for name, (source, count) in CLIENTS.items())


class Sender(threading.Thread):
    """One client of an agency: message after message, a new session after whatever went wrong."""

    def __init__(self, relay, name, number, ending):
        super().__init__(daemon=True)
        self.relay, self.agency, self.number, self.ending = relay, name, number, ending
        self.accepted = {}  # recipient: when
        self.refused, self.unknown = set(), set()
        self.in_doubt = None  # the message whose end is being sent, or whose answer is awaited
        self.locked_out, self.longest, self.limited = None, 0.0, 0
        self.failure = None

    def run(self):
        try:
            while not self.ending.is_set():
                self.session()
        except BaseException as e:  # noqa: B902 - the test raises it
            self.failure = e

    def session(self):
        """Until something is not as it should be; Gone is a ConnectionError, so an OSError"""
        if self.locked_out is None:
            self.locked_out = time.monotonic()
        try:
            with self.relay.client(CLIENTS[self.agency][0], timeout=90) as c:
                if c.greeting.code != 220:
                    self.limited += c.greeting.code == 421
                    return
                reply = c.say("HELO client.test")
                self.limited += reply.code == 421
                if reply.code != 250:
                    return
                while not self.ending.is_set() and self.message(c):
                    pass
        except OSError:
            return

    def message(self, c):
        recipient = f"{self.agency}-{self.number}-{time.monotonic_ns()}@example.com"
        domain = f"{self.agency}.example.gov"
        for reply in (lambda: c.mail(f"app@{domain}"), lambda: c.rcpt(recipient), lambda: c.say("DATA")):
            if reply().code not in (250, 354):
                return False
        # a session is one that can send: with the milter away Postfix lets clients in and answers 451 to MAIL
        self.longest = max(self.longest, time.monotonic() - (self.locked_out or time.monotonic()))
        self.locked_out = None
        self.unknown.add(recipient)
        self.in_doubt = recipient
        try:
            reply = c.body(crowd.smtp.message(to=recipient, sender=f"app@{domain}"))
        finally:
            self.in_doubt = None
        self.unknown.discard(recipient)
        if reply.code == 250:
            self.accepted[recipient] = time.monotonic()
        else:
            self.refused.add(recipient)
        return reply.code == 250


class Chaos:
    """Kills and restarts at moments drawn beforehand."""

    def __init__(self, relay, senders, draw):
        self.relay, self.senders, self.draw = relay, senders, draw
        self.targets = {"policyd": relay.policyd, "milter": relay.milter, "memcached": relay.memcached, "smtpd": None}
        self.killed = dict.fromkeys(self.targets, 0)
        self.history = []  # (when, "down" or "up", name)
        self.in_doubt = set()

    def smtpds(self):
        """Those that have a client."""
        with open("/proc/net/tcp") as f:
            rows = [line.split() for line in f][1:]
        busy = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{self.relay.port:04X}") and row[3] == "01"}
        master, found = self.relay.postfix.pid, []
        with open(f"/proc/{master}/task/{master}/children") as f:
            children = f.read().split()
        for pid in children:
            try:
                names = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
            except OSError:
                continue
            if names & busy:
                found.append(int(pid))
        return found

    def note_in_doubt(self):
        self.in_doubt.update(filter(None, [s.in_doubt for s in self.senders]))

    def kill(self, name):
        self.note_in_doubt()
        if name == "smtpd":
            victims = self.smtpds()
            if not victims:
                return False
            try:
                os.kill(self.draw.choice(victims), signal.SIGKILL)
            except ProcessLookupError:
                return False
        else:
            self.targets[name].kill()
        self.note_in_doubt()
        self.killed[name] += 1
        self.history.append((time.monotonic(), "down", name))
        return True

    def restart(self, name):
        self.targets[name].start()
        self.history.append((time.monotonic(), "up", name))

    def run(self):
        begin, at, plan = time.monotonic(), 0.0, []
        for number in range(KILLS):
            at += self.draw.uniform(0, 2 * EVERY_S)
            heapq.heappush(plan, (at, number, "kill", self.draw.choice(list(self.targets))))
        number, down, pause = KILLS, set(), threading.Event()
        while plan:
            at, _, action, name = heapq.heappop(plan)
            pause.wait(max(0.0, begin + at - time.monotonic()))
            if action == "restart":
                self.restart(name)
                down.discard(name)
                continue
            if name in down or not self.kill(name):  # one that is up, so that a kill is a kill; or a moment later
                number += 1
                another = self.draw.choice(list(self.targets))
                heapq.heappush(plan, (time.monotonic() - begin + 0.02, number, "kill", another))
                continue
            if name != "smtpd":
                down.add(name)
                number += 1
                heapq.heappush(plan, (time.monotonic() - begin + self.draw.uniform(0, DOWN_S), number, "restart", name))

    def forgetful(self):
        """Deaths of the milter before which charges may be forgotten: memcached did not have them, or died before the
        next milter had read them. What is left then is in the database, a second old."""
        down = {name: [when for when, what, n in self.history if what == "down" and n == name]
                for name in ("milter", "memcached")}
        up = {name: [when for when, what, n in self.history if what == "up" and n == name] + [float("inf")]
              for name in ("milter", "memcached")}

        def whole(name, when):
            return next(w for w in up[name] if w > when) + LEARNT_S[name]
        return [m for m in down["milter"]
                if any(c <= m <= whole("memcached", c) or m <= c <= whole("milter", m) for c in down["memcached"])]


class Faults(unittest.TestCase):
    def setUp(self):
        # An smtpd that is killed in its first session counts as a bad command, and Postfix stops the listener a while.
        self.relay = Relay(agencies=AGENCIES, postfix={"service_throttle_time": "1s"})
        self.relay.start()
        self.addCleanup(self.relay.stop)

    def load(self, ending):
        senders = [Sender(self.relay, name, number, ending)
                   for name, (_, count) in CLIENTS.items() for number in range(count)]
        for sender in senders:
            sender.start()
        return senders

    def check_sink(self, senders):
        got = crowd.recipients(self.relay.settled(90))
        self.assertEqual([r for r, n in got.items() if n > 1], [], "delivered more than once")
        for s in senders:
            self.assertEqual([r for r in s.accepted if got[r] != 1], [], "accepted and lost")
            self.assertEqual([r for r in s.refused if r in got], [], "refused and delivered")
        known = set().union(*[s.accepted for s in senders], *[s.unknown for s in senders])
        self.assertEqual(set(got) - known, set(), "delivered out of nowhere")

    def accepted(self, senders, name):
        return {r: when for s in senders if s.agency == name for r, when in list(s.accepted.items())}

    def check_charges(self, chaos, senders):
        moments = chaos.forgetful()
        for name in CLIENTS:
            accepted = self.accepted(senders, name)
            in_doubt = {r for r in chaos.in_doubt | set().union(*[s.unknown for s in senders])
                        if r.startswith(f"{name}-") and r not in accepted}
            forgotten = sum(1 for when in accepted.values() if any(m - FORGOTTEN_S <= when <= m for m in moments))
            charged = crowd.used(self.relay, name, "package")
            print(f"  {name}: accepted {len(accepted)}, charged {charged}, in doubt at a kill {len(in_doubt)}, may be "
                  f"forgotten {forgotten}")
            self.assertLessEqual(charged, len(accepted) + len(in_doubt))
            self.assertGreaterEqual(charged, len(accepted) - forgotten)

    def finish(self, chaos, senders, ending):
        """After the last kill: all come in again, none is left, and the sink and the charges are right."""
        last = time.monotonic()
        wait_for("every client to send again", lambda: all(
            s.failure or any(when > last for when in list(s.accepted.values())) for s in senders), SESSION_LIFE_S)
        print(f"\n  kills: {chaos.killed}; all sent again {time.monotonic() - last:.1f} s after the last")
        ending.set()
        for s in senders:
            s.join(90)
            self.assertIsNone(s.failure)
            self.assertFalse(s.is_alive(), "a client hangs")
        print(f"  the longest that a client could not send: {max(s.longest for s in senders):.1f} s; "
              f"session-limit was said {sum(s.limited for s in senders)} times")
        self.assertLess(max(s.longest for s in senders), SESSION_LIFE_S)
        for name in CLIENTS:
            crowd.wait_sessions(self.relay, name, 0)
        self.check_sink(senders)
        self.check_charges(chaos, senders)

    def test_a_hundred_kills(self):
        print(f"\n  seed {SEED}")
        ending, master = threading.Event(), self.relay.postfix.pid
        self.addCleanup(ending.set)
        senders = self.load(ending)
        chaos = Chaos(self.relay, senders, random.Random(SEED))
        chaos.run()
        self.finish(chaos, senders, ending)
        self.assertEqual(sum(chaos.killed.values()), KILLS)
        self.assertEqual(self.relay.postfix.pid, master)

    def test_one_after_the_other(self):
        """While the milter or memcached lives on, not one charge is forgotten."""
        ending = threading.Event()
        self.addCleanup(ending.set)
        senders = self.load(ending)
        chaos = Chaos(self.relay, senders, random.Random(SEED))

        def memcached_knows_all():
            before = {name: len(self.accepted(senders, name)) for name in CLIENTS}
            return all((crowd.used(self.relay, name, "rate") or 0) >= n for name, n in before.items())

        def all_sent_two():
            """the first may have been charged before the kill and answered after it"""
            return all(sum(when > killed for when in list(s.accepted.values())) >= 2 for s in senders)
        for number in range(12):
            name = ("memcached", "milter")[number % 2]
            chaos.kill(name)
            killed = time.monotonic()
            chaos.restart(name)
            wait_for(f"mail to flow after the death of {name}", all_sent_two, 15)
            wait_for(f"all charges to survive the death of {name}", memcached_knows_all, 15, 0.1)
        chaos.history.clear()  # none of them together: nothing may be forgotten
        self.finish(chaos, senders, ending)


if __name__ == "__main__":
    unittest.main(verbosity=2)
