# SPDX-License-Identifier: GPL-3.0-or-later
"""What end-to-end tests share: one relay per file, and assertions in the words of the reply table."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import process  # noqa: E402
import replies  # noqa: E402
import smtp  # noqa: E402
from relay import Relay  # noqa: E402
from sample import RETURN_PATH, WIDE, agency  # noqa: E402, F401 - for the tests


class Scene(unittest.TestCase):
    """A subclass says what to raise; agency "dol" of address 127.0.3.1 writes as app@dol.example.gov."""
    agencies = ""
    raising = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.relay = Relay(agencies=cls.agencies, **cls.raising)
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    # --- talking --------------------------------------------------------------------------------------------------

    def connect(self, source, **options):
        """A session that may be refused"""
        client = self.relay.client(source, **options)
        self.addCleanup(client.close)
        return client

    def session(self, source, hello="EHLO client.test", **options):
        """A session that got through HELO"""
        client = self.connect(source, **options)
        self.assertEqual(client.greeting.code, 220, client.greeting)
        self.assertEqual(client.say(hello).code, 250)
        return client

    def past_rcpt(self, source, sender, recipient="someone@example.com"):
        client = self.session(source)
        self.assertGood(client.mail(sender))
        self.assertGood(client.rcpt(recipient))
        return client

    def message(self, recipient, sender, **more):
        return smtp.message(to=recipient, sender=sender, **more)

    def submit(self, client, sender, recipient, **more):
        return client.submit(sender, recipient, self.message(recipient, sender, **more))

    def wait(self, what, test, seconds=15.0):
        return process.wait_for(what, test, seconds)

    def operator(self, *words):
        """gatepostctl, which must do as told; its output"""
        done = self.relay.ctl(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    # --- knowing --------------------------------------------------------------------------------------------------

    def limit(self, agency, name):
        rows = json.loads(self.operator("limits", agency, "--json"))["agencies"][0]["limits"]
        return next(row for row in rows if row["name"] == name)

    def charged(self, agency):
        """Recipients counted in the agency's first rate window"""
        return self.limit(agency, "rate")["used"][0]["used"]

    def open_sessions(self, agency):
        status = json.loads(self.operator("status", "--json"))
        return next(a for a in status["agencies"] if a["agency"] == agency)["sessions"]

    def recipients(self):
        """Everybody the sink has mail for, once nothing is queued"""
        return [r for envelope, _ in self.relay.settled() for r in envelope["rcpt_to"]]

    # --- asserting ------------------------------------------------------------------------------------------------

    def assertGood(self, reply):
        self.assertEqual(reply.code, 250, reply)

    def assertMilters(self, reply, reason, why=""):
        self.assertEqual(reply.text, replies.exact(reason, why))

    def assertPolicyds(self, reply, reason, why=""):
        self.assertTrue(replies.is_policyds(reply, reason, why), f"{reply!r} is not {replies.exact(reason, why)!r}")

    def assertDelivered(self, recipient):
        self.relay.wait_delivered(recipient)

    def assertNotDelivered(self, *recipients):
        got = self.recipients()
        for recipient in recipients:
            self.assertNotIn(recipient, got)

    def assertLogged(self, program, **fields):
        """One line of the program's log has all these fields"""
        wanted = [f"{name}={value}" for name, value in fields.items()]
        self.wait(f"a log line with {' '.join(wanted)}", lambda: any(
            all(w in line.split() for w in wanted) for line in self.relay.log(program).splitlines()), 5)
