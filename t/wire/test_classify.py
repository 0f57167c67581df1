# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl classify: its JSON, its words for people, its exit status, and where it finds dictionaries."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ["GATEPOST_BUILD"]
CTL = os.path.join(BUILD, "bin", "gatepostctl")
SCORE = os.path.join(ROOT, "t", "harness", "score.py")

BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@relay.example.gov (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: b@bounce.example.gov
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

This is the mail system at host relay.example.gov.

<jane@example.org>: host mx.example.org[192.0.2.1] said: %(reply)s (in reply to %(command)s command)

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.gov

Final-Recipient: rfc822; jane@example.org
Original-Recipient: rfc822;Jane@example.org
Action: %(action)s
Status: %(status)s
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; %(reply)s

--B
Content-Type: text/rfc822-headers

From: App <app@example.gov>
Subject: 550 user unknown, mailbox full

--B--
"""


FROM_POSTFIX = """\
This is the mail system at host relay.example.gov.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system"""


def bounce(reply="550 5.1.1 <jane@example.org>: User unknown", status="5.1.1", action="failed", command="RCPT TO"):
    return BOUNCE % {"reply": reply, "status": status, "action": action, "command": command}


class Classify(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gatepost-classify-")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, text, name="message.eml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run_ctl(self, *words, ctl=CTL, stdin=None):
        return subprocess.run([ctl, *words], input=stdin, capture_output=True, text=True, timeout=30, check=False)

    def classified(self, text):
        done = self.run_ctl("classify", "--json", self.write(text))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_the_contract_of_the_json(self):
        report = self.classified(bounce())
        by = report["recipients"][0].pop("by")
        self.assertRegex(by, r"^70-recipient\.dict:\d+$")
        self.assertEqual(report, {"kind": "dsn", "recipients": [{
            "recipient": "jane@example.org", "original_recipient": "jane@example.org", "category": "hard-bounce",
            "action": "failed", "status": "5.1.1", "reply": "550",
            "diagnostic": "550 5.1.1 <jane@example.org>: User unknown", "suppress": True}]})

    def test_the_returned_message_says_nothing(self):
        report = self.classified(bounce(reply="550 5.7.1 Blocked by zen.spamhaus.org", status="5.1.1"))
        self.assertEqual(report["recipients"][0]["category"], "policy-block")
        self.assertFalse(report["recipients"][0]["suppress"])

    def test_what_postfix_says_itself_is_no_evidence(self):
        """Its own words about "your message" and "mail" do not go together with a word of the reply."""
        whole = bounce(reply="550 5.1.1 refused as asked").replace(FROM_POSTFIX.split("\n", 1)[0], FROM_POSTFIX)
        self.assertIn("The mail system", whole)
        r = self.classified(whole)["recipients"][0]
        self.assertEqual((r["category"], r["suppress"]), ("hard-bounce", True))
        self.assertRegex(r["by"], "-codes.dict:")

    def test_phase_action_and_code_beat_words(self):
        for said, category in (({"command": "MAIL FROM"}, "policy-block"),
                               ({"action": "delayed", "status": "4.1.1"}, "soft-bounce"),
                               ({"action": "delivered", "status": "2.1.5"}, "delivered"),
                               ({"reply": "450 4.1.1 User unknown", "status": "4.1.1"}, "soft-bounce")):
            with self.subTest(said):
                r = self.classified(bounce(**said))["recipients"][0]
                self.assertEqual((r["category"], r["suppress"]), (category, False))

    def test_without_recipients_the_category_is_the_report_s(self):
        report = self.classified("From: people@example.org\nSubject: Hello\n\nHow are you?\n")
        self.assertEqual(report, {"kind": "other", "recipients": [], "category": "not-a-bounce"})

    def test_for_people(self):
        done = self.run_ctl("classify", self.write(bounce()))
        self.assertEqual(done.returncode, 0)
        for line in ("kind         dsn", "recipient    jane@example.org", "category     hard-bounce, reason to suppress",
                     "status       5.1.1", "said by      mx.example.org"):
            self.assertIn(line + "\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^decided by   70-recipient\.dict:\d+$")

    def test_nothing_foreign_reaches_the_terminal(self):
        hostile = bounce(reply="550 5.1.1 \x1b[31mred\x07 user unknown")
        for words in (("classify",), ("classify", "--json")):
            done = self.run_ctl(*words, "-", stdin=hostile)
            self.assertEqual(done.returncode, 0)
            self.assertNotRegex(done.stdout, "[\x00-\x09\x0b-\x1f\x7f]")

    def test_standard_input(self):
        done = self.run_ctl("classify", "--json", "-", stdin=bounce())
        self.assertEqual(json.loads(done.stdout)["recipients"][0]["category"], "hard-bounce")

    def test_what_cannot_be_read(self):
        for path in (os.path.join(self.folder, "none"), self.folder):
            done = self.run_ctl("classify", path)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, r"^gatepostctl: cannot read .*: (No such file or directory|Is a directory)\n$")
        self.assertEqual(self.run_ctl("classify").returncode, 2)

    def test_an_empty_and_a_large_message(self):
        self.assertEqual(self.classified("")["kind"], "other")
        begin = time.monotonic()
        report = self.classified(bounce() + "x" * (1 << 20))
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(report["recipients"][0]["category"], "hard-bounce")

    def test_dictionaries_beside_an_installed_program(self):
        prefix = os.path.join(self.folder, "prefix")
        os.makedirs(os.path.join(prefix, "sbin"))
        installed = shutil.copy(CTL, os.path.join(prefix, "sbin", "gatepostctl"))
        done = self.run_ctl("classify", self.write(bounce()), ctl=installed)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no dictionary to classify by", done.stderr)
        shutil.copytree(os.path.join(ROOT, "feedback", "dictionary"),
                        os.path.join(prefix, "share", "gatepost", "dictionary"))
        done = self.run_ctl("classify", self.write(bounce()), ctl=installed)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_faulty_dictionary_is_told_line_by_line(self):
        prefix = os.path.join(self.folder, "prefix")
        folder = os.path.join(prefix, "share", "gatepost", "dictionary")
        os.makedirs(os.path.join(prefix, "bin"))
        os.makedirs(folder)
        installed = shutil.copy(CTL, os.path.join(prefix, "bin", "gatepostctl"))
        with open(os.path.join(folder, "10-a.dict"), "w", encoding="utf-8") as f:
            f.write("* | * | * | user unknown | hard-bounce | suppress\nwrong\n* | * | 9 | xyz | soft | none\n")
        done = self.run_ctl("classify", self.write(bounce()), ctl=installed)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([re.sub(r"^.*/10-a\.dict:", "", line)[:12] for line in done.stderr.splitlines()[:3]],
                         ['2: line: "wr', '3: enhanced:', '3: category:'])

    def test_score(self):
        self.write(bounce(), "one.eml")
        self.write(bounce(reply="550 5.7.1 spam", status="5.7.1"), "two.eml")
        self.write("one.eml\tH/P=x@y|jane@example.org\ntwo.eml\tS=joe@example.org\n",
                   "expected.tsv")
        done = subprocess.run([sys.executable, SCORE, self.folder, "--ctl", CTL], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines()[0],
                         "two.eml: category, recipient: expected S=joe@example.org, got C=jane@example.org")
        self.assertEqual([line.split()[-2] for line in done.stdout.splitlines()[1:]],
                         ["50.00", "50.00", "50.00", "0.00", "0.00"])


if __name__ == "__main__":
    unittest.main()
