# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about Gatepost's listeners: what one smtpd service of master.cf sees, its own -o laid over main.cf."""
import os
import re

from .checks_base import ALL, PROFILES, per_listener, rule, seconds
from .checks_main import holds
from .text import listed

CLIENT, RELAY, RECIPIENT = (f"smtpd_{x}_restrictions" for x in ("client", "relay", "recipient"))


@rule
def no_listener(wiring):
    if not wiring.submissions:
        handed = [s for s in wiring.view.services.values() if s.command == "postscreen"]
        if handed and any(x.service.type == "pass" for x in wiring.others):
            return
        yield "master.cf", "no listener asks Gatepost about agencies", "gatepost-postfix enable --submission ADDR:PORT"


@rule
def postscreen_passes_by(wiring):
    screens = [s for s in wiring.view.services.values() if s.command == "postscreen"]
    for other in wiring.others:
        if screens and other.service.type == "pass" and not wiring.submissions:
            yield str(other), f"postscreen on {screens[0].name} hands its clients to this service, which does not ask " \
                "Gatepost", f"gatepost-postfix enable --submission {screens[0].name}"


@rule
def no_return_listener(wiring):
    here = any(holds(wiring, n, wiring.settings.return_path) for n in ("relay_domains", "virtual_mailbox_domains"))
    if wiring.submissions and not wiring.returns and here:
        yield "master.cf", "no listener takes returned mail (profile gatepost-return): bounces from the world are lost", \
            "gatepost-postfix enable --return ADDR:PORT"


@rule
def profile_unknown(wiring):
    for listener in wiring.listeners:
        for name in {listener.profile, *listener.contexts} - set(PROFILES):
            if name.startswith("gatepost-"):
                yield str(listener), f"{name} is no profile of Gatepost and counts as gatepost-address; there are: " \
                    + ", ".join(PROFILES), listener.option("milter_macro_daemon_name", "gatepost-address")


@per_listener("listeners")
def profile_differs(wiring, listener):
    if listener.contexts and listener.contexts != {listener.profile} and listener.profile in PROFILES:
        yield f"the milter is told {listener.profile}, policyd {', '.join(sorted(listener.contexts)) or 'nothing'}", \
            listener.option("milter_macro_daemon_name", sorted(listener.contexts)[0])


@per_listener("listeners")
def profile_missing(wiring, listener):
    if not listener.profile.startswith("gatepost-"):
        yield f"milter_macro_daemon_name = {listener.profile}: the milter does not learn the listener's profile", \
            listener.option("milter_macro_daemon_name", (sorted(listener.contexts) or ["gatepost-address"])[0])


# --- policy -----------------------------------------------------------------------------------------------------------

@per_listener("listeners")
def delay_reject(wiring, listener):
    if listener.values["smtpd_delay_reject"] != "no":
        yield "smtpd_delay_reject = yes: policyd is not asked at CONNECT, everyone gets as far as RCPT", \
            listener.option("smtpd_delay_reject", "no")


@per_listener("submissions")
def connect_policy(wiring, listener):
    if listener.gatepost_at(CLIENT) < 0:
        yield f"{CLIENT} does not ask policyd: nobody is refused at CONNECT", \
            listener.option(CLIENT, "$" + listener.profile.replace("-", "_"))


@per_listener("submissions")
def connect_permit(wiring, listener):
    before = [w for w in listed(listener.values[CLIENT])[:max(listener.gatepost_at(CLIENT), 0)] if w.startswith("permit")]
    if before:
        yield f"{CLIENT}: {before[0]} stands before policyd, which then is not asked about those clients", \
            f"in {CLIENT} of {listener}: take {before[0]} away"


@per_listener("submissions")
def relay_policy(wiring, listener):
    if listener.gatepost_at(RELAY) < 0:
        yield f"{RELAY} does not ask policyd: agencies may not relay, or others may", \
            listener.option(RELAY, f"${listener.profile.replace('-', '_')}, reject")


