# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the way from Postfix to the daemons: sockets, permissions, answers."""
import os

from . import probe
from .checks_base import rule


def ways(wiring):
    """{place: (program, {listener, ...})} of the sockets that Gatepost's listeners name"""
    found = {}
    for listener in wiring.listeners:
        for policies in listener.policies.values():
            for place, attributes in policies:
                if listener.gatepost_policy(place, attributes):
                    found.setdefault(place, ("policyd", set()))[1].add(listener)
        if listener.milter_index >= 0:
            found.setdefault(wiring.milter_place, ("milter", set()))[1].add(listener)
    return found


def reached(wiring):
    """[(program, address, place)] of those that Postfix's user can reach"""
    found = []
    for place, (program, _) in ways(wiring).items():
        where = probe.address(place, wiring.queue)
        if where is None:
            continue
        path = where[1] if isinstance(where[1], str) else None
        if not path or (probe.is_socket(path) and not probe.obstacle(path, wiring.owner)):
            found.append((program, where, place))
    return found


@rule
def policy_socket_differs(wiring):
    for place, (program, listeners) in ways(wiring).items():
        if program == "policyd" and place != wiring.policy_place and not place.startswith("unix:/"):
            yield str(min(listeners, key=str)), f"Postfix asks {place}, policyd listens at {wiring.settings.policy_listen}", \
                f"check_policy_service {{ {wiring.policy_place}, ..."


@rule
def socket_chroot(wiring):
    for place, (program, listeners) in ways(wiring).items():
        for listener in listeners:
            if place.startswith("unix:/") and listener.service.chroot:
                yield str(listener), f"runs chrooted and cannot see {place}", \
                    f"name the socket relative to {wiring.queue}: unix:gatepost/{'policy' if program == 'policyd' else program}.sock"


@rule
def socket_missing(wiring):
    for place, (program, _) in ways(wiring).items():
        where = probe.address(place, wiring.queue)
        if where and isinstance(where[1], str) and not probe.is_socket(where[1]):
            yield where[1], f"gatepost-{program}'s socket is not there", f"systemctl start gatepost-{program}"


@rule
def socket_permission(wiring):
    for place, (program, _) in ways(wiring).items():
        where = probe.address(place, wiring.queue)
        if not where or not isinstance(where[1], str) or not probe.is_socket(where[1]):
            continue
        stop = probe.obstacle(where[1], wiring.owner)
        if stop:
            path, lacks = stop
            group = "chgrp postfix" if lacks == "w" else "chmod o+x"
            yield path, f"lets the user {wiring.owner} not {'write' if lacks == 'w' else 'through'}: Postfix cannot reach " \
                f"gatepost-{program}", f"{group} {path}" + (f" && chmod g+w {path}" if lacks == "w" else "")


@rule
def policy_silent(wiring):
    for program, where, place in reached(wiring):
        why = probe.policy(where) if program == "policyd" else None
        if why:
            yield place, f"gatepost-policyd does not answer: {why}", "systemctl restart gatepost-policyd"


@rule
def milter_silent(wiring):
    for program, where, place in reached(wiring):
        why = probe.milter(where) if program == "milter" else None
        if why:
            yield place, f"gatepost-milter does not answer: {why}", "systemctl restart gatepost-milter"


@rule
def command_filter_readable(wiring):
    path = os.path.join(wiring.directory, "gatepost", "command_filter")
    if os.path.exists(path) and not os.stat(path).st_mode & 0o004:
        yield path, "not readable for all", f"chmod 0644 {path}"
