# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the tour that use the sample agencies' tight limits, and what an operator does about them."""
import os
import signal
import time

import process
import smtp

CENSUS, PARKS, WEATHER, TREASURY, ARCHIVES = (
    ("census", "127.0.0.20"), ("parks", "127.0.0.30"), ("weather", "127.0.0.40"), ("treasury", "127.0.0.50"),
    ("archives", "127.0.0.60"))


def sender(agency):
    return f"app@{agency[0]}.example.gov"


def note(agency, subject, to="someone@example.com"):
    return smtp.message(subject, to, sender(agency))


def past_rcpt(guide, agency, name):
    """A session that stands before DATA"""
    client = guide.client(agency[1], name)
    client.say("HELO client.test")
    client.mail(sender(agency))
    guide.good(client.rcpt("someone@example.com"), "past RCPT")
    return client


def used_up(guide, agency, reason, before):
    """`before` good messages leave one; two sessions go for it; the next one is refused early."""
    client = guide.client(agency[1])
    client.say("HELO client.test")
    for n in range(before):
        guide.good(client.submit(sender(agency), "someone@example.com", note(agency, f"number {n + 1}")))
    client.quit()
    guide.line("One is left, and two sessions are past RCPT: the faster one gets it.")
    a, b = past_rcpt(guide, agency, "A"), past_rcpt(guide, agency, "B")
    guide.good(a.data(note(agency, "the last one")))
    guide.milters(b.data(note(agency, "one too many")), reason, "end of data")
    guide.line("Whoever comes now is told at RCPT, before a message travels in vain.")
    b.mail(sender(agency))
    guide.policyds(b.rcpt("someone@example.com"), reason, "RCPT")
    b.quit()
    a.quit()


def rate(guide, one):
    guide.step("Rate", "census may send 3 messages in any minute.")
    used_up(guide, CENSUS, "rate", 2)
    client = guide.client(one[1])
    client.say("HELO client.test")
    guide.good(client.submit(f"app@{one[2]}", "someone@example.com", smtp.message("neighbour", sender=f"app@{one[2]}")),
               f"the neighbour {one[0]} is not affected")
    client.quit()


def live_limit(guide, one):
    guide.step("A limit changed while mail flows", "census gets more for a while; what it used stays counted.")
    guide.ctl("limit", "set", "census", "rate", "5/1m", "--for", "10m", "--reason", "campaign, ticket 4711")
    client = guide.client(CENSUS[1])
    client.say("HELO client.test")
    guide.good(client.submit(sender(CENSUS), "someone@example.com", note(CENSUS, "number 4")))
    guide.ctl("limit", "clear", "census", "rate", "--reason", "campaign over")
    client.mail(sender(CENSUS))
    guide.policyds(client.rcpt("someone@example.com"), "rate", "RCPT")
    client.quit()


def package(guide, one):
    guide.step("Package", "parks has a package of 2 recipients a day.")
    used_up(guide, PARKS, "package", 1)


def sessions(guide, one):
    guide.step("Sessions", "weather may have 2 sessions open at once.")
    a, b = guide.client(WEATHER[1], "A"), guide.client(WEATHER[1], "B")
    a.say("HELO client.test")
    b.say("HELO client.test")
    c = guide.client(WEATHER[1], "C")
    guide.policyds(c.greeting, "session-limit", "CONNECT")
    for client in (a, b):
        client.quit()
    guide.line("When several come at the same moment, policyd sees a place for each; the milter gives it to the first.")
    reply = crowd(guide)
    guide.milters(reply, "session-limit", "HELO")


def crowd(guide, size=6, rounds=10):
    """Clients that come at the same moment until one passes policyd and is refused at HELO; that reply.
    policyd is held for a moment, so that all their requests wait for it together.
    """
    pid = process.read_pid(guide.relay.policyd.pid_file) or guide.relay.policyd.pid
    for attempt in range(1, rounds + 1):
        quiet = []
        process.suspend(pid)
        try:
            quiet = [smtp.Client(guide.relay.port, WEATHER[1], greet=False) for _ in range(size)]
            time.sleep(0.2 * attempt)  # smtpd processes start and ask; nothing tells when they have
        finally:
            os.kill(pid, signal.SIGCONT)
        refused = None
        for client in quiet:
            try:
                if client.read().code == 220 and client.say("HELO client.test").code == 421:
                    refused = refused or client
            except smtp.Gone:
                pass
        for client in quiet:
            client.close()
        if refused:
            guide.line(f"--- from {WEATHER[1]}, {size} at once; one of them:")
            for who, text in refused.dialogue:
                guide.line(f"{who}: {text}")
            return smtp.Reply([text for who, text in refused.dialogue if who == "S"][-1:])
    return None