@per_listener("submissions")
def relay_permit(wiring, listener):
    at = listener.gatepost_at(RELAY)
    before = [w for w in listed(listener.values[RELAY])[:max(at, 0)] if w.startswith("permit")]
    if before:
        yield f"{RELAY}: {before[0]} stands before policyd: those clients relay without being asked", \
            f"in {RELAY} of {listener}: take {before[0]} away"


@per_listener("submissions")
def relay_reject(wiring, listener):
    if listener.gatepost_at(RELAY) >= 0 and listed(listener.values[RELAY])[-1] not in ("reject", "defer"):
        yield f"{RELAY} does not end with reject: whom policyd does not admit is let to later rules", \
            listener.option(RELAY, f"${listener.profile.replace('-', '_')}, reject")


@per_listener("submissions")
def recipient_reject(wiring, listener):
    words = listed(listener.values[RECIPIENT])
    if words and words[-1] in ("reject", "defer"):
        yield f"{RECIPIENT} ends with {words[-1]}: recipients that policyd permitted are refused there", \
            listener.option(RECIPIENT, "")


def policy_attributes(listener):
    """Each of Gatepost's policy services in this listener once: (list, place, attributes)"""
    seen = []
    for name, found in listener.policies.items():
        for place, attributes in found:
            if listener.gatepost_policy(place, attributes) and (place, attributes) not in [s[1:] for s in seen]:
                seen.append((name, place, attributes))
    return seen


@per_listener("listeners")
def policy_default_open(wiring, listener):
    for name, _, attributes in policy_attributes(listener):
        action = attributes.get("default_action", "451").upper()
        if not action[:1] in "45" and action.split()[0] not in ("REJECT", "DEFER", "DEFER_IF_PERMIT"):
            yield f"default_action={action}: while policyd is away, nobody is asked", \
                f"in {name}: {{ default_action = 451 4.3.0 General failure, please retry again or contact the support }}"


@per_listener("listeners")
def policy_default_hard(wiring, listener):
    for name, _, attributes in policy_attributes(listener):
        action = attributes.get("default_action", "451").upper()
        if action.startswith("5") or action.startswith("REJECT"):
            yield f"default_action={action}: while policyd is away, mail is lost", \
                f"in {name}: {{ default_action = 451 4.3.0 General failure, please retry again or contact the support }}"


@per_listener("listeners")
def policy_default_missing(wiring, listener):
    for name, _, attributes in policy_attributes(listener):
        if "default_action" not in attributes:
            yield "no default_action: while policyd is away, clients read 'Server configuration problem'", \
                f"in {name}: {{ default_action = 451 4.3.0 General failure, please retry again or contact the support }}"


# --- milter -----------------------------------------------------------------------------------------------------------

@per_listener("submissions")
def milter_overridden(wiring, listener):
    if not listener.milters and "smtpd_milters" in listener.overridden:
        yield "-o smtpd_milters= empties the list: messages pass Gatepost unseen", \
            listener.option("smtpd_milters", wiring.template.main["smtpd_milters"].value)


@per_listener("submissions")
def milter_missing(wiring, listener):
    if listener.milter_index < 0 and (listener.milters or "smtpd_milters" not in listener.overridden):
        yield f"smtpd_milters lacks {wiring.milter_place}: messages pass Gatepost unseen", \
            listener.option("smtpd_milters", wiring.template.main["smtpd_milters"].value)


@per_listener("submissions")
def milter_not_last(wiring, listener):
    if 0 <= listener.milter_index < len(listener.milters) - 1:
        yield f"{listener.milters[-1][0]} stands behind Gatepost in smtpd_milters and changes what is judged and signed", \
            f"in smtpd_milters of {listener}: move {wiring.milter_place} to the end"


@per_listener("submissions")
def milter_default(wiring, listener):
    if listener.milter_index >= 0:
        _, attributes = listener.milters[listener.milter_index]
        action = attributes.get("default_action", listener.values["milter_default_action"])
        if action != "tempfail":
            yield f"default_action={action} for the milter: while it is away, mail " + \
                ("is lost" if action == "reject" else "passes unseen"), "in smtpd_milters: default_action=tempfail"


