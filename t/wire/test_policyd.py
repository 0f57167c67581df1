# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-policyd on its socket: every request Postfix was seen to send, every reason id, the store, reload, the end."""
import os
import signal
import subprocess
import time
import unittest

import items
from policy_client import request
from policyd_case import (BLOCKED, BLOCKED_TEMPORARILY, Case, INTERNAL, LOGIN_BAN, NOT_PERMITTED, PACKAGE, PAUSED, RATE,
                          SESSION_LIMIT, TOKEN_FORGED, agencies)
from relayconf import BUILD, process

CAPTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "corpus", "policy")


class Requests(Case):
    def test_every_captured_request(self):
        """As Postfix sent it; its client is a stranger, and then a listed one."""
        relay = self.start(memcached=False)
        client = self.client(relay)
        refused = {"connect": NOT_PERMITTED, "rcpt": NOT_PERMITTED, "rcpt-tls-sasl": NOT_PERMITTED}
        permitted = {"rcpt": "OK", "rcpt-tls-sasl": "OK"}
        names = ("connect", "ehlo", "mail", "rcpt", "rcpt-tls-sasl", "data", "end-of-message", "etrn", "vrfy")
        for name in names:
            with open(os.path.join(CAPTURES, name), "rb") as f:
                octets = f.read()[1:]  # the first belongs to the fuzzer
            client.send(octets)
            self.assertEqual(client.read(), refused.get(name, "DUNNO"), name)
            client.send(octets.replace(b"client_address=127.0.0.1", b"client_address=192.0.2.10"))
            self.assertEqual(client.read(), permitted.get(name, "DUNNO"), name)

    def test_addresses(self):
        """Production and standby, any spelling; nothing beside them, and no client that was gone too early."""
        relay = self.start()
        client = self.client(relay)
        for address in ("192.0.2.10", "192.0.2.12", "2001:db8::10", "2001:DB8:0:0:0:0:0:10", "::ffff:192.0.2.10"):
            self.assertEqual(client.connect(address), "DUNNO", address)
            self.assertEqual(client.ask("XCLIENT", client_address=address), "DUNNO", address)
            self.assertEqual(client.rcpt(address), "OK", address)
        for address in ("192.0.2.11", "2001:db8::11", "unknown", "", "192.0.2.10 ", "192.0.2.010"):
            self.assertEqual(client.connect(address), NOT_PERMITTED, address)
            self.assertEqual(client.ask("XCLIENT", client_address=address), NOT_PERMITTED, address)
            self.assertEqual(client.rcpt(address), NOT_PERMITTED, address)

    def test_profiles(self):
        client = self.client(self.start(memcached=False))
        for profile in ("", "gatepost-address", "anything"):
            self.assertEqual(client.rcpt(policy_context=profile), "OK")
        for profile in ("gatepost-login", "gatepost-both"):
            self.assertEqual(client.connect(policy_context=profile), "DUNNO")
            self.assertEqual(client.rcpt(policy_context=profile), "530 5.7.0 Login required")
            self.assertEqual(client.rcpt(policy_context=profile, sasl_username="joe"), NOT_PERMITTED)
        back = {"address": "203.0.113.9", "policy_context": "gatepost-return"}
        self.assertEqual(client.connect(**back), "DUNNO")
        for recipient, action in (("postmaster@b.example.gov", "OK"), ("Abuse@B.example.gov", "OK"),
                                  ("x@b.example.gov", TOKEN_FORGED), ("x%b.example.gov", TOKEN_FORGED),
                                  ("b" + "a" * 32 + "@b.example.gov", TOKEN_FORGED), ("x@dest.test", TOKEN_FORGED)):
            self.assertEqual(client.rcpt(recipient=recipient, **back), action, recipient)
        self.assertEqual(client.rcpt(recipient="x@b.example.gov"), TOKEN_FORGED)


