# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins over STARTTLS: who is admitted on which listener, bans after failed ones, and a policy service that fails."""
import http.server
import json
import os
import threading
import unittest

from scene import Relay, Scene, agency, process

STRANGER = "127.0.9.9"
LISTED, OTHERS = "127.0.9.1", "127.0.9.2"
AGENCIES = "\n".join([
    agency("dol", [LISTED, "127.0.9.3", "127.0.9.4"], ["dol.example.gov"], logins=["dol-app"],
           limits={"sessions": "50", "rate": ["10000/1m"]}),
    agency("doe", [OTHERS], ["doe.example.gov"], logins=["doe-app"], limits={"failed_logins": "2/3s"}),
    agency("one", ["127.0.9.5"], ["one.example.gov"], logins=["one-app"], limits={"sessions": "1"}),
])


class LoginScene(Scene):
    agencies = AGENCIES

    def login(self, source, user="dol-app", **options):
        client = self.relay.login(source, user, **options)
        self.addCleanup(client.close)
        return client

    def logged_in(self, source, user="dol-app", **options):
        client = self.login(source, user, **options)
        self.assertEqual(client.auth.code, 235, client.auth)
        return client

    def wrong(self, source, user="dol-app", port=None):
        with self.relay.login(source, user, "wrong", port=port) as client:
            self.assertEqual(client.auth.code, 535, client.auth)


class WhoMaySubmit(LoginScene):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay.dovecot.users["unlisted"] = cls.relay.login_password
        cls.relay.dovecot.write_users()

    def outcome(self, listener, source, user):
        """The first reply that is not good: its stage and its reason; or "accepted" """
        port = {"address": self.relay.port, "login": self.relay.login_port, "both": self.relay.both_port}[listener]
        name = "doe" if user == "doe-app" or (source == OTHERS and not user) else "dol"
        with self.relay.client(source, port) as c:
            if c.greeting.code != 220:
                return "CONNECT " + c.greeting.text.split("rejected: ")[-1]
            c.hello()
            if listener != "address":
                c.starttls(self.relay.path("tls", "ca.pem"), "relay.example.gov")
                if user and c.login(user, self.relay.login_password).code != 235:
                    return "AUTH"
            reply = c.mail(f"app@{name}.example.gov")
            if reply.code != 250:
                return "MAIL " + reply.text
            reply = c.rcpt("someone@example.com")
            if reply.code != 250:
                return "RCPT " + reply.text.split("rejected: ")[-1]
            reply = c.data(self.message("someone@example.com", f"app@{name}.example.gov"))
            return "accepted" if reply.code == 250 else "END " + reply.text

    def test_every_combination(self):
        """A stranger, a listed address, a login, and both, on each profile"""
        denied, required = "Address not permitted to relay", "RCPT Login required"
        unknown = "MAIL 554 5.7.1 " + denied
        connect = "CONNECT " + denied
        for source, user, address, login, both in (
                (STRANGER, "", connect, required, connect),
                (STRANGER, "dol-app", connect, "accepted", connect),
                (STRANGER, "unlisted", connect, unknown, connect),
                (LISTED, "", "accepted", required, required),
                (LISTED, "dol-app", "accepted", "accepted", "accepted"),
                (LISTED, "doe-app", "accepted", "accepted", unknown),
                (LISTED, "unlisted", "accepted", unknown, unknown),
                (OTHERS, "doe-app", "accepted", "accepted", "accepted")):
            for listener, expected in (("address", address), ("login", login), ("both", both)):
                if listener == "address" and user == "doe-app" and source == LISTED:
                    continue  # no login is offered there; the sender would be foreign
                self.assertEqual(self.outcome(listener, source, user), expected, (source, user, listener))

    def test_tls_comes_first(self):
        with self.relay.client(LISTED, self.relay.login_port) as c:
            self.assertNotIn("AUTH", c.hello().text)
            self.assertEqual(c.login("dol-app", self.relay.login_password).code, 530)
            self.assertEqual(c.mail("app@dol.example.gov").text, "530 5.7.0 Must issue a STARTTLS command first")

    def test_both_mechanisms_and_the_agency_named(self):
        for how in ("PLAIN", "LOGIN"):
            c = self.logged_in(STRANGER, "doe-app", how=how)
            self.assertGood(self.submit(c, "app@doe.example.gov", f"{how.lower()}@example.com"))
            c.quit()
            envelope, message = self.relay.wait_delivered(f"{how.lower()}@example.com")[0]
            self.assertIn(b"\r\nX-Gatepost-Source: doe\r\n", message)
        c = self.logged_in(LISTED, "doe-app")  # the login's domains, not the address's
        self.assertMilters(c.mail("app@dol.example.gov"), "sender-domain")

    def test_sessions_of_a_login_are_taken_at_mail(self):
        one, two = self.logged_in(STRANGER, "one-app"), self.logged_in("127.0.9.8", "one-app")
        self.assertEqual(self.open_sessions("one"), 0)
        self.assertGood(one.mail("app@one.example.gov"))
        self.assertEqual(self.open_sessions("one"), 1)
        self.assertMilters(two.mail("app@one.example.gov"), "session-limit")
        self.assertTrue(two.closed_by_server())
        one.quit()
        self.wait("the place to be free", lambda: self.open_sessions("one") == 0)
        self.assertGood(self.logged_in(STRANGER, "one-app").mail("app@one.example.gov"))

    def test_a_pause_reaches_a_login_s_open_session(self):
        c = self.logged_in(STRANGER)
        self.assertGood(self.submit(c, "app@dol.example.gov", "before@example.com"))
        self.operator("pause", "dol", "--for", "1m", "--reason", "looking")
        self.assertPolicyds(self.submit(c, "app@dol.example.gov", "after@example.com"), "paused", "looking")
        self.operator("resume", "dol")


