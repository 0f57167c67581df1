# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages from installation to purge on a system of their own, by the README's steps; and what the units'
sandboxes forbid. The tests are chapters of one story: they run in the order of their names.
"""
import json
import os
import re
import shutil
import sys
import tempfile
import time
import unittest

import machine
from machine import Trouble, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BUILD = os.path.abspath(os.environ.get("GATEPOST_BUILD") or os.path.join(ROOT, "build"))
DAEMONS = ("policyd", "milter", "feedback")
UNITS = [f"gatepost-{d}" for d in DAEMONS]
SOCKETS = {"policyd": "policy", "milter": "milter", "feedback": "feedback"}
# where a daemon may write; the last one is in memory of its own
OURS = ["/var/lib/gatepost", "/run/gatepost", "/var/spool/postfix/gatepost", "/tmp"]
FOREIGN = ["/etc", "/etc/gatepost", "/etc/gatepost/keys", "/etc/postfix", "/usr/sbin", "/usr/local/bin", "/var/lib/other",
           "/var/spool/postfix/maildrop", "/var/log", "/root", "/home/somebody", "/opt", "/boot", "/srv"]
# what the sandbox alone must forbid, even to root
FORBIDDEN = [*(f"write:{p}" for p in FOREIGN), "read:/root/secret", "read:/home/somebody/secret",
             "change:/etc/gatepost/keys/token", "change:/proc/sys/kernel/domainname", "socket:raw", "socket:packet",
             "socket:netlink", "ptrace", "mount", "unshare", "unshare:user", "setuid", "chroot", "real-time", "module", "bpf",
             "code", "setuid-file"]
# what those could do without it; modules and bpf are refused to every system in namespaces
WITHOUT = [name for name in FORBIDDEN if name not in ("module", "bpf", "change:/proc/sys/kernel/domainname")]

AGENCY = """dol = {
  contact        = "mail-ops@dol.example.gov"
  production     = [ "127.0.0.10" ]
  sender_domains = [ "dol.example.gov" ]
}
"""
SUBMIT = """import sys
sys.path.insert(0, "/opt/t")
import smtp
with smtp.Client(25, sys.argv[1]) as client:
    if client.greeting.code == 220:
        client.hello()
        print(client.submit("app@dol.example.gov", "someone@example.com", smtp.message(sys.argv[2])))
    else:
        print(client.greeting)
