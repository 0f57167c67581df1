# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units: what systemd itself says of them, and that what they prepare fits what the daemons want."""
import configparser
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SYSTEMD = os.path.join(ROOT, "postfix-conf", "systemd")
BUILD = os.path.abspath(os.environ.get("GATEPOST_BUILD") or os.path.join(ROOT, "build"))
PROGRAMS = ("policyd", "milter", "feedback")
GROUPS = {"feedback": "adm systemd-journal"}  # Postfix's log; the others need memcached's socket


def path(name):
    return os.path.join(SYSTEMD, name)


def unit(program):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path(f"gatepost-{program}.service"))
    return parser


class Scratch(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="gatepost-systemd-")
        self.addCleanup(shutil.rmtree, self.directory)


class Units(Scratch):
    def built(self, program):
        """The unit, with the program where the build put it."""
        copy = os.path.join(self.directory, f"gatepost-{program}.service")
        with open(path(f"gatepost-{program}.service")) as f, open(copy, "w") as out:
            out.write(f.read().replace("/usr/sbin/", f"{BUILD}/bin/"))
        return copy

    def test_systemd_finds_no_fault(self):
        units = [self.built(p) for p in PROGRAMS]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "gatepost" in line]  # of other units it speaks, too
        self.assertEqual((done.returncode, done.stdout, said), (0, "", []))

    def test_hardened(self):
        """systemd's own measure: 0 is nothing exposed, 10 everything; a stock daemon has 9.6"""
        for program in PROGRAMS:
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", self.built(program)],
                                  capture_output=True, text=True)
            level = re.search(r"exposure level.*?: ([0-9.]+)", done.stdout)
            self.assertIsNotNone(level, done.stdout + done.stderr)
            self.assertLess(float(level.group(1)), 2.0, done.stdout)

    def test_what_the_design_asks_for(self):
        for program in PROGRAMS:
            service = unit(program)["Service"]
            wanted = {"Type": "simple", "Restart": "always", "ExecReload": "kill -USR1 $MAINPID", "User": "gatepost",
                      "Group": "gatepost", "SupplementaryGroups": GROUPS.get(program, "memcache"), "RuntimeDirectory": "gatepost",
                      "StateDirectory": "gatepost", "ExecStart": f"/usr/sbin/gatepost-{program}"}
            self.assertEqual({k: service.get(k) for k in wanted}, wanted)
            # one directory for all daemons: the end of one must not take the other's files away
            self.assertEqual(service["RuntimeDirectoryPreserve"], "yes")
            self.assertEqual(unit(program)["Unit"]["StartLimitIntervalSec"], "0")

    def test_units_let_the_daemons_write_their_sockets(self):
        with open(os.path.join(ROOT, "postfix-conf", "gatepost.conf.sample")) as f:
            sample = f.read()
        for program, key in (("policyd", "policy_listen"), ("milter", "milter_listen"), ("feedback", "feedback_listen")):
            socket = re.search(rf'{key}\s*=\s*"unix:([^"]+)"', sample).group(1)
            self.assertIn("-" + os.path.dirname(socket), unit(program)["Service"]["ReadWritePaths"].split())


class Directories(Scratch):
    """sysusers.d and tmpfiles.d, tried on an empty root: gatepost can make its sockets, postfix reach them, others not"""

    @unittest.skipUnless(shutil.which("systemd-sysusers") and os.geteuid() == 0, "needs systemd and root")
    def test_sockets_directory(self):
        for name in ("etc", "var/spool/postfix", "var/mail"):
            os.makedirs(os.path.join(self.directory, name))
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", os.path.join(self.directory, "etc", name))
        for words in (["systemd-sysusers", f"--root={self.directory}", path("gatepost.sysusers")],
                      ["systemd-tmpfiles", f"--root={self.directory}", "--create", path("gatepost.tmpfiles")]):
            done = subprocess.run(words, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        ids = {}
        for name in ("passwd", "group"):
            with open(os.path.join(self.directory, "etc", name)) as f:
                ids[name] = {fields[0]: int(fields[2]) for fields in (line.split(":") for line in f)}
        found = os.stat(os.path.join(self.directory, "var/spool/postfix/gatepost"))
        self.assertEqual((found.st_uid, found.st_gid), (ids["passwd"]["gatepost"], ids["group"]["postfix"]))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o2750)
        keys = os.stat(os.path.join(self.directory, "etc/gatepost/keys"))
        self.assertEqual((keys.st_uid, keys.st_gid, stat.S_IMODE(keys.st_mode)), (0, ids["group"]["gatepost"], 0o750))


if __name__ == "__main__":
    unittest.main()
