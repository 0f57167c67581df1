# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback reads the mail log: what each line brings about."""
import contextlib
import os
import sqlite3
import time
import unittest

import feedback_case
import mail_log
from feedback_case import address, bounce, token
from mail_log import counts

JANE = "jane@example.com"


class LogCase(feedback_case.Case):
    def follow(self, dictionary=""):
        """A daemon that follows a log that does not exist yet."""
        relay = feedback_case.Feedback()
        self.addCleanup(relay.close)
        relay.configure(mail_log=relay.path("mail.log"))
        with open(relay.path("dictionary", "more.dict"), "w") as f:
            f.write(dictionary + "\n")
        return relay.start(), mail_log.MailLog(relay.path("mail.log"))

    def events(self, relay, recipient=JANE):
        return relay.query("SELECT category, source, effect, reply, status, diagnostic FROM event WHERE address = ?"
                           " ORDER BY id", recipient)


class TestResults(LogCase):
    def test_delivered(self):
        relay, log = self.follow()
        for _ in range(3):
            log.message(JANE)
        log.message("Joe@Example.ORG", agency="dos")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 3, "delivered": 3})
        self.assertEqual(relay.query("SELECT provider, count FROM stat WHERE what = 'delivered' ORDER BY provider"),
                         [("example.com", 3), ("example.org", 1)])
        self.assertEqual(relay.query("SELECT token FROM queued"), [(token("the-end@example.com", agency="dos",
                                                                         number=log.numbers),)])

    def test_refused(self):
        relay, log = self.follow()
        log.message(JANE, "refused")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "bounced-hard-bounce": 1})
        self.assertEqual(self.events(relay), [("H", "log", "suppressed", "550", "5.1.1", "550 5.1.1 user unknown")])
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])
        self.assertIn("550 5.1.1 user unknown", relay.ctl("suppress", "list"))

    def test_the_report_of_the_same_bounce_counts_once(self):
        for log_first in (True, False):
            relay, log = self.follow()
            queue_id = log.active(JANE, number=7)
            report = bounce(JANE, headers=f"Return-Path: <{address(JANE, number=7)}>\r\n")
            if log_first:
                log.refused(queue_id, JANE)
                log.settle(relay)
            self.kept(self.client(relay).deliver(report, address(JANE, number=7)))
            if not log_first:
                log.refused(queue_id, JANE)
            log.settle(relay)
            self.assertEqual(counts(relay), {"accepted": 1, "bounced-hard-bounce": 1, "repeated": 1})
            self.assertEqual([e[1] for e in self.events(relay)], ["log" if log_first else "mail"])

    def test_a_delivery_clears(self):
        relay, log = self.follow()
        queue_id = log.active(JANE)
        log.refused(queue_id, JANE, "452 4.2.2 mailbox full", dsn="4.2.2")
        log.settle(relay)
        self.assertEqual(relay.query("SELECT address, category FROM failure"), [(JANE, "M")])
        log.message(JANE)
        log.settle(relay)
        self.assertEqual(relay.query("SELECT address, category FROM failure"), [])
        log.message(JANE, "refused")
        log.settle(relay)
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])
        log.message(JANE, agency="dos")  # of another agency
        log.settle(relay)
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])
        log.message(JANE)  # the retest
        log.settle(relay)
        self.assertEqual(list(relay.suppressed()), [])

    def test_deferred(self):
        relay, log = self.follow()
        queue_id = log.active(JANE)
        log.deferred(queue_id, JANE)
        log.result(queue_id, JANE, "deferred", "connect to mx.example.com[192.0.2.1]:25: Connection timed out",
                   dsn="4.4.1", relay="none")
        log.deferred(queue_id, JANE, "452 4.2.2 mailbox full")
        log.active(JANE, queue_id, number=1)  # each retry says it again
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "deferred-soft-bounce": 2, "deferred-mailbox-full": 1})
        self.assertEqual(self.events(relay), [])
        self.assertEqual(relay.query("SELECT * FROM failure"), [])
        log.result(queue_id, JANE)
        log.removed(queue_id)
        log.settle(relay)
        self.assertEqual(counts(relay)["delivered"], 1)

    def test_copies_of_a_reply_are_none(self):
        relay, log = self.follow()
        first, second = log.active(JANE), log.active("joe@example.com")
        log.deferred(first, JANE, "421 4.7.0 something nobody knows")
        log.result(second, "joe@example.com", "deferred", "delivery temporarily suspended: host mx.example.com[192.0.2.1]"
                   " said: 421 4.7.0 something nobody knows", dsn="4.7.0", relay="none")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "deferred-soft-bounce": 1})
        self.assertEqual(relay.query("SELECT sample, count FROM unclassified"), 
                         [("421 4.7.0 something nobody knows", 1)])

    def test_expired(self):
        relay, log = self.follow()
        queue_id = log.active(JANE)
        log.deferred(queue_id, JANE, "452 4.2.2 mailbox full")
        log.expired(queue_id)
        log.removed(queue_id)
        other = log.active("joe@example.com")
        log.result(other, "joe@example.com", "deferred", "delivery temporarily suspended: lost connection with "
                   "mx.example.com[192.0.2.1] while receiving the initial server greeting", dsn="4.4.2", relay="none")
        log.expired(other)
        log.removed(other)
        log.expired(log.active("never-tried@example.com"))
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 3, "deferred-mailbox-full": 1, "bounced-mailbox-full": 1,
                                         "bounced-soft-bounce": 1})
        self.assertEqual(self.events(relay), [("M", "log", "", "452", "4.2.0", "452 4.2.2 mailbox full")])
        self.assertEqual(relay.suppressed(), {})

    def test_greylisting_is_no_delay_and_no_bounce(self):
        relay, log = self.follow("* | 4xx | * | greylisted | soft-bounce | greylisting")
        queue_id = log.active(JANE)
        log.deferred(queue_id, JANE, "451 4.7.1 greylisted, come again", delay="300")
        log.deferred(queue_id, JANE, "451 4.7.1 greylisted, come again", delay="4000")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "deferred-greylisting": 1, "deferred-soft-bounce": 1})

    def test_aliases(self):
        relay, log = self.follow()
        queue_id = log.active(JANE)
        log.refused(queue_id, "elsewhere@example.net", original=JANE)
        log.settle(relay)
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])

    def test_time_of_the_line(self):
        """What is read late counts where it belongs."""
        relay, log = self.follow()
        then = int(time.time()) - 3 * 86400
        queue_id = log.active(JANE, days_old=3)
        log.result(queue_id, JANE, at=time.strftime("%Y-%m-%dT%H:%M:%S.000001+00:00", time.gmtime(then)))
        log.refused(queue_id, JANE, at=mail_log.stamp(then))
        log.settle(relay)
        self.assertEqual(relay.query("SELECT at FROM stat WHERE what = 'delivered'"), [(then // 600 * 600,)])
        self.assertEqual(relay.query("SELECT since_ms FROM suppression"), [(then * 1000,)])


class TestWhoseMail(LogCase):
    """Nothing counts but mail of ours, about the recipient it was for."""

    def test_not_ours(self):
        relay, log = self.follow()
        forged = "b" + token(JANE)[1:-1] + ("a" if token(JANE)[-1] != "a" else "b")
        for sender in ("", "app@dol.gov", f"{forged}@{feedback_case.DOMAIN}", f"{token(JANE)}@example.com",
                       address(JANE, letter="u"), address(JANE, agency="unknown"), address(JANE, domain="example.com")):
            queue_id = log.active(JANE, sender=sender)
            log.refused(queue_id, JANE)
            log.removed(queue_id)
        log.refused(log.new_id(), JANE)
        log.settle(relay)
        self.assertEqual(counts(relay), {})
        self.assertEqual(relay.suppressed(), {})

    def test_another_recipient(self):
        relay, log = self.follow()
        log.refused(log.active(JANE), "victim@example.com")
        log.refused(log.active(JANE), "victim@example.com", original="other@example.com")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2})
        self.assertEqual(relay.suppressed(), {})

    def test_a_queue_id_comes_again(self):
        relay, log = self.follow()
        queue_id = log.active(JANE, "1D111A8496D", number=1)
        log.result(queue_id, JANE)  # "removed" was lost
        log.active("joe@example.com", queue_id, number=2)
        log.refused(queue_id, JANE)
        log.refused(queue_id, "joe@example.com")
        log.active(JANE, queue_id, sender="app@dol.gov")
        log.refused(queue_id, "joe@example.com", "550 5.1.1 user unknown again")
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 1, "bounced-hard-bounce": 1})
        self.assertEqual(list(relay.suppressed()), [("joe@example.com", "dol")])

    def test_two_instances(self):
        relay, log = self.follow()
        other = mail_log.MailLog(log.path, "postfix-out")
        log.active(JANE, "1D111A8496D", number=1)
        other.active("joe@example.com", "1D111A8496D", number=2)
        other.result("1D111A8496D", "joe@example.com")
        other.removed("1D111A8496D")
        log.result("1D111A8496D", JANE)
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 2})

    def test_hostile_texts(self):
        relay, log = self.follow()
        victim = log.active("victim@example.com")
        queue_id = log.active(JANE)
        fake = (f"{victim}: to=<victim@example.com>, relay=x[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, "
                "status=bounced (host x[192.0.2.1] said: 550 5.1.1 user unknown (in reply to RCPT TO command))")
        line = log.line("smtp", fake).decode()
        for text in (fake, line, ")?" + line, "\x00\x1b[2J\xff odd", "%s%n" * 50, "'); DROP TABLE queued;--",
                     "x" * 3000):
            log.deferred(queue_id, JANE, "450 " + text)
            log.say("smtpd", f"NOQUEUE: reject: RCPT from x[192.0.2.9]: 550 5.1.1 x; from=<{fake}> helo=<{line.strip()}>")
            log.say("cleanup", f"{queue_id}: message-id=<{fake}>")
        log.write(log.line("smtp", f"{queue_id}: to=<{JANE}>, relay=none, delay=1, delays=1/0/0/0, dsn=4.0.0, "
                           "status=deferred (odd too: ~~)").replace(b"~~", b"\xff\xc3"))
        log.write(b"\x00" * 5000 + b"\xff" * 20000 + b"\n" + b"x" * 100000 + b"\n")
        log.settle(relay)
        self.assertEqual(relay.suppressed(), {})
        self.assertEqual(counts(relay), {"accepted": 2, "deferred-soft-bounce": 8})
        texts = [t for t, in relay.query("SELECT sample FROM unclassified")]
        self.assertIn("odd too: ??", texts)
        self.assertIn("450 ??[2J\xff odd", texts)
        self.assertTrue(all(t.isprintable() for t in texts), texts)


