# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes, each with its own Postfix, daemons and database, and a pool of three memcached servers between them."""
import collections
import json
import os
import shutil
import socket
import tempfile
import threading
import time
import unittest

import crowd
import process
from process import Daemon, daemon_answers, wait_for
from relay import Relay
from sample import WIDE, agency

LIMIT = 20
CLIENTS = 50
FEW = 4
ROW_LIFE = 60  # seconds: GP_SESSIONS_LIFE_MS
SESSION_LIMIT = "421 4.4.5"

# All alike: the ports decide which server has which of them, so a test takes one that stands where it needs it.
SOURCE = {f"a{n:02}": f"127.0.8.{n}" for n in range(1, 31)}
AGENCIES = "\n".join(agency(name, [source], [f"{name}.example.gov"],
                            limits={**WIDE, "sessions": str(CLIENTS), "rate": [f"{LIMIT}/1h"]})
                     for name, source in SOURCE.items())


class Pool:
    """Three memcached servers on TCP, as several machines would share them."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="gatepost-pool-", dir="/tmp")
        self.servers = {}
        for port in process.free_ports(3):
            argv = ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64"]
            self.servers[f"127.0.0.1:{port}"] = Daemon(f"memcached-{port}", argv, os.path.join(self.directory, "log"))

    def start(self, name):
        daemon = self.servers[name].start()
        daemon.ready(lambda: self.answers(name))

    @staticmethod
    def answers(name):
        host, _, port = name.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), 2):
                return True
        except OSError:
            return False

    def stop(self):
        for daemon in self.servers.values():
            daemon.stop()
        shutil.rmtree(self.directory)


class Nodes(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pool = Pool()
        cls.addClassCleanup(cls.pool.stop)
        for name in cls.pool.servers:
            cls.pool.start(name)
        cls.nodes = []
        cls.addClassCleanup(cls.stop_nodes)
        # the second node names the servers in another order, and has a second milter to lose
        for servers, milters in ((list(cls.pool.servers), 1), (list(cls.pool.servers)[::-1], 2)):
            changes = {"counters": servers}
            if cls.nodes:
                changes["token_keys"] = cls.nodes[0].path("keys", "token")
            cls.nodes.append(Relay(agencies=AGENCIES, memcached=False, milters=milters, changes=changes).start())
        cls.server = cls.servers_as_told(cls.nodes[0])
        cls.free = list(SOURCE)
        cls.leave_ghosts()

    @classmethod
    def stop_nodes(cls):
        """Both Postfixes first: each waits for the processes of all."""
        for node in cls.nodes:
            if node.postfix:
                node.postfix.command("stop")
        for node in cls.nodes:
            node.stop()

    @staticmethod
    def servers_as_told(node):
        return {a["agency"]: a["server"] for a in json.loads(node.ctl("limits", "--json").stdout)["agencies"]}

    @classmethod
    def take(cls, server=None):
        """An agency that no test has used, on this server if one is named"""
        name = next(a for a in cls.free if server in (None, cls.server[a]))
        cls.free.remove(name)
        return name

    @classmethod
    def leave_ghosts(cls):
        """Sessions of a milter that dies and stays dead; the last test looks for them."""
        cls.ghost = cls.take()
        held = [cls.enter(cls.ghost, cls.nodes[1], port=cls.nodes[1].ports[1])[0] for _ in range(CLIENTS)]
        crowd.wait_sessions(cls.nodes[0], cls.ghost, CLIENTS)
        cls.nodes[1].milters[1].kill()
        cls.ghost_died = time.monotonic()
        for c in held:
            c.drop()

    # --- talking --------------------------------------------------------------------------------------------------

    @staticmethod
    def enter(name, node, port=None):
        """A session past HELO, or None and the refusal"""
        return crowd.enter(node.client(SOURCE[name], port))

    def send(self, name, node, recipient, client=None):
        """The reply to one message, in a session of its own unless there is one"""
        c, reply = (client, None) if client else self.enter(name, node)
        self.assertIsNotNone(c, reply)
        try:
            reply = crowd.submit(c, f"{name}.example.gov", recipient)
            if reply.code not in (250, 421):
                c.say("RSET")
            return reply
        finally:
            if client is None:
                c.close()

    def send_some(self, name, number, count):
        """Messages by one node that must be accepted"""
        for n in range(count):
            reply = self.send(name, self.nodes[number], f"some{number}-{n}@{name}.test")
            self.assertEqual(reply.code, 250, reply)

    def burst(self, name, node=None, count=CLIENTS):
        """Clients all at once, over both nodes or at one: [(recipient, code and enhanced code)]"""
        nodes = [node] if node else self.nodes

        def work(i):
            recipient = f"burst{time.monotonic_ns()}-{i}@{name}.test"
            reply = self.send(name, nodes[i % len(nodes)], recipient)
            return recipient, " ".join(str(reply).split()[:2])
        return crowd.all_at_once(work, count)

    @staticmethod
    def counts(replies):
        return collections.Counter(code for _, code in replies)

    def delivered(self, name):
        """How often the sinks got mail for each of the agency's recipients, both nodes together"""
        got = collections.Counter()
        for node in self.nodes:
            got.update({r: n for r, n in crowd.recipients(node.settled()).items() if r.endswith(f"@{name}.test")})
        return got

    def operator(self, node, *words):
        done = node.ctl(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    # --- knowing --------------------------------------------------------------------------------------------------

    def check_used(self, name, item, count):
        for node in self.nodes:
            wait_for(f"{count} in {item} of {name}", lambda: crowd.used(node, name, item) == count, 10, 0.1)

    def check_exactly(self, name, sent=0):
        """Whatever the clients do, LIMIT are accepted in all; sent: how many were before."""
        replies = self.burst(name)
        self.assertEqual(self.counts(replies), {"250 2.0.0": LIMIT - sent, "450 4.7.1": CLIENTS - LIMIT + sent})
        got = self.delivered(name)
        self.assertEqual({r: 1 for r, code in replies if code[:3] == "250"},
                         {r: n for r, n in got.items() if r.startswith("burst")}, "accepted is delivered, once")
        self.assertEqual(got.total(), LIMIT)
        self.check_used(name, "rate", LIMIT)

    def check_status(self, down):
        """Both nodes name the servers that are down, and their daemons know it."""
        expected = {name: name not in down for name in self.pool.servers}
        store = "down" if down else "up"
        for node in self.nodes:
            def told():
                done = node.ctl("status", "--json")
                view = json.loads(done.stdout)
                return (done.returncode == (1 if down else 0) and
                        {s["server"]: s["up"] for s in view["servers"]} == expected and
                        {d["program"]: d.get("store") for d in view["daemons"]} ==
                        {"policyd": store, "milter": store, "feedback": "none"})
            wait_for(f"gatepostctl status to say {expected}", told, 15, 0.1)
            text = node.ctl("status").stdout
            for name in self.pool.servers:
                self.assertRegex(text, rf"(?m)^{name} +{'DOWN' if name in down else 'up'}$")

    # --- the tests, in the order of their names ---------------------------------------------------------------------

    def test_1_both_nodes_name_the_same_servers(self):
        self.assertEqual(self.servers_as_told(self.nodes[1]), self.server)
        self.assertEqual(set(self.server.values()), set(self.pool.servers), "each has some of the agencies")
        self.check_status(down=[])

    def test_1_rate_is_exact_over_both_nodes(self):
        for server in self.pool.servers:
            with self.subTest(server):
                self.check_exactly(self.take(server))

    def test_1_sessions_are_exact_over_both_nodes(self):
        name = self.take()
        self.operator(self.nodes[0], "limit", "set", name, "sessions", str(FEW), "--reason", "test")
        self.operator(self.nodes[1], "limit", "set", name, "rate", "1000/1h", "--reason", "test")
        barrier = threading.Barrier(CLIENTS)

        def stay(i):
            c, reply = self.enter(name, self.nodes[i % 2])
            barrier.wait(60)
            if c:
                c.quit()
            return reply
        self.assertEqual(crowd.answers(crowd.all_at_once(stay, CLIENTS)),
                         {"250 relay.example.gov": FEW, SESSION_LIMIT: CLIENTS - FEW})
        self.check_used(name, "sessions", 0)
        gauge = crowd.Gauge()

        def knock(i):
            for attempt in range(10000):
                c, reply = self.enter(name, self.nodes[(i + attempt) % 2])
                if c:
                    gauge.enter()
                    reply = self.send(name, None, f"knock{i}@{name}.test", c)
                    gauge.leave()
                    c.quit()
                    return reply
        self.assertEqual(crowd.answers(crowd.all_at_once(knock, CLIENTS)), {"250 2.0.0": CLIENTS})
        self.assertLessEqual(gauge.most, FEW)
        self.check_used(name, "sessions", 0)

    def test_2_what_one_operator_does_holds_on_the_other_node(self):
        name = self.take()
        a, b = self.nodes
        running = self.enter(name, b)[0]
        self.addCleanup(running.close)
        self.assertEqual(self.send(name, b, "first@example.com", running).code, 250)
        self.operator(a, "limit", "set", name, "rate", "1/1h", "--reason", "test")
        self.assertEqual(self.send(name, b, "second@example.com", running).code, 450)
        for node in self.nodes:
            row = crowd.limit(node, name, "rate")
            self.assertEqual((row["value"], row["from"], row["used"][0]["used"]), ("1/1h", "live", 1))
        self.operator(b, "limit", "clear", name, "rate")
        self.assertEqual(self.send(name, a, "third@example.com").code, 250)
        for words, code, undo in ((["pause", name], 450, "resume"), (["block", name, "--for", "1h"], 421, "unblock")):
            self.operator(a, *words, "--reason", "test")
            reply = self.send(name, b, "held@example.com", running)
            self.assertEqual(reply.code, code, reply)
            self.operator(b, undo, name)
        self.assertEqual(self.send(name, b, "fourth@example.com").code, 250)

    def test_3_a_server_of_the_pool_dies_and_comes_back(self):
        lost = next(s for s in self.pool.servers if s != self.server[self.ghost])  # their row is looked for later
        spent, idle, kept = self.take(lost), self.take(lost), [self.take(s) for s in self.pool.servers if s != lost]
        for name in (spent, idle):
            self.send_some(name, 0, 5)  # so the first node saw 5
            self.send_some(name, 1, 3)  # and the second 8
        self.pool.servers[lost].kill()
        for node, saw in zip(self.nodes, (5, 8)):
            self.assertEqual(self.counts(self.burst(spent, node)),
                             {"250 2.0.0": LIMIT - saw, "450 4.7.1": CLIENTS - LIMIT + saw})
        began = time.monotonic()
        for name in kept:
            self.check_exactly(name)
        self.assertLess(time.monotonic() - began, 20)
        self.check_status(down=[lost])
        done = self.nodes[0].ctl("limits", spent)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"memcached at {lost} does not answer", done.stderr)
        self.assertEqual(self.delivered(spent).total(), 8 + LIMIT - 5 + LIMIT - 8)
        self.pool.start(lost)
        self.check_status(down=[])
        for node in self.nodes:
            wait_for("usage to be known again", lambda: (crowd.used(node, spent, "rate") or 0) >= LIMIT, 10, 0.1)
        self.assertEqual(self.counts(self.burst(spent)), {"450 4.7.1": CLIENTS})
        self.check_used(idle, "rate", 8)
        self.check_exactly(idle, sent=8)

    def test_4_a_milter_that_restarts_frees_the_sessions_it_left(self):
        name = self.take()
        held = [self.enter(name, self.nodes[1])[0] for _ in range(CLIENTS)]
        self.assertEqual(str(self.enter(name, self.nodes[0])[1])[:9], SESSION_LIMIT)
        milter = self.nodes[1].milter
        milter.kill()
        self.assertEqual(str(self.enter(name, self.nodes[0])[1])[:9], SESSION_LIMIT, "not yet known to be gone")
        died = time.monotonic()
        milter.start()
        milter.ready(lambda: daemon_answers(self.nodes[1].path("spool", "gatepost", "milter.sock")))
        self.check_used(name, "sessions", 0)
        self.assertEqual(self.send(name, self.nodes[0], f"restarted@{name}.test").code, 250)
        self.assertLess(time.monotonic() - died, ROW_LIFE / 3, "sooner than the row would have ended")
        for c in held:
            c.drop()

    def test_5_a_milter_that_stays_away_frees_them_after_its_rows_life(self):
        left = ROW_LIFE - (time.monotonic() - self.ghost_died)
        if left > 25:
            self.assertEqual(str(self.enter(self.ghost, self.nodes[0])[1])[:9], SESSION_LIMIT)
        wait_for("the dead milter's sessions to be free", lambda: crowd.open_sessions(self.nodes[0], self.ghost) == 0,
                 max(left, 0) + 2, 0.2)
        self.assertEqual(self.send(self.ghost, self.nodes[0], f"freed@{self.ghost}.test").code, 250)


if __name__ == "__main__":
    unittest.main(verbosity=2)
