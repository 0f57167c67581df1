# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk through every rule, for a reader: what was sent, what was answered, which reason id, and whether that is what
the manual says."""
import json
import time

import process
import smtp
import tour_auth
import tour_feedback
import tour_limits
import tour_return
from guide import Guide


def main_agency(relay, sample):
    """(name, address, domain) of an agency that can submit from this machine; None when there is none"""
    if sample:
        return "dol", "127.0.0.10", "dol.example.gov"
    for agency in listed(relay):
        for address in agency["production"] + agency["standby"]:
            if (address.startswith("127.") or address == "::1") and agency["sender_domains"]:
                domain = agency["sender_domains"][0]
                return agency["agency"], address, f"app{domain}" if domain.startswith(".") else domain
    return None


def listed(relay):
    return json.loads(relay.ctl("agencies", "--json").stdout)["agencies"]


def walk(relay, sample=True, out=None):
    """The tour; True when every step was answered as documented. sample=False: only what holds for any agency."""
    guide = Guide(relay, out)
    one = main_agency(relay, sample)
    started = time.monotonic()
    steps = [stranger]
    if one:
        steps += [good_message, second_recipient, syntax, sender_domain]
    if sample:
        steps += [size, *tour_limits.STEPS]
    if one:
        steps += [tour_return.comes_back, *tour_feedback.STEPS, tour_return.side_by_side, tour_auth.authenticated]
    for step in steps:
        try:
            step(guide, one)
        except (OSError, process.Trouble) as e:
            guide.failed(f"the step broke off: {type(e).__name__} {e}")
    guide.close()
    if not one:
        guide.line("No agency has a loopback address and a sender domain: nothing more can be shown from this machine.")
    print(f"\n{guide.steps} steps in {time.monotonic() - started:.0f} s", file=guide.out, end="", flush=True)
    if guide.failures:
        print(f", {len(guide.failures)} not as documented:", file=guide.out)
        for failure in guide.failures:
            print(f"  {failure}", file=guide.out, flush=True)
    else:
        print(": every answer was as documented", file=guide.out, flush=True)
    return not guide.failures


def stranger(guide, one):
    guide.step("A stranger", "Only addresses that an agency lists may submit.")
    known = [address for agency in listed(guide.relay) for address in agency["production"] + agency["standby"]]
    client = guide.client(next(a for a in (f"127.0.0.{n}" for n in range(99, 255)) if a not in known))
    guide.policyds(client.greeting, "not-permitted", "CONNECT")
    reply = client.say("EHLO stranger.test")
    guide.holds(reply.code == 503, "and nothing else gets through in that session", f"answered: {reply}")


def good_message(guide, one):
    name, source, domain = one
    guide.step("A good message", f"{name} submits from {source}, in the name of its domain {domain}.")
    client = guide.client(source)
    client.hello()
    reply = client.submit(f"app@{domain}", "good@example.com",
                          smtp.message("good", "good@example.com", f"app@{domain}"))
    guide.good(reply)
    guide.relay.wait_delivered("good@example.com")
    guide.holds(True, "delivered")
    client.quit()


def second_recipient(guide, one):
    _, source, domain = one
    guide.step("A second recipient", "One recipient per message: the second is refused, the first stays good.")
    client = guide.client(source)
    client.say("HELO client.test")
    client.mail(f"app@{domain}")
    guide.good(client.rcpt("first@example.com"), "the first recipient is good")
    guide.milters(client.rcpt("second@example.com"), "recipient-limit", "RCPT")
    guide.good(client.data(smtp.message("two", "first@example.com", f"app@{domain}")))
    guide.relay.wait_delivered("first@example.com")
    everyone = [r for envelope, _ in guide.relay.delivered() for r in envelope["rcpt_to"]]
    guide.holds("second@example.com" not in everyone, "delivered to the first alone")
    client.quit()


SPELLINGS = ["<.anna@example.com>", "<anna.@example.com>", "<an..na@example.com>", "<anna@>", "<an na@example.com>", "<>",
             "<anna@exam_ple.com>", "<anna@example..com>"]


def syntax(guide, one):
    _, source, domain = one
    guide.step("Recipients that are no addresses", "RFC 5321 decides, also where Postfix would let it pass, or would say "
               "it in other words.")
    client = guide.client(source)
    client.say("HELO client.test")
    client.mail(f"app@{domain}")
    for spelling in SPELLINGS:
        guide.milters(client.say(f"RCPT TO:{spelling}"), "recipient-syntax", "RCPT")
    guide.good(client.rcpt('"an na"@example.com'), "a quoted one is good, in the same transaction")
    client.quit()


def sender_domain(guide, one):
    _, source, domain = one
    guide.step("Somebody else's domain", f"{source} may write in the name of {domain}, of no other.")
    client = guide.client(source)
    client.say("HELO client.test")
    guide.milters(client.mail("boss@elsewhere.example.org"), "sender-domain", "MAIL")
    guide.good(client.mail(f"app@{domain}"), "its own domain is good, in the same session")
    client.quit()


def size(guide, one):
    _, source, domain = one
    guide.step("Message size", "This agency's limit is 100K: 102400 octets, declared or real.")
    client = guide.client(source)
    client.hello()
    guide.milters(client.mail(f"app@{domain}", "SIZE=102401"), "message-size", "MAIL, declared")
    big = smtp.message("big", "big@example.com", f"app@{domain}", body=("x" * 76 + "\r\n") * 1400)
    guide.milters(client.submit(f"app@{domain}", "big@example.com", big), "message-size", "end of data, real")
    small = smtp.message("small", "small@example.com", f"app@{domain}")
    guide.good(client.submit(f"app@{domain}", "small@example.com", small), "the next message in the session is good")
    client.quit()
