# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl spf test and spf show against a real DNS server, and against servers that misbehave."""
import json
import os
import struct
import subprocess
import time
import unittest

import relayconf  # first: it knows where the harness is
from spf_cases import CASES, V4, V6, zones
from dns_server import DnsServer, OddServer, refused, text

CTL = os.path.join(relayconf.BUILD, "bin", "gatepostctl")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spf(name, record):
    return f"{name} TXT {text(record)}"


class Case(unittest.TestCase):
    dns = None

    def run_ctl(self, *words, config=None):
        argv = [CTL, *(["-c", config] if config else []), *words]
        done = subprocess.run(argv, capture_output=True, timeout=60)
        self.assertIn(done.returncode, (0, 1, 2), done)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def check(self, ip, sender, server=None, config=None):
        """The verdict as JSON; a word on stderr is a failure."""
        server = [] if config else ["--server", server or self.dns.address]
        status, out, err = self.run_ctl("spf", "test", "--ip", ip, "--sender", sender, "--json", *server, config=config)
        self.assertEqual(err, "")
        answer = json.loads(out)
        self.assertEqual(status, 0 if answer["result"] == "pass" else 1)
        return answer

    def show(self, domain, server=None, config=None):
        server = [] if config else ["--server", server or self.dns.address]
        status, out, err = self.run_ctl("spf", "show", domain, "--json", *server, config=config)
        self.assertEqual(err, "")
        answer = json.loads(out)
        self.assertTrue(status == 0 or answer["findings"], answer)
        return answer, status

    def finding(self, answer, level, part):
        found = [f for f in answer["findings"] if f["level"] == level and part in f.get("term", "") + " " + f["text"]]
        self.assertTrue(found, (level, part, answer["findings"]))
        return found[0]


