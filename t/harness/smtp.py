# SPDX-License-Identifier: GPL-3.0-or-later
"""A raw SMTP client: says exactly what it is told, from the address it is told, and remembers the dialogue."""
import base64
import socket
import ssl
import time

CRLF = b"\r\n"


class Gone(ConnectionError):
    """The server closed the connection."""


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3]) if lines[-1][:3].isdigit() else 0
        self.text = "\n".join(lines)

    @property
    def last(self):
        return self.lines[-1]

    def __str__(self):
        return self.text

    def __repr__(self):
        return f"Reply({self.text!r})"


class Client:
    """client = Client(port, "127.0.0.10"); client.greeting; client.say("HELO x") -> Reply"""

    def __init__(self, port, source="127.0.0.10", timeout=60.0, greet=True):
        family, host = (socket.AF_INET6, "::1") if ":" in source else (socket.AF_INET, "127.0.0.1")
        self.dialogue = []  # ("C" or "S" or "-", text)
        self.buffer = b""
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        try:
            self.socket.bind((source, 0))
            self.socket.connect((host, port))
            self.greeting = self.read() if greet else None
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def read(self):
        """One whole reply; Gone when the server closed."""
        lines = []
        while True:
            while b"\n" not in self.buffer:
                try:
                    more = self.socket.recv(65536)
                except (ConnectionResetError, BrokenPipeError):
                    more = b""
                if not more:
                    self.note("-", "(connection closed by the server)")
                    raise Gone(lines[-1] if lines else "")
                self.buffer += more
            line, _, self.buffer = self.buffer.partition(b"\n")
            lines.append(line.rstrip(b"\r").decode("utf-8", "backslashreplace"))
            self.note("S", lines[-1])
            if lines[-1][3:4] != "-":
                return Reply(lines)

    def note(self, who, text):
        self.dialogue.append((who, text))

    def send(self, data):
        """Bytes as they are; not in the dialogue."""
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            raise Gone("") from None

    def say(self, line):
        """One command line (str or bytes) and its reply."""
        octets = line if isinstance(line, bytes) else line.encode()
        self.note("C", octets.decode("utf-8", "backslashreplace"))
        self.send(octets + CRLF)
        return self.read()

    def hello(self, name="client.test"):
        return self.say(f"EHLO {name}")

    def starttls(self, authority, name):
        """STARTTLS, the certificate checked against authority (a file) and name, and EHLO again"""
        reply = self.say("STARTTLS")
        if reply.code == 220:
            context = ssl.create_default_context(cafile=authority)
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
            self.note("-", f"(TLS: {self.socket.version()})")
            reply = self.hello()
        return reply

    def login(self, user, password, how="PLAIN"):
        """AUTH PLAIN or AUTH LOGIN; the last reply"""
        def encoded(text):
            return base64.b64encode(text.encode()).decode()
        if how == "PLAIN":
            return self.say("AUTH PLAIN " + encoded(f"\0{user}\0{password}"))
        reply = self.say("AUTH LOGIN")
        for word in (user, password):
            if reply.code == 334:
                reply = self.say(encoded(word))
        return reply

    def mail(self, sender, parameters=""):
        return self.say(f"MAIL FROM:<{sender}>{' ' + parameters if parameters else ''}")

    def rcpt(self, recipient):
        return self.say(f"RCPT TO:<{recipient}>")

    def body(self, message):
        """The message after a 354: dots stuffed, lines ended by CRLF if they are not, closing dot; the last reply"""
        octets = message if isinstance(message, bytes) else message.encode()
        if not octets.endswith(CRLF):
            octets += CRLF
        if octets.startswith(b"."):
            octets = b"." + octets
        octets = octets.replace(b"\r\n.", b"\r\n..")
        shown = octets.split(CRLF)[:-1]
        for line in shown[:12]:
            self.note("C", line.decode("utf-8", "backslashreplace")[:120])
        if len(shown) > 12:
            self.note("C", f"... ({len(octets)} octets in all)")
        self.note("C", ".")
        self.send(octets + b".\r\n")
        return self.read()

    def data(self, message):
        """DATA and the message; the reply to whichever was refused, or the last"""
        reply = self.say("DATA")
        return self.body(message) if reply.code == 354 else reply

    def submit(self, sender, recipient, message, parameters=""):
        """One transaction; the first reply that is not good, or that to the message"""
        for step in (lambda: self.mail(sender, parameters), lambda: self.rcpt(recipient)):
            reply = step()
            if reply.code // 100 != 2:
                return reply
        return self.data(message)

    def quit(self):
        try:
            return self.say("QUIT")
        finally:
            self.close()

    def drop(self):
        """Close without QUIT."""
        self.close()

    def close(self):
        self.socket.close()

    def closed_by_server(self, seconds=5.0):
        """Does the server end the connection within that time, without another word?"""
        self.socket.settimeout(seconds)
        try:
            return not self.buffer and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def message(subject="hello", to="someone@example.com", sender="app@dol.example.gov", body="A line.\r\n", extra=""):
    """A small well-formed message, CRLF throughout."""
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {stamp}\r\n"
            f"Message-ID: <{time.monotonic_ns()}.{subject.replace(' ', '-')}@client.test>\r\n{extra}\r\n{body}")