class Bans(LoginScene):
    def greeting(self, source, port=None):
        with self.relay.client(source, port) as c:
            return c.greeting

    def banned(self, source):
        return [b for b in json.loads(self.operator("bans", "--json"))["bans"] if b["address"] == source]

    def assertBanned(self, source):
        for port in (self.relay.port, self.relay.login_port, self.relay.both_port):
            self.wait(f"{source} to be banned", lambda: self.greeting(source, port).code == 421, 1)
            self.assertPolicyds(self.greeting(source, port), "login-ban")

    def test_the_third_wrong_login(self):
        open_session = self.relay.login(LISTED, "")
        self.addCleanup(open_session.close)
        neighbour = self.relay.login("127.0.9.3", "")
        self.addCleanup(neighbour.close)
        self.wrong(LISTED)
        self.wrong(LISTED, "no such user")
        self.assertEqual(self.greeting(LISTED).code, 220)
        self.wrong(LISTED, port=self.relay.both_port)
        self.assertBanned(LISTED)
        refused = open_session.login("dol-app", self.relay.login_password)  # the right one
        self.assertEqual(refused.text, "535 5.7.8 Error: authentication failed: too many failures")
        self.assertEqual(neighbour.login("dol-app", self.relay.login_password).code, 235)
        self.assertEqual(self.greeting("127.0.9.3").code, 220)
        for _ in range(3):  # these refusals do not feed themselves
            self.assertEqual(open_session.login("dol-app", self.relay.login_password).code, 535)
        bans = self.banned(LISTED)
        self.assertEqual(len(bans), 1)
        self.assertLessEqual(bans[0]["left"], 1800)
        self.assertGreater(bans[0]["left"], 1700)
        self.assertIn("ban", self.operator("history"))
        self.operator("unblock", LISTED, "--reason", "talked to them")
        self.assertEqual(self.greeting(LISTED).code, 220)
        self.assertEqual(open_session.login("dol-app", self.relay.login_password).code, 235)
        self.assertEqual(self.banned(LISTED), [])

    def test_an_agency_s_own_limit_and_its_end(self):
        """doe: two within three seconds, for three seconds"""
        self.wrong(OTHERS, "doe-app")
        self.wrong(OTHERS, "doe-app")
        self.wait("the ban", lambda: self.greeting(OTHERS).code == 421, 1)
        self.wait("its end", lambda: self.greeting(OTHERS).code == 220, 6)
        self.logged_in(OTHERS, "doe-app")

    def test_a_stranger_on_the_login_listener(self):
        for _ in range(3):
            self.wrong("127.0.9.77", "root")
        self.wait("the ban", lambda: self.greeting("127.0.9.77", self.relay.login_port).code == 421, 1)
        self.wait("the journal", lambda: "127.0.9.77" in self.operator("bans"), 3)


class Failing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.hang:
            self.server.ended.wait(30)
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *unused):
        pass


class PolicyServiceFails(unittest.TestCase):
    """Dovecot lets everybody in then, and gatepost-policyd sees logins that nobody asked it about."""

    def see(self, url):
        with Relay(agencies=AGENCIES, auth_url=url) as relay:
            for _ in range(4):
                with relay.login(LISTED, "dol-app", "wrong") as c:
                    self.assertEqual(c.auth.code, 535)
            with relay.login(LISTED, "dol-app") as c:
                self.assertEqual(c.auth.code, 235)  # nobody counted
                self.assertEqual(c.mail("app@dol.example.gov").code, 250)
                self.assertEqual(c.rcpt("someone@example.com").code, 250)
                process.wait_for("policyd to notice", lambda: "event=auth-unasked" in relay.log("policyd"), 5)
            with open(os.path.join(relay.path("log"), "dovecot-auth.log")) as f:
                self.assertIn("olicy server HTTP error", f.read())
            self.assertRegex(relay.ctl("status").stdout, r"DOVECOT ASKED +LAST +LOGINS UNASKED\n0 +never +1\n")

    def serve(self, hang):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
        server.hang, server.ended = hang, threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(server.ended.set)
        return f"http://127.0.0.1:{server.server_port}/auth/"

    def test_500(self):
        self.see(self.serve(False))

    def test_slow(self):
        self.see(self.serve(True))

    def test_down(self):
        self.see(f"http://127.0.0.1:{process.free_ports(1)[0]}/auth/")


if __name__ == "__main__":
    unittest.main()