@per_listener("submissions")
def milter_tcp(wiring, listener):
    if listener.milter_index >= 0 and listener.milters[listener.milter_index][0].startswith("inet:"):
        yield "the milter is reached over TCP: each changed message waits 40 ms", \
            'in gatepost.conf: milter_listen = "unix:/var/spool/postfix/gatepost/milter.sock"'


@per_listener("submissions")
def milter_maps(wiring, listener):
    if listener.values["smtpd_milter_maps"]:
        yield f"smtpd_milter_maps = {listener.values['smtpd_milter_maps']}: clients listed there skip the milter", \
            listener.option("smtpd_milter_maps", "")


@per_listener("submissions")
def milters_switched_off(wiring, listener):
    if "no_milters" in listener.values["receive_override_options"]:
        yield "receive_override_options holds no_milters: messages pass Gatepost unseen", \
            f"in receive_override_options of {listener}: take no_milters away"


@per_listener("submissions")
def command_filter(wiring, listener):
    if "gatepost/command_filter" not in listener.values["smtpd_command_filter"]:
        yield "smtpd_command_filter is not Gatepost's: malformed recipients get Postfix's words instead of 501 5.5.2", \
            listener.option("smtpd_command_filter", wiring.template.main["smtpd_command_filter"].value)


@per_listener("submissions")
def command_filter_file(wiring, listener):
    path = listener.values["smtpd_command_filter"].partition(":")[2]
    path = path.replace("${config_directory}", wiring.directory).replace("$config_directory", wiring.directory)
    if path and not os.path.isfile(path):
        yield f"{path} is not there: smtpd cannot start", f"install -D -m 0644 {wiring.template.command_filter} {path}"


# --- the rest of smtpd ------------------------------------------------------------------------------------------------

def needs(name, good, why, mend, which="submissions"):
    @per_listener(which)
    def test(wiring, listener):
        if not good(listener.values[name]):
            yield f"{name} = {listener.values[name]}: {why}", listener.option(name, mend)
    return test


def put(identity, *rest):
    needs(*rest)
    ALL[identity] = ALL.pop("test")


put("helo", "smtpd_helo_required", lambda v: v == "yes", "without HELO the milter's words cannot be said in time", "yes")
put("vrfy", "disable_vrfy_command", lambda v: v == "yes", "VRFY tells strangers what exists", "yes", "listeners")
put("dsn", "smtpd_discard_ehlo_keywords", lambda v: "dsn" in re.split(r"[\s,]+", v.lower()), "a client's NOTIFY=NEVER "
    "would silence our bounces", "silent-discard, dsn")
put("header-rewrite", "local_header_rewrite_clients", lambda v: v == "", "headers of these clients are rewritten and "
    "completed", "")
put("peername", "smtpd_peername_lookup", lambda v: v == "no", "a slow DNS delays each greeting", "no")
put("bare-newline", "smtpd_forbid_bare_newline", lambda v: v not in ("no",), "a message can be smuggled inside another",
    "normalize", "listeners")
put("bare-newline-exclusions", "smtpd_forbid_bare_newline_exclusions", lambda v: v == "", "these clients can smuggle a message "
    "inside another", "", "listeners")
put("connection-count", "smtpd_client_connection_count_limit", lambda v: v == "0" or int(v) >= 100, "Postfix's own limit "
    "answers before the agency's", "250")
put("connection-rate", "smtpd_client_connection_rate_limit", lambda v: v == "0", "Postfix's own limit answers before the "
    "agency's", "0")
put("message-rate", "smtpd_client_message_rate_limit", lambda v: v == "0", "Postfix's own limit answers before the agency's",
    "0")
put("recipient-rate", "smtpd_client_recipient_rate_limit", lambda v: v == "0", "Postfix's own limit answers before the "
    "agency's", "0")
put("reject-footer", "smtpd_reject_footer", lambda v: v == "", "it is added to Gatepost's replies, whose words are agreed", "")
put("timeout", "smtpd_timeout", lambda v: seconds(v) >= 300, "clients that wait for their next message are cut off", "300s")


