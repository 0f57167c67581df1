# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of the real daemons: over HTTP, on TCP and UNIX sockets, and gatepostctl's; clients that mean harm."""
import http.client
import os
import signal
import socket
import subprocess
import unittest
import urllib.request

import feedback_case
from metrics_text import Unix, get, parse, value
from milter_daemon import Milter
from policyd_case import Case, INTERNAL, NOT_PERMITTED
from relayconf import BUILD, Relay, process

HOLDERS = 40  # more than the 16 connections there are
REFUSED = {"stage": "RCPT", "reason": "not-permitted", "code": "554"}


def scrape(relay):
    return parse(get(Unix(relay.path("spool", "gatepost", "metrics.sock")))[2])


def place(relay):
    """What a setting must be for scrape(), before the daemon starts."""
    return "unix:" + relay.path("spool", "gatepost", "metrics.sock")


class Policyd(Case):
    def start_with_metrics(self, **changes):
        self.port = process.free_ports(1)[0]
        return self.start(policy_metrics=f"inet:127.0.0.1:{self.port}", **changes)

    def scrape(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            return parse(answer.read().decode("ascii"))

    def test_a_refusal_counts_once(self):
        relay = self.start_with_metrics()
        client = self.client(relay)
        before = self.scrape()
        self.assertEqual(value(before, "gatepost_decisions_total"), 0)
        self.assertEqual(client.rcpt("192.0.2.99"), NOT_PERMITTED)
        after = self.scrape()
        self.assertEqual(value(after, "gatepost_decisions_total", **REFUSED), 1)
        self.assertEqual(value(after, "gatepost_decisions_total"), 1)
        self.assertEqual(value(after, "gatepost_info", program="policyd"), 1)
        self.assertEqual(value(after, "gatepost_epoch"), 1)

    def test_histograms_count_every_request(self):
        relay = self.start_with_metrics()
        client = self.client(relay)
        for _ in range(30):
            client.connect()
            client.ask("EHLO")
        for _ in range(70):
            client.rcpt()
        now = self.scrape()
        for stage, n in (("CONNECT", 30), ("OTHER", 30), ("RCPT", 70)):
            self.assertEqual(value(now, "gatepost_decision_seconds_count", stage=stage), n)
        self.assertGreater(value(now, "gatepost_decision_seconds_sum"), 0)
        self.assertEqual(value(now, "gatepost_decisions_total", stage="RCPT", reason="accepted"), 70)
        self.assertEqual(value(now, "gatepost_decisions_total", stage="CONNECT", reason="accepted"), 30)
        self.assertEqual(value(now, "gatepost_store_requests_total", outcome="answered"), 100)

    def test_the_store_goes_away(self):
        relay = self.start_with_metrics(on_counter_loss="closed")
        client = self.client(relay)
        process.wait_for("the gauge", lambda: value(self.scrape(), "gatepost_store_up") == 1)
        relay.stop_memcached()
        self.assertEqual([client.rcpt() for _ in range(5)], [INTERNAL] * 5)
        now = self.scrape()
        self.assertEqual(value(now, "gatepost_decisions_total", stage="RCPT", reason="internal", code="451"), 5)
        lost = sum(value(now, "gatepost_store_requests_total", outcome=o) for o in ("broken", "timeout", "unasked"))
        self.assertGreaterEqual(lost, 5)
        process.wait_for("the gauge", lambda: value(self.scrape(), "gatepost_store_up") == 0)

    def test_gauges_and_reloads(self):
        relay = self.start_with_metrics()
        clients = [self.client(relay) for _ in range(3)]
        self.assertTrue(all(client.connect() for client in clients))
        relay.reload()
        relay.configure(policy_metrics="inet:127.0.0.1:9")
        relay.reload(good=False)
        relay.wait_log("policy_metrics: changed, which needs a restart")

        def told():
            now = self.scrape()
            return (value(now, "gatepost_connections"), value(now, "gatepost_reloads_total", outcome="ok"),
                    value(now, "gatepost_reloads_total", outcome="failed"), value(now, "gatepost_epoch"),
                    value(now, "gatepost_epochs_alive")) == (3, 1, 1, 2, 2)
        process.wait_for("the gauges", told)

    def test_hostile_clients(self):
        """Each hears no or nothing; who asks properly is answered all the while, here and by the policy service."""
        relay = self.start_with_metrics()
        client = self.client(relay)
        descriptors = len(os.listdir(f"/proc/{relay.child.pid}/fd"))

        def well():
            self.assertEqual(client.rcpt(), "OK")
            value(self.scrape(), "gatepost_info")
        for octets in (b"\0" * 1000, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"GET /metrics\r\n\r\n",
                       b"GET /metrics HTTP/1.1\r\n" + b"X-Y: " + b"z" * 200000,
                       b"GET /" + b"a" * 200000, b"\r\n" * 5000, b"GET /metrics HTTP/1.1\r\n" + b"a:b\r\n" * 20000,
                       b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"a" * 100000,
                       b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), 20) as s:
                try:
                    s.sendall(octets)
                except OSError:
                    pass  # hung up before it was all sent
                well()
        for path, method, status in (("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 405),
                                     ("/metrics", "DELETE", 405), ("/metrics?x=1", "GET", 200)):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            self.assertEqual(get(connection, path, method)[0], status, (path, method))
        held = []
        try:
            for _ in range(HOLDERS):  # each says the beginning of a request, and the next octet never comes
                held.append(socket.create_connection(("127.0.0.1", self.port), 20))
                held[-1].sendall(b"GET /met")
                well()
            self.assertLess(len(os.listdir(f"/proc/{relay.child.pid}/fd")), descriptors + 2 * 16 + 8)
            held[0].settimeout(20)
            self.assertEqual(held[0].recv(100), b"")  # the oldest made room
        finally:
            for s in held:
                s.close()
        well()

    def test_answers_that_nobody_reads(self):
        relay = self.start_with_metrics()
        client = self.client(relay)
        with socket.create_connection(("127.0.0.1", self.port), 20) as s:
            s.settimeout(2)
            try:
                for _ in range(2000):
                    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            except OSError:
                pass  # nobody takes any more
            self.assertEqual(client.rcpt(), "OK")
            value(self.scrape(), "gatepost_info")


class OfMilter(unittest.TestCase):
    def test_messages(self):
        milter = Milter(memcached=True)
        self.addCleanup(milter.close)
        Relay.configure(milter, milter_metrics=place(milter))
        milter.start()
        with milter.session() as mta:
            for _ in range(3):
                self.assertEqual(mta.message()[1], "accept")
            self.assertIn("451 4.7.1", mta.mail("<a@dos.gov>"))
            now = scrape(milter)
            self.assertEqual(value(now, "gatepost_decisions_total"), 4)
            self.assertEqual(value(now, "gatepost_decisions_total", stage="END-OF-MESSAGE", reason="accepted"), 3)
            self.assertEqual(value(now, "gatepost_decisions_total", stage="MAIL", reason="sender-domain", code="451"), 1)
            counts = [value(now, "gatepost_decision_seconds_count", stage=s)
                      for s in ("CONNECT", "MAIL", "RCPT", "END-OF-MESSAGE")]
            self.assertEqual(counts, [1, 4, 3, 3])
            self.assertGreater(value(now, "gatepost_store_requests_total", outcome="answered"), 3)
            process.wait_for("the gauge", lambda: value(scrape(milter), "gatepost_sessions") == 1)
        process.wait_for("the gauge", lambda: value(scrape(milter), "gatepost_sessions") == 0)


class OfFeedback(feedback_case.Case):
    def test_outcomes(self):
        relay = feedback_case.Feedback()
        self.addCleanup(relay.close)
        log = relay.path("mail.log")
        with open(log, "w") as f:
            f.write("Nov 21 09:00:00 host postfix/smtpd[1]: connect from unknown[192.0.2.1]\n" * 25)
        relay.configure(feedback_metrics=place(relay), mail_log=log)
        relay.start()
        bounce, to = feedback_case.bounce("joe@example.com"), feedback_case.address("joe@example.com")
        client = self.client(relay)
        self.kept(client.deliver(bounce, to))
        self.kept(client.deliver(bounce, to))
        now = scrape(relay)
        self.assertEqual([value(now, "gatepost_feedback_messages_total", outcome=o) for o in ("acted", "repeated")],
                         [1, 1])
        self.assertEqual(value(now, "gatepost_feedback_messages_total"), 2)
        process.wait_for("the lines", lambda: value(scrape(relay), "gatepost_mail_log_lines_total") == 25)
        process.wait_for("the gauge", lambda: value(scrape(relay), "gatepost_connections") == 1)


class OfGatepostctl(Case):
    def test_all_daemons_in_one_text(self):
        relay = self.start()
        told = parse(relay.ctl("metrics"))
        self.assertEqual([value(told, "gatepost_up", program=p) for p in ("policyd", "milter", "feedback")], [1, 0, 0])
        milter = subprocess.Popen([os.path.join(BUILD, "bin", "gatepost-milter"), "-c", relay.config],
                                  stderr=subprocess.DEVNULL)
        try:
            process.wait_for("the milter", lambda: os.path.exists(relay.path("run", "milter.status")))
            self.assertEqual(self.client(relay).rcpt("192.0.2.99"), NOT_PERMITTED)

            def both():
                now = parse(relay.ctl("metrics"))
                return (value(now, "gatepost_up") == 2 and value(now, "gatepost_info") == 2 and
                        value(now, "gatepost_decisions_total", program="policyd", **REFUSED) == 1 and
                        value(now, "gatepost_decisions_total", program="milter") == 0)
            process.wait_for("both", both)
        finally:
            milter.terminate()
            self.assertEqual(milter.wait(30), 0)
        process.wait_for("one", lambda: value(parse(relay.ctl("metrics")), "gatepost_up") == 1)
        told = parse(relay.ctl("metrics"))
        self.assertEqual(value(told, "gatepost_info"), 1)

    def test_what_is_no_text_of_a_daemon_is_left_out(self):
        relay = self.start(memcached=False)
        process.suspend(relay.child.pid)  # it must not write its own
        try:
            for octets in (b"# HELP a b\n\x1b[31m", b"hello\n", b""):
                with open(relay.path("run", "policyd.metrics"), "wb") as f:
                    f.write(octets)
                told = relay.ctl("metrics")
                self.assertNotIn("\x1b", told)
                self.assertEqual({name for name, _ in parse(told)}, {"gatepost_up"})
        finally:
            relay.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    unittest.main()
