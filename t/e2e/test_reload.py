# SPDX-License-Identifier: GPL-3.0-or-later
"""A new configuration: for new sessions at once, for old ones after drain_timeout; a bad one changes nothing."""
import json
import signal
import time
import unittest

from scene import WIDE, Scene, agency

DRAIN_S = 2.0


def agencies(*extra, size="20K"):
    return "\n".join([agency("dol", ["127.0.6.1"], ["dol.example.gov"], limits={**WIDE, "message_size": size}), *extra])


LATER = agency("later", ["127.0.6.2"], ["later.example.gov"], limits=WIDE)


class Reload(Scene):
    agencies = agencies()
    raising = {"changes": {"drain_timeout": f"{DRAIN_S:g}s"}}

    def write(self, text):
        with open(self.relay.path("agencies.d", "agencies.conf"), "w") as f:
            f.write(text)

    def tearDown(self):
        self.write(agencies())
        self.operator("reload")

    def status(self, program):
        """From the file itself: gatepostctl needs a configuration that is right"""
        with open(self.relay.path("run", f"{program}.status")) as f:
            return json.load(f)

    def test_old_sessions_keep_theirs_then_go(self):
        old = self.session("127.0.6.1")
        self.write(agencies(LATER, size="40K"))
        began = time.monotonic()
        self.operator("reload")
        taken = time.monotonic()
        new = self.session("127.0.6.1")
        self.assertGood(new.mail("app@dol.example.gov", "SIZE=30000"))
        self.assertGood(self.submit(self.session("127.0.6.2"), "app@later.example.gov", "later@example.com"))
        reply = old.mail("app@dol.example.gov", "SIZE=30000")
        if time.monotonic() - began < DRAIN_S:
            self.assertMilters(reply, "message-size")
            self.assertGood(self.submit(old, "app@dol.example.gov", "still@example.com"))
            self.assertDelivered("still@example.com")
        self.wait("the drain", lambda: time.monotonic() - taken > DRAIN_S + 0.1)
        self.assertMilters(old.mail("app@dol.example.gov"), "reconfiguring")
        self.assertTrue(old.closed_by_server())
        self.assertGood(new.rcpt("someone@example.com"))
        self.assertDelivered("later@example.com")

    def drained(self, client):
        """Reload while the session stands where it stands, and wait until its time is up."""
        self.operator("reload")
        end = time.monotonic() + DRAIN_S + 0.1
        self.wait("the drain", lambda: time.monotonic() > end)
        return client

    def test_drained_at_every_command(self):
        hello = self.connect("127.0.6.1")
        mail = self.session("127.0.6.1")
        rcpt, data = self.session("127.0.6.1"), self.past_rcpt("127.0.6.1", "app@dol.example.gov", "drained@example.com")
        rcpt.mail("app@dol.example.gov")
        sending = self.past_rcpt("127.0.6.1", "app@dol.example.gov", "sending@example.com")
        self.assertEqual(sending.say("DATA").code, 354)
        self.drained(mail)
        self.assertMilters(hello.hello(), "reconfiguring")
        self.assertMilters(mail.mail("app@dol.example.gov"), "reconfiguring")
        self.assertMilters(rcpt.rcpt("a@example.com"), "reconfiguring")
        self.assertMilters(data.say("DATA"), "reconfiguring")
        # what is being sent is not cut off
        self.assertGood(sending.body(self.message("sending@example.com", "app@dol.example.gov")))
        self.assertDelivered("sending@example.com")
        self.assertNotDelivered("drained@example.com")

    def test_an_agency_that_left(self):
        self.write(agencies(LATER))
        self.operator("reload")
        open_one = self.session("127.0.6.2")
        self.write(agencies())
        self.operator("reload")
        self.assertPolicyds(self.connect("127.0.6.2").greeting, "not-permitted")
        self.drained(open_one)
        self.assertMilters(open_one.mail("app@later.example.gov"), "reconfiguring")

    def test_a_bad_one_changes_nothing(self):
        before = [self.status(p)["epoch"] for p in ("policyd", "milter")]
        self.write(agencies(LATER).replace("127.0.6.2", "127.0.6.0/24"))
        done = self.relay.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("agencies.conf:", done.stdout + done.stderr)
        # a daemon that is signalled all the same refuses it too, and says why
        for daemon, program in ((self.relay.policyd, "policyd"), (self.relay.milter, "milter")):
            daemon.child.send_signal(signal.SIGUSR1)
            self.wait(f"{program} to refuse", lambda: self.status(program)["reload_failures"] > 0)
            self.assertIn("agencies.conf:", self.status(program)["last_reload"])
        self.assertEqual([self.status(p)["epoch"] for p in ("policyd", "milter")], before)
        self.assertGood(self.submit(self.session("127.0.6.1"), "app@dol.example.gov", "unchanged@example.com"))
        self.assertDelivered("unchanged@example.com")

    def test_many_reloads_lose_nothing(self):
        c = self.session("127.0.6.1")
        for n in range(20):
            for daemon in (self.relay.policyd, self.relay.milter):
                daemon.child.send_signal(signal.SIGUSR1)
            reply = self.submit(c, "app@dol.example.gov", f"many{n}@example.com")
            if reply.code == 421:
                c = self.session("127.0.6.1")
                reply = self.submit(c, "app@dol.example.gov", f"many{n}@example.com")
            self.assertGood(reply)
        got = self.recipients()
        self.assertEqual([got.count(f"many{n}@example.com") for n in range(20)], [1] * 20)


if __name__ == "__main__":
    unittest.main()
