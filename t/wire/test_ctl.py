# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl: each verb's output and exit status, against a real memcached and a real database"""
import os
import pwd
import re
import sqlite3
import time
import unittest

from ctl_case import BIN, Case, Memcached, dkim_keys, process, sample

DAY = 86400


class Usage(Case):
    counters = False

    def test_the_list_of_verbs(self):
        listed = self.good("--help")
        for verb in ("check", "status", "metrics", "agencies", "limits", "limit set", "limit clear", "block", "unblock",
                     "pause", "resume", "reload", "history", "token show", "token new-key", "dkim new", "check-address"):
            self.assertRegex(listed.out, rf"(?m)^  {verb} ")
        alone = self.ctl()
        self.assertEqual((alone.status, alone.out, alone.err), (2, "", listed.out))
        self.assertRegex(self.good("-V").out, r"^gatepostctl \d")

    def test_wrong_usage_prints_the_synopsis_in_one_line(self):
        for words, error in (
                (["limit", "set", "dol", "rate"], "usage: gatepostctl limit set AGENCY NAME VALUE"),
                (["limit", "set", "dol", "rate", "1/1m"], "--reason TEXT is missing"),
                (["limit", "set", "dol", "rate", "1/1m", "--reason", "x", "--for", "31d"], "1s to 30d"),
                (["limit", "set", "dol", "rate", "soon", "--reason", "x"], 'rate cannot be "soon"'),
                (["limit", "set", "dol", "rat", "1/1m", "--reason", "x"], "did you mean rate?"),
                (["limit"], "did you mean limits"),
                (["block", "dol"], "--reason TEXT is missing"),
                (["pause", "dol", "--json", "--reason", "x"], "no such option"),
                (["status", "dol"], "too many arguments"),
                (["history", "--last", "none"], "--last must be"),
                (["token", "show"], "usage: gatepostctl token show"),
                (["token", "new-key", "8"], "from 0 to 7"),
                (["check-address"], "usage: gatepostctl check-address ADDRESS|-"),
                (["chekc"], "did you mean check"),
                (["\033[1m"], "\\x1b[1m")):
            with self.subTest(words=words):
                self.bad(2, error, *words)
        self.bad(2, "wrong option before the verb", "-x")

    def test_help_of_a_verb(self):
        r = self.good("limit", "set", "--help")
        self.assertTrue(r.out.startswith("usage: gatepostctl limit set AGENCY NAME VALUE"), r.out)
        self.good("status", "-h")


