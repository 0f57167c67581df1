# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback killed at any moment, 100 times, under a client that repeats like Postfix: nothing lost, nothing twice"""
import os
import random
import threading
import time
import unittest

from feedback_case import Case, address, bounce, mail, until

KILLS = 100
WORKERS = 4
SEED = int(os.environ.get("GATEPOST_SEED") or random.randrange(1 << 32))


class Queue:
    """What a Postfix in front would do: every message is tried again until a 250 was read."""

    def __init__(self, socket):
        self.socket, self.lock = socket, threading.Lock()
        self.sent, self.kept, self.tries = {}, {}, 0
        self.stopping = threading.Event()
        self.failures = []

    def next(self):
        """(number, recipient of the envelope, octets) of a new message; every tenth is a person's"""
        with self.lock:
            n = len(self.sent)
            recipient = f"r@d{n}.example.com"  # a provider of its own: many alike would be the provider's fault
            octets = mail(subject=f"question {n}") if n % 10 == 9 else bounce(recipient, extra=f" {n}")
            self.sent[n] = (address(recipient, number=n), octets)
            return n

    def work(self):
        from lmtp_client import Client
        while not self.stopping.is_set():
            n = self.next()
            to, octets = self.sent[n]
            while n not in self.kept:
                self.tries += 1
                try:
                    with Client(self.socket, timeout=20) as c:
                        reply = c.deliver(octets, to, "jane@example.com" if n % 10 == 9 else "")
                except (OSError, ValueError):
                    reply = ""
                if reply.startswith("250 "):
                    self.kept[n] = reply.split()[-1]
                elif reply and not reply.startswith("4"):
                    self.failures.append(reply)
                    return
                else:
                    time.sleep(0.002)


class Killed(Case):
    def test_nothing_lost_nothing_twice(self):
        draw = random.Random(SEED)
        relay = self.start()
        queue = Queue(relay.socket)
        workers = [threading.Thread(target=queue.work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        try:
            for _ in range(KILLS):
                time.sleep(draw.uniform(0, 0.06))
                relay.kill()
                relay.start()
        finally:
            queue.stopping.set()
            for worker in workers:
                worker.join()
        with self.subTest(seed=SEED):
            self.check(relay, queue)

    def check(self, relay, queue):
        self.assertEqual(queue.failures, [])
        self.assertEqual(set(queue.kept), set(queue.sent))
        self.assertGreater(queue.tries, len(queue.sent))  # some had to be repeated
        rows = {r["id"]: r for r in relay.intake()}
        self.assertEqual(set(rows), set(queue.kept.values()))  # each once: the id is the key
        self.assertEqual(len(rows), len(queue.sent))
        archived = relay.archived()
        events = dict(relay.query("SELECT address, count(*) FROM event GROUP BY address"))
        suppressed = relay.suppressed()
        for n, (to, octets) in queue.sent.items():
            row = rows[queue.kept[n]]
            self.assertEqual((row["recipient"], row["size"]), (to, len(octets)))
            self.assertEqual(archived[row["id"]], octets)
            recipient = f"r@d{n}.example.com"
            person = n % 10 == 9
            self.assertEqual(events.get(recipient, 0), 0 if person else 1, recipient)
            self.assertEqual((recipient, "dol") in suppressed, not person)
        bounced = sum(r["outcome"] == "acted" for r in rows.values())
        counts = dict(relay.query("SELECT what, sum(count) FROM stat GROUP BY what"))
        self.assertEqual(sum(v for k, v in counts.items() if k.startswith("bounced")), bounced, counts)
        self.assertEqual((counts.get("repeated"), counts.get("unproven")), (None, None))
        # what a kill left behind is gone after the next start
        relay.stop()
        relay.start()
        until("the rest to go", lambda: set(relay.archived()) == set(rows))
        self.assertEqual(os.listdir(relay.path("db", "archive", "draft")), [])
        self.assertEqual(os.listdir(relay.path("db", "archive", "poison")), [])
        self.assertEqual(relay.query("PRAGMA integrity_check"), [("ok",)])
        self.assertTrue(self.client(relay).greeting)


if __name__ == "__main__":
    unittest.main()
