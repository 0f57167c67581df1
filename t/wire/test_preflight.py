# SPDX-License-Identifier: GPL-3.0-or-later
"""The milter asks a real DNS server ahead of time: every mode, what is said of a message, a DNS that hangs, reloads."""
import contextlib
import os
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import time
import unittest

from milter_client import HEADERS
from milter_daemon import WIDE, Milter, until
from relayconf import BUILD, dkim_keys, sample

from dns_server import DnsServer, OddServer

REJECT = "550 5.7.23 Sender domain does not authorize this relay"
DEFER = "450 4.7.23 Sender domain does not authorize this relay"
EGRESS = ["198.51.100.7", "198.51.100.8"]
BOTH = "ip4:198.51.100.7 ip4:198.51.100.8"

ZONES = {
    "example.gov": f'relay TXT "v=spf1 {BOTH} -all"\nb TXT "v=spf1 {BOTH} -all"\n',
    "pass.gov": f'@ TXT "v=spf1 {BOTH} -all"\n_dmarc TXT "v=DMARC1; p=reject"\n',
    "fail.gov": '@ TXT "v=spf1 ip4:192.0.2.1 -all"\n_dmarc TXT "v=DMARC1; p=none; adkim=s"\n',
    "soft.gov": '@ TXT "v=spf1 ip4:192.0.2.1 ~all"\n',
    "neutral.gov": '@ TXT "v=spf1 ip4:192.0.2.1 ?all"\n',
    "none.gov": '@ A 192.0.2.1\n',
    "broken.gov": '@ TXT "v=spf1 ip4:192.0.2.1.1 -all"\n',
    "half.gov": '@ TXT "v=spf1 ip4:198.51.100.7 -all"\n',
    "sub.gov": f'@ TXT "v=spf1 {BOTH} -all"\nbad TXT "v=spf1 -all"\ngood TXT "v=spf1 {BOTH} -all"\n',
}
TROUBLE = "trouble.gov"
RESULT = {"pass.gov": "pass", "fail.gov": "fail", "soft.gov": "softfail", "neutral.gov": "neutral", "none.gov": "none",
          "broken.gov": "permerror", "half.gov": "fail", TROUBLE: "unknown"}
REFUSED = ("fail.gov", "soft.gov", "half.gov")
MODES = {"off": "192.0.2.10", "tag": "192.0.2.11", "warn": "192.0.2.12", "defer": "192.0.2.13", "reject": "192.0.2.14"}


def agencies(domains=None, **more):
    """One agency for each mode, all with these domains."""
    return "\n".join(sample.agency(mode, [address], domains or [*RESULT, ".sub.gov"], WIDE, spf=mode, **more)
                     for mode, address in MODES.items())


@contextlib.contextmanager
def milter(text, *servers, **changes):
    """A milter with these agencies that asks these servers; up when it answers, not when it has asked.

    text: of the agencies file, or what makes it for a milter.
    """
    m = Milter(egress=changes.pop("egress", EGRESS), dns_servers=list(servers), **changes)
    m.configure(text(m) if callable(text) else text)
    with m:
        yield m


def headers(domain, *more):
    return [("From", f" a@{domain}"), *HEADERS[1:], *more]


def field(line, name):
    found = re.search(rf' {name}=("[^"]*"|\S+)', line)
    return found.group(1).strip('"') if found else None


def slowest(mta, domain, messages):
    """Seconds that MAIL and the end of data took: (median, most) of many."""
    took = []
    for _ in range(messages):
        start = time.monotonic()
        reply = mta.mail(f"<a@{domain}>")
        middle = time.monotonic()
        assert reply == "continue", reply
        assert mta.rcpt("<x@example.org>") == "continue" and mta.data() == "continue"
        start_end = time.monotonic()
        assert mta.content(headers(domain))[1] == "accept"
        took += [middle - start, time.monotonic() - start_end]
    return statistics.median(took), max(took)