class TestSettings(LogCase):
    def test_nothing_is_followed(self):
        relay = self.start()
        log = mail_log.MailLog(relay.path("mail.log"))
        log.message(JANE)
        relay.configure(mail_log=log.path)
        relay.reload()
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "delivered": 1})

    def test_another_source(self):
        """What another source showed already is not counted again."""
        relay, log = self.follow()
        log.message(JANE)
        log.settle(relay)
        other = mail_log.MailLog(relay.path("other.log"))
        os.link(log.path, other.path)
        relay.configure(mail_log=other.path)
        relay.reload()
        relay.wait_log("reading " + other.path)
        other.numbers = log.numbers
        other.message(JANE)
        other.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 2})

    def test_no_dictionary_yet(self):
        relay = feedback_case.Feedback()
        self.addCleanup(relay.close)
        log = mail_log.MailLog(relay.path("mail.log"))
        relay.configure(mail_log=log.path, dictionaries=[relay.path("spool")])
        log.message(JANE)
        relay.start()
        relay.wait_log("dictionar")
        self.assertEqual(relay.query("SELECT * FROM log_position"), [])
        relay.configure(dictionaries=[relay.path("dictionary")])
        relay.reload()
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "delivered": 1})

    def test_the_database_is_locked(self):
        """Longer than anybody waits for it: then everything since the last place comes again."""
        relay, log = self.follow()
        log.message(JANE)
        log.settle(relay)
        with contextlib.closing(sqlite3.connect(relay.path("db", "gatepost.db"), isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            log.message(JANE)
            relay.wait_log("lines of the mail log are not acted on")
            log.message(JANE)
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 3, "delivered": 3})
        self.assertEqual(relay.log().count("lines of the mail log are not acted on"), 1)

    def test_agencies_come_and_go(self):
        relay, log = self.follow()
        queue_id = log.active(JANE)
        log.settle(relay)
        relay.configure(agencies=feedback_case.sample.agency("dos", ["192.0.2.20"], ["dos.gov"]))
        relay.reload()
        log.result(queue_id, JANE)
        log.message(JANE)
        log.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 1, "delivered": 1})


if __name__ == "__main__":
    unittest.main()
