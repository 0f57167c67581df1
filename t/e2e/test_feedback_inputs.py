# SPDX-License-Identifier: GPL-3.0-or-later
"""The other ways in: a mailbox elsewhere that is emptied by POP3, and the mail log through every kind of rotation."""
import contextlib
import gzip
import os
import re
import shutil
import signal
import tempfile
import threading
import time
import unittest

from scene import WIDE, agency, process
from returning import Returning, complaint, dsn
import pop3_server

REPORTS = 40
KILLS = 6


class Flow:
    """Messages one after the other from a thread, every tenth to an address that is refused"""

    def __init__(self, scene):
        self.scene, self.good, self.bad = scene, [], []
        self.ending, self.failure = threading.Event(), None
        self.busy, self.going = threading.Lock(), threading.Event()
        self.going.set()

    @property
    def count(self):
        return len(self.good) + len(self.bad)

    def goes_on(self, more):
        wanted = self.count + more
        process.wait_for(f"{more} more messages", lambda: self.failure or self.count >= wanted)

    @contextlib.contextmanager
    def resting(self):
        """Nothing is submitted, and Postfix has written what became of all there was."""
        self.going.clear()
        with self.busy:
            self.scene.wait("the results", lambda: len(self.scene.results()) == self.count)
            yield
        self.going.set()

    def run(self):
        try:
            while not self.ending.is_set():
                self.going.wait()
                with self.busy:
                    self.submit_one(self.count)
        except BaseException as e:  # noqa: B902 - raised in __exit__
            self.failure = e

    def submit_one(self, n):
        refused = n % 10 == 9
        recipient = f"{'reject-550-' if refused else ''}r@log{n}.example.com"
        self.scene.send(recipient)
        (self.bad if refused else self.good).append(recipient)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.ending.set()
        self.going.set()
        self.thread.join()
        if self.failure:
            raise self.failure


