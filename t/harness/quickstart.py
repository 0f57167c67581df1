#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./quickstart does once everything is installed and built: raise the relay, walk through the rules, stay up."""
import argparse
import signal
import sys
import threading
import time

import relay as relays
import tour
from process import Trouble


class Ended(BaseException):
    """A signal asked us to end."""


def end_on(number, frame):
    signal.signal(number, signal.SIG_IGN)
    raise Ended()


def read_options():
    options = argparse.ArgumentParser(prog="quickstart", allow_abbrev=False)
    options.add_argument("--state")
    options.add_argument("--agencies")
    options.add_argument("--no-tour", action="store_true")
    options.add_argument("--once", action="store_true")
    return options.parse_args()


def watch(relay, ending):
    """Reap what ends, and say so once: somebody may be killing daemons to see what happens."""
    told = set()
    while not ending.wait(0.2):
        relay.postfix.reap()
        for daemon in list(relay.daemons):
            ended = daemon.ended()
            if ended and daemon not in told:
                told.add(daemon)
                print(f"{daemon.name} ended with {ended}. Its log: {daemon.log}. To start it again: "
                      f"{' '.join(daemon.argv)}", flush=True)


def by_hand(relay, one):
    """A way to submit that needs nothing but what is installed by now."""
    if one is None:
        return "  No agency has a loopback address, so nothing can be submitted from this machine."
    agency, source, domain = one
    return f"""  submit by hand, as {agency}, from a second terminal:
    {relays.HERE}/submit --port {relay.port} --source {source} --from app@{domain} --to someone@example.com
  or say it yourself: the same with --talk, or any tool that lets you choose your own address, for instance
    nc -C -s {source} 127.0.0.1 {relay.port}"""


def hints(relay, one):
    return f"""
Everything is up. State: {relay.state}   ({relay.path("env")} tells a script where everything is)

{by_hand(relay, one)}

  return path     127.0.0.1:{relay.return_port}
  what left       {relay.path("sink")}/
  what came back  {relay.path("db", "archive")}/
  Postfix's log   {relay.postfix.log}
  Gatepost's logs {relay.policyd.log}  {relay.milter.log}  {relay.feedback.log}
  operate it      {relay.program("gatepostctl")} --config {relay.config()} status

Ctrl-C ends everything."""


def say(text):
    print(f"  raising {text}", flush=True)


def run(given):
    text = None
    if given.agencies:
        with open(given.agencies, encoding="utf-8", errors="surrogateescape") as f:  # gatepostctl check judges it
            text = f.read()
    relay = relays.Relay(state=given.state, agencies=text, say=say)
    ending = threading.Event()
    watcher = threading.Thread(target=watch, args=(relay, ending))
    started = time.monotonic()
    try:
        relay.start()
        print(f"  up after {time.monotonic() - started:.1f} s\n", flush=True)
        watcher.start()
        good = True
        if not given.no_tour:
            good = tour.walk(relay, sample=text is None)
        if not given.once:
            print(hints(relay, tour.main_agency(relay, text is None)), flush=True)
            while True:
                signal.pause()
        return 0 if good else 1
    except Ended:
        print("\nending", flush=True)
        return 0 if not given.once else 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        ending.set()
        if watcher.is_alive():
            watcher.join()
        relay.stop()


def main():
    given = read_options()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on)
    try:
        return run(given)
    except Ended:
        return 1
    except (Trouble, OSError) as e:
        print(f"quickstart: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