"""


def build_packages(directory):
    """{name: file} of what cpack makes of this build"""
    run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", directory, cwd=BUILD)
    found = {f.split("_")[0]: os.path.join(directory, f) for f in os.listdir(directory) if f.endswith(".deb")}
    assert sorted(found) == ["gatepost", "gatepost-doc"], found
    return found


def higher(deb, directory):
    """The same package as a later version with another sample: 0.1.0-1 becomes 0.1.0-1+next"""
    tree = os.path.join(directory, "tree")
    run("dpkg-deb", "--raw-extract", deb, tree)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control) as f:
        text = re.sub(r"(?m)^(Version: .*)$", r"\1+next", f.read())
    with open(control, "w") as f:
        f.write(text)
    with open(os.path.join(tree, "etc/gatepost/gatepost.conf"), "a") as f:
        f.write("# a later version says more\n")
    made = os.path.join(directory, "gatepost_next.deb")
    run("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", tree, made)
    return made


def needed(deb):
    """What apt is to fetch: names of Depends and Recommends"""
    fields = run("dpkg-deb", "--field", deb, "Depends", "Recommends")
    return [re.sub(r"^(Depends|Recommends): |\(.*?\)|:any|\s", "", word) for word in fields.replace("\n", ",").split(",")
            if word.strip()]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="gatepost-package-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, True)
        cls.clock("start")
        cls.debs = build_packages(os.path.join(cls.directory, "debs"))
        cls.debs["next"] = higher(cls.debs["gatepost"], cls.directory)
        cls.clock("packages built")
        image = machine.base(os.path.join(BUILD, "package-cache"), needed(cls.debs["gatepost"]))
        cls.clock("base system there")
        cls.m = machine.Machine(image, os.path.join(cls.directory, "machine"))
        cls.m.__enter__()
        cls.addClassCleanup(cls.m.__exit__)
        cls.clock("booted")
        cls.furnish()

    @classmethod
    def clock(cls, what, began=[time.monotonic()]):  # noqa: B006
        print(f"{time.monotonic() - began[0]:7.1f} s  {what}", flush=True)

    @classmethod
    def furnish(cls):
        """A Debian that has Postfix, as the README wants it, with people and files that a daemon has no business with"""
        m = cls.m
        for name, deb in cls.debs.items():
            shutil.copy(deb, f"{m.root}/opt/{os.path.basename(deb)}")
        m.write("/opt/t/submit_one.py", SUBMIT)
        for file in (f"{BUILD}/t/probe", f"{ROOT}/t/harness/smtp.py", f"{ROOT}/t/harness/sink.py"):
            shutil.copy(file, f"{m.root}/opt/t/")
        for folder in ("/var/lib/other", "/home/somebody", "/opt/t/sink"):
            os.makedirs(m.root + folder, exist_ok=True)
        for file in ("/root/secret", "/home/somebody/secret"):
            m.write(file, "mine\n", 0o644)
        m.do("postconf", "-e", "relayhost=[127.0.0.1]:2525", "inet_protocols=ipv4")
        m.do("systemctl", "restart", "postfix")
        cls.clock("Postfix configured")
        cls.before = cls.files()

    @classmethod
    def files(cls):
        """Every file and folder but those that packages know, and what logs, caches and lists hold"""
        m = cls.m
        listed = m.shell("cat /var/lib/dpkg/info/*.list; dpkg-query -W -f '${Conffiles}\\n' | awk '{print $1}'")
        known = set(listed.splitlines())
        found = m.do("find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/dev", "-o",
                     "-path", "/opt", "-o", "-path", "/var/log", "-o", "-path", "/var/cache", "-o", "-path",
                     "/var/lib/dpkg", "-o", "-path", "/var/lib/apt", "-o", "-name", "__pycache__", ")", "-prune", "-o",
                     "-print").splitlines()
        return {f for f in found if f not in known and f.removeprefix("/usr") not in known}

    def submit(self, source, subject):
        return self.m.do("python3", "/opt/t/submit_one.py", source, subject).strip()

    def arrived(self, subject):
        """(envelope, message) at the sink, once it is there"""
        folder = f"{self.m.root}/opt/t/sink"

        def look():
            for name in sorted(n for n in os.listdir(folder) if n.endswith(".json")):
                with open(os.path.join(folder, name)) as f, open(os.path.join(folder, name[:-5] + ".eml")) as g:
                    message = g.read()
                    if f"Subject: {subject}\n" in message:
                        return json.load(f), message
            return None
        try:
            return self.m.wait(f"the message {subject}", look, 90)
        except Trouble:
            print(self.m.try_("journalctl", "--no-pager", "-n", "60").stdout)
            raise

    def pid(self, daemon):
        return int(self.m.do("systemctl", "show", "-P", "MainPID", f"gatepost-{daemon}"))

    def mode(self, path):
        """("gatepost:postfix", 0o660)"""
        return self.m.do("stat", "-c", "%U:%G %a", path).strip()

    def all_answer(self):
        status = self.m.try_("gatepostctl", "status", "--json")
        try:
            return all(d.get("epoch") for d in json.loads(status.stdout)["daemons"]) and json.loads(status.stdout)
        except ValueError:
            return False

    def test_1_installed(self):
        """Nothing to run yet, and nothing fails for that"""
        m = self.m
        m.shell("apt-get -y -q install /opt/gatepost_*_*.deb /opt/gatepost-doc_*.deb")
        self.clock("installed")
        self.assertEqual(self.mode("/etc/gatepost/keys"), "root:gatepost 750")
        self.assertEqual(self.mode("/var/spool/postfix/gatepost"), "gatepost:postfix 2750")
        self.assertEqual(self.mode("/etc/gatepost/gatepost.conf"), "root:root 644")
        self.assertEqual(m.do("id", "-nG", "gatepost").split(), ["gatepost"])
        self.assertEqual(m.do("getent", "passwd", "gatepost").strip().split(":")[5:], ["/var/lib/gatepost", "/usr/sbin/nologin"])
        for unit in UNITS:
            self.assertEqual(m.try_("systemctl", "is-enabled", unit).stdout.strip(), "disabled")
            self.assertEqual(m.try_("systemctl", "is-active", unit).stdout.strip(), "inactive")
        self.assertEqual(m.do("systemctl", "--failed", "--no-legend", "--plain").strip(), "")
        self.assertEqual(m.do("dpkg", "--verify", "gatepost", "gatepost-doc"), "")
        for page in ("README.md", "security.md", "html/gatepost.conf.5.html"):
            self.assertTrue(os.path.exists(f"{m.root}/usr/share/doc/gatepost-doc/{page}"), page)

    def test_2_runs(self):
        """The README's steps, as an administrator takes them"""
        m = self.m
        m.shell("sed -i '/^-l ::1/d; s,^-l .*,-s /run/memcached/gatepost.sock,; s,^-p .*,-a 0660,' /etc/memcached.conf; "
                "systemctl restart memcached")
        m.shell("(umask 027; gatepostctl token new-key > /etc/gatepost/keys/token); chgrp gatepost /etc/gatepost/keys/token; "
                "gatepostctl dkim new relay.example.gov --selector gp1; "
                "gatepostctl dkim new relay.example.gov --selector gp1e --type ed25519")
        self.assertEqual(self.mode("/etc/gatepost/keys/relay.example.gov.gp1.pem"), "root:gatepost 640")
        m.write("/etc/gatepost/agencies.d/dol.conf", AGENCY)
        m.shell("sed -i 's/^# on_unsigned .*/on_unsigned = \"defer\"   # edited here/' "
                "/etc/gatepost/gatepost.conf")
        m.do("gatepostctl", "check")
        m.do("systemctl", "enable", "--now", *UNITS)
        m.wait("the daemons to answer", self.all_answer)
        wiring = ("--submission", "127.0.0.1:smtp", "--return", "127.0.0.2:smtp", "--replace", "smtp")
        self.assertIn("+127.0.0.1:smtp", m.try_("gatepost-postfix", "diff", *wiring).stdout)
        m.do("gatepost-postfix", "enable", *wiring, "--reload")
        m.do("systemd-run", "--unit=sink", "--collect", "python3", "/opt/t/sink.py", "--dir", "/opt/t/sink", "--port", "2525")
        m.do("gatepost-postfix", "check")
        for daemon in DAEMONS:
            self.assertEqual(self.mode(f"/var/spool/postfix/gatepost/{SOCKETS[daemon]}.sock"), "gatepost:postfix 660")
        self.clock("configured")

        self.assertRegex(self.submit("127.0.0.10", "first"), r"^250 ")
        envelope, message = self.arrived("first")
        self.assertRegex(envelope["mail_from"], r"^[^@]+@b\.example\.gov$")
        self.assertEqual(envelope["rcpt_to"], ["someone@example.com"])
        self.assertEqual(sorted(re.findall(r"DKIM-Signature:.*?\ba=([\w-]+)", message, re.S)), ["ed25519-sha256", "rsa-sha256"])
        self.assertRegex(self.submit("127.0.0.11", "stranger"), r"^554 5\.7\.1 .*Address not permitted")
        m.do("gatepostctl", "reload")
        self.assertEqual([d["epoch"] for d in self.all_answer()["daemons"]], [2, 2, 2])
        self.assertRegex(self.submit("127.0.0.10", "reloaded"), r"^250 ")
        self.arrived("reloaded")
        self.clock("mail has passed")

    def test_3_postfix_reads_no_secret(self):
        """Who faces the Internet may connect to the sockets and no more"""
        m = self.m
        for path in ("/etc/gatepost/keys/token", "/etc/gatepost/keys/relay.example.gov.gp1.pem",
                     "/var/lib/gatepost/gatepost.db", "/var/lib/gatepost/archive"):
            for user in ("postfix", "nobody", "memcache"):
                group = m.do("id", "-gn", user).strip()
                done = m.try_("setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "cat", path)
                self.assertNotEqual(done.returncode, 0, (user, path))
                self.assertIn("Permission denied", done.stdout)
        postfix = ("setpriv", "--reuid=postfix", "--regid=postfix", "--init-groups")
        nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        connect = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        for daemon in DAEMONS:
            words = ("python3", "-c", connect, f"/var/spool/postfix/gatepost/{SOCKETS[daemon]}.sock")
            m.do(*postfix, *words)
            self.assertIn("PermissionError", m.try_(*nobody, *words).stdout)
        for user in (postfix, nobody):
            self.assertIn("PermissionError", m.try_(*user, "python3", "-c", connect, "/run/memcached/gatepost.sock").stdout)

    def probe(self, unit, *more):
        """{try: "yes" or "no: why"} of the probe in the unit's place, its sandbox untouched but for more"""
        text = self.m.read(f"/usr/lib/systemd/system/{unit}.service") if unit else "[Service]\n"
        kept = [line for line in text.splitlines()
                if not re.match(r"(Type|Exec\w+|Restart\w*|WantedBy|TimeoutStopSec)=", line)]
        at = kept.index("[Service]") + 1
        kept[at:at] = ["Type=oneshot", f"ExecStart=/opt/t/probe {' '.join(OURS + FOREIGN)}",
                       "StandardOutput=truncate:/opt/t/probed"]
        self.m.write("/etc/systemd/system/probe.service", "\n".join([*kept, "[Service]", *more, ""]))
        self.m.shell("systemctl daemon-reload; systemctl start probe")
        return dict(re.match(r"(\S+) (.*)", line).groups() for line in self.m.read("/opt/t/probed").splitlines())

    def test_4_sandbox(self):
        """What an intruder in a daemon's place gets: as the daemon's user, and as root to see what the sandbox alone forbids"""
        control = self.probe(None)
        self.assertEqual([t for t in WITHOUT if control[t] != "yes"], [], "the probe itself fails without a sandbox")
        for unit in UNITS:
            with self.subTest(unit):
                # directories of the unit's own would be given to root; as it is they are only to be written to
                as_root = self.probe(unit, "User=root", "Group=root", "StateDirectory=", "RuntimeDirectory=",
                                     "ReadWritePaths=/var/lib/gatepost /run/gatepost")
                self.assertEqual([t for t in FORBIDDEN if not as_root[t].startswith("no: ")], [])
                as_daemon = self.probe(unit)
                self.assertEqual([t for t in FORBIDDEN + ["read:/etc/shadow"] if not as_daemon[t].startswith("no: ")], [])
                for name in [*(f"write:{p}" for p in OURS), "read:/etc/gatepost/keys/token", "socket:inet"]:
                    self.assertEqual(as_daemon[name], "yes", name)
                self.assertTrue(as_daemon["see:/proc/1/status"].startswith("no: "))
        self.clock("sandboxes probed")

    def test_5_the_daemons_themselves(self):
        """The processes that run now: user, groups, no capability, filter on"""
        m = self.m
        groups = {name: int(m.do("getent", "group", name).split(":")[2])
                  for name in ("gatepost", "memcache", "adm", "systemd-journal")}
        for daemon in DAEMONS:
            status = dict(re.findall(r"(?m)^(\w+):\t(.*)$", m.do("cat", f"/proc/{self.pid(daemon)}/status")))
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
            self.assertEqual({int(status[c], 16) for c in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {0})
            also = ("adm", "systemd-journal") if daemon == "feedback" else ("memcache",)
            self.assertEqual({int(g) for g in status["Groups"].split()}, {groups[g] for g in ("gatepost", *also)})
            self.assertEqual(set(status["Gid"].split()), {str(groups["gatepost"])})

    def test_6_upgrade(self):
        """An edited conffile, keys and state stay; what ran runs anew; mail goes on"""
        m = self.m
        keys = m.shell("sha256sum /etc/gatepost/keys/* /etc/gatepost/gatepost.conf /etc/gatepost/agencies.d/dol.conf")
        old = {d: self.pid(d) for d in DAEMONS}
        m.do("apt-get", "-y", "-q", "install", "/opt/gatepost_next.deb")
        self.assertTrue(m.do("dpkg-query", "-W", "-f", "${Version}", "gatepost").endswith("+next"))
        self.assertEqual(m.shell("sha256sum /etc/gatepost/keys/* /etc/gatepost/gatepost.conf /etc/gatepost/agencies.d/dol.conf"), keys)
        self.assertIn("# a later version says more", m.read("/etc/gatepost/gatepost.conf.dpkg-dist"))
        self.assertIn("# edited here", m.read("/etc/gatepost/gatepost.conf"))
        m.wait("the daemons to answer", self.all_answer)
        for daemon in DAEMONS:
            self.assertNotIn(self.pid(daemon), (0, old[daemon]))
            self.assertEqual(m.do("systemctl", "is-enabled", f"gatepost-{daemon}").strip(), "enabled")
        self.assertRegex(self.submit("127.0.0.10", "upgraded"), r"^250 ")
        self.arrived("upgraded")
        self.clock("upgraded")

    def test_7_removed(self):
        """Removed: Postfix as it was, configuration, keys and state still there"""
        m = self.m
        told = m.do("dpkg", "--remove", "gatepost")
        self.assertIn("gatepost-postfix disable", told)
        self.assertRegex(self.submit("127.0.0.10", "away"), r"^451 ")
        m.do("dpkg", "--install", "/opt/gatepost_next.deb")
        m.do("gatepost-postfix", "disable", "--reload")
        m.do("apt-get", "-y", "-q", "remove", "gatepost")
        for path in ("/etc/gatepost/gatepost.conf", "/etc/gatepost/keys/token", "/var/lib/gatepost/gatepost.db"):
            self.assertTrue(os.path.exists(m.root + path), path)
        for unit in UNITS:
            self.assertNotEqual(m.try_("systemctl", "is-active", unit).stdout.strip(), "active")
        self.assertEqual(m.shell("cat /proc/[0-9]*/comm").count("gatepost"), 0)
        self.assertNotIn("gatepost", m.do("postconf", "-n") + m.do("postconf", "-M"))

    def test_8_purged(self):
        """Purged: nothing is left but the user"""
        m = self.m
        m.do("apt-get", "-y", "-q", "purge", "gatepost", "gatepost-doc")
        left = sorted(f for f in self.files() - self.before if "gatepost" in f)
        self.assertEqual(left, [])
        self.assertEqual(m.shell("ls /run /tmp").count("gatepost"), 0)
        self.assertEqual(m.do("dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n").count("gatepost"), 0)
        m.do("getent", "passwd", "gatepost")
        self.clock("purged")


if __name__ == "__main__":
    why = machine.missing()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    machine.alone()
    unittest.main(failfast=True)
