# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults at moments drawn beforehand, while clients send."""
import heapq
import os
import signal
import threading
import time

LEARNT_S = {"memcached": 1.5, "milter": 0.5}  # after a restart: until it knows again what the other knows


class Chaos:
    """count kills, or stops (SIGSTOP), of policyd, milter, memcached and the smtpd of some client.

    Whoever is down already when drawn is replaced by another draw, so that two runs of one seed are alike and not the
    same. every_s: between two faults, on average; down_s: at most so long.
    """

    def __init__(self, relay, senders, draw, count=0, number=signal.SIGKILL, every_s=0.6, down_s=0.5):
        self.relay, self.senders, self.draw = relay, senders, draw
        self.count, self.number, self.every_s, self.down_s = count, number, every_s, down_s
        self.targets = {"policyd": relay.policyd, "milter": relay.milter, "memcached": relay.memcached, "smtpd": None}
        self.struck = dict.fromkeys(self.targets, 0)
        self.stopped = {}  # name: pid
        self.history = []  # (when, "down" or "up", name)
        self.in_doubt = set()

    def smtpds(self):
        """Those that have a client."""
        with open("/proc/net/tcp") as f:
            rows = [line.split() for line in f][1:]
        busy = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{self.relay.port:04X}") and row[3] == "01"}
        master, found = self.relay.postfix.pid, []
        with open(f"/proc/{master}/task/{master}/children") as f:
            children = f.read().split()
        for pid in children:
            try:
                names = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
            except OSError:
                continue
            if names & busy:
                found.append(int(pid))
        return found

    def note_in_doubt(self):
        self.in_doubt.update(filter(None, [s.in_doubt for s in self.senders]))

    def strike(self, name):
        """False when there is nobody to be struck"""
        self.note_in_doubt()
        if name == "smtpd":
            victims = self.smtpds()
            if not victims:
                return False
            pid = self.draw.choice(victims)
            try:
                os.kill(pid, self.number)
            except ProcessLookupError:
                return False
        elif self.number == signal.SIGKILL:
            self.targets[name].kill()
        else:
            pid = self.targets[name].pid
            os.kill(pid, self.number)
        if self.number == signal.SIGSTOP:
            self.stopped[name] = pid
        self.note_in_doubt()
        self.struck[name] += 1
        self.history.append((time.monotonic(), "down", name))
        return True

    def recover(self, name):
        if self.number == signal.SIGSTOP:
            self.wake(name)
        else:
            self.targets[name].start()
        self.history.append((time.monotonic(), "up", name))

    def wake(self, name):
        try:
            os.kill(self.stopped.pop(name), signal.SIGCONT)
        except ProcessLookupError:
            pass  # an smtpd whose time was up

    def wake_all(self):
        for name in list(self.stopped):
            self.wake(name)

    def run(self):
        begin, at, plan = time.monotonic(), 0.0, []
        for number in range(self.count):
            at += self.draw.uniform(0, 2 * self.every_s)
            heapq.heappush(plan, (at, number, "strike", self.draw.choice(list(self.targets))))
        number, down, pause = self.count, set(), threading.Event()
        while plan:
            at, _, action, name = heapq.heappop(plan)
            pause.wait(max(0.0, begin + at - time.monotonic()))
            begin = max(begin, time.monotonic() - at)  # a busy machine is late: all is later then, not denser
            if action == "recover":
                self.recover(name)
                down.discard(name)
                continue
            if name in down or not self.strike(name):  # one that is up, so that a kill is a kill; or a moment later
                number += 1
                another = self.draw.choice(list(self.targets))
                heapq.heappush(plan, (time.monotonic() - begin + 0.02, number, "strike", another))
                continue
            if name != "smtpd" or self.number == signal.SIGSTOP:
                down.add(name)
                number += 1
                heapq.heappush(plan, (time.monotonic() - begin + self.draw.uniform(0, self.down_s), number, "recover",
                                      name))

    def forgetful(self):
        """Deaths of the milter before which charges may be forgotten: memcached did not have them, or died before the
        next milter had read them. What is left then is in the database, a second old."""
        down = {name: [when for when, what, n in self.history if what == "down" and n == name]
                for name in ("milter", "memcached")}
        up = {name: [when for when, what, n in self.history if what == "up" and n == name] + [float("inf")]
              for name in ("milter", "memcached")}

        def whole(name, when):
            return next(w for w in up[name] if w > when) + LEARNT_S[name]
        return [m for m in down["milter"]
                if any(c <= m <= whole("memcached", c) or m <= c <= whole("milter", m) for c in down["memcached"])]
