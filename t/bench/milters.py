# SPDX-License-Identifier: GPL-3.0-or-later
"""Milters to be measured beside each other, each raised below a directory of its own: floors, peers, Gatepost.

    milter = Gatepost(build, directory, "rsa"); milter.start(); milter.socket, milter.pid; milter.stop()
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("harness", "wire"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))
import dkim_keys  # noqa: E402
import measure  # noqa: E402
import process  # noqa: E402
import sample  # noqa: E402
import relayconf  # noqa: E402

RSA, ED25519 = ["gp1"], ["gp1e"]
DOMAIN = sample.RELAY_NAME
WIDE = {"sessions": "60000", "messages_per_session": "60000", "session_time": "6d", "message_size": "20M",
        "rate": ["1000000000/1m", "10000000000/10m"], "package": "100000000000/month"}


def agencies(count):
    """Agency N: clients at 10.0.0.0 + N, senders at aN.example, as bench_load_milter plays them."""
    address = "10.{}.{}.{}".format
    return "".join(sample.agency(name, [address(n >> 16, n >> 8 & 255, n & 255)], [f"a{n}.example"], WIDE)
                   for n, name in enumerate(measure.agency_names(count)))


class Milter:
    """What all have in common: a foreground program with a log, ready when its socket answers."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.socket = os.path.join(directory, f"{name}.sock")
        self.daemon = None

    def path(self, name):
        return os.path.join(self.directory, f"{self.name}.{name}")

    @property
    def pid(self):
        return self.daemon.pid

    @property
    def pids(self):
        return [self.pid]

    def run(self, *argv, seconds=30):
        self.daemon = process.Daemon(self.name, list(argv), self.path("log")).start()
        self.daemon.ready(lambda: process.unix_answers(self.socket), seconds)
        os.chmod(self.socket, 0o666)
        return self

    def stop(self):
        if self.daemon:
            self.daemon.stop()


class Floor(Milter):
    """mode: of bench_floor_milter."""

    def __init__(self, build, directory, mode, key=None):
        super().__init__(directory, mode)
        self.argv = [os.path.join(build, "t", "bench_floor_milter"), mode, self.socket, *([key] if key else [])]

    def start(self):
        return self.run(*self.argv)


class OpenDkim(Milter):
    def __init__(self, directory, key):
        super().__init__(directory, "opendkim")
        self.key = key

    def start(self):
        with open(self.path("conf"), "w") as f:
            f.write(f"Mode s\nSocket local:{self.socket}\nDomain *\nSelector gp1\nKeyFile {self.key}\n"
                    "Canonicalization relaxed/relaxed\nInternalHosts 0.0.0.0/0\nRequireSafeKeys no\n"
                    f"Background no\nPidFile {self.path('pid')}\nSyslog no\n"
                    f"SigningTable refile:{self.path('signing')}\nKeyTable file:{self.path('keys')}\n")
        with open(self.path("signing"), "w") as f:
            f.write("* key\n")
        with open(self.path("keys"), "w") as f:
            f.write(f"key {DOMAIN}:gp1:{self.key}\n")
        return self.run("opendkim", "-f", "-x", self.path("conf"))


class Rspamd(Milter):
    """With nothing but its DKIM signing."""

    def __init__(self, directory, key):
        super().__init__(os.path.join(directory, "rspamd"), "rspamd")
        self.key = key

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        shutil.copy(self.key, self.path("key"))
        with open(self.path("conf"), "w") as f:
            f.write(f'''
options {{ pidfile = "{self.path("pid")}"; filters = "dkim"; tempdir = "{self.directory}";
    url_tld = "/usr/share/rspamd/effective_tld_names.dat"; cache_file = "{self.path("cache")}";
    hs_cache_dir = "{self.directory}"; disable_hyperscan = true; dns {{ nameserver = [ "127.0.0.1:1" ]; }} }}
logging {{ type = "console"; level = "error"; }}
modules {{ path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua";
dkim_signing {{ sign_local = true; sign_authenticated = true; use_domain = "envelope"; allow_hdrfrom_mismatch = true;
    allow_username_mismatch = true; use_esld = false; path = "{self.path("key")}"; selector = "gp1";
    check_pubkey = false; }}
worker {{ type = "rspamd_proxy"; bind_socket = "{self.socket} mode=0666"; milter = true; timeout = 60s; count = 1;
    upstream {{ local {{ default = yes; self_scan = yes; }} }} }}
''')
        for name in ("", *os.listdir(self.directory)):
            shutil.chown(os.path.join(self.directory, name), "_rspamd", "_rspamd")
        return self.run("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", self.path("conf"), seconds=90)

    @property
    def pid(self):
        """of its one worker"""
        return next((pid for pid in descendants(self.daemon.pid) if b"rspamd_proxy" in command_line(pid)),
                    self.daemon.pid)


class Gatepost(Milter):
    """gatepost-milter with everything on and a memcached of its own. signs: "unsigned", "rsa" or "ed25519"."""

    def __init__(self, build, directory, signs, count=1, program=None, memcached=True):
        super().__init__(directory, f"gatepost-{signs}")
        self.build, self.signs, self.count, self.memcached = build, signs, count, memcached
        self.program = program
        self.relay = None

    def start(self):
        relayconf.BUILD = self.build
        self.relay = relay = relayconf.Relay("milter", agencies(self.count), self.memcached, dkim=[])
        selectors = {"rsa": RSA, "ed25519": ED25519}.get(self.signs, [])
        folder = relay.path("keys")
        dkim_keys.make([os.path.join(self.build, "bin", "gatepostctl"), "-c", relay.config], folder, DOMAIN, selectors)
        if os.geteuid() == 0:
            for name in os.listdir(folder):
                shutil.chown(os.path.join(folder, name), "nobody", "postfix")
        relay.configure(dkim=dkim_keys.entries(folder, DOMAIN, selectors) if selectors else ())
        relay.start()
        self.socket = relay.socket
        return self

    @property
    def pid(self):
        return self.relay.child.pid

    @property
    def pids(self):
        return [self.pid] + ([self.relay.memcached.pid] if self.relay.memcached else [])

    def stop(self):
        if self.relay:
            self.relay.close()
            self.relay = None


def make_keys(build, directory):
    """Paths of an RSA-2048 and of an Ed25519 key."""
    ctl = [os.path.join(build, "bin", "gatepostctl")]
    dkim_keys.make(ctl, directory, DOMAIN, RSA + ED25519)
    return tuple(dkim_keys.path(directory, DOMAIN, s) for s in RSA + ED25519)


def descendants(parent):
    """Processes that stem from this one."""
    children, found = {}, []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as f:
                    children.setdefault(int(f.read().rpartition(b")")[2].split()[1]), []).append(int(entry))
            except OSError:
                continue
    waiting = list(children.get(parent, []))
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read()
    except OSError:
        return b""


def cpu_seconds(pid):
    """Of a process and of its children that have ended."""
    with open(f"/proc/{pid}/stat", "rb") as f:
        fields = f.read().rpartition(b")")[2].split()
    return sum(int(n) for n in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def load(build, milter, *options):
    """What bench_load_milter measures."""
    done = subprocess.run([os.path.join(build, "t", "bench_load_milter"), "--socket", milter.socket, "--pid",
                           str(milter.pid), *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise process.Trouble(f"{milter.name}: {done.stderr}")
    return json.loads(done.stdout)
