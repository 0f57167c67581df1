# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets of the daemons: there, reachable for Postfix's user, answering. Nothing asked here is counted or refused."""
import grp
import os
import pwd
import socket
import stat
import struct

SECONDS = 5.0
# no state that any rule looks at, and no client
POLICY = b"request=smtpd_access_policy\nprotocol_state=VRFY\nprotocol_name=ESMTP\nclient_address=unknown\n" \
         b"policy_context=gatepost-address\n\n"
OPTIONS = struct.pack("!IcIII", 13, b"O", 6, 0x1ff, 0x1fffff)
QUIT = struct.pack("!Ic", 1, b"Q")


def address(place, queue_directory):
    """(family, address) of unix:PATH or inet:HOST:PORT as smtpd takes it, None for neither"""
    kind, _, rest = place.partition(":")
    if kind in ("unix", "local") or place.startswith("/"):
        path = rest if kind in ("unix", "local") else place
        return socket.AF_UNIX, os.path.join(queue_directory, path)
    host, _, port = rest.rpartition(":")
    return (socket.AF_INET6 if ":" in host else socket.AF_INET, (host.strip("[]") or "127.0.0.1", int(port))) \
        if kind == "inet" and port.isdigit() else None


def may(status, user, groups, bit):
    shift = 6 if status.st_uid == user else 3 if status.st_gid in groups else 0
    return bool(status.st_mode >> shift & bit)


def obstacle(path, owner):
    """(the path component that Postfix's user cannot pass, what its mode lacks), None when it can reach the socket"""
    account = pwd.getpwnam(owner)
    groups = {account.pw_gid, *(g.gr_gid for g in grp.getgrall() if owner in g.gr_mem)}
    walked = "/"
    for part in os.path.abspath(path).split("/")[1:]:
        if not may(os.stat(walked), account.pw_uid, groups, 1):
            return walked, "x"
        walked = os.path.join(walked, part)
    return None if may(os.stat(path), account.pw_uid, groups, 2) else (path, "w")


def is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def ask(where, question, enough):
    """The answer, or a word about why there is none (second of the pair)"""
    family, place = where
    try:
        with socket.socket(family) as s:
            s.settimeout(SECONDS)
            s.connect(place)
            s.sendall(question)
            answer = b""
            while not enough(answer):
                more = s.recv(4096)
                if not more:
                    return answer, "closed without an answer"
                answer += more
            return answer, None
    except TimeoutError:
        return b"", f"no answer within {SECONDS:g} s"
    except OSError as e:
        return b"", e.strerror


def policy(where):
    """None when a policy service answers there, else why not"""
    answer, why = ask(where, POLICY, lambda a: a.endswith(b"\n\n"))
    return why or (None if answer.startswith(b"action=") else f"not a policy service: {answer[:60]!r}")


def milter(where):
    """None when a milter answers there, else why not"""
    answer, why = ask(where, OPTIONS, lambda a: len(a) >= 5)
    return why or (None if answer[4:5] == b"O" else f"not a milter: {answer[:20]!r}")


def lmtp(where):
    """None when an LMTP server greets there, else why not"""
    answer, why = ask(where, b"QUIT\r\n", lambda a: a.endswith(b"\n"))
    return why or (None if answer.startswith(b"220 ") else f"not an LMTP server: {answer[:60]!r}")
