# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk under the database, or under the archive, is full: all that comes back waits, nothing is lost, nothing counts twice"""
import os
import shutil
import unittest

import lmtp_queue
import mail_log
import small_disk  # beside the harness, which feedback_case leads to
import toll
from feedback_case import Case, Feedback, until
from mail_log import counts
from test_feedback_pop3 import Fake, complaint

ROOM = "8m"
WITH_RESERVE = "72m"  # what gatepost-feedback leaves free is 64m
REFUSED = 200
MORE_KIB = 16384  # that memory may grow meanwhile
ONCE = 60  # seconds


class Full(Case):
    def raise_on(self, database, archive):
        """A daemon with every way in; sizes of the two disks, None: not one of its own"""
        relay = self.relay = Feedback()
        self.addCleanup(relay.close)
        self.log = mail_log.MailLog(relay.path("mail.log"))
        self.pop3 = Fake({})
        self.addCleanup(self.pop3.stop)
        self.disks = [self.mount(size, *parts) for size, *parts in ((database, "db"), (archive, "db", "archive")) if size]
        password = relay.path("keys", "password")
        with open(password, "w") as f:
            f.write("secret\n")
        os.chmod(password, 0o640)
        if os.geteuid() == 0:
            shutil.chown(password, "nobody", "postfix")
        relay.configure(mail_log=self.log.path, mailboxes=[{
            "name": "fbl", "url": f"pop3://127.0.0.1:{self.pop3.port}/", "user": "u", "password_file": password, "every": "1s"}])
        relay.start()
        self.addCleanup(relay.stop)

    def mount(self, size, *parts):
        path = self.relay.path(*parts)
        os.makedirs(path, exist_ok=True)
        disk = small_disk.SmallDisk(path, size)
        self.addCleanup(disk.close)
        shutil.chown(path, "nobody", "postfix")
        return disk

    def errors(self):
        """(when, text) of the lines that tell of trouble"""
        lines = [line.split(" ", 1) for line in self.relay.log().splitlines() if "level=error" in line]
        return [(float(when), text) for when, text in lines]

    def check_said(self, *events):
        """Each is told, and none twice in a minute."""
        said = self.errors()
        for event in events:
            self.assertIn(f"event={event} ", "\n".join(text for _, text in said))
        last = {}
        for when, text in said:
            event = text.split()[1]
            self.assertGreater(when - last.get(event, 0), ONCE - 1, text)
            last[event] = when

    def feed(self, numbers):
        """Deliveries and refusals in the mail log, reports in the mailbox"""
        for n in numbers:
            self.pop3.messages[f"u{n}"] = complaint(n)
            self.log.message(f"l@d{n}.example.com", "refused" if n % 2 else "sent", agency="dos")

    def check_all(self, queue, n):
        rows = lmtp_queue.check(self, self.relay, queue)
        events = self.relay.query("SELECT address, count(*) FROM event WHERE address LIKE 'p@%' GROUP BY address")
        self.assertEqual(events, sorted((f"p@d{k}.example.com", 1) for k in range(n)))
        self.assertEqual(counts(self.relay, "dos"), {"accepted": n + 1, "delivered": n // 2, "bounced-hard-bounce": n // 2})
        self.assertEqual(set(self.relay.archived()) - set(rows),
                         {r["id"] for r in self.relay.intake() if r["source"] == "pop3:fbl"})

    def through(self, fill, said, n=20):
        """All ways in, before the disk is full, while it is, and once there is room again"""
        relay = self.relay
        pid, queue = relay.child.pid, lmtp_queue.Queue(relay.socket)
        self.addCleanup(queue.abandon)
        self.feed(range(n))
        until("some to be kept", lambda: len(queue.kept) > 20 and not self.pop3.messages)
        small_disk.shrink_log(relay.path("db", "gatepost.db"))
        until("some to be put off", lambda: fill() or queue.refused > 0, 60)
        before, refused = toll.resident_kib(pid), queue.refused
        self.feed(range(n, 2 * n))
        until("many to be put off", lambda: fill() or queue.refused > refused + REFUSED, 60)
        until("it to be told", lambda: fill() or said(), 60)
        kept = set(queue.kept.copy().values())
        self.assertLessEqual(kept, {r["id"] for r in relay.intake()}, "who heard 250 need not try again")
        self.assertTrue(self.pop3.messages, "what is not taken in stays there")
        if not toll.sanitized(pid):
            self.assertLess(toll.resident_kib(pid) - before, MORE_KIB)
        self.disks[0].free()
        until("the mailbox to be emptied", lambda: not self.pop3.messages, 300)
        self.log.settle(relay, 60)
        queue.stop()
        self.assertEqual(relay.child.poll(), None)
        self.check_all(queue, 2 * n)
        print(f"{len(queue.sent)} messages, {queue.refused} times put off")

    def test_database(self):
        self.raise_on(ROOM, WITH_RESERVE)
        self.through(self.disks[0].fill, lambda: "tried again until it works" in self.relay.log()
                     and "a message could not be taken in" in self.relay.log())
        self.check_said("database", "maillog")

    def test_archive(self):
        self.raise_on(None, WITH_RESERVE)
        self.through(self.disks[0].fill, lambda: "No space left" in self.relay.log())
        self.check_said("archive")

    def test_archive_without_names(self):
        """No file can be made: neither a draft nor, perhaps, its name of the day."""
        self.raise_on(None, "256m,nr_inodes=20k")
        self.through(self.disks[0].fill_names, lambda: "No space left" in self.relay.log())
        self.check_said("archive")


if __name__ == "__main__":
    unittest.main()
