# SPDX-License-Identifier: GPL-3.0-or-later
"""The step of the tour that shows what becomes of what comes back: a bounce, an unsubscribe, and the figures."""
import json
import re
import time

import process
import sample
import smtp

GONE = "550 5.1.1 No such user here"


def somebody(name, one):
    """An address that no earlier tour in this state directory had"""
    return f"{name}-{int(time.time())}@{one[0]}.example.com"


def submitted(guide, one, recipient):
    with smtp.Client(guide.relay.port, one[1]) as client:
        client.hello()
        guide.good(client.submit(f"app@{one[2]}", recipient, smtp.message("news", recipient, f"app@{one[2]}")),
                   f"submitted to {recipient}")


def row(guide, one, recipient):
    """Its row in the list of the suppressed, once it has one"""
    def look():
        listed = json.loads(guide.relay.ctl("suppress", "list", "--agency", one[0], "--json").stdout)["suppressions"]
        return next((r for r in listed if r["address"] == recipient), None)
    return process.wait_for(f"{recipient} to be suppressed", look)


def refused(guide, one, recipient):
    why = row(guide, one, recipient)
    client = guide.client(one[1])
    client.say("HELO client.test")
    client.mail(f"app@{one[2]}")
    guide.milters(client.rcpt(recipient), "suppressed", "RCPT", f"{why['why']}, since {why['since'][:10]}")
    guide.good(client.rcpt("someone.else@example.com"), "another recipient is good, in the same transaction")
    client.quit()


def bounce(guide, one):
    guide.step("What came back is understood: a bounce", "The world (the sink) refuses a recipient. Postfix reports that "
               "to the return path, and writes it to its log;\ngatepost-feedback reads both, and counts it once. Until the "
               "retest no message to that address is accepted.")
    recipient = somebody("nobody", one)
    guide.relay.sink_says(recipient, GONE)
    submitted(guide, one, recipient)
    found = row(guide, one, recipient)
    guide.holds((found["reason"], found["why"]) == ("hard-bounce", GONE), "suppressed in the remote server's words",
                f"{found}")
    refused(guide, one, recipient)
    guide.ctl("suppress", "list", "--agency", one[0])
    guide.line()
    guide.ctl("suppress", "history", recipient)


def unsubscribe(guide, one):
    guide.step("What came back is understood: an unsubscribe", "A mail to the address in List-Unsubscribe, as a reader's "
               "mail program sends it. An out-of-office is no wish.")
    recipient = somebody("reader", one)
    submitted(guide, one, recipient)
    _, left = guide.relay.wait_delivered(recipient)[0]
    to, subject = re.search(rb"<mailto:([^?>]+)\?subject=([^>]+)>", left).groups()
    for about, extra in (("Out of office", "Auto-Submitted: auto-replied\r\n"), (subject.decode(), "")):
        with smtp.Client(guide.relay.return_port, "127.0.0.200") as client:
            client.hello("mx.example.com")
            guide.good(client.submit(recipient, to.decode(), smtp.message(about, to.decode(), recipient, extra=extra)),
                       "the out-of-office" if extra else "the unsubscribe mail")
    refused(guide, one, recipient)
    guide.ctl("archive", "list", "--last", "3")


def figures(guide, one):
    guide.step("What came back is understood: figures", "Accepted, delivered, bounced: each message once, from Postfix's "
               f"log and what came to {sample.RETURN_PATH}.")
    guide.ctl("report", "--agency", one[0])


STEPS = [bounce, unsubscribe, figures]
