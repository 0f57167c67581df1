# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of gatepost-feedback share: a daemon with a small dictionary, tokens, reports, and what it wrote."""
import base64
import hashlib
import hmac
import os
import sqlite3
import struct
import time
import unittest

import lmtp_client
import relayconf
from relayconf import process, sample

DOMAIN = sample.RETURN_PATH
KEY_ID, KEY = 1, bytes([0x5a]) * 32  # relayconf.KEY
DICTIONARY = """# provider | reply | enhanced | text | category | action
* | * | * | user unknown | hard-bounce | suppress
* | * | * | mailbox full | mailbox-full | none
* | * | 5.1.1 | * | hard-bounce | suppress
* | 4xx | * | * | soft-bounce | none
"""


def agencies():
    return (sample.agency("dol", ["192.0.2.10"], ["dol.gov"], streams=["newsletter", "transactional"]) +
            sample.agency("dos", ["192.0.2.20"], ["dos.gov"]))


def keyed(label, *parts):
    return hmac.new(KEY, label.encode() + b"".join(parts), hashlib.sha256).digest()


def token(recipient, agency="dol", letter="b", days_old=0, number=1, domain=DOMAIN):
    """A short token as the milter makes it; gatepost-tokens(7)"""
    kind = "bufr".index(letter)
    label = ["gatepost-verp-1", "gatepost-unsub-1", "gatepost-feedback-1", "gatepost-reply-1"][kind]
    head = bytes([1 << 6 | KEY_ID << 3 | kind]) + struct.pack("!H", int(time.time() // 86400) - days_old)
    body = head + keyed("gatepost-agency-1", agency.encode())[:3] + \
        keyed("gatepost-recipient-1", recipient.lower().encode())[:4] + struct.pack("!I", number)[1:]
    octets = body + keyed(label, body, domain.encode())[:7]
    return letter + base64.b32encode(octets).decode().lower()


def address(recipient, **options):
    return f"{token(recipient, **options)}@{DOMAIN}"


def bounce(recipient, text="550 5.1.1 user unknown", status="5.1.1", action="failed", headers="", extra=""):
    """A DSN as Postfix writes one, about one recipient"""
    return f"""From: MAILER-DAEMON@mx.example.com\r
To: somebody@{DOMAIN}\r
Subject: Undelivered Mail Returned to Sender{extra}\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r
\r
--b1\r
Content-Type: text/plain\r
\r
<{recipient}>: {text}\r
--b1\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.com\r
\r
Final-Recipient: rfc822; {recipient}\r
Original-Recipient: rfc822;{recipient}\r
Action: {action}\r
Status: {status}\r
Diagnostic-Code: smtp; {text}\r
\r
--b1\r
Content-Type: text/rfc822-headers\r
\r
{headers}From: app@dol.gov\r
To: {recipient}\r
Subject: news\r
\r
--b1--\r
""".encode()


def mail(subject="hello", sender="jane@example.com", body="hello", headers=""):
    return f"{headers}From: {sender}\r\nTo: x@{DOMAIN}\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


class Feedback(relayconf.Relay):
    """gatepost-feedback and the directories it writes"""

    def __init__(self, **changes):
        super().__init__("feedback", agencies(), memcached=False, **changes)
        os.makedirs(self.path("dictionary"), exist_ok=True)
        with open(self.path("dictionary", "test.dict"), "w") as f:
            f.write(DICTIONARY)
        self.configure(**{"dictionaries": [self.path("dictionary")], **changes})

    def client(self, **options):
        return lmtp_client.Client(self.socket, **options)

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child = None

    # --- what it wrote ----------------------------------------------------------------------------------------------

    def query(self, sql, *values):
        with sqlite3.connect(f"file:{self.path('db', 'gatepost.db')}?mode=ro", uri=True, timeout=30) as db:
            found = db.execute(sql, values).fetchall()
        db.close()
        return found

    def intake(self, ident=None):
        """[{column: value}] of the messages taken in, or the one row of an id"""
        names = "id, hash, size, source, sender, recipient, kind, outcome, agency, why, received_ms"
        rows = [dict(zip(names.split(", "), row)) for row in self.query(f"SELECT {names} FROM intake ORDER BY received_ms")]
        return rows if ident is None else next((r for r in rows if r["id"] == ident), None)

    def suppressed(self):
        return {(a, g): r for a, g, r in self.query("SELECT address, agency, reason FROM suppression")}

    def archived(self):
        """{id: octets}"""
        found = {}
        for directory, _, names in os.walk(self.path("db", "archive")):
            for name in names:
                if name.endswith(".eml"):
                    with open(os.path.join(directory, name), "rb") as f:
                        found[name[:-4]] = f.read()
        return found


class Case(unittest.TestCase):
    def start(self, **changes):
        relay = Feedback(**changes)
        self.addCleanup(relay.close)
        return relay.start()

    def client(self, relay, **options):
        client = relay.client(**options)
        self.addCleanup(client.close)
        return client

    def kept(self, reply):
        """The id in a reply that says a message was kept"""
        self.assertRegex(reply, r"^250 2\.0\.0 Kept as [0-9a-f]{32}$")
        return reply.split()[-1]


until = process.wait_for
