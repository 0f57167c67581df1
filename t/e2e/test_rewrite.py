# SPDX-License-Identifier: GPL-3.0-or-later
"""How a message leaves: re-enveloped, marked, otherwise as it came."""
import re
import unittest

from scene import RETURN_PATH, WIDE, Scene, agency

SEALED = r"[A-Za-z0-9_-]{60,}"
SHORT = r"[a-z2-7]{32}"
CLIENTS_OWN = "List-Unsubscribe: <mailto:leave@lists.example.gov>\r\n"


def wide(name, last, **more):
    return agency(name, [f"127.0.4.{last}"], [f"{name}.example.gov"], limits=WIDE, **more)


def headers(data):
    """[(name in lower case, value unfolded)] of what left"""
    head = data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "surrogateescape")
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def values(data, name):
    return [value for n, value in headers(data) if n == name.lower()]


class Rewriting(Scene):
    def through(self, name, last, recipient, extra="", sender=None, parameters="", text=None):
        """(envelope, bytes) of one message as it left"""
        c = self.session(f"127.0.4.{last}")
        sender = f"app@{name}.example.gov" if sender is None else sender
        text = text or self.message(recipient, f"app@{name}.example.gov", extra=extra)
        self.assertGood(c.submit(sender, recipient, text, parameters))
        c.quit()
        return self.relay.wait_delivered(recipient)[0]


