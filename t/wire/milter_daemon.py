# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-milter alone, with a configuration and, if wanted, a memcached of its own, below one directory in /tmp."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import process  # noqa: E402
import sample  # noqa: E402

import milter_client  # noqa: E402

BUILD = os.path.abspath(os.environ.get("GATEPOST_BUILD") or "build")
WIDE = {"sessions": "500", "messages_per_session": "1000", "rate": ["100000/1m"]}
KEY = "1 " + "5a" * 32 + "\n"


def agencies(**limits):
    """dol with these limits, and dos, a neighbour with wide ones."""
    return (sample.agency("dol", ["192.0.2.10", "2001:db8::10"], ["dol.gov", ".dol.gov"], {**WIDE, **limits},
                          standby=["192.0.2.12"]) +
            sample.agency("dos", ["192.0.2.20"], ["dos.gov"], WIDE))


class Milter:
    """changes: settings of gatepost.conf; limits: of the agency dol. memcached=False: counters = []."""

    def __init__(self, memcached=False, limits=None, **changes):
        self.directory = tempfile.mkdtemp(prefix="gatepost-milter-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.memcached_path = os.path.join(self.directory, "memcached.sock")
        self.changes = {"counters": [self.memcached_path] if memcached else [], **changes}
        self.memcached = self.child = None
        for name in ("run", "db", "spool/gatepost", "agencies.d", "keys"):
            os.makedirs(os.path.join(self.directory, name))
        with open(os.path.join(self.directory, "keys", "token"), "w") as f:
            f.write(KEY)
        os.chmod(f.name, 0o640)
        self.configure(**(limits or {}))
        if os.geteuid() == 0:
            for path, _, names in os.walk(self.directory):
                for entry in [path, *(os.path.join(path, n) for n in names)]:
                    shutil.chown(entry, "nobody", "postfix")
        if memcached:
            self.start_memcached()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
        self.stop_memcached()
        shutil.rmtree(self.directory)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    @property
    def config(self):
        return self.path("gatepost.conf")

    @property
    def socket(self):
        return self.path("spool", "gatepost", "milter.sock")

    def configure(self, **limits):
        """Write the configuration again; reload() makes it the running one."""
        with open(self.config, "w") as f:
            f.write(sample.configuration(self.directory, **self.changes))
        with open(self.path("agencies.d", "agencies.conf"), "w") as f:
            f.write(agencies(**limits))

    # --- processes --------------------------------------------------------------------------------------------------

    def spawn(self):
        with open(self.path("log"), "ab") as log:
            return subprocess.Popen([os.path.join(BUILD, "bin", "gatepost-milter"), "-c", self.config], stderr=log,
                                    stdin=subprocess.DEVNULL)

    def start(self):
        self.child = self.spawn()
        process.wait_for("the milter to answer",
                         lambda: self.child.poll() is not None or process.unix_answers(self.socket))
        if self.child.poll() is not None:
            raise AssertionError(f"ended with {self.child.returncode}:\n{self.log()}")
        return self

    def signal(self, number):
        os.kill(self.child.pid, number)

    def wait(self, seconds=20):
        """Exit status."""
        return self.child.wait(seconds)

    def stop(self):
        """TERM; an end that is not a clean one is an error."""
        if self.child is None:
            return
        if self.child.poll() is None:
            self.signal(signal.SIGTERM)
        status = self.wait()
        self.child = None
        if status != 0:
            raise AssertionError(f"ended with {status}:\n{self.log()}")

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child = None

    def start_memcached(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.memcached = subprocess.Popen(["memcached", *user, "-s", self.memcached_path, "-a", "0666", "-U", "0"],
                                          stdin=subprocess.DEVNULL)
        process.wait_for("memcached", lambda: process.unix_answers(self.memcached_path))

    def stop_memcached(self):
        if self.memcached is not None:
            self.memcached.kill()
            self.memcached.wait()
            self.memcached = None

    # --- looking ----------------------------------------------------------------------------------------------------

    def mta(self, **options):
        return milter_client.Mta(self.socket, **options)

    def session(self, address="192.0.2.10", profile="gatepost-address", **options):
        """A session past HELO, which must have been welcome."""
        mta = self.mta(**options).begin(address, profile)
        reply = mta.helo()
        if reply != "continue":
            mta.close()
            raise AssertionError(reply)
        return mta

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, text, seconds=10):
        process.wait_for(f"'{text}' in the log", lambda: text in self.log(), seconds)

    def status(self):
        path = self.path("run", "milter.status")
        process.wait_for(path, lambda: os.path.exists(path))
        with open(path) as f:
            return json.load(f)

    def wait_status(self, **fields):
        """The status file, once it says this."""
        def look():
            now = self.status()
            return now if all(now[k] == v for k, v in fields.items()) else None
        return process.wait_for(f"status {fields}", look, 15)

    def reload(self, good=True):
        before = self.status()
        self.signal(signal.SIGUSR1)
        field = "reloads" if good else "reload_failures"
        return self.wait_status(**{field: before[field] + 1})

    def memcached_say(self, text):
        """The first line that memcached answers."""
        import socket
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.memcached_path)
            s.sendall(text)
            return s.makefile("rb").readline()


def until(what, test, seconds=15):
    return process.wait_for(what, test, seconds)


def now():
    return time.monotonic()
