# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into an existing Postfix: a pure function of what it has, of the template and of what is wanted.

A template's parameter goes where it disturbs nothing else that this Postfix does: what only smtpd(8) reads is given to
Gatepost's own listeners; what lmtp(8) reads, to a delivery service of its own for the return path; only what has no
smaller place stands in main.cf for all.
"""
import ipaddress
import re
import socket

from . import Trouble, settings as conf, text

# Read by smtpd alone (besides all smtpd_*): given to the listeners.
LISTENER = {"mynetworks", "disable_vrfy_command", "local_header_rewrite_clients"}
# The administrator's own: other listeners and mailboxes need them. check watches that none of them leads round Gatepost.
KEPT = {"mydestination", "local_recipient_maps", "local_transport", "relay_domains", "virtual_alias_maps",
        "non_smtpd_milters"}
# The return path: delivered by an LMTP service of its own, reached by relay_domains and transport_maps.
MAILBOX, DELIVERY = "virtual_", "lmtp_"
RETURNED = "gatepost-returned"
MILTERS = "smtpd_milters"
# An administrator's lists are for the other listeners; here only policyd lets in.
LISTS = ["smtpd_helo_restrictions", "smtpd_sender_restrictions", "smtpd_recipient_restrictions",
         "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"]
# What would switch the milter off or change what it says, when main.cf has it.
MENDED = {"smtpd_milter_maps": "", "smtpd_reject_footer": "", "soft_bounce": "no"}
# The administrator's certificate serves here too.
CERTIFICATE = {"smtpd_tls_cert_file", "smtpd_tls_key_file"}
LOGINS = ("gatepost-login", "gatepost-both")
OWN = "gatepost-own"
NO_MILTERS = "no_milters"
DISCARD = "smtpd_discard_ehlo_keywords"


class Change:
    """One parameter of main.cf. Values as they stand in a file. piece: what of a list's value is ours; "": all of it"""

    def __init__(self, name, value, reason, piece=""):
        self.name, self.value, self.reason, self.piece = name, value, reason, piece


class NewService:
    """One service of master.cf; taken: the key of the administrator's service whose place it takes, or None"""

    def __init__(self, service, reason, taken=None):
        self.service, self.reason, self.taken = service, reason, taken


class Plan:
    def __init__(self):
        self.changes, self.services, self.removed, self.notes = [], [], [], []


def make(view, template, settings, options):
    """options: {"listen": [[profile, place], ...], "replace": [service, ...]}"""
    plan = Plan()
    places = Places(view, options)
    for name, parameter in template.main.items():
        value = wanted(view, name, parameter.value, settings, options)
        if value is not None and not same(view.set.get(name), value):
            plan.changes.append(Change(name, value, parameter.reason))
    if any(profile == "gatepost-return" for profile, _ in options["listen"]):
        route(plan, view, template, settings)
    for profile, place in options["listen"] + own(settings):
        if profile not in template.listeners:
            raise Trouble(f"{profile}: no listener of this name stands in the template's master.cf; there are: "
                          + ", ".join(template.listeners))
        plan.services.append(listener(view, template, settings, profile, places.find(profile, place)))
    plan.removed = places.replaced
    return plan


def same(old, new):
    return old is not None and " ".join(old.split()) == " ".join(new.split())


def own(settings):
    """The listener for Gatepost's own mail, where gatepost.conf says that it leaves by one of this host's loopback"""
    place = settings.notices.partition("inet:")[2]
    return [[OWN, place]] if place.startswith("127.") else []


# --- main.cf ----------------------------------------------------------------------------------------------------------

def wanted(view, name, value, settings, options):
    """The value main.cf shall have, None when main.cf need not name it"""
    if name in ("mailbox_size_limit", "virtual_mailbox_limit"):
        return at_least(view, name, max(settings.size_limit, number(view, "message_size_limit")), value)
    if name in KEPT or name in LISTENER or name.startswith(("smtpd_", MAILBOX, DELIVERY)):
        return None
    if name == "gatepost_return_path":
        return settings.return_path
    if "check_policy_service" in value:
        if name.replace("_", "-") not in [profile for profile, _ in options["listen"]]:
            return None
        return value.replace("unix:gatepost/policy.sock", socket_name(view, settings.policy_listen))
    if name == "message_size_limit":
        return at_least(view, name, settings.size_limit)
    return value


def number(view, name):
    return int(view.values[name]) if view.values.get(name, "").isdigit() else 0


def at_least(view, name, least, value=None):
    """What it is when that is enough (0 is no limit), else the value or the least; None when the default will do"""
    have = number(view, name)
    if have == 0 or have >= least:
        return view.set.get(name)
    return value or str(least)


def socket_name(view, listen):
    return conf.place(listen, view.values["queue_directory"])


def joined(*lists):
    return ", ".join(x for x in lists if x)


