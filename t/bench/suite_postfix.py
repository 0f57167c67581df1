# SPDX-License-Identifier: GPL-3.0-or-later
"""End to end: what a message costs a whole Postfix, alone and with one thing more; smtp-source, 8 sessions, 4 KiB, one
message each, everything discarded on its way out.

Postfix is a private one with the relay's main.cf; what stands beside it has a listener of its own. Gatepost is the whole
relay (policyd, milter, feedback on the log, memcached) on a Postfix of its own with the same settings. CPU is that of all
these processes and of their children that have ended.
"""
import os
import shutil
import socket
import subprocess
import time

import milters
import process
from private_postfix import PrivatePostfix
from relay import Relay

MESSAGES, QUICK = 1500, 300
SETTINGS = {"relayhost": "", "default_transport": "discard:", "myhostname": milters.sample.RELAY_NAME}
BESIDE = ["postfix", "noop-n", "sign", "opendkim", "postfwd"]
OURS = ["gatepost-unsigned", "gatepost-rsa"]
POSTFWD = """id=RATE; protocol_state==RCPT; client_address=127.0.0.0/8; action=rate(client_address/1000000/60/450 4.7.1 no)
"""


def listener(port, options):
    return (f"127.0.0.1:{port} inet n - n - 100 smtpd\n    -o {{ mynetworks = 127.0.0.0/8 }}\n    -o smtpd_command_filter=\n"
            "    -o smtpd_milters=\n    -o { smtpd_relay_restrictions = permit_mynetworks, reject }\n"
            + "".join(f"    -o {{ {option} }}\n" for option in options))


def queue_empty(spool):
    return not any(files for queue in ("maildrop", "incoming", "active", "deferred")
                   for _, _, files in os.walk(os.path.join(spool, queue)))