class Reasons(Case):
    """Each reason id: the exact action, one line in the log, and the neighbour unaffected."""

    def refused(self, relay, client, reason, action, stage, **changes):
        before = relay.log().count(f"reason={reason} ")
        self.assertEqual(client.ask(stage, **changes), action)
        process.wait_for("the log", lambda: relay.log().count(f"reason={reason} ") == before + 1)
        line = [x for x in relay.log().splitlines() if f"reason={reason} " in x][-1]
        self.assertIn(f"event=verdict queue_id=NOQUEUE client={changes.get('client_address', '192.0.2.10')} ", line)
        self.assertIn(f" profile=gatepost-address reason={reason} code={action[:3]} stage={stage} ", line)
        self.assertEqual(client.rcpt("192.0.2.20"), "OK")
        self.assertEqual(client.connect("192.0.2.20"), "DUNNO")

    def test_live_keys(self):
        relay = self.start()
        client = self.client(relay)
        both = ("CONNECT", "RCPT")
        for key, reason, action, stages in (
                ("block:dol", "blocked-temporarily", BLOCKED_TEMPORARILY + "why", both),
                ("block:192.0.2.10", "blocked-temporarily", BLOCKED_TEMPORARILY + "why", both),
                ("pause:dol", "paused", PAUSED + "why", both),
                ("ban:192.0.2.10", "login-ban", LOGIN_BAN, ("CONNECT",))):
            relay.put(key, "why")
            for stage in stages:
                self.refused(relay, client, reason, action, stage)
            relay.drop(key)
            self.assertEqual((client.connect(), client.rcpt()), ("DUNNO", "OK"), key)
        relay.put("pause:dol", "a\r\n\r\naction=OK\x00b")
        self.assertEqual(client.rcpt(), PAUSED + "a    action=OK b")

    def test_blocks_leave_the_agency_s_other_addresses_alone(self):
        relay = self.start()
        client = self.client(relay)
        relay.put("block:192.0.2.10", "one")
        self.assertEqual(client.rcpt("192.0.2.12"), "OK")
        relay.put("block:dol", "all")
        self.assertEqual(client.rcpt("192.0.2.12"), BLOCKED_TEMPORARILY + "all")
        self.assertEqual(client.rcpt("2001:db8::10"), BLOCKED_TEMPORARILY + "all")

    def test_sessions(self):
        relay = self.start()
        client = self.client(relay)
        relay.put("sessions:dol", items.sessions(3, 1))
        self.refused(relay, client, "session-limit", SESSION_LIMIT, "CONNECT")
        self.assertEqual(client.connect("192.0.2.12"), SESSION_LIMIT)  # one allowance for both
        self.assertEqual(client.rcpt(), "OK")
        relay.put("limit:dol:sessions", "5")
        self.assertEqual(client.connect(), "DUNNO")
        relay.put("limit:dol:sessions", "3")
        self.assertEqual(client.connect(), SESSION_LIMIT)
        relay.put("sessions:dol", items.sessions(2))
        self.assertEqual(client.connect(), "DUNNO")

    def test_rates_and_packages(self):
        relay = self.start(text=agencies(rate=["150/1m"], package="200/day"))
        client = self.client(relay)
        relay.put("usage:dol", items.usage(149))
        self.assertEqual(client.rcpt(), "OK")
        relay.put("usage:dol", items.usage(150))
        self.refused(relay, client, "rate", RATE, "RCPT")
        self.assertEqual(client.rcpt("192.0.2.12"), RATE)
        self.assertEqual(client.connect(), "DUNNO")
        relay.put("limit:dol:rate", "1000/1m,5000/10m")
        self.assertEqual(client.rcpt(), "OK")
        relay.put("usage:dol", items.usage(200))
        self.refused(relay, client, "package", PACKAGE, "RCPT")
        relay.put("limit:dol:package", "201/day")
        self.assertEqual(client.rcpt(), "OK")
        relay.put("usage:dol", "no item of ours")
        self.assertEqual(client.rcpt(), "OK")

    def test_allowlist_and_return_path(self):
        relay = self.start()
        client = self.client(relay)
        self.refused(relay, client, "not-permitted", NOT_PERMITTED, "CONNECT", client_address="198.51.100.1")
        self.refused(relay, client, "not-permitted", NOT_PERMITTED, "RCPT", client_address="198.51.100.1")
        self.refused(relay, client, "token-forged", TOKEN_FORGED, "RCPT", recipient="x@b.example.gov")

    def test_permanent_blocks(self):
        relay = self.start()
        client = self.client(relay)
        for target in ("192.0.2.10", "dol"):
            relay.ctl("block", target, "--reason", "ticket 9")
            process.wait_for("the block", lambda: client.rcpt() == BLOCKED + "ticket 9", 5)
            for stage in ("CONNECT", "RCPT"):
                self.refused(relay, client, "blocked", BLOCKED + "ticket 9", stage)
            self.assertEqual(client.rcpt("192.0.2.12"), "OK" if target == "192.0.2.10" else BLOCKED + "ticket 9")
            relay.ctl("unblock", target, "--reason", "mended")
            process.wait_for("the end of the block", lambda: client.rcpt() == "OK", 5)
        relay.ctl("block", "dol", "--reason", "stays")
        relay.stop_memcached()
        relay.stop()
        relay.start()
        self.assertEqual(self.client(relay).rcpt(), BLOCKED + "stays")

    def test_foreign_octets_in_the_log(self):
        relay = self.start()
        client = self.client(relay)
        client.rcpt("198.51.100.1", sender='a"\x1b[31m é\\ event=verdict', queue_id="4jWbms683Gz1c77h")
        relay.wait_log("queue_id=4jWbms683Gz1c77h")
        self.assertIn(r'sender="a\"\x1b[31m \xc3\xa9\\ event=verdict" recipient=b@dest.test', relay.log().lower())
        self.assertNotIn("\x1b", relay.log())


