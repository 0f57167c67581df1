# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that breaks the milter protocol: whatever comes, the daemon lives and nothing stays taken."""
import random
import struct
import unittest

from milter_client import HEADERS, packet, words
from milter_daemon import Milter, until
from test_milter import INTERNAL

# Every event with sane data, in the order of a session.
EVENTS = [
    ("negotiate", b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF)),
    ("connect", b"C", words("unknown") + b"4" + struct.pack(">H", 50000) + words("192.0.2.10")),
    ("helo", b"H", words("client.example")),
    ("mail", b"M", words("<a@dol.gov>", "SIZE=100")),
    ("rcpt", b"R", words("<x@example.org>")),
    ("data", b"T", b""),
    ("header", b"L", words("From", " a@dol.gov")),
    ("eoh", b"N", b""),
    ("body", b"B", b"hello\r\n"),
    ("end", b"E", b""),
    ("abort", b"A", b""),
    ("unknown", b"U", words("GPBADRCPT")),
    ("quit and anew", b"K", b""),
    ("macros", b"D", b"C" + words("i", "1")),
    ("quit", b"Q", b""),
]
IN_ORDER = 10  # how many of them make a whole message


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.milter = Milter(limits={"sessions": "3"}).start()

    @classmethod
    def tearDownClass(cls):
        cls.milter.__exit__()

    def tearDown(self):
        """It still serves, and every place is free again."""
        self.assertIsNone(self.milter.child.poll(), self.milter.log()[-2000:])
        until("all places to be free", self.all_free)
        self.milter.reload()  # which writes the status anew: what stands there may be older than those sessions
        self.milter.wait_status(sessions=0)

    def all_free(self):
        sessions = [self.milter.mta().begin() for _ in range(3)]
        try:
            return all(s.helo() == "continue" and s.message()[1] == "accept" for s in sessions)
        finally:
            for s in sessions:
                s.close()

    def send(self, octets):
        """Send, then close at once. The milter may hang up first."""
        with self.milter.mta() as mta:
            try:
                mta.socket.sendall(octets)
            except OSError:
                pass

    def send_and_wait(self, octets):
        """Send, then read until the milter has nothing more to say."""
        with self.milter.mta() as mta:
            try:
                mta.socket.sendall(octets)
                mta.socket.shutdown(1)
                while mta.socket.recv(65536):
                    pass
            except OSError:
                pass

    def test_every_event_in_every_state(self):
        for states in range(len(EVENTS[:IN_ORDER]) + 1):
            prefix = b"".join(packet(c, d) for _, c, d in EVENTS[:states])
            for name, command, data in EVENTS:
                with self.subTest(after=states, event=name):
                    self.send_and_wait(prefix + packet(command, data))

    def test_dropped_after_every_octet_of_a_message(self):
        whole = b"".join(packet(c, d) for _, c, d in EVENTS[:IN_ORDER])
        for n in range(0, len(whole), 3):
            self.send(whole[:n])
            if n % 30 == 0:
                self.send_and_wait(whole[:n])

    def test_lengths_that_lie(self):
        good = b"".join(packet(c, d) for _, c, d in EVENTS[:3])
        for length in (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65536, 10 ** 6 + 7):
            for prefix in (b"", good):
                with self.subTest(length=length, prefix=len(prefix)):
                    self.send_and_wait(prefix + struct.pack(">I", length) + b"M" + b"x" * 100)

    def test_events_without_their_data(self):
        for states in (1, 2, 3, 4, 5, 6):
            prefix = b"".join(packet(c, d) for _, c, d in EVENTS[:states])
            for _, command, _ in EVENTS:
                for data in (b"", b"\0", b"\0\0\0", b"no end", b"\xff" * 40):
                    self.send_and_wait(prefix + packet(command, data))

    def test_garbage(self):
        draw = random.Random(4711)
        whole = b"".join(packet(c, d) for _, c, d in EVENTS[:IN_ORDER])
        for _ in range(150):
            octets = bytearray(whole)
            for _ in range(draw.randrange(1, 8)):
                octets[draw.randrange(len(octets))] = draw.randrange(256)
            self.send_and_wait(bytes(octets))
            self.send_and_wait(draw.randbytes(draw.randrange(1, 300)))

    def test_pieces_of_one_octet(self):
        with self.milter.mta() as mta:
            def slowly(octets):
                for n in range(len(octets)):
                    mta.socket.sendall(octets[n:n + 1])
            mta.write = slowly
            self.assertEqual(mta.begin().helo(), "continue")
            self.assertEqual(mta.message()[1], "accept")

    def test_all_events_in_one_write(self):
        with self.milter.mta() as mta:
            message = b"".join(packet(c, d) for _, c, d in EVENTS[3:IN_ORDER])
            mta.begin()
            mta.socket.sendall(packet(b"H", words("x")) + message * 3)
            self.assertEqual(mta.verdict(), "continue")
            for _ in range(3):
                self.assertEqual([mta.verdict() for _ in range(3)], ["continue"] * 3)
                kinds = []
                while not kinds or kinds[-1] not in b"acty":
                    kinds.append(mta.receive()[0])
                self.assertEqual(kinds[-1], b"a")

    def test_a_message_without_connect(self):
        with self.milter.mta() as mta:
            mta.negotiate()
            self.assertEqual(mta.helo(), "continue")
            self.assertEqual(mta.mail("<a@dol.gov>"), INTERNAL)

    def test_recipient_after_a_refused_sender_is_not_taken(self):
        with self.milter.mta() as mta:
            mta.begin()
            self.assertEqual(mta.mail("<a@dos.gov>")[:3], "451")
            mta.write(packet(b"R", words("<x@example.org>")))  # out of order: libmilter does not answer
            self.assertEqual(mta.message()[1], "accept")

    def test_aborts(self):
        with self.milter.mta() as mta:
            mta.begin()
            for step in range(5):
                self.assertEqual(mta.mail("<>"), "continue")
                if step > 0:
                    self.assertEqual(mta.rcpt("<old@example.org>"), "continue")
                if step > 1:
                    self.assertEqual(mta.data(), "continue")
                if step > 2:
                    mta.header("X-Gatepost-Source", " dos")
                if step > 3:
                    mta.eoh()
                    mta.body(b"x" * 60000)
                mta.abort()
                mta.abort()
            edits, reply = mta.message()
            self.assertEqual(reply, "accept")
            self.assertEqual([e for e in edits if e[0] == "delete"], [])  # nothing is left of the one before
            self.milter.wait_log("recipient=x@example.org size=%d" % (sum(len(n + v) + 3 for n, v in HEADERS) + 9))

    def test_a_connection_that_serves_several_sessions(self):
        with self.milter.mta() as mta:
            mta.begin()
            for _ in range(5):  # more than there are places
                self.assertEqual(mta.message()[1], "accept")
                mta.write(packet(b"K"))
                mta.connect(answered=False)  # libmilter does not, after this command; Postfix never sends it
                self.assertEqual(mta.helo(), "continue")


if __name__ == "__main__":
    unittest.main()
