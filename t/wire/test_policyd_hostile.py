# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-policyd and clients that are slow, silent, broken or too many: each costs itself alone."""
import os
import resource
import signal
import socket
import time
import unittest

from policy_client import request
from policyd_case import Case, NOT_PERMITTED
from relayconf import process, sample

REQUEST_MAX = 16384
PEERS_MAX = 4096
DEADLINE = 10  # seconds, for a request and for a reply


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Pieces(Case):
    def test_octet_by_octet(self):
        client = self.client(self.start(memcached=False))
        for octet in request():
            client.send(bytes([octet]))
        self.assertEqual(client.read(), "OK")

    def test_pipelined(self):
        """Three requests and the beginning of a fourth in one write."""
        client = self.client(self.start())
        rest = request("CONNECT", client_address="unknown")
        client.send(request() + request("DATA") + request(client_address="198.51.100.1") + rest[:50])
        self.assertEqual([client.read() for _ in range(3)], ["OK", "DUNNO", NOT_PERMITTED])
        client.send(rest[50:])
        self.assertEqual(client.read(), NOT_PERMITTED)

    def test_more_than_a_buffer_in_one_write(self):
        client = self.client(self.start(memcached=False))
        client.send(request() * 100)
        self.assertEqual([client.read() for _ in range(100)], ["OK"] * 100)

    def test_one_side_closed(self):
        client = self.client(self.start(memcached=False))
        client.send(request() * 3 + b"half=")
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([client.read() for _ in range(4)], ["OK"] * 3 + [None])


class Batches(Case):
    def test_everybody_hears_his_own_verdict(self):
        """Requests of many agencies wait together, so that they are judged together."""
        count = 60
        text = "".join(sample.agency(f"a{n}", [f"192.0.2.{n}"], [f"a{n}.gov"]) for n in range(1, count + 1))
        relay = self.start(text=text)
        for n in range(1, count + 1, 2):
            relay.put(f"pause:a{n}", f"only {n}")
        clients = [self.client(relay) for _ in range(3 * count)]
        for turn in range(3):
            process.suspend(relay.child.pid)
            for i, client in enumerate(clients):
                n = (i + turn) % count + 1
                client.send(request("CONNECT" if i % 3 == 0 else "RCPT", client_address=f"192.0.2.{n}"))
            relay.send_signal(signal.SIGCONT)
            for i, client in enumerate(clients):
                n = (i + turn) % count + 1
                expected = f"450 4.7.1 Paused: only {n}" if n % 2 else "DUNNO" if i % 3 == 0 else "OK"
                self.assertEqual(client.read(), expected)