class Store(Case):
    def test_away_and_back(self):
        relay = self.start()
        client = self.client(relay)
        relay.put("pause:dol", "why")
        self.assertEqual(client.rcpt(), PAUSED + "why")
        relay.stop_memcached()
        begin = time.monotonic()
        for _ in range(200):
            self.assertEqual(client.rcpt(), "OK")
            self.assertEqual(client.connect(), "DUNNO")
            self.assertEqual(client.connect("198.51.100.1"), NOT_PERMITTED)
        self.assertLess(time.monotonic() - begin, 5)
        relay.wait_status(store="down")
        self.assertEqual(relay.log().count("event=counters-lost"), 1)
        relay.start_memcached()
        relay.wait_status(store="up")
        relay.put("pause:dol", "again")
        self.assertEqual(client.rcpt(), PAUSED + "again")

    def test_stopped(self):
        """It accepts connections and says nothing: one request waits, at most 200 ms, and no other."""
        relay = self.start()
        client = self.client(relay)
        self.assertEqual(client.rcpt(), "OK")
        process.suspend(relay.memcached.pid)
        self.addCleanup(relay.memcached.send_signal, signal.SIGCONT)
        begin = time.monotonic()
        for _ in range(50):
            self.assertEqual(client.rcpt(), "OK")
        self.assertLess(time.monotonic() - begin, 5)  # 50 waits would be 7 s

    def test_closed(self):
        relay = self.start(on_counter_loss="closed")
        client = self.client(relay)
        self.assertEqual(client.rcpt(), "OK")
        relay.stop_memcached()
        process.wait_for("451", lambda: client.rcpt() == INTERNAL, 5)
        self.assertEqual(client.connect(), INTERNAL)
        self.assertEqual(client.connect("198.51.100.1"), NOT_PERMITTED)
        self.assertEqual(client.connect(policy_context="gatepost-return"), "DUNNO")
        relay.wait_log("reason=internal code=451")

    def test_none(self):
        relay = self.start(memcached=False, on_counter_loss="closed")
        client = self.client(relay)
        self.assertEqual((client.connect(), client.rcpt()), ("DUNNO", "OK"))
        self.assertEqual(relay.status()["store"], "in-process")
        self.assertNotIn("counters-lost", relay.log())

    def test_only_what_is_needed_is_asked(self):
        """Strangers and other states ask memcached nothing; six keys are one question."""
        relay = self.start()
        client = self.client(relay)

        def asked():
            import socket
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(relay.memcached_path)
                s.sendall(b"stats\r\nquit\r\n")
                with s.makefile() as answer:
                    lines = dict(x.split()[1:3] for x in answer if x.startswith("STAT "))
            return int(lines["cmd_get"])

        def in_quiet(act):
            """Gets that act costs, the daemon's own probes left out: the least of some tries."""
            costs = []
            for _ in range(5):
                before = asked()
                act()
                costs.append(asked() - before)
            return min(costs)

        client.rcpt()
        self.assertEqual(in_quiet(lambda: client.connect("198.51.100.1")), 0)
        self.assertEqual(in_quiet(lambda: client.rcpt("unknown")), 0)
        self.assertEqual(in_quiet(lambda: client.ask("DATA")), 0)
        self.assertEqual(in_quiet(lambda: client.rcpt(policy_context="gatepost-return")), 0)
        self.assertEqual(in_quiet(client.connect), 6)
        self.assertEqual(in_quiet(client.rcpt), 6)


