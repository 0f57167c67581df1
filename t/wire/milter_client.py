# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server's side of the milter protocol, version 6, over a UNIX socket.

    with Mta(path) as mta:
        mta.begin("192.0.2.10")
        mta.helo()                      # "continue", or the reply: "421 4.4.5 Service unavailable, ..."
        edits, reply = mta.message(sender="a@dol.gov", recipient="x@example.org")
"""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from process import PATIENCE  # noqa: E402

ALL_ACTIONS, ALL_STEPS = 0x1FF, 0x1FFFFF
NR_HDR, NR_EOH, NR_BODY, HDR_LEADSPC = 0x80, 0x40000, 0x80000, 0x100000
ADDHDRS, CHGHDRS, CHGFROM = 0x01, 0x10, 0x40
STAGES = {0: "connect", 1: "helo", 2: "mail", 3: "rcpt", 4: "data", 5: "end", 6: "eoh"}
VERDICTS = {b"c": "continue", b"a": "accept", b"r": "reject", b"t": "tempfail", b"d": "discard", b"s": "skip"}
HEADERS = [("From", " a@dol.gov"), ("To", " x@example.org"), ("Subject", " hello"), ("Message-ID", " <1@dol.gov>")]


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


def words(*texts):
    return b"".join(t.encode("utf-8", "surrogateescape") + b"\0" for t in texts)


class Mta:
    """One milter connection, which is one SMTP session. write: sends the octets of packets, all of them by default."""

    def __init__(self, path, timeout=20, write=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout * PATIENCE)
        self.socket.connect(path)
        self.write = write or self.socket.sendall
        self.steps = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    # --- packets ----------------------------------------------------------------------------------------------------

    def read(self, n):
        octets = b""
        while len(octets) < n:
            more = self.socket.recv(n - len(octets))
            if not more:
                raise EOFError("the milter closed the connection")
            octets += more
        return octets

    def receive(self):
        """(command, data) of the next packet."""
        length = struct.unpack(">I", self.read(4))[0]
        octets = self.read(length)
        return octets[:1], octets[1:]

    def verdict(self):
        """The answer to one event in words; edits before it are an error."""
        command, data = self.receive()
        if command == b"y":
            return data.rstrip(b"\0").decode("utf-8")
        return VERDICTS[command]

    def ask(self, command, data=b""):
        self.write(packet(command, data))
        return self.verdict()

    def tell(self, command, data, quiet):
        """An event that has no answer when the milter said so."""
        self.write(packet(command, data))
        return None if self.steps & quiet else self.verdict()

    def macros(self, command, **values):
        self.write(packet(b"D", command + words(*(w for k, v in values.items() for w in (key(k), v)))))

    # --- events -----------------------------------------------------------------------------------------------------

    def negotiate(self, actions=ALL_ACTIONS, steps=ALL_STEPS, version=6):
        """Macros the milter wants, by stage; self.actions and self.steps are what it uses."""
        self.write(packet(b"O", struct.pack(">III", version, actions, steps)))
        command, data = self.receive()
        assert command == b"O", command
        _, self.actions, self.steps = struct.unpack(">III", data[:12])
        wanted, rest = {}, data[12:]
        while rest:
            text, _, after = rest[4:].partition(b"\0")
            wanted[STAGES[struct.unpack(">I", rest[:4])[0]]] = text.decode()
            rest = after
        return wanted

    def connect(self, address="192.0.2.10", profile="gatepost-address", port=50000, answered=True):
        if profile is not None:
            self.macros(b"C", daemon_name=profile, client_addr=address or "unknown", j="relay.example.gov")
        if address is None:
            data = words("unknown") + b"U"
        else:
            data = words("unknown") + (b"6" if ":" in address else b"4") + struct.pack(">H", port) + words(address)
        return self.tell(b"C", data, 0 if answered else self.steps)

    def begin(self, address="192.0.2.10", profile="gatepost-address", **offer):
        self.negotiate(**offer)
        self.connect(address, profile)
        return self

    def helo(self):
        return self.ask(b"H", words("client.example"))

    def mail(self, path, *parameters):
        return self.ask(b"M", words(path, *parameters))

    def rcpt(self, path, *parameters):
        return self.ask(b"R", words(path, *parameters))

    def unknown(self, line):
        return self.ask(b"U", words(line))

    def data(self):
        self.macros(b"T", i="4jWbms683Gz1c77h")
        return self.ask(b"T")

    def header(self, name, value):
        return self.tell(b"L", words(name, value), NR_HDR)

    def eoh(self):
        return self.tell(b"N", b"", NR_EOH)

    def body(self, octets):
        return self.tell(b"B", octets, NR_BODY)

    def end(self):
        """(edits, verdict); an edit is ("sender", address, arguments), ("delete", name, number), ("add", name, value) or
        ("insert", name, value): above all others."""
        self.macros(b"E", i="4jWbms683Gz1c77h")
        self.write(packet(b"E"))
        edits = []
        while True:
            command, data = self.receive()
            if command == b"e":
                edits.append(("sender", *data.decode().split("\0")[:2]))
            elif command == b"m":
                name, value = data[4:].decode().split("\0")[:2]
                assert value == "", value
                edits.append(("delete", name, struct.unpack(">I", data[:4])[0]))
            elif command == b"h":
                edits.append(("add", *data.decode().split("\0")[:2]))
            elif command == b"i":
                assert struct.unpack(">I", data[:4])[0] == 0, data
                edits.append(("insert", *data[4:].decode().split("\0")[:2]))
            elif command == b"y":
                return edits, data.rstrip(b"\0").decode()
            elif command in VERDICTS:
                return edits, VERDICTS[command]

    def abort(self):
        self.write(packet(b"A"))

    def quit(self):
        self.write(packet(b"Q"))

    # --- whole transactions -----------------------------------------------------------------------------------------

    def content(self, headers=None, body=b"hello\r\n"):
        for name, value in headers if headers is not None else HEADERS:
            self.header(name, value)
        self.eoh()
        for start in range(0, len(body), 65535):
            self.body(body[start:start + 65535])
        return self.end()

    def message(self, sender="a@dol.gov", recipient="x@example.org", headers=None, body=b"hello\r\n"):
        """One message; (edits, verdict) of its end, or ([], reply) of the command that was refused."""
        for answer in (lambda: self.mail(f"<{sender}>"), lambda: self.rcpt(f"<{recipient}>"), self.data):
            reply = answer()
            if reply != "continue":
                return [], reply
        return self.content(headers, body)


def key(name):
    return name if len(name) == 1 else "{" + name + "}"