class Verdicts(Case):
    @classmethod
    def setUpClass(cls):
        cls.dns = DnsServer(zones(), servfail=["dead.gov"]).start()
        cls.addClassCleanup(cls.dns.stop)

    def test_every_set_up_gets_the_right_verdict(self):
        for name, (_, ip, result, why) in CASES.items():
            with self.subTest(name):
                answer = self.check(ip, f"strong-bad@{name}.gov")
                self.assertEqual(answer["result"], result, answer)
                self.assertIn(why, answer["why"])
                self.assertTrue(answer["why"].isprintable() and answer["why"].isascii(), answer["why"])
                self.assertLessEqual(answer["lookups"], 11)
                self.assertTrue(30 <= answer["ttl"] <= 86400)

    def test_an_explanation_is_never_asked_for(self):
        asked = [step["name"] for step in self.check(V4, "a@unasked-exp.gov")["trace"]]
        self.assertEqual(asked, ["unasked-exp.gov"])

    def test_the_trace_tells_every_question(self):
        trace = self.check(V4, "a@mx-second.gov")["trace"]
        self.assertEqual([(s["type"], s["name"], s["state"], s["count"]) for s in trace],
                         [("TXT", "mx-second.gov", "found", 1), ("MX", "mx-second.gov", "found", 2),
                          ("A", "a.mx-second.gov", "found", 1), ("A", "b.mx-second.gov", "found", 1)])
        self.assertEqual(trace[0]["records"], ["v=spf1 mx -all"])
        self.assertEqual(trace[3]["records"], ["192.0.2.9"])
        self.assertIn("4096 octets", self.check(V4, "a@long-4097.gov")["trace"][0]["dropped"])

    def test_what_is_counted(self):
        for name, lookups, voids in (("ip4", 0, 0), ("ten", 10, 0), ("eleven", 11, 0), ("two-void", 2, 2),
                                     ("three-void", 3, 3), ("mx-ten", 1, 0), ("mx-null", 1, 0), ("mx-void-hosts", 1, 0), ("redirect", 1, 0),
                                     ("eleven-not-reached", 1, 0), ("a-zero-none", 1, 1)):
            with self.subTest(name):
                answer = self.check(CASES[name][1], f"a@{name}.gov")
                self.assertEqual((answer["lookups"], answer["voids"]), (lookups, voids), answer)

    def test_it_is_good_for_as_long_as_the_shortest_answer(self):
        self.dns.reload(zones() | {"ttl.gov": '@ 5000 TXT "v=spf1 include:x.ttl.gov -all"\nx 700 TXT "v=spf1 -all"',
                                   "soon.gov": "@ 1 TXT \"v=spf1 -all\"",
                                   "late.gov": "@ 2000000 TXT \"v=spf1 -all\""})
        self.assertEqual(self.check(V4, "a@ttl.gov")["ttl"], 700)
        self.assertEqual(self.check(V4, "a@soon.gov")["ttl"], 30)
        self.assertEqual(self.check(V4, "a@late.gov")["ttl"], 86400)
        self.assertEqual(self.check(V4, "a@absent.invalid")["ttl"], 300)

    def test_senders_that_can_have_no_record(self):
        for sender in ("localhost", "x" * 64 + ".gov"):
            status, _, err = self.run_ctl("spf", "test", "--ip", V4, "--sender", sender, "--server", self.dns.address)
            self.assertEqual(status, 2, sender)
        self.assertEqual(self.check(V4, "a@[192.0.2.9]")["result"], "none")
        self.assertEqual(self.check(V4, "a@localhost")["result"], "none")
        self.assertEqual(self.check(V4, "ip4.gov")["result"], "pass")

    def test_wrong_words(self):
        for words in (["--sender", "a@ip4.gov"], ["--ip", V4], ["--ip", "192.0.2.0/24", "--sender", "a@ip4.gov"],
                      ["--ip", V4, "--sender", "@"]):
            status, out, err = self.run_ctl("spf", "test", *words)
            self.assertEqual((status, out, err.count("\n")), (2, "", 1), words)
        for server in ("localhost:53", "192.0.2.1,192.0.2.2", "", "x" * 100):
            status, out, err = self.run_ctl("spf", "test", "--ip", V4, "--sender", "a@ip4.gov", "--server", server)
            self.assertEqual((status, out), (1, ""), server)
            self.assertIn("--server must be", err)

    def test_for_people(self):
        status, out, err = self.run_ctl("spf", "test", "--ip", V4, "--sender", "a@include.gov", "--server", self.dns.address)
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("pass: mail of a@include.gov from 192.0.2.9\nip4:192.0.2.9 in x.include.gov\n"), out)
        self.assertIn("  TXT  x.include.gov: 1 record\n         v=spf1 ip4:192.0.2.9 -all\n", out)
        self.assertIn("1 of 10 lookups, 0 of 2 that found nothing", out)