class Rewrite(Rewriting):
    agencies = "\n".join([
        wide("dol", 1), wide("replacing", 2, unsubscribe="replace"), wide("appending", 3, unsubscribe="append"),
        wide("without", 4, unsubscribe="none"), wide("strict", 5, check_from="yes"),
        agency("large", ["127.0.4.6"], ["large.example.gov"], limits={**WIDE, "message_size": "14M"}),
    ])

    def test_envelope(self):
        envelope, _ = self.through("dol", 1, "envelope@example.com")
        local, _, domain = envelope["mail_from"].partition("@")
        self.assertRegex(local, f"^b{SHORT}$")
        self.assertEqual(domain, RETURN_PATH)
        self.assertIn(f"ENVID={local}", envelope["mail_parameters"].split())
        self.assertIn("RET=HDRS", envelope["mail_parameters"].split())
        self.assertEqual(envelope["rcpt_to"], ["envelope@example.com"])

    def smuggle(self, recipient, before, after):
        """One message with another transaction behind a dot; whether something heard that transaction"""
        c = self.session("127.0.4.1")
        self.assertGood(c.mail("app@dol.example.gov"))
        self.assertGood(c.rcpt(recipient))
        self.assertEqual(c.say("DATA").code, 354)
        inner = self.message("smuggled@example.com", "boss@dol.example.gov").encode()
        c.send(self.message(recipient, "app@dol.example.gov").encode() + b"text" + before + b"." + after +
               b"MAIL FROM:<boss@dol.example.gov>\r\nRCPT TO:<smuggled@example.com>\r\nDATA\r\n" + inner + b"\r\n.\r\n")
        self.assertGood(c.read())
        return c.say("NOOP").text != "250 2.0.0 Ok"

    def test_nothing_is_smuggled(self):
        """No receiver, whatever it takes for the end of a line, finds a second message in what leaves."""
        self.assertTrue(self.smuggle("two@example.com", b"\r\n", b"\r\n"), "these are two messages")
        self.relay.wait_delivered("smuggled@example.com")
        ends = (b"\n", b"\r", b"\r\n", b"\n\r", b"\0\n")
        tried = [(b, a) for b in ends for a in ends if not (b.endswith(b"\r\n") and a.startswith(b"\r\n"))]
        for n, (before, after) in enumerate(tried):
            with self.subTest(before=before, after=after):
                self.assertFalse(self.smuggle(f"outer{n}@example.com", before, after))
        for n, (before, after) in enumerate(tried):
            with self.subTest(before=before, after=after):
                (_, data), = self.relay.wait_delivered(f"outer{n}@example.com")
                self.assertNotRegex(data, rb"\r(?!\n)|(?<!\r)\n", "no end of a line but CRLF leaves")
        self.assertEqual(self.recipients().count("smuggled@example.com"), 1)

    def test_every_message_has_its_own(self):
        seen = {self.through("dol", 1, f"own{n}@example.com")[0]["mail_from"] for n in range(3)}
        self.assertEqual(len(seen), 3)

    def test_token_says_whose_and_for_whom(self):
        envelope, data = self.through("dol", 1, "shown@example.com")
        shown = self.operator("token", "show", envelope["mail_from"])
        self.assertIn("dol", shown)
        sealed = self.operator("token", "show", values(data, "X-Gatepost-Ref")[0])
        self.assertIn("dol", sealed)
        self.assertIn("shown@example.com", sealed)

    def test_source_and_ref(self):
        forged = "X-Gatepost-Source: treasury\r\nx-gatepost-ref: forged\r\nX-Gatepost-Source: again\r\n"
        _, data = self.through("dol", 1, "forged@example.com", forged)
        self.assertEqual(values(data, "X-Gatepost-Source"), ["dol"])
        self.assertEqual(len(values(data, "X-Gatepost-Ref")), 1)
        self.assertRegex(values(data, "X-Gatepost-Ref")[0], f"^{SEALED}$")

    def test_unsubscribe_added(self):
        for name, last in (("dol", 1), ("replacing", 2), ("appending", 3)):
            with self.subTest(name):
                _, data = self.through(name, last, f"added@{name}.example.com")
                self.assertEqual(len(values(data, "List-Unsubscribe")), 1)
                self.assertRegex(values(data, "List-Unsubscribe")[0],
                                 rf"^<https://mail\.example\.gov/u/{SEALED}>, "
                                 rf"<mailto:u{SHORT}@{re.escape(RETURN_PATH)}\?subject={SEALED}>$")
                self.assertEqual(values(data, "List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"])

    def test_unsubscribe_none(self):
        _, data = self.through("without", 4, "none@example.com")
        self.assertEqual(values(data, "List-Unsubscribe") + values(data, "List-Unsubscribe-Post"), [])

    def test_unsubscribe_kept(self):
        _, data = self.through("dol", 1, "kept@example.com", CLIENTS_OWN)
        self.assertEqual(values(data, "List-Unsubscribe"), ["<mailto:leave@lists.example.gov>"])
        self.assertEqual(values(data, "List-Unsubscribe-Post"), [])

    def test_unsubscribe_replaced(self):
        _, data = self.through("replacing", 2, "replaced@example.com", CLIENTS_OWN)
        self.assertEqual(len(values(data, "List-Unsubscribe")), 1)
        self.assertNotIn("leave@lists", values(data, "List-Unsubscribe")[0])

    def test_unsubscribe_appended(self):
        _, data = self.through("appending", 3, "appended@example.com", CLIENTS_OWN)
        self.assertEqual(len(values(data, "List-Unsubscribe")), 1)
        self.assertIn("leave@lists", values(data, "List-Unsubscribe")[0])
        self.assertIn("https://mail.example.gov/u/", values(data, "List-Unsubscribe")[0])
        self.assertEqual(len(values(data, "List-Unsubscribe-Post")), 1)

    def test_no_unsubscribe_where_it_does_not_belong(self):
        for n, extra in enumerate(("Auto-Submitted: auto-replied\r\n", "List-Post: <mailto:list@example.gov>\r\n",
                                   "Content-Type: multipart/report; boundary=x\r\n")):
            with self.subTest(extra):
                _, data = self.through("dol", 1, f"auto{n}@example.com", extra)
                self.assertEqual(values(data, "List-Unsubscribe"), [])
        _, data = self.through("dol", 1, "auto-no@example.com", "Auto-Submitted: no\r\n")
        self.assertEqual(len(values(data, "List-Unsubscribe")), 1)

    def test_null_sender_stays(self):
        envelope, data = self.through("dol", 1, "null@example.com", sender="")
        self.assertEqual(envelope["mail_from"], "")
        self.assertEqual(values(data, "X-Gatepost-Source"), ["dol"])
        self.assertEqual(len(values(data, "X-Gatepost-Ref")), 1)

    def test_already_re_enveloped(self):
        first, _ = self.through("dol", 1, "twice@example.com")
        c = self.session("127.0.4.1")
        self.assertGood(c.submit(first["mail_from"], "twice@example.com",
                                 self.message("twice@example.com", "app@dol.example.gov", subject="again")))
        both = self.relay.wait_delivered("twice@example.com", 2)
        self.assertEqual({envelope["mail_from"] for envelope, _ in both}, {first["mail_from"]})

    def test_a_foreign_return_path_is_nobodys_sender(self):
        first, _ = self.through("dol", 1, "mine@example.com")
        c = self.session("127.0.4.2")
        self.assertMilters(c.mail(f"anything@{RETURN_PATH}"), "sender-domain")
        self.assertMilters(c.mail(first["mail_from"]), "sender-domain")

    def test_from_header(self):
        c = self.session("127.0.4.5")
        before = self.charged("strict")
        reply = c.submit("app@strict.example.gov", "from@example.com", self.message("from@example.com", "x@dol.example.gov"))
        self.assertMilters(reply, "sender-domain")
        self.assertEqual(self.charged("strict"), before)
        self.assertGood(self.submit(c, "app@strict.example.gov", "from@example.com"))

    def test_octets_survive(self):
        body = (b"dots:\r\n.\r\n..two\r\n" + b"long " * 400 + b"\r\n" + bytes(range(128, 256)) + b"\r\ntab\t end \r\n\r\n"
                + "grün\r\n".encode())
        head = b"From: <app@dol.example.gov>\r\nSubject: gr\xc3\xbcn\r\nX-Long: " + b"y" * 2000 + b"\r\nBcc: b@example.com\r\n"
        envelope, data = self.through("dol", 1, "octets@example.com", text=head + b"\r\n" + body,
                                      parameters="BODY=8BITMIME SMTPUTF8")
        self.assertEqual(data.split(b"\r\n\r\n", 1)[1], body)
        self.assertIn(b"X-Long: " + b"y" * 2000 + b"\r\n", data)
        self.assertEqual(values(data, "Date") + values(data, "Message-ID"), [])

    def test_large(self):
        body = (b"z" * 76 + b"\r\n") * 178000
        text = b"From: <app@large.example.gov>\r\n\r\n" + body
        self.assertLess(len(text), 14 << 20)
        _, data = self.through("large", 6, "large@example.com", text=text)
        self.assertEqual(data.split(b"\r\n\r\n", 1)[1], body)
        c = self.session("127.0.4.6")
        self.assertMilters(c.submit("app@large.example.gov", "larger@example.com", text + body[:1 << 20]), "message-size")
        self.assertNotDelivered("larger@example.com")


class WithoutPublicUrl(Rewriting):
    agencies = wide("dol", 1)
    raising = {"changes": {"public_url": None}}

    def test_no_https_is_promised(self):
        _, data = self.through("dol", 1, "mailto@example.com")
        self.assertRegex(values(data, "List-Unsubscribe")[0], rf"^<mailto:u{SHORT}@{re.escape(RETURN_PATH)}\?subject={SEALED}>$")
        self.assertEqual(values(data, "List-Unsubscribe-Post"), [])


if __name__ == "__main__":
    unittest.main()
