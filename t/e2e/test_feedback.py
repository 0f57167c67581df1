# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back, through a whole relay: our own bounces suppress, people's mail reaches the agency, nothing loops."""
import email
import json
import os
import unittest

from scene import RETURN_PATH, WIDE, Scene, agency, process, smtp

WORLD = "127.0.6.200"


class Feedback(Scene):
    agencies = "\n".join([agency("dol", ["127.0.6.1"], ["dol.example.gov"], limits=WIDE),
                          agency("other", ["127.0.6.2"], ["other.example.gov"], limits=WIDE)])
    raising = {"changes": {"operator": "chief@hq.example.gov"}}

    def left(self, recipient):
        """(return path, message) of a message that left for this recipient"""
        c = self.session("127.0.6.1")
        self.assertGood(self.submit(c, "app@dol.example.gov", recipient))
        envelope, data = self.relay.wait_delivered(recipient)[0]
        return envelope["mail_from"], data

    def bring_back(self, recipient, octets, sender=""):
        c = self.session(WORLD, port=self.relay.return_port)
        self.assertGood(c.submit(sender, recipient, octets))

    def messages(self):
        return json.loads(self.operator("archive", "list", "--last", "1000", "--json"))["messages"]

    def outcome(self, recipient):
        return self.wait("what became of it", lambda: next(
            (m for m in self.messages() if m["recipient"] == recipient), None))

    def test_our_own_bounce(self):
        """The sink refuses, Postfix bounces to the return path, the address is suppressed, the message is archived."""
        recipient = "reject-550-gone@example.com"
        c = self.session("127.0.6.1")
        self.assertGood(self.submit(c, "app@dol.example.gov", recipient))
        found = self.wait("the bounce", lambda: next((m for m in self.messages() if m["kind"] == "dsn" and
                                                      m["agency"] == "dol"), None), 30)
        self.assertEqual(found["outcome"], "acted")
        self.assertIn(f"about={recipient}", self.relay.log("feedback"))
        octets = self.relay.ctl("archive", "get", found["id"][:10]).stdout
        self.assertIn("X-Gatepost-Ref: ", octets)

    def test_people(self):
        """An answer to the return path reaches the agency's contact, one to postmaster the operator; answers to it end."""
        back, _ = self.left("people@example.com")
        self.bring_back(back, self.message(back, "jane@example.com", subject="I have a question"), "jane@example.com")
        self.bring_back(f"postmaster@{RETURN_PATH}", self.message("x", "joe@example.com", subject="Who are you"), "joe@example.com")
        for to, sender, subject in (("mail-ops@dol.example.gov", "jane@example.com", "I have a question"),
                                    ("chief@hq.example.gov", "joe@example.com", "Who are you")):
            envelope, octets = self.relay.wait_delivered(to)[0]
            self.assertEqual(envelope["mail_from"], "")
            letter = email.message_from_bytes(octets)
            self.assertEqual(letter["To"], to)
            self.assertEqual(letter["Reply-To"], sender)
            self.assertEqual(letter["Auto-Submitted"], "auto-generated")
            text, original = letter.get_payload()
            self.assertEqual(original.get_content_type(), "message/rfc822")
            self.assertEqual(original.get_payload(0)["Subject"], subject)
        # what was sent on comes back, as it would from a contact whose mail is forwarded here: it ends here
        self.bring_back(back, octets.decode(), "mail-ops@dol.example.gov")
        self.wait("it to be ignored", lambda: [m["outcome"] for m in self.messages() if m["recipient"] == back]
                  .count("ignored") == 1)
        self.relay.settled()
        self.assertEqual(len([d for d in self.relay.delivered() if "mail-ops@dol.example.gov" in d[0]["rcpt_to"]]), 1)

    def test_the_listener_of_our_own_mail(self):
        """It takes an empty sender only."""
        with smtp.Client(self.relay.own_port, "127.0.0.1") as c:
            c.hello()
            self.assertEqual(c.mail("postmaster@relay.example.gov").code, 554)
            self.assertEqual(c.mail("").code, 250)
            self.assertEqual(c.rcpt("someone@example.com").code, 250)

    def test_waiting_while_it_is_away(self):
        """Postfix keeps what comes back while gatepost-feedback is down, and nothing is lost."""
        back, _ = self.left("waiting@example.com")
        self.relay.feedback.kill()
        self.bring_back(back, self.message(back, "jane@example.com", subject="while you were out"), "jane@example.com")
        self.wait("Postfix to have tried", lambda: f"to=<{back}>" in self.relay.log("mail") and "status=deferred" in
                  self.relay.log("mail"))
        socket = self.relay.path("spool", "gatepost", "feedback.sock")
        self.relay.feedback.start().ready(lambda: process.daemon_answers(socket))
        self.assertEqual(self.outcome(back)["outcome"], "forwarded")

    def test_the_old_maildir(self):
        """What the first release left in its Maildir is taken in when the daemon starts."""
        back, _ = self.left("maildir@example.com")
        folder = self.relay.path("returned", "new")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "1.old"), "w") as f:
            f.write(f"Return-Path: <jane@example.com>\nX-Original-To: {back}\nDelivered-To: {back}\nFrom: jane@example.com\n"
                    "Subject: old\n\nold\n")
        for path in (self.relay.path("returned"), folder, f.name):
            os.chown(path, 65534, -1)
        self.relay.feedback.stop()
        self.relay.feedback.start().ready(lambda: not os.listdir(folder))
        found = self.outcome(back)
        self.assertEqual((found["source"], found["outcome"]), ("maildir", "forwarded"))


if __name__ == "__main__":
    unittest.main()
