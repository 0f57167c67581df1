# SPDX-License-Identifier: GPL-3.0-or-later
"""An agency's forwarder in front of the relay: 2,000 messages at once, four sessions, one recipient each, no long wait."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
import process  # noqa: E402
import sample  # noqa: E402
import smtp  # noqa: E402
from private_postfix import PrivatePostfix, logical_lines  # noqa: E402
from relay import ROOT, Relay  # noqa: E402

TEMPLATES = os.path.join(ROOT, "postfix-conf", "forwarder")
SINGLE, CROWD = 1900, 50  # messages with one recipient; and two with fifty each: 2,000 deliveries
# the limits that the forwarder is made for, but for the rate
AGENCY = sample.agency("dol", ["127.0.0.10"], ["dol.example.gov"],
                       {"sessions": "4", "messages_per_session": "100", "rate": ["100000/1m"]})


def template(name):
    with open(os.path.join(TEMPLATES, name)) as f:
        return logical_lines(f.read())


class Forwarder(PrivatePostfix):
    """postfix-conf/forwarder as it is, but for what makes it private and where the relay is"""

    def __init__(self, state, port, relay_port):
        super().__init__(state, {}, 0, {})
        self.port = port
        self.changes = {n: self.settings[n] for n in ("queue_directory", "data_directory", "maillog_file",
                                                      "maillog_file_prefixes")}
        self.changes.update({"forwarder_relay": "127.0.0.1", "relayhost": f"[$forwarder_relay]:{relay_port}", "smtp_bind_address": "127.0.0.10",
                             "smtp_tls_security_level": "may", "smtp_tls_CAfile": "", "smtp_dns_support_level": "disabled",
                             "smtp_host_lookup": "native", "defer_transports": "relay"})

    def write(self):
        for directory in (self.config, self.spool, self.settings["data_directory"]):
            os.makedirs(directory, exist_ok=True)
        shutil.chown(self.settings["data_directory"], "postfix")
        self.put()
        with open(os.path.join(self.config, "master.cf"), "w") as f:
            f.writelines(line.replace("127.0.0.1:smtp", f"127.0.0.1:{self.port}") + "\n" for line in template("master.cf"))

    def put(self):
        parameters = {n.strip(): v.strip() for n, _, v in (line.partition("=") for line in template("main.cf"))}
        parameters.update(self.changes)
        with open(os.path.join(self.config, "main.cf"), "w") as f:
            f.writelines(f"{n} = {v}\n" for n, v in parameters.items())

    def stop(self):
        """What master(8) leaves behind is collected when the relay's own Postfix ends."""
        if self.pid:
            self.command("stop")
        self.reap()

    def on(self):
        """The emergency switch, as main.cf describes it."""
        self.changes["defer_transports"] = ""
        self.put()
        self.command("reload")
        subprocess.run(["postqueue", "-c", self.config, "-f"], check=True)


def sessions(log, client):
    """(how many sessions of a client a relay's log tells of, the most at one time)"""
    count = now = most = 0
    for verb in re.findall(rf"smtpd\[\d+\]: (connect|disconnect) from \S*\[{re.escape(client)}\]", log):
        now += 1 if verb == "connect" else -1
        count, most = count + (verb == "connect"), max(most, now)
    return count, most


