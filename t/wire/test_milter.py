# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-milter's rules and edits, event by event, as a mail server sees them."""
import re
import unittest

import milter_client
from milter_client import HEADERS, Mta
from milter_daemon import Milter, SESSION_LIMIT, until

NOT_PERMITTED = "554 5.7.1 Address not permitted to relay"
SENDER_DOMAIN = "451 4.7.1 General failure, this is a private mailfrom domain, usage is not permitted"
SYNTAX = "501 5.5.2 RCPT TO syntax error"
RECIPIENTS = "452 4.5.3 Service unavailable, recipient per message limit reached"
SIZE = "552 5.3.4 message size limit exceeded"
RATE = "450 4.7.1 Rate limit reached, retry later"
PACKAGE = "452 4.7.1 Too many recipients received based on tier configuration"
UNSIGNED = "451 4.7.5 Message could not be signed, retry later"
INTERNAL = "451 4.3.0 General failure, please retry again or contact the support"
TOKEN = r"b[a-z2-7]{32}@b\.example\.gov"


def octets(headers, body):
    return sum(len(f"{name}:{value}\r\n") for name, value in headers) + 2 + len(body)


class WithMilter(unittest.TestCase):
    """One milter for all tests of a class."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.milter = Milter(**cls.options).start()

    @classmethod
    def tearDownClass(cls):
        cls.milter.__exit__()

    def session(self, *args, **options):
        mta = self.milter.session(*args, **options)
        self.addCleanup(mta.close)
        return mta

    def raw(self):
        mta = self.milter.mta()
        self.addCleanup(mta.close)
        return mta


class Negotiation(WithMilter):
    def test_what_postfix_offers(self):
        mta = self.raw()
        wanted = mta.negotiate()
        self.assertEqual(mta.actions, milter_client.ADDHDRS | milter_client.CHGHDRS | milter_client.CHGFROM)
        self.assertEqual(mta.steps, milter_client.HDR_LEADSPC | milter_client.NR_HDR |
                         milter_client.NR_EOH | milter_client.NR_BODY)
        self.assertEqual(wanted["connect"], "{client_addr} {client_port} {daemon_name} j")
        self.assertEqual(wanted["end"], "i")
        self.assertIn("{auth_authen}", wanted["mail"])

    def test_a_server_that_waits_for_every_answer(self):
        mta = self.raw()
        mta.negotiate(steps=milter_client.HDR_LEADSPC)
        self.assertEqual(mta.steps, milter_client.HDR_LEADSPC)
        self.assertEqual(mta.connect(), "continue")
        self.assertEqual(mta.helo(), "continue")
        self.assertEqual(mta.message()[1], "accept")

    def test_a_server_that_offers_too_little(self):
        for offer in ({"actions": 0x1FF & ~milter_client.CHGFROM}, {"actions": milter_client.CHGFROM},
                      {"steps": milter_client.ALL_STEPS & ~milter_client.HDR_LEADSPC}):
            with self.subTest(offer), self.assertRaises((EOFError, ConnectionError)):
                self.raw().negotiate(**offer)


class Rules(WithMilter):
    options = {"limits": {"message_size": "1K", "messages_per_session": "3"}}

    def test_accepted_message(self):
        edits, reply = self.session().message()
        self.assertEqual(reply, "accept")
        self.assertEqual(edits[0][0], "sender")
        self.assertRegex(edits[0][1], f"^{TOKEN}$")
        self.assertEqual(edits[0][2], f"ENVID={edits[0][1].split('@')[0]} RET=HDRS")
        added = {name: value for kind, name, value in edits[1:]}
        self.assertEqual(added["X-Gatepost-Source"], " dol")
        self.assertTrue(added["X-Gatepost-Ref"].startswith(" "))
        self.assertIn("mailto:u", added["List-Unsubscribe"])
        self.milter.wait_log(f"queue_id=4jWbms683Gz1c77h client=192.0.2.10 agency=dol reason=accepted "
                             f"stage=END-OF-MESSAGE sender=a@dol.gov recipient=x@example.org "
                             f"size={octets(HEADERS, b'hello' + b'..')} return_path={edits[0][1]}")

    def test_forged_headers_go(self):
        forged = [*HEADERS, ("X-Gatepost-Source", " dos"), ("x-gatepost-ref", " 1"), ("X-Gatepost-Ref", " 2")]
        edits, reply = self.session().message(headers=forged)
        self.assertEqual(reply, "accept")
        gone = [(name.lower(), number) for kind, name, number in edits if kind == "delete"]
        self.assertEqual(gone, [("x-gatepost-source", 1), ("x-gatepost-ref", 2), ("x-gatepost-ref", 1)])

    def test_addresses_of_the_agency(self):
        for address in ("192.0.2.10", "192.0.2.12", "2001:db8::10", "::ffff:192.0.2.10"):
            with self.subTest(address):
                self.assertEqual(self.session(address).message()[1], "accept")

    def test_strangers(self):
        for address in ("192.0.2.11", "2001:db8::11", "127.0.0.1", None):
            with self.subTest(address):
                mta = self.session(address)
                self.assertEqual(mta.mail("<a@dol.gov>"), INTERNAL)
                self.assertEqual(mta.mail("<>"), INTERNAL)
        self.milter.wait_log("queue_id=NOQUEUE client=192.0.2.11 reason=internal code=451 stage=MAIL "
                             "rule=permitted sender=<a@dol.gov>")

    def test_profiles(self):
        for profile, reply in (("gatepost-return", "accept"), ("smtpd", "continue"), (None, "continue")):
            with self.subTest(profile):
                self.assertEqual(self.session(profile=profile).mail("<a@dol.gov>"), reply)

    def test_logins(self):
        """Without one MAIL passes, for policyd to answer at RCPT; the milter would say the same."""
        for profile in ("gatepost-login", "gatepost-both"):
            with self.subTest(profile):
                mta = self.session(profile=profile)
                self.assertEqual(mta.mail("<a@dol.gov>"), "continue")
                self.assertEqual(mta.rcpt("<x@example.org>"), "530 5.7.0 Login required")
                mta = self.session(profile=profile)
                mta.macros(b"M", auth_authen="joe")
                self.assertEqual(mta.mail("<a@dol.gov>"), NOT_PERMITTED)
        self.milter.wait_log("reason=login-required code=530 stage=RCPT rule=login")

    def test_senders(self):
        for path, parameters, reply in (("<a@dol.gov>", [], "continue"), ("<a@mail.dol.gov>", [], "continue"),
                                        ("<>", [], "continue"), ("<a@dos.gov>", [], SENDER_DOMAIN),
                                        ("<b@b.example.gov>", [], SENDER_DOMAIN), ("a@dol.gov", [], SENDER_DOMAIN),
                                        ("<é@dol.gov>", [], SENDER_DOMAIN), ("<é@dol.gov>", ["SMTPUTF8"], "continue"),
                                        ("<a@dol.gov>", ["SIZE=1024"], "continue"), ("<a@dol.gov>", ["SIZE=1025"], SIZE),
                                        ("<a@dol.gov>", ["BODY=8BITMIME", "size=99999999999999999999999"], SIZE)):
            with self.subTest(path=path, parameters=parameters):
                self.assertEqual(self.session().mail(path, *parameters), reply)

    def test_a_sender_that_is_refused_leaves_the_session_well(self):
        mta = self.session()
        self.assertEqual(mta.mail("<a@dos.gov>"), SENDER_DOMAIN)
        self.assertEqual(mta.message()[1], "accept")

    def test_null_sender(self):
        edits, reply = self.session().message(sender="")
        self.assertEqual(reply, "accept")
        self.assertNotIn("sender", [e[0] for e in edits])
        self.assertIn("X-Gatepost-Source", [e[1] for e in edits])
        self.assertEqual(self.session().message(sender="", headers=[("From", " a@dos.gov")]), ([], SENDER_DOMAIN))

    def test_re_enveloped_mail_keeps_its_sender(self):
        token = self.session().message()[0][0][1]
        edits, reply = self.session().message(sender=token)
        self.assertEqual((reply, [e for e in edits if e[0] == "sender"]), ("accept", []))
        self.assertEqual(self.session().message(sender=token, recipient="y@example.org"), ([], SENDER_DOMAIN))
        neighbour = self.session("192.0.2.20")
        self.assertEqual(neighbour.mail(f"<{token}>"), SENDER_DOMAIN)

    def test_recipient_syntax(self):
        mta = self.session()
        self.assertEqual(mta.mail("<a@dol.gov>"), "continue")
        for path in ("<foo@>", "<>", "foo@example.org", "<.foo@example.org>", "<fo..o@example.org>", "<foo@a..b>",
                     "<" + "x" * 65 + "@example.org>", "<é@example.org>", "<foo@bar@example.org>"):
            with self.subTest(path):
                self.assertEqual(mta.rcpt(path), SYNTAX)
        self.assertEqual(mta.rcpt("<@a.org,@b.org:x@example.org>"), "continue")  # and a good one may follow
        self.assertEqual(mta.data(), "continue")
        self.assertEqual(mta.content()[1], "accept")
        self.milter.wait_log("recipient=x@example.org size=")

    def test_the_verb_of_the_command_filter(self):
        mta = self.session()
        self.assertEqual(mta.mail("<a@dol.gov>"), "continue")
        for line in ("GPBADRCPT", "gpbadrcpt", "GPBADRCPT TO:<foo@>"):
            self.assertEqual(mta.unknown(line), SYNTAX)
        for line in ("XFOO", "GPBADRCPTX", ""):
            self.assertEqual(mta.unknown(line), "continue")
        self.assertEqual(mta.rcpt("<x@example.org>"), "continue")
        self.assertEqual(self.session(profile="gatepost-return").unknown("GPBADRCPT"), SYNTAX)

    def test_fifty_recipients(self):
        mta = self.session()
        self.assertEqual(mta.mail("<a@dol.gov>"), "continue")
        self.assertEqual(mta.rcpt("<x0@example.org>"), "continue")
        for n in range(1, 50):
            self.assertEqual(mta.rcpt(f"<x{n}@example.org>"), RECIPIENTS)
        self.assertEqual(mta.data(), "continue")
        self.assertEqual(mta.content()[1], "accept")
        self.milter.wait_log("reason=recipient-limit code=452 stage=RCPT rule=single-recipient sender=a@dol.gov "
                             "recipient=<x49@example.org>")

    def test_real_size(self):
        fits = b"x" * (1024 - octets(HEADERS, b""))
        mta = self.session()
        self.assertEqual(mta.message(body=fits)[1], "accept")
        self.assertEqual(mta.message(body=fits + b"x"), ([], SIZE))
        self.assertEqual(mta.message(headers=[("X", " y" * 600)], body=b""), ([], SIZE))
        self.assertEqual(mta.message(body=b"x" * 3000000), ([], SIZE))
        self.assertEqual(mta.message(body=fits)[1], "accept")

    def test_messages_per_session(self):
        mta = self.session()
        for _ in range(3):
            self.assertEqual(mta.message()[1], "accept")
            self.assertEqual(mta.mail("<a@dos.gov>")[:3], "451" if _ < 2 else "421")  # refused ones do not count
        self.assertEqual(mta.mail("<a@dol.gov>"), "421 4.7.0 Too many messages in this session, reconnect")
        self.assertEqual(self.session().message()[1], "accept")

    def test_a_body_without_headers(self):
        mta = self.session()
        for answer in (mta.mail("<a@dol.gov>"), mta.rcpt("<x@example.org>"), mta.data()):
            self.assertEqual(answer, "continue")
        self.assertEqual(mta.content(headers=[], body=b""), ([], UNSIGNED))  # without From nothing can sign it

    def test_foreign_bytes_stay_out_of_the_log(self):
        mta = self.session()
        mta.mail('<"x\r\nlevel=info event=verdict\x1b[31m"@dos.gov>')
        self.milter.wait_log(r"\x0d\x0alevel=info event=verdict\x1b")
        self.assertIsNone(re.search(r"^level=info", self.milter.log(), re.M))


class Sessions(WithMilter):
    options = {"limits": {"sessions": "2", "session_time": "1s"}}

    def test_sessions(self):
        first, second = self.session(), self.session("192.0.2.12")
        third = self.raw().begin()
        self.assertEqual(third.helo(), SESSION_LIMIT)
        self.assertEqual(third.mail("<a@dol.gov>"), SESSION_LIMIT)
        self.assertEqual(self.raw().begin().mail("<a@dol.gov>"), SESSION_LIMIT)  # HELO never came
        self.assertEqual(self.session("192.0.2.20").mail("<a@dos.gov>"), "continue")  # the neighbour
        self.session("192.0.2.11"), self.session(None), self.session(profile="gatepost-return")  # take no place
        first.quit()
        until("a place to be free", lambda: self.place_free())
        self.assertEqual(second.mail("<a@dol.gov>"), "continue")
        second.close()
        until("no session to be left", lambda: self.milter.status()["sessions"] <= 1)

    def place_free(self):
        with Mta(self.milter.socket) as mta:
            return mta.begin().helo() == "continue"

    def test_session_time(self):
        mta = self.session("192.0.2.10")
        self.assertEqual(mta.message()[1], "accept")
        until("the session to be too old", lambda: mta.message()[1] == "421 4.7.0 Session too long, reconnect")


class Charges(WithMilter):
    options = {"limits": {"rate": ["3/1m", "1000/1h"], "message_size": "1K"}}

    def test_rate(self):
        mta = self.session()
        self.assertEqual(mta.message(body=b"x" * 2000), ([], SIZE))  # a refused message is not charged
        self.assertEqual([mta.message()[1] for _ in range(3)], ["accept"] * 3)
        edits, reply = mta.message()
        self.assertEqual(reply, RATE)
        self.assertEqual(self.session().message()[1], RATE)
        self.assertEqual(self.session("192.0.2.20").message(sender="a@dos.gov")[1], "accept")
        self.milter.wait_log("agency=dol reason=rate code=450 stage=END-OF-MESSAGE")


class FromHeader(WithMilter):
    options = {"check_from": "yes", "sender_domain_reply": "reject"}

    def test_from(self):
        refused = SENDER_DOMAIN.replace("451 4", "550 5")
        mta = self.session()
        for headers, reply in (([("From", " a@dol.gov")], "accept"), ([("From", " A <a@mail.dol.gov>")], "accept"),
                               ([("From", " a@dos.gov")], refused), ([("From", " a@dol.gov, b@dos.gov")], refused),
                               ([("From", " a@dol.gov"), ("From", " a@dos.gov")], refused), ([], refused)):
            with self.subTest(headers):
                self.assertEqual(mta.message(headers=headers)[1], reply)
        self.assertEqual(mta.mail("<a@dos.gov>"), refused)
        self.milter.wait_log("rule=from-header")


if __name__ == "__main__":
    unittest.main()
