# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl status and reload, of stand-ins for the daemons and of the daemons themselves"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from ctl_case import BIN, ROOT, Case, process


class Daemons(Case):
    def daemon(self, program, manner):
        child = subprocess.Popen([sys.executable, f"{ROOT}/t/wire/ctl_daemon.py", f"{self.dir}/run", program, manner],
                                 stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        return child

    def test_status(self):
        r = self.ctl("status")
        self.assertEqual((r.status, r.err), (1, ""))
        self.assertRegex(r.out, r"(?m)^gatepost-policyd +NOT RUNNING$")
        milter, policyd = self.daemon("milter", "takes"), self.daemon("policyd", "takes")
        r = self.ctl("status")
        self.assertEqual((r.status, r.err), (1, ""))
        self.assertRegex(r.out, r"(?m)^gatepost-feedback +NOT RUNNING$")
        self.daemon("feedback", "takes")
        r = self.good("status")
        self.assertRegex(r.out, rf"(?m)^gatepost-milter +running +{milter.pid} +\S+Z +1 +3 +up +ok$")
        self.assertRegex(r.out, rf"(?m)^{re.escape(self.memcached.path)} +up$")
        self.assertRegex(r.out, r"(?m)^dol +0$")
        self.assertRegex(r.out, r"(?m)^nobody$")
        told = self.good("status", "--json").json()
        self.assertEqual(told["daemons"][0]["pid"], policyd.pid)
        self.assertEqual(told["daemons"][1]["sessions"], 3)
        self.assertEqual(told["servers"], [{"server": self.memcached.path, "up": True}])
        self.assertEqual(told["agencies"], [{"agency": "doe", "sessions": 0}, {"agency": "dol", "sessions": 0}])
        milter.kill()
        milter.wait()
        self.assertEqual([d["running"] for d in self.ctl("status", "--json").json()["daemons"]], [True, False, True])
        self.memcached.stop()
        self.assertRegex(self.ctl("status").out, r"(?m)^\S+memcached.sock +DOWN$")

    def test_a_process_number_used_anew_is_not_a_daemon(self):
        other = subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        with open(f"{self.dir}/run/milter.pid", "w") as f:
            f.write(f"{other.pid}\n")
        r = self.ctl("reload")
        self.assertEqual((r.status, r.out), (1, ""))
        self.assertIn("milter: not running", r.err)
        self.assertIsNone(other.poll())

    def test_a_daemon_cannot_have_another_process_signalled(self):
        other = subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        milter = self.daemon("milter", "takes")
        with open(f"{self.dir}/run/milter.pid", "w") as f:
            f.write(f"{other.pid}\n")
        self.ctl("reload")
        self.assertIsNone(other.poll())
        self.assertEqual(self.ctl("status", "--json").json()["daemons"][1]["pid"], milter.pid)

    def test_a_pipe_in_place_of_a_file_holds_nothing_up(self):
        for name in ("milter.lock", "milter.pid", "milter.status", "milter.metrics"):
            with self.subTest(name):
                shutil.rmtree(f"{self.dir}/run")
                os.mkdir(f"{self.dir}/run")
                if name not in ("milter.lock", "milter.pid"):
                    self.daemon("milter", "takes")
                path = f"{self.dir}/run/{name}"
                if os.path.exists(path):
                    os.remove(path)
                os.mkfifo(path)
                for words in (["status"], ["metrics"], ["reload"]):
                    subprocess.run([f"{BIN}/gatepostctl", "-c", self.config, *words], capture_output=True,
                                   stdin=subprocess.DEVNULL, timeout=20)

    def test_reload(self):
        self.daemon("milter", "takes")
        r = self.ctl("reload", "--reason", "new agency")
        self.assertEqual((r.status, r.out), (0, "milter: reloaded, epoch 2\n"))
        self.assertIn("policyd: not running", r.err)
        self.daemon("policyd", "takes")
        self.daemon("feedback", "takes")
        r = self.good("reload")
        self.assertEqual(sorted(r.out.splitlines()),
                         ["feedback: reloaded, epoch 2", "milter: reloaded, epoch 3", "policyd: reloaded, epoch 2"])
        self.assertEqual([(e["verb"], e["what"], e["why"]) for e in self.history()],
                         [("reload", "policyd, milter, feedback", ""), ("reload", "milter", "new agency")])

    def test_reload_of_a_faulty_configuration_asks_nobody(self):
        self.daemon("milter", "takes")
        self.configure(drain_timeout="soon")
        r = self.ctl("reload")
        self.assertEqual((r.status, r.out), (1, ""))
        self.assertRegex(r.err, r"gatepost\.conf:\d+: drain_timeout: ")
        self.configure()
        self.assertEqual(self.ctl("status", "--json").json()["daemons"][1]["epoch"], 1)

    def test_reload_refused(self):
        self.daemon("milter", "refuses")
        self.daemon("policyd", "takes")
        self.daemon("feedback", "takes")
        r = self.bad(1, "milter: refused: failed: /etc/x.conf:3: rate: no[31m rate", "reload")
        self.assertEqual(set(r.out.splitlines()), {"policyd: reloaded, epoch 2", "feedback: reloaded, epoch 2"})

    def test_reload_unanswered(self):
        self.daemon("milter", "silent")
        began = time.monotonic()
        r = self.ctl("reload")
        self.assertIn("gave no answer within 5 s", r.err)
        self.assertEqual(r.status, 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.history(), [])

    def test_the_real_daemons(self):
        self.good("history")  # the database is there first, made by this user
        running = []
        for i, name in enumerate(("policyd", "milter", "feedback")):
            daemon = process.Daemon(name, [f"{BIN}/gatepost-{name}", "-c", self.config], f"{self.dir}/{name}.log")
            self.addCleanup(daemon.stop)
            daemon.start().ready(lambda i=i: self.ctl("status", "--json").json()["daemons"][i].get("epoch") == 1)
            running.append(daemon)
        self.assertEqual([d["store"] for d in self.good("status", "--json").json()["daemons"]], ["up", "up", "none"])
        self.good("block", "192.0.2.10", "--reason", "while they run")
        self.assertEqual(sorted(self.good("reload").out.splitlines()),
                         ["feedback: reloaded, epoch 2", "milter: reloaded, epoch 2", "policyd: reloaded, epoch 2"])
        if os.geteuid() == 0:  # what only the daemons' own user cannot read
            os.chown(f"{self.dir}/keys/token", 0, -1)
            r = self.ctl("reload")
            self.assertEqual((r.status, r.out), (1, ""))
            self.assertRegex(r.err, r"(?m)^gatepostctl: policyd: refused: failed: .*keys/token")
            self.assertRegex(r.err, r"(?m)^gatepostctl: milter: refused: failed: .*keys/token")
            self.assertRegex(r.err, r"(?m)^gatepostctl: feedback: refused: failed: .*keys/token")
        for daemon in running:
            os.kill(daemon.pid, signal.SIGTERM)
            process.wait_for(f"{daemon.name} to end", daemon.ended)
        self.assertEqual([d["running"] for d in self.ctl("status", "--json").json()["daemons"]], [False, False, False])


if __name__ == "__main__":
    unittest.main()
