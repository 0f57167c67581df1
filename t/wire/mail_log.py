# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail log as Postfix writes one, and what whoever wrote it knows about it."""
import os
import time

import feedback_case
from feedback_case import until


def stamp(seconds=None):
    return time.strftime("%b %e %H:%M:%S", time.localtime(seconds))


class MailLog:
    """path: of the log; each message gets a queue id of its own"""

    def __init__(self, path, instance="postfix"):
        self.path, self.instance, self.numbers = path, instance, 0

    def write(self, octets):
        with open(self.path, "ab", buffering=0) as f:
            f.write(octets)

    def line(self, program, text, at=None):
        return f"{at or stamp()} relay {self.instance}/{program}[123]: {text}\n".encode()

    def say(self, program, text, at=None):
        self.write(self.line(program, text, at))

    # --- lines of a message ------------------------------------------------------------------------------------------

    def new_id(self):
        self.numbers += 1
        return f"4bZ{self.numbers:08X}z"

    def active(self, recipient, queue_id=None, sender=None, **options):
        """The queue manager takes up a message; returns its queue id."""
        queue_id = queue_id or self.new_id()
        options.setdefault("number", self.numbers)
        sender = feedback_case.address(recipient, **options) if sender is None else sender
        self.say("qmgr", f"{queue_id}: from=<{sender}>, size=300, nrcpt=1 (queue active)")
        return queue_id

    def result(self, queue_id, recipient, status="sent", text="250 2.0.0 Ok", dsn="2.0.0", delay="0.5", relay=None,
               original=None, at=None):
        relay = relay or "mx.example.com[192.0.2.1]:25"
        origin = f"orig_to=<{original}>, " if original else ""
        self.say("smtp", f"{queue_id}: to=<{recipient}>, {origin}relay={relay}, delay={delay}, delays=0.1/0/0.2/0.2, "
                 f"dsn={dsn}, status={status} ({text})", at)

    def refused(self, queue_id, recipient, text="550 5.1.1 user unknown", **options):
        options.setdefault("dsn", "5.1.1")
        self.result(queue_id, recipient, "bounced",
                    f"host mx.example.com[192.0.2.1] said: {text} (in reply to RCPT TO command)", **options)

    def deferred(self, queue_id, recipient, text="450 4.2.0 try later", **options):
        options.setdefault("dsn", "4.2.0")
        self.result(queue_id, recipient, "deferred",
                    f"host mx.example.com[192.0.2.1] said: {text} (in reply to RCPT TO command)", **options)

    def expired(self, queue_id, sender="x@y"):
        self.say("qmgr", f"{queue_id}: from=<{sender}>, status=expired, returned to sender")

    def removed(self, queue_id):
        self.say("qmgr", f"{queue_id}: removed")

    def message(self, recipient, outcome="sent", **options):
        """A whole message: taken up, tried once, gone."""
        queue_id = self.active(recipient, **options)
        {"sent": self.result, "refused": self.refused}[outcome](queue_id, recipient)
        self.removed(queue_id)
        return queue_id

    def settle(self, relay, seconds=30):
        """Wait until everything was read: a last message makes the place known."""
        self.active("the-end@example.com", agency="dos")
        state = os.stat(self.path)
        end = [(state.st_ino, state.st_size)]
        until("the log to be read", lambda: relay.query("SELECT inode, position FROM log_position") == end, seconds)


def counts(relay, agency="dol"):
    """{what: count} of an agency, all providers and times"""
    return dict(relay.query("SELECT what, sum(count) FROM stat WHERE agency = ? GROUP BY what", agency))
