# SPDX-License-Identifier: GPL-3.0-or-later
"""Postfix's side of LMTP: one connection to gatepost-feedback."""
import socket


class Client:
    def __init__(self, path, timeout=30.0, greeted=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.reader = self.socket.makefile("rb")
        if greeted:
            try:
                self.greeting = self.reply()
                self.features = self.say("LHLO relay.example.gov")
            except OSError:
                self.close()
                raise

    def close(self):
        self.reader.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """One reply, all its lines; "" at the end of the connection."""
        lines = []
        while True:
            line = self.reader.readline().decode()
            lines.append(line.rstrip("\r\n"))
            if not line or line[3:4] != "-":
                return "\n".join(lines)

    def say(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, sender, *recipients):
        return [self.say(f"MAIL FROM:<{sender}>")] + [self.say(f"RCPT TO:<{r}>") for r in recipients]

    def message(self, octets):
        """DATA as it is, dots stuffed; the replies for each recipient are the caller's to read."""
        first = self.say("DATA")
        if first[:3] != "354":
            return first
        if not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        stuffed = octets.replace(b"\r\n.", b"\r\n..")
        self.send((b"." + stuffed if stuffed.startswith(b".") else stuffed) + b".\r\n")
        return None

    def deliver(self, octets, recipient, sender=""):
        """The last reply, which decides about the one recipient."""
        for reply in self.envelope(sender, recipient):
            if reply[:3] != "250":
                return reply
        return self.message(octets) or self.reply()
