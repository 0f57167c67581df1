# SPDX-License-Identifier: GPL-3.0-or-later
"""./quickstart as a person and as a script use it."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest

from scene import WIDE, agency, process, smtp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMES = ["SUBMISSION_PORT", "RETURN_PORT", "SINK_DIR", "CONFIG", "AGENCIES", "MEMCACHED_SOCKET", "POLICY_SOCKET",
         "MILTER_SOCKET", "POSTFIX_CONFIG", "MAIL_LOG", "PID_POLICYD", "PID_MILTER", "PID_MEMCACHED", "PID_POSTFIX", "CTL",
         "FEEDBACK_SOCKET", "FEEDBACK_LOG", "ARCHIVE", "DATABASE", "PID_FEEDBACK", "OWN_PORT"]
TOLD = ["452 4.5.3", "421 4.4.5", "421 4.3.2", "501 5.5.2", "451 4.7.1", "452 4.7.1", "450 4.7.1", "552 5.3.4",
        "554 5.7.1", "421 4.7.1", "421 4.7.0", "550 5.1.1", "550 5.7.1"]


def quickstart(*words, **options):
    return subprocess.run([os.path.join(ROOT, "quickstart"), *words], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


class Raised:
    """A quickstart that stays up, and its env as a shell reads it."""

    def __init__(self, test, *words, state=None):
        self.state = state or tempfile.mkdtemp(prefix="gatepost-qs-", dir="/tmp")
        test.addCleanup(shutil.rmtree, self.state, True)
        self.output = tempfile.TemporaryFile("w+")
        test.addCleanup(self.output.close)
        self.child = subprocess.Popen([os.path.join(ROOT, "quickstart"), "--state", self.state, "--no-tour", *words],
                                      stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)
        test.addCleanup(self.end)
        process.wait_for("DIR/env", lambda: self.child.poll() is not None or os.path.exists(self.path("env")), 120)
        if self.child.poll() is not None:
            raise AssertionError(self.said())
        shown = subprocess.run(["sh", "-c", f". {self.path('env')} && for n in {' '.join(NAMES)} START_POLICYD; do "
                                'eval "echo $n=\\$$n"; done'], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.env = dict(line.split("=", 1) for line in shown.splitlines())

    def path(self, *parts):
        return os.path.join(self.state, *parts)

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def client(self, source="127.0.0.10"):
        return smtp.Client(int(self.env["SUBMISSION_PORT"]), source)

    def pids(self):
        return [int(self.env[n]) for n in NAMES if n.startswith("PID_")]

    def end(self, number=signal.SIGINT):
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(60)


class Quickstart(unittest.TestCase):
    def test_usage(self):
        self.assertIn("--agencies FILE", quickstart("--help").stdout)
        for words in (["--bogus"], ["--state"], ["--agencies", "/nonexistent"], ["--once", "--no-tour"], ["word"]):
            with self.subTest(words):
                done = quickstart(*words)
                self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(quickstart("--help").returncode, 0)

    def test_once(self):
        done = quickstart("--once")
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        for reply in TOLD:
            self.assertIn(f"S: {reply}", done.stdout)
        for exact in ("S: 421 4.4.5 Service unavailable, concurrency limit reached\n",
                      "S: 450 4.7.1 Rate limit reached, retry later\n",
                      "S: 452 4.7.1 Too many recipients received based on tier configuration\n"):
            self.assertIn(exact, done.stdout)
        self.assertIn("as it left", done.stdout)
        self.assertRegex(done.stdout, r"S: 550 5\.7\.1 Recipient suppressed: 550 5\.1\.1 No such user here, since \d{4}-\d\d-\d\d\n")
        state = re.search(r"/tmp/gatepost-\w+", done.stdout)
        self.assertFalse(state and os.path.exists(state.group()), "the state directory was left behind")

    def test_env_contract(self):
        up = Raised(self)
        for name in NAMES:
            self.assertTrue(up.env.get(name), name)
        for name in ("CONFIG", "AGENCIES", "MEMCACHED_SOCKET", "POLICY_SOCKET", "MILTER_SOCKET", "MAIL_LOG",
                     "FEEDBACK_SOCKET", "FEEDBACK_LOG", "ARCHIVE", "DATABASE"):
            self.assertTrue(os.path.exists(up.env[name]), name)
        with open(up.env["AGENCIES"]) as f:
            text = f.read()
        for group in re.findall(r"^(\w+) = \{(.*?)^\}", text, re.S | re.M):
            self.assertLess(group[1].index("production"), group[1].index("sender_domains"), group[0])
        ctl = shlex.split(up.env["CTL"])
        for where in ("/", "/tmp", ROOT):
            self.assertEqual(subprocess.run([*ctl, "check"], cwd=where, stdout=subprocess.DEVNULL).returncode, 0)
        shown = subprocess.run(["postconf", "-c", up.env["POSTFIX_CONFIG"], "-h", "inet_interfaces", "default_process_limit",
                                "smtpd_client_connection_count_limit", "smtpd_peername_lookup"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(shown.stdout.split(), ["loopback-only", "500", "0", "no"])
        self.assertEqual(shown.stderr, "", "postconf warns")
        with up.client() as c:
            c.hello()
            text = smtp.message("dots", body=".\r\n..two\r\nend\r\n")
            self.assertEqual(c.submit("app@dol.example.gov", "x@example.com", text).code, 250)
        process.wait_for("the sink", lambda: os.path.exists(os.path.join(up.env["SINK_DIR"], "00000001.json")))
        with open(os.path.join(up.env["SINK_DIR"], "00000001.eml"), "rb") as f:
            self.assertTrue(f.read().endswith(b"\r\n\r\n.\r\n..two\r\nend\r\n"))

    def test_ctrl_c_ends_everything(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            up = Raised(self)
            # a daemon was killed and somebody started another
            os.kill(int(up.env["PID_POLICYD"]), signal.SIGKILL)
            process.wait_for("its end", lambda: not os.path.exists(f"/proc/{up.env['PID_POLICYD']}"))
            with open(os.devnull, "w") as null:
                another = subprocess.Popen(shlex.split(up.env["START_POLICYD"]), stderr=null)
            self.addCleanup(another.wait)
            process.wait_for("policyd", lambda: process.read_pid(up.path("run", "policyd.pid")) == another.pid)
            with up.client() as c:
                self.assertEqual(c.greeting.code, 220)
            self.assertEqual(up.end(number), 0, up.said())
            self.assertEqual([pid for pid in up.pids() if os.path.exists(f"/proc/{pid}")], [])
            self.assertIsNotNone(another.poll(), "the other policyd lives on")
            self.assertFalse(os.path.exists(up.path("env")))

    def test_two_side_by_side_but_not_in_one_directory(self):
        one, two = Raised(self), Raised(self)
        for up in (one, two):
            with up.client() as c:
                self.assertEqual(c.greeting.code, 220)
        done = quickstart("--no-tour", "--state", one.state)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stdout)
        one.end()
        with two.client() as c:
            self.assertEqual(c.greeting.code, 220)

    def test_agencies(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write('limits = { message_size = "7K" }\n' + agency("mine", ["127.0.8.1"], ["mine.example.gov"],
                                                                 limits={"sessions": WIDE["sessions"]}))
            f.flush()
            up = Raised(self, "--agencies", f.name)
            with open(f.name) as given, open(up.env["AGENCIES"]) as taken:
                self.assertEqual(given.read(), taken.read())
            with up.client("127.0.8.1") as c:
                c.hello()
                self.assertEqual(c.mail("app@mine.example.gov", "SIZE=8000").code, 552)
            with up.client("127.0.0.10") as c:
                self.assertEqual(c.greeting.code, 554)
            process.wait_for("where to submit by hand", lambda: "127.0.8.1" in up.said())

    def test_agencies_that_are_wrong(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(agency("mine", ["127.0.8.0/24"], ["mine.example.gov"]))
            f.flush()
            done = quickstart("--agencies", f.name, "--no-tour")
            self.assertEqual(done.returncode, 1)
            self.assertIn("agencies.conf:3: mine.production", done.stdout)

    def test_agencies_in_the_tour(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(agency("mine", ["127.0.0.99"], [".mine.example.gov"]))
            f.flush()
            done = quickstart("--agencies", f.name, "--once")
            self.assertEqual(done.returncode, 0, done.stdout[-4000:])
            self.assertIn("mine submits from 127.0.0.99", done.stdout)


if __name__ == "__main__":
    unittest.main()
