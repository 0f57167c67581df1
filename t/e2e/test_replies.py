# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the reply table, in its exact words, and what must not happen beside it."""
import unittest

from scene import Scene, WIDE, agency

KIB = 1024


def wide(name, last, **limits):
    return agency(name, [f"127.0.3.{last}"], [f"{name}.example.gov"], limits={**WIDE, **limits})


class Replies(Scene):
    agencies = "\n".join([
        wide("plain", 1), wide("neighbour", 2), wide("sized", 3, message_size="20K"), wide("rated", 4, rate=["3/1h"]),
        wide("windows", 5, rate=["100/1m", "2/1h"]), wide("packed", 6, package="2/month"),
        wide("narrow", 7, sessions="2"), wide("short", 8, messages_per_session="2"), wide("brief", 9, session_time="2s"),
        wide("held", 10),
        agency("pair", ["127.0.3.11"], ["pair.example.gov"], standby=["127.0.3.12"],
               limits={**WIDE, "rate": ["2/1h"], "sessions": "2"}),
        agency("six", ["::1"], ["six.example.gov"], limits=WIDE),
        agency("domains", ["127.0.3.13"], ["one.example.gov", ".two.example.gov"], limits=WIDE),
    ])

    def test_stranger(self):
        c = self.connect("127.0.3.99")
        self.assertPolicyds(c.greeting, "not-permitted")
        for line in ("EHLO x.test", "MAIL FROM:<app@plain.example.gov>", "RCPT TO:<stranger@example.com>", "DATA"):
            self.assertIn(c.say(line).code, (503, 554))
        self.assertNotDelivered("stranger@example.com")
        self.assertLogged("policyd", client="127.0.3.99", reason="not-permitted", code="554", queue_id="NOQUEUE")

    def test_ipv6_address(self):
        c = self.session("::1")
        self.assertGood(self.submit(c, "app@six.example.gov", "six@example.com"))
        self.assertDelivered("six@example.com")

    def test_second_recipient(self):
        c = self.session("127.0.3.1")
        before = self.charged("plain")
        self.assertGood(c.mail("app@plain.example.gov"))
        self.assertGood(c.rcpt("first@example.com"))
        for n in range(2, 51):
            self.assertMilters(c.rcpt(f"later{n}@example.com"), "recipient-limit")
        self.assertGood(c.data(self.message("first@example.com", "app@plain.example.gov")))
        self.assertGood(self.submit(c, "app@plain.example.gov", "next@example.com"))
        self.assertDelivered("first@example.com")
        self.assertDelivered("next@example.com")
        self.assertFalse([r for r in self.recipients() if r.startswith("later")])
        self.assertEqual(self.charged("plain"), before + 2)
        self.assertLogged("milter", client="127.0.3.1", agency="plain", reason="recipient-limit", code="452")

    def test_second_recipient_pipelined(self):
        c = self.session("127.0.3.1")
        c.send(b"MAIL FROM:<app@plain.example.gov>\r\nRCPT TO:<piped@example.com>\r\nRCPT TO:<p2@example.com>\r\nDATA\r\n")
        self.assertEqual([c.read().code for _ in range(4)], [250, 250, 452, 354])
        self.assertGood(c.body(self.message("piped@example.com", "app@plain.example.gov")))
        self.assertDelivered("piped@example.com")
        self.assertNotDelivered("p2@example.com")

    def test_recipient_syntax(self):
        c = self.session("127.0.3.1")
        self.assertGood(c.mail("app@plain.example.gov"))
        for path in ("<.a@example.com>", "<a.@example.com>", "<a..b@example.com>", "<a@>", "<>", "<a b@example.com>",
                     "<a>", "<@example.com>", "<a@exam_ple.com>", "<a@example..com>", "<a@.example.com>",
                     "<a@-example.com>", "<a@[300.1.2.3]>", "<a,b@example.com>", '<"a@example.com>', "<a@example.com",
                     "a@example.com>x", f"<{'a' * 65}@example.com>", f"<a@{'x' * 64}.com>"):
            with self.subTest(path):
                self.assertMilters(c.say(f"RCPT TO:{path}"), "recipient-syntax")
        for good in ('"a b"@example.com', "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", f"{'a' * 64}@example.com"):
            with self.subTest(good):
                self.assertGood(c.rcpt(good))
                self.assertGood(c.say("RSET"))
                self.assertGood(c.mail("app@plain.example.gov"))

    def test_recipient_syntax_utf8(self):
        c = self.session("127.0.3.1")
        self.assertGood(c.mail("app@plain.example.gov"))
        self.assertMilters(c.rcpt("jürgen@example.com"), "recipient-syntax")
        c.say("RSET")
        self.assertGood(c.mail("app@plain.example.gov", "SMTPUTF8"))
        self.assertGood(c.rcpt("jürgen@example.com"))
        self.assertGood(c.data(self.message("jürgen@example.com", "app@plain.example.gov")))
        self.assertDelivered("jürgen@example.com")

    def test_sender_domain(self):
        c = self.session("127.0.3.13")
        before = self.charged("domains")
        for sender in ("a@example.gov", "a@sub.one.example.gov", "a@two.example.gov", "a@one.example.gov.evil.example",
                       "a@plain.example.gov", "a", '"a@one.example.gov"@evil.example'):
            with self.subTest(sender):
                self.assertMilters(c.mail(sender), "sender-domain")
        for sender in ("a@one.example.gov", "a@ONE.Example.GOV", "a@x.two.example.gov", "a@y.x.two.example.gov"):
            with self.subTest(sender):
                self.assertGood(c.mail(sender))
                self.assertGood(c.say("RSET"))
        self.assertEqual(self.charged("domains"), before)

    def test_null_sender(self):
        c = self.session("127.0.3.1")
        self.assertGood(c.mail(""))
        self.assertGood(c.rcpt("null@example.com"))
        self.assertMilters(c.data(self.message("null@example.com", "x@elsewhere.example")), "sender-domain")
        self.assertGood(c.submit("", "null@example.com", self.message("null@example.com", "x@plain.example.gov")))
        envelope, _ = self.relay.wait_delivered("null@example.com")[0]
        self.assertEqual(envelope["mail_from"], "")

    def test_declared_size(self):
        c = self.session("127.0.3.3")
        self.assertMilters(c.mail("app@sized.example.gov", f"SIZE={20 * KIB + 1}"), "message-size")
        self.assertGood(c.mail("app@sized.example.gov", f"SIZE={20 * KIB}"))

    def test_real_size(self):
        sender = "app@sized.example.gov"
        before = self.charged("sized")
        for octets, accepted in ((20 * KIB, True), (20 * KIB + 1, False), (100 * KIB, False)):
            with self.subTest(octets):
                c = self.session("127.0.3.3")
                recipient = f"size{octets}@example.com"
                head = self.message(recipient, sender, body="")
                body = "x" * 70 + "\r\n"
                text = head + body * ((octets - len(head)) // 72)
                text += "y" * (octets - len(text) - 2) + "\r\n" if octets - len(text) >= 2 else ""
                self.assertEqual(len(text), octets)
                reply = c.submit(sender, recipient, text)
                if accepted:
                    self.assertGood(reply)
                    self.assertDelivered(recipient)
                else:
                    self.assertMilters(reply, "message-size")
                    self.assertGood(self.submit(c, sender, f"after{octets}@example.com"))
        self.assertNotDelivered(f"size{20 * KIB + 1}@example.com", f"size{100 * KIB}@example.com")
        self.assertEqual(self.charged("sized"), before + 3)

    def used_up(self, source, sender, reason, left):
        """`left` messages are left: the one too many in both programs' words, and nothing of it at the sink."""
        name = sender.partition("@")[2].partition(".")[0]
        waiting = self.past_rcpt(source, sender, f"{name}-late@example.com")
        c = self.session(source)
        for n in range(left):
            self.assertGood(self.submit(c, sender, f"{name}{n}@example.com"))
        before = self.charged(name)
        self.assertMilters(waiting.data(self.message("x@example.com", sender)), reason)
        self.assertGood(c.mail(sender))
        self.assertPolicyds(c.rcpt(f"{name}-more@example.com"), reason)
        self.assertEqual(self.charged(name), before)
        with self.relay.client("127.0.3.2") as neighbour:
            neighbour.hello()
            self.assertGood(self.submit(neighbour, "app@neighbour.example.gov", f"beside-{name}@example.com"))
        self.assertNotDelivered(f"{name}-late@example.com", f"{name}-more@example.com")

    def test_rate(self):
        self.used_up("127.0.3.4", "app@rated.example.gov", "rate", 3)

    def test_every_window_holds(self):
        self.used_up("127.0.3.5", "app@windows.example.gov", "rate", 2)

    def test_package(self):
        self.used_up("127.0.3.6", "app@packed.example.gov", "package", 2)
        self.assertIn("warning", self.relay.log("milter"))

    def test_session_limit(self):
        a, b = self.session("127.0.3.7"), self.session("127.0.3.7")
        third = self.connect("127.0.3.7")
        self.assertPolicyds(third.greeting, "session-limit")
        self.assertTrue(third.closed_by_server())
        self.session("127.0.3.2")
        self.assertEqual(self.open_sessions("narrow"), 2)
        b.quit()
        self.wait("a place", lambda: self.open_sessions("narrow") == 1)
        c = self.session("127.0.3.7")
        a.drop()
        c.drop()
        self.wait("no session", lambda: self.open_sessions("narrow") == 0)

    def test_silent_clients_hold_sessions(self):
        """A session is taken at connect: one that says nothing counts from its greeting on."""
        silent = [self.connect("127.0.3.7") for _ in range(2)]
        self.assertEqual([c.greeting.code for c in silent], [220, 220])
        self.assertPolicyds(self.connect("127.0.3.7").greeting, "session-limit")
        for c in silent:
            c.close()
        self.wait("no session", lambda: self.open_sessions("narrow") == 0)

    def test_messages_per_session(self):
        c = self.session("127.0.3.8")
        for n in range(2):
            self.assertGood(self.submit(c, "app@short.example.gov", f"short{n}@example.com"))
        self.assertMilters(c.mail("app@short.example.gov"), "messages-per-session")
        self.assertTrue(c.closed_by_server())
        self.assertGood(self.submit(self.session("127.0.3.8"), "app@short.example.gov", "short2@example.com"))
        self.assertDelivered("short2@example.com")

    def test_session_time(self):
        c = self.session("127.0.3.9")
        answers = []

        def ended():
            answers.append(c.mail("app@brief.example.gov"))
            return answers[-1].code == 421 or c.say("RSET").code != 250
        self.assertTrue(self.wait("the session's end", ended))
        self.assertGood(answers[0])
        self.assertMilters(answers[-1], "session-time")
        self.session("127.0.3.9").quit()

    def hold(self, words, undo, reason, why):
        """At CONNECT, at RCPT of an open session, not for the neighbour, and lifted."""
        opened = self.session("127.0.3.10")
        self.assertGood(opened.mail("app@held.example.gov"))
        self.operator(*words)

        def greeting():
            with self.relay.client("127.0.3.10") as c:
                return c.greeting
        self.wait("the hold", lambda: greeting().code != 220)
        self.assertPolicyds(greeting(), reason, why)
        self.assertPolicyds(opened.rcpt("held@example.com"), reason, why)
        self.session("127.0.3.2")
        self.operator(*undo)
        self.wait("its end", lambda: greeting().code == 220)
        self.assertNotDelivered("held@example.com")

    def test_blocked(self):
        self.hold(["block", "held", "--reason", "100% spam"], ["unblock", "held"], "blocked", "100% spam")
        self.hold(["block", "127.0.3.10", "--reason", "host"], ["unblock", "127.0.3.10"], "blocked", "host")

    def test_blocked_temporarily(self):
        self.hold(["block", "held", "--for", "1h", "--reason", "loop"], ["unblock", "held"], "blocked-temporarily", "loop")
        self.hold(["block", "127.0.3.10", "--for", "1h", "--reason", "loop"], ["unblock", "127.0.3.10"],
                  "blocked-temporarily", "loop")

    def test_paused(self):
        self.hold(["pause", "held", "--reason", "looking"], ["resume", "held"], "paused", "looking")

    def test_standby_shares_the_allowance(self):
        a, b = self.session("127.0.3.11"), self.session("127.0.3.12")
        self.assertPolicyds(self.connect("127.0.3.12").greeting, "session-limit")
        self.assertGood(self.submit(a, "app@pair.example.gov", "pair1@example.com"))
        self.assertGood(self.submit(b, "app@pair.example.gov", "pair2@example.com"))
        self.assertGood(b.mail("app@pair.example.gov"))
        self.assertPolicyds(b.rcpt("pair3@example.com"), "rate")

    def test_no_dsn_no_vrfy_no_relay_by_percent(self):
        c = self.session("127.0.3.1")
        self.assertNotIn("DSN", c.hello().text)
        self.assertEqual(c.say("VRFY postmaster").code, 502)
        self.assertGood(c.mail("app@plain.example.gov"))
        self.assertEqual(c.say("RCPT TO:<a@example.com> NOTIFY=NEVER").code, 501)
        self.assertGood(c.rcpt("percent%example.com@example.org"))
        self.assertGood(c.data(self.message("x@example.org", "app@plain.example.gov")))
        self.assertDelivered("percent%example.com@example.org")


if __name__ == "__main__":
    unittest.main()
