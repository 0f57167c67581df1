# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of coming-back mail share: reports as other systems write them, and what the relay made of them."""
import collections
import contextlib
import json
import re
import socket
import sqlite3
import subprocess
import time

from scene import Scene, process, smtp

WORLD = "127.0.9.200"  # any other mail system
DAY_MS = 86400000


def dsn(recipient, text="550 5.1.1 user unknown", action="failed"):
    """A report about one recipient, as another mail system writes it; it says nothing of ours"""
    return (f"From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice for {recipient}\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="d1"\r\n\r\n'
            f"--d1\r\nContent-Type: text/plain\r\n\r\n<{recipient}>: {text}\r\n\r\n"
            "--d1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
            f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {text.split()[1]}\r\n"
            f"Diagnostic-Code: smtp; {text}\r\n\r\n--d1--\r\n")


def complaint(delivered, kind="abuse", mail_from=""):
    """A feedback report (RFC 5965) about a message as it was delivered; the provider names nobody"""
    return ("From: feedback@fbl.example.com\r\nTo: abuse@example.gov\r\nSubject: complaint about message\r\n"
            'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="f1"\r\n\r\n'
            "--f1\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\r\n"
            f"--f1\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: Fbl/1.0\r\n"
            f"Version: 1\r\nOriginal-Mail-From: <{mail_from}>\r\n\r\n"
            "--f1\r\nContent-Type: message/rfc822\r\n\r\n").encode() + delivered + b"\r\n--f1--\r\n"


def one_character_off(token):
    """The same with one character of its middle changed"""
    n = len(token) // 2
    return token[:n] + ("a" if token[n] != "a" else "b") + token[n + 1:]


class Returning(Scene):
    def setUp(self):
        self.agency, self.source = "dol", "127.0.9.1"

    @contextlib.contextmanager
    def speaking_for(self, agency, source):
        """What the helpers below submit and ask is this agency's meanwhile."""
        before = self.agency, self.source
        self.agency, self.source = agency, source
        yield
        self.agency, self.source = before

    # --- doing ----------------------------------------------------------------------------------------------------

    @property
    def sender(self):
        return f"app@{self.agency}.example.gov"

    def try_to_send(self, recipient, **more):
        """The reply to a message: the first that is not good, or the last"""
        with smtp.Client(self.relay.port, self.source) as c:
            c.hello()
            return self.submit(c, self.sender, recipient, **more)

    def send(self, recipient, **more):
        self.assertGood(self.try_to_send(recipient, **more))

    def left(self, recipient, **more):
        """(envelope, octets) of a message that was delivered to this recipient just now"""
        before = len([1 for e, _ in self.relay.delivered() if recipient in e["rcpt_to"]])
        self.send(recipient, **more)
        return self.relay.wait_delivered(recipient, before + 1)[-1]

    def bring_back(self, to, octets, sender=""):
        with smtp.Client(self.relay.return_port, WORLD) as c:
            c.hello("mx.example.com")
            self.assertGood(c.submit(sender, to, octets))

    def write_sql(self, statement, *values):
        """How many rows it changed in the database of the running daemons"""
        with contextlib.closing(sqlite3.connect(self.relay.path("db", "gatepost.db"), timeout=30)) as db, db:
            return db.execute(statement, values).rowcount

    def read_sql(self, query, *values):
        with contextlib.closing(sqlite3.connect(self.relay.path("db", "gatepost.db"), timeout=30)) as db:
            return db.execute(query, values).fetchall()

    def days_pass(self, recipient, days):
        """Everything known of a suppression happened so many days earlier; the claim of a retest is over."""
        ms = int(days * DAY_MS)
        changed = self.write_sql("UPDATE suppression SET since_ms = since_ms - ?, retest_ms = max(retest_ms - ?, 0) "
                                 "WHERE address = ? AND agency = ?", ms, ms, recipient, self.agency)
        self.assertEqual(changed, 1)
        self.write_sql("UPDATE failure SET day = day - ? WHERE address = ?", int(days), recipient)
        self.write_sql("UPDATE event SET when_ms = when_ms - ? WHERE address = ?", ms, recipient)
        self.forget_claim(recipient)

    def forget_claim(self, recipient):
        """The item of gatepost-keys(5) that a retest leaves for a day"""
        value = 0xcbf29ce484222325
        for octet in recipient.lower().encode():
            value = (value ^ octet) * 0x100000001b3 % 2 ** 64
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.relay.path("run", "memcached.sock"))
            s.sendall(f"delete gp:retest:{self.agency}:{value:016x}\r\n".encode())
            return s.recv(100)

    def start_feedback(self):
        """After its end; returns when it listens"""
        socket_path = self.relay.path("spool", "gatepost", "feedback.sock")
        self.relay.feedback.start().ready(lambda: process.daemon_answers(socket_path))

    # --- knowing --------------------------------------------------------------------------------------------------

    def messages(self, **wanted):
        """What came back, newest first, of which these fields are so"""
        listed = json.loads(self.operator("archive", "list", "--last", "100000", "--json"))["messages"]
        return [m for m in listed if all(m[k] == v for k, v in wanted.items())]

    def taken_in(self, to):
        """What became of the newest message to this address, once it has come"""
        return self.wait(f"a message to {to}", lambda: (self.messages(recipient=to) or [None])[0])

    def rows(self, recipient):
        listed = json.loads(self.operator("suppress", "list", "--agency", self.agency, "--json"))["suppressions"]
        return [row for row in listed if row["address"] == recipient]

    def suppressed(self, recipient, reason="hard-bounce", step=0):
        """Its row, once it is suppressed for this reason"""
        return self.wait(f"{recipient} to be suppressed", lambda: next(
            (r for r in self.rows(recipient) if (r["reason"], r["step"]) == (reason, step)), None))

    def history(self, recipient):
        """[(category, effect)], oldest first"""
        events = json.loads(self.operator("suppress", "history", recipient, "--json"))["events"]
        return [(e["category"], e["effect"]) for e in reversed(events)]

    def counts(self, agency=None):
        """What gatepostctl report has of an agency: {"accepted": 12, ...}"""
        found = collections.Counter()
        for row in json.loads(self.operator("report", "--agency", agency or self.agency, "--json"))["rows"]:
            found[row["what"]] += row["count"]
        return found

    def archived(self, ident):
        done = subprocess.run([self.relay.program("gatepostctl"), "-c", self.relay.config(), "archive", "get", ident],
                              stdout=subprocess.PIPE, check=True)
        return done.stdout

    def log_read(self):
        """Wait until the mail log was read to what stands in it now: a last message is told of."""
        recipient = f"end-{time.monotonic_ns()}@end.example.com"
        before = self.counts("end")["delivered"]
        with self.speaking_for("end", "127.0.9.99"):
            self.left(recipient)
        self.wait("the mail log to be read", lambda: self.counts("end")["delivered"] == before + 1)

    # --- asserting ------------------------------------------------------------------------------------------------

    def assertSuppressed(self, reply, recipient, why):
        """Refused at RCPT in the stored words, with the stored date"""
        row = self.rows(recipient)[0]
        self.assertEqual(row["why"], why)
        self.assertMilters(reply, "suppressed", f"{why}, since {row['since'][:10]}")

    def assertNothingHappened(self, recipient):
        """Neither is it suppressed nor does anything stand in its history."""
        self.assertEqual((self.rows(recipient), self.history(recipient)), ([], []))
