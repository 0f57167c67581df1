# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl dns: what it prints loads as a zone, and --verify finds each thing that is not published as it must be."""
import contextlib
import re
import subprocess
import time
import unittest

from ctl_case import BIN, Case, dkim_keys, sample

from dns_server import DnsServer, OddServer, refused, text

EGRESS = ["198.51.100.7", "2001:db8::7"]
SOA = "$ORIGIN .\n$TTL 60\n. SOA ns.invalid. root.invalid. 1 3600 600 86400 60\n. NS ns.invalid.\n"
V6 = "7" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"
# what no record of the list is, but a relay must have
HOST = (f"relay.example.gov. A {EGRESS[0]}\nrelay.example.gov. AAAA {EGRESS[1]}\n"
        f"7.100.51.198.in-addr.arpa. PTR relay.example.gov.\n{V6}. PTR other.example.gov.\n"
        f"{V6}. PTR relay.example.gov.\n")


class Dns(Case):
    counters = False

    def setUp(self):
        super().setUp()
        self.folder = f"{self.dir}/keys"
        ctl = [f"{BIN}/gatepostctl", "-c", self.config]
        dkim_keys.make(ctl, self.folder, "dol.gov")
        dkim_keys.make(ctl, self.folder, sample.RELAY_NAME)
        self.settings = {"egress": EGRESS, "dkim": dkim_keys.entries(self.folder, sample.RELAY_NAME)}
        self.configure(**self.settings)
        self.agencies(
            sample.agency("dol", ["192.0.2.10"], ["dol.gov", "mail.dol.gov", ".dol.gov"],
                          dkim=dkim_keys.entries(self.folder, "dol.gov")) +
            sample.agency("doe", ["192.0.2.20"], ["doe.example.gov", "bücher.example", "dol.gov"]) +
            sample.agency("nobody", ["192.0.2.30"], [".parks.example"]))

    def printed(self, *words):
        return self.good("dns", *words).out

    def records(self, *words, status=0):
        r = self.ctl("dns", "--json", *words)
        self.assertEqual(r.status, status, (r.out, r.err))
        told = r.json()
        return {(o["kind"], o["name"]): o for o in told["records"]}, told

    @contextlib.contextmanager
    def published(self, zone, **more):
        """This zone text on a server that the configuration names."""
        with DnsServer({"x.invalid": zone}, **more) as dns:
            self.configure(**self.settings, dns_servers=[dns.address])
            yield dns

    def without(self, zone, start):
        """The zone without the lines that start so; there must be one."""
        kept = [line for line in zone.splitlines() if not line.startswith(start)]
        self.assertLess(len(kept), len(zone.splitlines()), start)
        return "\n".join(kept) + "\n"

    def states(self, zone, **more):
        """The records that are not ok, once this is published: {(kind, name): record}; and the findings."""
        with self.published(zone, **more):
            found, told = self.records("--verify", status=1)
        bad = {k: o for k, o in found.items() if o["state"] != "ok"}
        return bad, {f["what"]: f for f in told["findings"] if f["state"] != "ok"}

    def test_what_is_printed(self):
        lines = [line for line in self.printed().splitlines() if line and not line.startswith(";")]
        self.assertIn("b.example.gov. IN MX 10 relay.example.gov.", lines)
        self.assertIn('b.example.gov. IN TXT ( "v=spf1 ip4:198.51.100.7 ip6:2001:db8::7 -all" )', lines)
        self.assertIn('relay.example.gov. IN TXT ( "v=spf1 ip4:198.51.100.7 ip6:2001:db8::7 -all" )', lines)
        self.assertIn('dol.gov. IN TXT ( "v=spf1 include:b.example.gov -all" )', lines)
        self.assertIn('_dmarc.relay.example.gov. IN TXT ( "v=DMARC1; p=none; rua=mailto:postmaster@b.example.gov" )', lines)
        # the contact's domain must be of the same organization to get reports without being asked
        self.assertIn('_dmarc.doe.example.gov. IN TXT ( "v=DMARC1; p=none; rua=mailto:mail-ops@doe.example.gov" )', lines)
        self.assertIn('_dmarc.dol.gov. IN TXT ( "v=DMARC1; p=none" )', lines)
        self.assertIn('xn--bcher-kva.example. IN TXT ( "v=spf1 include:b.example.gov -all" )', lines)
        self.assertFalse([line for line in lines if line.startswith("_dmarc.mail.dol.gov")])  # dol.gov's holds
        owners = [line.split(" ( ")[0] for line in lines if "_domainkey" in line]
        self.assertEqual(owners, [f"{s}._domainkey.{d}. IN TXT" for d in ("relay.example.gov", "dol.gov")
                                  for s in dkim_keys.BOTH])
        self.assertEqual(len(lines), len(set(lines)))  # dol.gov is of two agencies: once
        self.assertTrue(all(re.match(r"[a-z0-9_.-]+\. IN (MX 10 [a-z.]+\.|TXT \( .* \))\Z", line) for line in lines))
        self.assertLessEqual(max(len(s) for line in lines for s in re.findall(r'"([^"]*)"', line)), 255)
        self.assertIn("; each name below parks.example that stands in From addresses", self.printed())

    def test_groups(self):
        whole = self.printed()
        self.assertEqual(re.findall(r"(?m)^; (the relay|\w+)(?=, | \()", whole), ["the relay", "doe", "dol", "nobody"])
        alone = self.printed("dol")
        self.assertNotIn("relay.example.gov.", alone)
        self.assertIn("gp1._domainkey.dol.gov.", alone)
        self.assertIn(dkim_keys.record(alone)["gp1._domainkey.dol.gov"], "".join(re.findall(r'"([^"]*)"', alone)))
        self.bad(1, "there is no agency", "dns", "dool")

    def test_it_is_a_zone(self):
        path = f"{self.dir}/zone"
        with open(path, "w") as f:
            f.write(SOA + self.printed())
        done = subprocess.run(["nsd-checkzone", ".", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with self.published(self.printed() + HOST):
            verified = self.good("dns", "--verify").out
        self.assertEqual(set(re.findall(r"(?m)\) ; (\w+)$", verified)), {"ok"})
        with open(path, "w") as f:  # so is what --verify prints
            f.write(SOA + verified)
        self.assertEqual(subprocess.run(["nsd-checkzone", ".", path], capture_output=True).returncode, 0)

    def test_a_long_list_of_addresses(self):
        self.settings["egress"] = [f"198.51.100.{i}" for i in range(1, 60)]
        self.configure(**self.settings)
        record = next(line for line in self.printed().splitlines() if line.startswith("b.example.gov. IN TXT"))
        parts = re.findall(r'"([^"]*)"', record)
        self.assertEqual([len(p) for p in parts[:-1]], [255] * (len(parts) - 1))
        self.assertEqual("".join(parts), "v=spf1 " + " ".join(f"ip4:{a}" for a in self.settings["egress"]) + " -all")

    def test_everything_is_there(self):
        with self.published(self.printed() + HOST):
            found, told = self.records("--verify")
        self.assertEqual({o["state"] for o in found.values()}, {"ok"})
        self.assertEqual([(f["what"], f["state"]) for f in told["findings"]],
                         [("address of relay_name", "ok"), ("name of 198.51.100.7", "ok"), ("name of 2001:db8::7", "ok")])

    def test_each_thing_that_is_missing(self):
        zone = self.printed() + HOST
        for start, kind, name in (
                ("b.example.gov. IN MX", "mx", "b.example.gov"),
                ("relay.example.gov. IN TXT", "spf", "relay.example.gov"),
                ("doe.example.gov. IN TXT", "spf", "doe.example.gov"),
                ("gp1._domainkey.dol.gov.", "dkim", "gp1._domainkey.dol.gov"),
                ("_dmarc.dol.gov.", "dmarc", "_dmarc.dol.gov")):
            with self.subTest(start):
                bad, findings = self.states(self.without(zone, start))
                self.assertEqual({k: o["state"] for k, o in bad.items()}, {(kind, name): "missing"})
                self.assertEqual(findings, {})
        for start, what, said in (
                ("relay.example.gov. A ", "name of 198.51.100.7", "relay.example.gov, which is 2001:db8::7"),
                (V6, "name of 2001:db8::7", f"no PTR record at {V6}")):
            with self.subTest(start):
                bad, findings = self.states(self.without(zone, start))
                self.assertEqual(({}, list(findings)), (bad, [what]))
                self.assertIn(said, findings[what]["text"])
        bad, findings = self.states(self.without(self.without(zone, "relay.example.gov. A "), "relay.example.gov. AAAA "))
        self.assertEqual(findings["address of relay_name"]["state"], "missing")
        bad, _ = self.states(self.without(zone, "b.example.gov. IN TXT"))  # then nobody's include passes either
        self.assertEqual(bad["spf", "b.example.gov"]["state"], "missing")
        self.assertIn(("spf", "dol.gov"), bad)

    def test_what_differs(self):
        zone = self.printed() + HOST
        for start, instead, kind, name, found in (
                ("b.example.gov. IN MX", "b.example.gov. MX 5 mx.other.gov.", "mx", "b.example.gov", ["mx.other.gov"]),
                ("gp1._domainkey.dol.gov.", 'gp1._domainkey.dol.gov. TXT "v=DKIM1; p=AAAA"', "dkim",
                 "gp1._domainkey.dol.gov", ["v=DKIM1; p=AAAA"]),
                ("_dmarc.dol.gov.", '_dmarc.dol.gov. TXT "v=DMARC1; p=bounce"', "dmarc", "_dmarc.dol.gov",
                 ["v=DMARC1; p=bounce"])):
            with self.subTest(start):
                bad, _ = self.states(self.without(zone, start) + instead + "\n")
                self.assertEqual(list(bad), [(kind, name)])
                self.assertEqual((bad[kind, name]["state"], bad[kind, name]["found"]), ("differs", found))

    def test_an_spf_record_is_put_right(self):
        zone = self.without(self.printed() + HOST, "doe.example.gov. IN TXT")
        old = "v=spf1 ip4:192.0.2.1 a:mail.doe.example.gov ~all"
        bad, _ = self.states(zone + f"doe.example.gov. TXT {text(old)}\nmail.doe.example.gov. A 192.0.2.2\n")
        record = bad["spf", "doe.example.gov"]
        self.assertEqual((record["state"], record["found"][0]), ("differs", old))
        self.assertRegex(record["found"][1], r"^softfail from 198\.51\.100\.7: ")
        self.assertEqual(record["value"], "v=spf1 ip4:192.0.2.1 a:mail.doe.example.gov include:b.example.gov ~all")
        with self.published(zone + f"{record['zone']}\nmail.doe.example.gov. A 192.0.2.2\n"):
            self.records("--verify")  # and then it is
        for good in ("v=spf1 ip4:198.51.100.7 ip6:2001:db8::/64 -all", "v=spf1 redirect=b.example.gov"):
            with self.published(zone + f"doe.example.gov. TXT {text(good)}\n"):
                self.records("--verify")  # however it is written

    def test_a_key_however_it_is_written(self):
        zone = self.printed() + HOST
        line = next(line for line in zone.splitlines() if line.startswith("gp1e._domainkey.dol.gov."))
        key = re.search(r"p=([^\"]*)", line)[1]
        again = f'gp1e._domainkey.dol.gov. TXT "k=ed25519; p={key[:9]} " " {key[9:]};"\n'
        with self.published(self.without(zone, "gp1e._domainkey.dol.gov.") + again):
            self.records("--verify")
        bad, _ = self.states(zone + again)  # two records at one name: a verifier may take either
        self.assertEqual(list(bad), [("dkim", "gp1e._domainkey.dol.gov")])

    def test_dmarc_of_the_organization(self):
        zone = self.without(self.printed() + HOST, "_dmarc.doe.example.gov.")
        with self.published(zone + '_dmarc.example.gov. TXT "v=DMARC1; p=reject; sp=none"\n'):
            found, _ = self.records("--verify")
        self.assertEqual(found["dmarc", "_dmarc.doe.example.gov"]["found"], ["policy none, of the organizational domain"])

    def test_reports_to_another_organization(self):
        self.settings["return_path"] = "b.example.net"
        self.configure(**self.settings)
        found, _ = self.records()
        self.assertEqual(found["reports", "relay.example.gov._report._dmarc.b.example.net"]["value"], "v=DMARC1")
        with self.published(self.printed() + HOST):
            self.records("--verify")

    def test_hostile_records(self):
        zone = self.without(self.printed() + HOST, "gp1._domainkey.dol.gov.")
        evil = b'\x1b[2J\n_dmarc.dol.gov. IN TXT "v=DMARC1; p=reject"\r\xff'
        with self.published(zone + f"gp1._domainkey.dol.gov. TXT {text(evil)}\n"):
            r = self.ctl("dns", "--verify")
        self.assertEqual(r.status, 1)
        self.assertEqual(re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", r.out), [])
        self.assertEqual([line for line in r.out.splitlines() if "p=reject" in line and not line.startswith(";")], [])

    def test_without_an_answer_nothing_is_known(self):
        with OddServer() as silent:
            for server in (refused(), silent.address):
                start = time.monotonic()
                found, told = self.records("--verify", "--server", server, status=1)
                self.assertEqual({o["state"] for o in found.values()}, {"unknown"})
                self.assertEqual({f["state"] for f in told["findings"]}, {"unknown"})
                self.assertLess(time.monotonic() - start, 25)
        with self.published(self.printed() + HOST, servfail=["dol.gov"]):
            found, told = self.records("--verify", status=1)
        unknown = [k for k, o in found.items() if o["state"] != "ok"]
        self.assertTrue(unknown and all(name.endswith("dol.gov") for _, name in unknown), unknown)

    def test_without_egress(self):
        self.settings["egress"] = None
        self.configure(**self.settings)
        found, told = self.records()
        self.assertNotIn(("spf", "b.example.gov"), found)
        self.assertIn("egress names no address", told["notes"][0]["text"])
        with self.published(self.printed() + HOST):
            found, _ = self.records("--verify", status=1)
        self.assertEqual(found["spf", "dol.gov"]["state"], "unknown")


if __name__ == "__main__":
    unittest.main()
