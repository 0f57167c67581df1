# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes read by POP3 from a real Dovecot: each message once, deleted when it is safe, whatever happens between"""
import os
import random
import shutil
import socket
import tempfile
import threading
import time
import unittest

from feedback_case import Case, Feedback, address, bounce, process, until

import pop3_server  # beside the harness, which feedback_case leads to


def complaint(n):
    """A bounce that a provider put into a mailbox; the token stands in To"""
    recipient = f"p@d{n}.example.com"
    return bounce(recipient, extra=f" {n}").replace(b"To: somebody@b.example.gov", f"To: {address(recipient)}".encode())


class Fake:
    """A POP3 server without TLS on loopback, whose messages and misbehaviour a test chooses"""

    def __init__(self, messages, misbehave=None):
        self.messages, self.misbehave = dict(messages), misbehave or (lambda command, connection: None)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sessions, self.said = 0, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.sessions += 1
            with connection:
                try:
                    self.talk(connection)
                except OSError:
                    pass

    def talk(self, connection):
        listed, deleted = list(self.messages.items()), []
        connection.settimeout(20)
        connection.sendall(b"+OK fake\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                command, _, rest = line.decode().strip().partition(" ")
                self.said.append(command)
                answer = self.misbehave(line.decode().strip(), connection)
                if answer is False:
                    return
                if answer is None:
                    answer = self.answer(command.upper(), rest, listed, deleted)
                connection.sendall(answer)
                if command.upper() == "QUIT":
                    return

    def answer(self, command, rest, listed, deleted):
        if command == "CAPA":
            return b"+OK\r\nUSER\r\nUIDL\r\n.\r\n"
        if command == "LIST":
            return b"+OK\r\n" + b"".join(b"%d %d\r\n" % (i + 1, len(m)) for i, (_, m) in enumerate(listed)) + b".\r\n"
        if command == "UIDL":
            return b"+OK\r\n" + b"".join(b"%d %s\r\n" % (i + 1, u.encode()) for i, (u, _) in enumerate(listed)) + b".\r\n"
        if command == "RETR":
            return b"+OK\r\n" + listed[int(rest) - 1][1].replace(b"\r\n.", b"\r\n..") + b".\r\n"
        if command == "DELE":
            deleted.append(listed[int(rest) - 1][0])
        if command == "QUIT":
            for uidl in deleted:
                self.messages.pop(uidl, None)
        return b"+OK\r\n"


def pour(octets):
    """A misbehaviour: a listing without end"""
    def answer(line, connection):
        if line == "LIST":
            connection.sendall(b"+OK\r\n")
        while line == "LIST":
            connection.sendall(octets)
    return answer


class Mailboxes(Case):
    def raise_with(self, *mailboxes, started=True, **changes):
        """A daemon with these mailboxes: (name, url, more settings)"""
        relay = Feedback(**changes)
        self.addCleanup(relay.close)
        path = relay.path("keys", "password")
        with open(path, "w") as f:
            f.write(pop3_server.PASSWORD + "\n")
        os.chmod(path, 0o640)
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", "postfix")
        groups = [" ".join(f'{k} = "{v}"' for k, v in {"name": name, "url": url, "user": pop3_server.USER, "password_file":
                                                      path, "every": "1s", **more}.items()) for name, url, more in mailboxes]
        with open(relay.config, "a") as f:
            f.write("mailboxes = (\n" + ",\n".join("{ " + g + " }" for g in groups) + ")\n")
        return relay.start() if started else relay

    def fake(self, messages, misbehave=None):
        server = Fake(messages, misbehave)
        self.addCleanup(server.stop)
        return server

    def url(self, server):
        return f"pop3://127.0.0.1:{server.port}/"

    def check_once(self, relay, n):
        rows = relay.intake()
        self.assertEqual(len(rows), n)
        self.assertEqual({r["outcome"] for r in rows}, {"acted"})
        events = relay.query("SELECT address, count(*) FROM event GROUP BY address")
        self.assertEqual({c for _, c in events}, {1})
        self.assertEqual(len(events), n)


class Fakes(Mailboxes):
    def test_byte_for_byte(self):
        octets = b"To: %s\r\nSubject: x\r\n\r\n.\r\n..a\r\n\n.\nlone\rcr\r\n" % address("a@b.test").encode()
        server = self.fake({"one": octets})
        relay = self.raise_with(("fbl", self.url(server), {}))
        until("it to be taken", lambda: relay.intake() and not server.messages)
        row = relay.intake()[0]
        self.assertEqual((relay.archived()[row["id"]], row["source"], row["recipient"]),
                         (octets, "pop3:fbl", address("a@b.test")))
        until("the journal to be empty", lambda: relay.query("SELECT count(*) FROM pop3_seen") == [(0,)])

    def test_the_server_hangs_up_before_the_deletion_lasts(self):
        """What was taken in is deleted the next time, and not retrieved again."""
        tries = []

        def misbehave(line, _):
            if line == "QUIT" and len(tries) < 2:
                tries.append(line)
                return False
            return None

        server = self.fake({f"u{n}": complaint(n) for n in range(5)}, misbehave)
        relay = self.raise_with(("fbl", self.url(server), {}))
        until("it to be emptied", lambda: not server.messages)
        relay.stop()
        self.check_once(relay, 5)
        self.assertEqual(server.said.count("RETR"), 5)
        self.assertGreaterEqual(server.said.count("DELE"), 15)

    def test_hangs_up_in_the_middle(self):
        """In the middle of any answer: everything arrives in the end, once."""
        draw = random.Random(3)
        left = [12]

        def misbehave(line, connection):
            if left[0] > 0 and draw.random() < 0.3:
                left[0] -= 1
                if line.startswith("RETR"):
                    connection.sendall(b"+OK\r\nSubject: half of it\r\n\r\n")
                return False
            return None

        server = self.fake({f"u{n}": complaint(n) for n in range(8)}, misbehave)
        # a daemon that fails waits longer each time: start it anew instead
        relay = self.raise_with(("fbl", self.url(server), {}), started=False)
        for _ in range(40):
            relay.start()
            try:
                until("a session", lambda seen=server.sessions: server.sessions > seen or not server.messages, 3)
                until("it to be emptied", lambda: not server.messages, 0.5)
                break
            except process.Trouble:
                relay.stop()
        relay.stop()
        self.assertEqual(server.messages, {})
        self.check_once(relay, 8)

    def test_one_that_is_not_given_out(self):
        """-ERR for one message, and one that is too large: they stay, the others are taken."""
        large = b"To: x@b.example.gov\r\n\r\n" + b"x" * (2 << 20) + b"\r\n"
        server = self.fake({"bad": b"x\r\n", "large": large, "good": complaint(1)},
                           lambda line, _: b"-ERR cannot\r\n" if line == "RETR 1" else None)
        relay = self.raise_with(("fbl", self.url(server), {}), message_size_ceiling="256K")
        relay.wait_log("left 2 messages there")
        until("the good one", lambda: set(server.messages) == {"bad", "large"})
        self.check_once(relay, 1)

    def test_nonsense(self):
        """Whatever a server says, the daemon says so and goes on; another mailbox is read all the same."""
        nonsense = {
            "LIST": b"+OK\r\n1 x\r\n.\r\n", "UIDL": b"-ERR what?\r\n", "DELE 1": b"-ERR no\r\n", "RETR 1": b"\0\xff\r\n",
            "QUIT": b"x" * 3000 + b"\r\n"}
        servers = [self.fake({"u": complaint(n)}, lambda line, _, c=c, a=a: a if line == c else None)
                   for n, (c, a) in enumerate(nonsense.items())]
        without = self.fake({"": complaint(77)})
        good = self.fake({"u": complaint(99)})
        relay = self.raise_with(*((f"m{n}", self.url(s), {}) for n, s in enumerate([*servers, without, good])))
        until("the good one", lambda: not good.messages)
        for n in range(len(servers) + 1):
            relay.wait_log(f'"m{n}: ')
        self.kept(self.client(relay).deliver(complaint(100), address("p@d100.example.com")))

    def test_endless_listings(self):
        """No line that never ends and no listing that never ends keeps the daemon from the next mailbox."""
        servers = [self.fake({"u": complaint(n)}, pour(octets * (1 << 16))) for n, octets in enumerate((b"1", b"1 1\r\n"))]
        good = self.fake({"u": complaint(99)})
        relay = self.raise_with(*((f"m{n}", self.url(s), {}) for n, s in enumerate([*servers, good])))
        until("the good one", lambda: not good.messages, 60)
        for n in range(len(servers)):
            relay.wait_log(f'"m{n}: ')

    def test_silent_server(self):
        """The daemon ends while it waits for one."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            relay = self.raise_with(("fbl", f"pop3://127.0.0.1:{silent.getsockname()[1]}/", {}))
            connection, _ = silent.accept()
            with connection:
                began = time.monotonic()
                relay.stop()
                self.assertLess(time.monotonic() - began, 10)

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        relay = self.raise_with(("fbl", f"pop3://127.0.0.1:{port}/", {}))
        relay.wait_log("try 2")

    def test_reload(self):
        """A mailbox that is new in the configuration is read from then on."""
        server = self.fake({"u": complaint(1)})
        relay = self.raise_with()
        text = f'mailboxes = ( {{ name = "new" url = "{self.url(server)}" user = "u" password_file = ' \
            f'"{relay.path("keys", "password")}" }} )\n'
        with open(relay.config) as f:
            config = f.read().replace("mailboxes = (\n)\n", text)
        with open(relay.config, "w") as f:
            f.write(config)
        relay.reload()
        until("it to be read", lambda: not server.messages)


@unittest.skipUnless(os.geteuid() == 0, "Dovecot needs root")
class Real(Mailboxes):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="gatepost-pop3-", dir="/tmp")
        os.chmod(cls.directory, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.server = pop3_server.Pop3Server(cls.directory).start()
        cls.addClassCleanup(cls.server.stop)

    def tearDown(self):
        self.assertEqual(self.server.left(), 0)

    @property
    def tls(self):
        return f"pop3s://localhost:{self.server.tls_port}/", {"ca_file": self.server.ca}

    def test_tls(self):
        """POP3S and STLS; a certificate that nobody vouches for is no server of ours."""
        url, more = self.tls
        start = f"pop3://localhost:{self.server.port}/"
        for n, (where, settings) in enumerate(((url, more), (start, more))):
            self.server.put(complaint(n))
            relay = self.raise_with(("fbl", where, settings))
            until("it to be emptied", lambda: self.server.left() == 0)
            relay.stop()
            self.check_once(relay, 1)
        self.server.put(complaint(9))
        relay = self.raise_with(("a", url, {}), ("b", f"pop3s://127.0.0.2:{self.server.tls_port}/", more))
        relay.wait_log("a: SSL certificate problem")
        self.assertEqual((relay.intake(), self.server.left()), ([], 1))
        relay.stop()
        relay = self.raise_with(("fbl", url, more))
        until("it to be emptied", lambda: self.server.left() == 0)

    def test_wrong_password(self):
        url, more = self.tls
        relay = self.raise_with(("fbl", url, {**more, "user": "nobody"}))
        relay.wait_log("fbl: ")
        self.assertNotIn(pop3_server.PASSWORD, relay.log())

    def test_killed(self):
        """kill -9 at any moment, 15 times: every message is taken in once."""
        draw = random.Random(4)
        url, more = self.tls
        total = 60
        for n in range(total):
            self.server.put(complaint(n))
        relay = self.raise_with(("fbl", url, more))
        for _ in range(15):
            time.sleep(draw.uniform(0.01, 0.15))
            relay.kill()
            relay.start()
        until("it to be emptied", lambda: self.server.left() == 0, 60)
        relay.stop()
        self.check_once(relay, total)


if __name__ == "__main__":
    unittest.main()
