# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that send all the while, whatever happens to the relay, and remember what they were told: they own the truth."""
import threading
import time

import crowd
import toll
from sample import WIDE, agency

# As many sessions as clients, so that one that is not given back locks somebody out.
CLIENTS = {"alpha": ("127.0.2.1", 3), "beta": ("127.0.2.2", 2), "gamma": ("127.0.2.3", 1)}
UNLIMITED = {"sessions": "9", "messages_per_session": "5", "rate": ["1000000/1h"], "package": "1000000/month"}
# And one that sends more than it may.
STRICT, STRICT_SOURCE, STRICT_COUNT, STRICT_S = "strict", "127.0.2.4", 12, 5
SOURCES = {**{name: source for name, (source, _) in CLIENTS.items()}, STRICT: STRICT_SOURCE}


def agencies():
    text = [agency(name, [source], [f"{name}.example.gov"], limits={**WIDE, **UNLIMITED, "sessions": str(count)})
            for name, (source, count) in CLIENTS.items()]
    text.append(agency(STRICT, [STRICT_SOURCE], [f"{STRICT}.example.gov"],
                       limits={**WIDE, **UNLIMITED, "sessions": "2", "rate": [f"{STRICT_COUNT}/{STRICT_S}s"]}))
    return "\n".join(text)


class Sender(threading.Thread):
    """One client of an agency: message after message, a new session after whatever went wrong."""

    def __init__(self, relay, name, number, ending, pause=0.0):
        super().__init__(daemon=True)
        self.relay, self.agency, self.number, self.ending, self.pause = relay, name, number, ending, pause
        self.accepted = {}  # recipient: when
        self.sent = {}  # recipient of an accepted message: when its end was about to be sent
        self.took = []  # seconds of each transaction that was accepted
        self.refused, self.unknown = set(), set()
        self.in_doubt = None  # the message whose end is being sent, or whose answer is awaited
        self.locked_out, self.longest, self.limited = None, 0.0, 0
        self.failure = None
        self.unanswered = []  # the end of each dialogue in which an answer did not come

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
        c = None
        try:
            with self.relay.client(SOURCES[self.agency], timeout=90) as c:
                if c.greeting.code != 220:
                    self.limited += c.greeting.code == 421
                    return
                reply = c.say("HELO client.test")
                self.limited += reply.code == 421
                if reply.code != 250:
                    return
                while not self.ending.is_set() and self.message(c):
                    self.ending.wait(self.pause)
        except TimeoutError:
            self.unanswered.append(c.dialogue[-2:] if c else "no greeting")
        except OSError:
            return

    def message(self, c):
        begun = time.monotonic()
        recipient = f"{self.agency}-{self.number}-{time.monotonic_ns()}@example.com"
        domain = f"{self.agency}.example.gov"
        for reply in (lambda: c.mail(f"app@{domain}"), lambda: c.rcpt(recipient), lambda: c.say("DATA")):
            answer = reply()
            if answer.code == 450 and self.agency == STRICT:
                self.ending.wait(0.1)
            if answer.code not in (250, 354):
                return False
        # a session is one that can send: with the milter away Postfix lets clients in and answers 451 to MAIL
        self.longest = max(self.longest, time.monotonic() - (self.locked_out or time.monotonic()))
        self.locked_out = None
        self.unknown.add(recipient)
        self.in_doubt = recipient
        sent = time.monotonic()
        try:
            reply = c.body(crowd.smtp.message(to=recipient, sender=f"app@{domain}"))
        finally:
            self.in_doubt = None
        self.unknown.discard(recipient)
        if reply.code == 250:
            self.sent[recipient] = sent
            self.accepted[recipient] = time.monotonic()
            self.took.append(time.monotonic() - begun)
        else:
            self.refused.add(recipient)
        return reply.code == 250


def start(relay, ending, names=tuple(CLIENTS), pause=0.0):
    """All clients of these agencies, sending"""
    counts = {**{name: count for name, (_, count) in CLIENTS.items()}, STRICT: 2}
    senders = [Sender(relay, name, number, ending, pause) for name in names for number in range(counts[name])]
    for sender in senders:
        sender.start()
    return senders


def accepted(senders, name=None):
    return {r: when for s in senders if name in (None, s.agency) for r, when in list(s.accepted.items())}


def total(relay, name):
    """Recipients charged to the agency since its item was first made (gatepost-keys(5)); None without the item"""
    item = toll.memcached_get(relay.path("run", "memcached.sock"), f"gp:usage:{name}")
    return int.from_bytes(item[36:44], "big") if item and item[:4] == b"GPU2" else None


def stop(test, senders, ending):
    ending.set()
    for s in senders:
        s.join(90)
        test.assertIsNone(s.failure)
        test.assertFalse(s.is_alive(), "a client hangs")


def check_sink(test, relay, senders, seconds=90):
    """(lost, doubled): what was accepted and is not at the sink, and what is there twice. Both must be none."""
    got = crowd.recipients(relay.settled(seconds))
    doubled = [r for r, n in got.items() if n > 1]
    lost = [r for s in senders for r in s.accepted if not got[r]]
    test.assertEqual(doubled, [], "delivered more than once")
    test.assertEqual(lost, [], "accepted and lost")
    for s in senders:
        test.assertEqual([r for r in s.refused if r in got], [], "refused and delivered")
    known = set().union(*[s.accepted for s in senders], *[s.unknown for s in senders])
    test.assertEqual({r for r in got if r.split("-")[0] in SOURCES} - known, set(), "delivered out of nowhere")
    return len(lost), len(doubled)


def overshoot(senders):
    """How many more than its rate STRICT got accepted in any stretch of its window: only what surely lies within counts,
    from the end's being sent to its answer. 0 when none."""
    strict = [s for s in senders if s.agency == STRICT]
    spans = sorted((sent, s.accepted[r]) for s in strict for r, sent in s.sent.items())
    most = max((sum(1 for other in spans[i:] if other[1] <= sent + STRICT_S)
                for i, (sent, _) in enumerate(spans)), default=0)
    return max(0, most - STRICT_COUNT)
