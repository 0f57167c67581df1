# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl block, unblock, pause and resume; what needs memcached"""
import os
import pwd
import sqlite3
import threading
import unittest

from ctl_case import Case, sample


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


if __name__ == "__main__":
    unittest.main()
