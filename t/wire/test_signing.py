# SPDX-License-Identifier: GPL-3.0-or-later
"""What gatepost-milter signs: the edits it asks for are carried out here, and verify_dkim judges the message."""
import base64
import os
import shutil
import subprocess
import threading
import unittest

from milter_client import HEADERS
from milter_daemon import WIDE, Milter, until
from relayconf import BUILD, Relay, dkim_keys, sample
import toll  # milter_daemon says where

UNSIGNED = "451 4.7.5 Message could not be signed, retry later"
TOO_LARGE = "554 5.6.0 Headers too large to be signed"
KEYS = ["dol.gov/gp1/rsa", "dol.gov/gp1e/ed25519", "relay.example.gov/gp1/rsa", "relay.example.gov/gp1e/ed25519"]
MEGABYTE = 1 << 20
LARGE = 14 * MEGABYTE


def agencies(folder, dol=dkim_keys.BOTH):
    """dol has keys of its own, dos sends what cannot be signed as it is."""
    wide = {**WIDE, "message_size": "20M"}
    return (sample.agency("dol", ["192.0.2.10"], ["dol.gov", ".dol.gov"], wide,
                          dkim=dkim_keys.entries(folder, "dol.gov", dol)) +
            sample.agency("dos", ["192.0.2.20"], ["dos.gov"], wide, on_unsigned="send", client_signatures="keep") +
            sample.agency("doe", ["192.0.2.30"], ["doe.gov"], wide, client_signatures="remove", unsubscribe="none"))