class Check(Case):
    counters = False

    def test_a_good_configuration_shows_what_was_read(self):
        r = self.good("check")
        self.assertIn('production     "192.0.2.10", "192.0.2.11"', r.out)
        self.assertIn('standby        "2001:db8::12"', r.out)
        self.assertIn("logins         none", r.out)
        self.assertIn("message_size = 14M", r.out)
        self.assertIn("sessions = 4", r.out)
        self.assertIn('dkim           "gp1e._domainkey.relay.example.gov" (ed25519)', r.out)
        self.assertIn("signing        on_unsigned = defer, client_signatures = auto", r.out)
        self.assertIn("spf            warn", r.out)
        self.assertIn("dns_servers    none", r.out)
        self.assertIn("mail_log       none\n  operator       \"postmaster@relay.example.gov\"\n  notices        none", r.out)
        self.assertIn("streams        none", r.out)
        told = self.good("check", "--json").json()
        agency = told["agencies"][1]
        self.assertEqual((agency["agency"], agency["standby"]), ("dol", ["2001:db8::12"]))
        self.assertEqual((agency["dkim"], agency["spf"], agency["on_unsigned"], agency["client_signatures"]),
                         ([], "warn", "defer", "auto"))
        self.assertEqual([(k["domain"], k["selector"], k["type"], k["signs"]) for k in told["dkim"]],
                         [(sample.RELAY_NAME, "gp1e", "ed25519", True)])
        self.assertRegex(told["dkim"][0]["record"], r"\Av=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=\Z")
        self.assertEqual((told["dns_servers"], told["settings"]["spf"]), ([], "warn"))

    def test_warnings_refuse_nothing(self):
        foreign = dkim_keys.entries(f"{self.dir}/keys", sample.RELAY_NAME, ["gp1e"])
        self.agencies(sample.agency("dol", ["192.0.2.10"], ["dol.example.gov"], logins=["dol-app"], dkim=foreign))
        r = self.ctl("check")
        self.assertEqual(r.status, 0)
        self.assertRegex(r.err, r"\Awarning: .*all\.conf:\d+: dol\.dkim\.domain: .*\n\Z")
        self.assertIn('logins         "dol-app"', r.out)
        told = self.good("check", "--json").json()
        self.assertEqual((told["good"], told["errors"], len(told["warnings"])), (True, [], 1))

    def warnings(self):
        """[(name of the file, what its line sets, text)] of check's warnings, which refuse nothing"""
        r = self.ctl("check")
        self.assertEqual(r.status, 0, r.err)
        told = []
        for line in r.err.splitlines():
            found = re.fullmatch(r"warning: (/\S+):(\d+): (.*)", line)
            self.assertTrue(found, line)
            with open(found[1]) as f:
                told.append((os.path.basename(found[1]), f.readlines()[int(found[2]) - 1].split()[0], found[3]))
        return told

    @unittest.skipIf(os.geteuid() != 0, "only root can try as somebody else")
    def test_what_the_daemons_cannot_use(self):
        keys = f"{self.dir}/keys", "dol.gov", ["gp1e"]
        dkim_keys.make([f"{BIN}/gatepostctl", "-c", self.config], *keys)
        log, memcached = f"{self.dir}/mail.log", f"{self.dir}/run/closed.sock"
        for path in (log, memcached, f"{self.dir}/db/gatepost.db"):
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w"):
                pass
        os.mkdir(f"{self.dir}/db/archive", 0o700)
        os.chown(f"{self.dir}/spool/gatepost", 0, 0)
        self.agencies(sample.agency("dol", ["192.0.2.10"], ["dol.gov"], dkim=dkim_keys.entries(*keys)))
        self.configure(mail_log=log, counters=[memcached])
        for path in ("keys/token", "keys/dol.gov.gp1e.pem"):
            os.chown(f"{self.dir}/{path}", 0, 0)
        who, denied = "user nobody, group postfix cannot", "Permission denied"
        expected = [("gatepost.conf", "token_keys", f"token_keys: {who} read {self.dir}/keys/token: {denied}"),
                    ("all.conf", "dkim", f"dkim: {who} read {self.dir}/keys/dol.gov.gp1e.pem: {denied}"),
                    ("gatepost.conf", "counters", f"counters: {who} write {memcached}: {denied}"),
                    ("gatepost.conf", "database", f"database: {who} write {self.dir}/db/gatepost.db: {denied}"),
                    ("gatepost.conf", "archive", f"archive: {who} write {self.dir}/db/archive: {denied}"),
                    ("gatepost.conf", "mail_log", f"mail_log: {who} read {log}: {denied}")]
        expected += [("gatepost.conf", key, f"{key}: {who} write {self.dir}/spool/gatepost: {denied}")
                     for key in ("policy_listen", "milter_listen", "feedback_listen")]
        self.assertEqual(self.warnings(), expected)

    def test_what_is_not_there(self):
        self.configure(mail_log="/nowhere/mail.log", user="nobody-at-all", group="none-at-all")
        self.assertEqual(self.warnings(), [
            ("gatepost.conf", "user", 'user: there is no user "nobody-at-all"'),
            ("gatepost.conf", "group", 'group: there is no group "none-at-all"'),
            ("gatepost.conf", "mail_log", "mail_log: there is no file /nowhere/mail.log; gatepost-feedback waits for it")])
        os.rename(f"{self.dir}/db", f"{self.dir}/elsewhere")
        self.configure()
        if os.geteuid() == 0:
            self.assertEqual([key for _, key, text in self.warnings() if "No such file" in text], ["database", "archive"])

    def test_a_joined_list_is_seen(self):
        self.agencies('dol = { production = [ "192.0.2.1" ]  sender_domains = [ "a.gov" "b.gov" ] }\n')
        self.assertIn('sender_domains "a.govb.gov"', self.ctl("check").out)

    def test_every_fault_is_told(self):
        self.agencies('dol = { production = [ "192.0.2.0/24" ]  sender_domains = [ "a.gov" ]  nonsense = "1" }\n')
        r = self.ctl("check")
        self.assertEqual((r.status, r.out), (1, ""))
        self.assertRegex(r.err, r"all\.conf:1: .*192\.0\.2\.0/24")
        self.assertRegex(r.err, r"all\.conf:1: .*nonsense")
        told = self.ctl("check", "--json")
        self.assertEqual((told.status, told.json()["good"], len(told.json()["errors"])), (1, False, 2))
        self.assertEqual(self.ctl("agencies").status, 1)

    def test_another_file(self):
        os.rename(self.config, self.config + ".new")
        self.good("check", self.config + ".new")
        self.assertEqual(self.ctl("check").status, 1)

    def test_agencies(self):
        r = self.good("agencies")
        self.assertRegex(r.out, r"(?m)^dol +mail-ops@dol\.example\.gov +192\.0\.2\.10, 192\.0\.2\.11, "
                                r"2001:db8::12 \(standby\) +dol\.example\.gov$")
        self.assertEqual([a["agency"] for a in self.good("agencies", "--json").json()["agencies"]], ["doe", "dol"])


