# SPDX-License-Identifier: GPL-3.0-or-later
"""The last steps of the tour: what comes back, and one message as submitted beside the message as it left."""
import re

import process
import sample
import smtp


def delivered_one(guide, one, recipient):
    """A message through the relay, quietly: (as submitted, envelope as it left, bytes as they left)"""
    text = smtp.message("as submitted", recipient, f"app@{one[2]}")
    with smtp.Client(guide.relay.port, one[1]) as client:
        client.hello()
        guide.good(client.submit(f"app@{one[2]}", recipient, text), "submitted")
    envelope, left = guide.relay.wait_delivered(recipient)[0]
    return text, envelope, left.decode("utf-8", "backslashreplace")


def comes_back(guide, one):
    guide.step("What comes back", f"The return path's listener takes mail for {sample.RETURN_PATH} that bears a token of "
               "ours, and for its\npostmaster and abuse. All of it goes to gatepost-feedback, which keeps it as it came and acts on it.")
    _, envelope, left = delivered_one(guide, one, "returns@example.com")
    token = envelope["mail_from"]
    forged = token[:5] + ("a" if token[5] != "a" else "b") + token[6:]
    unsubscribe = re.search(r"<mailto:([^?>]*)", left)
    client = guide.client("127.0.0.200", port=guide.relay.return_port)
    client.say("HELO mx.example.com")
    client.mail("")
    guide.policyds(client.rcpt(forged), "token-forged", "RCPT, one character changed")
    guide.policyds(client.rcpt(f"anybody@{sample.RETURN_PATH}"), "token-forged", "RCPT")
    reply = client.rcpt("someone@example.org")
    guide.holds(reply.code == 554, "nothing is relayed from there", f"answered: {reply}")
    wanted = [token, f"postmaster@{sample.RETURN_PATH}"] + ([unsubscribe.group(1)] if unsubscribe else [])
    before = len(guide.relay.returned())
    for recipient in wanted:
        client.say("RSET")
        client.mail("")
        reply = client.rcpt(recipient)
        guide.good(reply if reply.code != 250 else client.data(smtp.message("back", recipient, "mx@example.com")),
                   "a valid one is taken")
    client.quit()
    process.wait_for("what came back", lambda: len(guide.relay.returned()) == before + len(wanted))
    guide.holds(True, f"{len(wanted)} messages in {guide.relay.path('db', 'archive')}; gatepostctl archive list shows them")


def header_lines(text):
    return text.split("\r\n\r\n", 1)[0].split("\r\n")


def side_by_side(guide, one):
    guide.step("One message, as submitted and as it left")
    text, envelope, left = delivered_one(guide, one, "compared@example.com")
    before, after = header_lines(text), header_lines(left)
    guide.line(f"  as submitted   MAIL FROM:<app@{one[2]}>")
    guide.line("                 RCPT TO:<compared@example.com>")
    for line in before:
        guide.line(f"                 {line}")
    guide.line()
    guide.line(f"  as it left   + MAIL FROM:<{envelope['mail_from']}> {envelope['mail_parameters']}")
    guide.line("                 RCPT TO:<" + ">, <".join(envelope["rcpt_to"]) + ">")
    for line in after:
        guide.line(f"               {' ' if line in before else '+'} {line}")
    guide.holds(re.fullmatch(r"b[a-z2-7]{32}@" + re.escape(sample.RETURN_PATH), envelope["mail_from"]) is not None,
                "the sender is a signed return path", f"it is {envelope['mail_from']}")
    guide.holds(f"ENVID={envelope['mail_from'].partition('@')[0]}" in envelope["mail_parameters"]
                and "RET=HDRS" in envelope["mail_parameters"], "ENVID and RET are set", envelope["mail_parameters"])
    guide.holds(f"X-Gatepost-Source: {one[0]}" in after, "X-Gatepost-Source names the agency")
    guide.holds(all(line in after for line in before), "every header of the agency's is still there")
    guide.holds(text.split("\r\n\r\n", 1)[1] == left.split("\r\n\r\n", 1)[1], "the body is the same")