class TwoThousand(unittest.TestCase):
    def setUp(self):
        self.relay = Relay(agencies=AGENCY)
        self.relay.start()
        self.addCleanup(self.relay.stop)
        state = self.relay.path("forwarder")
        os.makedirs(os.path.join(state, "log"))
        port, = process.free_ports(1)
        self.forwarder = Forwarder(state, port, self.relay.port)
        self.forwarder.write()
        self.forwarder.start()
        self.addCleanup(self.forwarder.stop)
        process.wait_for("the forwarder", lambda: process.tcp_greets(port))

    def submit(self):
        recipients = [f"r{i}@example.com" for i in range(SINGLE + 2 * CROWD)]
        groups = [[r] for r in recipients[:SINGLE]] + [recipients[SINGLE:SINGLE + CROWD], recipients[SINGLE + CROWD:]]
        with smtp.Client(self.forwarder.port, "127.0.0.1") as c:
            c.hello()
            for group in groups:
                c.mail("app@dol.example.gov")
                for recipient in group:
                    c.rcpt(recipient)
                self.assertEqual(c.data(smtp.message(to=group[0])).code, 250)
                c.dialogue.clear()
        return recipients

    def log(self):
        with open(self.forwarder.log, errors="replace") as f:
            return f.read()

    def arrived(self):
        return sum(1 for name in os.listdir(self.relay.path("sink")) if name.endswith(".json"))

    def test_all_at_once(self):
        recipients = self.submit()
        process.wait_for("everything to wait behind the emergency switch",
                         lambda: self.log().count("deferred transport") >= len(recipients), 60, 0.2)
        self.assertEqual(self.arrived(), 0)
        self.forwarder.on()
        seen = []

        def all_there():
            with open(self.relay.path("run", "milter.status")) as f:
                seen.append(json.load(f)["sessions"])
            return self.arrived() >= len(recipients)
        process.wait_for("all of them at the relay's far side", all_there, 110, 0.2)

        got = [e["rcpt_to"] for e, _ in self.relay.delivered()]
        self.assertTrue(all(len(r) == 1 for r in got))
        self.assertEqual(sorted(r for r, in got), sorted(recipients))
        count, most = sessions(self.relay.log("mail"), "127.0.0.10")
        self.assertEqual(max(seen), 4)
        self.assertLessEqual(most, 5)  # the log of an end may come after that of the next beginning
        after = self.log().partition(": reload ")[2]
        # a session may begin before the relay has noted the end of the one before: rare, and tried again within a minute
        refused = re.findall(r"status=(?:deferred|bounced).*", after)
        self.assertEqual([r for r in refused if "421 4.4.5" not in r], [])
        self.assertLess(len(refused), len(recipients) // 100)
        self.assertLess(max(float(d) for d in re.findall(r" delay=([0-9.]+), .*status=sent", after)), 120)
        # a hundred messages in a session: as few sessions as that allows, and a handful for pauses and ends
        self.assertGreaterEqual(count, len(recipients) // 100)
        self.assertLessEqual(count, len(recipients) // 100 + 20)
        self.assertNotIn("reason=messages-per-session", self.relay.log("milter"))


class Template(unittest.TestCase):
    """What the relay's guide asks for, read from the files"""

    def setUp(self):
        self.main = {n.strip(): v.strip() for n, _, v in (line.partition("=") for line in template("main.cf"))}

    def test_timeouts(self):
        for name, value in self.main.items():
            if re.fullmatch(r"smtp_\w+_timeout", name):
                self.assertGreaterEqual(int(value.rstrip("s")), 60, name)
        self.assertEqual(self.main["smtp_connect_timeout"], "60s")

    def test_sessions_recipients_reuse(self):
        transports = [line.split() for line in template("master.cf") if line.split()[7] in ("smtp", "lmtp")]
        self.assertEqual([(t[0], t[6]) for t in transports], [("relay", "4")])
        self.assertEqual(self.main["default_destination_recipient_limit"], "1")
        self.assertEqual(self.main["smtp_connection_reuse_count_limit"], "99")

    def test_nobody_waits_an_hour(self):
        self.assertLessEqual(int(self.main["maximal_backoff_time"].rstrip("s")), 600)

    def test_no_parameter_twice(self):
        names = [line.partition("=")[0].strip() for line in template("main.cf")]
        self.assertEqual(len(names), len(set(names)))

    def test_postfix_reads_it(self):
        done = subprocess.run(["postconf", "-c", os.path.abspath(TEMPLATES), "-n"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
