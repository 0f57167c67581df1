# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about main.cf: what holds for every process of this Postfix."""
import subprocess

from . import plan, text
from .checks_base import rule
from .text import listed, unbraced

MAIN = "main.cf"


@rule
def duplicate(wiring):
    for name, found in text.parameters(wiring.view.main_text).items():
        if len(found) > 1:
            yield MAIN, f"{name} stands {len(found)} times, the last one holds; a reload with duplicates can hang Postfix", \
                wiring.main(name, found[-1].parameter[1]) + ", then take the others away"


@rule
def duplicate_service(wiring):
    for key, found in text.services(wiring.view.master_text).items():
        if len(found) > 1:
            yield "master.cf", f"{key} stands {len(found)} times, the last one holds", f"take all but one line {key} away"


def needs(name, good, why, mend):
    """A rule: this parameter of main.cf must be so"""
    def test(wiring):
        if not good(wiring.view.values[name]):
            yield MAIN, f"{name} = {wiring.view.values[name]}: {why}", wiring.main(name, mend)
    return test


for _id, *_rest in (
        ("long_queue_ids", "enable_long_queue_ids", lambda v: v == "yes", "queue ids are used twice, a log line may mean "
         "another message", "yes"),
        ("line_length", "smtp_line_length_limit", lambda v: v == "0", "lines longer than that are folded after signing, and "
         "the signature breaks", "0"),
        ("mime_conversion", "disable_mime_output_conversion", lambda v: v == "yes", "8-bit messages are recoded after "
         "signing, and the signature breaks", "yes"),
        ("stray_cr_lf", "cleanup_replace_stray_cr_lf", lambda v: v == "yes", "a receiver that takes a lone CR for the end of "
         "a line may find a message smuggled inside another", "yes"),
        ("percent_hack", "allow_percent_hack", lambda v: v == "no", "user%domain names a recipient in a second way", "no"),
        ("bang_path", "swap_bangpath", lambda v: v == "no", "host!user names a recipient in a second way", "no"),
        ("soft_bounce", "soft_bounce", lambda v: v == "no", "every 5xx leaves as 4xx, and clients retry for ever", "no")):
    _test = needs(*_rest)
    _test.__name__ = _id
    rule(_test)


@rule
def size_limit(wiring):
    limit, least = int(wiring.view.values["message_size_limit"]), wiring.settings.size_limit
    if 0 < limit < least:
        yield MAIN, f"message_size_limit = {limit}: Postfix would answer before Gatepost can; message_size_ceiling and " \
            f"1 MiB make {least}", wiring.main("message_size_limit", least)


@rule
def size_limit_smtpd(wiring):
    for listener in wiring.listeners:
        if "message_size_limit" in listener.overridden:
            yield str(listener), "message_size_limit given to smtpd alone: cleanup(8) still applies that of main.cf", \
                f"in {listener}: take -o message_size_limit away"


@rule
def mailbox_limit(wiring):
    values = wiring.view.values
    for name in ("mailbox_size_limit", "virtual_mailbox_limit"):
        limit = int(values[name])
        if 0 < limit < int(values["message_size_limit"]):
            yield MAIN, f"{name} = {limit} is below message_size_limit: deliveries stop", wiring.main(name, 0)


@rule
def non_smtpd_milter(wiring):
    kept = [w for w in listed(wiring.view.values["non_smtpd_milters"]) if unbraced(w)[0] != wiring.milter_place]
    if len(kept) != len(listed(wiring.view.values["non_smtpd_milters"])):
        yield MAIN, "non_smtpd_milters holds Gatepost's milter: sendmail(1) and bounces come from no agency and would be " \
            "refused", wiring.main("non_smtpd_milters", ", ".join(kept))


@rule
def bounce_filter(wiring):
    if "bounce" in wiring.view.values["internal_mail_filter_classes"]:
        yield MAIN, "internal_mail_filter_classes holds bounce: Postfix's own bounces go through milters", \
            wiring.main("internal_mail_filter_classes", "")


def holds(wiring, name, domain):
    """Does a list of domains (names and tables) hold this one? None: a table could not be asked"""
    unsure = False
    for word in listed(wiring.view.values[name]):
        if word.lower() == domain:
            return True
        if ":" in word:
            done = subprocess.run(["postmap", "-c", wiring.directory, "-q", domain, word], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            if done.returncode == 0 and done.stdout.strip():
                return True
            unsure = unsure or "fatal" in done.stderr or "warning" in done.stderr
    return None if unsure else False


@rule
def return_path_differs(wiring):
    have = wiring.view.set.get("gatepost_return_path", "")
    if have and have != wiring.settings.return_path:
        yield MAIN, f"gatepost_return_path = {have}, but {wiring.gatepost_file} says {wiring.settings.return_path}", \
            "gatepost-postfix enable (it takes it from gatepost.conf)"


@rule
def return_path_local(wiring):
    domain = wiring.settings.return_path
    if holds(wiring, "mydestination", domain):
        yield MAIN, f"mydestination holds {domain}: returned mail goes to local users", f"take {domain} out of mydestination"


@rule
def return_route(wiring):
    domain = wiring.settings.return_path
    if not wiring.returns:
        return
    if not any(holds(wiring, n, domain) is not False for n in ("virtual_mailbox_domains", "relay_domains", "mydestination")):
        yield MAIN, f"{domain} (return_path) is no domain of this Postfix: all returned mail is refused", \
            wiring.main("relay_domains", plan.joined(wiring.view.raw["relay_domains"], "$gatepost_return_path"))


def asked(wiring, name, domain):
    """What a list of tables says of a domain; "" nothing, None: a table could not be asked"""
    for word in listed(wiring.view.values[name]):
        done = subprocess.run(["postmap", "-c", wiring.directory, "-q", domain, word], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
        if "fatal" in done.stderr or "warning" in done.stderr:
            return None
    return ""


def route(wiring):
    """(delivery service, place) that returned mail takes; ("", "") when it has no way of its own"""
    way = asked(wiring, "transport_maps", wiring.settings.return_path)
    if way == "" and holds(wiring, "virtual_mailbox_domains", wiring.settings.return_path):
        way = wiring.view.values["virtual_transport"]
    service, _, place = (way or "").partition(":")
    return service, place


@rule
def return_transport(wiring):
    """A relay domain with no route of its own goes to its MX, which is this host: mail loops back to myself."""
    domain = wiring.settings.return_path
    if wiring.returns and holds(wiring, "relay_domains", domain) and asked(wiring, "transport_maps", domain) == "":
        yield MAIN, f"{domain} is relayed but transport_maps has no way for it: it would loop to this host's own MX", \
            "gatepost-postfix enable (it adds the way)"


@rule
def return_elsewhere(wiring):
    """Bounces that gatepost-feedback never sees suppress nobody."""
    service, place = route(wiring)
    if wiring.returns and service and place != wiring.feedback_place:
        yield MAIN, f"mail for {wiring.settings.return_path} goes to {service}:{place}, gatepost-feedback listens at " \
            f"{wiring.settings.feedback_listen}", f"gatepost-postfix enable (the way is {plan.RETURNED}:{wiring.feedback_place})"


@rule
def return_service(wiring):
    service, _ = route(wiring)
    if wiring.returns and service and f"{service}/unix" not in wiring.view.services:
        yield "master.cf", f"mail for {wiring.settings.return_path} is given to {service}, and there is no such service", \
            "gatepost-postfix enable (it adds the service)"
