# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the listener by which Gatepost's own mail leaves: notices, and what people write to the return path."""
from . import plan
from .checks_base import per_listener, rule
from .text import listed

RELAY, SENDER = "smtpd_relay_restrictions", "smtpd_sender_restrictions"


@rule
def no_own_listener(wiring):
    for profile, place in plan.own(wiring.settings):
        if not any(plan.port_of(x.service.name)[1] == plan.port_of(place)[1] for x in wiring.owns):
            yield "master.cf", f"nobody listens at {place} for Gatepost's own mail (`notices` of {wiring.gatepost_file})", \
                f"gatepost-postfix enable (it adds the listener {profile})"


@per_listener("owns")
def own_exposed(wiring, listener):
    if not listener.service.name.startswith(("127.", "[::1]", "localhost:")):
        yield "Gatepost's own mail enters by a listener that others can reach", \
            f"{listener}: listen on 127.0.0.1 alone, and set `notices` of gatepost.conf so"


@per_listener("owns")
def own_relay(wiring, listener):
    if listed(listener.values[RELAY]) != ["permit_mynetworks", "reject"]:
        yield f"{RELAY} = {listener.values[RELAY] or '(empty)'}: more or less than this machine relays there", \
            listener.option(RELAY, "permit_mynetworks, reject")


@per_listener("owns")
def own_sender(wiring, listener):
    if listed(listener.values[SENDER])[-1:] != ["reject"]:
        yield f"{SENDER} = {listener.values[SENDER] or '(empty)'}: mail with any sender leaves there without limits", \
            listener.option(SENDER, "check_sender_access inline:{ <>=OK }, reject")
