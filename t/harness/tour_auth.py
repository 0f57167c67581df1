# SPDX-License-Identifier: GPL-3.0-or-later
"""The step of the tour that looks with a receiver's eyes: signatures, and the records that they are found by."""
import opendkim
import smtp


def authenticated(guide, one):
    guide.step("Signed", "Every message leaves with the agency's signatures and the relay's, RSA and Ed25519. OpenDKIM verifies,"
               "\nas a receiver would.")
    name, source, domain = one
    recipient = "signed@example.com"
    with smtp.Client(guide.relay.port, source) as client:
        client.hello()
        guide.good(client.submit(f"app@{domain}", recipient, smtp.message("signed", recipient, f"app@{domain}")), "submitted")
    _, left = guide.relay.wait_delivered(recipient)[0]
    found = opendkim.signatures(left, guide.relay.dkim_records())
    for signature in found:
        guide.line(f"{signature.result}  d={signature.domain} s={signature.selector} a={signature.algorithm}")
    guide.holds(len(found) > 0 and all(s.result == "pass" for s in found), "every signature is right", f"{found}")
    guide.holds(any(s.domain == guide.relay.dkim_domain for s in found), "the relay's is among them")
    changed = left.replace(b"Subject: ", b"Subject: not ", 1)
    guide.holds(all(s.result == "fail" for s in opendkim.signatures(changed, guide.relay.dkim_records())),
                "and none of them, once the subject is changed")
    guide.line()
    guide.ctl("dns", name)
