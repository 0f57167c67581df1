# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback killed at any moment, 100 times, under a client that repeats like Postfix: nothing lost, nothing twice"""
import os
import random
import time
import unittest

import lmtp_queue
from feedback_case import Case, until

KILLS = 100
SEED = int(os.environ.get("GATEPOST_SEED") or random.randrange(1 << 32))


class Killed(Case):
    def test_nothing_lost_nothing_twice(self):
        draw = random.Random(SEED)
        relay = self.start()
        queue = lmtp_queue.Queue(relay.socket)
        try:
            for _ in range(KILLS):
                time.sleep(draw.uniform(0, 0.06))
                relay.kill()
                relay.start()
        finally:
            queue.stop()
        with self.subTest(seed=SEED):
            self.check(relay, queue)

    def check(self, relay, queue):
        rows = lmtp_queue.check(self, relay, queue)
        # what a kill left behind is gone after the next start
        relay.stop()
        relay.start()
        until("the rest to go", lambda: set(relay.archived()) == set(rows))
        self.assertEqual(os.listdir(relay.path("db", "archive", "draft")), [])
        self.assertEqual(os.listdir(relay.path("db", "archive", "poison")), [])
        self.assertTrue(self.client(relay).greeting)


if __name__ == "__main__":
    unittest.main()
