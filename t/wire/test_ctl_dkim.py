# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepostctl dkim new: the key it makes, what it prints, and what it refuses."""
import base64
import grp
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import unittest

from ctl_case import BIN, Case, dkim_keys, sample

ROOT = os.geteuid() == 0


class Dkim(Case):
    counters = False

    def setUp(self):
        super().setUp()
        os.mkdir(f"{self.dir}/etc/keys")
        if ROOT:
            shutil.chown(f"{self.dir}/etc/keys", group="postfix")

    def key(self, name):
        return f"{self.dir}/etc/keys/{name}.pem"

    def made(self, *words):
        return self.good("dkim", "new", *words).out

    def public(self, path):
        done = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True, check=True)
        return done.stdout

    def test_what_is_made(self):
        for selector, words, kind, prefix in (("gp1", [], "rsa", 0), ("gp1e", ["--type", "ed25519"], "ed25519", 12)):
            with self.subTest(kind):
                out = self.made("Dol.Example.gov", "--selector", selector, *words)
                path = self.key(f"dol.example.gov.{selector}")
                record = dkim_keys.record(out)
                public = base64.b64encode(self.public(path)[prefix:]).decode()
                self.assertEqual(record, {f"{selector}._domainkey.dol.example.gov": f"v=DKIM1; k={kind}; p={public}"})
                self.assertLessEqual(max(len(text) for text in re.findall(r'"([^"]*)"', out.split("\n")[1])), 255)
                self.assertEqual([line[:1] for line in out.splitlines() if not line.startswith(";")], ["g"])

    def test_who_may_read_it(self):
        old = os.umask(0)
        try:
            self.made("dol.gov", "--selector", "gp1", "--type", "ed25519")
        finally:
            os.umask(old)
        made = os.stat(self.key("dol.gov.gp1"))
        self.assertEqual(stat.S_IMODE(made.st_mode), 0o640 if ROOT else 0o600)
        if ROOT:
            self.assertEqual((made.st_uid, made.st_gid), (0, grp.getgrnam("postfix").gr_gid))

    @unittest.skipUnless(ROOT, "only root gives files away")
    def test_the_group_is_the_configurations(self):
        other = next(g.gr_name for g in grp.getgrall() if g.gr_gid != 0 and g.gr_name != "postfix")
        self.configure(group=other)
        self.assertIn(f"for its owner and group {other}\n", self.made("dol.gov", "--selector", "a", "--type", "ed25519"))
        self.assertEqual(os.stat(self.key("dol.gov.a")).st_gid, grp.getgrnam(other).gr_gid)
        self.configure(group=other, dkim=None)  # as before the first key is made: faulty
        self.assertIn("for its owner and group postfix\n", self.made("dol.gov", "--selector", "b", "--type", "ed25519"))
        self.configure(group="no-such-group")
        self.bad(1, "there is no group no-such-group", "dkim", "new", "dol.gov", "--selector", "c")
        self.assertFalse(os.path.exists(self.key("dol.gov.c")))

    def test_what_it_says_to_add_is_right(self):
        made = self.made(sample.RELAY_NAME, "--type", "ed25519") + self.made("dol.example.gov")
        lines = re.findall(r"(?m)^;   (dkim = .*)$", made)
        self.configure(dkim=None)
        with open(self.config, "a") as f:
            f.write(lines[0] + "\n")
        self.agencies(sample.agency("dol", ["192.0.2.10"], ["dol.example.gov"]).rstrip("}\n ") + "\n" + lines[1] + "\n}\n")
        told = self.good("check", "--json").json()
        self.assertEqual({f"{k['selector']}._domainkey.{k['domain']}": k["record"]
                          for k in told["dkim"] + told["agencies"][0]["dkim"]}, dkim_keys.record(made))
        self.assertRegex(told["dkim"][0]["selector"], r"\Agp20\d\d[01]\de\Z")
        self.assertRegex(told["agencies"][0]["dkim"][0]["selector"], r"\Agp20\d\d[01]\d\Z")
        self.assertTrue(os.path.isabs(told["dkim"][0]["key"]))

    def test_nothing_is_overwritten(self):
        path = f"{self.dir}/mine.pem"
        self.made("dol.gov", "--out", path)
        with open(path) as f:
            before = f.read()
        self.bad(1, "is there already", "dkim", "new", "dol.gov", "--out", path)
        os.symlink(f"{self.dir}/elsewhere", f"{self.dir}/link")
        self.bad(1, "is there already", "dkim", "new", "dol.gov", "--out", f"{self.dir}/link")
        self.assertFalse(os.path.exists(f"{self.dir}/elsewhere"))
        with open(path) as f:
            self.assertEqual(f.read(), before)

    def test_what_cannot_be_written(self):
        self.bad(1, "No such file or directory", "dkim", "new", "dol.gov", "--out", f"{self.dir}/none/k.pem")

        with open(f"{BIN}/gatepostctl", "rb") as f:
            if b"__tsan_init" in f.read():
                return  # ThreadSanitizer maps files of its own, which have no room either

        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        path = f"{self.dir}/k.pem"
        done = subprocess.run([f"{BIN}/gatepostctl", "-c", self.config, "dkim", "new", "dol.gov", "--out", path],
                              capture_output=True, text=True, preexec_fn=no_room)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("File too large", done.stderr)
        self.assertFalse(os.path.exists(path))

    def test_wrong_usage(self):
        long = ".".join(["d" * 60] * 4)
        for why, *words in (("argument is missing",), ("too many", "dol.gov", "doe.gov"),
                            ("DOMAIN must be", "dol_gov"), ("DOMAIN must be", "gr\u00fc\u00df.gov"), ("DOMAIN must be", ""),
                            ("DOMAIN must be", "../dol.gov"), ("DOMAIN must be", "192.0.2.1"),
                            ("--selector must be", "dol.gov", "--selector", "gp 1"),
                            ("--selector must be", "dol.gov", "--selector", "../gp"),
                            ("--selector must be", "dol.gov", "--selector", "s" * 64),
                            ("too long for the DNS", long, "--selector", "s" * 20),
                            ("--type must be", "dol.gov", "--type", "RSA"), ("--type must be", "dol.gov", "--type", ""),
                            ("--out must be", "dol.gov", "--out", ""), ("no such option", "dol.gov", "--json")):
            self.bad(2, why, "dkim", "new", *words)
        self.assertEqual(os.listdir(f"{self.dir}/etc/keys"), [])


if __name__ == "__main__":
    unittest.main()
