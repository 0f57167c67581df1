# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix-conf/relay/command_filter, asked by postmap: which RCPT lines become GPBADRCPT, and which are left alone."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "postfix-conf", "relay", "command_filter")

# What Postfix 3.7 refuses by itself with 501 or 555 because of the address; all of it was seen.
REFUSED_BY_POSTFIX = """
RCPT TO:<foo@>
RCPT TO:<>
RCPT TO:<a b@c.test>
RCPT TO:foo bar@dest.test
RCPT TO:Foo Bar <foo@dest.test>
RCPT TO:<foo@dest.test
RCPT TO:<foo@dest..test>
RCPT TO:<foo@.dest.test>
RCPT TO:<foo@-dest.test>
RCPT TO:<foo@127.0.0.1>
RCPT TO:<foo@[300.1.2.3]>
RCPT TO:<f(comment)oo@dest.test>
RCPT TO:<foo,bar@dest.test>
RCPT TO:<foo;bar@dest.test>
RCPT TO:<"unterminated@dest.test>
RCPT TO
RCPT FROM:<a@b.test>
RCPT TO:<foo@dest.test>garbage
RCPT
RCPT TO:
RCPT TO :<foo@dest.test>
RCPT "TO:"<foo@dest.test>
RCPT TO:<foo@dest.test>,<bar@x.test>
RCPT TO:<foo@dest.test> <bar@x.test>
RCPT TO:<foo@dest.test> (comment)
RCPT TO:<foo@dest.test>NOTIFY=NEVER
RCPT TO:<foo@dest.test><
RCPT TO:<"foo"@dest.test>"x"
RCPT TO:<"foo"bar@dest.test>
RCPT TO:<foo[bar]@dest.test>
RCPT TO:<foo@dest.test" >
RCPT TO:"a b"@dest.test garbage
RCPT TO:<"a\\
RCPT TO:<-foo@dest.test>
RCPT TO:<"-foo"@dest.test>
RCPT TO:<"\\-foo"@dest.test>
RCPT TO:<@a.test:-foo@dest.test>
RCPT TO:-foo@dest.test
RCPT TO:<@a.test:>
RCPT TO:<foo@dest-.test>
RCPT TO:<foo@xn--.test>
RCPT TO:<foo@dest.test..>
RCPT TO:<foo@d!st.test>
RCPT TO:<foo@1>
RCPT TO:<foo@1.2.3.4.5>
RCPT TO:<foo@[1.2.3]>
RCPT TO:<foo@[1.2.3.4.5]>
RCPT TO:<foo@[1.2.3.256]>
RCPT TO:<foo@[1.2.3.4]x>
RCPT TO:<foo@[0.1.2.3]>
RCPT TO:<foo@[00.1.2.3]>
RCPT TO:<foo@[dest.test]>
RCPT TO:<foo@[::1]>
RCPT TO:<foo@[x400:1]>
RCPT TO:<foo@[IPv6:]>
RCPT TO:<foo@[IPv6:1.2.3.4]>
RCPT TO:<foo@[IPv6:g::1]>
RCPT TO:<foo@[IPv6:12345::1]>
RCPT TO:<foo@[IPv6:::12345]>
RCPT TO:<foo@[IPv6:1::12345]>
RCPT TO:<foo@[IPv6:1:2::12345]>
RCPT TO:<foo@[IPv6:1:2:3::12345]>
RCPT TO:<foo@[IPv6:1:2:3:4::12345]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:12345]>
RCPT TO:<foo@[IPv6:1::2::3]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:7:8:9]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:7::]>
RCPT TO:<foo@[IPv6:::0.1.2.3]>
RCPT TO:<foo@[IPv6:::1.2.3.256]>
RCPT TO:<foö@dest..test>
RCPT TO:<foo@> NOTIFY=NEVER
rcpt to:<foo@>
RcPt\tTo:\t<foo@>
""".strip().split("\n")

# Malformed too, but Postfix would pass it to the milter.
REFUSED_EARLY = """
RCPT TO:<.foo@dest.test>
RCPT TO:<foo.@dest.test>
RCPT TO:<fo..o@dest.test>
RCPT TO:<@dest.test>
RCPT TO:<foo>
RCPT TO:foo@dest.test
RCPT TO:<foo@dest.test.>
RCPT TO:<foo@de_st.test>
RCPT TO:<foo@bar@dest.test>
RCPT TO:<foo\\@dest.test>
RCPT TO:< foo@dest.test >
RCPT TO:<<foo@dest.test>>
RCPT TO:<foo@[1.2.3.4>
RCPT TO:<foo."bar"@dest.test>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:7]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:1.2.3.4]>
""".strip().split("\n")

