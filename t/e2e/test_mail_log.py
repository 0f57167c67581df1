# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Postfix's log: what became of each message is counted once, while the log is rotated in mid-stream."""
import contextlib
import os
import shutil
import signal
import sqlite3
import unittest

from scene import WIDE, Scene, agency


class MailLog(Scene):
    agencies = "\n".join([agency("dol", ["127.0.6.11"], ["dol.example.gov"], limits=WIDE),
                          agency("census", ["127.0.6.12"], ["census.example.gov"], limits=WIDE),
                          agency("treasury", ["127.0.6.14"], ["treasury.example.gov"], limits=WIDE),
                          agency("parks", ["127.0.6.13"], ["parks.example.gov"], limits=WIDE)])

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay.changes["mail_log"] = cls.relay.postfix.log
        cls.relay.write_configuration()
        os.kill(cls.relay.feedback.pid, signal.SIGUSR1)

    def query(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.relay.path('db', 'gatepost.db')}?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def counts(self, name):
        return dict(self.query("SELECT what, sum(count) FROM stat WHERE agency = ? GROUP BY what", name))

    def expect(self, name, **want):
        want = {what.replace("_", "-"): n for what, n in want.items()}
        try:
            self.wait("the counts", lambda: self.counts(name) == want, 30)
        finally:
            self.assertEqual(self.counts(name), want)

    def send(self, source, sender, *recipients):
        c = self.session(source)
        for recipient in recipients:
            self.assertGood(self.submit(c, sender, recipient))

    def test_what_became_of_each(self):
        refused, delayed = "reject-550-nobody@example.com", "reject-451-later@example.com"
        self.send("127.0.6.11", "app@dol.example.gov", "a@example.com", "b@example.com", refused, delayed)
        self.wait("both ways to tell of the bounce", lambda: self.counts("dol").get("repeated") == 1, 30)
        self.wait("a second attempt", lambda: self.counts("dol").get("deferred-soft-bounce", 0) >= 2, 30)
        counts = self.counts("dol")
        self.assertEqual((counts["accepted"], counts["delivered"], counts["bounced-hard-bounce"]), (4, 2, 1), counts)
        self.assertEqual(self.query("SELECT address FROM suppression WHERE agency = 'dol'"), [(refused,)])
        self.assertEqual(self.query("SELECT count(*) FROM event WHERE address = ?", refused), [(1,)])
        self.assertEqual(len(self.query("SELECT id FROM queued WHERE recipient = ?", delayed)), 1)
        # the next one is refused here already
        c = self.session("127.0.6.11")
        self.assertGood(c.mail("app@dol.example.gov"))
        self.assertEqual(c.rcpt(refused).code, 550)

    def postfix(self, word):
        done = self.relay.postfix.command(word)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_renamed(self):
        """As logrotate does it, with create: Postfix goes on in the old file until it is told."""
        log = self.relay.postfix.log
        for i in range(3):
            self.send("127.0.6.12", "app@census.example.gov", *[f"r{i}-{n}@example.com" for n in range(20)])
            os.rename(log, f"{log}-2026112{i}")
            os.close(os.open(log, os.O_WRONLY | os.O_CREAT, 0o644))
            self.send("127.0.6.12", "app@census.example.gov", *[f"s{i}-{n}@example.com" for n in range(5)])
            self.postfix("reload")
        self.send("127.0.6.12", "app@census.example.gov", "last@example.com")
        self.expect("census", accepted=76, delivered=76)
        self.assertNotIn("was not read", self.relay.log("feedback"))

    def test_postfix_logrotate(self):
        """It makes a file that only root can read, and compresses the old one after a second."""
        log = self.relay.postfix.log
        self.send("127.0.6.14", "app@treasury.example.gov", *[f"r{n}@example.com" for n in range(20)])
        self.postfix("logrotate")
        self.send("127.0.6.14", "app@treasury.example.gov", "last@example.com")
        os.chmod(log, 0o600)
        self.wait("the trouble to be told", lambda: f"waiting for {log}" in self.relay.log("feedback"))
        os.chmod(log, 0o644)
        self.expect("treasury", accepted=21, delivered=21)

    def test_copied_and_emptied(self):
        """Between the copy and the emptying lines may be lost for everybody: not while Postfix has nothing to say."""
        for i in range(3):
            self.send("127.0.6.13", "app@parks.example.gov", *[f"r{i}-{n}@example.org" for n in range(20)])
            self.wait("Postfix to have said it", lambda: self.relay.log("mail").count(f" to=<r{i}-") == 20)
            shutil.copyfile(self.relay.postfix.log, self.relay.postfix.log + f".{3 - i}")
            os.truncate(self.relay.postfix.log, 0)
        self.send("127.0.6.13", "app@parks.example.gov", "last@example.org")
        self.expect("parks", accepted=61, delivered=61)


if __name__ == "__main__":
    unittest.main()
