# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl in a test: its configuration, a memcached and a database of the test's own"""
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "t", "harness"))
import dkim_keys  # noqa: E402
import process  # noqa: E402
import sample  # noqa: E402

BIN = os.path.join(os.environ["GATEPOST_BUILD"], "bin")


class Memcached:
    """A memcached of our own, and the plain text protocol as an operator would type it."""

    def __init__(self, path):
        self.path, self.child = path, None
        self.start()

    def start(self):
        self.child = subprocess.Popen(["memcached", "-u", "root", "-s", self.path, "-a", "0666", "-m", "8"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait_for("memcached", lambda: process.unix_answers(self.path))

    def stop(self):
        self.child.kill()
        self.child.wait()

    def ask(self, text, end):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendall(text.encode())
            answer = b""
            while not answer.endswith(end.encode()):
                answer += s.recv(4096)
            return answer.decode()

    def set(self, key, value, ttl=0):
        assert self.ask(f"set {key} 0 {ttl} {len(value)}\r\n{value}\r\n", "\r\n") == "STORED\r\n"

    def get(self, key):
        lines = self.ask(f"get {key}\r\n", "END\r\n").split("\r\n")
        return lines[1] if len(lines) > 2 else None

    def ttl(self, key):
        found = re.fullmatch(r"HD t(-?\d+)\r\n", self.ask(f"mg {key} t\r\n", "\r\n"))
        return int(found[1]) if found else None


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self):
        return json.loads(self.out)


class Case(unittest.TestCase):
    counters = True

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="gpctl.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        os.chmod(self.dir, 0o755)
        for name in ("run", "db", "keys", "spool", "spool/gatepost", "etc", "etc/agencies.d"):
            os.mkdir(f"{self.dir}/{name}", 0o755)
        with open(os.open(f"{self.dir}/keys/token", os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(subprocess.check_output([f"{BIN}/gatepostctl", "token", "new-key", "3"], text=True))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody").pw_uid
            for name in ("run", "db", "spool/gatepost", "keys/token"):
                os.chown(f"{self.dir}/{name}", nobody, -1)
            shutil.chown(f"{self.dir}/keys", group="postfix")  # new keys are for its group
        self.config = f"{self.dir}/etc/gatepost.conf"
        self.configure()
        self.agencies(sample.agency("dol", ["192.0.2.10", "192.0.2.11"], ["dol.example.gov"], standby=["2001:db8::12"],
                                    limits={"message_size": "14M"}) +
                      sample.agency("doe", ["192.0.2.20"], ["doe.example.gov"]))
        self.memcached = Memcached(f"{self.dir}/run/memcached.sock") if self.counters else None
        if self.memcached:
            self.addCleanup(self.memcached.stop)

    def configure(self, **changes):
        if not self.counters:
            changes.setdefault("counters", [])
        dkim_keys.make([f"{BIN}/gatepostctl", "-c", self.config], f"{self.dir}/keys", sample.RELAY_NAME, ["gp1e"])
        changes.setdefault("dkim", dkim_keys.entries(f"{self.dir}/keys", sample.RELAY_NAME, ["gp1e"]))
        with open(self.config, "w") as f:
            f.write(sample.configuration(self.dir, **changes))

    def agencies(self, text):
        with open(f"{self.dir}/etc/agencies.d/all.conf", "w") as f:
            f.write(text)

    def ctl(self, *words, stdin=b"", env=None):
        argv = [f"{BIN}/gatepostctl", "-c", self.config, *words]
        environment = {k: v for k, v in os.environ.items() if k != "SUDO_USER"} | (env or {})
        return Result(subprocess.run(argv, input=stdin, capture_output=True, env=environment, timeout=60))

    def good(self, *words, **more):
        r = self.ctl(*words, **more)
        self.assertEqual((r.status, r.err), (0, ""), words)
        return r

    def bad(self, status, error, *words, **more):
        """Refused with this status and one line on stderr that says this."""
        r = self.ctl(*words, **more)
        self.assertEqual(r.status, status, (words, r.out, r.err))
        self.assertIn(error, r.err, words)
        self.assertEqual(r.err.count("\n"), 1, r.err)
        return r

    def history(self):
        return self.good("history", "--json", "--last", "1000").json()["changes"]
