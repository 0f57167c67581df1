# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration below one directory in /tmp, a memcached of its own if wanted, and one daemon on it.

Runs as root or not: as root the daemon becomes nobody:postfix, as the sample configuration says.
"""
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import dkim_keys  # noqa: E402
import process  # noqa: E402
import sample  # noqa: E402

BUILD = os.path.abspath(os.environ.get("GATEPOST_BUILD") or "build")
CHECKER = shlex.split(os.environ.get("GATEPOST_CHECKER", ""))  # what runs the daemon: t/checkers/run
KEY = "1 " + "5a" * 32 + "\n"
ED25519 = ["gp1e"]  # quick to make
GAUGE = {"policyd": "connections", "milter": "sessions", "feedback": "connections"}
SOCKET = {"policyd": "policy.sock", "milter": "milter.sock", "feedback": "feedback.sock"}


class Relay:
    """program: "policyd", "milter" or "feedback"; agencies: text of the agencies file; changes: settings of gatepost.conf."""

    def __init__(self, program, agencies, memcached=True, **changes):
        self.program, self.agencies = program, agencies
        self.directory = tempfile.mkdtemp(prefix=f"gatepost-{program}-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.memcached_path = self.path("memcached.sock")
        self.changes = {"counters": [self.memcached_path] if memcached else [], **changes}
        self.with_memcached = memcached
        self.memcached_argv = []  # more of its command line
        self.memcached = self.child = None
        for name in ("run", "db", "spool/gatepost", "agencies.d", "keys"):
            os.makedirs(self.path(name))
        with open(self.path("keys", "token"), "w") as f:
            f.write(KEY)
        os.chmod(f.name, 0o640)
        ctl = [os.path.join(BUILD, "bin", "gatepostctl"), "-c", self.config]
        dkim_keys.make(ctl, self.path("keys"), sample.RELAY_NAME, ED25519)
        self.changes.setdefault("dkim", dkim_keys.entries(self.path("keys"), sample.RELAY_NAME, ED25519))
        self.configure()
        if os.geteuid() == 0:
            for path, _, names in os.walk(self.directory):
                for entry in [path, *(os.path.join(path, n) for n in names)]:
                    shutil.chown(entry, "nobody", "postfix")

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    @property
    def config(self):
        return self.path("gatepost.conf")

    @property
    def socket(self):
        return self.path("spool", "gatepost", SOCKET[self.program])

    def configure(self, agencies=None, **changes):
        """Write the configuration again; reload() makes it the running one."""
        self.agencies = agencies or self.agencies
        self.changes.update(changes)
        with open(self.config, "w") as f:
            f.write(sample.configuration(self.directory, **self.changes))
        with open(self.path("agencies.d", "agencies.conf"), "w") as f:
            f.write(self.agencies)

    # --- processes --------------------------------------------------------------------------------------------------

    def spawn(self, **options):
        with open(self.path("log"), "ab") as log:
            return subprocess.Popen([*CHECKER, os.path.join(BUILD, "bin", f"gatepost-{self.program}"), "-c", self.config],
                                    stderr=log, stdin=subprocess.DEVNULL, **options)

    def start(self, **options):
        if self.with_memcached and self.memcached is None:
            self.start_memcached()
        if os.path.exists(self.path("run", f"{self.program}.status")):
            os.remove(self.path("run", f"{self.program}.status"))  # its own comes when it has opened everything
        self.child = self.spawn(**options)
        process.wait_for(f"{self.program} to answer",
                         lambda: self.child.poll() is not None or os.path.exists(self.path("run", f"{self.program}.status"))
                         and process.unix_answers(self.socket))
        if self.child.poll() is not None:
            raise AssertionError(f"ended with {self.child.returncode}:\n{self.log()}")
        return self

    def send_signal(self, number):
        os.kill(self.child.pid, number)

    def stop(self):
        """TERM; an end that is not a clean one is an error."""
        if self.child is None:
            return
        child, self.child = self.child, None
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        if child.wait(30 * process.PATIENCE) != 0:
            raise AssertionError(f"ended with {child.returncode}:\n{self.log()}")

    def close(self):
        try:
            self.stop()
        finally:
            self.stop_memcached()
            shutil.rmtree(self.directory)

    def start_memcached(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.memcached = subprocess.Popen(["memcached", *user, "-s", self.memcached_path, "-a", "0666", "-U", "0",
                                           *self.memcached_argv],
                                          stdin=subprocess.DEVNULL)
        process.wait_for("memcached", lambda: process.unix_answers(self.memcached_path))

    def stop_memcached(self):
        if self.memcached is not None:
            self.memcached.kill()
            self.memcached.wait()
            self.memcached = None

    def ctl(self, *words):
        """gatepostctl on this configuration; its exit status must be 0."""
        done = subprocess.run([os.path.join(BUILD, "bin", "gatepostctl"), "-c", self.config, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"gatepostctl {words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    # --- looking ----------------------------------------------------------------------------------------------------

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, text, seconds=15):
        process.wait_for(f"'{text}' in the log", lambda: text in self.log(), seconds)

    def status(self):
        path = self.path("run", f"{self.program}.status")
        process.wait_for(path, lambda: os.path.exists(path))
        with open(path) as f:
            return json.load(f)

    def wait_status(self, **fields):
        """The status file, once it says this."""
        def look():
            now = self.status()
            return now if all(now[k] == v for k, v in fields.items()) else None
        return process.wait_for(f"status {fields}", look, 15)

    def reload(self, good=True, number=signal.SIGUSR1):
        before = self.status()
        self.send_signal(number)
        field = "reloads" if good else "reload_failures"
        return self.wait_status(**{field: before[field] + 1})

    def memcached_say(self, octets):
        """The first line that memcached answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.memcached_path)
            s.sendall(octets)
            with s.makefile("rb") as answer:
                return answer.readline()

    def put(self, key, value, seconds=0):
        """Store one item by hand."""
        value = value.encode() if isinstance(value, str) else value
        if self.memcached_say(b"set gp:%s 0 %d %d\r\n%s\r\n" % (key.encode(), seconds, len(value), value)) != b"STORED\r\n":
            raise AssertionError(f"memcached did not store {key}")

    def drop(self, key):
        self.memcached_say(f"delete gp:{key}\r\n".encode())