class Broken(Case):
    def test_malformed(self):
        """It closes this connection, says why, and no other notices."""
        relay = self.start(memcached=False)
        good = self.client(relay)
        policy = b"request=smtpd_access_policy\n"
        for octets, why in (
                (b"\n", "an empty request"),
                (policy + b"no equals sign\n\n", "a line without '='"),
                (policy + b"sender=a\0b\n\n", "a NUL"),
                (policy + b"sender=a\nsender=b\n\n", "an attribute that stands twice"),
                (policy + b"=\n\n", "an attribute without a name"),
                (b"request=junk\n\n", "not request=smtpd_access_policy"),
                (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\n\n", "a line without '='"),
                (b"x" * REQUEST_MAX, "a request is too long"),
                (b"\0" * (REQUEST_MAX - 1) + b"\n", "a request is too long"),
                (request()[:-1] + b"a=b\n" * REQUEST_MAX, "a request is too long")):
            with self.subTest(why=why):
                bad = self.client(relay)
                before = relay.log().count(why)
                try:
                    bad.send(octets)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.assertIsNone(bad.read())
                process.wait_for(why, lambda: relay.log().count(why) == before + 1)
                self.assertEqual(good.rcpt(), "OK")
        relay.wait_status(connections=1)

    def test_what_came_before_is_answered(self):
        client = self.client(self.start(memcached=False))
        client.send(request() + request() + b"nonsense\n\n" + request())
        self.assertEqual([client.read() for _ in range(3)], ["OK", "OK", None])

    def test_thousands_of_attributes(self):
        client = self.client(self.start(memcached=False))
        head = request()[:-1]
        more = b"".join(b"x%d=\n" % n for n in range(5000))
        more = more[:more.rindex(b"\n", 0, REQUEST_MAX - len(head) - 1) + 1]
        client.send(head + more + b"\n")
        self.assertEqual(client.read(), "OK")
        self.assertGreater(more.count(b"="), 2000)

    def test_noise(self):
        relay = self.start(memcached=False)
        good = self.client(relay)
        for _ in range(200):
            bad = self.client(relay)
            try:
                bad.send(os.urandom(int.from_bytes(os.urandom(2), "big") // 2 + 1))
            except (BrokenPipeError, ConnectionResetError):
                pass
            bad.close()
            self.assertEqual(good.rcpt(), "OK")
        relay.wait_status(connections=1)


class Slow(Case):
    def test_unfinished_and_unread(self):
        """Each is given ten seconds and no more, while one that is silent between two requests may stay."""
        relay = self.start(memcached=False)
        good, idle = self.client(relay), self.client(relay)
        self.assertEqual(idle.rcpt(), "OK")
        half, trickle, unread = (self.client(relay, seconds=0) for _ in range(3))  # never wait
        half.send(request()[:-1])
        began, fed, sent = time.monotonic(), 0, 0

        def closed(client):
            try:
                return client.socket.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True

        slowest, ends = 0, {}
        waiting = {"half": half, "trickle": trickle}
        flood = request() * 50
        while waiting or "unread" not in ends:
            now = time.monotonic() - began
            self.assertLess(now, DEADLINE + 5, f"closed so far: {ends}")
            if now > fed:
                fed += 1
                try:
                    trickle.send(b"x=1\n")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # its time was up between two looks
            try:
                sent += unread.socket.send(flood) if "unread" not in ends else 0
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                ends["unread"] = now
            for name in [n for n, c in waiting.items() if closed(c)]:
                ends[name] = now
                del waiting[name]
            begin = time.monotonic()
            self.assertEqual(good.rcpt(), "OK")
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.02)
        for name, end in ends.items():
            self.assertGreater(end, DEADLINE - 0.5, name)
        self.assertLess(slowest, 1)  # the machine may be busy; a delay by a neighbour would be ten seconds
        self.assertGreater(sent, 100000)
        self.assertEqual(idle.rcpt(), "OK")
        self.assertEqual(relay.log().count("a request was not finished in time"), 2)
        self.assertEqual(relay.log().count("a reply was not read in time"), 1)

    def test_three_hundred_connections(self):
        """Half of them silent or in the middle of a request: a good client waits for none of them."""
        relay = self.start()
        clients = [self.client(relay) for _ in range(300)]
        for i, client in enumerate(clients):
            if i % 4 == 0:
                client.send(request()[:i + 1])
        busy = clients[1::4]
        good = self.client(relay)
        slowest = 0
        for _ in range(100):
            for client in busy:
                client.send(request())
            begin = time.monotonic()
            self.assertEqual(good.rcpt("192.0.2.20"), "OK")
            slowest = max(slowest, time.monotonic() - begin)
            self.assertEqual([c.read() for c in busy], ["OK"] * len(busy))
        self.assertLess(slowest, 1)
        relay.wait_status(connections=301)
        for i, client in enumerate(clients):
            if i % 4 == 0:
                client.send(request()[i + 1:])
                self.assertEqual(client.read(), "OK")


class Many(Case):
    def setUp(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2 * PEERS_MAX, before[1]), before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)

    def test_one_too_many(self):
        relay = self.start(memcached=False)
        relay.wait_status(connections=0)
        clients = [self.client(relay) for _ in range(PEERS_MAX)]
        relay.wait_status(connections=PEERS_MAX)
        late = self.client(relay)
        self.assertIsNone(late.read())
        relay.wait_log("4096 connections are the most")
        self.assertEqual([c.rcpt() for c in clients[:3] + clients[-3:]], ["OK"] * 6)
        clients[0].close()
        relay.wait_status(connections=PEERS_MAX - 1)
        self.assertEqual(self.client(relay).rcpt(), "OK")

    def test_without_file_descriptors_it_waits(self):
        """Connections beyond what the process may have wait in the queue; it neither spins nor forgets them."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        relay = self.start(memcached=False, options={"preexec_fn": limit})
        clients = [self.client(relay) for _ in range(60)]
        relay.wait_log("cannot accept a connection")
        before, begin = cpu_seconds(relay.child.pid), time.monotonic()
        while time.monotonic() - begin < 2:
            self.assertEqual(clients[0].rcpt(), "OK")
            time.sleep(0.05)
        self.assertLess(cpu_seconds(relay.child.pid) - before, 0.5)
        for client in clients[:40]:
            client.close()
        self.assertEqual([c.rcpt() for c in clients[-20:]], ["OK"] * 20)


if __name__ == "__main__":
    unittest.main()
