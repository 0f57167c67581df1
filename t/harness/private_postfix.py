# SPDX-License-Identifier: GPL-3.0-or-later
"""One private Postfix: its own configuration, queue and data directories, made of postfix-conf/relay and a few lines more.

Nothing here reads or writes /etc/postfix.
"""
import os
import pwd
import re
import shutil
import subprocess

import process

HERE = os.path.dirname(os.path.abspath(__file__))
DAEMONS = "/usr/lib/postfix/sbin"
TEMPLATES = os.path.join(HERE, "..", "..", "postfix-conf", "relay")

# The services of a stock master.cf that a relay needs, beside its listeners.
SERVICES = """
pickup    unix       n  -  n  60    1    pickup
cleanup   unix       n  -  n  -     0    cleanup
qmgr      unix       n  -  n  300   1    qmgr
rewrite   unix       -  -  n  -     -    trivial-rewrite
bounce    unix       -  -  n  -     0    bounce
defer     unix       -  -  n  -     0    bounce
trace     unix       -  -  n  -     0    bounce
verify    unix       -  -  n  -     1    verify
flush     unix       n  -  n  1000? 0    flush
proxymap  unix       -  -  n  -     -    proxymap
proxywrite unix      -  -  n  -     1    proxymap
smtp      unix       -  -  n  -     -    smtp
relay     unix       -  -  n  -     -    smtp
showq     unix       n  -  n  -     -    showq
error     unix       -  -  n  -     -    error
retry     unix       -  -  n  -     -    error
discard   unix       -  -  n  -     -    discard
lmtp      unix       -  -  n  -     -    lmtp
anvil     unix       -  -  n  -     1    anvil
scache    unix       -  -  n  -     1    scache
tlsmgr    unix       -  -  n  1000? 1    tlsmgr
postlog   unix-dgram n  -  n  -     1    postlogd
"""

QUEUE = (("active bounce corrupt defer deferred flush hold incoming private saved trace", "postfix", None, 0o700),
         ("maildrop", "postfix", "postdrop", 0o730), ("public", "postfix", "postdrop", 0o710), ("pid", "root", None, 0o755))


def logical_lines(text):
    """Lines of a Postfix file: comments gone, continuation lines joined on."""
    lines = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            lines[-1] += "\n" + line
        else:
            lines.append(line)
    return lines


def read_template(name):
    with open(os.path.join(TEMPLATES, name)) as f:
        return logical_lines(f.read())


def main_cf(settings):
    """The relay's templates under the private settings; every parameter once."""
    parameters = {}
    for line in read_template("main.cf") + read_template("login/main.cf"):
        name, _, value = line.partition("=")
        parameters[name.strip()] = value.strip()
    parameters.update(settings)
    return "".join(f"{name} = {value}\n" for name, value in parameters.items())


def listeners(places):
    """The listeners of the relay's master.cf: {profile: [(place, extra options)]}, the template's own address replaced."""
    text = ""
    for service in read_template("master.cf") + read_template("login/master.cf"):
        profile = re.search(r"milter_macro_daemon_name=(\S+)", service).group(1)
        for place, extra in places.get(profile, []):
            text += re.sub(r"^\S+", place, service) + "".join(f"\n    -o {{ {e} }}" for e in extra) + "\n"
    return text


class PrivatePostfix:
    """directories below `state`; listeners as `listeners` wants them"""

    def __init__(self, state, places, sink_port, settings):
        self.state, self.places = state, places
        self.master = 0
        self.config = os.path.join(state, "postfix")
        self.spool = os.path.join(state, "spool")
        self.log = os.path.join(state, "log", "mail.log")
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.spool,
            "data_directory": os.path.join(state, "data"),
            "maillog_file": self.log,
            "maillog_file_prefixes": state,
            "postlogd_watchdog_timeout": "1000s",  # on a busy machine ten may pass, and without it all others hang
            "inet_interfaces": "loopback-only",
            "inet_protocols": "all",
            "myorigin": "$myhostname",
            "alias_maps": "",
            "alias_database": "",
            # listeners for hundreds, and no second thoughts about it
            "default_process_limit": "500",
            "smtpd_client_connection_count_limit": "0",
            # everything leaves to the sink, and at once
            "relayhost": f"[127.0.0.1]:{sink_port}",
            "smtp_dns_support_level": "disabled",
            "smtp_host_lookup": "native",
            "in_flow_delay": "0",
            "minimal_backoff_time": "2s",
            "maximal_backoff_time": "5s",
            "queue_run_delay": "2s",
            "initial_destination_concurrency": "20",
            "notify_classes": "",
            **settings,
        }

    def write(self):
        os.makedirs(os.path.join(self.config, "gatepost"), exist_ok=True)
        for directory in (self.spool, self.settings["data_directory"]):
            os.makedirs(directory, exist_ok=True)
        owner = pwd.getpwnam("postfix")
        os.chown(self.settings["data_directory"], owner.pw_uid, owner.pw_gid)
        shutil.copy(os.path.join(TEMPLATES, "command_filter"), os.path.join(self.config, "gatepost", "command_filter"))
        self.put("main.cf", "# Generated; see postfix-conf/relay for the reasons.\n" + main_cf(self.settings))
        self.put("master.cf", listeners(self.places) + SERVICES)

    def put(self, name, text):
        """A file of the configuration, dated back: Postfix waits before it reads one of the last two seconds."""
        path = os.path.join(self.config, name)
        with open(path, "w", newline="") as f:
            f.write(text)
        os.utime(path, (0, 0))

    def command(self, *words):
        return subprocess.run(["postfix", "-c", self.config, *words], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def make_queue(self):
        """What `postfix start` would make of the queue directory, the postfix-files(5) of every Postfix 3 says how."""
        for names, owner, group, mode in QUEUE:
            for name in names.split():
                directory = os.path.join(self.spool, name)
                if not os.path.isdir(directory):
                    os.mkdir(directory)
                    os.chmod(directory, mode)
                    shutil.chown(directory, owner, group)

    def start(self):
        """master(8) itself: `postfix start` checks every file of the installation first, for seconds."""
        process.adopt()
        self.make_queue()
        with open(self.log, "a"):  # as postfix(1) would, for all to read; postlogd(8) would make it for root alone
            os.chmod(self.log, 0o644)
        done = subprocess.run([f"{DAEMONS}/master", "-w", "-c", self.config], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.master = self.pid
        if done.returncode != 0 or not self.master:
            raise process.Trouble(f"master -c {self.config} failed:\n{done.stdout}\nthe end of {self.log}:\n"
                                  f"{process.tail(self.log)}")

    @property
    def pid(self):
        """of master(8); 0 when it does not run"""
        pid = process.read_pid(os.path.join(self.spool, "pid", "master.pid"))
        mine = any("master" in word for word in process.command_line(pid)[:1])
        return pid if pid and process.alive(pid) and mine else 0

    def reap(self):
        """master(8) is our adopted child; collect it when somebody killed it."""
        if self.master:
            process.reap(self.master)

    def stop(self):
        pid = self.pid
        if pid:
            process.end(pid)
        self.reap()
        if self.master:
            process.wait_for("Postfix's processes to end", self.all_gone, 10)

    def all_gone(self):
        """Reap what master(8) left to us; its name tells that a process is Postfix's."""
        names = {line.split()[-1][:15] for line in SERVICES.split("\n") if line} | {"smtpd", "master"}
        ours = [(pid, zombie) for pid, name, zombie in process.children() if name in names]
        for pid, zombie in ours:
            if zombie:
                process.reap(pid)
        return not ours
