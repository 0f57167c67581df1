# SPDX-License-Identifier: GPL-3.0-or-later
"""The database's file system is full: mail goes on or is put off, and all recovers with the room."""
import os
import shutil
import sqlite3
import tempfile
import threading
import unittest

import crowd
import toll
import process
import senders as truth
import small_disk
from process import wait_for
from relay import Relay
from senders import CLIENTS, SOURCES, STRICT

TIMES = 2 if toll.SCALE <= 1 else toll.times(10)
ROOM = "8m"


def setUpModule():
    """A small file system to fill; not everywhere may one be mounted."""
    global state, disk
    state = tempfile.mkdtemp(prefix="gatepost-", dir="/tmp")
    os.chmod(state, 0o755)
    unittest.addModuleCleanup(shutil.rmtree, state, ignore_errors=True)
    os.mkdir(os.path.join(state, "db"))
    disk = small_disk.SmallDisk(os.path.join(state, "db"), ROOM)
    unittest.addModuleCleanup(disk.close)


class DiskFull(unittest.TestCase):
    def setUp(self):
        self.relay = Relay(agencies=truth.agencies(), state=state)
        self.relay.start()
        self.addCleanup(self.relay.stop)

    def said(self, daemon, text):
        return self.relay.log(daemon).count(text)

    def submit(self, recipient):
        """One message of the agency whose mail nobody counts here"""
        with self.relay.client(SOURCES[STRICT]) as c:
            c.say("HELO client.test")
            return crowd.submit(c, f"{STRICT}.example.gov", recipient)

    def ctl_writes(self, number):
        return self.relay.ctl("block", f"198.51.100.{number % 250 + 1}", "--reason", "test").returncode == 0

    def accepts(self, senders):
        before = len(truth.accepted(senders))
        wait_for("mail to go on", lambda: len(truth.accepted(senders)) > before + 3, 60)

    def once(self, number, senders):
        failing, saved = self.said("milter", "event=database"), self.said("milter", "package counts are saved again")
        small_disk.shrink_log(self.relay.path("db", "gatepost.db"))
        disk.fill()
        wait_for("the milter to notice", lambda: self.said("milter", "event=database") > failing, 60)
        self.accepts(senders)
        wait_for("gatepostctl to say that it cannot", lambda: disk.fill() or not self.ctl_writes(number), 60)
        disk.free()
        wait_for("the milter to save", lambda: self.said("milter", "package counts are saved again") > saved, 60)
        self.assertTrue(self.ctl_writes(number), "with room it can again")
        self.accepts(senders)

    def saved(self, name):
        """What the database has of the agency's package"""
        db = sqlite3.connect(f"file:{self.relay.path('db', 'gatepost.db')}?mode=ro", uri=True, timeout=30)
        try:
            return db.execute("SELECT total FROM package WHERE agency = ?", (name,)).fetchone()[0]
        finally:
            db.close()

    def test_mail_goes_on(self):
        ending = threading.Event()
        self.addCleanup(ending.set)
        senders = truth.start(self.relay, ending)
        self.accepts(senders)
        before = toll.vitals([self.relay.policyd, self.relay.milter, self.relay.feedback])
        for number in range(TIMES):
            self.once(number, senders)
        truth.stop(self, senders, ending)
        lost, doubled = truth.check_sink(self, self.relay, senders)
        for name in CLIENTS:
            self.assertEqual(truth.total(self.relay, name), len(truth.accepted(senders, name)))
            wait_for("the database to know it too",
                     lambda: self.saved(name) == len(truth.accepted(senders, name)), 30)
        toll.row(fault="disk full", times=TIMES, accepted=len(truth.accepted(senders)), lost=lost, doubled=doubled,
                 lock_out_s=round(max(s.longest for s in senders), 1), overshoot=0, before=before,
                 after=toll.vitals([self.relay.policyd, self.relay.milter, self.relay.feedback]))

    def test_a_milter_that_starts(self):
        """It needs its database; while it cannot have it mail is put off."""
        disk.fill()
        self.relay.milter.kill()
        self.relay.milter.start()
        socket = self.relay.path("spool", "gatepost", "milter.sock")
        wait_for("it to run or to give up",
                 lambda: self.relay.milter.ended() or process.daemon_answers(socket), 30)
        reply = self.submit("full@example.com")
        self.assertIn(reply.code // 100, (2, 4), reply)
        disk.free()
        if self.relay.milter.ended():
            self.relay.milter.start()
        self.relay.milter.ready(lambda: process.daemon_answers(socket))
        wait_for("mail to flow", lambda: self.submit("room@example.com").code == 250, 60)
        self.relay.wait_delivered("room@example.com")


if __name__ == "__main__":
    unittest.main(verbosity=2)
