# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl token and check-address: tokens and addresses, right and wrong ones"""
import base64
import hmac
import os
import subprocess
import time
import unittest

from ctl_case import BIN, Case

DAY = 86400


class Tokens(Case):
    counters = False
    SECRET = bytes(range(32))  # the key of gatepost-tokens(7)
    SEALED = (
        "X6ChoqOkpaanqKmqq74KaQAkQ4govqddLgVWoDbaWBSCed0WEonRxRYE6Q2yutcX2BjpOtz2sTeCzmphTCrSjk2YXqzqHFvbajB7NDK__g")

    def setUp(self):
        super().setUp()
        with open(f"{self.dir}/keys/token", "w") as f:
            f.write(f"3 {self.SECRET.hex()}\n")

    def short(self, age, letter="b", domain="b.example.gov", agency="dol"):
        """A short token made as gatepost-tokens(7) says."""
        def mac(text, octets):
            return hmac.digest(self.SECRET, text, "sha256")[:octets]
        kind, label = {"b": (0, b"verp"), "u": (1, b"unsub"), "f": (2, b"feedback"), "r": (3, b"reply")}[letter]
        token = bytes([0x58 + kind]) + (int(time.time()) // DAY - age).to_bytes(2, "big")
        token += mac(b"gatepost-agency-1" + agency.encode(), 3) + b"\xca\xfe\xba\xbe\1\2\3"
        token += mac(b"gatepost-" + label + b"-1" + token + domain.encode(), 7)
        return letter + base64.b32encode(token).decode().lower()

    def test_short_tokens(self):
        today = time.strftime("%Y-%m-%d", time.gmtime())
        r = self.good("token", "show", self.short(0), "--json").json()
        self.assertEqual({k: r[k] for k in ("form", "state", "type", "agency", "key", "recipient_hash", "id")},
                         {"form": "short", "state": "valid", "type": "bounce", "agency": "dol", "key": 3,
                          "recipient_hash": "cafebabe", "id": "010203"})
        self.assertIn(r["day"], (today, time.strftime("%Y-%m-%d", time.gmtime())))
        whole = self.short(0).upper() + "@B.Example.GOV"
        self.assertRegex(self.good("token", "show", whole).out, r"(?m)^state +valid$")
        for state, status, token in (("expired", 0, self.short(31)), ("valid", 0, self.short(30)),
                                     ("valid", 0, self.short(5000, "u")), ("forged", 1, self.short(-2)),
                                     ("forged", 1, self.short(0, domain="c.example.gov")),
                                     ("forged", 1, self.short(0)[:8] + self.short(1)[8:])):
            r = self.ctl("token", "show", token, "--json")
            self.assertEqual((r.status, r.json()["state"]), (status, state), token)
        self.assertNotIn("agency", self.good("token", "show", self.short(0, agency="gone"), "--json").json())

    def test_sealed_token(self):
        self.assertEqual(self.good("token", "show", self.SEALED, "--json").json(),
                         {"form": "sealed", "state": "valid", "type": "sealed", "day": "2026-11-26", "agency": "dol",
                          "key": 3, "recipient": "jane.doe@example.com", "message": "1@app.dol.example.gov",
                          "stream": ""})
        self.assertEqual(self.ctl("token", "show", self.SEALED[:-1] + "A").status, 1)

    def test_new_key(self):
        self.assertRegex(self.good("token", "new-key", "7").out, r"^7 [0-9a-f]{64}\n$")
        self.assertRegex(self.good("token", "new-key").out, r"^0 [0-9a-f]{64}\n$")
        self.assertNotEqual(self.good("token", "new-key").out, self.good("token", "new-key").out)

    def test_what_is_no_token(self):
        for token, form, state in (("b" + "a" * 32, "short", "malformed"), ("hello", "sealed", "malformed"),
                                   ("hello@b.example.gov", "short", "malformed"), ("", "sealed", "malformed")):
            r = self.ctl("token", "show", token, "--json")
            self.assertEqual((r.status, r.json()), (1, {"form": form, "state": state}), token)
        self.bad(1, "the domain is not return_path", "token", "show", self.short(0) + "@c.example.gov")


class CheckAddress(Case):
    counters = False
    GOOD = ['a@b.example', '"q u"@x.gov', "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "gr\u00fc\u00df@b\u00fccher.example",
            "-x@y.gov"]
    BAD = ["", "-x", "--help", "-h", "--json", " a@b.gov", "a@b.gov ", "a@b..gov", "a@b.gov\r", "a@b.gov.", ".a@b.gov",
           "@", "a", "a@", "x" * 65 + "@b.gov", "a@b.gov\n", "--"]

    def test_arguments(self):
        os.unlink(self.config)  # needs none
        for word, status, addresses in (("valid", 0, self.GOOD), ("invalid", 1, self.BAD)):
            for address in addresses:
                r = self.ctl("check-address", address)
                self.assertEqual((r.status, r.out, r.err), (status, word + "\n", ""), repr(address))

    def test_lines(self):
        good, bad = [a.encode() for a in self.GOOD], [a.encode() for a in self.BAD if "\n" not in a]
        mixed = good + bad + [b"a\0@b.gov", b"\xff@b.gov", b"x" * 300000 + b"@b.gov", b"a@b.gov"]
        expected = "valid\n" * len(good) + "invalid\n" * (len(bad) + 3) + "valid\n"
        for end in (b"\n", b""):  # the last line counts without its LF too
            r = self.ctl("check-address", "-", stdin=b"\n".join(mixed) + end)
            self.assertEqual((r.status, r.out, r.err), (1, expected, ""))
        self.assertEqual(self.good("check-address", "-", stdin=b"a@b.gov\n").out, "valid\n")
        self.assertEqual(self.good("check-address", "-", stdin=b"").out, "")
        self.assertEqual(self.ctl("check-address", "-", stdin=b"\n").out, "invalid\n")
        self.assertEqual(self.ctl("check-address", "-", stdin=b"a@b.gov\n\n").out, "valid\ninvalid\n")

    def test_a_program_may_ask_line_by_line(self):
        with subprocess.Popen([f"{BIN}/gatepostctl", "check-address", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as child:
            for address, word in ((b"a@b.gov\n", b"valid\n"), (b"a@\n", b"invalid\n")):
                child.stdin.write(address)
                child.stdin.flush()
                self.assertEqual(child.stdout.readline(), word)


if __name__ == "__main__":
    unittest.main()
