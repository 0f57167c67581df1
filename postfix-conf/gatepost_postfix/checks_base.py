# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rule of check builds on: findings, the table of rules, a listener as its processes see it."""
import re

from . import text
from .text import listed, unbraced

ALL = {}
PROFILES = ("gatepost-address", "gatepost-login", "gatepost-both", "gatepost-return", "gatepost-own")


class Finding:
    def __init__(self, name, where, wrong, mend):
        self.id, self.where, self.wrong, self.mend = name, where, wrong, mend


def rule(test):
    """Put a rule into the table; its name is its id."""
    ALL[test.__name__.replace("_", "-")] = test
    return test


def per_listener(which):
    """A rule told one listener at a time: test(wiring, listener)"""
    def decorate(test):
        def whole(wiring):
            for listener in getattr(wiring, which):
                for wrong, mend in test(wiring, listener):
                    yield str(listener), wrong, mend
        whole.__name__ = test.__name__
        return rule(whole)
    return decorate


def seconds(value):
    found = re.fullmatch(r"(\d+)([smhdw]?)", value)
    return int(found.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[found.group(2)] if found else 0


class Listener:
    """One smtpd service of master.cf. values: every parameter as its processes see it"""

    def __init__(self, wiring, service):
        self.wiring, self.service = wiring, service
        self.values = wiring.view.effective(service)
        self.overridden = set(service.options)
        self.policies = {n: self.policy_services(n) for n in self.values if n.endswith("_restrictions")}
        self.profile = self.values.get("milter_macro_daemon_name", "")

    def __str__(self):
        return f"master.cf, {self.service.name} {self.service.type}"

    @property
    def contexts(self):
        """Gatepost's profiles that the policy services of this listener name"""
        return {a.get("policy_context", "") for found in self.policies.values() for p, a in found if self.gatepost_policy(p, a)}

    def gatepost_policy(self, place, attributes):
        return place == self.wiring.policy_place or attributes.get("policy_context", "").startswith("gatepost-")

    def policy_services(self, name):
        """[(place, attributes)] of check_policy_service in a restriction list"""
        found, parts = [], listed(self.values.get(name, ""))
        for word, after in zip(parts, parts[1:]):
            if word == "check_policy_service":
                found.append(unbraced(after))
        return found

    def gatepost_at(self, name):
        """Index of Gatepost's policy service among the words of a list, -1"""
        parts = listed(self.values.get(name, ""))
        for i, (word, after) in enumerate(zip(parts, parts[1:])):
            if word == "check_policy_service" and self.gatepost_policy(*unbraced(after)):
                return i
        return -1

    @property
    def milters(self):
        return [unbraced(w) for w in listed(self.values["smtpd_milters"])]

    @property
    def milter_index(self):
        return next((i for i, (place, _) in enumerate(self.milters) if place == self.wiring.milter_place), -1)

    @property
    def ours(self):
        return bool(self.contexts) or self.profile.startswith("gatepost-") or self.milter_index >= 0

    @property
    def is_return(self):
        return self.profile == "gatepost-return" or self.contexts == {"gatepost-return"}

    @property
    def is_own(self):
        return self.profile == "gatepost-own"

    @property
    def is_login(self):
        return self.profile in ("gatepost-login", "gatepost-both")

    def option(self, name, value):
        """how to set a parameter for this listener alone"""
        if name in self.overridden:
            return f"in {self}: -o {text.written(name, value)}"
        return f"in {self}: add -o {text.written(name, value)}"