LEFT_ALONE = """
RCPT TO:<foo@dest.test>
rcpt to:<foo@dest.test>
RCPT TO: <foo@dest.test>
RCPT  TO:<foo@dest.test>
RCPT TO:<"foo."@dest.test>
RCPT TO:<".foo"@dest.test>
RCPT TO:<"a b"@c.test>
RCPT TO:<""@dest.test>
RCPT TO:<"a@b"@dest.test>
RCPT TO:<"a>b <c>"@dest.test>
RCPT TO:<"a\\"b"@dest.test>
RCPT TO:<"a\\\\"@dest.test>
RCPT TO:<"a,b;c:d(e)"@dest.test>
RCPT TO:<foo@[127.0.0.1]>
RCPT TO:<foo@[255.249.199.0]>
RCPT TO:<foo@[001.02.3.004]>
RCPT TO:<foo@[0.0.0.0]>
RCPT TO:<foo@[IPv6:::]>
RCPT TO:<foo@[ipv6:2001:DB8::1]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:7:8]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6:1.2.3.4]>
RCPT TO:<foo@[IPv6:::1:2:3:4:5:6]>
RCPT TO:<foo@[IPv6:1::2:3:4:5:6]>
RCPT TO:<foo@[IPv6:1:2::3:4:5:6]>
RCPT TO:<foo@[IPv6:1:2:3::4:5:6]>
RCPT TO:<foo@[IPv6:1:2:3:4::5:6]>
RCPT TO:<foo@[IPv6:1:2:3:4:5::6]>
RCPT TO:<foo@[IPv6:1:2:3:4:5:6::]>
RCPT TO:<foo@[IPv6:1:2:3::]>
RCPT TO:<foo@[IPv6:::ffff:1.2.3.4]>
RCPT TO:<foo@[IPv6:1:2:3:4::1.2.3.4]>
RCPT TO:<foo@[IPv6:::0.0.0.0]>
RCPT TO:<@relay.test,@r2.test:foo@dest.test>
RCPT TO:<@relay.test:"x:y"@dest.test>
RCPT TO:<foo%bar@dest.test>
RCPT TO:<foo!bar@dest.test>
RCPT TO:<foo-@dest.test>
RCPT TO:<f-o@d-e.test>
RCPT TO:<!#$%&'*+-/=?^_`{|}~@dest.test>
RCPT TO:<foo@localhost>
RCPT TO:<foo@1.2.3.test>
RCPT TO:<foo@127.0.0.1a>
RCPT TO:<foo@xn--bcher-kva.test>
RCPT TO:<föö@dest.test>
RCPT TO:<"f ö"@dest.test>
RCPT TO:<foo@dést.test>
RCPT TO:<用户@例え.テスト>
RCPT TO:<postmaster>
RCPT TO:<PostMaster> NOTIFY=NEVER
RCPT TO:<foo@dest.test> FOO=BAR
RCPT TO:<foo@dest.test> NOTIFY=BAD
RCPT TO:<foo@dest.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;foo@1.2
RCPT TO:<foo@dest.test> ORCPT=rfc822;"-x@1>
RCPT TO:<foo@dest.test> FOO
MAIL FROM:<foo@>
MAIL FROM:<> SIZE=100
DATA
QUIT
EHLO RCPT TO:<foo@>
VRFY RCPT
RCPTX
RCPTX TO:<foo@>
RCPT-TO:<foo@>
RSET
""".strip().split("\n")

LABEL63, DOMAIN = "b" * 63, ".".join(["b" * 63] * 3)
LENGTHS = [  # (line, refused)
    ("RCPT TO:<" + "a" * 64 + "@dest.test>", False),
    ("RCPT TO:<" + "a" * 65 + "@dest.test>", True),
    ("RCPT TO:<@r.test:" + "a" * 64 + "@dest.test>", False),
    ("RCPT TO:<@r.test:" + "a" * 65 + "@dest.test>", True),
    ("RCPT TO:<" + "ö" * 32 + "@dest.test>", False),
    ("RCPT TO:<" + "ö" * 33 + "@dest.test>", True),
    ('RCPT TO:<"' + "a" * 62 + '"@dest.test>', False),
    ('RCPT TO:<"' + "a" * 63 + '"@dest.test>', True),
    ('RCPT TO:<"' + "\\a" * 31 + '"@dest.test>', False),
    (f"RCPT TO:<a@{LABEL63}.test>", False),
    (f"RCPT TO:<a@b{LABEL63}.test>", True),
    (f"RCPT TO:<a@test.{LABEL63}>", False),
    (f"RCPT TO:<a@test.b{LABEL63}>", True),
    ("RCPT TO:<a@" + "用" * 19 + ".test>", False),
    ("RCPT TO:<a@" + "用" * 30 + ".test>", False),  # more than 63 octets, but fewer as an A-label
    (f"RCPT TO:<aaaaaa@{DOMAIN}.{'b' * 55}>", False),  # 254 in all
    (f"RCPT TO:<aaaaaaa@{DOMAIN}.{'b' * 55}>", True),
    (f'RCPT TO:<">>>>"@{DOMAIN}.{"b" * 63}.b>', True),  # domain of 257
]


def with_config(folder):
    """postmap wants a main.cf, whatever it says; the machine may have none"""
    with open(os.path.join(folder, "main.cf"), "w", encoding="ascii") as f:
        f.write("compatibility_level = 3.6\n")
    return folder


class CommandFilter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="gatepost-filter-")
        with_config(cls.folder.name)
        cls.addClassCleanup(cls.folder.cleanup)

    def answer(self, line):
        done = subprocess.run(["postmap", "-c", self.folder.name, "-q", line, "regexp:" + TABLE], capture_output=True,
                              encoding="utf-8", check=False)
        self.assertEqual(done.stderr, "", line)
        self.assertEqual(done.returncode, 0 if done.stdout else 1, line)
        return done.stdout

    def refused(self, lines):
        for line in lines:
            with self.subTest(line=line):
                self.assertEqual(self.answer(line), "GPBADRCPT\n")

    def test_what_postfix_would_refuse(self):
        self.refused(REFUSED_BY_POSTFIX)

    def test_what_the_milter_would_refuse_as_well(self):
        self.refused(REFUSED_EARLY)

    def test_left_alone(self):
        for line in LEFT_ALONE:
            with self.subTest(line=line):
                self.assertEqual(self.answer(line), "")

    def test_lengths(self):
        for line, refused in LENGTHS:
            with self.subTest(line=line):
                self.assertEqual(self.answer(line), "GPBADRCPT\n" if refused else "")

    def test_no_line_begins_with_a_blank(self):
        """Postfix would take it for the end of the line before."""
        with open(TABLE, encoding="ascii") as f:
            self.assertEqual([line for line in f if line[0] in " \t"], [])


if __name__ == "__main__":
    unittest.main()