class Verdicts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        dns = cls.stack.enter_context(DnsServer(ZONES, servfail=(TROUBLE,)))
        cls.milter = cls.stack.enter_context(milter(agencies(), dns.address))
        cls.milter.wait_status(spf_domains=len(RESULT) + 2, spf_failing=4)

    def session(self, mode):
        mta = self.milter.session(MODES[mode])
        self.addCleanup(mta.close)
        return mta

    def accepted(self, mode, domain, more=(), sender=None):
        """(edits, line in the log) of one message."""
        before = len(self.milter.log())
        sender = f"a@{domain}" if sender is None else sender
        edits, reply = self.session(mode).message(sender=sender, headers=headers(domain, *more))
        self.assertEqual(reply, "accept")
        line = until("its line", lambda: [l for l in self.milter.log()[before:].splitlines() if "event=verdict" in l])
        return edits, line[0]

    def test_modes(self):
        for mode in MODES:
            with self.session(mode) as mta:
                for domain in RESULT:
                    want = {"reject": REJECT, "defer": DEFER}.get(mode) if domain in REFUSED else None
                    with self.subTest(mode=mode, domain=domain):
                        self.assertEqual(mta.mail(f"<a@{domain}>"), want or "continue")
        self.milter.wait_log("agency=reject reason=spf code=550 stage=MAIL rule=spf sender=<a@half.gov> spf=fail")
        self.milter.wait_log("agency=defer reason=spf code=450 stage=MAIL rule=spf sender=<a@soft.gov> spf=softfail")

    def test_another_message_may_follow(self):
        mta = self.session("reject")
        self.assertEqual(mta.message(sender="a@fail.gov"), ([], REJECT))
        self.assertEqual(mta.message(sender="a@pass.gov")[1], "accept")

    def test_the_worst_address_counts(self):
        self.milter.wait_log("event=forecast domain=half.gov spf=fail egress=198.51.100.8 why=")

    def test_null_sender_has_no_domain(self):
        edits, line = self.accepted("reject", "fail.gov", sender="")
        self.assertEqual(field(line, "spf"), "fail")
        edits, line = self.accepted("tag", "fail.gov", sender="")
        self.assertNotIn("X-Gatepost-SPF", [e[1] for e in edits])

    def test_a_domain_in_use_is_taken_up(self):
        for mode, domain, want in (("reject", "bad.sub.gov", REJECT), ("reject", "good.sub.gov", "continue")):
            mta = self.session(mode)
            self.assertEqual(mta.mail(f"<a@{domain}>"), "continue")  # never seen before: unknown
            domains = self.milter.status()["spf_domains"]
            until(f"a verdict of {domain}", lambda: field(self.accepted("off", domain)[1], "spf") != "unknown")
            self.assertGreaterEqual(self.milter.wait_status(spf_domains=domains + 1)["spf_domains"], domains)
            self.assertEqual(mta.mail(f"<a@{domain}>"), want)

    def test_header(self):
        theirs = [("X-Gatepost-SPF", " pass"), ("x-gatepost-spf", " pass")]
        edits, _ = self.accepted("tag", "half.gov", theirs)
        added = [value for kind, name, value in edits if kind == "add" and name == "X-Gatepost-SPF"]
        self.assertEqual(len(added), 1)
        self.assertRegex(added[0], r'^ fail; domain=half\.gov; egress=198\.51\.100\.8;\n\twhy="[^"]*-all[^"]*"$')
        self.assertEqual([e for e in edits if e[0] == "delete"],
                         [("delete", "X-Gatepost-SPF", 2), ("delete", "X-Gatepost-SPF", 1)])
        for domain, result in RESULT.items():
            edits, _ = self.accepted("tag", domain)
            added = [value for kind, name, value in edits if kind == "add" and name == "X-Gatepost-SPF"]
            self.assertRegex(added[0], rf"^ {result}; domain={domain}")
        edits, _ = self.accepted("off", "half.gov", theirs)  # a client's own always goes
        self.assertNotIn("X-Gatepost-SPF", [e[1] for e in edits if e[0] == "add"])
        self.assertEqual(len([e for e in edits if e[:2] == ("delete", "X-Gatepost-SPF")]), 2)

    def test_line_in_the_log(self):
        for domain, result in RESULT.items():
            _, line = self.accepted("off", domain)
            self.assertEqual(field(line, "spf"), result, line)
        # the relay signs as relay.example.gov and b.example.gov is its return path: aligned with neither
        for domain, want in (("pass.gov", "fail"), ("fail.gov", "fail"), ("none.gov", "no-policy"), (TROUBLE, "unknown")):
            self.assertEqual(field(self.accepted("off", domain)[1], "dmarc"), want, domain)
        # its own domain; whoever writes in it
        _, line = self.accepted("off", "b.example.gov", sender="a@pass.gov")
        self.assertEqual((field(line, "spf"), field(line, "dmarc")), ("pass", "pass/dkim+spf"))

    def test_notices(self):
        """Each domain that fails, once a day, for the agency that wants to be told; what is unknown or none is not."""
        until("four notices", lambda: len(self.notices()) == 4)
        found = self.notices()
        self.assertEqual([row[:2] for row in found], [("warn", d) for d in ("broken.gov", "fail.gov", "half.gov", "soft.gov")])
        self.assertIn("198.51.100.8", found[2][3])
        self.assertIn("include:b.example.gov", found[1][3])
        self.assertEqual(self.milter.log().count("event=notice agency=warn kind=spf about=fail.gov"), 1)

    def notices(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.milter.path('db', 'gatepost.db')}?mode=ro", uri=True)) as db:
            return db.execute("SELECT agency, key, subject, body FROM notice WHERE kind = 'spf' AND key NOT LIKE '%.sub.gov'"
                              " ORDER BY key").fetchall()

    def test_status(self):
        done = subprocess.run([os.path.join(BUILD, "bin", "gatepostctl"), "-c", self.milter.config, "status"],
                              capture_output=True, text=True)
        self.assertRegex(done.stdout, r"DOMAINS ASKED FOR +FAILING SPF\n(1\d) +[45]\n")

    def test_a_good_domain_is_no_news(self):
        self.assertNotIn("event=forecast domain=pass.gov", self.milter.log())


