# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-milter and mail servers that are hostile: each costs itself alone, in bounded memory and files."""
import struct
import unittest

from milter_client import HEADERS, Mta, packet, words
from milter_daemon import Milter
import toll  # milter_daemon says where
from siege import Siege

CROWD = toll.times(100) if toll.SCALE <= 1 else 1000
OFFER = packet(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
SESSION = OFFER + packet(b"C", words("unknown") + b"4" + struct.pack(">H", 50000) + words("192.0.2.10")) + \
    packet(b"H", words("client.example"))
ENVELOPE = packet(b"M", words("<a@dol.gov>")) + packet(b"R", words("<x@example.org>")) + packet(b"T")
MANY, LONG = 10000, 60 * 1024
FOUL = bytes(n for n in range(256) if n)  # a header is a C string on this wire


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.milter = Milter(limits={"sessions": "2000", "message_size": "4M"}).start()
        cls.addClassCleanup(cls.milter.close)
        cls.good = cls.milter.session("192.0.2.20")
        cls.addClassCleanup(lambda: cls.good.close())
        cls.sent = 0
        cls.siege = Siege(cls.milter, cls.neighbour)

    def setUp(self):
        self.open = []
        self.addCleanup(self.close_all)

    @classmethod
    def neighbour(cls):
        """The session is renewed before its messages are used up."""
        edits, reply = cls.good.message(sender="a@dos.gov")
        if reply != "accept":
            raise AssertionError(reply)
        cls.sent += 1
        if cls.sent % 500 == 0:
            cls.good.close()
            cls.good = cls.milter.session("192.0.2.20")

    def close_all(self):
        while self.open:
            self.open.pop().close()

    def another(self, octets=b"", timeout=20):
        mta = self.milter.mta(timeout=timeout)
        self.open.append(mta)
        self.push(mta, octets)
        return mta

    def push(self, mta, octets):
        """As much as it takes; it may have hung up."""
        try:
            mta.socket.sendall(octets)
        except OSError:
            pass

    def each_round(self, octets):
        """A share of the crowd comes and says this"""
        def attack():
            for _ in range(CROWD // 50):
                if len(self.open) < CROWD:
                    self.another(octets)
        return attack

    def test_half_open(self):
        self.siege.run(self, "connections that say nothing", self.each_round(b""), self.close_all, 64 * 1024)

    def test_half_a_session(self):
        self.siege.run(self, "sessions that stop in a packet", self.each_round(SESSION + b"\0\0"), self.close_all, 64 * 1024)

    def test_come_and_go(self):
        def attack():
            for octets in (b"", b"\0", OFFER, SESSION, SESSION + ENVELOPE, SESSION + ENVELOPE + packet(b"L", b"x")):
                self.another(octets)
            self.close_all()
        self.siege.run(self, "connections dropped in every state", attack, self.close_all, 32 * 1024)

    def test_octet_by_octet(self):
        whole = SESSION + ENVELOPE
        feeding = [(self.another(), iter(whole)) for _ in range(20)]
        for mta, _ in feeding:
            mta.socket.setblocking(False)

        def attack():
            for mta, octets in feeding:
                self.push(mta, bytes([next(octets, 0)]))
        self.siege.run(self, "one octet at a time", attack, self.close_all, 32 * 1024)

    def test_replies_never_read(self):
        peers = [self.another(SESSION) for _ in range(10)]
        for mta in peers:
            mta.socket.setblocking(False)
        flood = packet(b"M", words("<a@dol.gov>")) * 200 + packet(b"A")

        def attack():
            for mta in peers:
                self.push(mta, flood)
        self.siege.run(self, "replies never read", attack, self.close_all, 32 * 1024)

    def test_a_message_without_end(self):
        peer = self.another(SESSION + ENVELOPE + packet(b"L", words("From", " a@dol.gov")) + packet(b"N"))
        peer.socket.setblocking(False)
        body = packet(b"B", b"x" * 998 + b"\r\n") * 60

        def attack():
            self.push(peer, body)
        self.siege.run(self, "a message without end", attack, self.close_all, 32 * 1024)

    def headers(self, headers):
        """Any answer will do, but one must come."""
        mta = Mta(self.milter.socket, timeout=60).begin()
        with mta:
            self.assertEqual(mta.helo(), "continue")
            for answer in (mta.mail("<a@dol.gov>"), mta.rcpt("<x@example.org>"), mta.data()):
                self.assertEqual(answer, "continue")
            for name, value in headers:
                if mta.steps & 0x80 == 0:
                    mta.header(name, value)
                else:
                    mta.write(packet(b"L", name.encode() + b"\0" + value + b"\0"))
            mta.eoh()
            mta.body(bytes(range(256)) * 4)
            return mta.end()[1]

    def check_headers(self, name, headers, expected):
        turns = iter(range(10 ** 6))

        def attack():
            if next(turns) % 10 == 0:
                self.assertRegex(self.headers(headers), expected)
        self.siege.run(self, name, attack, self.close_all, 64 * 1024)

    def base(self):
        return [(name, value.encode()) for name, value in HEADERS]

    def test_ten_thousand_headers(self):
        headers = self.base() + [(f"X-{n}", b" " + b"v" * 20) for n in range(MANY)]
        self.check_headers("10,000 headers", headers, "accept")

    def test_ten_thousand_of_a_kind(self):
        self.check_headers("10,000 From headers", self.base() + [("From", b" a@dol.gov")] * MANY, "accept|45|55")

    def test_long_headers(self):
        headers = self.base() + [("Subject", b" " + b"s" * LONG), ("From", b" " + b"<a@dol.gov>," * (LONG // 12)),
                                 ("X" * 900, b" v")]
        self.check_headers("60 KiB headers", headers, "accept|45|55")

    def test_every_octet(self):
        headers = self.base() + [(n, b" " + FOUL * 3) for n in ("Subject", "From", "List-Unsubscribe", "DKIM-Signature")]
        self.check_headers("every octet in headers and body", headers, "accept|45|55")


if __name__ == "__main__":
    unittest.main(verbosity=2)
