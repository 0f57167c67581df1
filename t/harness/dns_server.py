# SPDX-License-Identifier: GPL-3.0-or-later
"""A real DNS server (nsd) on loopback, and servers that misbehave.

    with DnsServer({"example.gov": '@ TXT "v=spf1 -all"\\nmail A 192.0.2.1'}) as dns:
        ... dns.address ...             # "127.0.0.1:PORT", as dns_servers has it
        dns.reload({"example.gov": ""})

Each zone is zone-file text relative to its name: "@" is the name itself, any name in it may be absolute. All of them
are one zone "." for nsd: what stands nowhere is NXDOMAIN, and an alias is followed from any zone into any other.
"""
import os
import random
import shutil
import signal
import socket
import struct
import tempfile
import threading

import process

HOST = "127.0.0.1"
TTL = 60

CONFIG = """
server:
    ip-address: {host}@{port}
    server-count: 1
    username: ""
    database: ""
    zonesdir: "{home}"
    zonelistfile: "{home}/zone.list"
    xfrdfile: "{home}/xfrd.state"
    xfrdir: "{home}"
    pidfile: "{home}/nsd.pid"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "."
    zonefile: "all.zone"
"""


def free_port():
    """A port that is free for UDP and TCP."""
    while True:
        port = process.free_ports(1)[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind((HOST, port))
                return port
            except OSError:
                continue


def text(value):
    """A TXT record's data of any length and octets: strings of at most 255."""
    octets = value.encode() if isinstance(value, str) else value
    parts = [octets[i:i + 255] for i in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\;' else f"\\{c:03d}" for c in part) + '"'
                    for part in parts)


def serves(port, serial, seconds=0.2):
    """Does the server on this port have the zones of this serial?"""
    query = struct.pack("!6H", random.randrange(65536), 0, 1, 0, 0, 0) + b"\6serial\0" + struct.pack("!2H", 16, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        try:
            s.connect((HOST, port))
            s.send(query)
            return f"serial={serial};".encode() in s.recv(512)
        except OSError:
            return False


class DnsServer:
    """servfail: names of zones for which nsd answers SERVFAIL, with all below them."""

    def __init__(self, zones=None, servfail=()):
        self.zones, self.servfail, self.port = dict(zones or {}), servfail, free_port()
        self.home, self.daemon, self.serial = None, None, 0

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def _write(self):
        self.serial += 1
        lines = [f"$ORIGIN .\n$TTL {TTL}\n. SOA ns.invalid. root.invalid. {self.serial} 3600 600 86400 {TTL}\n"
                 f'. NS ns.invalid.\nserial TXT "serial={self.serial};"']
        lines += [f"$ORIGIN {name.rstrip('.')}.\n{zone}" for name, zone in self.zones.items()]
        path = f"{self.home}/all.zone"
        with open(path + ".new", "w") as f:
            f.write("\n".join(lines) + "\n")
        os.rename(path + ".new", path)

    def start(self):
        self.home = tempfile.mkdtemp(prefix="gpdns.", dir="/tmp")
        self._write()
        with open(f"{self.home}/nsd.conf", "w") as f:
            f.write(CONFIG.format(host=HOST, port=self.port, home=self.home))
            for name in self.servfail:  # a zone without its file
                f.write(f'zone:\n    name: "{name}"\n    zonefile: "missing.{name}.zone"\n')
        self.daemon = process.Daemon("nsd", ["nsd", "-d", "-c", f"{self.home}/nsd.conf"], f"{self.home}/log").start()
        try:
            self._loaded()
        except process.Trouble:
            self.stop()
            raise
        return self

    def _loaded(self):
        self.daemon.ready(lambda: serves(self.port, self.serial))

    def reload(self, zones):
        """Serve these instead; returns when it does. Nothing is unanswered meanwhile."""
        self.zones = dict(zones)
        self._write()
        os.kill(self.daemon.pid, signal.SIGHUP)
        self._loaded()

    def stop(self):
        if self.daemon:
            self.daemon.stop()
            self.daemon = None
        if self.home:
            shutil.rmtree(self.home)
            self.home = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class OddServer:
    """A UDP port of our own, for what no real server does: answer(query octets) gives octets, a list of them, or None.

    OddServer() never answers at all. `asked` counts the questions.
    """

    def __init__(self, answer=None):
        self.answer, self.asked = answer, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:  # an empty datagram ends it
                return
            self.asked += 1
            answers = self.answer(query) if self.answer else None
            for answer in [answers] if isinstance(answers, bytes) else answers or []:
                self.socket.sendto(answer, peer)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", (HOST, self.port))
        self.thread.join()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def refused():
    """An address where nobody listens."""
    return f"{HOST}:{free_port()}"
