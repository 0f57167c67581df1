# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback as a process: its end, reload, what a crash left, what it forgets, the Maildir of before"""
import os
import signal
import subprocess
import time
import unittest

from feedback_case import DOMAIN, Case, address, bounce, mail, until
from relayconf import BUILD

POSTMASTER = f"postmaster@{DOMAIN}"


class Life(Case):
    def test_end(self):
        """TERM: idle peers hear 421, a message that is arriving may arrive, one that hangs is not waited for."""
        relay = self.start()
        idle, busy, hanging = (self.client(relay) for _ in range(3))
        for c in (busy, hanging):
            c.envelope("a@x.test", POSTMASTER)
            self.assertEqual(c.say("DATA")[:3], "354")
        began = time.monotonic()
        relay.send_signal(signal.SIGTERM)
        self.assertEqual(idle.reply()[:3], "421")
        busy.send(mail("last") + b".\r\n")
        self.kept(busy.reply())
        self.assertEqual(busy.reply()[:3], "421")
        relay.stop()
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(hanging.reply()[:3], "421")
        self.assertEqual(len(relay.intake()), 1)

    def test_one_of_it(self):
        relay = self.start()
        second = relay.spawn()
        self.assertEqual(second.wait(20), 1)
        self.assertIn("another process already listens", relay.log())
        self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))

    def test_reload(self):
        relay = self.start()
        for number in (signal.SIGUSR1, signal.SIGHUP):
            relay.reload(number=number)
        for key in ("feedback_listen", "archive"):
            kept = relay.changes.get(key)
            relay.configure(**{key: ("unix:" if key == "feedback_listen" else "") + relay.path("elsewhere")})
            self.assertIn(f"{key}: changed, which needs a restart", relay.reload(good=False)["last_reload"])
            if kept is None:
                del relay.changes[key]
            relay.configure()
        self.assertEqual(relay.reload()["epoch"], 4)

    def test_what_a_crash_left(self):
        """Drafts and kept files that no row names go at the start; others stay."""
        relay = self.start()
        name = self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))
        relay.kill()
        day = next(n for n in os.listdir(relay.path("db", "archive")) if n.startswith("20"))
        for path in (f"{day}/{'a' * 32}.eml", "draft/7"):
            with open(relay.path("db", "archive", path), "w") as f:
                f.write("left")
        with open(relay.path("db", "archive", day, "note.txt"), "w"):
            pass
        relay.start()
        until("the rest to go", lambda: set(relay.archived()) == {name} and not os.listdir(relay.path("db", "archive", "draft")))
        self.assertIn("note.txt", os.listdir(relay.path("db", "archive", day)))

    def test_retention(self):
        relay = self.start(archive_keep="30d")
        name = self.kept(self.client(relay).deliver(mail(), POSTMASTER, "a@x.test"))
        relay.stop()
        for days in (29, 33):
            folder = relay.path("db", "archive", time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400)))
            os.mkdir(folder)
            with open(os.path.join(folder, f"{days:032}.eml"), "w") as f:
                f.write("old")
            for path in (folder, f.name):
                os.chown(path, *([65534, -1] if os.geteuid() == 0 else [-1, -1]))
        relay.start()
        until("the old one to go", lambda: set(relay.archived()) == {name, f"{29:032}"})

    def test_archive_by_gatepostctl(self):
        relay = self.start()
        octets = bounce("jane@example.com", headers="X: \r\n")
        name = self.kept(self.client(relay).deliver(octets, address("jane@example.com")))
        ctl = [os.path.join(BUILD, "bin", "gatepostctl"), "-c", relay.config, "archive"]
        for prefix in (name, name[:6]):
            self.assertEqual(subprocess.run([*ctl, "get", prefix], capture_output=True, check=True).stdout, octets)
        self.assertIn(name, subprocess.run([*ctl, "list"], capture_output=True, check=True, text=True).stdout)
        for words, status, told in ((["get", "0" * 32], 1, "no message"), (["get", "xyz"], 2, "ID must be"),
                                    (["get", name[:5]], 2, "ID must be")):
            done = subprocess.run([*ctl, *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (status, ""), words)
            self.assertIn(told, done.stderr)
        path = next(os.path.join(d, f) for d, _, names in os.walk(relay.path("db", "archive")) for f in names if name in f)
        with open(path, "r+b") as f:
            f.write(b"x")
        done = subprocess.run([*ctl, "get", name], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is not what came in", done.stderr)
        os.unlink(path)
        done = subprocess.run([*ctl, "get", name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no longer kept", done.stderr)

    def test_maildir(self):
        """new and cur are emptied, other files are left; the envelope is in the headers."""
        relay = self.start(maildir="/nowhere")
        relay.stop()
        folder = relay.path("old")
        to = address("jane@example.com")
        for name in ("", "new", "cur", "tmp", "new/folder"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        head = f"Return-Path: <>\r\nX-Original-To: {to}\r\nDelivered-To: {to}\r\n".encode()
        for name, octets in (("new/1", head + bounce("jane@example.com")), ("cur/2:2,S", mail("person")), ("new/3", b""),
                             ("tmp/4", b"not yet"), ("new/.hidden", b"x")):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(octets)
        os.symlink("/etc/passwd", os.path.join(folder, "new", "link"))
        if os.geteuid() == 0:
            for path, _, names in os.walk(folder):
                for entry in [path, *(os.path.join(path, n) for n in names)]:
                    os.chown(entry, 65534, -1, follow_symlinks=False)
        relay.configure(maildir=folder)
        relay.start()
        until("it to be emptied", lambda: len(relay.intake()) == 3)
        until("the files to go", lambda: sorted(os.listdir(os.path.join(folder, "new"))) == [".hidden", "folder", "link"])
        self.assertEqual(os.listdir(os.path.join(folder, "tmp")), ["4"])
        rows = {r["size"]: r for r in relay.intake()}
        back = rows[len(head + bounce("jane@example.com"))]
        self.assertEqual((back["outcome"], back["recipient"], back["source"]), ("acted", to, "maildir"))
        self.assertEqual(relay.suppressed(), {("jane@example.com", "dol"): 0})


if __name__ == "__main__":
    unittest.main()
