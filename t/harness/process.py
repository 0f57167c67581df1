# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, ports and waiting: what the harness needs of the operating system."""
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time


PATIENCE = float(os.environ.get("GATEPOST_PATIENCE", "1"))  # so many times longer than usual (t/checkers/run)


class Trouble(Exception):
    """Something the reader of the message can act on."""


def wait_for(what, test, seconds=30.0, pause=0.02):
    """Poll test() until it returns something true, and return that; Trouble after the deadline."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while True:
        result = test()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Trouble(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)


def tail(path, lines=20):
    """The last lines of a file, or a word about why there are none."""
    try:
        with open(path, "rb") as f:
            text = f.read()[-16384:].decode("utf-8", "replace")
    except OSError as e:
        return f"({e.strerror})"
    return "\n".join(text.splitlines()[-lines:]) or "(empty)"


def free_ports(count, host="127.0.0.1"):
    """Ports that are free, below the range the kernel gives to clients; no other test gets them while this one runs.

    The kernel alone would not tell: Postfix listens with SO_REUSEPORT, so two relays can share a port, and each gets some
    of the other's sessions.
    """
    ports = []
    draw = random.SystemRandom()
    while len(ports) < count:
        port = draw.randrange(20000, 32000)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0gatepost-port-{port}")
            with socket.socket() as s:
                s.bind((host, port))
        except OSError:
            claim.close()
            continue
        claim.detach()  # open until this process ends
        ports.append(port)
    return ports


def unix_answers(path):
    """Does somebody listen on this UNIX socket?"""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(2)
        try:
            s.connect(path)
            return True
        except OSError:
            return False


def daemon_answers(path):
    """Does a daemon of ours listen there, and may those connect for whom its folder is? Root may earlier than they."""
    return unix_answers(path) and (os.geteuid() != 0 or os.stat(path).st_gid == os.stat(os.path.dirname(path)).st_gid)


def tcp_greets(port, host="127.0.0.1"):
    """Does an SMTP server on this port say anything at all?"""
    try:
        with socket.create_connection((host, port), 2) as s:
            s.settimeout(30)
            return s.recv(3) != b""
    except OSError:
        return False


def alive(pid):
    """Is there such a process, and is it more than a zombie?"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def suspend(pid):
    """SIGSTOP; returns when no thread of the process runs any more, which on a busy machine takes its time."""
    def running():
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                with open(f"/proc/{pid}/task/{task}/stat", "rb") as f:
                    if f.read().rpartition(b")")[2].split()[0] not in (b"T", b"Z", b"X"):
                        return True
        return False
    os.kill(pid, signal.SIGSTOP)
    wait_for(f"process {pid} to stand still", lambda: not running(), pause=0.001)


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []


def read_pid(path):
    """The number in a pid file, 0 when there is none."""
    try:
        with open(path) as f:
            return int(f.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def end(pid, seconds=15.0):
    """TERM, then KILL after a while; returns when the process is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        try:
            wait_for(f"process {pid} to end", lambda: not alive(pid), seconds)
            return
        except Trouble:
            continue


def adopt():
    """Become the parent of what our children leave behind (a daemon that forked itself away), so that we can reap it."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(pid):
    """Collect an adopted process if it has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def children():
    """Our own children: [(pid, name, is it a zombie?)]"""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                name, _, rest = f.read().partition(b"(")[2].rpartition(b")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == os.getpid():
            found.append((int(entry), name.decode(), state == b"Z"))
    return found


class Daemon:
    """One program that runs in the foreground, its output in a log file."""

    def __init__(self, name, argv, log, pid_file=None):
        self.name, self.argv, self.log, self.pid_file = name, argv, log, pid_file
        self.child = None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, cwd="/")
        return self

    @property
    def pid(self):
        return self.child.pid if self.child else 0

    def ended(self):
        """Exit status in words when the child has ended, else None. Reaps."""
        code = self.child.poll() if self.child else 0
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def ready(self, test, seconds=30.0):
        """Wait until test() holds; Trouble with the log's tail when it never does."""
        try:
            wait_for(f"{self.name} to answer", lambda: self.ended() or test(), seconds)
        except Trouble as e:
            raise Trouble(f"{e}; the end of {self.log}:\n{tail(self.log)}") from None
        if self.ended():
            raise Trouble(f"{self.name} ended with {self.ended()}; the end of {self.log}:\n{tail(self.log)}\n"
                          f"command line: {' '.join(self.argv)}")

    def kill(self):
        """kill -9, as a crash would"""
        self.child.kill()
        self.child.wait()

    def stop(self):
        """End the child, and a successor that somebody else started in its place (known by its pid file)."""
        if self.child:
            end(self.child.pid) if self.child.poll() is None else None
            self.child.wait()
        successor = read_pid(self.pid_file) if self.pid_file else 0
        if successor and alive(successor) and command_line(successor)[1:] == self.argv[1:]:
            end(successor)
