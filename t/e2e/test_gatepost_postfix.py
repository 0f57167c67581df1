# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-postfix on five starting points: shown, enabled, enabled again, used, broken in each way, taken out again."""
import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "..", "postfix-conf")]
import process  # noqa: E402
import sample  # noqa: E402
import smtp  # noqa: E402
from existing import ExistingRelay  # noqa: E402
from gatepost_postfix import checks, settings, text  # noqa: E402

FILES = ("main.cf", "master.cf")


def stock(name):
    with open(f"/usr/share/postfix/{name}") as f:
        return f.read()


def stock_master(port, **more):
    """Debian's, its smtp listener on a private port; more: {pattern of a line's beginning: what to put in its place}"""
    master = stock("master.cf.dist")
    for pattern, place in {r"smtp      inet": f"{port}      inet", **more}.items():
        master, n = re.subn(rf"(?m)^{pattern}", place, master)
        assert n == 1, pattern
    return master


def debian(port, _):
    return stock("main.cf.debian"), stock_master(port)


def sasl(port, other):
    main = stock("main.cf.debian") + """
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_security_level = may
mynetworks = 127.0.0.0/8 [::1]/128
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated
    defer_unauth_destination
mailbox_size_limit = 0
message_size_limit = 104857600
recipient_delimiter = +
"""
    options = ["syslog_name=postfix/submission", "smtpd_tls_security_level=encrypt", "smtpd_sasl_auth_enable=yes",
               "smtpd_client_restrictions=$mua_client_restrictions",
               "smtpd_recipient_restrictions=permit_sasl_authenticated,reject", "milter_macro_daemon_name=ORIGINATING"]
    return main, stock_master(other) + "127.0.0.1:submission inet n - y - - smtpd\n" + \
        "".join(f"  -o {o}\n" for o in options)


def crowded(port, other):
    """Other milters, policy services, mailboxes, lists; comments between; no end of line at the end of either file"""
    main = stock("main.cf.debian") + """
mynetworks = 127.0.0.0/8
smtpd_milters = inet:127.0.0.1:9,
# the signer
    { inet:127.0.0.1:13, default_action=accept }
milter_default_action = accept
non_smtpd_milters = $smtpd_milters
smtpd_client_restrictions = permit_mynetworks, reject_unknown_client_hostname
smtpd_helo_restrictions = permit_mynetworks, reject_unknown_helo_hostname
smtpd_sender_restrictions = permit_mynetworks, reject_unknown_sender_domain
smtpd_recipient_restrictions =
    # first ours
    permit_mynetworks,
    check_policy_service { inet:127.0.0.1:11, timeout=1s, default_action=DUNNO },

    reject_unauth_destination
smtpd_discard_ehlo_keywords = chunking
smtpd_reject_footer = Call us
relay_domains = partner.example
relay_recipient_maps = inline:{ { a@partner.example = x } }
transport_maps = inline:{ { partner.example = smtp:[127.0.0.1]:9 } }
virtual_mailbox_domains = boxes.example
virtual_mailbox_maps = inline:{ { me@boxes.example = me/ } }
enable_long_queue_ids = no
receive_override_options = no_milters
bounce_queue_lifetime = 1d"""
    admin = f"{other} inet n - n - - smtpd\n  -o receive_override_options=\n  -o smtpd_milters="
    return main, stock_master(port, uucp="#uucp") + admin


def chrooted(port, _):
    """Every process that may run chrooted does, and the listener has options of its own"""
    master = re.sub(r"(?m)^(\w+ +unix +\S+ +\S+ +)n( .*(?:cleanup|qmgr|rewrite|showq|smtp|error))$", r"\1y\2",
                    stock_master(port))
    listener = f"{port}      inet  n       -       y       -       -       smtpd\n"
    assert listener in master
    return stock("main.cf.debian") + "smtpd_delay_reject = yes\nsmtpd_soft_error_limit = 3\n", master.replace(
        listener, listener + "  -o { smtpd_banner = $myhostname ESMTP own words }\n  # why\n  -o smtpd_helo_required=no\n")


def postscreen(port, _):
    return stock("main.cf.debian") + "mynetworks = 127.0.0.0/8\npostscreen_greet_action = enforce\n", \
        stock_master(f"#{port}") + f"{port} inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n" \
        "dnsblog unix - - y - 0 dnsblog\ntlsproxy unix - - y - 0 tlsproxy\n"


