# SPDX-License-Identifier: GPL-3.0-or-later
"""Forged reports in any number change nothing: no address is suppressed, no agency counted against

GATEPOST_FLOOD says how many; the rate is printed.
"""
import os
import threading
import time
import unittest

from feedback_case import DOMAIN, Case, address, bounce, mail, token

WANTED = int(os.environ.get("GATEPOST_FLOOD") or 3000)
SECONDS, LEAST = 60, 300
SENDERS = 8

ARF = """From: fbl@provider.test\r
Subject: complaint\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary=b\r
\r
--b\r
\r
complaint\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: x/1\r
Version: 1\r
Original-Mail-From: <%s>\r
Original-Rcpt-To: <%s>\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
X-Gatepost-Ref: %s\r
List-Unsubscribe: <mailto:%s?subject=%s>\r
\r
--b--\r
"""


def forged(n):
    """(recipient of the envelope, sender, message): each tries to prove a victim in another way"""
    victim = f"victim@d{n % 50}.example.com"
    own = f"mallory{n}@evil.test"
    wrong = "b" + token(victim)[1:-1] + "a"
    sealed = "X6ChoqOkpaanqKmqq74KaQAkQ4govqddLgVWoDbaWBSCed0WEonRxRYE6Q2yutcX2BjpOtz2sTeCzmphTCrSjk2YXqzqHFvbajB7NDK__g"
    return (
        (f"postmaster@{DOMAIN}", "", bounce(victim, extra=f" {n}")),
        # a genuine token of his own, and the victim's address
        (address(own), "", bounce(victim, extra=f" {n}")),
        (f"abuse@{DOMAIN}", "x@y.test", (ARF % (f"{wrong}@{DOMAIN}", victim, sealed, f"u{wrong[1:]}@{DOMAIN}", sealed)).encode()
         + b"%d\r\n" % n),
        (address(own, letter="u"), victim, mail(subject="unsubscribe", sender=victim, body=str(n))),
        (f"postmaster@{DOMAIN}", "", bounce(victim, headers=f"X-Gatepost-Ref: {sealed}\r\nReturn-Path: <{wrong}@{DOMAIN}>\r\n",
                                            extra=f" {n}")))[n % 5]


class Flood(Case):
    def test_nothing_changes(self):
        relay = self.start()
        counts, until, failures = [0] * SENDERS, time.monotonic() + SECONDS, []

        def send(k):
            with relay.client() as c:
                while counts[k] * SENDERS < WANTED and time.monotonic() < until:
                    to, sender, octets = forged(counts[k] * SENDERS + k)
                    reply = c.deliver(octets, to, sender)
                    if not reply.startswith("250 "):
                        failures.append(reply)
                        return
                    counts[k] += 1

        began = time.monotonic()
        threads = [threading.Thread(target=send, args=(k,)) for k in range(SENDERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took, n = time.monotonic() - began, sum(counts)
        self.assertEqual(failures, [])
        self.assertGreaterEqual(n, LEAST)
        print(f"{n} forged reports in {took:.1f} s: {n / took:.0f}/s", flush=True)
        self.assertEqual(relay.query("SELECT count(*) FROM intake"), [(n,)])
        self.assertEqual(relay.suppressed(), {})
        self.assertEqual(relay.query("SELECT count(*) FROM failure"), [(0,)])
        self.assertEqual(relay.query("SELECT count(*) FROM event"), [(0,)])
        self.assertEqual({a for a, in relay.query("SELECT DISTINCT agency FROM stat")}, {""})
        # and who is really meant is still believed
        with relay.client() as c:
            self.kept(c.deliver(bounce("victim@d1.example.com"), address("victim@d1.example.com")))
        self.assertEqual(set(relay.suppressed()), {("victim@d1.example.com", "dol")})


if __name__ == "__main__":
    unittest.main()
