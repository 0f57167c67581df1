# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-policyd answers Dovecot's policy requests: counting, bans, everything that is no such request; and logins at
CONNECT and RCPT."""
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from policyd_case import Case, LOGIN_BAN, NOT_PERMITTED, agencies
from relayconf import BUILD, process

KEY = "a-key-for-dovecot-1234"
LOGIN_REQUIRED = "530 5.7.0 Login required"
WELCOME = {"status": 0, "msg": ""}
REFUSED = {"status": -1, "msg": "too many failures"}
BOTH = "203.0.113.5"


def with_logins(**limits):
    return (agencies(**limits) + "\ndoe = { logins = [ \"doe-app\" ]  sender_domains = [ \"doe.gov\" ]  "
            "limits = { failed_logins = \"5/30m\" } }\n")


class LoginCase(Case):
    def serve(self, key=True, **options):
        self.port = process.free_ports(1)[0]
        changes = {"auth_listen": f"127.0.0.1:{self.port}"}
        self.key = None
        if key:
            handle, self.key = tempfile.mkstemp(prefix="gatepost-auth-", dir="/tmp")
            with open(handle, "w") as f:
                f.write(KEY + "\n")
            os.chmod(self.key, 0o640)
            self.addCleanup(os.unlink, self.key)
            if os.geteuid() == 0:
                shutil.chown(self.key, "nobody", "postfix")
            changes["auth_key"] = self.key
        return self.start(text=with_logins(), **changes, **options)

    def post(self, target, body, headers=None, method="POST"):
        """status, JSON"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body, {"X-Gatepost-Key": KEY, "Content-Type": "application/json",
                                                      **(headers or {})})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def allow(self, remote, login="joe"):
        return self.post("/auth/?command=allow", json.dumps({"login": login, "remote": remote, "pwhash": "0e6f"}))

    def report(self, remote, login="joe", success=False, reject=False):
        self.assertEqual(self.post("/auth/?command=report", json.dumps(
            {"login": login, "remote": remote, "success": success, "policy_reject": reject})), (200, {}))

    def wrong(self, remote, login="joe"):
        """A failed login"""
        self.report(remote, login)

    def item(self, relay, key):
        """One item's value, "" when there is none."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(relay.memcached_path)
            s.sendall(f"get gp:{key}\r\n".encode())
            with s.makefile("r") as answer:
                return answer.readline().strip() if answer.readline().startswith("VALUE") else ""

    def ctl(self, relay, *words):
        return subprocess.run([os.path.join(BUILD, "bin", "gatepostctl"), "-c", relay.config, *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)


class Bans(LoginCase):
    def test_third_failure(self):
        relay = self.serve()
        client = self.client(relay)
        self.wrong("192.0.2.10", "doe-app")  # doe allows five; one of these is one of the address's all the same
        self.wrong("192.0.2.10")
        self.report("192.0.2.10", success=True)  # clears nothing, counts nothing
        self.report("192.0.2.10", reject=True)
        self.assertEqual(self.allow("192.0.2.10"), (200, WELCOME))
        self.assertEqual(client.connect("192.0.2.10"), "DUNNO")
        self.wrong("192.0.2.10", "no such user")
        self.assertEqual(self.allow("192.0.2.10", "doe-app"), (200, REFUSED))
        for profile in ("gatepost-address", "gatepost-login", "gatepost-both"):
            self.assertEqual(client.connect("192.0.2.10", policy_context=profile), LOGIN_BAN)
        self.assertEqual(client.rcpt("192.0.2.10"), "OK")
        for neighbour in ("192.0.2.12", "192.0.2.20"):
            self.assertEqual(self.allow(neighbour), (200, WELCOME))
            self.assertEqual(client.connect(neighbour), "DUNNO")
        process.wait_for("the journal", lambda: "192.0.2.10" in self.ctl(relay, "history").stdout)
        self.assertIn("3 failed logins, limit 3/30m, the last for no such user", self.item(relay, "ban:192.0.2.10"))
        told = self.ctl(relay, "bans").stdout
        self.assertRegex(told, r"192\.0\.2\.10 +(30m|17[0-9]{2}s|29m) ")
        self.assertEqual(self.ctl(relay, "unblock", "192.0.2.10").returncode, 0)
        self.assertEqual(client.connect("192.0.2.10"), "DUNNO")
        self.assertEqual(self.allow("192.0.2.10"), (200, WELCOME))
        self.wrong("192.0.2.10")  # the failures before are forgotten too
        self.assertEqual(self.allow("192.0.2.10"), (200, WELCOME))

    def test_strangers_and_ipv6(self):
        relay = self.serve()
        client = self.client(relay)
        for address, canonical in ((BOTH, BOTH), ("2001:DB8:0::7", "2001:db8::7"), ("::ffff:198.51.100.3", "198.51.100.3")):
            for _ in range(3):
                self.wrong(address)
            self.assertEqual(self.allow(canonical), (200, REFUSED))
            self.assertEqual(client.connect(canonical, policy_context="gatepost-login"), LOGIN_BAN)
            self.assertEqual(client.connect(canonical), NOT_PERMITTED)

    def test_the_login_s_agency_decides(self):
        relay = self.serve()
        for n in range(4):
            self.wrong(BOTH, "DOE-app")
        self.assertEqual(self.allow(BOTH), (200, WELCOME))
        relay.put("limit:doe:failed_logins", "2/1m")
        self.wrong(BOTH, "doe-app")
        self.assertEqual(self.allow(BOTH), (200, REFUSED))

    def test_another_node(self):
        """What another node counted and banned holds here; a broken item is written anew."""
        relay = self.serve()
        relay.put("ban:192.0.2.10", "elsewhere")
        self.assertEqual(self.allow("192.0.2.10"), (200, REFUSED))
        now = time.time_ns() // 1000000
        relay.put(f"failures:{BOTH}", f"GPF1 {now - 2000} {now - 1000}")
        self.wrong(BOTH)
        self.assertEqual(self.allow(BOTH), (200, REFUSED))
        relay.put("failures:198.51.100.9", "rubbish")
        self.wrong("198.51.100.9")
        self.assertRegex(self.item(relay, "failures:198.51.100.9"), r"^GPF1 \d+$")

    def test_without_memcached(self):
        relay = self.serve(memcached=False)
        client = self.client(relay)
        for _ in range(3):
            self.wrong("192.0.2.10")
        self.assertEqual(self.allow("192.0.2.10"), (200, REFUSED))
        self.assertEqual(client.connect("192.0.2.10"), LOGIN_BAN)
        self.assertEqual(client.connect("192.0.2.20"), "DUNNO")

    def test_memcached_away_and_back(self):
        relay = self.serve()
        client = self.client(relay)
        relay.memcached.kill()
        relay.memcached.wait()
        for _ in range(3):
            self.wrong("192.0.2.10")
        self.assertEqual(self.allow("192.0.2.10"), (200, REFUSED))
        self.assertEqual(client.connect("192.0.2.10"), LOGIN_BAN)
        relay.start_memcached()
        process.wait_for("the ban to be handed over", lambda: "3 failed" in self.item(relay, "ban:192.0.2.10"))
        process.wait_for("the ban to be lifted", lambda: self.ctl(relay, "unblock", "192.0.2.10").returncode == 0)
        self.assertEqual(self.allow("192.0.2.10"), (200, WELCOME))


class Requests(LoginCase):
    def test_what_is_no_request(self):
        relay = self.serve()
        good = json.dumps({"login": "joe", "remote": BOTH, "success": False, "policy_reject": False})
        report, allow = "/auth/?command=report", "/auth/?command=allow"
        for what, status, request in (
                ("path", 404, ("/", good)), ("path", 404, ("/auth", good)), ("path", 404, ("/auth/x?command=allow", good)),
                ("command", 400, ("/auth/", good)), ("command", 400, ("/auth/?command=deny", good)),
                ("command", 400, ("/auth/?command", good)), ("json", 400, (report, "")), ("json", 400, (report, "{")),
                ("json", 400, (report, "[1]")), ("json", 400, (allow, b"\xff\xfe")), ("json", 400, (report, "{}")),
                ("type", 400, (allow, '{"remote": 1}')), ("huge", 413, (allow, " " * 8193)),
                ("no key", 403, (report, good, {"X-Gatepost-Key": ""})),
                ("wrong key", 403, (report, good, {"X-Gatepost-Key": KEY[:-1] + "x"})),
                ("half a key", 403, (report, good, {"X-Gatepost-Key": KEY[:-1]}))):
            self.assertEqual(self.post(*request), (status, {}), (what, request))
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(self.post(report, None, method=method)[0], 405)
        self.assertEqual(self.post(allow, "{}" + " " * 8190), (200, WELCOME))
        self.assertIn("answered 403", relay.log())
        self.assertEqual(self.allow(BOTH), (200, WELCOME))  # none of it was counted

    def raw(self, octets):
        s = socket.create_connection(("127.0.0.1", self.port), 20)
        self.addCleanup(s.close)
        s.sendall(octets)
        return s

    def test_slow_silent_and_endless(self):
        """A hundred connections that say nothing, one whose body never ends, one in single octets: the next is answered."""
        self.serve()
        idle = [self.raw(b"POST /auth/?command=allow HTTP/1.1\r\nHost: x\r\n") for _ in range(100)]
        chunked = self.raw(b"POST /auth/?command=allow HTTP/1.1\r\nHost: x\r\nX-Gatepost-Key: " + KEY.encode() +
                           b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(64):
                chunked.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
            self.assertEqual(chunked.recv(100), b"")
        except (BrokenPipeError, ConnectionResetError):
            pass
        body = b'{"login":"joe","remote":"203.0.113.5"}'
        head = (b"POST /auth/?command=allow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Gatepost-Key: " + KEY.encode() +
                b"\r\nContent-Length: %d\r\n\r\n" % len(body))
        slow = self.raw(b"")
        for octet in head + body:
            slow.sendall(bytes([octet]))
        with slow.makefile("rb") as f:
            self.assertIn(b" 200 ", f.readline())
        self.assertEqual(self.allow(BOTH), (200, WELCOME))
        self.assertEqual(len(idle), 100)

    def test_who_holds_all_connections_keeps_dovecot_from_nothing(self):
        """Dovecot fails open: whom it cannot ask about it lets try as many passwords as he likes."""
        self.serve()
        held = [self.raw(b"POST /auth/") for _ in range(300)]
        for _ in range(3):
            self.wrong(BOTH)
        self.assertEqual(self.allow(BOTH), (200, REFUSED))
        self.assertEqual(len(held), 300)

    def test_keep_alive(self):
        """As Dovecot does: many requests on one connection."""
        self.serve()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for n in range(50):
            connection.request("POST", "/auth/?command=allow", json.dumps({"login": f"u{n}", "remote": BOTH}),
                               {"X-Gatepost-Key": KEY})
            reply = connection.getresponse()
            self.assertEqual((reply.status, json.loads(reply.read())), (200, WELCOME))
        connection.close()

    def test_without_a_key(self):
        relay = self.serve(key=False)
        self.assertEqual(self.post("/auth/?command=allow", "{}", {"X-Gatepost-Key": "anything"}), (200, WELCOME))
        self.assertIn("auth_key: missing", self.ctl(relay, "check").stderr)

    def test_status(self):
        relay = self.serve()
        self.allow(BOTH)
        process.wait_for("the status file", lambda: relay.status().get("auth_requests") == 1)
        self.assertGreater(relay.status()["auth_last"], 0)
        self.assertEqual(relay.status()["auth_unasked"], 0)
        self.assertIn("DOVECOT ASKED", self.ctl(relay, "status").stdout)


class Unasked(LoginCase):
    def test_logins_that_nobody_asked_about(self):
        """Dovecot lets everybody in when it gets no answer: a login that nothing was asked about shows it."""
        relay = self.serve()
        client = self.client(relay)
        login = {"policy_context": "gatepost-login", "sasl_username": "doe-app"}
        client.connect(BOTH, policy_context="gatepost-login")
        self.allow(BOTH, "doe-app")
        self.assertEqual(client.rcpt(BOTH, **login), "OK")
        client.connect(BOTH, policy_context="gatepost-login")
        for _ in range(3):
            self.assertEqual(client.rcpt(BOTH, **login), "OK")
        process.wait_for("the status file", lambda: relay.status().get("auth_unasked") == 1)
        self.assertEqual(relay.log().count("event=auth-unasked"), 1)


class Logins(LoginCase):
    def test_who_is_charged(self):
        """On the login's listener the login's agency, whatever the address; live blocks of both, on one server or two."""
        relay = self.serve()
        client = self.client(relay)
        login = {"policy_context": "gatepost-login", "sasl_username": "doe-app"}
        self.assertEqual(client.rcpt("192.0.2.10", **login), "OK")
        for key, expected in (("block:doe", "421 4.7.1 Blocked temporarily: why"), ("pause:doe", "450 4.7.1 Paused: why"),
                              ("block:192.0.2.10", "421 4.7.1 Blocked temporarily: why"), ("block:dol", "OK"),
                              ("pause:dol", "OK"), ("ban:192.0.2.10", "OK")):
            relay.put(key, "why")
            self.assertEqual(client.rcpt("192.0.2.10", **login), expected, key)
            relay.drop(key)
        relay.put("block:192.0.2.10", "why")
        self.assertEqual(client.connect("192.0.2.10", policy_context="gatepost-login"),
                         "421 4.7.1 Blocked temporarily: why")
        self.assertEqual(client.rcpt(BOTH, policy_context="gatepost-login"), LOGIN_REQUIRED)
        self.assertIn("login=doe-app", relay.log())


if __name__ == "__main__":
    unittest.main()
