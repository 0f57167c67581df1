# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back: the return path's listener, gatepost-feedback behind it, and our own bounces."""
import re
import unittest

from scene import RETURN_PATH, WIDE, Scene, agency

WORLD = "127.0.5.200"


class Return(Scene):
    agencies = "\n".join([agency("dol", ["127.0.5.1"], ["dol.example.gov"], limits=WIDE),
                          agency("other", ["127.0.5.2"], ["other.example.gov"], limits=WIDE)])

    def token(self, recipient):
        """(return path, unsubscribe address) of a message that left"""
        c = self.session("127.0.5.1")
        self.assertGood(self.submit(c, "app@dol.example.gov", recipient))
        envelope, data = self.relay.wait_delivered(recipient)[0]
        return envelope["mail_from"], re.search(rb"<mailto:([^?]+)", data).group(1).decode()

    def world(self):
        return self.session(WORLD, port=self.relay.return_port)

    def bring_back(self, recipient, sender="", subject="back"):
        """Mail to the return path; it is kept then."""
        c = self.world()
        self.assertGood(self.submit(c, sender, recipient, subject=subject))
        self.wait("the message in the archive", lambda: any(
            f"Subject: {subject}".encode() in text for text in self.relay.returned()))

    def test_valid_tokens(self):
        bounce, unsubscribe = self.token("valid@example.com")
        self.bring_back(bounce, subject="bounce-null")
        self.bring_back(bounce, "postmaster@mx.example.com", "bounce-not-null")
        self.bring_back(bounce.upper(), subject="bounce-upper")
        self.bring_back(unsubscribe, "someone@example.com", "unsubscribe")

    def test_postmaster_and_abuse(self):
        for n, local in enumerate(("postmaster", "Postmaster", "abuse", "ABUSE")):
            self.bring_back(f"{local}@{RETURN_PATH}", "someone@example.com", f"human-{n}")

    def test_forged(self):
        bounce, unsubscribe = self.token("forged@example.com")
        local = bounce.partition("@")[0]
        c = self.world()
        self.assertGood(c.mail(""))
        for wrong in (local[:-1] + ("a" if local[-1] != "a" else "i"), local[:9] + ("a" if local[9] != "a" else "b") + local[10:],
                      "u" + local[1:], local + "x", local[:-1], local[1:], "b", "root", "b" + "a" * 32,
                      f"{local}+x", "postmaster.x"):
            with self.subTest(wrong):
                self.assertPolicyds(c.rcpt(f"{wrong}@{RETURN_PATH}"), "token-forged")
        self.assertLogged("policyd", client=WORLD, reason="token-forged", stage="RCPT")
        self.assertGood(c.rcpt(bounce))

    def test_no_relay_by_the_return_path(self):
        c = self.world()
        self.assertGood(c.mail("app@dol.example.gov"))
        for recipient in ("someone@example.com", f"a@sub.{RETURN_PATH}", f"someone%example.com@{RETURN_PATH}",
                          f'"someone@example.com"@{RETURN_PATH}', f"@{RETURN_PATH}:someone@example.com"):
            with self.subTest(recipient):
                self.assertIn(c.rcpt(recipient).code, (550, 554))
        # an agency's address has no rights here
        mine = self.session("127.0.5.1", port=self.relay.return_port)
        self.assertGood(mine.mail("app@dol.example.gov"))
        self.assertEqual(mine.rcpt("someone@example.com").code, 554)

    def test_no_mailbox_of_the_relay_itself(self):
        """Postfix takes its own address literals for local; nobody may reach an account or cause a bounce by them."""
        for source, port in ((WORLD, self.relay.return_port), ("127.0.5.1", None)):
            c = self.session(source, port=port)
            self.assertGood(c.mail("app@dol.example.gov"))
            for recipient in ("root@[127.0.0.1]", "nosuchuser@[127.0.0.1]", "root@[IPv6:::1]", "root@[127.0.0.1].",
                              '"root@[127.0.0.1]"', "root", "root@localhost"):
                with self.subTest(recipient, source=source):
                    if port is None and recipient in ("root@localhost", "root"):
                        continue  # another host's name to an outbound relay, or no address at all
                    self.assertIn(c.rcpt(recipient).code // 100, (4, 5))

    def test_bare_postmaster(self):
        """Postfix lets <postmaster> in whatever policyd says; it is ours then, and leaves for nowhere."""
        c = self.world()
        self.assertGood(c.submit("someone@example.com", "postmaster",
                                 self.message("postmaster", "someone@example.com", subject="bare-postmaster")))
        self.wait("it in the archive", lambda: any(b"bare-postmaster" in text for text in self.relay.returned()))
        self.assertEqual([r for r in self.recipients() if r.startswith("postmaster")], [])

    def test_tokens_of_a_new_key(self):
        """A key that begins to sign is known to every session at the return path from then on."""
        self.token("old-key@example.com")
        self.assertPolicyds(self.rcpt_back(f"b{'a' * 32}@{RETURN_PATH}"), "token-forged")
        path = self.relay.path("keys", "token")
        with open(path) as f:
            old = f.read()
        with open(path, "w") as f:
            f.write(self.operator("token", "new-key", "5") + old)
        self.operator("reload")
        bounce, _ = self.token("new-key@example.com")
        self.assertGood(self.rcpt_back(bounce))

    def rcpt_back(self, recipient):
        c = self.world()
        self.assertGood(c.mail(""))
        return c.rcpt(recipient)

    def test_return_path_from_inside(self):
        """The submission listener takes the same recipients at return_path, and no others."""
        bounce, _ = self.token("inside@example.com")
        c = self.session("127.0.5.1")
        self.assertGood(c.mail("app@dol.example.gov"))
        self.assertPolicyds(c.rcpt(f"anybody@{RETURN_PATH}"), "token-forged")
        self.assertGood(c.rcpt(bounce))
        self.assertGood(c.data(self.message(bounce, "app@dol.example.gov", subject="inside-token")))
        self.wait("it in the archive", lambda: any(b"inside-token" in text for text in self.relay.returned()))

    def test_our_own_bounce(self):
        c = self.session("127.0.5.1")
        recipient = "reject-550-nobody@example.com"
        self.assertGood(self.submit(c, "app@dol.example.gov", recipient))
        text = self.wait("our bounce in the archive", lambda: next(
            (t for t in self.relay.returned() if recipient.encode() in t), None), 30).decode()
        token = re.search(r"Original-Envelope-Id: (\S+)", text).group(1)
        self.assertRegex(token, "^b[a-z2-7]{32}$")
        self.assertIn(f"{token}@{RETURN_PATH}", text)
        self.assertIn("X-Gatepost-Ref: ", text)
        self.assertIn("dol", self.operator("token", "show", token))


if __name__ == "__main__":
    unittest.main()
