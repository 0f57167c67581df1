# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel knows of processes, and agencies for those that are measured."""
import hmac
import os
import re

import relayconf
import sample


def processor_ns(pid):
    """Nanoseconds that all threads of a process which live now have run."""
    spent = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                spent += int(f.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return spent


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


def agency_names(count):
    """Names whose keyed hashes differ: they have 24 bits, and two agencies with the same one are refused."""
    secret, found, n = bytes.fromhex(relayconf.KEY.split()[1]), {}, 0
    while len(found) < count:
        name = f"agency{n}"
        found.setdefault(hmac.digest(secret, b"gatepost-agency-1" + name.encode(), "sha256")[:3], name)
        n += 1
    return list(found.values())


def agencies(names, limits):
    """Text of an agencies file; the Nth is at 10.0.0.0 + N, as bench_load_policy and bench_load_milter play them."""
    return "".join(sample.agency(name, [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"], [f"{name}.example"], limits)
                   for n, name in enumerate(names))