def messages_per_session(guide, one):
    guide.step("Messages per session", "treasury may send 2 messages in one session.")
    client = guide.client(TREASURY[1])
    client.say("HELO client.test")
    for n in (1, 2):
        guide.good(client.submit(sender(TREASURY), "someone@example.com", note(TREASURY, f"number {n}")))
    guide.milters(client.mail(sender(TREASURY)), "messages-per-session", "MAIL")
    again = guide.client(TREASURY[1])
    again.say("HELO client.test")
    guide.good(again.mail(sender(TREASURY)), "a new session is good")
    again.quit()


def session_time(guide, one):
    guide.step("Session time", "treasury's sessions may last 3 seconds.")
    client = guide.client(TREASURY[1])
    client.say("HELO client.test")
    guide.good(client.mail(sender(TREASURY)))
    client.say("RSET")
    guide.line("(3 seconds pass)")
    time.sleep(3.1)
    guide.milters(client.mail(sender(TREASURY)), "session-time", "MAIL")


def hold(guide, words, agency, reason, why, undo):
    """One kind of hold by gatepostctl: at CONNECT, and at RCPT of a session that is open; then lifted."""
    opened = guide.client(agency[1], "A")
    opened.say("HELO client.test")
    opened.mail(sender(agency))
    guide.ctl(*words)
    wait_for_greeting(guide, agency, lambda code: code != 220)
    guide.policyds(guide.client(agency[1], "B").greeting, reason, "CONNECT", why)
    guide.policyds(opened.rcpt("someone@example.com"), reason, "RCPT of an open session", why)
    guide.ctl(*undo)
    wait_for_greeting(guide, agency, lambda code: code == 220)
    lifted = guide.client(agency[1], "C")
    guide.good(lifted.greeting, "lifted")
    lifted.quit()


def wait_for_greeting(guide, agency, wanted):
    """Durable blocks are taken in once a second: ask quietly until it is so."""
    def look():
        with smtp.Client(guide.relay.port, agency[1]) as client:
            return wanted(client.greeting.code)
    process.wait_for(f"another greeting for {agency[0]}", look, 10, 0.1)


def blocked(guide, one):
    guide.step("Blocked for good", "A durable block: in the database, taken in within a second.")
    hold(guide, ["block", "archives", "--reason", "stolen password, ticket 4712"], ARCHIVES, "blocked",
         "stolen password, ticket 4712", ["unblock", "archives", "--reason", "password changed"])


def blocked_temporarily(guide, one):
    guide.step("Blocked for a time", "An item in memcached that ends by itself.")
    hold(guide, ["block", "archives", "--for", "2h", "--reason", "loop in the application"], ARCHIVES,
         "blocked-temporarily", "loop in the application", ["unblock", "archives", "--reason", "mended"])


def paused(guide, one):
    guide.step("Paused", "The agency's own queue keeps its mail while somebody investigates.")
    hold(guide, ["pause", "archives", "--reason", "looking into complaints"], ARCHIVES, "paused",
         "looking into complaints", ["resume", "archives", "--reason", "nothing found"])


def reload(guide, one):
    guide.step("A new configuration", "Sessions that are open keep the old one, for drain_timeout at most (2 s here).")
    old = guide.client(one[1], "A")
    old.say("HELO client.test")
    guide.ctl("reload", "--reason", "tour")
    new = guide.client(one[1], "B")
    new.say("HELO client.test")
    guide.good(old.mail(f"app@{one[2]}"), "the old session goes on")
    old.say("RSET")
    guide.line("(drain_timeout passes)")
    time.sleep(2.2)
    guide.milters(old.mail(f"app@{one[2]}"), "reconfiguring", "MAIL of the old session")
    guide.good(new.mail(f"app@{one[2]}"), "the new session is good")
    new.quit()


STEPS = [rate, live_limit, package, sessions, messages_per_session, session_time, blocked, blocked_temporarily, paused,
         reload]