class Inputs(Returning):
    agencies = "\n".join([
        agency("dol", ["127.0.9.1"], ["dol.example.gov"], limits=WIDE),
        agency("rotated", ["127.0.9.5"], ["rotated.example.gov"], limits=WIDE),
        agency("end", ["127.0.9.99"], ["end.example.gov"], limits=WIDE)])

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="gatepost-pop3-", dir="/tmp")
        os.chmod(folder, 0o755)
        cls.addClassCleanup(shutil.rmtree, folder, True)
        password = os.path.join(folder, "password")
        with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(pop3_server.PASSWORD + "\n")
        cls.pop3 = pop3_server.Pop3Server(os.path.join(folder, "server")).start()
        cls.addClassCleanup(cls.pop3.stop)
        cls.raising = {"changes": {"mailboxes": [
            {"name": "fbl", "url": f"pop3s://localhost:{cls.pop3.tls_port}/", "user": pop3_server.USER,
             "password_file": password, "every": "1s", "ca_file": cls.pop3.ca}]}}
        super().setUpClass()

    # --- POP3 -------------------------------------------------------------------------------------------------------

    def put(self, to, report):
        """A message in the mailbox as a server elsewhere keeps it: to whom it went stands in a header only."""
        octets = report if isinstance(report, bytes) else report.encode()
        self.pop3.put(f"Return-Path: <>\r\nDelivered-To: fbl@pop.example.net\r\nTo: {to}\r\n".encode() + octets)

    def test_a_mailbox(self):
        """What lies there has the effect that it has on the return path, and is gone then."""
        gone, annoyed = "gone@pop.example.com", "annoyed@pop.example.com"
        self.put(self.left(gone)[0]["mail_from"], dsn(gone))
        self.put("fbl@pop.example.net", complaint(self.left(annoyed)[1]))
        self.suppressed(gone)
        self.suppressed(annoyed, "complaint")
        self.wait("the mailbox to be empty", lambda: self.pop3.left() == 0)
        self.assertEqual({(m["source"], m["outcome"]) for m in self.messages(agency="dol")}, {("pop3:fbl", "acted")})
        self.assertSuppressed(self.try_to_send(gone), gone, "550 5.1.1 user unknown")

    def test_a_mailbox_and_a_daemon_that_dies(self):
        """Each report once, however often the daemon is killed between taking one in and deleting all."""
        people = [f"someone@p{n}.example.com" for n in range(REPORTS)]
        backs = [self.left(person)[0]["mail_from"] for person in people]
        before = self.counts()["bounced-hard-bounce"]
        self.relay.feedback.kill()
        for person, back in zip(people, backs):
            self.put(back, dsn(person))
        for n in range(KILLS):
            known = self.taken_from_mailbox()
            self.start_feedback()
            self.wait("progress", lambda: self.taken_from_mailbox() > known or self.pop3.left() == 0)
            time.sleep(0.003 * n)
            self.relay.feedback.kill()
        self.start_feedback()
        self.wait("the mailbox to be empty", lambda: self.pop3.left() == 0)
        for person in people:
            self.assertEqual(self.history(person), [("hard-bounce", "suppressed")])
        self.assertEqual(self.counts()["bounced-hard-bounce"] - before, REPORTS)
        self.assertEqual(sorted(m["recipient"] for m in self.messages() if m["recipient"] in backs), sorted(backs))

    def taken_from_mailbox(self):
        return self.read_sql("SELECT count(*) FROM intake WHERE source = 'pop3:fbl'")[0][0]

    # --- the mail log -----------------------------------------------------------------------------------------------

    def test_the_log_is_rotated_while_mail_flows(self):
        """In each way there is, also while the daemon sleeps or is dead: every message is counted, and once."""
        with self.speaking_for("rotated", "127.0.9.5"):
            flow = Flow(self)
            with flow:
                for rotate in (self.renamed, self.by_postfix, self.copied_and_emptied, self.while_the_daemon_is_dead):
                    flow.goes_on(20)
                    rotate(flow)
                    flow.goes_on(20)
            self.wait("all results", lambda: len(self.results()) == flow.count)
            self.log_read()
            counts = self.counts()
        delivered = [r for e, _ in self.relay.delivered() for r in e["rcpt_to"] if "@log" in r]
        self.assertEqual(sorted(delivered), sorted(flow.good))
        self.assertEqual((counts["accepted"], counts["delivered"], counts["bounced-hard-bounce"]),
                         (len(flow.good) + len(flow.bad), len(flow.good), len(flow.bad)))

    @property
    def mail_log(self):
        return self.relay.path("log", "mail.log")

    def move_on(self):
        """mail.log.1 becomes mail.log.2 and so on."""
        for n in range(8, 0, -1):
            if os.path.exists(f"{self.mail_log}.{n}"):
                os.rename(f"{self.mail_log}.{n}", f"{self.mail_log}.{n + 1}")

    def renamed(self, flow):
        """As logrotate does it; Postfix writes to the former file until it is told"""
        self.move_on()
        os.rename(self.mail_log, self.mail_log + ".1")
        open(self.mail_log, "x").close()
        flow.goes_on(5)
        with flow.resting():  # what is being delivered when Postfix is told would be put off for a minute
            self.assertEqual(self.relay.postfix.command("reload").returncode, 0)

    def by_postfix(self, flow):
        """With a date in its name, and compressed a second later. postlogd(8) makes the new file for root alone."""
        with flow.resting():
            done = self.relay.postfix.command("logrotate")
        self.assertEqual(done.returncode, 0, done.stdout)
        flow.goes_on(5)
        self.wait("it to be compressed", lambda: any(n.endswith(".gz") for n in os.listdir(self.relay.path("log"))))
        self.wait("a warning", lambda: "a file that can be read" in self.relay.log("feedback"))
        os.chmod(self.mail_log, 0o644)

    def copied_and_emptied(self, flow):
        """copytruncate, with nothing written between the two, as that would be lost; the daemon has not read all yet."""
        process.suspend(self.relay.feedback.pid)
        flow.goes_on(10)
        with flow.resting():
            self.move_on()
            shutil.copy(self.mail_log, self.mail_log + ".1")
            os.truncate(self.mail_log, 0)
        flow.goes_on(10)
        os.kill(self.relay.feedback.pid, signal.SIGCONT)

    def results(self):
        """Recipients of the flow with a final result in any log"""
        found = set()
        for name in os.listdir(self.relay.path("log")):
            if name.startswith("mail.log"):
                opened = gzip.open if name.endswith(".gz") else open
                with opened(self.relay.path("log", name), "rt") as f:
                    found.update(re.findall(r": to=<(\S+@log\d+\.example\.com)>,.* status=(?:sent|bounced)", f.read()))
        return found

    def while_the_daemon_is_dead(self, flow):
        """Twice"""
        self.relay.feedback.kill()
        for _ in range(2):
            self.renamed(flow)
            flow.goes_on(10)
        self.start_feedback()


if __name__ == "__main__":
    unittest.main()
