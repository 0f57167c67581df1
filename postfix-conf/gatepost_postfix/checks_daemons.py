# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the way from Postfix to the daemons: sockets, permissions, answers."""
import os

from . import probe
from .checks_base import rule
from .checks_main import route

SILENT = {"policyd": probe.policy, "milter": probe.milter, "feedback": probe.lmtp}
SOCKETS = {"policyd": "policy", "milter": "milter", "feedback": "feedback"}


class Delivery:
    """The delivery service that returned mail is given to"""

    def __init__(self, service):
        self.service = service

    def __str__(self):
        return f"master.cf, {self.service.name} {self.service.type}"


def ways(wiring):
    """{place: (program, {listener or delivery, ...})} of the sockets of ours that Postfix names"""
    found = {}
    service, place = route(wiring)
    if wiring.returns and place == wiring.feedback_place and f"{service}/unix" in wiring.view.services:
        found[place] = ("feedback", {Delivery(wiring.view.services[f"{service}/unix"])})
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
                    f"name the socket relative to {wiring.queue}: unix:gatepost/{SOCKETS[program]}.sock"


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


def silent(wiring, wanted):
    for program, where, place in reached(wiring):
        why = SILENT[program](where) if program == wanted else None
        if why:
            yield place, f"gatepost-{program} does not answer: {why}", f"systemctl restart gatepost-{program}"


@rule
def policy_silent(wiring):
    yield from silent(wiring, "policyd")


@rule
def milter_silent(wiring):
    yield from silent(wiring, "milter")


@rule
def feedback_silent(wiring):
    yield from silent(wiring, "feedback")


@rule
def command_filter_readable(wiring):
    path = os.path.join(wiring.directory, "gatepost", "command_filter")
    if os.path.exists(path) and not os.stat(path).st_mode & 0o004:
        yield path, "not readable for all", f"chmod 0644 {path}"