class Signer(Milter):
    """The relay and dol have keys of both types; dol has more of them for a change of keys."""

    def __init__(self):
        super().__init__(message_size_ceiling="32M", unsubscribe="keep")
        self.folder = self.path("keys")
        ctl = [os.path.join(BUILD, "bin", "gatepostctl"), "-c", self.config]
        dkim_keys.make(ctl, self.folder, sample.RELAY_NAME)
        dkim_keys.make(ctl, self.folder, "dol.gov", [*dkim_keys.BOTH, "gp2", "gp2e"])
        if os.geteuid() == 0:
            for name in os.listdir(self.folder):
                shutil.chown(os.path.join(self.folder, name), "nobody", "postfix")
        self.configure(agencies(self.folder), dkim=dkim_keys.entries(self.folder, sample.RELAY_NAME))
        self.records = self.path("records")
        with open(self.records, "w") as f:
            for name in sorted(os.listdir(self.folder)):
                if name.endswith(".pem"):
                    f.write(published(self.folder, name[:-4]))

    def configure(self, text=None, **changes):
        Relay.configure(self, text, **changes)

    def verify(self, message):
        """Lines of verify_dkim."""
        done = subprocess.run([os.path.join(BUILD, "t", "verify_dkim"), self.records], input=message,
                              capture_output=True, check=False)
        assert done.returncode in (0, 1), done
        return done.stdout.decode().splitlines()

    def cpu(self):
        """Seconds of processor time that it has used."""
        with open(f"/proc/{self.child.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field):
        """KiB: VmRSS, or VmHWM, the most since forget_peak()."""
        with open(f"/proc/{self.child.pid}/status") as f:
            return int(next(line for line in f if line.startswith(field + ":")).split()[1])

    def forget_peak(self):
        with open(f"/proc/{self.child.pid}/clear_refs", "w") as f:
            f.write("5")


def published(folder, name):
    """A line of verify_dkim's KEYS for the key DOMAIN.SELECTOR; not asked of Gatepost."""
    domain, selector = name.rsplit(".", 1)
    der = subprocess.run(["openssl", "pkey", "-in", os.path.join(folder, name + ".pem"), "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    kind, key = ("ed25519", der[-32:]) if selector.endswith("e") else ("rsa", der)
    return f"{selector}._domainkey.{domain} v=DKIM1; k={kind}; p={base64.b64encode(key).decode()}\n"


def carry_out(edits, headers):
    """The headers after the edits, as the mail server makes them."""
    headers = list(headers)
    for kind, name, what in edits:
        if kind == "delete":
            places = [i for i, h in enumerate(headers) if h[0].lower() == name.lower()]
            del headers[places[what - 1]]
        elif kind == "add":
            headers.append((name, what))
        elif kind == "insert":
            headers.insert(0, (name, what))
    return headers


def on_the_wire(headers, body):
    text = b"".join(f"{n}:{v}".encode("utf-8", "surrogateescape").replace(b"\n", b"\r\n") + b"\r\n" for n, v in headers)
    return text + b"\r\n" + body + (b"" if body.endswith(b"\r\n") or not body else b"\r\n")


def names(headers):
    return [name for name, _ in headers]


class WithSigner(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.milter = Signer().start()

    @classmethod
    def tearDownClass(cls):
        cls.milter.__exit__()

    def session(self, address="192.0.2.10"):
        mta = self.milter.session(address)
        self.addCleanup(mta.close)
        return mta

    def leave(self, headers=None, body=b"hello\r\n", sender="a@dol.gov", mta=None):
        """(headers, lines of the verifier) of an accepted message as it leaves."""
        mta = mta or self.session()
        headers = HEADERS if headers is None else headers
        edits, reply = mta.message(sender=sender, headers=headers, body=body)
        self.assertEqual(reply, "accept")
        left = carry_out(edits, headers)
        return left, self.milter.verify(on_the_wire(left, body))

    def assert_all_pass(self, lines, signatures=len(KEYS)):
        self.assertEqual(len(lines), signatures, lines)
        self.assertEqual([line for line in lines if not line.startswith("pass ")], [])


class Signatures(WithSigner):
    def test_every_key_signs(self):
        left, lines = self.leave()
        self.assert_all_pass(lines)
        keys = [dict(word.split("=", 1) for word in line.split()[1:]) for line in lines]
        self.assertEqual([f"{k['d']}/{k['s']}/{k['a'].split('-')[0]}" for k in keys], KEYS)
        self.assertEqual({k["c"] for k in keys}, {"relaxed/relaxed"})
        for k in keys:
            signed = k["h"].lower().split(":")
            for name in ("from", "subject", "to", "list-unsubscribe", "list-unsubscribe-post"):
                self.assertEqual(signed.count(name), 2, name)
            self.assertEqual(signed.count("date"), 1)  # it has none, and nobody can add one
            self.assertEqual(signed.count("x-gatepost-ref"), 1)
        self.assertEqual(names(left)[:4], ["DKIM-Signature"] * 4)
        self.milter.wait_log(f"signed=4 signatures={','.join(KEYS)}")

    def test_shapes(self):
        shapes = {
            "empty body": ([], b""), "only line ends": ([], b"\r\n\r\n"), "no final newline": ([], b"hello"),
            "blanks": ([], b" a \t b\t\r\n \r\n\r\n"), "8 bits": ([], bytes(range(128, 256)) + b"\r\n"),
            "NUL": ([], b"a\0b\r\n\0\r\n"), "bare LF": ([], b"a\nb\r\n"), "many chunks": ([], b"0123456789abcde\r\n" * 20000),
            "one long line": ([], b"x" * 300000 + b"\r\n"),
            "folded": ([("Subject", " one\n two\n\tthree  "), ("Cc", "x")], b"hello\r\n"),
            "UTF-8": ([("Subject", " Grüße, 日本"), ("Sender", " ö@dol.gov")], b"hello\r\n"),
            "octets": ([("Comments", " \udcff\udc80"), ("Subject", " \udce9")], b"hello\r\n"),
            "long": ([("References", " " + "\n ".join(f"<{n}@dol.gov>" for n in range(3300)))], b"hello\r\n"),
            "duplicates": ([("Cc", " a"), ("X-A", " 1"), ("Cc", " b"), ("X-A", " 2")], b"hello\r\n"),
            "own unsubscribe": ([("List-Unsubscribe", " <mailto:x@dol.gov>")] * 3, b"hello\r\n"),
            "forged": ([("X-Gatepost-Ref", " 1"), ("x-gatepost-source", " dos"), ("X-Gatepost-Ref", " 2")], b"hello\r\n"),
        }
        mta = self.session()
        for name, (more, body) in shapes.items():
            with self.subTest(name):
                self.assert_all_pass(self.leave(more + HEADERS, body, mta=mta)[1])

    def test_whose_keys(self):
        for header, keys in ((" a@dol.gov", 4), (" a@mail.dol.gov", 4), (" A <a@DOL.GOV>", 4), (" a@elsewhere.gov", 2),
                             (" a@dol.gov, b@elsewhere.gov", 2)):
            with self.subTest(header):
                self.assert_all_pass(self.leave([("From", header)])[1], keys)
        self.assert_all_pass(self.leave([("From", " a@dol.gov"), ("From", " b@dol.gov")])[1], 2)
        neighbour = self.session("192.0.2.20")
        self.assert_all_pass(self.leave([("From", " a@dos.gov")], sender="a@dos.gov", mta=neighbour)[1], 2)
        self.assert_all_pass(self.leave([("From", " a@dol.gov")], sender="a@dos.gov", mta=neighbour)[1], 2)

    def test_one_message_after_the_other(self):
        """What was given up, and what was refused, leaves nothing behind."""
        mta = self.session()
        for _ in range(3):
            self.assert_all_pass(self.leave(mta=mta)[1])
            for answer in (mta.mail("<a@dol.gov>"), mta.rcpt("<x@example.org>"), mta.data()):
                self.assertEqual(answer, "continue")
            mta.header("From", " someone@dol.gov")
            mta.header("Subject", " given up")
            mta.eoh()
            mta.body(b"given up\r\n")
            mta.abort()
            self.assertEqual(mta.message(headers=[]), ([], UNSIGNED))

    def test_many_sessions(self):
        troubles = []

        def send(n):
            try:
                with self.milter.session() as mta:
                    for k in range(4):
                        body = f"{n} {k}\r\n".encode() * (1 + n * 2000)
                        headers = [("From", " a@dol.gov"), ("Subject", f" {n} {k}")]
                        edits, reply = mta.message(headers=headers, body=body)
                        lines = self.milter.verify(on_the_wire(carry_out(edits, headers), body))
                        if reply != "accept" or [line[:5] for line in lines] != ["pass "] * 4:
                            troubles.append((n, k, reply, lines))
            except Exception as e:  # a thread's own would be lost
                troubles.append((n, e))

        threads = [threading.Thread(target=send, args=(n,)) for n in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(troubles, [])

    def test_a_change_of_keys(self):
        """A session keeps the keys that it began with, and no message is without a signature."""
        old = self.session()
        self.milter.configure(agencies(self.milter.folder, ["gp2", "gp2e", *dkim_keys.BOTH]))
        try:
            self.milter.reload()
            fresh = self.session()
            for mta, selector in ((old, "gp1"), (fresh, "gp2")):
                lines = self.leave(mta=mta)[1]
                self.assert_all_pass(lines)
                self.assertIn(f" d=dol.gov s={selector} ", lines[0])
        finally:
            self.milter.configure(agencies(self.milter.folder))
            self.milter.reload()


class ClientSignatures(WithSigner):
    """dol: auto, dos: keep, doe: remove."""

    def own(self, h):
        return ("DKIM-Signature", f" v=1; a=rsa-sha256; d=app.example; s=x; h={h};\n\tbh=AAAA; b=AAAA")

    def kept(self, address, sender, headers):
        left, lines = self.leave(headers, sender=sender, mta=self.session(address))
        self.assert_all_pass([line for line in lines if "d=app.example" not in line], 4 if sender == "a@dol.gov" else 2)
        return [value.split("h=")[1].split(";")[0] for name, value in left if "d=app.example" in value]

    def test_by_setting(self):
        headers = [self.own("From:List-Unsubscribe"), ("From", " a@x.gov"), self.own("From:Subject"),
                   self.own("From:X-Gatepost-Ref"), self.own("From:To")]
        self.assertEqual(self.kept("192.0.2.10", "a@dol.gov", [("From", " a@dol.gov"), *headers[:1], *headers[2:]]),
                         ["From:Subject", "From:To"])
        self.assertEqual(len(self.kept("192.0.2.20", "a@dos.gov", headers)), 4)
        self.assertEqual(self.kept("192.0.2.30", "a@doe.gov", headers), [])

    def test_a_signature_that_passes_still_does(self):
        """Mail that was signed here before: what it covers is not touched, so it stays; and goes where it is."""
        left, _ = self.leave(mta=self.session("192.0.2.20"), sender="a@dos.gov", headers=[("From", " a@dos.gov")])
        own = [h for h in left if h[0] == "DKIM-Signature"]
        self.assertEqual(len(own), 2)
        again, lines = self.leave(left, sender="a@dos.gov", mta=self.session("192.0.2.20"))  # keep
        self.assertEqual(sorted(line[:5] for line in lines), ["fail "] * 2 + ["pass "] * 2)
        again, lines = self.leave(left)  # auto: they cover X-Gatepost-Ref
        self.assert_all_pass(lines, 2)
        self.assertEqual([h for h in again if h in own], [])


class Unsigned(WithSigner):
    def test_without_from(self):
        mta = self.session()
        for headers in ([], [("Subject", " x")]):
            self.assertEqual(mta.message(headers=headers), ([], UNSIGNED))
        self.assert_all_pass(self.leave(mta=mta)[1])
        self.milter.wait_log('reason=unsigned code=451 stage=END-OF-MESSAGE sender=a@dol.gov recipient=x@example.org '
                             'unsigned="')

    def test_without_from_but_sent(self):
        left, lines = self.leave([("Subject", " x")], sender="a@dos.gov", mta=self.session("192.0.2.20"))
        self.assertEqual(lines, [])
        self.assertIn("X-Gatepost-Ref", names(left))
        self.milter.wait_log("agency=dos reason=accepted")
        self.milter.wait_log(" signed=0")

    def test_headers_too_large(self):
        large = [("From", " a@dol.gov"), *[("To", " " + "x" * 60000)] * 5]
        many = [("From", " a@dol.gov"), *[("List-Unsubscribe", " <x:y>")] * 60, *[("List-Archive", " <x:y>")] * 100]
        mta = self.session()
        for headers in (large, many):
            self.assertEqual(mta.message(headers=headers), ([], TOO_LARGE))
        self.assert_all_pass(self.leave(large[:5], mta=mta)[1])
        not_signed = [("From", " a@dol.gov"), *[("X-Trace", " " + "x" * 60000)] * 20]
        self.assert_all_pass(self.leave(not_signed, mta=mta)[1])
        self.milter.wait_log('reason=headers code=554 stage=END-OF-MESSAGE')

    def test_a_refused_message_costs_no_signature(self):
        if toll.sanitized(self.milter.child.pid):
            self.skipTest("a sanitizer costs more than a signature")

        def cost(sender, reply):
            before = self.milter.cpu()
            for _ in range(200):
                self.assertEqual(mta.message(sender=sender, headers=[("From", " a@elsewhere.gov")])[1], reply)
            return self.milter.cpu() - before

        mta = self.session()
        cost("a@dol.gov", "accept")
        refused = cost("", "451 4.7.1 General failure, this is a private mailfrom domain, usage is not permitted")
        self.assertLess(refused * 2, cost("a@dol.gov", "accept"))


class Memory(WithSigner):
    def setUp(self):
        if toll.sanitized(self.milter.child.pid):
            self.skipTest("a sanitizer keeps memory back")

    def warm_up(self):
        with self.session() as mta:
            for body in (b"hello\r\n", b"x" * 70 + b"\r\n" * 20000):
                self.assert_all_pass(self.leave(body=body, mta=mta)[1])

    def test_a_large_body_streams(self):
        self.warm_up()
        body = (b"x" * 70 + b"\r\n") * (LARGE // 72)
        before = self.milter.memory("VmRSS")
        self.milter.forget_peak()
        self.assert_all_pass(self.leave(body=body)[1])
        self.assertLess(self.milter.memory("VmHWM") - before, 1024)

    def test_sessions_that_are_cut_off(self):
        self.warm_up()

        def cut_off(n):
            for _ in range(n):
                mta = self.milter.session()
                for answer in (mta.mail("<a@dol.gov>"), mta.rcpt("<x@example.org>"), mta.data()):
                    self.assertEqual(answer, "continue")
                mta.header("From", " a@dol.gov")
                mta.header("To", " " + "x" * 60000)
                mta.eoh()
                mta.body(b"x" * 60000)
                mta.close()
            until("all sessions to end", lambda: self.milter.status()["sessions"] == 0)

        cut_off(40)
        before = self.milter.memory("VmRSS")
        cut_off(120)  # each holds 600 KiB
        self.assertLess(self.milter.memory("VmRSS") - before, 4096)


if __name__ == "__main__":
    unittest.main()
