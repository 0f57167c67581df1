# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy services as Postfix asks them: floors, peers and gatepost-policyd, over persistent connections."""
import policy_services as services

CLIENTS = 1000
CASES = {"1 connection": {"connections": 1}, "8 connections": {"connections": 8}, "50 connections": {"connections": 50},
         "1 connection beside 500 idle": {"connections": 1, "idle": 500}}
IDLE, IDLE_SERVICES = "1 connection beside 500 idle", ("mc-sync", "gatepost")
CURVE = {"gatepost-10": (10, 0), "gatepost-10000": (10000, 0), "gatepost-million": (CLIENTS, 1000000)}  # agencies, items
CURVE_CASES = ("1 connection", "50 connections")


class Suite:
    name = "policy"
    anchor = "mc-sync"
    services = ["echo", "mc-sync", "mc-batch", "postfwd", "policyd-rate-limit", "postgrey", "gatepost", *CURVE]
    cases = list(CASES)
    figures = [("rate", "req/s"), ("p50_us", "p50 µs"), ("p90_us", "p90 µs"), ("p99_us", "p99 µs"),
               ("p999_us", "p99.9 µs"), ("cpu_us", "CPU µs/req"), ("store_us", "memcached µs/req"), ("rss_mib", "RSS MiB")]

    def __init__(self):
        self.raised = []

    def start(self, bench):
        self.build, self.seconds = bench.build, 0.3 if bench.quick else 1.0
        self.store = self.raise_(services.Memcached("memcached", bench.directory))
        self.make = {
            "echo": lambda: services.Floor("echo", bench.build, bench.directory),
            "mc-sync": lambda: services.Floor("sync", bench.build, bench.directory, self.store),
            "mc-batch": lambda: services.Floor("batch", bench.build, bench.directory, self.store),
            "postfwd": lambda: services.Postfwd("postfwd", bench.directory),
            "policyd-rate-limit": lambda: services.RateLimit("policyd-rate-limit", bench.directory),
            "postgrey": lambda: services.Postgrey("postgrey", bench.directory),
            "gatepost": lambda: services.Gatepost("gatepost", CLIENTS),
            **{name: lambda name=name, args=args: services.Gatepost(name, *args) for name, args in CURVE.items()},
        }
        self.by_name = {}

    def raise_(self, service):
        self.raised.append(service)
        return service.start()

    def measure(self, case, service):
        if case == IDLE and service not in IDLE_SERVICES:
            return None
        if service in CURVE and case not in CURVE_CASES:
            return None
        if service not in self.by_name:
            self.by_name[service] = self.raise_(self.make[service]())
        return services.load(self.build, self.by_name[service], self.seconds,
                             clients=CURVE.get(service, (CLIENTS,))[0], **CASES[case])

    def stop(self):
        for service in reversed(self.raised):
            service.stop()

    def goals(self):
        def at_most(target, reached):
            return lambda rows: (reached(rows), target, reached(rows) <= target)

        def at_least(target, reached):
            return lambda rows: (reached(rows), target, reached(rows) >= target)

        return [
            ("1 connection: p50, times that of one increment waited for",
             at_most(1.25, lambda rows: rows.ratio("1 connection", "gatepost", "mc-sync", "p50_us"))),
            ("50 connections: requests a second, times those of one increment waited for",
             at_least(2.5, lambda rows: rows.ratio("50 connections", "gatepost", "mc-sync", "rate"))),
            ("50 connections: requests a second, times postfwd's",
             at_least(40, lambda rows: rows.ratio("50 connections", "gatepost", "postfwd", "rate"))),
            ("500 idle connections: CPU of a request, times that without them (nothing that can be measured)",
             at_most(1.1, lambda rows: rows[IDLE, "gatepost"]["cpu_us"] / rows["1 connection", "gatepost"]["cpu_us"])),
            ("50 connections: resident memory in MiB", at_most(16, lambda rows: rows["50 connections", "gatepost"]["rss_mib"])),
        ]