class Postfwd:
    """postfwd 1 with one rate rule, as policy service at RCPT. It goes into the background by itself."""

    def __init__(self, directory, port):
        self.directory, self.port = directory, port
        self.pid_file = os.path.join(directory, "postfwd.pid")

    def start(self):
        rules = os.path.join(self.directory, "postfwd.rules")
        with open(rules, "w") as f:
            f.write(POSTFWD)
        subprocess.run(["postfwd1", "--daemon", "--file", rules, "--interface", "127.0.0.1", "--port", str(self.port),
                        "--pidfile", self.pid_file, "--user", "nobody", "--group", "nogroup", "--nodns", "--perfmon"],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")
        process.wait_for("postfwd", lambda: process.read_pid(self.pid_file) and accepts(self.port))

    @property
    def pids(self):
        return [process.read_pid(self.pid_file)]

    def stop(self):
        pid = process.read_pid(self.pid_file)
        if pid and process.alive(pid):
            process.end(pid)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False


class Suite:
    name = "postfix"
    anchor = "postfix"
    services = [*BESIDE, *OURS]
    cases = ["8 sessions 4 KiB"]
    figures = [("cpu_s", "CPU s/1000 messages"), ("postfix_s", "of it Postfix"), ("beside_s", "of it beside"),
               ("rate", "messages/s")]

    def __init__(self):
        self.postfix, self.beside, self.relays, self.ports = None, {}, {}, {}

    def start(self, bench):
        self.messages = QUICK if bench.quick else MESSAGES
        rsa, _ = milters.make_keys(bench.build, bench.directory)
        self.beside = {"postfix": None, "noop-n": milters.Floor(bench.build, bench.directory, "noop-n"),
                       "sign": milters.Floor(bench.build, bench.directory, "sign", rsa)}
        if shutil.which("opendkim"):
            self.beside["opendkim"] = milters.OpenDkim(bench.directory, rsa)
        ports = process.free_ports(len(BESIDE) + 1)
        if shutil.which("postfwd1"):
            self.beside["postfwd"] = Postfwd(bench.directory, ports.pop())
        self.ports = dict(zip(self.beside, ports))
        for service in self.beside.values():
            if service:
                service.start()
        self.raise_postfix(os.path.join(bench.directory, "postfix"))
        for name in OURS:
            self.raise_relay(name, bench)

    def raise_postfix(self, state):
        os.makedirs(os.path.join(state, "log"))
        self.postfix = PrivatePostfix(state, {}, 9, SETTINGS)
        self.postfix.write()
        with open(os.path.join(self.postfix.config, "master.cf"), "a") as f:
            for name, port in self.ports.items():
                options = []
                if name == "postfwd":
                    options = ["smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:"
                               f"{self.beside[name].port}"]
                elif self.beside[name]:
                    options = [f"smtpd_milters = unix:{self.beside[name].socket}"]
                f.write(listener(port, options))
        self.postfix.start()
        for port in self.ports.values():
            process.wait_for(f"Postfix on port {port}", lambda port=port: process.tcp_greets(port))

    def raise_relay(self, name, bench):
        text = milters.sample.agency("bench", ["127.0.0.1"], ["bench.example.gov"], milters.WIDE)
        changes = {"dkim": ()} if name == "gatepost-unsigned" else {}
        self.relays[name] = Relay(build=bench.build, agencies=text, changes=changes, postfix=SETTINGS,
                                  dkim=milters.RSA).start()
        self.ports[name] = self.relays[name].port

    def pids(self, service):
        """(Postfix's, those beside it); processes that come and go are counted by their parents once they are gone."""
        relay = self.relays.get(service)
        if relay:
            names = ("memcached", "policyd", "milter", "feedback")
            return relay.postfix.pid, [d.pid for d in relay.daemons if d.name in names]
        beside = self.beside[service]
        return self.postfix.pid, beside.pids if beside else []

    def spent(self, service):
        master, beside = self.pids(service)
        return (sum(cpu(pid) for pid in [master, *milters.descendants(master)]),
                sum(cpu(pid) for parent in beside for pid in [parent, *milters.descendants(parent)]))

    def measure(self, case, service):
        if service not in self.ports:
            return None
        spool = (self.relays[service].postfix if service in self.relays else self.postfix).spool
        before, began = self.spent(service), time.monotonic()
        subprocess.run(["smtp-source", "-s", "8", "-m", str(self.messages), "-l", "4096", "-f", "app@bench.example.gov",
                        "-t", "someone@example.com", f"127.0.0.1:{self.ports[service]}"], check=True,
                       stdin=subprocess.DEVNULL, timeout=300)
        seconds = time.monotonic() - began
        process.wait_for("the queue to empty", lambda: queue_empty(spool), 120)
        postfix, beside = (after - b for after, b in zip(self.spent(service), before))
        per_1000 = 1000 / self.messages
        return {"cpu_s": (postfix + beside) * per_1000, "postfix_s": postfix * per_1000, "beside_s": beside * per_1000,
                "rate": self.messages / seconds}

    def stop(self):
        """First every Postfix: each waits until none of their processes is left."""
        for postfix in [self.postfix, *(relay.postfix for relay in self.relays.values())]:
            if postfix:
                postfix.command("stop")
        for relay in self.relays.values():
            relay.stop()
        if self.postfix:
            self.postfix.stop()
        for service in self.beside.values():
            if service:
                service.stop()

    def goals(self):
        def at_most(service, target):
            def judge(rows):
                ratio = rows.ratio(self.cases[0], service, "postfix", "cpu_s")
                return ratio, target, ratio <= target
            return judge

        return [("all of Gatepost, unsigned: at most 1.45 times the CPU of Postfix alone",
                 at_most("gatepost-unsigned", 1.45)),
                ("all of Gatepost, RSA-2048: at most 2.0 times the CPU of Postfix alone", at_most("gatepost-rsa", 2.0))]


def cpu(pid):
    try:
        return milters.cpu_seconds(pid)
    except OSError:
        return 0.0
