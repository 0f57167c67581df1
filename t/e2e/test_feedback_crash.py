# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback away, and killed at any moment while bounces flow: Postfix keeps them, each counts once."""
import os
import random
import re
import time
import unittest

from scene import WIDE, agency
from crowd import all_at_once
from returning import Returning

BOUNCES, WAITING, KILLS, SUBMITTERS = 200, 20, 20, 4
SEED = int(os.environ.get("GATEPOST_SEED") or random.randrange(1 << 32))


class Crash(Returning):
    agencies = "\n".join([agency("dol", ["127.0.9.1"], ["dol.example.gov"], limits=WIDE),
                          agency("end", ["127.0.9.99"], ["end.example.gov"], limits=WIDE)])
    # a new bounce is tried at once, whatever became of others
    raising = {"postfix": {"default_destination_concurrency_failed_cohort_limit": "1000"}}

    def wait_deferred(self):
        """Postfix has tried each bounce, and keeps it."""
        line = re.compile(r": to=<b[a-z2-7]{32}@\S+>,.* dsn=4\.\d\.\d, status=deferred")
        self.wait("Postfix to put the bounces off", lambda: len(line.findall(self.relay.log("mail"))) >= WAITING)

    def arrived(self):
        return sum(n.endswith(".eml") for _, _, names in os.walk(self.relay.path("db", "archive")) for n in names)

    def live_and_die(self, draw, people):
        """Bounces flow while the daemon lives, and when some have come it is no more."""
        before, enough = self.arrived(), draw.randrange(1, 6)
        self.start_feedback()

        def work(n):
            if n < SUBMITTERS:
                return [self.send(recipient) for recipient in people[n::SUBMITTERS]]
            self.wait("some bounces", lambda: self.arrived() >= before + enough)
            time.sleep(draw.uniform(0, draw.choice((0.02, 0.5))))  # it looks into the log five times a second
            return self.relay.feedback.kill()

        all_at_once(work, SUBMITTERS + 1)

    def test_nothing_lost_nothing_twice(self):
        draw = random.Random(SEED)
        # a provider of its own for each: many alike at one would be the provider's fault
        people = [f"reject-550-x@c{n}.example.com" for n in range(BOUNCES)]
        self.relay.feedback.kill()
        for recipient in people[:WAITING]:
            self.send(recipient)
        self.wait_deferred()
        self.assertEqual(self.messages(), [])
        for n in range(KILLS):
            self.live_and_die(draw, people[WAITING + n::KILLS])
        self.start_feedback()
        with self.subTest(seed=SEED):
            self.check(people)

    def check(self, people):
        self.relay.settled()
        self.log_read()
        reports = self.messages(kind="dsn")
        self.assertEqual(len(reports), BOUNCES)
        self.assertEqual(len({m["recipient"] for m in reports}), BOUNCES)  # of each message's token one
        self.assertEqual({m["outcome"] for m in reports}, {"acted"})
        counts = self.counts()
        self.assertEqual((counts["accepted"], counts["bounced-hard-bounce"], counts["repeated"], counts["delivered"]),
                         (BOUNCES, BOUNCES, BOUNCES, 0), counts)  # repeated: log and report tell of each
        events = dict(self.read_sql("SELECT address, count(*) FROM event GROUP BY address"))
        self.assertEqual(events, {recipient: 1 for recipient in people})
        suppressed = self.read_sql("SELECT address FROM suppression WHERE agency = 'dol' AND step = 0")
        self.assertEqual({row[0] for row in suppressed}, set(people))
        for m in reports[::20]:
            self.assertEqual(len(self.archived(m["id"])), m["size"])
        self.assertEqual(self.arrived(), BOUNCES)
        self.assertEqual(self.read_sql("PRAGMA integrity_check"), [("ok",)])


if __name__ == "__main__":
    unittest.main()
