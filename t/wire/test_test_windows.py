# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-policyd and test windows: before, inside and after, used up, apart from production, the journal."""
import json
import socket
import struct
import time
import unittest

import items
from policyd_case import BLOCKED, Case, NOT_PERMITTED, PACKAGE, PAUSED, SESSION_LIMIT, agencies
from relayconf import process

HOUR = 3600


def moment(seconds):
    """Now and so many seconds, as the configuration has it"""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(time.time() + seconds))


def with_tests(text, *windows):
    """tests for the first agency of the text: (address, messages, from, until) each"""
    groups = ",\n".join(f'{{ why = "ticket 4711" address = "{a}" messages = "{n}" from = "{f}" until = "{u}" }}'
                        for a, n, f, u in windows)
    return text.replace("\n}\n", f"\n  tests = ( {groups} )\n}}\n", 1)


def used(total):
    """A usage item of which only the total counts any more"""
    head = b"GPU2" + struct.pack(">QIIQQQ", 1, 0, 0, 0, 0, total)
    rings = b"".join(struct.pack(f">Q{slots}I", 0, *[0] * slots) for _, slots in items.RINGS)
    return items.sealed(head + rings)


class Windows(Case):
    def setUp(self):
        self.begins, self.ends = moment(-HOUR), moment(HOUR)
        self.windows = [("192.0.2.97", 5, moment(-2 * HOUR), moment(-HOUR)), ("192.0.2.98", 5, self.begins, self.ends),
                        ("192.0.2.99", 5, moment(HOUR), moment(2 * HOUR))]
        self.text = with_tests(agencies(package="7/month"), *self.windows)
        self.relay = self.start(text=self.text)
        self.allowance = f"dol:192.0.2.98:{self.begins}"

    def put(self, key, value):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.relay.memcached_path)
            s.sendall(f"set {key} 0 0 {len(value)}\r\n".encode() + value + b"\r\n")
            self.assertEqual(s.recv(64), b"STORED\r\n")

    def states(self):
        return {w["address"]: (w["state"], w["used"]) for w in json.loads(self.ctl("tests", "--json"))["tests"]}

    def ctl(self, *words):
        return self.relay.ctl(*words)

    def journal(self):
        """Oldest first: verb, what"""
        return [(c["verb"], c["what"]) for c in reversed(json.loads(self.ctl("history", "--json"))["changes"])]

    def wait_journal(self, *verbs):
        process.wait_for(f"the journal to read {verbs}", lambda: [v for v, _ in self.journal()] == list(verbs), 10)

    def test_time(self):
        client = self.client(self.relay)
        for address, connect, rcpt in (("192.0.2.97", NOT_PERMITTED, NOT_PERMITTED), ("192.0.2.98", "DUNNO", "OK"),
                                       ("192.0.2.99", NOT_PERMITTED, NOT_PERMITTED), ("192.0.2.10", "DUNNO", "OK")):
            self.assertEqual(client.connect(address), connect, address)
            self.assertEqual(client.rcpt(address), rcpt, address)
        self.assertEqual(self.states(), {"192.0.2.97": ("over", 0), "192.0.2.98": ("open", 0),
                                         "192.0.2.99": ("waiting", 0)})

    def test_count(self):
        client = self.client(self.relay)
        self.put(f"gp:usage:{self.allowance}", used(4))
        self.assertEqual(client.rcpt("192.0.2.98"), "OK")
        self.put(f"gp:usage:{self.allowance}", used(5))
        self.assertEqual(client.connect("192.0.2.98"), "DUNNO")
        self.assertEqual(client.rcpt("192.0.2.98"), PACKAGE)
        self.assertEqual(client.rcpt("192.0.2.10"), "OK")
        self.assertEqual(self.states()["192.0.2.98"], ("used up", 5))
        self.put(f"gp:usage:{self.allowance}", used(0))
        self.put("gp:usage:dol", items.usage(7))
        self.assertEqual(client.rcpt("192.0.2.98"), "OK")
        self.assertEqual(client.rcpt("192.0.2.10"), PACKAGE)

    def test_the_agencys_rules_hold(self):
        client = self.client(self.relay)
        self.put("gp:sessions:dol", items.sessions(4))
        self.assertEqual(client.connect("192.0.2.10"), SESSION_LIMIT)
        self.assertEqual(client.connect("192.0.2.98"), "DUNNO")
        self.put(f"gp:sessions:{self.allowance}", items.sessions(4))
        self.assertEqual(client.connect("192.0.2.98"), SESSION_LIMIT)
        self.ctl("pause", "dol", "--reason", "looking")
        self.assertEqual(client.rcpt("192.0.2.98"), PAUSED + "looking")
        self.ctl("resume", "dol")
        self.ctl("block", "192.0.2.98", "--for", "1h", "--reason", "the test alone")
        self.assertIn("the test alone", client.rcpt("192.0.2.98"))
        self.assertEqual(client.rcpt("192.0.2.10"), "OK")
        self.ctl("unblock", "192.0.2.98")
        self.ctl("block", "dol", "--reason", "all")
        process.wait_for("the block", lambda: client.rcpt("192.0.2.98") == BLOCKED + "all", 10)

    def test_journal(self):
        what = f"dol 192.0.2.98, {self.begins} to {self.ends}, 5 messages"
        self.wait_journal("test open")
        self.relay.stop()
        self.relay.start()  # says nothing again
        self.put(f"gp:usage:{self.allowance}", used(5))
        self.wait_journal("test open", "test close")
        self.assertEqual(self.journal(), [("test open", what), ("test close", what + ": used up after 5")])
        self.relay.configure(with_tests(agencies(), ("192.0.2.98", 9, self.begins, self.ends)))
        self.relay.send_signal(10)
        self.wait_journal("test open", "test close", "test open")
        self.relay.configure(agencies())
        self.relay.send_signal(10)
        self.wait_journal("test open", "test close", "test open", "test close")
        self.assertEqual(self.journal()[-1][1], what.replace("5 m", "9 m") + ": no longer configured")
        client = self.client(self.relay)
        self.assertEqual(client.connect("192.0.2.98"), NOT_PERMITTED)


if __name__ == "__main__":
    unittest.main()
