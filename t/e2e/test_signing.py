# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message leaves with signatures that a receiver finds right: OpenDKIM verifies what the sink caught."""
import os
import re
import subprocess
import threading
import unittest

from scene import WIDE, Scene, agency
import dkim_keys
import opendkim
import process

MEGABYTE = 1 << 20
DOL_KEYS = dkim_keys.Wanted("dol.example.gov")


def lines_of(octets, width=76):
    """Text that looks like base64, so many octets of it"""
    line = (b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 4)[:width] + b"\r\n"
    return line * (octets // len(line))


def head(recipient, extra=b"", sender=b"app@dol.example.gov", subject=b"one of every kind"):
    return (b"From: " + sender + b"\r\nTo: " + recipient.encode() + b"\r\nSubject: " + subject +
            b"\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <" + recipient.encode() + b">\r\n" + extra)


NESTED = (b"--out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
          b"--in\r\nContent-Type: text/plain\r\n\r\nplain\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--in--\r\n"
          b"--out\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@example.com\r\nSubject: inside\r\n\r\nquoted\r\n--out--\r\n")

# name: (headers after the usual ones, body)
KINDS = {
    "plain": (b"", b"Hello.\r\n"),
    "empty body": (b"", b""),
    "only blank lines": (b"", b"\r\n\r\n\r\n"),
    "no final newline": (b"", b"Hello."),
    "blanks at line ends": (b"", b"one \t \r\ntwo\t\r\n \r\nthree  four\r\n\r\n\r\n"),
    "8bit": (b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
             "Grüße an die Behörde\r\n".encode()),
    "8bit unlabelled": (b"", b"caf\xe9 \xff\xfe\r\n"),
    "encoded subject": (b"X-Note: =?utf-8?B?R3LDvMOfZQ==?=\r\n", b"Hello.\r\n"),
    "utf-8 header": ("X-Grüße: schöne\r\nComments: 日本語\r\n".encode(), b"Hello.\r\n"),
    "folded headers": (b"References: <a@example.gov>\r\n <b@example.gov>\r\n\t<c@example.gov>\r\nCc: one@example.com,\r\n"
                       b"   two@example.com\r\n", b"Hello.\r\n"),
    "long header": (b"References: " + b" ".join(b"<%060d@example.gov>" % n for n in range(600)) + b"\r\n", b"Hello.\r\n"),
    "long lines": (b"", b"x" * 990 + b"\r\n" + b"y" * 5000 + b"\r\n" + b"z" * 70000 + b"\r\n"),
    "dots": (b"", b".\x20\r\n..\r\n.hidden\r\n"),
    "duplicate headers": (b"Comments: one\r\nComments: two\r\nX-A: 1\r\nX-A: 2\r\nReferences: <r1@x.gov>\r\n"
                          b"References: <r2@x.gov>\r\n", b"Hello.\r\n"),
    "base64": (b"MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
               lines_of(200000)),
    "nested multipart": (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=out\r\n", NESTED),
    "attachment of 10 MiB": (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                             b"--b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b\r\nContent-Type: application/zip\r\n"
                             b"Content-Transfer-Encoding: base64\r\n\r\n" + lines_of(10 * MEGABYTE) + b"--b--\r\n"),
    "own unsubscribe": (b"List-Unsubscribe: <mailto:leave@dol.example.gov>\r\n", b"Hello.\r\n"),
    "forged marks": (b"X-Gatepost-Ref: forged\r\nX-Gatepost-Source: treasury\r\n", b"Hello.\r\n"),
}


class Signing(Scene):
    agencies = "\n".join([
        agency("dol", ["127.0.3.1"], ["dol.example.gov"], dkim=DOL_KEYS, limits={**WIDE, "message_size": "20M"}),
        agency("archives", ["127.0.3.2"], ["archives.example.gov"], limits=WIDE),
    ])

    def leaves(self, recipient, text, source="127.0.3.1", sender="app@dol.example.gov", parameters=""):
        client = self.session(source)
        self.assertGood(client.submit(sender, recipient, text, parameters))
        client.quit()
        return self.relay.wait_delivered(recipient)[0][1]

    def verify(self, data, records=None):
        return opendkim.signatures(data, records or self.relay.dkim_records())

    def assertSigned(self, data, domains):
        """Both algorithms of each of these domains, and nothing that fails"""
        found = self.verify(data)
        self.assertEqual({s.result for s in found}, {"pass"}, found)
        self.assertEqual(sorted((s.domain, s.algorithm) for s in found),
                         sorted((d, a) for d in domains for a in ("rsa-sha256", "ed25519-sha256")))

    def test_every_kind(self):
        relay = self.relay.dkim_domain
        for number, (kind, (extra, body)) in enumerate(KINDS.items()):
            with self.subTest(kind):
                recipient = f"kind{number}@example.com"
                data = self.leaves(recipient, head(recipient, extra) + b"\r\n" + body)
                self.assertSigned(data, ["dol.example.gov", relay])

    def test_agency_without_a_key_has_the_relays(self):
        data = self.leaves("none@example.com", head("none@example.com", sender=b"app@archives.example.gov") + b"\r\nHi.\r\n",
                           "127.0.3.2", "app@archives.example.gov")
        self.assertSigned(data, [self.relay.dkim_domain])

    def test_unsubscribe_is_covered_and_nothing_can_be_added(self):
        data = self.leaves("covered@example.com", head("covered@example.com") + b"\r\nHi.\r\n")
        for signature in re.findall(rb"(?mi)^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", data):
            covered = re.search(rb"\sh=([^;]*)", signature)[1].lower()
            names = re.sub(rb"\s", b"", covered).split(b":")
            for name in (b"from", b"to", b"subject", b"date", b"list-unsubscribe", b"list-unsubscribe-post"):
                self.assertEqual(names.count(name), 2, (name, names))
        for more in (b"Subject: another\r\n", b"List-Unsubscribe: <https://evil.example/>\r\n", b"From: boss@dol.example.gov\r\n"):
            self.assertNotIn("pass", {s.result for s in self.verify(more + data)}, more)
        changed = data.replace(b"\r\n\r\nHi.", b"\r\n\r\nHo.")
        self.assertNotIn("pass", {s.result for s in self.verify(changed)})

    def test_postfix_received_is_not_in_the_way(self):
        data = self.leaves("order@example.com", head("order@example.com") + b"\r\nHi.\r\n")
        self.assertIn(b"\r\nReceived: ", b"\r\n" + data)
        self.assertEqual(len(self.verify(data)), 4)

    def test_clients_own_signature(self):
        """Kept where what it covers is unchanged, gone where Gatepost's additions break it."""
        own = self.relay.path("keys", "client.pem")
        made = self.relay.ctl("dkim", "new", "dol.example.gov", "--selector", "own", "--out", own)
        self.assertEqual(made.returncode, 0, made.stderr)
        records = {**self.relay.dkim_records(), **dkim_keys.record(made.stdout)}
        for name, covers, kept in (("plain", "From:To:Subject:Date", True),
                                   ("over", "From:To:Subject:Date:List-Unsubscribe", False)):
            with self.subTest(name):
                recipient = f"own-{name}@example.com"
                text = head(recipient) + b"\r\nSigned by the client.\r\n"
                signed = self.sign_as_client(text, own, covers) + text
                self.assertEqual([s.result for s in self.verify(signed, records)], ["pass"])
                found = self.verify(self.leaves(recipient, signed), records)
                self.assertEqual({s.result for s in found}, {"pass"}, found)
                self.assertEqual(len(found), 5 if kept else 4, found)

    def sign_as_client(self, text, key, covers):
        """A DKIM-Signature header by OpenDKIM over these headers"""
        folder = self.relay.path("keys")
        message, conf = os.path.join(folder, "client.eml"), os.path.join(folder, "client.conf")
        over = "List-Unsubscribe" if "List-Unsubscribe" in covers else ""
        signs = ",".join(covers.replace(":List-Unsubscribe", "").split(":"))
        with open(message, "wb") as f:
            f.write(text)
        with open(conf, "w") as f:
            f.write(f"Mode s\nDomain dol.example.gov\nSelector own\nKeyFile {key}\nCanonicalization relaxed/relaxed\n"
                    f"Socket local:{folder}/client.sock\nSignHeaders {signs}{',' + over if over else ''}\n"
                    f"RequireSafeKeys no\nUserID root\n" + (f"OverSignHeaders {over}\n" if over else ""))
        done = subprocess.run(["opendkim", "-x", conf, "-t", message], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = done.stdout.decode()
        header = re.search(r"(?m)^DKIM-Signature:.*\n(?:[ \t].*\n)*", said)
        self.assertIsNotNone(header, said + done.stderr.decode())
        return re.sub(r"\r?\n", "\r\n", header[0]).encode()


PACE = 0.05  # seconds between messages of one sender: each is verified afterwards


class Sender(threading.Thread):
    """Submits messages until it is enough, 20 a session: a session keeps the keys it began with."""

    def __init__(self, relay, number, enough):
        super().__init__()
        self.relay, self.number, self.enough = relay, number, enough
        self.sent, self.failures, self.client = 0, [], None

    def connect(self):
        self.close()
        self.client = self.relay.client("127.0.3.1")
        self.client.say("EHLO client.test")

    def close(self):
        if self.client:
            self.client.close()

    def submit(self, recipient):
        text = head(recipient) + b"\r\nrotating\r\n"
        reply = self.client.submit("app@dol.example.gov", recipient, text)
        if reply.code == 421:
            self.connect()
            reply = self.client.submit("app@dol.example.gov", recipient, text)
        return reply

    def run(self):
        try:
            while not self.enough.wait(PACE):
                if self.sent % 20 == 0:
                    self.connect()
                reply = self.submit(f"rotate-{self.number}-{self.sent}@example.com")
                if reply.code != 250:
                    self.failures.append(str(reply))
                self.sent += 1
        except OSError as trouble:
            self.failures.append(repr(trouble))
        finally:
            self.close()


class Rotation(Scene):
    agencies = agency("dol", ["127.0.3.1"], ["dol.example.gov"], dkim=DOL_KEYS, limits=WIDE)
    messages, senders, turns = 60, 3, 3  # messages: between one change of keys and the next

    def test_under_load(self):
        """New keys by reload while mail flows: every message has its signatures, none fails."""
        records = dict(self.relay.dkim_records())
        enough = threading.Event()
        senders = [Sender(self.relay, n, enough) for n in range(self.senders)]

        def sent():
            return sum(s.sent for s in senders)

        def let_flow():
            due = sent() + self.messages
            process.wait_for("mail to flow", lambda: sent() >= due or not any(s.is_alive() for s in senders), 60, 0.01)

        for sender in senders:
            sender.start()
        for turn in range(self.turns):
            let_flow()
            self.relay.rotate_dkim(f"gp{turn + 2}")
            records.update(self.relay.dkim_records())
            self.operator("reload")
        let_flow()
        enough.set()
        for sender in senders:
            sender.join()
        self.assertEqual([f for s in senders for f in s.failures], [])
        delivered = [d for d in self.relay.settled() if d[0]["rcpt_to"][0].startswith("rotate-")]
        self.assertEqual(len(delivered), sent())
        selectors = set()
        verified = opendkim.signatures_of_all([data for _, data in delivered], records)
        for (envelope, _), found in zip(delivered, verified):
            self.assertEqual([s.result for s in found], ["pass"] * 4, (envelope, found))
            selectors |= {s.selector for s in found}
        self.assertGreaterEqual(len(selectors), 2 * self.turns)


if __name__ == "__main__":
    unittest.main()
