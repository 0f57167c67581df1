# SPDX-License-Identifier: GPL-3.0-or-later
"""What attacks are measured by: how much of everything, memory and files of a process, percentiles, rows of a table.

GATEPOST_SCALE multiplies how often: 1 in t/run, 20 in t/attack/run. GATEPOST_TABLE is a file that gets the rows.
"""
import json
import os
import socket


SCALE = float(os.environ.get("GATEPOST_SCALE", "1"))


def times(count):
    """So often at this scale"""
    return max(1, round(count * SCALE))


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def sanitized(pid):
    """Then what was freed is kept for a while, to see who still uses it"""
    with open(f"/proc/{pid}/maps") as f:
        return "san.so" in f.read()


def files(pid):
    """Open file descriptors"""
    return len(os.listdir(f"/proc/{pid}/fd"))


def vitals(daemons):
    """{name: (resident KiB, file descriptors)} of daemons that have .name and .pid"""
    return {d.name: (resident_kib(d.pid), files(d.pid)) for d in daemons}


def percentile(values, part):
    """The value below which this part (0..1) of them lies; None of none"""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def p99_ms(seconds):
    found = percentile(seconds, 0.99)
    return None if found is None else round(found * 1000, 1)


def row(**fields):
    """One line of the table: fault, times, accepted, lost, doubled, lock_out_s, overshoot, memory, p99_alone_ms, p99_ms"""
    print("  " + ", ".join(f"{name} {value}" for name, value in fields.items()))
    path = os.environ.get("GATEPOST_TABLE")
    if path:
        with open(path, "a") as f:
            f.write(json.dumps(fields) + "\n")


def memcached_get(path, key):
    """The value of an item, None when there is none or nobody answers"""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(path)
            s.sendall(f"get {key}\r\n".encode())
            with s.makefile("rb") as answer:
                head = answer.readline().split()
                return answer.read(int(head[3])) if head[:1] == [b"VALUE"] else None
    except OSError:
        return None