class Shown(Case):
    """spf show: the tree, the findings, the record to publish."""

    ZONES = {
        "fine.gov": spf("@", "v=spf1 mx include:_spf.other.gov include:b.relay.gov -all") + "\n@ MX 1 mx\nmx A 192.0.2.1",
        "other.gov": spf("_spf", "v=spf1 include:_more.other.gov ip4:192.0.2.0/24 ~all") + "\n" +
                     spf("_more", "v=spf1 a:h.other.gov ip6:2001:db8::/32 ?all") + "\nh A 192.0.2.2",
        "relay.gov": spf("b", "v=spf1 ip4:192.0.2.9 -all"),
        "indirect.gov": spf("@", "v=spf1 include:fine.gov ~all"),
        "plain.gov": spf("@", "v=spf1 mx -all exp=why.plain.gov") + "\n@ MX 1 mx\nmx A 192.0.2.1",
        "redirected.gov": spf("@", "v=spf1 redirect=_spf.other.gov"),
        "two.gov": spf("@", "v=spf1 mx ip4:192.0.2.1 ~all") + "\n" + spf("@", "v=spf1 ip4:192.0.2.1 a:x.two.gov -all"),
        "open.gov": spf("@", "v=spf1 ip4:0.0.0.0/0 +all"),
        "endless.gov": spf("@", "v=spf1 ip4:192.0.2.1"),
        "unsaid.gov": spf("@", "v=spf1 ip4:192.0.2.1 ?all"),
        "typo.gov": spf("@", "v=spf1 ipv4:192.0.2.1 ip4=192.0.2.2 mx:typo.gov -all ip4:192.0.2.3"),
        "missing.gov": spf("@", "v=spf1 include:nowhere.invalid -all"),
        "loop.gov": spf("@", "v=spf1 include:x.loop.gov -all") + "\n" + spf("x", "v=spf1 include:loop.gov -all"),
        "self.gov": spf("@", "v=spf1 include:self.gov -all"),
        "broken.gov": spf("@", "v=spf1 include:x.broken.gov -all") + "\n" + spf("x", "v=spf1 all:yes"),
        "wide.gov": spf("@", "v=spf1 " + " ".join(f"include:x{i}.wide.gov" for i in range(11)) + " -all") + "\n" +
                    "\n".join(spf(f"x{i}", "v=spf1 ip4:192.0.2.1") for i in range(11)),
        "void.gov": spf("@", "v=spf1 a:n1.void.gov mx:n2.void.gov exists:n3.void.gov -all"),
        "ptr.gov": spf("@", "v=spf1 ptr -all"),
        "pra.gov": spf("@", "spf2.0/pra ip4:192.0.2.1 -all") + "\n" + spf("@", "v=spf1 -all"),
        "alike.gov": spf("@", "v=spf1; ip4:192.0.2.1 -all"),
        "long.gov": spf("@", "v=spf1 " + " ".join(f"ip4:192.0.2.{i}" for i in range(40)) + " -all"),
        "longer.gov": spf("@", "v=spf1 " + " ".join(f"ip4:192.0.2.{i % 256}" for i in range(300)) + " -all"),
        "macro.gov": spf("@", "v=spf1 include:%{d}.x.gov -all"),
        "both.gov": spf("@", "v=spf1 redirect=_spf.other.gov ~all"),
        "twice.gov": spf("@", "v=spf1 redirect=_spf.other.gov redirect=_spf.other.gov"),
        "mail.gov": spf("@", "v=spf1 mx -all") + "".join(f"\n@ MX {i} h{i}" for i in range(11)),
        "bare.gov": "@ A 192.0.2.1",
        "crowd.gov": spf("@", "v=spf1 " + "a " * 500 + "-all"),
        "hostile.gov": spf("@", b"v=spf1 a:\x1b[31m\xff\xfe\"\\ -all"),
    }

    @classmethod
    def setUpClass(cls):
        cls.zones = cls.ZONES | {"deep.gov": "\n".join([spf("@", "v=spf1 include:x0.deep.gov -all")] + [
            spf(f"x{i}", f"v=spf1 include:x{i + 1}.deep.gov -all") for i in range(40)])}
        tree = ["*.wild.gov. TXT " + text("v=spf1 " + " ".join(f"include:{c}.%s.wild.gov" % c for c in LETTERS))]
        cls.zones["wild.gov"] = "\n".join(
            [spf("@", "v=spf1 " + " ".join(f"include:{c}.wild.gov" for c in LETTERS))] +
            [spf(c, "v=spf1 " + " ".join(f"include:{c}{d}.wild.gov" for d in LETTERS)) for c in LETTERS] + tree)
        cls.dns = DnsServer(cls.zones, servfail=["dead.gov"]).start()
        cls.addClassCleanup(cls.dns.stop)
        cls.relay = relayconf.Relay("policyd", relayconf.sample.agency("dol", ["192.0.2.10"], ["dol.gov"]), memcached=False,
                                    return_path="b.relay.gov", dns_servers=[cls.dns.address])
        cls.addClassCleanup(cls.relay.close)

    def with_relay(self, domain):
        return self.show(domain, config=self.relay.config)

    def test_a_tree_with_its_lookups(self):
        answer, status = self.with_relay("fine.gov")
        self.assertEqual((status, answer["findings"], answer["includes_relay"]), (0, [], True))
        self.assertEqual((answer["lookups"], answer["voids"]), (5, 0))
        self.assertEqual(answer["advice"], {"text": "Nothing is to change"})
        tree = answer["tree"]
        self.assertEqual((tree["lookups"], tree["lookups_total"]), (3, 5))
        other, relay = tree["includes"]
        self.assertEqual((other["via"], other["lookups"], other["lookups_total"]), ("include:_spf.other.gov", 1, 2))
        self.assertEqual(other["includes"][0]["records"], ["v=spf1 a:h.other.gov ip6:2001:db8::/32 ?all"])
        self.assertEqual((relay["domain"], relay["lookups_total"]), ("b.relay.gov", 0))

    def test_the_relay_is_included_before_all(self):
        answer, status = self.with_relay("plain.gov")
        self.assertEqual((status, answer["includes_relay"]), (0, False))
        self.assertEqual(answer["advice"]["record"], "v=spf1 mx include:b.relay.gov -all exp=why.plain.gov")
        self.assertEqual(answer["advice"]["zone"],
                         'plain.gov. IN TXT "v=spf1 mx include:b.relay.gov -all exp=why.plain.gov"')
        answer, _ = self.with_relay("redirected.gov")
        self.assertEqual(answer["advice"]["record"], "v=spf1 include:b.relay.gov redirect=_spf.other.gov")

    def test_the_relay_may_be_included_further_down(self):
        answer, status = self.with_relay("indirect.gov")
        self.assertEqual((status, answer["includes_relay"]), (0, True))
        self.assertEqual(answer["advice"], {"text": "Nothing is to change"})

    def test_without_a_record(self):
        answer, status = self.with_relay("bare.gov")
        self.assertEqual(status, 0)
        self.assertEqual(answer["advice"]["record"], "v=spf1 include:b.relay.gov -all")
        self.assertIn("Leave it so", answer["advice"]["text"])
        answer, _ = self.show("bare.gov")
        self.assertNotIn("record", answer["advice"])

    def test_two_records_become_one(self):
        answer, status = self.with_relay("two.gov")
        self.assertEqual(status, 1)
        self.finding(answer, "error", "more than one SPF record")
        self.assertEqual(answer["advice"]["record"], "v=spf1 mx ip4:192.0.2.1 a:x.two.gov include:b.relay.gov ~all")

    def test_findings(self):
        for domain, level, part in (
                ("open.gov", "error", "+all lets every address"), ("open.gov", "error", "ip4:0.0.0.0/0 lets every"),
                ("endless.gov", "warning", "without all"), ("unsaid.gov", "warning", "?all says nothing"),
                ("typo.gov", "error", "ipv4:192.0.2.1 no such mechanism"),
                ("typo.gov", "warning", "ip4=192.0.2.2 is ignored: a mechanism has a colon"),
                ("typo.gov", "warning", "ip4:192.0.2.3 is ignored, because it stands behind all"),
                ("typo.gov", "warning", "mx:typo.gov finds nothing"),
                ("missing.gov", "error", "include:nowhere.invalid leads to no SPF record"),
                ("loop.gov", "error", "a loop"), ("self.gov", "error", "a loop"),
                ("broken.gov", "error", "all:yes nothing may follow it"),
                ("wide.gov", "error", "more than 10 lookups"), ("void.gov", "error", "more than 2 terms that find nothing"),
                ("ptr.gov", "warning", "ptr is deprecated"), ("pra.gov", "warning", "Sender ID"),
                ("alike.gov", "warning", "looks like one"), ("alike.gov", "warning", "has no SPF record"),
                ("long.gov", "warning", "longer than 450"), ("longer.gov", "error", "longer than 4096"),
                ("macro.gov", "warning", "has macros"), ("both.gov", "warning", "because there is an all"),
                ("twice.gov", "error", "stands there twice"), ("mail.gov", "error", "more than 10 MX hosts"),
                ("deep.gov", "error", "was not followed"), ("wild.gov", "error", "was not followed"),
                ("hostile.gov", "error", "domain"), ("x.dead.gov", "warning", "not known: the server answered SERVFAIL")):
            with self.subTest(domain=domain, part=part):
                answer, status = self.show(domain)
                self.finding(answer, level, part)
                troubled = any(f["level"] == "error" or "not known" in f["text"] for f in answer["findings"])
                self.assertEqual(status, 1 if troubled else 0)

    def test_what_is_corrected(self):
        for domain, record in (("open.gov", "v=spf1 ip4:0.0.0.0/0 ~all"), ("endless.gov", "v=spf1 ip4:192.0.2.1 ~all"),
                               ("typo.gov", "v=spf1 mx:typo.gov -all ip4=192.0.2.2"),
                               ("twice.gov", "v=spf1 redirect=_spf.other.gov")):
            with self.subTest(domain):
                self.assertEqual(self.show(domain)[0]["advice"]["record"], record)
        self.assertNotIn("record", self.show("x.dead.gov")[0]["advice"])
        self.assertNotIn("record", self.with_relay("longer.gov")[0]["advice"])  # it would be the second one
        zone = self.with_relay("long.gov")[0]["advice"]["zone"]
        self.assertTrue(all(len(part) <= 255 for part in zone.split('"')[1::2]), zone)
        self.assertIn('" "', zone)

    def test_a_maze_is_bounded(self):
        def count(node):
            return 1 + sum(count(n) for n in node.get("includes", []) if n["state"] != "not followed")
        began = time.monotonic()
        self.assertLessEqual(count(self.show("wild.gov")[0]["tree"]), 64)
        self.assertLessEqual(count(self.show("deep.gov")[0]["tree"]), 13)
        crowd, status = self.show("crowd.gov")
        self.assertEqual((crowd["lookups"], len(crowd["findings"]), status), (500, 202, 1))
        self.finding(crowd, "error", "more than 10 lookups")
        self.assertLess(time.monotonic() - began, 20)

    def test_for_people(self):
        status, out, err = self.run_ctl("spf", "show", "plain.gov.", config=self.relay.config)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "plain.gov: 1 lookups, 1 of them its own\n  v=spf1 mx -all exp=why.plain.gov\n\n"
                              "1 of 10 lookups, 0 of 2 terms that find nothing\n\n"
                              "Publish this instead, with the senders of this relay (include:b.relay.gov):\n"
                              '  plain.gov. IN TXT "v=spf1 mx include:b.relay.gov -all exp=why.plain.gov"\n')
        _, out, _ = self.run_ctl("spf", "show", "fine.gov", "--server", self.dns.address)
        self.assertIn("\n    include:_spf.other.gov: 2 lookups, 1 of them its own\n", out)
        _, out, _ = self.run_ctl("spf", "show", "hostile.gov", "--server", self.dns.address)
        self.assertNotIn("\x1b", out)

    def test_no_domain(self):
        for word in ("gov", "", "a b.gov", "x" * 64 + ".gov"):
            self.assertEqual(self.run_ctl("spf", "show", word)[0], 2, word)