class Signed(unittest.TestCase):
    """With a key of the agency's DMARC passes whatever the return path is; unless the policy is strict."""

    @staticmethod
    def agency(m):
        folder = m.path("keys")
        dkim_keys.make([os.path.join(BUILD, "bin", "gatepostctl"), "-c", m.config], folder, "pass.gov", ["gp1e"])
        if os.geteuid() == 0:
            shutil.chown(dkim_keys.path(folder, "pass.gov", "gp1e"), "nobody", "postfix")
        return sample.agency("dol", ["192.0.2.10"], ["pass.gov", "mail.pass.gov"], WIDE, spf="reject",
                             dkim=dkim_keys.entries(folder, "pass.gov", ["gp1e"]))

    def test_dkim(self):
        zones = {**ZONES, "mail.pass.gov": f'@ TXT "v=spf1 {BOTH} -all"\n_dmarc TXT "v=DMARC1; p=none; adkim=s"\n'}
        with DnsServer(zones) as dns:
            with milter(self.agency, dns.address) as m, m.session() as mta:
                m.wait_status(spf_domains=4)
                for domain, want in (("pass.gov", "pass/dkim"), ("mail.pass.gov", "fail")):
                    self.assertEqual(mta.message(sender=f"a@{domain}", headers=headers(domain))[1], "accept")
                    m.wait_log(f" dmarc={want}\n")


class ReturnPath(unittest.TestCase):
    def test_its_own_record_is_not_the_agencys_fault(self):
        zones = {**ZONES, "example.gov": 'relay TXT "v=spf1 -all"\nb TXT "v=spf1 -all"\n'}
        with DnsServer(zones) as dns, milter(agencies(["pass.gov"]), dns.address) as m:
            m.wait_status(spf_domains=3, spf_failing=2)
            m.wait_log("event=forecast domain=b.example.gov spf=fail")
            with m.session(MODES["reject"]) as mta:
                edits, reply = mta.message(sender="a@pass.gov", headers=headers("pass.gov"))
                self.assertEqual(reply, "accept")
                path = next(e[1] for e in edits if e[0] == "sender").strip("<>")
                self.assertEqual(mta.message(sender=path, headers=headers("pass.gov"))[1], "accept")


