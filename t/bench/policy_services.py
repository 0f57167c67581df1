# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy services to be measured beside each other: floors, peers, Gatepost; each below a directory of its own.

    service = Floor("sync", build, directory, store); service.start(); service.socket, service.pids(); service.stop()

pids() are those of the service, store_pids() those of its memcached.
"""
import json
import os
import shutil
import socket
import subprocess

import items
import measure
import process
import relayconf

WIDE = {"sessions": "1000", "rate": ["100000000/1m", "1000000000/10m"], "package": "100000000000/month"}
USED = 12  # recipients that each agency has sent to when measuring begins
NOBODY = ("nobody", "nogroup")

RATE_LIMIT = """\
debug: False
user: "nobody"
group: "nogroup"
pidfile: "{directory}/pid"
sqlite_config:
    database: "{directory}/db.sqlite3"
backend: 0
SOCKET: "{directory}/socket"
socket_permission: 0666
limits:
    - [100000000, 60]
limits_by_id: {{}}
limit_by_sasl: False
limit_by_sender: False
limit_by_ip: True
limited_networks: ["10.0.0.0/8"]
success_action: "dunno"
fail_action: "defer_if_permit Rate limit reached"
db_error_action: "dunno"
report: False
delay_to_close: 300
"""


class Service:
    """A program in the foreground that listens on directory/socket."""

    def __init__(self, name, directory):
        self.name, self.directory = name, os.path.join(directory, name)
        os.mkdir(self.directory)
        shutil.chown(self.directory, *NOBODY)
        self.socket = self.path("socket")
        self.daemon = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def command(self):
        raise NotImplementedError

    def start(self):
        self.daemon = process.Daemon(self.name, self.command(), self.path("log")).start()
        self.daemon.ready(lambda: process.unix_answers(self.socket))
        return self

    def pids(self):
        return [self.daemon.pid]

    def store_pids(self):
        return []

    def stop(self):
        if self.daemon:
            self.daemon.stop()


class Memcached(Service):
    def command(self):
        return ["memcached", "-u", "nobody", "-s", self.socket, "-a", "0666", "-U", "0"]


class Floor(Service):
    """bench_floor_policy; store is a running Memcached, None for echo."""

    def __init__(self, mode, build, directory, store=None):
        super().__init__({"sync": "mc-sync", "batch": "mc-batch"}.get(mode, mode), directory)
        self.mode, self.build, self.store = mode, build, store

    def command(self):
        return [os.path.join(self.build, "t", "bench_floor_policy"), self.mode, self.socket,
                *([self.store.socket] if self.store else [])]

    def store_pids(self):
        return self.store.pids() if self.store else []


class Postgrey(Service):
    def command(self):
        return ["postgrey", "--quiet", f"--unix={self.socket}", "--socketmode=0666", f"--user={NOBODY[0]}",
                f"--group={NOBODY[1]}", f"--dbdir={self.directory}"]


class RateLimit(Service):
    """policyd-rate-limit with one rate by client address, in SQLite as Debian sets it up."""

    def command(self):
        return ["policyd-rate-limit", "--file",
                self.write("conf.yaml", RATE_LIMIT.format(directory=self.directory))]


class Postfwd(Service):
    """postfwd 1 (the faster of Debian's two) with one rate by client address. It goes into the background by itself."""

    def start(self):
        rules = self.write("rules", "id=rate; protocol_state==RCPT; "
                                    "action=rate(client_address/100000000/60/450 4.7.1 rate limit)\n")
        subprocess.run(["postfwd1", "--daemon", "--file", rules, "--proto", "unix", "--port", self.socket, "--umask",
                        "0000", "--pidfile", self.path("pid"), "--user", NOBODY[0], "--group", NOBODY[1], "--nodns",
                        "--perfmon"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")
        process.wait_for("postfwd", lambda: os.path.exists(self.socket) and process.unix_answers(self.socket))
        return self

    def pids(self):
        return [process.read_pid(self.path("pid"))]

    def stop(self):
        pid = process.read_pid(self.path("pid"))
        if pid and process.alive(pid):
            process.end(pid)
            process.reap(pid)


class Gatepost:
    """gatepost-policyd of so many agencies, each with its usage in memcached; others: so many items more there."""

    def __init__(self, name, agencies, others=0):
        self.name, self.others = name, others
        self.names = measure.agency_names(agencies)
        self.relay = relayconf.Relay("policyd", measure.agencies(self.names, WIDE))
        self.socket = self.relay.socket

    def start(self):
        self.relay.memcached_argv = ["-m", "1024"]  # or it would evict
        self.relay.start_memcached()
        self.fill()
        self.relay.start(start_new_session=True)  # as the others are: the kernel may share out by session
        return self

    def fill(self):
        """Quiet sets, and one that is answered when all are done."""
        usage, row = items.usage(USED), items.sessions(1)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.relay.memcached_path)
            for name in self.names:
                for kind, value in (("usage", usage), ("sessions", row)):
                    s.sendall(b"set gp:%s:%s 0 0 %d noreply\r\n%s\r\n" % (kind.encode(), name.encode(), len(value), value))
            for first in range(0, self.others, 1000):
                s.sendall(b"".join(b"set gp:retest:other:%016x 0 0 8 noreply\r\n%08d\r\n" % (n, n)
                                   for n in range(first, min(first + 1000, self.others))))
            s.sendall(b"version\r\n")
            s.recv(100)

    def pids(self):
        return [self.relay.child.pid]

    def store_pids(self):
        return [self.relay.memcached.pid]

    def stop(self):
        self.relay.close()


def load(build, service, seconds, **options):
    """What bench_load_policy says of this service, with the processor time and memory that it took."""
    spent = {pid: measure.processor_ns(pid) for pid in service.pids() + service.store_pids()}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([os.path.join(build, "t", "bench_load_policy"), "--socket", service.socket, "--milliseconds",
                           str(int(seconds * 1000)), *words], capture_output=True, text=True, timeout=seconds + 120)
    if done.returncode != 0:
        raise process.Trouble(f"the load on {service.name}: {done.stderr.strip()}")
    said = json.loads(done.stdout)
    spent = {pid: measure.processor_ns(pid) - before for pid, before in spent.items()}
    said["cpu_us"] = sum(spent[pid] for pid in service.pids()) / 1e3 / said["requests"]
    said["store_us"] = sum(spent[pid] for pid in service.store_pids()) / 1e3 / said["requests"]
    said["rss_mib"] = sum(measure.resident_mib(pid) for pid in service.pids())
    if said["refused"] and not isinstance(service, Postgrey):
        raise process.Trouble(f"{service.name} refused {said['refused']} of {said['requests']} requests")
    return said