def route(plan, view, template, settings):
    """The return path: accepted as a relay domain, delivered to gatepost-feedback's socket"""
    domain = settings.return_path
    if domain in re.split(r"[\s,]+", view.values.get("mydestination", "")):
        raise Trouble(f"mydestination holds {domain}: the return path is Gatepost's; take it out of mydestination")
    reason = template.main["virtual_transport"].reason
    plan.services.append(NewService(delivery(template), reason))
    table = f"inline:{{ {{ {domain} = {RETURNED}:{socket_name(view, settings.feedback_listen)} }} }}"
    any_user = f"inline:{{ {{ @{domain} = any }} }}"
    for name, piece, first in (("relay_domains", "$gatepost_return_path", False), ("transport_maps", table, True),
                               ("relay_recipient_maps", any_user, False)):
        have = view.raw[name] if name in view.set else view.values[name]
        if have or name != "relay_recipient_maps":
            value = joined(piece, have) if first else joined(have, piece)
            plan.changes.append(Change(name, value, reason, piece))


def delivery(template):
    """lmtp(8) under a name of its own, with what the template says of it"""
    service = text.Service([RETURNED, "unix", "-", "-", "n", "-", "-", "lmtp"])
    service.options.update({n: p.value for n, p in template.main.items() if n.startswith(DELIVERY)})
    return service


# --- master.cf --------------------------------------------------------------------------------------------------------

def listener(view, template, settings, profile, place):
    """place: (name, the administrator's Service or None)"""
    name, own = place
    model, reason = template.listeners[profile]
    service = own.copy() if own else text.Service([name] + model.fields[1:])
    if own and own.fields[6] == "-":
        service.fields[6] = model.fields[6]
    before = view.effective(own) if own else view.values
    raw = {**view.raw, **(own.options if own else {})}
    ours = {}
    for parameter in template.main.values():
        if parameter.for_logins and profile not in LOGINS or parameter.name in CERTIFICATE and certified(before):
            continue
        if parameter.name in LISTENER or parameter.name.startswith("smtpd_"):
            ours[parameter.name] = parameter.value
    ours[MILTERS] = joined(raw[MILTERS], ours[MILTERS].replace("unix:gatepost/milter.sock",
                                                              socket_name(view, settings.milter_listen)))
    ours.update(model.options)
    ours[DISCARD] = joined(*(w for w in re.split(r"[\s,]+", before[DISCARD]) if w not in ours[DISCARD]), ours[DISCARD])
    for parameter in LISTS:
        if before.get(parameter) and parameter not in ours:
            ours[parameter] = ""
    for parameter, value in MENDED.items():
        if before.get(parameter, value) != value:
            ours[parameter] = value
    kept = [w for w in re.split(r"[\s,]+", before.get("receive_override_options", "")) if w]
    if NO_MILTERS in kept and ours[MILTERS]:
        ours["receive_override_options"] = ",".join(w for w in kept if w != NO_MILTERS)
    for parameter, value in ours.items():
        service.options.pop(parameter, None)
        service.options[parameter] = " ".join(value.split())
    return NewService(service, reason, own.key if own else None)


def certified(values):
    return any(values.get(name) for name in ("smtpd_tls_cert_file", "smtpd_tls_chain_files", "smtpd_tls_eccert_file"))


def port_of(name):
    host, _, port = name.rpartition(":")
    if not port.isdigit():
        try:
            port = socket.getservbyname(port, "tcp")
        except OSError:
            return host.strip("[]"), None
    return host.strip("[]"), int(port)


class Places:
    """Where listeners go: a service that is there, or a new place that nobody listens on"""

    def __init__(self, view, options):
        self.view, self.inet = view, {s.name: s for s in view.services.values() if s.type == "inet"}
        self.replaced, self.taken = [], {}
        for name in options.get("replace", []):
            if name not in self.inet:
                raise Trouble(f"--replace {name}: master.cf has no such inet service; it has: {', '.join(self.inet)}")
            self.replaced.append(self.inet.pop(name).key)

    def find(self, profile, name):
        service = self.inet.get(name)
        if service and service.command == "postscreen":
            passed = [s for s in self.view.services.values() if s.type == "pass" and s.command == "smtpd"]
            if not passed:
                raise Trouble(f"{name} is postscreen, and master.cf has no 'smtpd pass' that it could hand clients to")
            service = passed[0]
        elif service and service.command != "smtpd":
            raise Trouble(f"{name} runs {service.command}, not smtpd: name another service or a new ADDR:PORT")
        elif not service:
            self.new(name)
        key = service.key if service else name
        if key in self.taken:
            raise Trouble(f"{name} cannot be {self.taken[key]} and {profile} at once")
        self.taken[key] = profile
        return (service.name, service) if service else (name, None)

    def new(self, name):
        host, port = port_of(name)
        if port is None:
            raise Trouble(f"{name}: neither a service of master.cf ({', '.join(self.inet)}) nor ADDR:PORT")
        for other in [*self.inet, *(k for k in self.taken if "/" not in k)]:
            if self.clash(host, port, *port_of(other)):
                raise Trouble(f"{name} and the service '{other}' would listen on one port: give --replace {other}, or "
                              "another place")

    def clash(self, host, port, other, other_port):
        if port != other_port:
            return False
        if host == other or (not host and not other):
            return True
        if host and other:
            return False
        interfaces = re.split(r"[\s,]+", self.view.values["inet_interfaces"])
        if "all" in interfaces:
            return True
        if "loopback-only" in interfaces:
            return ipaddress.ip_address(host or other).is_loopback
        return (host or other) in interfaces
