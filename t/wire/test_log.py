# SPDX-License-Identifier: GPL-3.0-or-later
"""The log as programs read it: JSON of every daemon for hostile octets, and gatepost-log(5) knows every event and field."""
import glob
import json
import os
import re
import unittest

import feedback_case
from milter_daemon import Milter
from policyd_case import Case
from relayconf import process, sample

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
HOSTILE = b"\"a\\\xff\xf0\x9f\x98\x80\x01=}"  # what a JSON reader gets back: below
READ = "\"a\\\\xff\U0001f600\x01=}"


def lines(relay):
    """Every line of the log; one that is no JSON object is an error."""
    with open(relay.path("log"), "rb") as f:
        octets = f.read()
    parsed = [json.loads(line.decode("ascii")) for line in octets[:octets.rfind(b"\n") + 1].splitlines()]
    assert all(type(line["time"]) is float and line["level"] and line["event"] for line in parsed), parsed
    return parsed


def wait_line(relay, **fields):
    def look():
        return [line for line in lines(relay) if fields.items() <= line.items()]
    return process.wait_for(f"a line with {fields}", look)[0]


class Json(Case):
    def test_policyd(self):
        relay = self.start(memcached=False, log_format="json")
        client = self.client(relay)
        client.send(b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.99\nqueue_id=4jWb\n"
                    b"sender=" + HOSTILE + b"\nrecipient=b@dest.test\n\n")
        self.assertTrue(client.read().startswith("554 "))
        line = wait_line(relay, event="verdict")
        del line["time"]
        self.assertEqual(line, {"level": "info", "event": "verdict", "queue_id": "4jWb", "client": "192.0.2.99",
                                "profile": "gatepost-address", "reason": "not-permitted", "code": "554",
                                "stage": "RCPT", "rule": "listed", "sender": READ, "recipient": "b@dest.test"})
        wait_line(relay, event="start")

    def test_a_reload_does_not_change_the_format(self):
        relay = self.start(memcached=False)
        relay.configure(log_format="json")
        relay.reload(good=False)
        relay.wait_log("log_format: changed, which needs a restart")

    def test_milter(self):
        with Milter(log_format="json") as milter:
            with milter.session() as mta:
                self.assertEqual(mta.message()[1], "accept")
                refused = HOSTILE.decode("utf-8", "surrogateescape")
                self.assertTrue(mta.mail(f"<{refused}@dos.gov>").startswith("4"))
            line = wait_line(milter, event="verdict", reason="accepted")
            self.assertEqual((line["queue_id"], line["client"], line["agency"], line["signed"]),
                             ("4jWbms683Gz1c77h", "192.0.2.10", "dol", 1))
            line = wait_line(milter, event="verdict", stage="MAIL")
            self.assertEqual((line["agency"], line["sender"]), ("dol", f"<{READ}@dos.gov>"))


class JsonOfFeedback(feedback_case.Case):
    def test_feedback(self):
        relay = self.start(log_format="json")
        recipient = f"postmaster@{sample.RETURN_PATH}"
        ident = self.kept(self.client(relay).deliver(feedback_case.mail(), recipient, "jane@example.com"))
        line = wait_line(relay, event="feedback")
        self.assertEqual((line["id"], line["source"], line["sender"], line["recipient"]),
                         (ident, "lmtp", "jane@example.com", recipient))


class Manual(unittest.TestCase):
    """gatepost-log(5) against the calls that write lines."""

    def setUp(self):
        with open(os.path.join(ROOT, "shared", "gatepost-log.5")) as f:
            self.manual = f.read()
        self.source = ""
        for folder in ("policyd", "milter", "feedback", "shared"):
            for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.c"))):
                with open(path) as f:
                    self.source += f.read()

    def test_events(self):
        told = set()
        for item in re.findall(r"^\.It Sy (.*)$", self.manual, re.M):
            told |= {word for word in item.split() if word != ","}
        written = set()
        for call in re.findall(r"\bgp_log(?:_errno)?\([^;]*?;", self.source):
            written |= set(re.findall(r"^gp_log\w*\([^,]*, \"([a-z-]+)\"", call))
        for call in re.findall(r"\bgp_line_begin\([^;]*;", self.source):
            written |= set(re.findall(r"\"([a-z-]+)\"", call))
        self.assertGreater(len(written), 30)
        self.assertEqual(told ^ written, set())

    def test_fields(self):
        told = set()
        for words in re.findall(r"\bIc (.*)$", self.manual, re.M):
            told |= set(re.findall(r"[a-z_]+", words))
        written = set(re.findall(r"\b(?:gp_line_(?:str|u64)\(&?\w+|put_key\(&l), \"([a-z_]+)\"", self.source))
        self.assertGreater(len(written), 30)
        self.assertEqual(written - told, set())


if __name__ == "__main__":
    unittest.main()
