# SPDX-License-Identifier: GPL-3.0-or-later
"""memcached has no room, or evicts what Gatepost keeps there: the limits hold all the same (gatepost-keys(5))."""
import os
import socket
import threading
import unittest

from milter_daemon import Milter, SESSION_LIMIT
import toll  # milter_daemon says where
from test_milter import RATE

COUNT, CLIENTS = 20, 4
TIMES = 2 if toll.SCALE <= 1 else toll.times(10)
VALUE = b"x" * 1900  # of the same slab class as the usage item


class SmallStore(Milter):
    """A milter on a memcached of 2 MiB, which refuses to store (-M) or evicts when it is full"""

    def __init__(self, *more, **options):
        self.more = more
        super().__init__(memcached=True, **options)

    def start_memcached(self):
        self.memcached_argv = ["-m", "2", *self.more]
        super().start_memcached()

    def fill(self, count=3000):
        """The replies to so many items, in one go"""
        tag = os.urandom(6).hex().encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.memcached_path)
            with s.makefile("rb") as answer:
                said = set()
                for n in range(count):
                    s.sendall(b"set filler-%s-%d 0 0 %d\r\n%s\r\n" % (tag, n, len(VALUE), VALUE))
                    said.add(answer.readline())
                return said


class Full(unittest.TestCase):
    def start(self, *more, **options):
        milter = SmallStore(*more, limits={"rate": [f"{COUNT}/1h"], "sessions": str(CLIENTS)}, **options)
        self.addCleanup(milter.close)
        return milter.start()

    def send(self, milter, between=lambda: None):
        """What clients hear that send twice the limit, all at once"""
        replies = []

        def client():
            with milter.session() as mta:
                for _ in range(2 * COUNT // CLIENTS):
                    replies.append(mta.message()[1])
        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        between()
        for thread in threads:
            thread.join()
        return replies

    def check_exact(self, milter, replies):
        self.assertEqual((replies.count("accept"), replies.count(RATE)), (COUNT, COUNT))
        with milter.session() as mta:
            self.assertEqual(mta.message()[1], RATE, "and it is remembered")

    def test_no_room(self):
        """Nothing can be stored: the milter's own copy serves."""
        for _ in range(TIMES):
            milter = self.start("-M")
            self.assertIn(b"SERVER_ERROR out of memory storing object\r\n", milter.fill())
            self.check_exact(milter, self.send(milter))
            held = [milter.session() for _ in range(CLIENTS)]
            with milter.mta() as one_more:
                self.assertEqual(one_more.begin().helo(), SESSION_LIMIT)
            for mta in held:
                mta.close()
            milter.close()
            self._cleanups.pop()
        toll.row(fault="memcached full (-M)", times=TIMES, accepted=COUNT * TIMES, overshoot=0, lock_out_s=0)

    def test_evicted(self):
        """Items go while they are charged: what the milter saw last is written again."""
        for _ in range(TIMES):
            milter = self.start()
            with milter.session() as mta:
                self.assertEqual(mta.message()[1], "accept")
            self.assertEqual(milter.fill(), {b"STORED\r\n"})
            self.assertTrue(toll.memcached_get(milter.memcached_path, "gp:usage:dol") is None, "it was evicted")
            with milter.session() as mta:
                self.assertEqual(mta.message()[1], "accept")
            item = toll.memcached_get(milter.memcached_path, "gp:usage:dol")
            self.assertEqual(int.from_bytes(item[36:44], "big"), 2, "the next message has written it again, whole")
            replies = ["accept", "accept", *self.send(milter, between=milter.fill)]
            self.assertEqual((replies.count("accept"), replies.count(RATE)), (COUNT, COUNT + 2))
            milter.close()
            self._cleanups.pop()
        toll.row(fault="memcached evicts", times=TIMES, accepted=COUNT * TIMES, overshoot=0, lock_out_s=0)


if __name__ == "__main__":
    unittest.main()
