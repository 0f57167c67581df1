# SPDX-License-Identifier: GPL-3.0-or-later
"""The smtpd side of the policy protocol, as Postfix 3.7 plays it."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from process import PATIENCE  # noqa: E402

# In Postfix's own order.
ATTRIBUTES = {
    "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
    "client_address": "192.0.2.10", "client_name": "unknown", "client_port": "39110",
    "reverse_client_name": "unknown", "server_address": "127.0.0.1", "server_port": "25",
    "helo_name": "client.dol.gov", "sender": "a@dol.gov", "recipient": "b@dest.test", "recipient_count": "0",
    "queue_id": "", "instance": "378e.6b00f4d0.1ac5e.0", "size": "500", "etrn_domain": "", "stress": "",
    "sasl_method": "", "sasl_username": "", "sasl_sender": "", "ccert_subject": "", "ccert_issuer": "",
    "ccert_fingerprint": "", "ccert_pubkey_fingerprint": "", "encryption_protocol": "", "encryption_cipher": "",
    "encryption_keysize": "0", "policy_context": "gatepost-address",
}


def request(state="RCPT", **changes):
    """The octets of one request, with its empty line."""
    values = {**ATTRIBUTES, "protocol_state": state}
    if state in ("CONNECT", "XCLIENT"):
        values.update(helo_name="", sender="", recipient="", instance="", size="0")
    values.update(changes)
    return ("".join(f"{name}={value}\n" for name, value in values.items()) + "\n").encode()


class Client:
    """One policy connection. A reply that does not come in time is an error."""

    def __init__(self, path, seconds=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.connect_to(path, time.monotonic() + 10 * PATIENCE)
        self.socket.settimeout(seconds * PATIENCE)
        self.pending = b""

    def connect_to(self, path, until):
        """A queue of waiting connections that is full is no refusal."""
        self.socket.settimeout(10 * PATIENCE)
        while True:
            try:
                return self.socket.connect(path)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def read(self):
        """The next action without "action="; None when the connection was closed instead."""
        while b"\n\n" not in self.pending:
            try:
                octets = self.socket.recv(4096)
            except ConnectionResetError:
                octets = b""
            if octets == b"":
                if self.pending:
                    raise AssertionError(f"half a reply: {self.pending!r}")
                return None
            self.pending += octets
        reply, self.pending = self.pending.split(b"\n\n", 1)
        if not reply.startswith(b"action=") or b"\n" in reply:
            raise AssertionError(f"not one action: {reply!r}")
        return reply[len(b"action="):].decode()

    def ask(self, state="RCPT", **changes):
        self.send(request(state, **changes))
        return self.read()

    def connect(self, address="192.0.2.10", **changes):
        return self.ask("CONNECT", client_address=address, **changes)

    def rcpt(self, address="192.0.2.10", **changes):
        return self.ask("RCPT", client_address=address, **changes)