@per_listener("submissions")
def error_limit(wiring, listener):
    recipients = int(listener.values["smtpd_recipient_limit"])
    for name in ("smtpd_soft_error_limit", "smtpd_hard_error_limit"):
        if int(listener.values[name]) <= recipients:
            yield f"{name} = {listener.values[name]} is not above smtpd_recipient_limit = {recipients}: a stock forwarder is " \
                "disconnected before its first recipient is delivered", listener.option(name, str(recipients + 1))


@per_listener("crowded")
def processes(wiring, listener):
    text = listener.service.fields[6]
    limit = int(text) if text.isdigit() else int(wiring.view.values["default_process_limit"])
    if 0 < limit < 200:
        yield f"at most {limit} sessions at once (maxproc): agencies wait for each other at the door", \
            f"{listener}: write 500 in the column maxproc"


# --- logins -----------------------------------------------------------------------------------------------------------

put("login-off", "smtpd_sasl_auth_enable", lambda v: v == "yes", "nobody can log in", "yes", "logins")
put("login-clear", "smtpd_tls_auth_only", lambda v: v == "yes", "passwords are taken without TLS", "yes", "logins")
put("login-cyrus", "smtpd_sasl_type", lambda v: v == "dovecot", "failed logins reach Gatepost by Dovecot alone", "dovecot",
    "logins")


@per_listener("logins")
def login_certificate(wiring, listener):
    for name in ("smtpd_tls_cert_file", "smtpd_tls_key_file"):
        path = listener.values[name].replace("$smtpd_tls_cert_file", listener.values["smtpd_tls_cert_file"])
        if not listener.values["smtpd_tls_chain_files"] and not os.path.isfile(path):
            yield f"{name} = {path or '(empty)'}: no such file, so there is no STARTTLS", \
                listener.option(name, wiring.template.main[name].value)


@per_listener("logins")
def login_socket(wiring, listener):
    path = listener.values["smtpd_sasl_path"]
    if listener.values["smtpd_sasl_type"] == "dovecot" and ":" not in path and \
            not os.path.exists(os.path.join(wiring.queue, path)):
        yield f"{os.path.join(wiring.queue, path)}, Dovecot's socket, is not there: smtpd ends at each connection", \
            "set up Dovecot as postfix-conf/relay/login/dovecot.conf says, then systemctl start dovecot"


# --- the return path --------------------------------------------------------------------------------------------------

@per_listener("returns")
def return_milter(wiring, listener):
    if listener.milter_index >= 0:
        yield "the return path's listener has Gatepost's milter, which would judge the world as an agency", \
            listener.option("smtpd_milters", "")


@per_listener("returns")
def return_policy(wiring, listener):
    if listener.gatepost_at(RECIPIENT) < 0:
        yield f"{RECIPIENT} does not ask policyd: forged return paths are let in", \
            listener.option(RECIPIENT, "$gatepost_return, reject")


@per_listener("returns")
def return_reject(wiring, listener):
    words = listed(listener.values[RECIPIENT])
    if listener.gatepost_at(RECIPIENT) >= 0 and words[-1] not in ("reject", "defer"):
        yield f"{RECIPIENT} does not end with reject: address literals of this host are let in as local", \
            listener.option(RECIPIENT, "$gatepost_return, reject")


@per_listener("returns")
def return_connect(wiring, listener):
    if listener.gatepost_at(CLIENT) < 0:
        yield f"{CLIENT} does not ask policyd: sessions there do not learn of a new configuration", \
            listener.option(CLIENT, "$gatepost_return")


@per_listener("returns")
def return_relay(wiring, listener):
    words = listed(listener.values[RELAY])
    if not words or words[0] not in ("reject_unauth_destination", "defer_unauth_destination"):
        yield f"{RELAY} = {listener.values[RELAY] or '(empty)'}: the world could relay here", \
            listener.option(RELAY, "reject_unauth_destination")
