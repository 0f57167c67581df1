# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix-conf/relay read as data: parameters and listeners, each with the reason that stands above it."""
import os

from . import text

HERE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "relay"))


class Parameter:
    """for_logins: only listeners where agencies log in need it"""

    def __init__(self, name, value, reason, for_logins):
        self.name, self.value, self.reason, self.for_logins = name, value, reason, for_logins


class Template:
    """main: {name: Parameter}; listeners: {profile: (Service, reason)}; command_filter: path of the table"""

    def __init__(self, directory=HERE):
        self.command_filter = os.path.join(directory, "command_filter")
        self.main, self.listeners = {}, {}
        for part in (directory, os.path.join(directory, "login")):
            for raw, reason in explained(os.path.join(part, "main.cf")):
                name, _, value = raw.partition("=")
                self.main[name.strip()] = Parameter(name.strip(), value.strip(), reason, part != directory)
            for raw, reason in explained(os.path.join(part, "master.cf")):
                service = text.Service.parse(raw)
                self.listeners[service.options["milter_macro_daemon_name"]] = (service, reason)


def explained(path):
    """[(raw entry, the comment above its group)]; an empty line ends a group"""
    found, reason, taken = [], [], False
    with open(path, encoding="utf-8") as f:
        for line in f:
            if not line.strip():
                reason, taken = [], False
            elif line.startswith("#"):
                if taken:
                    reason, taken = [], False
                if not line.startswith("# ---"):
                    reason.append(line[1:].strip())
            elif line[0].isspace():
                found[-1] = (found[-1][0] + line, found[-1][1])
            else:
                taken = True
                found.append((line, " ".join(reason)))
    return found