class Base(unittest.TestCase):
    START, SUBMISSION = staticmethod(debian), staticmethod(str)

    @classmethod
    def setUpClass(cls):
        cls.relay = ExistingRelay(cls.START, cls.SUBMISSION)
        cls.relay.start()

    @classmethod
    def tearDownClass(cls):
        cls.relay.stop()

    def told(self, done, status=0):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def findings(self, *more):
        done = self.relay.tool("check", "--json", *more)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)["findings"]


class Journey:
    """What holds on every starting point. The order matters: enabled, used, then disabled."""

    def test_1_diff_shows_what_enable_would_do(self):
        shown = self.told(self.relay.diff, 1)
        self.assertRegex(shown, r"(?m)^  gatepost_return_path: \(not there\) -> b\.example\.gov$")
        self.assertIn("+++ master.cf after enable", shown)

    def test_2_a_second_enable_changes_nothing(self):
        before = [self.relay.file(n) for n in FILES]
        self.assertIn("nothing was changed", self.told(self.relay.tool("enable")))
        self.assertIn("nothing was changed", self.told(self.relay.tool("enable", *self.relay.places)))
        self.assertIn("would change nothing", self.told(self.relay.tool("diff")))
        self.assertEqual(before, [self.relay.file(n) for n in FILES])

    def test_3_check_finds_nothing(self):
        self.assertEqual(self.findings(), [])

    def test_4_the_daemons_answer(self):
        with self.relay.client() as c:
            self.assertEqual(c.hello().code, 250)
            self.assertEqual(c.mail("app@dol.example.gov").code, 250)
            self.assertEqual(c.rcpt("one@example.com").code, 250)
            self.assertEqual(c.rcpt("two@example.com").last,
                             "452 4.5.3 Service unavailable, recipient per message limit reached")
            self.assertEqual(c.say("RCPT TO:<a..b@>").last, "501 5.5.2 RCPT TO syntax error")
            self.assertEqual(c.data(smtp.message()).code, 250)
            self.assertEqual(c.say("VRFY root").code // 100, 5)
        envelope, _ = self.relay.wait_delivered("one@example.com")[0]
        self.assertTrue(envelope["mail_from"].endswith("@b.example.gov"), envelope)
        with self.relay.client("127.0.0.99") as c:
            self.assertRegex(c.hello().text if c.greeting.code == 220 else c.greeting.text, r"^5")
        self.came_back(envelope["mail_from"])
        with self.relay.login("127.0.0.99") as c:
            self.assertEqual(c.auth.code, 235)
            self.assertEqual(c.submit("app@dol.example.gov", "login@example.com", smtp.message()).code, 250)
        with self.relay.login("127.0.0.99", port=self.relay.both_port) as c:
            self.assertEqual(c.mail("app@dol.example.gov").code // 100, 5)

    def came_back(self, token):
        with self.relay.client("127.0.0.99", self.relay.return_port) as c:
            c.hello()
            c.mail("")
            self.assertRegex(c.rcpt("nobody@b.example.gov").last, "^550 5.1.1 ")
            self.assertEqual(c.rcpt("x@example.com").code // 100, 5)
            self.assertEqual(c.rcpt(token).code, 250)
            self.assertEqual(c.data(smtp.message(subject="returned")).code, 250)
        process.wait_for("gatepost-feedback to have it", self.relay.returned)

    def test_5_edits_stay(self):
        """One parameter and one service edited in our block, one outside: disable keeps those and brings back the rest"""
        config = self.relay.postfix.config
        written = {n: self.relay.file(n) for n in FILES}
        subprocess.run(["postconf", "-c", config, "-e", "swap_bangpath = yes", "always_bcc = keep@example.org"],
                       check=True)
        self.relay.postfix.put("master.cf", self.relay.file("master.cf") + "own unix - - n - - smtp\n")
        self.assertIn("swap_bangpath = yes", self.told(self.relay.tool("disable")))
        expected = self.relay.postfix.texts["main.cf"]
        main = self.relay.file("main.cf")
        self.assertIn("always_bcc = keep@example.org\n", main)
        self.assertEqual([e.parameter[1] for e in text.parameters(main)["swap_bangpath"]], ["yes"])
        self.assertEqual(re.sub(r"(?m)^(always_bcc|swap_bangpath) = .*\n?", "", main).rstrip("\n"), expected.rstrip("\n"))
        master = self.relay.postfix.texts["master.cf"]
        self.assertEqual(self.relay.file("master.cf"), master + ("" if master.endswith("\n") else "\n") +
                         "own unix - - n - - smtp\n")
        for name in FILES:
            self.relay.postfix.put(name, self.relay.postfix.texts[name])
        self.told(self.relay.tool("enable", *self.relay.places))
        self.assertEqual(written, {n: self.relay.file(n) for n in FILES})

    def test_6_disable_brings_back_every_byte(self):
        self.told(self.relay.tool("disable"))
        for name in FILES:
            self.assertEqual(self.relay.file(name), self.relay.postfix.texts[name])
        self.assertEqual(sorted(os.listdir(self.relay.postfix.config)), sorted(FILES))
        self.assertIn("nothing was changed", self.told(self.relay.tool("disable")))


class Debian(Journey, Base):
    START = staticmethod(debian)


class Sasl(Journey, Base):
    START = staticmethod(sasl)
    SUBMISSION = staticmethod(lambda port: f"127.0.0.1:{port}")

    def test_3_own_values_that_suffice_stay(self):
        self.assertNotIn("\nmessage_size_limit", self.relay.file("main.cf").partition(text.BEGIN)[2])
        self.assertNotIn(text.MARK, self.relay.file("main.cf"))


class Crowded(Journey, Base):
    START = staticmethod(crowded)

    def test_3_what_was_there_stays(self):
        config = self.relay.postfix.config
        listener = text.services(self.relay.file("master.cf"))[f"{self.relay.port}/inet"][-1][1]
        milters = text.listed(listener.options["smtpd_milters"])
        self.assertEqual(milters[:2], ["inet:127.0.0.1:9", "{ inet:127.0.0.1:13, default_action=accept }"])
        self.assertEqual([text.unbraced(m)[0] for m in milters[2:]], ["unix:gatepost/milter.sock"])
        self.assertEqual(listener.options["smtpd_discard_ehlo_keywords"], "chunking, silent-discard, dsn")
        main = dict(line.split(" = ", 1) for line in subprocess.run(
            ["postconf", "-c", config, "relay_domains", "transport_maps", "smtpd_recipient_restrictions",
             "virtual_mailbox_domains"], capture_output=True, text=True).stdout.splitlines())
        self.assertEqual(main["relay_domains"], "partner.example, $gatepost_return_path")
        self.assertIn("partner.example", main["transport_maps"])
        self.assertIn("inet:127.0.0.1:11", main["smtpd_recipient_restrictions"])
        self.assertEqual(main["virtual_mailbox_domains"], "boxes.example")

    def test_4_other_listeners_work_as_before(self):
        with self.relay.client("127.0.0.99", self.relay.other) as c:
            c.hello()
            self.assertEqual(c.submit("me@own.example", "plain@example.com", smtp.message()).code, 250)
        envelope, _ = self.relay.wait_delivered("plain@example.com")[0]
        self.assertEqual(envelope["mail_from"], "me@own.example")

    def test_5_an_edit_of_a_taken_service_stays(self):
        written = self.relay.file("master.cf")
        edited = written.replace("    -o smtpd_delay_reject=no\n",
                                 "    -o smtpd_delay_reject=no\n    -o smtpd_banner=hello\n", 1)
        self.relay.postfix.put("master.cf", edited)
        self.told(self.relay.tool("disable"))
        self.assertEqual(text.services(self.relay.file("master.cf"))[f"{self.relay.port}/inet"][-1][1].options,
                         {"smtpd_banner": "hello"})
        self.relay.postfix.put("master.cf", self.relay.postfix.texts["master.cf"])
        self.told(self.relay.tool("enable", *self.relay.places))
        self.assertEqual(self.relay.file("master.cf"), written)


class Chrooted(Journey, Base):
    START = staticmethod(chrooted)


class Postscreen(Journey, Base):
    START = staticmethod(postscreen)


# --- check ------------------------------------------------------------------------------------------------------------

LISTENER, BACK, LOGIN = "{port}/inet", "127.0.0.1:{back}/inet", "127.0.0.1:{login}/inet"
OWN = "127.0.0.1:{own}/inet"
POLICY = "check_policy_service {{ unix:gatepost/policy.sock, policy_context=gatepost-address, {{ default_action = {0} }} }}"
MILTER = "{ unix:gatepost/milter.sock, default_action=%s }"


def main(name, value):
    return lambda site: site.set_main(name, value)


def option(name, value, where=LISTENER):
    return lambda site: site.set_option(where, name, value)


def field(number, value, where=LISTENER):
    return lambda site: site.set_field(where, number, value)


# the id of the finding: what is done
BREAKS = {
    "duplicate": lambda site: site.append("main.cf", "biff = no\nbiff = no\n"),
    "duplicate-service": lambda site: site.append("master.cf", "own unix - - n - - smtp\nown unix - - n - - smtp\n"),
    "long-queue-ids": main("enable_long_queue_ids", "no"),
    "line-length": main("smtp_line_length_limit", "998"),
    "mime-conversion": main("disable_mime_output_conversion", "no"),
    "stray-cr-lf": main("cleanup_replace_stray_cr_lf", "no"),
    "percent-hack": main("allow_percent_hack", "yes"),
    "bang-path": main("swap_bangpath", "yes"),
    "soft-bounce": main("soft_bounce", "yes"),
    "size-limit": main("message_size_limit", "10240000"),
    "size-limit-smtpd": option("message_size_limit", "99000000"),
    "mailbox-limit": main("mailbox_size_limit", "100"),
    "non-smtpd-milter": main("non_smtpd_milters", "unix:gatepost/milter.sock"),
    "bounce-filter": main("internal_mail_filter_classes", "bounce"),
    "return-path-differs": main("gatepost_return_path", "c.example.gov"),
    "return-path-local": main("mydestination", "b.example.gov"),
    "return-route": main("relay_domains", ""),
    "return-transport": main("transport_maps", ""),
    "return-service": lambda site: site.drop("gatepost-returned/unix"),
    "return-elsewhere": main("transport_maps", "inline:{ { b.example.gov = gatepost-returned:unix:private/elsewhere } }"),
    "no-own-listener": lambda site: site.drop(OWN),
    "own-exposed": lambda site: site.listen_everywhere(OWN),
    "own-relay": option("smtpd_relay_restrictions", "permit", OWN),
    "own-sender": option("smtpd_sender_restrictions", "", OWN),
    "no-listener": lambda site: site.drop_submissions(),
    "no-return-listener": lambda site: site.drop(BACK),
    "profile-unknown": lambda site: (option("milter_macro_daemon_name", "gatepost-adress")(site),
                                     option("smtpd_client_restrictions", POLICY.format("451 later").replace(
                                         "gatepost-address", "gatepost-adress"))(site),
                                     option("smtpd_relay_restrictions", POLICY.format("451 later").replace(
                                         "gatepost-address", "gatepost-adress") + ", reject")(site)),
    "profile-differs": option("milter_macro_daemon_name", "gatepost-address", BACK),
    "profile-missing": option("milter_macro_daemon_name", "ORIGINATING"),
    "delay-reject": option("smtpd_delay_reject", "yes"),
    "connect-policy": option("smtpd_client_restrictions", ""),
    "connect-permit": option("smtpd_client_restrictions", "permit_mynetworks, $gatepost_address"),
    "relay-policy": option("smtpd_relay_restrictions", "permit_mynetworks, reject"),
    "relay-permit": option("smtpd_relay_restrictions", "permit_mynetworks, $gatepost_address, reject"),
    "relay-reject": option("smtpd_relay_restrictions", "$gatepost_address"),
    "recipient-reject": option("smtpd_recipient_restrictions", "permit_sasl_authenticated, reject"),
    "policy-default-open": option("smtpd_relay_restrictions", POLICY.format("DUNNO") + ", reject"),
    "policy-default-hard": option("smtpd_relay_restrictions", POLICY.format("554 no") + ", reject"),
    "policy-default-missing": option(
        "smtpd_relay_restrictions", "check_policy_service { unix:gatepost/policy.sock, policy_context=gatepost-address }, "
        "reject"),
    "milter-overridden": option("smtpd_milters", ""),
    "milter-missing": option("smtpd_milters", "inet:127.0.0.1:9"),
    "milter-not-last": option("smtpd_milters", MILTER % "tempfail" + ", inet:127.0.0.1:9"),
    "milter-default": option("smtpd_milters", MILTER % "accept"),
    "milter-maps": option("smtpd_milter_maps", "inline:{127.0.0.1=DISABLE}"),
    "milters-switched-off": option("receive_override_options", "no_milters"),
    "command-filter": option("smtpd_command_filter", ""),
    "command-filter-file": lambda site: site.away("gatepost/command_filter"),
    "command-filter-readable": lambda site: site.mode(os.path.join(site.config, "gatepost/command_filter"), 0o600),
    "helo": option("smtpd_helo_required", "no"),
    "vrfy": option("disable_vrfy_command", "no"),
    "dsn": option("smtpd_discard_ehlo_keywords", "chunking"),
    "header-rewrite": option("local_header_rewrite_clients", "permit_inet_interfaces"),
    "peername": option("smtpd_peername_lookup", "yes"),
    "bare-newline": option("smtpd_forbid_bare_newline", "no"),
    "bare-newline-exclusions": option("smtpd_forbid_bare_newline_exclusions", "127.0.0.0/8"),
    "connection-count": option("smtpd_client_connection_count_limit", "50"),
    "connection-rate": option("smtpd_client_connection_rate_limit", "10"),
    "message-rate": option("smtpd_client_message_rate_limit", "10"),
    "recipient-rate": option("smtpd_client_recipient_rate_limit", "10"),
    "reject-footer": option("smtpd_reject_footer", "call us"),
    "timeout": option("smtpd_timeout", "10s"),
    "error-limit": option("smtpd_hard_error_limit", "20"),
    "processes": field(6, "50"),
    "login-off": option("smtpd_sasl_auth_enable", "no", LOGIN),
    "login-clear": option("smtpd_tls_auth_only", "no", LOGIN),
    "login-cyrus": option("smtpd_sasl_type", "cyrus", LOGIN),
    "login-certificate": option("smtpd_tls_cert_file", "/nowhere", LOGIN),
    "login-socket": option("smtpd_sasl_path", "private/nobody", LOGIN),
    "return-milter": option("smtpd_milters", MILTER % "tempfail", BACK),
    "return-policy": option("smtpd_recipient_restrictions", "permit", BACK),
    "return-reject": option("smtpd_recipient_restrictions", "$gatepost_return", BACK),
    "return-connect": option("smtpd_client_restrictions", "", BACK),
    "return-relay": option("smtpd_relay_restrictions", "permit", BACK),
    "policy-socket-differs": lambda site: site.replace_all("main.cf", "unix:gatepost/policy.sock", "inet:127.0.0.1:9"),
    "socket-chroot": lambda site: site.replace_all("main.cf", "unix:gatepost/policy.sock",
                                                   f"unix:{site.relay.path('spool/gatepost/policy.sock')}"),
    "socket-permission": lambda site: site.mode(site.relay.path("spool", "gatepost"), 0o700),
    "postscreen-passes-by": lambda site: (site.drop_submissions(), site.append(
        "master.cf", "2525 inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n")),
}
# what one break entails besides: none of these could be true without the other
ENTAILED = {
    "return-path-differs": {"return-route", "return-transport"}, "return-route": {"return-transport"},
    "command-filter-readable": set(), "return-milter": set(), "policy-socket-differs": {"policy-silent"},
    "return-policy": {"no-return-listener"}, "no-listener": set(),
}


class Checked(Base):
    """Each rule of check: broken alone, found alone, mended by what it says"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = cls.relay.postfix.config
        cls.good = {n: cls.relay.file(n) for n in FILES}

    def setUp(self):
        self.undo = []

    def tearDown(self):
        self.restore()

    def restore(self):
        for name in FILES:
            self.relay.postfix.put(name, self.good[name])
        while self.undo:
            self.undo.pop()()

    def key(self, where):
        return where.format(port=self.relay.port, back=self.relay.return_port, login=self.relay.login_port,
                            own=self.relay.own_port)

    def set_main(self, name, value):
        subprocess.run(["postconf", "-c", self.config, "-e", f"{name} = {value}"], check=True)
        self.relay.old("main.cf")

    def service(self, where):
        return text.services(self.relay.file("master.cf"))[self.key(where)][-1]

    def put_service(self, entry, raw):
        self.relay.postfix.put("master.cf", text.put(self.relay.file("master.cf"), [entry], raw))

    def set_option(self, where, name, value):
        entry, service = self.service(where)
        service.options[name] = value
        self.put_service(entry, service.raw)

    def set_field(self, where, number, value):
        entry, service = self.service(where)
        service.fields[number] = value
        self.put_service(entry, service.raw)

    def drop(self, where):
        self.put_service(self.service(where)[0], "")

    def submissions(self):
        return LISTENER, LOGIN, f"127.0.0.1:{self.relay.both_port}/inet"

    def drop_submissions(self):
        for where in self.submissions():
            self.drop(where)

    def listen_everywhere(self, where):
        entry, service = self.service(where)
        service.fields[0] = service.fields[0].rpartition(":")[2]
        self.put_service(entry, service.raw)

    def append(self, name, more):
        self.relay.postfix.put(name, self.relay.file(name) + more)

    def replace_all(self, name, old, new):
        self.relay.postfix.put(name, self.relay.file(name).replace(old, new))

    def away(self, name):
        path = os.path.join(self.config, name)
        os.rename(path, path + ".away")
        self.undo.append(lambda: os.rename(path + ".away", path))

    def mode(self, path, mode):
        was = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        self.undo.append(lambda: os.chmod(path, was))

    def test_each_break_has_its_own_message(self):
        told = settings.Settings("b.example.gov", *(f"unix:{self.relay.path('spool', 'gatepost', n)}.sock"
                                                    for n in ("policy", "milter", "feedback")),
                                 notices=f"inet:127.0.0.1:{self.relay.own_port}")
        self.assertEqual(checks.run(self.config, told, "gatepost.conf"), [])
        said = {}
        for name, act in BREAKS.items():
            with self.subTest(name):
                act(self)
                found = checks.run(self.config, told, "gatepost.conf")
                self.assertEqual({f.id for f in found} - ENTAILED.get(name, set()), {name}, [f.__dict__ for f in found])
                for finding in found:
                    self.assertTrue(finding.where and finding.wrong and finding.mend, finding.__dict__)
                    if finding.id == name:
                        self.assertEqual(said.setdefault(finding.wrong, name), name)
            self.restore()

    def test_no_rule_is_without_a_break(self):
        self.assertEqual(set(checks.ALL) - set(BREAKS), {"socket-missing", "policy-silent", "milter-silent", "feedback-silent", "milter-tcp"})
        self.assertGreaterEqual(len(checks.ALL), 20)

    def test_a_command_that_mends(self):
        """What is offered as a command is one."""
        for name in ("long-queue-ids", "size-limit", "return-route", "mailbox-limit"):
            with self.subTest(name):
                BREAKS[name](self)
                finding = next(f for f in self.findings() if f["id"] == name)
                self.assertEqual(subprocess.run(finding["mend"], shell=True).returncode, 0)
                self.assertNotIn(name, {f["id"] for f in self.findings()})
            self.restore()

    def test_a_milter_over_tcp(self):
        gatepost = self.relay.path("tcp.conf")
        with open(gatepost, "w") as f:
            f.write(sample.configuration(self.relay.state, milter_listen="inet:127.0.0.1:9"))
        for where in self.submissions():
            self.set_option(where, "smtpd_milters", "{ inet:127.0.0.1:9, default_action=tempfail }")
        self.assertEqual({f["id"] for f in self.findings("--gatepost", gatepost)}, {"milter-tcp", "milter-silent"})

    def test_daemons_that_are_away(self):
        for daemon, name in ((self.relay.policyd, "policy"), (self.relay.milter, "milter"),
                             (self.relay.feedback, "feedback")):
            path = self.relay.path("spool", "gatepost", f"{name}.sock")
            os.rename(path, path + ".away")
            self.assertEqual({f["id"] for f in self.findings()}, {"socket-missing"})
            os.rename(path + ".away", path)
            process.suspend(daemon.child.pid)
            self.assertEqual({f["id"] for f in self.findings()}, {f"{name}-silent"})
            daemon.child.send_signal(18)
            process.wait_for("it to answer again", lambda: not self.findings())

    def test_broken_configurations_are_refused(self):
        """Nothing is written when Postfix could not read it; the fault is named."""
        self.told(self.relay.tool("disable"))
        clean = {n: self.relay.file(n) for n in FILES}
        for name, edit, word in (("main.cf", "message_size_limit = ten\n", "message_size_limit"),
                                 ("master.cf", "smtp inet n - y\n", "master.cf")):
            self.relay.postfix.put(name, clean[name] + edit)
            done = self.relay.tool("enable", *self.relay.places)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(word, done.stderr)
            self.assertEqual(self.relay.file(name), clean[name] + edit)
            self.relay.postfix.put(name, clean[name])
        self.told(self.relay.tool("enable", *self.relay.places))
        self.assertEqual({n: self.relay.file(n) for n in FILES}, self.good)

    def test_wrong_usage(self):
        for words in (["enable", "--submission", "nowhere"], ["enable", "--return", "127.0.0.1:1", "--submission", "pickup"],
                      ["diff", "--return", "none", "--login", "127.0.0.1:1x"], ["enable", "--both", "1.2.3.4:1", "--return"],
                      ["frobnicate"]):
            self.assertEqual(self.relay.tool(*words).returncode, 2, words)


del Base

if __name__ == "__main__":
    unittest.main()
