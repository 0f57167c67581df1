# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated gatepost.conf and the agencies of the sample: loopback addresses, so that one machine plays many clients."""

import os

import dkim_keys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATED = "# Generated for this state directory"
RELAY_NAME = "relay.example.gov"
RETURN_PATH = "b.example.gov"
PUBLIC_URL = "https://mail.example.gov"


def quoted(value):
    """A value as libconfig reads it: text, a list of texts, or a list of groups; () is a list without any."""
    if value == ():
        return "()"
    if isinstance(value, dkim_keys.Wanted):
        return f"$DKIM({value})"
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return "( " + ",\n    ".join("{ " + " ".join(f"{k} = {quoted(v)}" for k, v in group.items()) + " }"
                                     for group in value) + " )"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(quoted(v) for v in value) + " ]" if value else "[]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def configuration(state, instance="", **changes):
    """gatepost.conf for a state directory; instance "-2" is a second milter beside the first. None drops a setting."""
    settings = {
        "relay_name": RELAY_NAME,
        "return_path": RETURN_PATH,
        "public_url": PUBLIC_URL,
        "counters": [f"{state}/run/memcached.sock"],
        "on_counter_loss": "local",
        "database": f"{state}/db/gatepost.db",
        "token_keys": f"{state}/keys/token",
        "dkim": dkim_keys.entries(f"{state}/keys", RELAY_NAME),
        "drain_timeout": "2s",
        "policy_listen": f"unix:{state}/spool/gatepost/policy.sock",
        "milter_listen": f"unix:{state}/spool/gatepost/milter{instance}.sock",
        "run_directory": f"{state}/run{instance}",
        "user": "nobody",
        "group": "postfix",
        "log": "stderr",
        "feedback_listen": f"unix:{state}/spool/gatepost/feedback.sock",
        "archive": f"{state}/db/archive",
        "maildir": f"{state}/returned",
        "dictionaries": [os.path.join(ROOT, "feedback", "dictionary")],
    }
    settings.update(changes)
    lines = [f"{name} = {quoted(value)}\n" for name, value in settings.items() if value is not None]
    return GENERATED + "; gatepost.conf(5)\n" + "".join(lines)


def agency(name, production, domains, limits=None, **more):
    """One group of an agencies file; production stands before sender_domains."""
    lines = [f"{name} = {{", f"  contact        = {quoted(f'mail-ops@{name}.example.gov')}",
             f"  production     = {quoted(production)}"]
    lines += [f"  {key:<14} = {quoted(value)}" for key, value in more.items()]
    lines.append(f"  sender_domains = {quoted(domains)}")
    if limits:
        lines.append("  limits         = {")
        lines += [f"    {key:<20} = {quoted(value)}" for key, value in limits.items()]
        lines.append("  }")
    return "\n".join(lines + ["}", ""])


WIDE = {"sessions": "500", "messages_per_session": "1000", "rate": ["100000/1m"]}

# Every agency has one tight limit, so that the tour shows each rule alone.
SAMPLE = "\n".join([
    "# The sample agencies of ./quickstart. Loopback addresses: one machine plays many clients.",
    "",
    agency("dol", ["127.0.0.10", "127.0.0.11"], ["dol.example.gov", ".dol.example.gov"], standby=["127.0.0.12"],
           logins=["dol-app"], dkim=dkim_keys.Wanted("dol.example.gov"), limits={"message_size": "100K", "rate": ["2000/1m"], "messages_per_session": "1000"}),
    agency("census", ["127.0.0.20"], ["census.example.gov"], limits={"rate": ["3/1m"]}),
    agency("parks", ["127.0.0.30"], ["parks.example.gov"], limits={"package": "2/day"}),
    agency("weather", ["127.0.0.40"], ["weather.example.gov"], limits={"sessions": "2"}),
    agency("treasury", ["127.0.0.50"], ["treasury.example.gov"],
           limits={"messages_per_session": "2", "session_time": "3s"}),
    agency("archives", ["127.0.0.60"], ["archives.example.gov"], limits={"sessions": "50"}),
])
