# SPDX-License-Identifier: GPL-3.0-or-later
"""Suppressed recipients, retests, streams and automatic replies: gatepostctl decides, the milter refuses."""
import csv
import io
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import milter_daemon  # noqa: E402
import relayconf  # noqa: E402
import sample  # noqa: E402

TODAY = time.strftime("%Y-%m-%d", time.gmtime())
DAY_MS = 86400000
REASONS = ["hard-bounce", "soft-bounce", "complaint", "unsubscribe", "manual"]


def agencies(**more):
    return (sample.agency("dol", ["192.0.2.10"], ["dol.gov"], {**milter_daemon.WIDE, **more}) +
            sample.agency("doe", ["192.0.2.20"], ["doe.gov"], milter_daemon.WIDE,
                          streams=["news", "offers", "transactional"]))


class Case(unittest.TestCase):
    memcached = True

    def setUp(self):
        self.relay = milter_daemon.Milter(memcached=self.memcached)
        self.addCleanup(self.relay.close)
        self.relay.configure(agencies())
        self.relay.start()

    def row(self, address, agency="dol", scope="*", reason="hard-bounce", retest_ms=0, step=0, why="550 5.1.1 gone",
            since_ms=None):
        """A row as feedback writes it, in the database of the running milter."""
        since_ms = since_ms if since_ms is not None else int(time.time() * 1000)
        with sqlite3.connect(self.relay.path("db", "gatepost.db"), timeout=10) as db:
            db.execute("INSERT INTO suppression VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, '')",
                       (address, agency, REASONS.index(reason), scope, step, since_ms, retest_ms, since_ms, why))
        db.close()

    def rcpt(self, recipient, client="192.0.2.10", sender="a@dol.gov"):
        """The reply to RCPT."""
        with self.relay.session(client) as mta:
            self.assertEqual(mta.mail(f"<{sender}>"), "continue")
            return mta.rcpt(f"<{recipient}>")

    def send(self, recipient, client="192.0.2.10", sender="a@dol.gov", headers=()):
        """(edits, verdict) of one message."""
        with self.relay.session(client) as mta:
            return mta.message(sender, recipient, [("From", f" {sender or 'a@dol.gov'}"), ("To", " x"), *headers])

    def bad(self, status, *words):
        done = subprocess.run([os.path.join(relayconf.BUILD, "bin", "gatepostctl"), "-c", self.relay.config, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stderr

    def history(self):
        return json.loads(self.relay.ctl("history", "--json"))["changes"]


class Operator(Case):
    def test_add_and_remove(self):
        self.assertEqual(self.rcpt("x@example.org"), "continue")
        self.assertEqual(self.relay.ctl("suppress", "add", "X@Example.ORG", "--agency", "dol", "--reason",
                                        "ticket 5, 100%"), "x@example.org for dol: suppressed\n")
        refused = f"550 5.7.1 Recipient suppressed: ticket 5, 100%, since {TODAY}"
        self.assertEqual(self.rcpt("x@example.org").replace("%%", "%"), refused)
        self.assertEqual(self.rcpt("X@EXAMPLE.org").replace("%%", "%"), refused)
        self.assertEqual(self.rcpt("y@example.org"), "continue")
        self.assertEqual(self.rcpt("x@example.org", "192.0.2.20", "a@doe.gov"), "continue")
        self.relay.wait_log("reason=suppressed code=550")
        self.assertRegex(self.relay.log(), r'agency=dol reason=suppressed .*recipient=.*x@example\.org.* detail="ticket 5')
        self.relay.ctl("suppress", "remove", "x@example.org", "--reason", "ticket 6")
        self.assertEqual(self.rcpt("x@example.org"), "continue")
        self.assertIn("was not suppressed", self.bad(1, "suppress", "remove", "x@example.org"))
        said = [(c["verb"], c["what"], c["why"]) for c in self.history()]
        self.assertEqual(said, [("suppress remove", "x@example.org for dol (manual)", "ticket 6"),
                                ("suppress add", "x@example.org for dol", "ticket 5, 100%")])
        events = json.loads(self.relay.ctl("suppress", "history", "x@example.org", "--json"))["events"]
        self.assertEqual([(e["source"], e["effect"], e["said"]) for e in events],
                         [("operator", "released", "ticket 6"), ("operator", "suppressed", "ticket 5, 100%")])

    def test_removing_forgives_what_was_remembered(self):
        self.row("x@example.org")
        with sqlite3.connect(self.relay.path("db", "gatepost.db"), timeout=10) as db:
            db.executemany("INSERT INTO failure VALUES (?, ?, 20000, 'S')",
                           [("x@example.org", "dol"), ("x@example.org", "doe"), ("y@example.org", "dol")])
        db.close()
        self.relay.ctl("suppress", "remove", "x@example.org")
        with sqlite3.connect(self.relay.path("db", "gatepost.db")) as db:
            left = db.execute("SELECT address, agency FROM failure ORDER BY address").fetchall()
        db.close()
        self.assertEqual(left, [("x@example.org", "doe"), ("y@example.org", "dol")])

    def test_for_every_agency_and_for_a_time(self):
        self.relay.ctl("suppress", "add", "x@example.org", "--reason", "spam trap")
        self.relay.ctl("suppress", "add", "y@example.org", "--for", "1s", "--reason", "short")
        for client, sender in (("192.0.2.10", "a@dol.gov"), ("192.0.2.20", "a@doe.gov")):
            self.assertIn("spam trap", self.rcpt("x@example.org", client, sender))
        milter_daemon.until("the end of it", lambda: self.rcpt("y@example.org") == "continue")
        listed = self.relay.ctl("suppress", "list")
        self.assertRegex(listed, r"(?m)^x@example\.org  \(every\)  \*      manual ")
        self.assertNotIn("y@example.org", listed)

    def test_wrong_words(self):
        for status, words, error in (
                (2, ["add", "x@example.org"], "--reason TEXT is missing"),
                (2, ["add", "x@example.org", "--scope", "a b", "--reason", "r"], "--scope must be"),
                (2, ["add", "x@example.org", "--for", "4000d", "--reason", "r"], "1s to 3650d"),
                (1, ["add", "x@", "--reason", "r"], '"x@" is no mail address'),
                (1, ["add", "x@example.org", "--agency", "dop", "--reason", "r"], "did you mean"),
                (1, ["list", "--since", "yesterday"], "--since must be a time"),
                (1, ["import", "/nonexistent", "--reason", "r"], "cannot read /nonexistent"),
                (2, ["export", "--csv"], "no such option")):
            with self.subTest(words=words):
                self.assertIn(error, self.bad(status, "suppress", *words))
        self.assertEqual(self.relay.ctl("suppress", "list", "--csv").count("\n"), 1)

    def test_export_is_what_import_reads(self):
        self.row("h@example.org", retest_ms=int(time.time() * 1000) + 5 * DAY_MS, step=2, why='550 5.1.1 "no, such"')
        self.row("u@example.org", "doe", "news", "unsubscribe", why="the recipient unsubscribed from news")
        self.relay.ctl("suppress", "add", "m@example.org", "--for", "30d", "--reason", "ticket 7")
        exported = self.relay.ctl("suppress", "export")
        for address in ("h@example.org", "u@example.org", "m@example.org"):
            self.relay.ctl("suppress", "remove", address)
        self.assertEqual(self.relay.ctl("suppress", "export"), exported.splitlines()[0] + "\n")
        path = self.relay.path("list.csv")
        with open(path, "w") as f:
            f.write(exported)
        self.assertIn("3 addresses imported", self.relay.ctl("suppress", "import", path, "--reason", "from the old relay"))

        def rows(text):
            return [{k: v for k, v in r.items() if k != "changed"} for r in csv.DictReader(io.StringIO(text))]
        self.assertEqual(rows(self.relay.ctl("suppress", "export")), rows(exported))
        self.assertIn('550 5.1.1 "no, such", since', self.rcpt("h@example.org"))
        listed = json.loads(self.relay.ctl("suppress", "list", "--agency", "doe", "--json"))["suppressions"]
        self.assertEqual([(r["address"], r["scope"], r["reason"]) for r in listed], [("u@example.org", "news", "unsubscribe")])

    def test_since_a_time_with_who_was_released(self):
        self.row("old@example.org", since_ms=int(time.time() * 1000) - 3 * DAY_MS)
        self.row("new@example.org")
        self.row("gone@example.org", since_ms=int(time.time() * 1000) - 3 * DAY_MS)
        self.relay.ctl("suppress", "remove", "gone@example.org", "--reason", "writes again")
        delta = list(csv.DictReader(io.StringIO(self.relay.ctl("suppress", "export", "--agency", "dol", "--since", "1d"))))
        self.assertEqual([(r["address"], r["state"]) for r in delta],
                         [("new@example.org", "suppressed"), ("gone@example.org", "released")])
        self.assertEqual(len(list(csv.DictReader(io.StringIO(self.relay.ctl("suppress", "export", "--agency", "doe",
                                                                            "--since", "1d"))))), 0)

    def test_a_faulty_list_changes_nothing(self):
        path = self.relay.path("list")
        with open(path, "wb") as f:
            f.write(b"# a comment\r\na@example.org\r\n\n b@example.org \nno address\n" + b"x" * 5000 + b"\n"
                    b"c@example.org,dol\nd\0@example.org\n")
        told = self.bad(1, "suppress", "import", path, "--reason", "r")
        for line, what in ((5, "address: "), (6, "line: is too long"), (7, "line: must be one address"),
                           (8, "line: holds a NUL")):
            self.assertIn(f"{path}:{line}: {what}", told)
        self.assertIn("4 faults; nothing was changed", told)
        self.assertEqual(self.history(), [])
        with open(path, "w") as f:
            f.write("address,agency,scope,retest\na@example.org,dol,*,soon\nb@example.org,nobody,*,\n"
                    "c@example.org,dol,a b,\n")
        told = self.bad(1, "suppress", "import", path, "--reason", "r")
        for line, what in ((2, "retest: must be a time"), (3, "agency: is none"), (4, "scope: must be")):
            self.assertIn(f"{path}:{line}: {what}", told)
        self.assertIn("is not the one of --agency", self.bad(1, "suppress", "import", path, "--reason", "r", "--agency", "doe"))
        with open(path, "w") as f:
            f.write("# none\n")
        self.assertIn("holds no address", self.bad(1, "suppress", "import", path, "--reason", "r"))

    def test_a_long_list_in_batches(self):
        path = self.relay.path("list")
        with open(path, "w") as f:
            f.writelines(f"u{i}@example.org\n" for i in range(2500))
        self.assertIn("2500 addresses imported",
                      self.relay.ctl("suppress", "import", path, "--agency", "dol", "--scope", "bulk", "--reason", "old"))
        self.assertIn("suppressed: old", self.rcpt("u2499@example.org"))
        self.assertIn("suppressed: old", self.rcpt("u0@example.org"))
        self.assertEqual(self.relay.ctl("suppress", "list", "--csv").count("\n"), 2501)
        self.assertEqual([c["what"] for c in self.history()], [f"{path}: 2500 addresses for dol"])


class Retest(Case):
    def test_exactly_one_of_many_sessions_passes(self):
        self.row("x@example.org", retest_ms=1000, step=1)
        replies, lock, go = [], threading.Lock(), threading.Barrier(20)

        def client():
            with self.relay.session() as mta:
                mta.mail("<a@dol.gov>")
                go.wait(20)
                reply = mta.rcpt("<x@example.org>")
            with lock:
                replies.append(reply)
        threads = [threading.Thread(target=client) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(replies), [f"550 5.7.1 Recipient suppressed: 550 5.1.1 gone, since {TODAY}"] * 19 + ["continue"])
        self.relay.wait_log("event=retest agency=dol recipient=x@example.org step=1")
        self.assertIn("suppressed", self.rcpt("x@example.org"))
        key = re.search(r"gp:retest:dol:[0-9a-f]{16}", self.keys())
        self.assertIsNotNone(key)
        self.assertRegex(self.relay.memcached_say(f"mg {key[0]} t\r\n".encode()).decode(), r"HD t86[34]\d\d")
        self.relay.drop(key[0].removeprefix("gp:"))
        self.assertEqual(self.rcpt("x@example.org"), "continue")  # nobody learnt what became of it: another one

    def keys(self):
        """Every key that memcached holds."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.relay.memcached_path)
            s.sendall(b"lru_crawler metadump all\r\n")
            text = b""
            while not text.endswith(b"END\r\n"):
                text += s.recv(65536)
        return text.decode().replace("%3A", ":")

    def test_before_its_time_nobody_passes(self):
        self.row("x@example.org", retest_ms=int(time.time() * 1000) + DAY_MS)
        self.row("good@example.org", retest_ms=0, step=4)
        for _ in range(3):
            self.assertIn("suppressed", self.rcpt("x@example.org"))
            self.assertIn("suppressed", self.rcpt("good@example.org"))

    def test_who_unsubscribed_is_not_retested(self):
        self.row("x@example.org", retest_ms=1000)
        self.row("x@example.org", scope="bulk", reason="unsubscribe", why="the recipient unsubscribed")
        self.assertIn("the recipient unsubscribed", self.rcpt("x@example.org"))

    def test_without_memcached_nobody_passes(self):
        self.row("x@example.org", retest_ms=1000)
        self.relay.stop_memcached()
        self.relay.wait_log("memcached does not answer")
        self.assertIn("suppressed", self.rcpt("x@example.org"))


class InProcess(Case):
    memcached = False

    def test_no_counters_no_retest(self):
        self.row("x@example.org", retest_ms=1000)
        self.row("y@example.org")
        self.assertIn("suppressed", self.rcpt("x@example.org"))
        self.assertIn("suppressed", self.rcpt("y@example.org"))


class Streams(Case):
    def stream(self, recipient, stream=None):
        headers = [("X-Gatepost-Stream", f" {stream}")] if stream is not None else []
        return self.send(recipient, "192.0.2.20", "a@doe.gov", headers)

    def test_by_the_header_at_the_end(self):
        self.row("x@example.org", "doe", "news", "unsubscribe", why="unsubscribed")
        self.row("c@example.org", "doe", "bulk", "complaint", why="complained")
        refused = f"550 5.7.1 Recipient suppressed: unsubscribed, since {TODAY}"
        for stream, want in (("news", refused), ("offers", "accept"), ("transactional", "accept"), (None, refused),
                             ("weather", refused), ("NEWS", refused)):
            with self.subTest(stream=stream):
                self.assertEqual(self.stream("x@example.org", stream)[1], want)
        for stream, want in (("news", 550), ("offers", 550), ("transactional", "accept"), (None, 550)):
            verdict = self.stream("c@example.org", stream)[1]
            self.assertEqual(verdict if want == "accept" else int(verdict[:3]), want, stream)

    def test_what_holds_for_every_stream_is_said_at_rcpt(self):
        self.row("x@example.org", "doe", "*")
        self.assertIn("gone", self.rcpt("x@example.org", "192.0.2.20", "a@doe.gov"))
        self.row("y@example.org", "doe", "bulk", "complaint")
        self.assertEqual(self.rcpt("y@example.org", "192.0.2.20", "a@doe.gov"), "continue")

    def test_without_streams_all_is_said_at_rcpt(self):
        self.row("x@example.org", "dol", "bulk", "complaint", why="complained")
        self.assertIn("complained", self.rcpt("x@example.org"))

    def test_a_retest_passes_both_looks(self):
        self.row("x@example.org", "doe", "*", retest_ms=1000)
        self.row("x@example.org", "doe", "offers", "unsubscribe")
        self.assertEqual(self.stream("x@example.org", "news")[1], "accept")
        self.assertIn("550", self.stream("x@example.org", "news")[1])

    def test_the_token_says_it_and_the_header_goes(self):
        edits, verdict = self.stream("x@example.org", "offers")
        self.assertEqual(verdict, "accept")
        self.assertIn(("delete", "X-Gatepost-Stream", 1), edits)
        sealed = next(e[2].strip() for e in edits if e[:2] == ("add", "X-Gatepost-Ref"))
        self.assertEqual(json.loads(self.relay.ctl("token", "show", sealed, "--json"))["stream"], "offers")
        edits, _ = self.send("x@example.org", headers=[("X-Gatepost-Stream", " news"), ("x-gatepost-stream", " offers")])
        self.assertEqual([e for e in edits if e[0] == "delete"],
                         [("delete", "X-Gatepost-Stream", 2), ("delete", "X-Gatepost-Stream", 1)])
        sealed = next(e[2].strip() for e in edits if e[:2] == ("add", "X-Gatepost-Ref"))
        self.assertEqual(json.loads(self.relay.ctl("token", "show", sealed, "--json"))["stream"], "")  # dol has none


class AutoReplies(Case):
    REPLY = ("Auto-Submitted", " auto-replied")
    REFUSED = "550 5.7.1 Too many automatic replies to this recipient"

    def setUp(self):
        super().setUp()
        self.relay.configure(agencies(auto_replies="2/1h"))
        self.relay.reload()

    def test_so_many_and_no_more(self):
        for want in ("accept", "accept", self.REFUSED, self.REFUSED):
            self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], want)
        self.assertEqual(self.send("y@example.org", headers=[self.REPLY])[1], "accept")
        self.assertEqual(self.send("x@example.org")[1], "accept")
        self.assertEqual(self.send("x@example.org", headers=[("Auto-Submitted", " auto-generated")])[1], "accept")
        self.relay.wait_log("reason=auto-reply-limit")

    def test_null_senders_are_replies(self):
        for want in ("accept", "accept", self.REFUSED):
            self.assertEqual(self.send("x@example.org", sender="")[1], want)

    def test_what_is_refused_is_not_counted(self):
        self.relay.configure(agencies(auto_replies="2/1h", rate="1/1m"))
        self.relay.reload()
        self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], "accept")
        for _ in range(5):  # each would be the last one allowed, but the rate refuses it
            self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1][:3], "450")
        self.relay.configure(agencies(auto_replies="2/1h"))
        self.relay.reload()
        self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], "accept")
        self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], self.REFUSED)

    def test_a_live_limit(self):
        self.relay.ctl("limit", "set", "dol", "auto_replies", "1/1h", "--reason", "a loop")
        self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], "accept")
        self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], self.REFUSED)

    def test_memcached_away(self):
        self.relay.stop_memcached()
        self.relay.wait_log("memcached does not answer")
        for want in ("accept", "accept", self.REFUSED):  # on_counter_loss = "local"
            self.assertEqual(self.send("x@example.org", headers=[self.REPLY])[1], want)


class Figures(Case):
    memcached = False

    def setUp(self):
        super().setUp()
        slot = int(time.time()) // 600 * 600
        with sqlite3.connect(self.relay.path("db", "gatepost.db")) as db:
            for at, provider, agency, what, count in (
                    (slot, "", "dol", "accepted", 100), (slot, "google", "dol", "delivered", 80),
                    (slot, "google", "dol", "bounced-hard-bounce", 20), (slot, "google", "dol", "complaints", 2),
                    (slot - 3600, "google", "dol", "deferred-rate-limited", 7), (slot, "big\nprovider", "doe", "delivered", 5),
                    (slot, "google", "doe", "unsubscribes", 3), (slot - 90 * 86400, "google", "dol", "delivered", 1000)):
                db.execute("INSERT INTO stat VALUES (?, ?, ?, ?, ?)", (at, provider, agency, what, count))
            db.execute("INSERT INTO unclassified VALUES ('odd <@>', 3, 1, 2, 'google', 'odd \x1b[31m<x@y>', 'a1')")
        db.close()

    def test_a_table_with_bars(self):
        text = self.relay.ctl("report", "--ascii")
        self.assertRegex(text, r"(?m)^dol +google +0 +80 +7 +20 +20\.0 % +2 +2\.5 % +0$")
        self.assertRegex(text, r"(?m)^dol +100 ")
        self.assertRegex(text, r"(?m)^all +100 +85 +7 +20 ")
        self.assertRegex(text, r"(?m)^hard-bounce +0 +20 +#{40}$")
        self.assertRegex(text, r"(?m)^rate-limited +7 +0 +#+$")
        self.assertRegex(text, r"(?m)^doe +bigprovider ")
        text = self.relay.ctl("report", "--agency", "doe", "--since", "7d")
        self.assertNotIn("dol", text)
        self.assertRegex(text, rf"(?m)^{TODAY} +5 +0 +0 ")
        self.assertIn("1085", self.relay.ctl("report", "--since", "100d"))

    def test_for_programs(self):
        rows = list(csv.DictReader(io.StringIO(self.relay.ctl("report", "--csv"))))
        self.assertIn(("dol", "google", "complaints", "2"), [(r["agency"], r["provider"], r["what"], r["count"]) for r in rows])
        told = json.loads(self.relay.ctl("report", "--json", "--agency", "dol"))
        self.assertEqual(told["step_s"], 3600)
        self.assertEqual(sum(r["count"] for r in told["rows"] if r["what"] == "delivered"), 80)
        self.assertIn("--since must be", self.bad(2, "report", "--since", "soon"))
        self.assertIn("there is no agency", self.bad(1, "report", "--agency", "none"))

    def test_unclassified(self):
        told = json.loads(self.relay.ctl("unclassified", "--json"))["unclassified"]
        self.assertEqual([(u["count"], u["text"], u["sample"]) for u in told], [(3, "odd <@>", "odd [31m<x@y>")])
        self.assertRegex(self.relay.ctl("unclassified"), r"(?m)^3 .*google +a1 +odd \[31m<x@y>$")


if __name__ == "__main__":
    unittest.main()
