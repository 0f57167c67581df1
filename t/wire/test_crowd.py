# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients at once, orderly and not, while the operator reloads and changes things: every answer is right, the counts
are exact, and nothing is left. What a checker of threads and memory sees here is as much as there is (t/checkers/run)."""
import json
import os
import threading
import unittest

from milter_daemon import Milter
from policyd_case import BLOCKED
from test_policyd_logins import WELCOME, LoginCase
from policy_client import Client, request
from relayconf import process

CLIENTS = 8
SECONDS = float(os.environ.get("GATEPOST_CROWD_SECONDS", "3"))


class Crowd:
    """Each of these functions again and again, with its number, in a thread of its own, for so many seconds."""

    def __init__(self, functions):
        self.ending, self.failures, self.turns = threading.Event(), [], [0] * len(functions)
        self.threads = [threading.Thread(target=self.run, args=(i, f)) for i, f in enumerate(functions)]

    def run(self, i, function):
        try:
            while not self.ending.is_set() or self.turns[i] == 0:
                function(i)
                self.turns[i] += 1
        except BaseException as e:  # noqa: B902 - it is raised again below
            self.failures.append(e)
            self.ending.set()

    def go(self):
        for thread in self.threads:
            thread.start()
        self.ending.wait(SECONDS)
        self.ending.set()
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


class Policyd(LoginCase):
    def test_crowd(self):
        relay = self.serve()

        def orderly(i):
            client = Client(relay.socket, 60)
            try:
                for _ in range(5):
                    self.assertEqual([client.connect(), client.rcpt(), client.ask("DATA")], ["DUNNO", "OK", "DUNNO"])
            finally:
                client.close()

        def rude(i):
            """Half a request, several at once, octets that are none; gone before the answers."""
            client = Client(relay.socket, 60)
            client.send((request() * 3 + b"half=", b"\0\xff\n\n", request()[:100])[i % 3])
            client.close()

        def dovecot(i):
            self.assertEqual(self.allow(f"198.51.100.{i}"), (200, WELCOME))
            self.report(f"198.51.100.{i}", success=True)
            self.wrong(f"203.0.113.{i}")

        def operator(i):
            relay.ctl("block", "dos", "--reason", "crowd")
            with_block = Client(relay.socket, 60)
            process.wait_for("the block", lambda: with_block.rcpt("192.0.2.20").startswith(BLOCKED))
            with_block.close()
            relay.ctl("unblock", "dos")
            relay.reload()

        Crowd([orderly] * CLIENTS + [rude] * 3 + [dovecot] * 2 + [operator]).go()
        relay.wait_status(connections=0)
        relay.stop()


class Session(unittest.TestCase):
    def test_crowd(self):
        milter = Milter(memcached=True, limits={"package": "1000000/month"}, drain_timeout="1h")
        self.addCleanup(milter.close)
        milter.start()
        accepted, lock = [0], threading.Lock()

        def orderly(i):
            with milter.session(timeout=60) as mta:
                for n in range(3):
                    edits, verdict = mta.message(recipient=f"r{i}@example.org", body=b"line\r\n" * 200 * n)
                    self.assertEqual(verdict, "accept")
                    self.assertEqual(sum(1 for e in edits if e[:2] == ("add", "X-Gatepost-Source")), 1)
                with lock:
                    accepted[0] += 3
                mta.quit()

        def refused(i):
            with milter.session("192.0.2.20", timeout=60) as mta:
                self.assertEqual(mta.message(sender="a@elsewhere.example")[1][:9], "451 4.7.1")
                self.assertEqual(mta.message(sender="a@dos.gov", recipient="")[1][:9], "501 5.5.2")

        def rude(i):
            """Gone in the middle, or after an abort."""
            mta = milter.session("192.0.2.20", timeout=60)
            mta.mail("<a@dos.gov>")
            if i % 2 == 0:
                mta.rcpt("<x@example.org>")
                mta.data()
                mta.header("From", " a@dos.gov")
            else:
                mta.abort()
            mta.close()

        def operator(i):
            milter.reload()
            milter.ctl("limit", "set", "dos", "rate", "1000/1m", "--reason", "crowd")
            milter.ctl("limit", "clear", "dos", "rate")

        Crowd([orderly] * CLIENTS + [refused] * 2 + [rude] * 2 + [operator]).go()
        milter.wait_status(sessions=0, epochs_alive=1)
        rows = json.loads(milter.ctl("limits", "dol", "--json"))["agencies"][0]["limits"]
        self.assertEqual(next(row["used"] for row in rows if row["name"] == "package"), accepted[0])
        milter.stop()


if __name__ == "__main__":
    unittest.main()
