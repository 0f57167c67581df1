# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl: each verb's output and exit status, against a real memcached and a real database."""
import base64
import hmac
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "t", "harness"))
import dkim_keys  # noqa: E402
import process  # noqa: E402
import sample  # noqa: E402

BIN = os.path.join(os.environ["GATEPOST_BUILD"], "bin")
DAY = 86400


class Memcached:
    """A memcached of our own, and the plain text protocol as an operator would type it."""

    def __init__(self, path):
        self.path, self.child = path, None
        self.start()

    def start(self):
        self.child = subprocess.Popen(["memcached", "-u", "root", "-s", self.path, "-a", "0666", "-m", "8"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait_for("memcached", lambda: process.unix_answers(self.path))

    def stop(self):
        self.child.kill()
        self.child.wait()

    def ask(self, text, end):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendall(text.encode())
            answer = b""
            while not answer.endswith(end.encode()):
                answer += s.recv(4096)
            return answer.decode()

    def set(self, key, value, ttl=0):
        assert self.ask(f"set {key} 0 {ttl} {len(value)}\r\n{value}\r\n", "\r\n") == "STORED\r\n"

    def get(self, key):
        lines = self.ask(f"get {key}\r\n", "END\r\n").split("\r\n")
        return lines[1] if len(lines) > 2 else None

    def ttl(self, key):
        found = re.fullmatch(r"HD t(-?\d+)\r\n", self.ask(f"mg {key} t\r\n", "\r\n"))
        return int(found[1]) if found else None


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self):
        return json.loads(self.out)


class Case(unittest.TestCase):
    counters = True

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="gpctl.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o755)
        for name in ("run", "db", "keys", "spool", "spool/gatepost", "etc", "etc/agencies.d"):
            os.mkdir(f"{self.dir}/{name}", 0o755)
        with open(os.open(f"{self.dir}/keys/token", os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(subprocess.check_output([f"{BIN}/gatepostctl", "token", "new-key", "3"], text=True))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody").pw_uid
            for name in ("run", "db", "spool/gatepost", "keys/token"):
                os.chown(f"{self.dir}/{name}", nobody, -1)
            shutil.chown(f"{self.dir}/keys", group="postfix")  # new keys are for its group
        self.config = f"{self.dir}/etc/gatepost.conf"
        self.configure()
        self.agencies(sample.agency("dol", ["192.0.2.10", "192.0.2.11"], ["dol.example.gov"], standby=["2001:db8::12"],
                                    limits={"message_size": "14M"}) +
                      sample.agency("doe", ["192.0.2.20"], ["doe.example.gov"]))
        self.memcached = Memcached(f"{self.dir}/run/memcached.sock") if self.counters else None
        if self.memcached:
            self.addCleanup(self.memcached.stop)

    def configure(self, **changes):
        if not self.counters:
            changes.setdefault("counters", [])
        dkim_keys.make([f"{BIN}/gatepostctl", "-c", self.config], f"{self.dir}/keys", sample.RELAY_NAME, ["gp1e"])
        changes.setdefault("dkim", dkim_keys.entries(f"{self.dir}/keys", sample.RELAY_NAME, ["gp1e"]))
        with open(self.config, "w") as f:
            f.write(sample.configuration(self.dir, **changes))

    def agencies(self, text):
        with open(f"{self.dir}/etc/agencies.d/all.conf", "w") as f:
            f.write(text)

    def ctl(self, *words, stdin=b"", env=None):
        argv = [f"{BIN}/gatepostctl", "-c", self.config, *words]
        environment = {k: v for k, v in os.environ.items() if k != "SUDO_USER"} | (env or {})
        return Result(subprocess.run(argv, input=stdin, capture_output=True, env=environment, timeout=60))

    def good(self, *words, **more):
        r = self.ctl(*words, **more)
        self.assertEqual((r.status, r.err), (0, ""), words)
        return r

    def bad(self, status, error, *words, **more):
        """Refused with this status and one line on stderr that says this."""
        r = self.ctl(*words, **more)
        self.assertEqual(r.status, status, (words, r.out, r.err))
        self.assertIn(error, r.err, words)
        self.assertEqual(r.err.count("\n"), 1, r.err)
        return r

    def history(self):
        return self.good("history", "--json", "--last", "1000").json()["changes"]


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


class Held(Case):
    def held(self):
        r = self.ctl("status", "--json")
        return {(h["target"], h["kind"]): h for h in r.json()["held"]}

    def test_block_for_good(self):
        self.assertIn("blocked until it is unblocked", self.good("block", "dol", "--reason", "spam trap").out)
        self.assertIsNone(self.memcached.get("gp:block:dol"))
        self.assertEqual(self.held()["dol", "block"]["reason"], "spam trap")
        self.assertIn("since", self.held()["dol", "block"])
        self.assertIn("permanent block removed", self.good("unblock", "dol", "--reason", "mended").out)
        self.assertEqual(self.held(), {})
        self.bad(1, "dol was not blocked", "unblock", "dol")
        self.assertEqual([(e["verb"], e["what"], e["why"]) for e in self.history()],
                         [("unblock", "dol", "mended"), ("block", "dol", "spam trap")])

    def test_block_for_a_time(self):
        self.good("block", "192.0.2.10", "--for", "90m", "--reason", "loop")
        self.assertEqual(self.memcached.get("gp:block:192.0.2.10"), "loop")
        self.assertIn(self.memcached.ttl("gp:block:192.0.2.10"), range(5390, 5401))
        self.assertIn("until", self.held()["192.0.2.10", "temporary block"])
        self.assertEqual(self.history()[0]["what"], "192.0.2.10 for 90m")
        self.assertIn("temporary block removed", self.good("unblock", "192.0.2.10").out)
        self.assertIsNone(self.memcached.get("gp:block:192.0.2.10"))

    def test_addresses_are_canonical_and_single(self):
        self.good("block", "2001:DB8:0:0::99", "--reason", "x")
        self.assertIn(("2001:db8::99", "block"), self.held())
        self.good("block", "203.0.113.7", "--for", "1h", "--reason", "not listed")
        self.assertEqual(self.memcached.get("gp:block:203.0.113.7"), "not listed")
        self.good("unblock", "203.0.113.7")
        for target in ("192.0.2.0/24", "192.0.2.1-9", "192.0.2", "mail.dol.gov", "", "-5", "a b"):
            r = self.ctl("block", "--reason", "x", "--", target)
            self.assertEqual((r.status, r.err.count("\n")), (1, 1), (target, r.err))
        self.bad(1, 'no agency "dool"; did you mean dol', "block", "dool", "--reason", "x")
        self.bad(1, 'no agency "dool"; did you mean dol', "unblock", "dool")
        self.assertEqual(len(self.held()), 1)

    def test_unblock_ends_every_kind(self):
        self.good("block", "192.0.2.10", "--reason", "x")
        self.good("block", "192.0.2.10", "--for", "1h", "--reason", "y")
        self.memcached.set("gp:ban:192.0.2.10", "3 failed logins", 600)
        self.assertEqual({kind for _, kind in self.held()}, {"block", "temporary block", "login ban"})
        self.assertEqual(self.good("unblock", "192.0.2.10").out.count("removed"), 3)
        self.assertIsNone(self.memcached.get("gp:ban:192.0.2.10"))
        self.assertEqual(self.held(), {})

    def test_unblock_of_an_agency_that_is_gone(self):
        self.good("block", "doe", "--reason", "x")
        self.agencies(sample.agency("dol", ["192.0.2.10"], ["dol.example.gov"]))
        self.good("unblock", "doe")

    def test_pause_and_resume(self):
        self.good("pause", "dol", "--reason", "looked into")
        self.assertEqual(self.memcached.get("gp:pause:dol"), "looked into")
        self.assertIn(self.memcached.ttl("gp:pause:dol"), range(12 * 3600 - 10, 12 * 3600 + 1))
        self.good("pause", "doe", "--for", "5m", "--reason", "x")
        self.assertIn(self.memcached.ttl("gp:pause:doe"), range(290, 301))
        self.assertIn(("dol", "pause"), self.held())
        self.good("resume", "dol")
        self.assertIsNone(self.memcached.get("gp:pause:dol"))
        self.bad(1, "dol was not paused", "resume", "dol")
        self.bad(1, "there is no agency", "pause", "192.0.2.10", "--reason", "x")

    def test_who_is_the_user_behind_sudo(self):
        self.good("block", "dol", "--reason", "x", env={"SUDO_USER": "alice"})
        me = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual(self.history()[0]["who"], "alice" if os.getuid() == 0 else me)

    def test_memcached_away_ends_the_permanent_block_and_says_what_is_left(self):
        self.good("block", "dol", "--reason", "x")
        self.memcached.stop()
        r = self.bad(1, "does not answer", "unblock", "dol")
        self.assertIn("permanent block removed", r.out)

    def test_many_at_once_lose_no_entry(self):
        db = sqlite3.connect(f"{self.dir}/db/gatepost.db", isolation_level=None)
        self.addCleanup(db.close)
        self.good("history")
        results = []
        db.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=lambda i=i: results.append(
            self.ctl("block", f"203.0.113.{i}", "--reason", "x").status)) for i in range(12)]
        for t in threads:
            t.start()
        db.execute("COMMIT")
        for t in threads:
            t.join()
        self.assertEqual(results, [0] * 12)
        self.assertEqual({e["what"] for e in self.history()}, {f"203.0.113.{i}" for i in range(12)})
        self.assertEqual(len(self.good("history", "--last", "3").out.splitlines()), 4)


class InProcess(Case):
    counters = False

    def test_what_needs_memcached_says_so(self):
        for words in (["limit", "set", "dol", "rate", "8/1m", "--reason", "x"], ["limit", "clear", "dol", "rate"],
                      ["block", "dol", "--for", "1h", "--reason", "x"], ["pause", "dol", "--reason", "x"],
                      ["resume", "dol"]):
            self.bad(1, "needs memcached", *words)
        self.good("block", "dol", "--reason", "x")
        self.good("unblock", "dol")
        self.assertIn("counters = []", self.good("limits", "dol").out)


class Daemons(Case):
    def daemon(self, program, manner):
        child = subprocess.Popen([sys.executable, f"{ROOT}/t/wire/ctl_daemon.py", f"{self.dir}/run", program, manner],
                                 stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        return child

    def test_status(self):
        r = self.ctl("status")
        self.assertEqual((r.status, r.err), (1, ""))
        self.assertRegex(r.out, r"(?m)^gatepost-policyd +NOT RUNNING$")
        milter, policyd = self.daemon("milter", "takes"), self.daemon("policyd", "takes")
        r = self.ctl("status")
        self.assertEqual((r.status, r.err), (1, ""))
        self.assertRegex(r.out, r"(?m)^gatepost-feedback +NOT RUNNING$")
        self.daemon("feedback", "takes")
        r = self.good("status")
        self.assertRegex(r.out, rf"(?m)^gatepost-milter +running +{milter.pid} +\S+Z +1 +3 +up +ok$")
        self.assertRegex(r.out, rf"(?m)^{re.escape(self.memcached.path)} +up$")
        self.assertRegex(r.out, r"(?m)^dol +0$")
        self.assertRegex(r.out, r"(?m)^nobody$")
        told = self.good("status", "--json").json()
        self.assertEqual(told["daemons"][0]["pid"], policyd.pid)
        self.assertEqual(told["daemons"][1]["sessions"], 3)
        self.assertEqual(told["servers"], [{"server": self.memcached.path, "up": True}])
        self.assertEqual(told["agencies"], [{"agency": "doe", "sessions": 0}, {"agency": "dol", "sessions": 0}])
        milter.kill()
        milter.wait()
        self.assertEqual([d["running"] for d in self.ctl("status", "--json").json()["daemons"]], [True, False, True])
        self.memcached.stop()
        self.assertRegex(self.ctl("status").out, r"(?m)^\S+memcached.sock +DOWN$")

    def test_a_process_number_used_anew_is_not_a_daemon(self):
        other = subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        with open(f"{self.dir}/run/milter.pid", "w") as f:
            f.write(f"{other.pid}\n")
        r = self.ctl("reload")
        self.assertEqual((r.status, r.out), (1, ""))
        self.assertIn("milter: not running", r.err)
        self.assertIsNone(other.poll())

    def test_a_daemon_cannot_have_another_process_signalled(self):
        other = subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        milter = self.daemon("milter", "takes")
        with open(f"{self.dir}/run/milter.pid", "w") as f:
            f.write(f"{other.pid}\n")
        self.ctl("reload")
        self.assertIsNone(other.poll())
        self.assertEqual(self.ctl("status", "--json").json()["daemons"][1]["pid"], milter.pid)

    def test_a_pipe_in_place_of_a_file_holds_nothing_up(self):
        for name in ("milter.lock", "milter.pid", "milter.status", "milter.metrics"):
            with self.subTest(name):
                shutil.rmtree(f"{self.dir}/run")
                os.mkdir(f"{self.dir}/run")
                if name not in ("milter.lock", "milter.pid"):
                    self.daemon("milter", "takes")
                path = f"{self.dir}/run/{name}"
                if os.path.exists(path):
                    os.remove(path)
                os.mkfifo(path)
                for words in (["status"], ["metrics"], ["reload"]):
                    subprocess.run([f"{BIN}/gatepostctl", "-c", self.config, *words], capture_output=True,
                                   stdin=subprocess.DEVNULL, timeout=20)

    def test_reload(self):
        self.daemon("milter", "takes")
        r = self.ctl("reload", "--reason", "new agency")
        self.assertEqual((r.status, r.out), (0, "milter: reloaded, epoch 2\n"))
        self.assertIn("policyd: not running", r.err)
        self.daemon("policyd", "takes")
        self.daemon("feedback", "takes")
        r = self.good("reload")
        self.assertEqual(sorted(r.out.splitlines()),
                         ["feedback: reloaded, epoch 2", "milter: reloaded, epoch 3", "policyd: reloaded, epoch 2"])
        self.assertEqual([(e["verb"], e["what"], e["why"]) for e in self.history()],
                         [("reload", "policyd, milter, feedback", ""), ("reload", "milter", "new agency")])

    def test_reload_of_a_faulty_configuration_asks_nobody(self):
        self.daemon("milter", "takes")
        self.configure(drain_timeout="soon")
        r = self.ctl("reload")
        self.assertEqual((r.status, r.out), (1, ""))
        self.assertRegex(r.err, r"gatepost\.conf:\d+: drain_timeout: ")
        self.configure()
        self.assertEqual(self.ctl("status", "--json").json()["daemons"][1]["epoch"], 1)

    def test_reload_refused(self):
        self.daemon("milter", "refuses")
        self.daemon("policyd", "takes")
        self.daemon("feedback", "takes")
        r = self.bad(1, "milter: refused: failed: /etc/x.conf:3: rate: no[31m rate", "reload")
        self.assertEqual(set(r.out.splitlines()), {"policyd: reloaded, epoch 2", "feedback: reloaded, epoch 2"})

    def test_reload_unanswered(self):
        self.daemon("milter", "silent")
        began = time.monotonic()
        r = self.ctl("reload")
        self.assertIn("gave no answer within 5 s", r.err)
        self.assertEqual(r.status, 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.history(), [])

    def test_the_real_daemons(self):
        self.good("history")  # the database is there first, made by this user
        running = []
        for i, name in enumerate(("policyd", "milter", "feedback")):
            daemon = process.Daemon(name, [f"{BIN}/gatepost-{name}", "-c", self.config], f"{self.dir}/{name}.log")
            self.addCleanup(daemon.stop)
            daemon.start().ready(lambda i=i: self.ctl("status", "--json").json()["daemons"][i].get("epoch") == 1)
            running.append(daemon)
        self.assertEqual([d["store"] for d in self.good("status", "--json").json()["daemons"]], ["up", "up", "none"])
        self.good("block", "192.0.2.10", "--reason", "while they run")
        self.assertEqual(sorted(self.good("reload").out.splitlines()),
                         ["feedback: reloaded, epoch 2", "milter: reloaded, epoch 2", "policyd: reloaded, epoch 2"])
        if os.geteuid() == 0:  # what only the daemons' own user cannot read
            os.chown(f"{self.dir}/keys/token", 0, -1)
            r = self.ctl("reload")
            self.assertEqual((r.status, r.out), (1, ""))
            self.assertRegex(r.err, r"(?m)^gatepostctl: policyd: refused: failed: .*keys/token")
            self.assertRegex(r.err, r"(?m)^gatepostctl: milter: refused: failed: .*keys/token")
            self.assertRegex(r.err, r"(?m)^gatepostctl: feedback: refused: failed: .*keys/token")
        for daemon in running:
            os.kill(daemon.pid, signal.SIGTERM)
            process.wait_for(f"{daemon.name} to end", daemon.ended)
        self.assertEqual([d["running"] for d in self.ctl("status", "--json").json()["daemons"]], [False, False, False])


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
