# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Postfix in front of gatepost-feedback would do, and what must have become of its messages."""
import threading
import time

from feedback_case import address, bounce, mail
from lmtp_client import Client

WORKERS = 4


class Queue:
    """Threads that send messages, each again until a 250 was read"""

    def __init__(self, socket):
        self.socket, self.lock = socket, threading.Lock()
        self.sent, self.kept, self.tries, self.refused = {}, {}, 0, 0
        self.stopping, self.abandoned = threading.Event(), threading.Event()
        self.failures = []
        self.workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        for worker in self.workers:
            worker.start()

    def stop(self):
        """Nothing new; returns when all that was begun is kept."""
        self.stopping.set()
        for worker in self.workers:
            worker.join()

    def abandon(self):
        """For a test that failed: also what was begun may not be kept."""
        self.abandoned.set()
        self.stop()

    def next(self):
        """(number, recipient of the envelope, octets) of a new message; every tenth is a person's"""
        with self.lock:
            n = len(self.sent)
            recipient = f"r@d{n}.example.com"  # a provider of its own: many alike would be the provider's fault
            octets = mail(subject=f"question {n}") if n % 10 == 9 else bounce(recipient, extra=f" {n}")
            self.sent[n] = (address(recipient, number=n), octets)
            return n

    def work(self):
        while not self.stopping.is_set():
            n = self.next()
            to, octets = self.sent[n]
            while n not in self.kept and not self.abandoned.is_set():
                try:
                    with Client(self.socket, timeout=20) as c:
                        reply = c.deliver(octets, to, "jane@example.com" if n % 10 == 9 else "")
                except (OSError, ValueError):
                    reply = ""
                with self.lock:
                    self.tries += 1
                    self.refused += reply.startswith("4")
                if reply.startswith("250 "):
                    self.kept[n] = reply.split()[-1]
                elif reply and not reply.startswith("4"):
                    self.failures.append(reply)
                    return
                else:
                    time.sleep(0.002)


def check(case, relay, queue):
    """Every message was kept and acted on, once. Returns their rows by id."""
    case.assertEqual(queue.failures, [])
    case.assertEqual(set(queue.kept), set(queue.sent))
    case.assertGreater(queue.tries, len(queue.sent))  # some had to be repeated
    rows = {r["id"]: r for r in relay.intake() if r["source"] == "lmtp"}
    case.assertEqual(set(rows), set(queue.kept.values()))  # each once: the id is the key
    case.assertEqual(len(rows), len(queue.sent))
    archived = relay.archived()
    events = dict(relay.query("SELECT address, count(*) FROM event GROUP BY address"))
    suppressed = relay.suppressed()
    for n, (to, octets) in queue.sent.items():
        row = rows[queue.kept[n]]
        case.assertEqual((row["recipient"], row["size"]), (to, len(octets)))
        case.assertEqual(archived[row["id"]], octets)
        recipient = f"r@d{n}.example.com"
        person = n % 10 == 9
        case.assertEqual(events.get(recipient, 0), 0 if person else 1, recipient)
        case.assertEqual((recipient, "dol") in suppressed, not person)
    bounced = sum(r["outcome"] == "acted" for r in relay.intake())
    counts = dict(relay.query("SELECT what, sum(count) FROM stat WHERE agency IN ('', 'dol') GROUP BY what"))
    case.assertEqual(sum(v for k, v in counts.items() if k.startswith("bounced")), bounced, counts)
    case.assertEqual((counts.get("repeated"), counts.get("unproven")), (None, None))
    case.assertEqual(relay.query("PRAGMA integrity_check"), [("ok",)])
    return rows
