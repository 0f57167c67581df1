#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many lines of a mail log gatepost-feedback takes in a second, with everything they bring about.

t/bench/log_follow.py [MESSAGES]    default 60000; eight lines each, as Postfix writes them for a message it relays

The daemon finds the whole log at its start. Told are lines per second of the clock and of the daemon's processor time.
"""
import os
import random
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "wire"))
import feedback_case  # noqa: E402
import mail_log  # noqa: E402

SHARES = {"sent": 0.93, "deferred": 0.04, "refused": 0.03}
LINES = 8


class Log(mail_log.MailLog):
    """In memory first: each message interleaved with those of the next moments."""

    def __init__(self, path):
        super().__init__(path)
        self.all = []

    def write(self, octets):
        self.all.append(octets)

    def message(self, recipient, outcome):
        queue_id = self.new_id()
        peer = "client.example.gov[192.0.2.10]"
        self.say("smtpd", f"connect from {peer}")
        self.say("smtpd", f"{queue_id}: client={peer}")
        self.say("cleanup", f"{queue_id}: message-id=<{self.numbers}@app.dol.gov>")
        self.say("gatepost-milter", f"level=info event=verdict queue_id={queue_id} agency=dol reason=accepted")
        self.active(recipient, queue_id)
        if outcome == "sent":
            self.result(queue_id, recipient, text=f"250 2.0.0 Ok: queued as {self.numbers:X}")
        elif outcome == "deferred":
            self.deferred(queue_id, recipient, f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted")
        else:
            self.refused(queue_id, recipient, f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown")
        self.say("smtpd", f"disconnect from {peer} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5")
        if outcome != "deferred":
            self.removed(queue_id)
        else:
            self.say("smtpd", f"lost connection after RCPT from {peer}")

    def interleaved(self):
        spread = []
        for message in range(0, len(self.all), LINES):
            times = sorted(message / LINES + random.random() * 200 for _ in range(LINES))
            spread += zip(times, range(message, message + LINES))
        return [self.all[i] for _, i in sorted(spread)]


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", "rb") as f:
        fields = f.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 60000
    relay = feedback_case.Feedback(dictionaries=[os.path.join(ROOT, "..", "feedback", "dictionary")])
    relay.configure(mail_log=relay.path("mail.log"), dictionaries=[os.path.join(ROOT, "..", "feedback", "dictionary")])
    log = Log(relay.path("mail.log"))
    outcomes = random.choices(list(SHARES), SHARES.values(), k=messages)
    for outcome in outcomes:
        log.message(f"user{random.randrange(10**7)}@mail{random.randrange(3000)}.example.com", outcome)
    octets = b"".join(log.interleaved())
    log.all = []
    with open(log.path, "wb") as f:
        f.write(octets)
    try:
        started = time.monotonic()
        relay.start()
        feedback_case.until("the log to be read", lambda: relay.query("SELECT position FROM log_position") ==
                            [(len(octets),)], 600, 0.05)
        seconds, spent = time.monotonic() - started, processor_seconds(relay.child.pid)
        counts = mail_log.counts(relay)
        lines = octets.count(b"\n")
        print(f"{lines} lines, {len(octets) / lines:.0f} octets on average, of {messages} messages: {counts}")
        print(f"{lines / seconds:.0f} lines a second, {lines / spent:.0f} a second of processor time "
              f"({seconds:.2f} s, {spent:.2f} s)")
        if counts["accepted"] != messages or counts["delivered"] != outcomes.count("sent"):
            raise SystemExit("counts are wrong")
    finally:
        relay.close()


if __name__ == "__main__":
    main()
