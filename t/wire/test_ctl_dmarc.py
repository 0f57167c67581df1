# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl dmarc test: the forecast for messages of every kind, by a real DNS; hostile files."""
import os
import unittest

from ctl_case import BIN, Case, dkim_keys, sample

from dns_server import DnsServer, refused

EGRESS = ["198.51.100.7", "198.51.100.8"]
BOTH = "v=spf1 ip4:198.51.100.7 ip4:198.51.100.8 -all"
ZONES = {
    "example.gov": f'b TXT "{BOTH}"\nrelay TXT "v=spf1 ip4:198.51.100.7 -all"\n',
    "dol.gov": f'@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=reject; sp=quarantine; pct=50"\nmail TXT "{BOTH}"\n'
               'strict TXT "v=spf1 ?all"\n_dmarc.strict TXT "v=DMARC1; p=none; adkim=s; aspf=s"\n',
    "doe.gov": '@ TXT "v=spf1 ~all"\n',
}
HEADERS = "To: x@example.org\nSubject: hello\n"


class Dmarc(Case):
    counters = False

    def setUp(self):
        super().setUp()
        folder = f"{self.dir}/keys"
        dkim_keys.make([f"{BIN}/gatepostctl", "-c", self.config], folder, "dol.gov", ["gp1e"])
        self.configure(egress=EGRESS)
        self.agencies(
            sample.agency("dol", ["192.0.2.10"], ["dol.gov", ".dol.gov"],
                          dkim=dkim_keys.entries(folder, "dol.gov", ["gp1e"])) +
            sample.agency("doe", ["192.0.2.20"], ["doe.gov", "dead.gov", "relay.example.gov"]))
        self.dns = DnsServer(ZONES, servfail=["dead.gov"]).start()
        self.addCleanup(self.dns.stop)

    def judge(self, text, *words, status=None):
        """The forecast for a message that begins with these headers."""
        octets = text if isinstance(text, bytes) else (text + HEADERS + "\nbody\n").encode()
        r = self.ctl("dmarc", "test", "-", "--json", "--server", self.dns.address, *words, stdin=octets)
        told = r.json()
        self.assertEqual((r.status, r.err), (0 if told["dmarc"] == "pass" else 1, ""))
        return told

    def test_forecasts(self):
        signed = "DKIM-Signature: v=1; d={}; s={}; h=from;\n\tb=abc\n"
        for name, text, want in (
                ("to be signed by its key", "From: a@dol.gov\n", ("pass", False, True)),
                ("relaxed", "From: a@mail.dol.gov\n", ("pass", False, True)),
                ("strict", "From: a@strict.dol.gov\n", ("fail", False, False)),
                ("no key, no policy", "From: a@doe.gov\n", ("no-policy", False, False)),
                ("the DNS does not answer", "From: a@dead.gov\n", ("unknown", False, False)),
                ("aligned with the return path", "From: a@relay.example.gov\n", ("pass", True, True)),
                ("nobody's", "From: a@va.gov\n", ("no-policy", False, False)),
                ("several of one domain", "From: a@dol.gov, \"B\" <b@DOL.gov>\n", ("pass", False, True)),
                ("several domains", "From: a@dol.gov, b@doe.gov\n", ("fail", False, False)),
                ("two From headers", "From: a@dol.gov\nFrom: a@dol.gov\n", ("fail", False, False)),
                ("no From header", "", ("fail", False, False)),
                ("signed as it was sent", "From: a@dol.gov\n" + signed.format("dol.gov", "gp1e"), ("pass", False, True)),
                ("signed by the relay alone", "From: a@dol.gov\n" + signed.format("relay.example.gov", "gp1e"),
                 ("fail", False, False)),
                ("another's signature does not count", "From: a@va.gov\n" + signed.format("va.gov", "2024"),
                 ("no-policy", False, False)),
                ("nor a key of that name that is not ours", "From: a@doe.gov\n" + signed.format("doe.gov", "gp1e"),
                 ("no-policy", False, False))):
            with self.subTest(name):
                told = self.judge(text)
                self.assertEqual((told["dmarc"], told["spf_aligned"], told["dkim_aligned"]), want)

    def test_inputs(self):
        told = self.judge("Return-Path: <x@elsewhere.test>\nFrom: A <a@Mail.dol.gov>\n"
                          "DKIM-Signature: v=1; d=elsewhere.test;\r\n s=S1; b=x\n")
        self.assertEqual((told["from"], told["agency"]), ("mail.dol.gov", "dol"))
        self.assertEqual((told["return_path"]["domain"], told["return_path"]["spf"]), ("b.example.gov", "pass"))
        self.assertEqual((told["visible_from"]["domain"], told["visible_from"]["spf"]), ("mail.dol.gov", "pass"))
        self.assertEqual(told["policy"], {"state": "found", "policy": "quarantine", "organizational": True, "adkim": "r",
                                          "aspf": "r", "pct": 50})
        self.assertEqual([(s["domain"], s["selector"], s["ours"], s["in_message"], s["aligned"]) for s in told["signatures"]],
                         [("elsewhere.test", "s1", False, True, False), ("dol.gov", "gp1e", True, False, True),
                          ("relay.example.gov", "gp1e", True, False, False)])
        told = self.judge("X-Gatepost-Source: doe\nFrom: a@dol.gov\n")  # as it left: whose it was is known
        self.assertEqual(told["agency"], "doe")

    def test_null_return_path(self):
        """Receivers check the name that the relay greets with; it has one of two addresses in its record."""
        told = self.judge("Return-Path: <>\nFrom: a@relay.example.gov\n")
        self.assertEqual(told["return_path"], {"domain": "relay.example.gov", "spf": "fail", "egress": "198.51.100.8",
                                               "why": told["return_path"]["why"]})
        self.assertEqual((told["dmarc"], told["spf_aligned"], told["dkim_aligned"]), ("pass", False, True))

    def test_for_people(self):
        path = f"{self.dir}/m.eml"
        with open(path, "w") as f:
            f.write("From sender@x Mon Jan  1 00:00:00 2026\nFrom: a@dol.gov\nReturn-Path: <y@old.test>\n" + HEADERS)
        self.configure(egress=EGRESS, dns_servers=[self.dns.address])
        out = self.good("dmarc", "test", path).out
        for line in ("From domain    dol.gov\n", "agency         dol\n",
                     "return path    b.example.gov: SPF pass from 198.51.100.7: ",
                     "(in the file: old.test, which the relay replaces)\n",
                     "visible From   dol.gov: SPF fail from 198.51.100.7: ",
                     "signature      dol.gov/gp1e: will be added, aligned\n",
                     "policy         reject, at dol.gov; adkim relaxed, aspf relaxed, pct 50\n",
                     "SPF aligned    no\nDKIM aligned   yes\nDMARC          pass\n"):
            self.assertIn(line, out)

    def test_hostile_files(self):
        path = f"{self.dir}/m.eml"
        for octets, said in ((b"", "there is no message in it"), (b"From: a@dol.gov\0\n\n", "a NUL stands in its headers"),
                             (b"X: " + b"x" * (1 << 20) + b"\n\n", "longer than 1 MiB")):
            with open(path, "wb") as f:
                f.write(octets)
            self.bad(1, said, "dmarc", "test", path)
        self.bad(1, "No such file", "dmarc", "test", f"{self.dir}/none")
        self.bad(1, "Is a directory", "dmarc", "test", self.dir)
        for head in (b"From: " + b"a:" * 100000 + b"x@dol.gov;" * 10, b"From: " + b"(" * 200000, b"From: \xff\xfe@dol.gov",
                     b"From: a@" + b"d" * 300 + b".gov", b"From: " + b"a@dol.gov, " * 90000, b"From\n:\n \n::", b"\x1b[2J: x",
                     b"DKIM-Signature: d=" + b"a." * 5000 + b"; s=\x1b[2J;;;;=\n" * 1000):
            with self.subTest(head[:20]):
                told = self.judge(head[:(1 << 20) - 100] + b"\n\nbody\n")
                self.assertEqual((told["from"], told["dmarc"]), ("", "fail"))
        r = self.ctl("dmarc", "test", "-", "--server", self.dns.address, stdin=b"From: a@dol.gov\n\n" + os.urandom(1 << 22))
        self.assertIn("DMARC          pass", r.out)  # of the body nothing is read

    def test_no_answer(self):
        r = self.ctl("dmarc", "test", "-", "--json", "--server", refused(), stdin=b"From: a@doe.gov\n\n")
        told = r.json()
        self.assertEqual((r.status, told["dmarc"], told["policy"]["state"], told["return_path"]["spf"]),
                         (1, "unknown", "unknown", "unknown"))


if __name__ == "__main__":
    unittest.main()
