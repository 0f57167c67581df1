# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-policyd and clients that are hostile: what the neighbour feels, and what is left of memory and files.

What each of them hears: test_policyd_hostile.py.
"""
import os
import unittest

from policy_client import Client, request
from policyd_case import agencies
from relayconf import Relay
import toll  # relayconf says where
from siege import Siege

CROWD = 100 if toll.SCALE <= 1 else 1000
REQUEST_MAX = 16384


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = Relay("policyd", agencies(), memcached=False)
        cls.addClassCleanup(cls.relay.close)
        cls.relay.start()
        cls.good = Client(cls.relay.socket)
        cls.addClassCleanup(cls.good.close)
        cls.siege = Siege(cls.relay, cls.neighbour)

    def setUp(self):
        self.open = []
        self.addCleanup(self.close_all)

    @classmethod
    def neighbour(cls):
        reply = cls.good.rcpt("192.0.2.20")
        if reply != "OK":
            raise AssertionError(reply)

    def close_all(self):
        while self.open:
            self.open.pop().close()

    def another(self, octets=b""):
        client = Client(self.relay.socket)
        self.open.append(client)
        client.socket.setblocking(False)
        self.push(client, octets)
        return client

    def push(self, client, octets):
        """As much as it takes; it may have hung up."""
        try:
            client.socket.send(octets)
        except OSError:
            pass

    def crowd(self, octets):
        def attack():
            for _ in range(CROWD // 20):
                if len(self.open) < CROWD:
                    self.another(octets)
        return attack

    def test_half_open(self):
        self.siege.run(self, "connections that say nothing", self.crowd(b""), self.close_all, 32 * 1024)

    def test_half_a_request(self):
        self.siege.run(self, "requests that stop in the middle", self.crowd(request()[:-1]), self.close_all, 32 * 1024)

    def test_come_and_go(self):
        draw = [b"", b"\n", request()[:99], request() * 3, os.urandom(999), b"x" * REQUEST_MAX]

        def attack():
            for octets in draw:
                self.another(octets)
            self.close_all()
        self.siege.run(self, "connections dropped in every state", attack, self.close_all, 8 * 1024)

    def test_octet_by_octet(self):
        feeding = [(self.another(), iter(request())) for _ in range(50)]

        def attack():
            for client, octets in feeding:
                self.push(client, bytes([next(octets, 10)]))
        self.siege.run(self, "one octet at a time", attack, self.close_all, 8 * 1024)

    def test_replies_never_read(self):
        peers = [self.another() for _ in range(20)]
        flood = request() * 50

        def attack():
            for client in peers:
                self.push(client, flood)
        self.siege.run(self, "replies never read", attack, self.close_all, 16 * 1024)

    def test_requests_without_end(self):
        def attack():
            for _ in range(5):
                self.another(request()[:-1] + b"a%d=b\n" % len(self.open) + b"x" * REQUEST_MAX)
        self.siege.run(self, "requests without end", attack, self.close_all, 16 * 1024)

    def test_thousands_of_attributes(self):
        head = request()[:-1]
        more = b"".join(b"x%d=\n" % n for n in range(5000))
        octets = head + more[:more.rindex(b"\n", 0, REQUEST_MAX - len(head) - 1) + 1] + b"\n"
        peers = [Client(self.relay.socket) for _ in range(3)]
        self.open.extend(peers)

        def attack():
            for client in peers:
                client.send(octets)
            for client in peers:
                self.assertEqual(client.read(), "OK")
        self.siege.run(self, "2,000 attributes", attack, self.close_all, 8 * 1024)

    def test_every_octet(self):
        foul = bytes(n for n in range(256) if n not in (0, 10))

        def attack():
            for octets in (foul, foul + b"\0"):
                self.another(request()[:-1].replace(b"sender=a", b"sender=" + octets) + b"\n")
            self.close_all()
        self.siege.run(self, "every octet in a request", attack, self.close_all, 8 * 1024)


if __name__ == "__main__":
    unittest.main(verbosity=2)
