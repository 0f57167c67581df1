# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail between people and the relay: answers that are sent on, notices, automatic replies, and what the archive keeps."""
import email
import email.policy
import hashlib
import unittest

from scene import RETURN_PATH, WIDE, agency, process, smtp
from returning import Returning, dsn
import opendkim
from dns_server import DnsServer

OPERATOR = "chief@hq.example.gov"
CONTACT = "mail-ops@dol.example.gov"


class Letters(Returning):
    agencies = "\n".join([
        agency("dol", ["127.0.9.1"], ["dol.example.gov"], limits=WIDE),
        agency("dim", ["127.0.9.3"], ["dim.example.gov"], limits=WIDE, spf="warn"),
        agency("end", ["127.0.9.99"], ["end.example.gov"], limits=WIDE)])

    @classmethod
    def setUpClass(cls):
        cls.dns = DnsServer({"dim.example.gov": '@ TXT "v=spf1 ip4:192.0.2.99 -all"'}).start()
        cls.addClassCleanup(cls.dns.stop)
        cls.raising = {"changes": {"operator": OPERATOR, "spf": "off", "egress": ["192.0.2.1"],
                                   "dns_servers": [cls.dns.address]}}
        super().setUpClass()

    def letters(self, to):
        """What the sink has for this address, parsed: [(envelope, octets, message)]"""
        return [(e, octets, email.message_from_bytes(octets, policy=email.policy.SMTP))
                for e, octets in self.relay.delivered() if to in e["rcpt_to"]]

    def the_letter(self, to, subject):
        return self.wait(f"{subject} for {to}", lambda: next(
            (x for x in self.letters(to) if x[2]["Subject"] == subject), None), 30)

    def assertOurs(self, envelope, octets, message, to):
        """A letter of the relay: no envelope sender, not to be answered by machines, and the relay's signatures are right"""
        self.assertEqual((envelope["mail_from"], envelope["rcpt_to"]), ("", [to]))
        self.assertEqual((message["To"], message["Auto-Submitted"]), (to, "auto-generated"))
        found = opendkim.signatures(octets, self.relay.dkim_records())
        self.assertEqual([(s.domain, s.result) for s in found], [(self.relay.dkim_domain, "pass")] * 2)

    # --- people -----------------------------------------------------------------------------------------------------

    def test_a_person_answers(self):
        """It reaches the agency's contact, or the operator, with the original in it; automatic mail reaches nobody."""
        self.write_to_postmaster()
        envelope, _ = self.left("jane@example.com")
        back = envelope["mail_from"]
        for subject, extra, sender in (
                ("Out of office", "Auto-Submitted: auto-replied\r\n", "jane@example.com"),
                ("Ihre Nachricht", "X-Autoreply: yes\r\n", "jane@example.com"),
                ("Mailing list digest", "Precedence: bulk\r\nAuto-Submitted: auto-generated\r\n", "list@example.com"),
                ("no sender", "", "")):
            self.bring_back(back, smtp.message(subject, back, "jane@example.com", extra=extra), sender)
        question = smtp.message("Where do I sign?", back, "jane@example.com", body="Caf\u00e9?\r\n.dots\r\n",
                                extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                      "Content-Transfer-Encoding: 8bit\r\n").encode()
        self.bring_back(back, question, "jane@example.com")
        envelope, octets, letter = self.the_letter(CONTACT, "Mail to your return path from jane@example.com")
        self.assertOurs(envelope, octets, letter, CONTACT)
        self.assertEqual(letter["Reply-To"], "jane@example.com")
        text, original = letter.iter_parts()
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertIn(question.rstrip(b"\r\n"), octets)  # octet for octet
        kept = self.messages(recipient=back, outcome="forwarded")
        self.assertEqual(len(kept), 1)
        self.assertIn(kept[0]["id"], text.get_content())
        self.wait("all of them", lambda: len(self.messages(recipient=back)) == 5)
        self.assertEqual(len(self.letters(CONTACT)), 1)
        envelope, octets, letter = self.the_letter(OPERATOR, "Mail to your return path from joe@example.com")
        self.assertOurs(envelope, octets, letter, OPERATOR)

    def write_to_postmaster(self):
        address = f"postmaster@{RETURN_PATH}"
        self.bring_back(address, smtp.message("Who are you?", address, "joe@example.com"), "joe@example.com")

    # --- notices ----------------------------------------------------------------------------------------------------

    def spf_notices(self):
        return [x for x in self.letters("mail-ops@dim.example.gov") if x[2]["Subject"].startswith("SPF ")]

    def look_again(self):
        """The milter starts anew, and knows again what the DNS says of dim.example.gov."""
        self.relay.milter.stop()
        self.relay.milter.start().ready(lambda: process.daemon_answers(self.relay.path("spool", "gatepost", "milter.sock")))
        known = self.relay.log("milter").count(" spf=fail dmarc=")

        def send_and_look():
            self.send("x@example.com")
            return self.relay.log("milter").count(" spf=fail dmarc=") > known

        with self.speaking_for("dim", "127.0.9.3"):
            self.wait("the forecast", send_and_look)

    def test_notices_come_once_a_day(self):
        """What the milter found out in the DNS is told by gatepost-feedback to the agency's contact, signed."""
        self.wait("the notice", self.spf_notices, 30)
        envelope, octets, letter = self.spf_notices()[0]
        self.assertOurs(envelope, octets, letter, "mail-ops@dim.example.gov")
        self.assertIn("include:" + RETURN_PATH, letter.get_content())
        self.look_again()
        # the next one in the line shows that nothing was waiting before it
        self.assertEqual(self.write_sql("UPDATE notice SET day = day - 1 WHERE kind = 'spf'"), 1)
        self.look_again()
        self.wait("the next day's", lambda: len(self.spf_notices()) > 1, 30)
        self.assertEqual(len(self.spf_notices()), 2)
        self.assertEqual(len({x[2]["Message-ID"] for x in self.spf_notices()}), 2)

    # --- automatic replies ------------------------------------------------------------------------------------------

    def test_automatic_replies_are_limited(self):
        """Five to one recipient in a day; people's mail, notifications and other recipients are not counted."""
        replies = [self.try_to_send("poet@example.com", extra="Auto-Submitted: auto-replied\r\n") for _ in range(7)]
        self.assertEqual([r.code for r in replies], [250] * 5 + [550] * 2)
        self.assertEqual(replies[5].text, "550 5.7.1 Too many automatic replies to this recipient")
        self.assertLogged("milter", reason="auto-reply-limit")
        for extra in ("", "Auto-Submitted: no\r\n", "Auto-Submitted: auto-generated\r\n"):
            self.send("poet@example.com", extra=extra)
        self.send("painter@example.com", extra="Auto-Submitted: auto-replied\r\n")
        self.relay.wait_delivered("poet@example.com", 8)

    # --- the archive ------------------------------------------------------------------------------------------------

    def test_the_archive_has_every_octet(self):
        """As Postfix handed it over: below its Received line, what was sent, whatever that was."""
        envelope, _ = self.left("octets@example.com")
        back = envelope["mail_from"]
        odd = (dsn("octets@example.com", "550 5.7.1 \u00dcber").encode() + b"\r\n" + b"long " * 2000 + b"\r\n" +
               bytes(range(128, 256)) + b" \t \r\n.\r\n..\r\n\tindented\r\nFrom here\r\n\r\n\r\n")
        self.bring_back(back, odd)
        self.bring_back(back, b"no header at all\r\n\r\n" + odd)
        self.wait("both", lambda: len(self.messages(recipient=back)) == 2)
        for message in self.messages(recipient=back):
            octets = self.archived(message["id"][:12])
            received, _, rest = octets.partition(b"\r\n")
            self.assertTrue(received.startswith(b"Received: "), received)
            self.assertTrue(octets.endswith(odd), message)
            self.assertEqual(len(octets), message["size"])
            named = hashlib.sha256(f"{hashlib.sha256(octets).hexdigest()} {back}".encode()).hexdigest()[:32]
            self.assertEqual(named, message["id"])  # archive.h: the name tells what it holds


if __name__ == "__main__":
    unittest.main()
