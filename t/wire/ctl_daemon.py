# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a daemon as gatepostctl sees one: ctl_daemon.py RUN_DIRECTORY PROGRAM takes|refuses|silent

It holds its lock, writes its pid file and its status file, and answers SIGUSR1 as told. Prints "ready", then waits.
"""
import fcntl
import json
import os
import signal
import sys
import time

directory, program, manner = sys.argv[1:]
state = {"program": program, "pid": os.getpid(), "version": "0.1.0", "epoch": 1, "epochs_alive": 1, "reloads": 0,
         "reload_failures": 0, "last_reload": "ok", "store": "up", "started": int(time.time()), "now": int(time.time())}
state["sessions" if program == "milter" else "connections"] = 3


def write_status():
    aside = f"{directory}/.{program}.new"
    with open(aside, "w") as f:
        json.dump(state, f)
    os.rename(aside, f"{directory}/{program}.status")


def reload(*_):
    if manner == "takes":
        state["epoch"] += 1
        state["reloads"] += 1
    elif manner == "refuses":
        state["reload_failures"] += 1
        state["last_reload"] = "failed: /etc/x.conf:3: rate: no\u001b[31m rate"
    write_status()


signal.signal(signal.SIGUSR1, reload)
lock = open(f"{directory}/{program}.lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
with open(f"{directory}/{program}.pid", "w") as pid_file:
    pid_file.write(f"{os.getpid()}\n")
write_status()
print("ready", flush=True)
while True:
    signal.pause()
