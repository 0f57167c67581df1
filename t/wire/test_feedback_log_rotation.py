# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback follows a log that is rotated in every way it happens, and is killed: each line counts once."""
import gzip
import os
import random
import shutil
import unittest

import feedback_case
import mail_log
from feedback_case import until
from mail_log import counts


class Writer(mail_log.MailLog):
    """Writes like a syslog daemon, into the file it opened, and rotates; knows what it wrote."""

    def __init__(self, path, relay):
        super().__init__(path)
        self.relay = relay
        self.truth = {"accepted": 0, "delivered": 0, "bounced-hard-bounce": 0}
        self.refused_ones = set()
        self.waiting = []
        self.number = 0
        self.reopen()

    def reopen(self):
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def close(self):
        os.close(self.fd)

    def write(self, octets):
        at = random.randrange(len(octets))  # never mind where a write ends
        os.write(self.fd, octets[:at])
        os.write(self.fd, octets[at:])

    def some_mail(self, messages=20):
        """Messages, each in one of three stages before and after; a third of them is refused."""
        for _ in range(messages):
            recipient = f"r{self.numbers}@example.com"
            self.waiting.append((self.active(recipient), recipient))
            self.truth["accepted"] += 1
            while len(self.waiting) > 5:
                self.finish(*self.waiting.pop(random.randrange(len(self.waiting))))

    def finish(self, queue_id, recipient):
        if random.random() < 0.33:
            unlike = "".join(chr(ord("a") + int(c)) for c in str(self.numbers))  # or it were the provider's fault
            self.refused(queue_id, recipient, f"550 5.1.1 user unknown {unlike}")
            self.refused_ones.add((recipient, "dol"))
            self.truth["bounced-hard-bounce"] += 1
        else:
            self.result(queue_id, recipient)
            self.truth["delivered"] += 1
        self.removed(queue_id)

    # --- rotations --------------------------------------------------------------------------------------------------

    def shift(self):
        numbers = sorted((int(n[9:]) for n in os.listdir(os.path.dirname(self.path)) if n[:9] == "mail.log." and
                          n[9:].isdigit()), reverse=True)
        for n in numbers:
            os.rename(f"{self.path}.{n}", f"{self.path}.{n + 1}")

    def renamed(self):
        """logrotate with create; the writer learns of it a little later"""
        self.shift()
        os.rename(self.path, self.path + ".1")
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644))
        self.some_mail(3)
        self.close()
        self.reopen()

    def renamed_without_a_new_one(self):
        self.shift()
        os.rename(self.path, self.path + ".1")
        self.some_mail(3)
        self.close()
        self.reopen()

    def dated(self):
        """postfix logrotate, but for the compressing"""
        self.number += 1
        os.rename(self.path, f"{self.path}.20261121-{self.number:06d}")
        self.some_mail(3)
        self.close()
        self.reopen()

    def begun(self):
        """Is this very file being read, and was something found in it?"""
        return self.relay.query("SELECT inode, position > 0 FROM log_position") == [(os.stat(self.path).st_ino, 1)]

    def copied(self):
        """logrotate with copytruncate; never before the first lines were read"""
        until("the file to be read", self.begun)
        self.shift()
        shutil.copyfile(self.path, self.path + ".1")
        os.truncate(self.path, 0)

    def followed(self):
        inode = os.stat(self.path).st_ino
        until("the file to be read", lambda: self.relay.query("SELECT inode FROM log_position") == [(inode,)])

    def compressed(self):
        self.some_mail()  # so that the place is written
        self.followed()
        name = f"{self.path}.20261121-{self.number:06d}"
        self.number += 1
        os.rename(self.path, name)
        self.close()
        with open(name, "rb") as f, gzip.open(name + ".gz", "wb") as z:
            shutil.copyfileobj(f, z)
        os.remove(name)
        self.reopen()

    def removed_and_made_anew(self):
        self.some_mail()
        self.followed()
        os.remove(self.path)
        self.some_mail(3)
        self.close()
        self.reopen()

    def edited(self):
        """Replaced by a copy of itself, as sed -i does; the writer is told"""
        self.some_mail()
        self.followed()
        self.close()
        shutil.copyfile(self.path, self.path + "~")
        os.rename(self.path + "~", self.path)
        self.reopen()


class LinkWriter(Writer):
    """The log is a link to the file of the day."""

    def __init__(self, path, relay):
        os.symlink("day0", path)
        super().__init__(path, relay)

    def next_day(self):
        self.some_mail()
        self.followed()
        self.number += 1
        os.symlink(f"day{self.number}", self.path + "~")
        os.rename(self.path + "~", self.path)
        self.some_mail(3)
        self.close()
        self.reopen()


class RotationCase(feedback_case.Case):
    def follow(self, kind=Writer):
        relay = feedback_case.Feedback()
        self.addCleanup(relay.close)
        os.makedirs(relay.path("syslog"))
        relay.configure(mail_log=relay.path("syslog", "mail.log"))
        writer = kind(relay.path("syslog", "mail.log"), relay)
        self.addCleanup(writer.close)
        relay.start()
        writer.followed()
        return relay, writer

    def compare(self, relay, writer):
        writer.settle(relay, 120)
        self.assertEqual(counts(relay), writer.truth)
        self.assertEqual(set(relay.suppressed()), writer.refused_ones)
        self.assertEqual(relay.query("SELECT count(*) FROM event WHERE effect <> 'suppressed'"), [(0,)])
        self.assertNotIn("was not read", relay.log())


class TestRotation(RotationCase):
    def rotate(self, how, times, kind=Writer):
        relay, writer = self.follow(kind)
        for _ in range(times):
            writer.some_mail()
            getattr(writer, how)()
        writer.some_mail()
        self.compare(relay, writer)

    def test_renamed(self):
        self.rotate("renamed", 50)

    def test_renamed_without_a_new_one(self):
        self.rotate("renamed_without_a_new_one", 50)

    def test_dated(self):
        self.rotate("dated", 50)

    def test_copied(self):
        self.rotate("copied", 15)

    def test_compressed(self):
        self.rotate("compressed", 5)

    def test_removed_and_made_anew(self):
        self.rotate("removed_and_made_anew", 5)

    def test_edited(self):
        self.rotate("edited", 5)

    def test_a_link_to_each_day(self):
        self.rotate("next_day", 5, LinkWriter)


class TestKilled(RotationCase):
    def test_50_times_in_mid_stream(self):
        """Killed in the midst of much that is to be read, with and without a rotation since"""
        relay, writer = self.follow()
        for i in range(50):
            read = counts(relay).get("delivered", 0)
            writer.some_mail(random.randrange(10, 100))
            if i % 4 > 0:  # else before it looked
                until("something to be read", lambda: counts(relay).get("delivered", 0) > read, pause=0.002)
            relay.kill()
            writer.some_mail(random.randrange(50, 400))
            random.choice([writer.renamed, writer.renamed_without_a_new_one,
                           writer.copied if writer.begun() else writer.renamed, lambda: None])()
            relay.start()
        self.compare(relay, writer)

    def test_an_orderly_end_loses_nothing_either(self):
        relay, writer = self.follow()
        for _ in range(5):
            writer.some_mail(100)
            relay.stop()
            writer.renamed()
            relay.start()
        self.compare(relay, writer)


if __name__ == "__main__":
    unittest.main()
