# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback sends on what people write: by SMTP, once, when it can"""
import re
import shutil
import socket
import time
import unittest

from feedback_case import DOMAIN, Case, Feedback, mail, until
from relayconf import process

import small_disk  # beside the harness, which feedback_case leads to

POSTMASTER = f"postmaster@{DOMAIN}"


class Outbox(Case):
    """Mail of people leaves by SMTP: once, when it can"""

    def setUp(self):
        self.place = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.place.close)
        self.place.settimeout(30)

    def relay_and_letter(self):
        relay = self.start(operator="chief@hq.example.gov", notices=f"inet:127.0.0.1:{self.place.getsockname()[1]}")
        self.kept(self.client(relay).deliver(mail("hi", body=".\r\n..x"), POSTMASTER, "joe@example.com"))
        return relay

    def serve(self, answers):
        """One connection; answers: of a command's first word. Returns (commands, message)."""
        connection, _ = self.place.accept()
        commands, message = [], b""
        with connection, connection.makefile("rb") as lines:
            connection.settimeout(30)
            connection.sendall(b"220 x ESMTP\r\n")
            for line in lines:
                line = line.decode().strip()
                commands.append(line)
                answer = answers.get(line.split()[0].upper(), "250 ok")
                if line == "DATA" and answer == "250 ok":
                    connection.sendall(b"354 go\r\n")
                    while not message.endswith(b"\r\n.\r\n"):
                        message += lines.readline()
                    answer = answers.get(".", "250 ok")
                connection.sendall(answer.encode() + b"\r\n")
                if line == "QUIT":
                    break
        return commands, message

    def test_sent(self):
        relay = self.relay_and_letter()
        commands, message = self.serve({})
        self.assertIn("MAIL FROM:<>", " ".join(commands).upper())
        self.assertIn("RCPT TO:<CHIEF@HQ.EXAMPLE.GOV>", [c.upper() for c in commands])
        self.assertIn(b"\r\nX-Gatepost-Forwarded: relay.example.gov\r\n", message)
        self.assertIn(b"\r\n..\r\n...x\r\n", message)
        until("it to be marked", lambda: relay.query("SELECT count(*) FROM forward WHERE sent_ms > 0") == [(1,)])

    def test_refused(self):
        """Refused for now or for good: it waits, and the daemon ends all the same."""
        relay = self.relay_and_letter()
        self.serve({"RCPT": "554 no"})
        relay.wait_log("outcome=waits")
        self.assertEqual(relay.query("SELECT count(*) FROM forward WHERE sent_ms > 0"), [(0,)])
        relay.stop()
        relay.start()
        commands, message = self.serve({})
        self.assertIn(b"Message-ID: <forward.", message)

    def test_many_refused_ones_do_not_hold_up_another(self):
        """Strangers write to abuse@ what the next server will not take (too large, once it is encoded), as often as they like."""
        relay = self.start(operator="chief@hq.example.gov", notices=f"inet:127.0.0.1:{process.free_ports(1)[0]}")
        client = self.client(relay)
        for n in range(51):
            self.kept(client.deliver(mail(f"number {n}."), POSTMASTER, "joe@example.com"))
        relay.stop()
        relay.configure(notices=f"inet:127.0.0.1:{self.place.getsockname()[1]}")
        relay.start()
        for _ in range(50):
            self.serve({".": "552 too large"})
        self.assertIn(b"Subject: number 50.", self.serve({})[1])

    def test_lost_answer(self):
        """When the answer to the whole message is lost it is sent again, under one Message-ID."""
        relay = self.relay_and_letter()
        _, first = self.serve({".": "451 perhaps"})
        relay.wait_log("outcome=waits")
        relay.stop()
        relay.start()
        _, second = self.serve({})
        self.assertEqual(*(re.search(rb"Message-ID: (\S+)", m).group(1) for m in (first, second)))

    def test_full_disk(self):
        """What left is not sent again because the database cannot take that it did."""
        relay = Feedback(operator="chief@hq.example.gov", notices=f"inet:127.0.0.1:{self.place.getsockname()[1]}")
        self.addCleanup(relay.close)
        disk = small_disk.SmallDisk(relay.path("db"), "72m")
        self.addCleanup(disk.close)
        shutil.chown(disk.path, "nobody", "postfix")
        relay.start()
        self.addCleanup(relay.stop)
        for n in range(3):
            self.kept(self.client(relay).deliver(mail(f"number {n}."), POSTMASTER, "joe@example.com"))
        small_disk.shrink_log(relay.path("db", "gatepost.db"))
        disk.fill()  # the daemon waits for the greeting
        messages = [self.serve({})[1]]
        relay.wait_log("event=database")
        disk.free()
        messages += [self.serve({})[1] for _ in range(2)]
        self.assertEqual([re.search(rb"Subject: number (\d)", m).group(1) for m in messages], [b"0", b"1", b"2"])
        until("all to be marked", lambda: relay.query("SELECT count(*) FROM forward WHERE sent_ms > 0") == [(3,)])
        self.assertEqual(relay.log().count("event=database"), 1)

    def test_silent(self):
        """The daemon does not wait for a server that says nothing when it ends."""
        relay = self.relay_and_letter()
        connection, _ = self.place.accept()
        with connection:
            began = time.monotonic()
            relay.stop()
            self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    unittest.main()