class Limits(Case):
    def limits(self, agency="dol"):
        agency, = self.good("limits", agency, "--json").json()["agencies"]
        return {limit["name"]: limit for limit in agency["limits"]}

    def test_file_default_and_server(self):
        r = self.good("limits", "dol")
        self.assertTrue(r.out.startswith(f"dol: keys on {self.memcached.path}\n"), r.out)
        self.assertRegex(r.out, r"(?m)^message_size +14M +file$")
        self.assertRegex(r.out, r"(?m)^sessions +4 +default +0$")
        self.assertRegex(r.out, r"(?m)^rate +150/1m,1000/10m +default +0/1m,0/10m$")
        self.assertEqual(self.good("limits").out.count("keys on"), 2)

    def test_set_is_an_item_with_its_end_and_a_journal_entry(self):
        began = int(time.time())
        r = self.good("limit", "set", "dol", "rate", "5000/10m,9/1s", "--for", "2h", "--reason", "tax day\n4711")
        self.assertIn("dol: rate is 5000/10m,9/1s until ", r.out)
        self.assertEqual(self.memcached.get("gp:limit:dol:rate"), "5000/10m,9/1s")
        self.assertIn(self.memcached.ttl("gp:limit:dol:rate"), range(7190, 7201))
        entry, = self.history()
        self.assertEqual((entry["verb"], entry["what"], entry["why"]),
                         ("limit set", "dol rate 5000/10m,9/1s for 2h", "tax day 4711"))
        self.assertEqual(entry["who"], pwd.getpwuid(os.getuid()).pw_name)
        self.assertRegex(entry["when"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertGreaterEqual(entry["when"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)))
        rate = self.limits()["rate"]
        self.assertEqual((rate["value"], rate["from"]), ("5000/10m,9/1s", "live"))
        self.assertIn(rate["seconds_left"], range(7190, 7201))
        self.assertEqual(self.limits("doe")["rate"]["from"], "default")
        self.assertIn("dol: rate is 150/1m,1000/10m again", self.good("limit", "clear", "dol", "rate").out)
        self.assertIsNone(self.memcached.get("gp:limit:dol:rate"))
        self.assertEqual(self.limits()["rate"]["from"], "default")
        self.bad(1, "dol has no live rate", "limit", "clear", "dol", "rate")
        self.assertEqual([e["verb"] for e in self.history()], ["limit clear", "limit set"])

    def test_the_time_it_holds(self):
        self.good("limit", "set", "dol", "sessions", "9", "--reason", "x")
        self.assertIn(self.memcached.ttl("gp:limit:dol:sessions"), range(12 * 3600 - 10, 12 * 3600 + 1))
        self.good("limit", "set", "dol", "sessions", "9", "--for", "30d", "--reason", "x")
        self.assertIn(self.memcached.ttl("gp:limit:dol:sessions"), range(30 * DAY - 10, 30 * DAY + 1))
        self.good("limit", "set", "dol", "sessions", "8", "--for", "1s", "--reason", "x")
        process.wait_for("the limit to end", lambda: self.limits()["sessions"]["from"] == "default", 10)

    def test_what_is_refused_changes_nothing(self):
        for error, *words in (("there is no agency \"dox\"; did you mean", "dox", "rate", "1/1m"),
                              ("message_size_ceiling, which is 64M", "dol", "message_size", "65M"),
                              ("cannot be changed live", "dol", "recipients_per_message", "1")):
            self.bad(1, error, "limit", "set", *words, "--reason", "x")
        self.assertEqual(self.history(), [])
        self.good("limit", "set", "dol", "message_size", "64M", "--reason", "x")

    def test_values_set_by_hand(self):
        self.memcached.set("gp:limit:dol:rate", "7/1m")
        self.memcached.set("gp:limit:dol:sessions", "many\033[31m", 60)
        limits = self.limits()
        self.assertEqual((limits["rate"]["value"], limits["rate"]["from"]), ("7/1m", "live"))
        self.assertNotIn("until", limits["rate"])
        self.assertEqual((limits["sessions"]["value"], limits["sessions"]["from"], limits["sessions"]["ignored"]),
                         ("4", "default", "many\\x1b[31m"))
        table = self.good("limits", "dol").out
        self.assertRegex(table, r"(?m)^rate +7/1m +live +without end +0/1m$")
        self.assertRegex(table, r'(?m)^sessions .*live value "many\\x1b\[31m" ignored')

    def test_the_server_it_names_holds_the_keys(self):
        others = [self.memcached] + [Memcached(f"{self.dir}/run/m{i}.sock") for i in range(2)]
        for m in others[1:]:
            self.addCleanup(m.stop)
        self.configure(counters=[m.path for m in others])
        names = [f"a{i}" for i in range(8)]
        self.agencies("".join(sample.agency(name, [f"192.0.2.{i + 1}"], [f"{name}.gov"])
                              for i, name in enumerate(names)))
        used = set()
        for i, name in enumerate(names):
            self.good("limit", "set", name, "sessions", "7", "--reason", "x")
            self.good("block", f"192.0.2.{i + 1}", "--for", "1h", "--reason", "x")
            agency, = self.good("limits", name, "--json").json()["agencies"]
            used.add(agency["server"])
            for m in others:
                here = "7" if m.path == agency["server"] else None
                self.assertEqual(m.get(f"gp:limit:{name}:sessions"), here)
                self.assertEqual(m.get(f"gp:block:192.0.2.{i + 1}"), here and "x")
        self.assertGreater(len(used), 1)
        others[1].stop()
        r = self.ctl("status", "--json")
        self.assertEqual([s["up"] for s in r.json()["servers"]], [True, False, True])

    def test_memcached_away(self):
        self.good("limit", "set", "dol", "rate", "7/1m", "--reason", "x")
        self.memcached.stop()
        for words in (["limit", "set", "dol", "rate", "8/1m", "--reason", "x"], ["limit", "clear", "dol", "rate"],
                      ["block", "dol", "--for", "1h", "--reason", "x"], ["pause", "dol", "--reason", "x"],
                      ["resume", "dol"]):
            self.bad(1, f"memcached at {self.memcached.path} does not answer; nothing was changed", *words)
        r = self.bad(1, "live limits and usage of dol are not known", "limits", "dol")
        self.assertRegex(r.out, r"(?m)^message_size +14M +file$")
        self.assertEqual(len(self.history()), 1)
        self.memcached.start()
        self.good("limits")

    def test_a_journal_that_refuses_is_told_loudly(self):
        self.good("limit", "set", "dol", "rate", "7/1m", "--reason", "x")
        db = sqlite3.connect(f"{self.dir}/db/gatepost.db", isolation_level=None)
        self.addCleanup(db.close)
        db.execute("BEGIN IMMEDIATE")
        self.bad(1, "DONE BUT NOT JOURNALLED", "limit", "set", "dol", "rate", "8/1m", "--reason", "x")
        db.execute("ROLLBACK")
        self.assertEqual(self.memcached.get("gp:limit:dol:rate"), "8/1m")


if __name__ == "__main__":
    unittest.main()
