# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients at once, and what the operator's command line and the sink say of them afterwards."""
import collections
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import smtp  # noqa: E402
from process import wait_for  # noqa: E402


def all_at_once(work, count, seconds=120.0):
    """work(i) in count threads; their results in order. An exception in one is raised here."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = work(i)
        except BaseException as e:  # noqa: B902 - it is raised again below
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        if thread.is_alive():
            raise failures[0] if failures else AssertionError(f"a client hangs after {seconds:g} s")
    if failures:
        raise failures[0]
    return results


def answers(results):
    """How often each code and enhanced code was given: {"250 2.0.0": 25, ...}"""
    return collections.Counter(" ".join(str(r).split()[:2]) for r in results)


def submit(client, domain, recipient, parameters=""):
    return client.submit(f"app@{domain}", recipient, smtp.message(to=recipient, sender=f"app@{domain}"), parameters)


def enter(client):
    """(the session past HELO, its reply), or None and the refusal"""
    try:
        reply = client.greeting if client.greeting.code != 220 else client.say("HELO client.test")
    except smtp.Gone:
        client.close()
        raise
    if reply.code == 250:
        return client, reply
    client.close()
    return None, reply


def recipients(delivered):
    """How often the sink got a message for each recipient."""
    return collections.Counter(r for envelope, _ in delivered for r in envelope["rcpt_to"])


def limit(relay, agency, name):
    """One row of gatepostctl limits, as a program reads it; None when the store does not answer."""
    done = relay.ctl("limits", agency, "--json")
    view = json.loads(done.stdout)["agencies"][0]
    return next(row for row in view["limits"] if row["name"] == name)


def used(relay, agency, name):
    """What is used of a limit, of the first window of a rate; None when it is not known."""
    found = limit(relay, agency, name).get("used")
    return found[0]["used"] if isinstance(found, list) else found


def status(relay):
    return json.loads(relay.ctl("status", "--json").stdout)


def open_sessions(relay, agency):
    """As gatepostctl status tells; None when it is not known."""
    return next(a for a in status(relay)["agencies"] if a["agency"] == agency).get("sessions")


def wait_sessions(relay, agency, count, seconds=15.0):
    wait_for(f"{count} sessions of {agency}", lambda: open_sessions(relay, agency) == count, seconds, 0.05)


class Gauge:
    """The most that were inside at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = self.most = 0

    def enter(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def leave(self):
        with self.lock:
            self.inside -= 1
