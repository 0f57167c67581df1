# SPDX-License-Identifier: GPL-3.0-or-later
"""Milters as Postfix drives them: floors, peers and gatepost-milter, one message a session or many, up to 14 MiB.

gatepost-*: everything on, with a memcached of its own: sessions, rules, suppression, limits (two rates, a package, live
ones looked up), return path, unsubscribe headers; one signature, by the relay. Sessions are those of ten agencies, so
that an agency has several at a time.
"""
import shutil
import sys

import milters
import process

MIB = 1 << 20
AGENCIES = 10
MANY_AGENCIES = 10000
FLOORS = ["noop", "noop-n", "sign", "sign-ed"]
OURS = ["gatepost-unsigned", "gatepost-rsa", "gatepost-ed25519"]
CURVE = ["noop-n", "sign", "gatepost-unsigned", "gatepost-rsa"]


def plural(sessions):
    return f"{sessions} session{'s' if sessions > 1 else ''}"


def cases():
    """{name: (options of bench_load_milter, services or None for all)}"""
    found = {}
    for kib in (4, 100):
        for many in (False, True):
            for sessions in (1, 8, 50):
                name = f"{kib} KiB {plural(sessions)}{' many each' if many else ''}"
                found[name] = (["--body", kib << 10, "--sessions", sessions, "--per-session", 1000 if many else 1], None)
    found["4 KiB 8 sessions of one agency"] = (["--body", 4 << 10, "--sessions", 8, "--agencies", 1], OURS)
    found["4 KiB 8 sessions of 10000 agencies"] = (["--body", 4 << 10, "--sessions", 8, "--agencies", MANY_AGENCIES],
                                                    ["gatepost-10000"])
    for mib in (1, 4, 14):
        found[f"{mib} MiB 1 session"] = (["--body", mib * MIB, "--sessions", 1], CURVE)
    return found


class Suite:
    name = "milter"
    anchor = "noop-n"
    services = [*FLOORS, "opendkim", "rspamd", *OURS, "gatepost-10000"]
    figures = [("rate", "messages/s"), ("cpu_us", "µs CPU/message"), ("store_us", "µs memcached/message"),
               ("p50_us", "µs"), ("p90_us", "µs"), ("p99_us", "µs"), ("end_p50_us", "µs, end of message"),
               ("cpu_us_per_mib", "µs CPU/MiB"), ("rss_mib", "MiB resident")]

    def __init__(self):
        self.all = cases()
        self.cases = list(self.all)
        self.milters, self.running = {}, set()

    def start(self, bench):
        self.build = bench.build
        self.seconds = 0.3 if bench.quick else 1.0
        rsa, ed25519 = milters.make_keys(bench.build, bench.directory)
        keys = {"sign": rsa, "sign-ed": ed25519}
        for mode in FLOORS:
            self.milters[mode] = milters.Floor(bench.build, bench.directory, mode, keys.get(mode))
        if shutil.which("opendkim"):
            self.milters["opendkim"] = milters.OpenDkim(bench.directory, rsa)
        if shutil.which("rspamd"):
            self.milters["rspamd"] = milters.Rspamd(bench.directory, rsa)
        for name in OURS:
            self.milters[name] = milters.Gatepost(bench.build, bench.directory, name.split("-")[1], AGENCIES)
        self.milters["gatepost-10000"] = milters.Gatepost(bench.build, bench.directory, "rsa", MANY_AGENCIES)
        for name, milter in self.milters.items():
            self.raise_one(name, milter)

    def raise_one(self, name, milter):
        """What does not come up here is left out, and told."""
        try:
            milter.start()
            self.running.add(name)
        except (process.Trouble, AssertionError) as e:
            print(f"milter, {name}: {e}", file=sys.stderr)

    def measure(self, case, service):
        options, only = self.all[case]
        if service not in self.running or (service not in only if only else service == "gatepost-10000"):
            return None
        milter = self.milters[service]
        if "--agencies" not in options:
            options = [*options, "--agencies", AGENCIES]
        others = [milters.cpu_seconds(pid) for pid in milter.pids[1:]]
        said = milters.load(self.build, milter, *options, "--seconds", self.seconds)
        spent = sum(milters.cpu_seconds(pid) - before for pid, before in zip(milter.pids[1:], others))
        body = options[options.index("--body") + 1]
        return {**{key: said[key] for key in ("rate", "cpu_us", "p50_us", "p90_us", "p99_us", "end_p50_us")},
                "store_us": spent * 1e6 / said["messages"],
                "cpu_us_per_mib": said["cpu_us"] * MIB / body,
                "rss_mib": sum(milters.rss_kib(pid) for pid in milter.pids[:1]) / 1024}

    def stop(self):
        for name, milter in self.milters.items():
            try:
                milter.stop()
            except AssertionError:
                if name in self.running:
                    raise

    def goals(self):
        def at_most(case, service, floor, target):
            def judge(rows):
                ratio = rows.ratio(case, service, floor, "cpu_us")
                return ratio, target, ratio <= target
            return judge

        def at_least(case, service, peer, target):
            def judge(rows):
                ratio = rows.ratio(case, service, peer, "rate")
                return ratio, target, ratio >= target
            return judge

        wanted = []
        for case in ("4 KiB 1 session", "4 KiB 8 sessions", "4 KiB 50 sessions"):
            wanted += [(f"{case}: everything on, RSA-2048: at least 3 times OpenDKIM's messages a second",
                        at_least(case, "gatepost-rsa", "opendkim", 3.0)),
                       (f"{case}: everything on, RSA-2048: at most 1.3 times the CPU of the signing floor",
                        at_most(case, "gatepost-rsa", "sign", 1.3)),
                       (f"{case}: everything on, Ed25519: at most 1.3 times the CPU of its floor",
                        at_most(case, "gatepost-ed25519", "sign-ed", 1.3)),
                       (f"{case}: unsigned: at most 1.3 times the CPU of empty callbacks without replies",
                        at_most(case, "gatepost-unsigned", "noop-n", 1.3))]
        return wanted
