# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets no more mail, through a whole relay: bounces, retests, unsubscribes, complaints; and who still does."""
import concurrent.futures
import re
import time
import unittest

from returning import WORLD, Returning, complaint, dsn, one_character_off
from scene import RETURN_PATH, WIDE, agency, smtp

GONE = "550 5.1.1 No such user here"

# What a remote server says; what that is; is it a reason to suppress? One bounce each, which Postfix tells in its log and
# in a report.
REPLIES = [
    ("550 5.1.1 refused as asked", "hard-bounce", True),
    ("550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in local table", "hard-bounce", True),
    ("550 No such user here", "hard-bounce", True),
    ("553 5.3.0 this is not your day", "soft-bounce", False),
    ("554 5.0.0 this is not your day", "unknown", False),
    ("552 5.2.2 Mailbox full, quota exceeded", "mailbox-full", False),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "policy-block", False),
    ("550 5.7.1 your mail is refused by policy", "policy-block", False),
    ("550 5.7.26 This message does not pass authentication checks", "policy-block", False),
    ("554 5.7.1 Message rejected as spam", "content-rejected", False),
    ("550 5.7.28 Our system has detected an unusual rate of unsolicited mail", "rate-limited", False),
]


class Suppression(Returning):
    agencies = "\n".join([
        agency("dol", ["127.0.9.1"], ["dol.example.gov"], limits=WIDE),
        agency("news", ["127.0.9.2"], ["news.example.gov"], limits=WIDE, streams=["newsletter", "transactional"]),
        agency("end", ["127.0.9.99"], ["end.example.gov"], limits=WIDE)])

    def bounced(self, recipient, reply=GONE):
        """A message that the remote side refuses, and what that made of its recipient"""
        self.relay.sink_says(recipient, reply)
        self.send(recipient)
        return self.suppressed(recipient)

    # --- bounces --------------------------------------------------------------------------------------------------

    def test_a_bounce(self):
        """Sink, Postfix's own report, return path, LMTP, database, RCPT; two tell of it, and it counts once."""
        recipient = "jane@gone.example.com"
        before = self.counts()
        row = self.bounced(recipient)
        self.assertEqual((row["scope"], row["agency"]), ("*", "dol"))
        for address in (recipient, "Jane@GONE.example.com"):
            with smtp.Client(self.relay.port, self.source) as c:
                c.hello()
                self.assertGood(c.mail(self.sender))
                self.assertSuppressed(c.rcpt(address), recipient, GONE)
                self.assertGood(c.rcpt("joe@gone.example.com"))  # the session goes on
        self.assertLogged("milter", reason="suppressed", stage="RCPT")
        with self.speaking_for("news", "127.0.9.2"):  # another agency's mail did not bounce
            self.assertEqual(self.rows(recipient), [])
        self.wait("the report", lambda: self.messages(kind="dsn", agency="dol"))
        self.log_read()
        counts = self.counts() - before
        self.assertEqual([counts[w] for w in ("accepted", "bounced-hard-bounce", "delivered", "repeated")], [1, 1, 0, 1])
        self.assertEqual(self.history(recipient), [("hard-bounce", "suppressed")])
        self.assertIn(GONE, self.operator("suppress", "list", "--agency", "dol"))

    def test_what_is_said_means_the_same_in_log_and_report(self):
        """So that no bounce counts twice; and only what says that nobody is there suppresses."""
        before, known = self.counts(), {m["id"] for m in self.messages()}
        people = [f"someone@r{n}.example.com" for n in range(len(REPLIES))]
        for recipient, (reply, _, _) in zip(people, REPLIES):
            self.relay.sink_says(recipient, reply)
            self.send(recipient)
        self.wait("the reports", lambda: len(
            [m for m in self.messages(kind="dsn") if m["id"] not in known]) == len(people))
        self.log_read()
        for recipient, (reply, category, suppresses) in zip(people, REPLIES):
            with self.subTest(reply):
                self.assertEqual(self.history(recipient), [(category, "suppressed" if suppresses else "")])
                self.assertEqual(len(self.rows(recipient)), suppresses)
        counts = self.counts() - before
        self.assertEqual(counts["repeated"], len(REPLIES))
        self.assertEqual(sum(n for what, n in counts.items() if what.startswith("bounced-")), len(REPLIES))

    def test_not_now_is_no_bounce(self):
        """4xx: Postfix tries again and again, nothing is suppressed, then it is delivered."""
        recipient = "later@slow.example.com"
        self.relay.sink_says(recipient, "450 4.2.0 try again later")
        self.send(recipient)
        self.wait("several attempts", lambda: self.counts()["deferred-soft-bounce"] >= 3)
        self.assertNothingHappened(recipient)
        self.send(recipient)
        self.relay.sink_says(recipient, "")
        self.relay.wait_delivered(recipient, 2)

    def test_retests(self):
        """After 7 days one message of ten at once passes, and bounces: 14 days; then one is delivered, which ends it."""
        recipient = "later@moved.example.com"
        first = self.bounced(recipient)
        self.days_pass(recipient, 6.9)
        self.assertSuppressed(self.try_to_send(recipient), recipient, GONE)
        self.days_pass(recipient, 0.11)
        self.assertOnePasses(recipient)
        second = self.suppressed(recipient, step=1)
        self.assertEqual(self.history(recipient), [("hard-bounce", "suppressed"), ("hard-bounce", "retested")])
        self.assertAlmostEqual(self.days(second["retest"]), self.days(first["retest"]) + 7, delta=0.1)
        self.days_pass(recipient, 7.1)
        self.assertSuppressed(self.try_to_send(recipient), recipient, GONE)
        self.relay.sink_says(recipient, "")
        self.days_pass(recipient, 7)
        self.assertOnePasses(recipient)
        self.relay.wait_delivered(recipient)
        self.wait("it to be released", lambda: not self.rows(recipient))
        self.assertIn(("delivered", "released"), self.history(recipient))
        self.send(recipient)
        self.relay.wait_delivered(recipient, 2)

    def test_no_retest_without_memcached_saying_so(self):
        """While one retest is under way no other passes; a day later one may."""
        recipient = "slow@moved.example.com"
        self.bounced(recipient)
        self.relay.sink_says(recipient, "450 4.2.0 try again later")
        self.days_pass(recipient, 7.1)
        self.send(recipient)
        for _ in range(3):
            self.assertSuppressed(self.try_to_send(recipient), recipient, GONE)
        self.assertEqual(self.forget_claim(recipient), b"DELETED\r\n")
        self.send(recipient)
        self.relay.sink_says(recipient, "")
        self.relay.wait_delivered(recipient, 2)

    def days(self, stamp):
        return time.mktime(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")) / 86400

    def assertOnePasses(self, recipient):
        """Ten sessions that stand before RCPT, then all at once"""
        clients = [self.session(self.source) for _ in range(10)]
        for c in clients:
            self.assertGood(c.mail(self.sender))
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(lambda c: c.rcpt(recipient), clients))
        passed = [c for c, reply in zip(clients, replies) if reply.code == 250]
        self.assertEqual(len(passed), 1, replies)
        self.assertEqual({r.code for r in replies}, {250, 550})
        self.assertGood(passed[0].data(self.message(recipient, self.sender)))
        for c in clients:
            c.quit()

    # --- other systems' reports -------------------------------------------------------------------------------------

    def test_a_bounce_that_comes_later(self):
        """Delivered, and bounced behind: by the return path's token. Without a valid token nothing changes."""
        recipient = "list@behind.example.com"
        envelope, _ = self.left(recipient)
        back = envelope["mail_from"]
        self.bring_back(f"postmaster@{RETURN_PATH}", dsn(recipient))
        self.assertEqual(self.taken_in(f"postmaster@{RETURN_PATH}")["outcome"], "counted")
        self.bring_back(back, dsn("somebody-else@behind.example.com"))
        self.assertEqual(self.taken_in(back)["outcome"], "counted")
        with smtp.Client(self.relay.return_port, WORLD) as c:
            c.hello()
            c.mail("")
            self.assertPolicyds(c.rcpt(one_character_off(back)), "token-forged")
        self.assertNothingHappened(recipient)
        self.bring_back(back, dsn(recipient))
        self.suppressed(recipient)
        self.assertEqual(self.history(recipient), [("hard-bounce", "suppressed")])
        self.assertSuppressed(self.try_to_send(recipient), recipient, "550 5.1.1 user unknown")

    def test_blocked_is_not_gone(self):
        recipient = "blocked@policy.example.com"
        for n in range(3):
            envelope, _ = self.left(recipient)
            self.bring_back(envelope["mail_from"], dsn(recipient, f"550 5.7.1 [{n}] blocked by list.example.com"))
            self.assertEqual(self.taken_in(envelope["mail_from"])["outcome"], "acted")
        self.assertEqual(self.history(recipient), [("policy-block", "")] * 3)
        self.send(recipient)

    # --- unsubscribes and complaints ----------------------------------------------------------------------------------

    def newsletter(self, recipient, stream="newsletter"):
        return self.left(recipient, extra=f"X-Gatepost-Stream: {stream}\r\n" if stream else "")

    def streams(self, recipient):
        """Which streams still reach this recipient"""
        reached = {}
        for stream in ("newsletter", "transactional", ""):
            reply = self.try_to_send(recipient, extra=f"X-Gatepost-Stream: {stream}\r\n" if stream else "")
            reached[stream] = reply.code
        return reached

    @staticmethod
    def mailto(octets):
        """(address, subject) of the List-Unsubscribe header"""
        return re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", octets.decode()).groups()

    def test_unsubscribe_by_mail(self):
        """One stream ends, the others go on. An out-of-office to the same address is nobody's wish."""
        recipient = "reader@example.com"
        with self.speaking_for("news", "127.0.9.2"):
            _, octets = self.newsletter(recipient)
            self.assertNotIn(b"X-Gatepost-Stream", octets)
            to, subject = self.mailto(octets)
            for extra in ("Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n"):
                self.bring_back(to, smtp.message("Out of office", to, recipient, extra=extra), recipient)
            self.wait("both", lambda: len(self.messages(recipient=to, outcome="ignored")) == 2)
            self.bring_back(to, dsn(recipient))  # b7: a bounce of the address is none, either
            self.wait("the bounce", lambda: len(self.messages(recipient=to, outcome="ignored")) == 3)
            self.assertEqual(self.rows(recipient), [])
            before = self.counts()
            for _ in range(2):  # somebody who presses twice
                self.bring_back(to, smtp.message(subject, to, recipient), recipient)
            row = self.suppressed(recipient, "unsubscribe")
            self.assertEqual(row["scope"], "newsletter")
            self.assertEqual(self.streams(recipient), {"newsletter": 550, "transactional": 250, "": 550})
            self.wait("both", lambda: len(self.messages(recipient=to, outcome="acted")) == 2)
            self.assertEqual((self.counts() - before)["unsubscribes"], 1)

    def test_unsubscribe_from_an_agency_without_streams(self):
        """The address alone, without the subject, when it is the recipient's own; everything ends."""
        recipient = "reader@example.net"
        to, _ = self.mailto(self.left(recipient)[1])
        self.bring_back(to, smtp.message("please no more", to, recipient), recipient)
        self.suppressed(recipient, "unsubscribe")
        self.assertSuppressed(self.try_to_send(recipient), recipient, "the recipient unsubscribed")

    def test_complaint(self):
        """A provider's report with the headers as delivered, whatever address it comes to; transactional mail goes on."""
        with self.speaking_for("news", "127.0.9.2"):
            for n, to in enumerate(("abuse", "return path")):
                with self.subTest(to):
                    recipient = f"annoyed{n}@example.com"
                    envelope, octets = self.newsletter(recipient)
                    address = f"abuse@{RETURN_PATH}" if to == "abuse" else envelope["mail_from"]
                    before = self.counts()
                    self.bring_back(address, complaint(octets), "feedback@fbl.example.com")
                    row = self.suppressed(recipient, "complaint")
                    self.assertEqual(row["scope"], "bulk")
                    self.assertEqual(self.streams(recipient), {"newsletter": 550, "transactional": 250, "": 550})
                    self.assertEqual((self.counts() - before)["complaints"], 1)
                    self.bring_back(address, complaint(octets, "not-spam"), "feedback@fbl.example.com")
                    self.wait("it to be taken back", lambda: not self.rows(recipient))

    def test_complaint_without_proof(self):
        """The same with each token changed by one character: nobody is believed."""
        recipient = "victim@example.com"
        with self.speaking_for("news", "127.0.9.2"):
            envelope, octets = self.newsletter(recipient)
            tokens = set(re.findall(r"[bu][a-z2-7]{32}|[A-Za-z0-9_-]{60,}(?=[\s>?])", octets.decode()))
            self.assertGreaterEqual(len(tokens), 2)
            forged = octets.decode()
            for token in tokens:
                forged = forged.replace(token, one_character_off(token))
            before = len(self.messages(recipient=f"abuse@{RETURN_PATH}"))
            report = complaint(forged.encode(), mail_from=one_character_off(envelope["mail_from"]))
            self.bring_back(f"abuse@{RETURN_PATH}", report, "feedback@fbl.example.com")
            self.wait("it", lambda: len(self.messages(recipient=f"abuse@{RETURN_PATH}")) == before + 1)
            self.assertEqual(self.taken_in(f"abuse@{RETURN_PATH}")["outcome"], "counted")
            self.assertNothingHappened(recipient)
            self.assertEqual(self.streams(recipient)["newsletter"], 250)


if __name__ == "__main__":
    unittest.main()
