# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay whose Postfix was there first: a starting point's main.cf and master.cf, then gatepost-postfix enable."""
import os
import subprocess
import sys

import process
from private_postfix import PrivatePostfix
from relay import ROOT, Relay

PROGRAM = os.path.join(ROOT, "postfix-conf", "gatepost-postfix")


class ExistingPostfix(PrivatePostfix):
    """main, master: texts of the starting point; what keeps it private goes above main.cf's own lines"""

    def __init__(self, state, sink_port, main, master):
        super().__init__(state, {}, sink_port, {f"smtpd_tls_{n}_file": os.path.join(state, "tls", f"relay.{e}")
                                                for n, e in (("cert", "pem"), ("key", "key"))})
        ours = ("gatepost_", "virtual_", "inet_protocols")
        named = {line.partition("=")[0].strip() for line in main.splitlines()}
        private = "".join(f"{n} = {v}\n" for n, v in self.settings.items() if not n.startswith(ours) and n not in named)
        self.texts = {"main.cf": "# private\n" + private + main, "master.cf": master}

    def write(self):
        for directory in (self.config, self.spool, self.settings["data_directory"]):
            os.makedirs(directory, exist_ok=True)
        subprocess.run(["chown", "postfix", self.settings["data_directory"]], check=True)
        for name, text in self.texts.items():
            self.put(name, text)


class ExistingRelay(Relay):
    """start(port, other) -> (main.cf, master.cf): port is where agencies will submit, other is the administrator's own.
    submission(port): the word given to --submission.
    """

    def __init__(self, start, submission, **more):
        super().__init__(**more)
        self.starting_point, self.submission = start, submission

    def raise_postfix(self, sink_port):
        self.other, = process.free_ports(1)
        self.postfix = ExistingPostfix(self.state, sink_port, *self.starting_point(self.port, self.other))
        self.postfix.write()
        self.diff = self.tool("diff", *self.places)
        self.enabled = self.tool("enable", *self.places)
        if self.enabled.returncode != 0:
            raise process.Trouble(f"gatepost-postfix enable: {self.enabled.stdout}{self.enabled.stderr}")
        for name in ("main.cf", "master.cf"):
            self.old(name)
        self.postfix.start()

    @property
    def places(self):
        return ["--gatepost", self.config(), "--submission", self.submission(self.port), "--return",
                f"127.0.0.1:{self.return_port}", "--login", f"127.0.0.1:{self.login_port}", "--both",
                f"127.0.0.1:{self.both_port}"]

    def tool(self, verb, *more):
        return subprocess.run([sys.executable, PROGRAM, verb, "-c", self.postfix.config, *more], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={**os.environ, "GATEPOSTCTL": self.program("gatepostctl")})

    def old(self, name):
        os.utime(os.path.join(self.postfix.config, name), (0, 0))

    def file(self, name):
        with open(os.path.join(self.postfix.config, name), newline="") as f:
            return f.read()
