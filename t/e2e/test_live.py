# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits changed while mail flows, by gatepostctl and by hand; what counters = [] leaves of it."""
import json
import socket
import unittest

from scene import WIDE, Scene, agency


class Live(Scene):
    agencies = "\n".join(
        agency(name, [f"127.0.7.{last}"], [f"{name}.example.gov"], limits={**WIDE, **limits})
        for name, last, limits in (("rated", 1, {"rate": ["1/1h"]}), ("byhand", 2, {"rate": ["1/1h"]}),
                                   ("junk", 3, {"rate": ["1/1h"]}), ("sized", 4, {"message_size": "10K"}),
                                   ("session", 5, {"messages_per_session": "1"}), ("next", 6, {"rate": ["1/1h"]})))

    def memcached(self, command):
        """One command of the raw protocol and its answer"""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.relay.path("run", "memcached.sock"))
            s.sendall(command.encode())
            return s.recv(4096).decode()

    def by_hand(self, key, value, seconds=0):
        self.assertEqual(self.memcached(f"set {key} 0 {seconds} {len(value)}\r\n{value}\r\n"), "STORED\r\n")

    def send(self, name, last, recipient="someone@example.com"):
        with self.relay.client(f"127.0.7.{last}") as c:
            c.hello()
            return self.submit(c, f"app@{name}.example.gov", recipient)

    def test_by_gatepostctl(self):
        c = self.session("127.0.7.1")
        self.assertGood(self.submit(c, "app@rated.example.gov", "a@example.com"))
        self.assertPolicyds(self.submit(c, "app@rated.example.gov", "b@example.com"), "rate")
        self.operator("limit", "set", "rated", "rate", "3/1h,5/2h", "--for", "1h", "--reason", "test")
        self.assertEqual(c.say("RSET").code, 250)
        for n in range(2):
            self.assertGood(self.submit(c, "app@rated.example.gov", f"c{n}@example.com"))
        self.assertPolicyds(self.submit(c, "app@rated.example.gov", "d@example.com"), "rate")
        self.operator("limit", "clear", "rated", "rate")
        self.assertEqual(self.limit("rated", "rate")["value"], "1/1h")
        self.assertEqual(self.charged("rated"), 3)
        history = json.loads(self.operator("history", "--json"))
        self.assertIn("3/1h,5/2h", json.dumps(history))

    def test_by_hand_until_the_item_ends(self):
        self.assertGood(self.send("byhand", 2))
        self.assertPolicyds(self.send("byhand", 2), "rate")
        self.by_hand("gp:limit:byhand:rate", "2/1h", 2)
        self.assertGood(self.send("byhand", 2))
        self.by_hand("gp:limit:byhand:rate", "100/1h", 1)
        self.wait("the item's end", lambda: self.send("byhand", 2).code == 450)

    def test_what_does_not_parse_is_ignored_and_told(self):
        self.by_hand("gp:limit:junk:rate", "many per hour")
        self.assertGood(self.send("junk", 3))
        self.assertPolicyds(self.send("junk", 3), "rate")
        self.assertIn("many per hour", self.operator("limits", "junk"))
        told = [line for line in self.relay.log("milter").splitlines() if "many" in line]
        self.assertEqual(len(told), 1, told)

    def test_the_next_message_of_a_running_session(self):
        c = self.session("127.0.7.4")
        self.assertMilters(c.mail("app@sized.example.gov", "SIZE=20000"), "message-size")
        self.operator("limit", "set", "sized", "message_size", "30K", "--reason", "test")
        self.assertGood(c.mail("app@sized.example.gov", "SIZE=20000"))
        one = self.session("127.0.7.5")
        self.assertGood(self.submit(one, "app@session.example.gov", "e@example.com"))
        self.operator("limit", "set", "session", "messages_per_session", "2", "--reason", "test")
        self.assertGood(self.submit(one, "app@session.example.gov", "f@example.com"))
        self.assertMilters(one.mail("app@session.example.gov"), "messages-per-session")

    def test_the_neighbour_keeps_its_own(self):
        self.operator("limit", "set", "rated", "message_size", "1K", "--reason", "test")
        self.assertGood(self.session("127.0.7.6").mail("app@next.example.gov", "SIZE=20000"))
        self.operator("limit", "clear", "rated", "message_size")


class InProcess(Scene):
    agencies = "\n".join([
        agency("rated", ["127.0.7.11"], ["rated.example.gov"], limits={**WIDE, "rate": ["2/1h"], "sessions": "2"}),
        agency("other", ["127.0.7.12"], ["other.example.gov"], limits=WIDE)])
    raising = {"memcached": False}

    def test_one_milter_enforces_alone(self):
        late = self.past_rcpt("127.0.7.11", "app@rated.example.gov")
        c = self.session("127.0.7.11")
        third = self.connect("127.0.7.11")
        self.assertMilters(third.hello(), "session-limit")
        for n in range(2):
            self.assertGood(self.submit(c, "app@rated.example.gov", f"in{n}@example.com"))
        self.assertMilters(late.data(self.message("late@example.com", "app@rated.example.gov")), "rate")
        self.assertMilters(self.submit(c, "app@rated.example.gov", "in2@example.com"), "rate")
        self.assertDelivered("in1@example.com")
        self.assertNotDelivered("late@example.com", "in2@example.com")
        c.quit()
        late.quit()

    def test_live_changes_say_that_they_need_memcached(self):
        for words in (["limit", "set", "rated", "rate", "5/1m"], ["pause", "rated"], ["block", "rated", "--for", "1h"]):
            with self.subTest(words):
                done = self.relay.ctl(*words, "--reason", "test")
                self.assertEqual(done.returncode, 1)
                self.assertIn("memcached", done.stderr)

    def test_durable_blocks_hold(self):
        def greeting(last):
            with self.relay.client(f"127.0.7.{last}") as c:
                return c.greeting
        self.operator("block", "other", "--reason", "test")
        self.wait("the block", lambda: greeting(12).code != 220)
        self.assertPolicyds(greeting(12), "blocked", "test")
        self.operator("unblock", "other")
        self.wait("its end", lambda: greeting(12).code == 220)


if __name__ == "__main__":
    unittest.main()