class Reload(Case):
    def test_a_session_keeps_its_configuration(self):
        relay = self.start()
        old, idle = self.client(relay), self.client(relay)
        self.assertEqual(old.connect(), "DUNNO")
        relay.configure(agencies().replace("192.0.2.10", "192.0.2.99"))
        for number in (signal.SIGUSR1, signal.SIGHUP):
            relay.reload(number=number)
        self.assertEqual(old.rcpt(), "OK")
        self.assertEqual(idle.rcpt(), NOT_PERMITTED)
        self.assertEqual(idle.rcpt("192.0.2.99"), "OK")
        relay.wait_status(epoch=3, epochs_alive=2, connections=2)
        self.assertEqual(old.connect(), NOT_PERMITTED)  # the next session on this connection
        relay.wait_status(epoch=3, epochs_alive=1)

    def test_an_idle_connection_keeps_no_drained_epoch(self):
        """smtpd keeps its connection open for minutes; what nobody will ask for any more is freed."""
        relay = self.start(drain_timeout="1s")
        idle = self.client(relay)
        self.assertEqual(idle.connect(), "DUNNO")
        relay.configure(agencies().replace("192.0.2.10", "192.0.2.99"))
        relay.reload()
        relay.wait_status(epoch=2, epochs_alive=1, connections=1)
        self.assertEqual(idle.rcpt(), NOT_PERMITTED)

    def test_a_bad_configuration_changes_nothing(self):
        relay = self.start()
        client = self.client(relay)
        self.assertEqual(client.connect(), "DUNNO")
        with open(relay.config, "a") as f:
            f.write('drain_timeot = "1s"\n')
        status = relay.reload(good=False)
        self.assertRegex(status["last_reload"], r"^failed: .*gatepost\.conf:\d+: ")
        self.assertEqual((status["epoch"], status["reloads"]), (1, 0))
        self.assertEqual((client.rcpt(), client.connect()), ("OK", "DUNNO"))
        relay.configure()
        self.assertEqual(relay.reload()["last_reload"], "ok")

    def test_what_needs_a_restart_is_said(self):
        relay = self.start()
        relay.configure(counters=[], counters_prefix="other", policy_listen="unix:/tmp/elsewhere.sock")
        status = relay.reload(good=False)
        self.assertRegex(status["last_reload"],
                         "^failed: policy_listen, counters, counters_prefix: changed, which needs a restart")
        self.assertEqual(status["epoch"], 1)
        relay.put("pause:dol", "still asked")
        self.assertEqual(self.client(relay).rcpt(), PAUSED + "still asked")


class Life(Case):
    def test_options(self):
        program = os.path.join(BUILD, "bin", "gatepost-policyd")
        done = subprocess.run([program, "-V"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^gatepost-policyd \d+\.\d+\.\d+\n$")
        for words in (["-x"], ["more"], ["-c"]):
            self.assertEqual(subprocess.run([program, *words], capture_output=True).returncode, 2)
        done = subprocess.run([program, "-c", "/nonexistent"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent", done.stderr)

    def test_a_second_one_leaves_the_first_alone(self):
        relay = self.start()
        second = relay.spawn()
        self.assertEqual(second.wait(20), 1)
        self.assertEqual(self.client(relay).rcpt(), "OK")
        self.assertEqual(process.read_pid(relay.path("run", "policyd.pid")), relay.child.pid)

    def test_no_start_without_knowing_the_blocks(self):
        relay = self.start()
        relay.stop()
        relay.configure(database="/proc/nowhere/gatepost.db")
        self.assertEqual(relay.spawn().wait(20), 1)
        self.assertIn("/proc/nowhere/gatepost.db", relay.log())

    def test_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            relay = self.start()
            idle, half = self.client(relay), self.client(relay)
            half.send(request()[:100])
            self.assertEqual(idle.rcpt(), "OK")
            begin = time.monotonic()
            relay.send_signal(number)
            self.assertEqual(relay.child.wait(20), 0)
            self.assertLess(time.monotonic() - begin, 5)
            self.assertIsNone(idle.read())

    def test_the_end_finishes_what_was_asked(self):
        """Requests that came whole before the signal are answered, in several turns."""
        relay = self.start()
        clients = [self.client(relay) for _ in range(20)]
        self.assertEqual([c.connect() for c in clients], ["DUNNO"] * 20)
        process.suspend(relay.child.pid)
        for c in clients:
            c.send(request() * 5)
        relay.send_signal(signal.SIGTERM)
        relay.send_signal(signal.SIGCONT)
        self.assertEqual([[c.read() for _ in range(6)] for c in clients], [["OK"] * 5 + [None]] * 20)
        self.assertEqual(relay.child.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
