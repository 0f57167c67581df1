#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""score.py - how well gatepostctl classify reads a folder of messages whose meaning is known

usage: score.py FOLDER [--ctl PATH] [--verbose] [--only FILE]

FOLDER/expected.tsv has one line for each message: file name, TAB, one event per recipient, CATEGORY=recipient. CATEGORY
is letters, any of which is right, the first best: H/P, S/UP. recipient may be several, of which any is right: a@b|c@d.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

LETTERS = {"hard-bounce": "H", "soft-bounce": "S", "mailbox-full": "M", "policy-block": "P", "rate-limited": "R",
           "content-rejected": "C", "auto-reply": "A", "feedback-report": "F", "unsubscribe": "B", "delivered": "D",
           "unknown": "U", "not-a-bounce": "N"}
SUPPRESSING = set("HFB")


def expectations(path):
    """file -> list of (letters, best first; recipients, any of which is right)"""
    found = {}
    for line in open(path, encoding="utf-8"):
        if not line.strip():
            continue
        name, events = line.rstrip("\n").split("\t", 1)
        found[name] = []
        for event in events.split(" "):
            category, _, recipient = event.partition("=")
            found[name].append((category.replace("/", ""), [r for r in recipient.lower().split("|") if r]))
    return found


def classified(ctl, path):
    done = subprocess.run([ctl, "classify", "--json", path], capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        return {"recipients": [], "error": done.stderr.decode(errors="replace").strip()}
    return json.loads(done.stdout)


def events_of(report):
    """what was read, in the form of an expectation: letter, addresses, suppress"""
    events = []
    for r in report.get("recipients", []):
        addresses = {a.lower() for a in (r["recipient"], r["original_recipient"]) if a}
        events.append((LETTERS[r["category"]], addresses, r["suppress"]))
    if not events:
        category = report.get("category", "unknown")
        events.append((LETTERS[category], set(), False))
    return events


def best_match(letters, recipients, events):
    """the event that is about one of the recipients, else one of the right category, else the first"""
    for e in events:
        if e[1] & set(recipients):
            return e
    for e in events:
        if e[0] in letters:
            return e
    return events[0]


class Score:
    def __init__(self):
        self.events = self.both = self.category = self.recipient = self.false = self.missed = 0

    def count(self, letters, recipients, events):
        """Returns what is wrong, or None."""
        letter, addresses, suppress = best_match(letters, recipients, events)
        right_category = letter in letters
        right_recipient = not recipients or bool(addresses & set(recipients))
        false = suppress and not SUPPRESSING & set(letters)
        missed = set(letters) <= SUPPRESSING and not suppress
        self.events += 1
        self.category += right_category
        self.recipient += right_recipient
        self.both += right_category and right_recipient
        self.false += false
        self.missed += missed
        said = [word for word, wrong in (("category", not right_category), ("recipient", not right_recipient),
                                         ("FALSE SUPPRESSION", false), ("missed suppression", missed)) if wrong]
        if not said:
            return None
        return "%s: expected %s=%s, got %s=%s%s" % (", ".join(said), letters, "|".join(recipients), letter,
                                                    "|".join(sorted(addresses)), " (suppress)" if suppress else "")

    def table(self):
        for label, n in (("both right", self.both), ("category right", self.category),
                         ("recipient right", self.recipient), ("false suppression", self.false),
                         ("missed suppression", self.missed)):
            print("%-20s %4d of %4d  %6.2f %%" % (label, n, self.events, 100 * n / max(self.events, 1)))


def main():
    parser = argparse.ArgumentParser(description="score gatepostctl classify against a folder's expected.tsv")
    parser.add_argument("folder")
    parser.add_argument("--ctl", default=os.path.join(os.environ.get("GATEPOST_BUILD", "build"), "bin/gatepostctl"))
    parser.add_argument("--verbose", action="store_true", help="show what was said for each miss")
    parser.add_argument("--only", help="a file with the names of those to look at, one a line")
    args = parser.parse_args()
    expected = expectations(os.path.join(args.folder, "expected.tsv"))
    if args.only:
        names = set(open(args.only, encoding="utf-8").read().split())
        expected = {name: events for name, events in expected.items() if name in names}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reports = dict(zip(expected, pool.map(lambda n: classified(args.ctl, os.path.join(args.folder, n)), expected)))
    score = Score()
    for name, wanted in expected.items():
        misses = [m for m in (score.count(l, r, events_of(reports[name])) for l, r in wanted) if m]
        for miss in misses:
            print("%s: %s" % (name, miss))
        if misses and args.verbose:
            print("    %s %s" % (reports[name].get("kind"), reports[name].get("error", "")))
            for r in reports[name]["recipients"]:
                print("    %(recipient)s %(category)s by %(by)s status=%(status)s reply=%(reply)s %(diagnostic).300s" % r)
    score.table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