def header(query, flags, answers=0, authorities=0):
    return query[:2] + struct.pack("!5H", flags, 1, answers, authorities, 0) + question(query)


def question(query):
    """The question as it came, without the OPT record behind it."""
    end = query.index(b"\0", 12) + 5
    return query[12:end]


class Servers(Case):
    """One server after the other is asked; what does not answer is unknown, and soon."""

    @classmethod
    def setUpClass(cls):
        cls.dns = DnsServer(zones()).start()
        cls.addClassCleanup(cls.dns.stop)

    def relay(self, *servers):
        relay = relayconf.Relay("policyd", relayconf.sample.agency("dol", ["192.0.2.10"], ["dol.gov"]), memcached=False,
                                dns_servers=list(servers))
        self.addCleanup(relay.close)
        return relay.config

    def odd(self, answer=None):
        server = OddServer(answer)
        self.addCleanup(server.stop)
        return server

    def test_a_silent_server_costs_one_try_only(self):
        """On a machine that stands still for a second the good server is silent, too: then once more."""
        def costs():
            silent, began = self.odd(), time.monotonic()
            answer = self.check(V4, "a@ten.gov", config=self.relay(silent.address, self.dns.address))
            self.assertEqual(answer["result"], "pass")
            return silent.asked, time.monotonic() - began < 4
        self.assertIn((1, True), (costs() for _ in range(5)))

    def test_refusing_and_failing_servers_cost_nothing(self):
        for first in (refused(), self.odd(lambda q: header(q, 0x8182)).address, self.odd(lambda q: header(q, 0x8185)).address):
            began = time.monotonic()
            self.assertEqual(self.check(V4, "a@ip4.gov", config=self.relay(first, self.dns.address))["result"], "pass")
            self.assertLess(time.monotonic() - began, 2)

    def test_silence_ends_at_the_deadline(self):
        began = time.monotonic()
        answer = self.check(V4, "a@ip4.gov", server=self.odd().address)
        self.assertEqual((answer["result"], answer["why"]), ("unknown", "ip4.gov TXT: no answer in time"))
        self.assertEqual(answer["ttl"], 30)
        self.assertLess(time.monotonic() - began, 12)

    def test_a_lost_question_is_asked_again(self):
        lost = self.odd(lambda q: None if lost.asked == 1 else header(q, 0x8180, 1) + b"\xc0\x0c" + struct.pack(
            "!HHIH", 16, 1, 60, 12) + b"\x0bv=spf1 +all")
        self.assertEqual(self.check(V4, "a@ip4.gov", server=lost.address)["result"], "pass")

    def test_what_is_no_answer_is_unknown(self):
        record = b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, 12) + b"\x0bv=spf1 +all"
        for name, answer, why in (
                ("SERVFAIL", lambda q: header(q, 0x8182), "SERVFAIL"),
                ("REFUSED", lambda q: header(q, 0x8185), "REFUSED"),
                ("NOTIMP", lambda q: header(q, 0x8184), "NOTIMP"),
                ("odd code", lambda q: header(q, 0x818B), "an error"),
                ("cut short", lambda q: header(q, 0x8180, 1) + record[:-3], "broken"),
                ("string over the end", lambda q: header(q, 0x8180, 1) + record[:-12] + b"\xffv=spf1 +all", "broken"),
                ("more promised", lambda q: header(q, 0x8180, 9) + record, "broken"),
                ("name in a circle", lambda q: header(q, 0x8180, 1) + b"\xc0" + bytes([len(header(q, 0))]) + record[2:],
                 "broken"),
                ("referral", lambda q: header(q, 0x8000, 0, 1) + b"\xc0\x0c" + struct.pack("!HHIH", 2, 1, 60, 2) +
                 b"\xc0\x0c", "other servers")):
            with self.subTest(name):
                got = self.check(V4, "a@ip4.gov", server=self.odd(answer).address)
                self.assertEqual(got["result"], "unknown")
                self.assertIn(why, got["why"])

    def test_answers_to_other_questions_do_not_count(self):
        record = struct.pack("!HHIH", 16, 1, 60, 12) + b"\x0bv=spf1 +all"
        other = self.odd(lambda q: header(q, 0x8180, 1) + b"\5other\3gov\0" + record)
        self.assertEqual(self.check(V4, "a@ip4.gov", server=other.address)["result"], "none")
        forged = self.odd(lambda q: [bytes([q[0] ^ 1]) + header(q, 0x8180, 1)[1:] + b"\xc0\x0c" + record,
                                     header(q, 0x8183)])
        self.assertEqual(self.check(V4, "a@ip4.gov", server=forged.address)["result"], "none")

    def test_a_truncated_answer_is_fetched_by_tcp(self):
        self.assertEqual(self.check(V4, "a@long-4096.gov")["result"], "pass")  # more than UDP is let to carry

    def test_ipv6_egress_of_the_configuration(self):
        self.assertEqual(self.check(V6, "a@ip6.gov", config=self.relay(self.dns.address))["result"], "pass")

    def test_a_faulty_configuration_that_was_asked_for_is_told(self):
        config = self.relay(self.dns.address)
        with open(config, "a") as f:
            f.write("no_such_setting = 1\n")
        status, out, err = self.run_ctl("spf", "test", "--ip", V4, "--sender", "a@ip4.gov", config=config)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("no_such_setting", err)


if __name__ == "__main__":
    unittest.main()
