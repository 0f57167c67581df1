# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-feedback reads the mail log out of systemd's journal."""
import os
import subprocess
import time
import unittest

import feedback_case
import mail_log
from feedback_case import until
from mail_log import counts

REMOTE = "/lib/systemd/systemd-journal-remote"
JANE = "jane@example.com"


class Journal(mail_log.MailLog):
    """A folder of journal files; what is said stands there after flush()."""

    def __init__(self, folder):
        os.makedirs(folder)
        super().__init__(folder)
        self.entries, self.at_us = [], int(time.time() * 1e6) - 3600 * 10**6

    def say(self, program, text, at=None, unit="postfix@-.service", facility=2):
        self.at_us += 1000
        fields = {"__REALTIME_TIMESTAMP": self.at_us, "__MONOTONIC_TIMESTAMP": self.at_us, "_BOOT_ID": "5a" * 16,
                  "SYSLOG_FACILITY": facility, "SYSLOG_IDENTIFIER": program if "/" in program else f"postfix/{program}",
                  "_SYSTEMD_UNIT": unit, "MESSAGE": text}
        self.entries.append("".join(f"{name}={value}\n" for name, value in fields.items() if value is not None) + "\n")

    def flush(self, name="system.journal"):
        path = os.path.join(self.path, name)
        subprocess.run([REMOTE, "-o", path, "-"], input="".join(self.entries).encode(), check=True, capture_output=True)
        os.chmod(path, 0o644)
        self.entries = []

    def settle(self, relay, seconds=30):
        """Write what was said and wait until it was read; the end must be a new one."""
        ends = counts(relay, "dos").get("accepted", 0)
        self.active("the-end@example.com", agency="dos")
        self.flush()
        until("the journal to be read", lambda: counts(relay, "dos").get("accepted", 0) == ends + 1, seconds)


class TestJournal(feedback_case.Case):
    def follow(self):
        relay = feedback_case.Feedback()
        self.addCleanup(relay.close)
        relay.configure(mail_log=relay.path("journal"))
        journal = Journal(relay.path("journal"))
        return relay.start(), journal

    def test_entries(self):
        relay, journal = self.follow()
        journal.message(JANE)
        journal.settle(relay)
        journal.message(JANE, "refused")
        journal.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 1, "bounced-hard-bounce": 1})
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])
        first = relay.query("SELECT at FROM stat WHERE what = 'delivered'")
        self.assertEqual(first, [((journal.at_us // 10**6) // 600 * 600,)])

    def test_who_may_write(self):
        """A line of Postfix comes from a unit of Postfix's, with the facility mail."""
        relay, journal = self.follow()
        queue_id = journal.active(JANE)
        text = f"{queue_id}: to=<{JANE}>, relay=none, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (user unknown)"
        journal.say("smtp", text, unit="session-3.scope")
        journal.say("smtp", text, unit="user@1000.service")
        journal.say("smtp", text, facility=1)
        journal.say("gatepost/", text, unit="gatepost-feedback.service")
        journal.settle(relay)
        self.assertEqual(relay.suppressed(), {})
        journal.say("smtp", text, unit=None)
        journal.settle(relay)
        self.assertEqual(list(relay.suppressed()), [(JANE, "dol")])

    def test_goes_on_where_it_stopped(self):
        relay, journal = self.follow()
        for i in range(10):
            for _ in range(20):
                journal.message(JANE)
            if i % 2:
                journal.settle(relay)
            relay.kill() if i % 3 else relay.stop()
            journal.message(JANE)
            journal.flush()
            if i == 5:  # as journald rotates
                os.rename(os.path.join(journal.path, "system.journal"),
                          os.path.join(journal.path, "system@5a5a-0000000000000001-0000000000000001.journal"))
            relay.start()
        journal.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 210, "delivered": 210})

    def test_rotated_meanwhile(self):
        relay, journal = self.follow()
        journal.message(JANE)
        journal.settle(relay)
        os.rename(os.path.join(journal.path, "system.journal"),
                  os.path.join(journal.path, "system@5a5a-0000000000000001-0000000000000001.journal"))
        journal.message(JANE)
        journal.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 2})

    def test_after_a_file(self):
        """What the file showed already is not counted again."""
        relay, journal = self.follow()
        journal.message(JANE)
        relay.configure(mail_log=relay.path("mail.log"))
        relay.reload()
        log = mail_log.MailLog(relay.path("mail.log"))
        log.message(JANE)
        log.settle(relay)
        journal.flush()
        relay.configure(mail_log=journal.path)
        relay.reload()
        until("the journal to be opened again", lambda: relay.log().count("reading the journal") == 2)
        journal.numbers = log.numbers
        journal.message(JANE)
        journal.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 2, "delivered": 2})

    def test_what_it_held_is_gone(self):
        relay, journal = self.follow()
        journal.message(JANE)
        journal.settle(relay)
        relay.stop()
        os.remove(os.path.join(journal.path, "system.journal"))
        journal.message(JANE)
        journal.message(JANE)
        journal.flush()
        relay.start()
        journal.settle(relay)
        self.assertEqual(counts(relay), {"accepted": 3, "delivered": 3})


if __name__ == "__main__":
    unittest.main()