class Reload(unittest.TestCase):
    def test_domains_come_and_go(self):
        with DnsServer(ZONES) as dns, milter(agencies(["pass.gov"]), dns.address) as m:
            m.wait_status(spf_domains=3, spf_failing=0)
            m.configure(agencies(["pass.gov", "fail.gov"]))
            m.reload()
            m.wait_status(spf_domains=4, spf_failing=1)
            with m.session(MODES["reject"]) as mta:
                self.assertEqual(mta.mail("<a@pass.gov>"), "continue")
                self.assertEqual(mta.mail("<a@fail.gov>"), REJECT)
            m.configure(agencies(["soft.gov"]))
            m.reload()
            m.wait_status(spf_domains=3, spf_failing=1)
            m.wait_status(epochs_alive=1)

    def test_other_addresses_mean_other_verdicts(self):
        with DnsServer(ZONES) as dns, milter(agencies(["half.gov"]), dns.address) as m:
            m.wait_status(spf_failing=1)
            m.changes["egress"] = EGRESS[:1]
            m.configure()
            m.reload()
            m.wait_status(spf_domains=3, spf_failing=0)
            m.wait_log("event=forecast domain=half.gov spf=fail")
            m.changes["egress"] = EGRESS
            m.configure()
            m.reload()
            m.wait_status(spf_domains=3, spf_failing=1)
            # told once a day, however often it is found
            self.assertEqual(m.log().count("event=notice agency=warn kind=spf about=half.gov"), 1)

    def test_without_egress_nothing_is_asked(self):
        with OddServer() as dns, milter(agencies(["fail.gov"]), dns.address, egress=None) as m:
            with m.session(MODES["reject"]) as mta:
                self.assertEqual(mta.message(sender="a@fail.gov", headers=headers("fail.gov"))[1], "accept")
            m.wait_log(" spf=unknown dmarc=unknown")
            self.assertEqual((m.status()["spf_domains"], dns.asked), (0, 0))


class DnsThatHangs(unittest.TestCase):
    def test_nothing_waits_for_it(self):
        with OddServer() as dns, milter(agencies(), dns.address) as m:
            until("the first question", lambda: dns.asked > 0)
            with m.session(MODES["reject"]) as mta:
                median, most = slowest(mta, "fail.gov", 100)
            print(f"DNS hangs: MAIL and end of data {median * 1000:.1f} ms at the median, {most * 1000:.1f} ms at most")
            self.assertLess(median, 0.05)
            self.assertLess(most, 0.5)  # one pause of a busy machine is no wait for the DNS: that lasts seconds
            m.wait_log(" spf=unknown dmarc=unknown")
            asked = dns.asked
            self.assertLess(asked, 60)  # one question at a time, a second for each
            start = time.monotonic()
            m.stop()
            self.assertLess(time.monotonic() - start, 4)

    def test_the_verdict_comes_when_the_dns_does(self):
        """A server that is away is asked no more once another one answers."""
        with OddServer() as silent, DnsServer(ZONES) as dns, milter(agencies(["fail.gov"]), silent.address, dns.address) as m:
            m.wait_status(spf_domains=3, spf_failing=1)
            with m.session(MODES["reject"]) as mta:
                self.assertEqual(mta.mail("<a@fail.gov>"), REJECT)


class Crowd(unittest.TestCase):
    DOMAINS = 10000

    def test_many_domains(self):
        names = [f"d{i}.crowd.gov" for i in range(self.DOMAINS)]
        zone = "".join(f'd{i} TXT "v=spf1 {BOTH} {"-" if i % 2 else "~"}all"\n' for i in range(self.DOMAINS))
        with DnsServer({**ZONES, "crowd.gov": zone}) as dns, \
                milter(agencies(["pass.gov"]), dns.address, egress=EGRESS[:1]) as m:
            m.wait_status(spf_domains=3)
            before = self.memory(m)
            start = time.monotonic()
            m.configure(sample.agency("crowd", [MODES["reject"]], [*names, "fail.gov"], WIDE, spf="reject"))
            m.reload()
            with m.session(MODES["reject"]) as mta:
                median, most = slowest(mta, "d9999.crowd.gov", 100)  # while the thread is busy
                until("all domains", lambda: m.status()["spf_domains"] == self.DOMAINS + 3, 120)
                took = time.monotonic() - start
                self.assertEqual(mta.mail("<a@fail.gov>"), REJECT)
            grown = self.memory(m) - before
            print(f"{self.DOMAINS} domains: {took:.1f} s, {grown / 2 ** 20:.1f} MiB; MAIL and end of data meanwhile "
                  f"{median * 1000:.1f} ms at the median, {most * 1000:.1f} ms at most")
            self.assertEqual(m.status()["spf_failing"], 1)
            self.assertLess(median, 0.05)

    @staticmethod
    def memory(m):
        with open(f"/proc/{m.child.pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    unittest.main()
