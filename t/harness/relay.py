# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole relay on loopback under one state directory: Postfix, memcached, sink, gatepost-policyd, gatepost-milter,
gatepost-feedback.

    with Relay(agencies=text) as relay:
        relay.client("127.0.0.10").submit(...)
        relay.delivered()

./quickstart raises one for a person, every end-to-end test one for itself.
"""
import fcntl
import grp
import hashlib
import json
import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile

import dkim_keys
import dovecot
import process
import sample
import smtp
from private_postfix import PrivatePostfix
from process import Daemon, Trouble

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOCKET_PATH_MAX = 107  # sun_path less its NUL


class Relay:
    """build: where bin/ is. state: kept at the end when given, else made below /tmp and removed.
    agencies: text of the one agencies file; None keeps what the state directory has, or takes the sample.
    changes: settings of gatepost.conf. milters: how many, each with a listener of its own (relay.ports[i]).
    wrap: words before a daemon's command line. memcached=False raises none (counters = [] unless changed).
    dkim: selectors of the keys that sign for each domain; dkim_keys.py.
    auth_url: where Dovecot asks about logins; None is gatepost-policyd.
    """

    def __init__(self, build=None, state=None, agencies=None, changes=None, milters=1, memcached=True, wrap=(),
                 postfix=None, say=None, auth_url=None, dkim=dkim_keys.BOTH):
        self.build = os.path.abspath(build or os.environ.get("GATEPOST_BUILD") or os.path.join(ROOT, "build"))
        self.keep = state is not None
        self.state = os.path.realpath(state) if state else None
        self.agencies_text, self.changes = agencies, dict(changes or {})
        self.milter_count, self.with_memcached = milters, memcached
        if not memcached:
            self.changes.setdefault("counters", [])
        self.wrap, self.postfix_settings = list(wrap), dict(postfix or {})
        self.selectors = list(dkim)
        self.say = say or (lambda text: None)
        self.auth_url, self.auth_port = auth_url, 0
        self.lock = None
        self.daemons = []
        self.postfix = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    # --- places -----------------------------------------------------------------------------------------------------

    def path(self, *parts):
        return os.path.join(self.state, *parts)

    def program(self, name):
        return os.path.join(self.build, "bin", name)

    def config(self, instance=""):
        return self.path(f"gatepost{instance}.conf")

    @property
    def instances(self):
        return [""] + [f"-{n}" for n in range(2, self.milter_count + 1)]

    # --- raising ----------------------------------------------------------------------------------------------------

    def start(self):
        try:
            self.prepare()
            for attempt in (1, 2, 3):
                try:
                    self.raise_all()
                    break
                except Trouble:
                    self.end_all()
                    # another program may have taken a port between our look and our use of it
                    if attempt == 3 or "Address already in use" not in process.tail(self.path("log", "mail.log")):
                        raise
            self.write_env()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self):
        if os.geteuid() != 0:
            raise Trouble("Postfix can only be started by root: run this as root or by sudo")
        for name in ("gatepost-policyd", "gatepost-milter", "gatepost-feedback", "gatepostctl"):
            if not os.access(self.program(name), os.X_OK):
                raise Trouble(f"{self.program(name)} is missing: build it first (./quickstart does)")
        if self.state is None:
            self.state = tempfile.mkdtemp(prefix="gatepost-", dir="/tmp")
        os.makedirs(self.state, exist_ok=True)
        self.check_state()
        os.chmod(self.state, 0o755)
        self.take_lock()
        self.end_leftovers()
        nobody, postfix = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("postfix").gr_gid
        for name in ["agencies.d", "keys", "log", "sink", "spool"]:
            os.makedirs(self.path(name), mode=0o755, exist_ok=True)
        for name in ["db", "returned", "spool/gatepost"] + [f"run{i}" for i in self.instances]:
            os.makedirs(self.path(name), mode=0o755, exist_ok=True)
            os.chown(self.path(name), nobody, postfix)
        os.chown(self.path("keys"), 0, postfix)
        self.write_key(postfix)
        self.write_auth_key(postfix)
        dovecot.certificate(self.path("tls"))
        self.write_configuration()
        self.check_configuration()

    def check_state(self):
        longest = self.path("spool", "gatepost", "milter-9.sock")
        if len(longest) > SOCKET_PATH_MAX or not all(c.isalnum() or c in "/._-+" for c in self.state):
            raise Trouble(f"--state {self.state}: the path must be shorter than "
                          f"{SOCKET_PATH_MAX - len(longest) + len(self.state)} characters and hold letters, digits and "
                          "/._-+ only (UNIX sockets and shell files are made of it)")
        generated = self.config()
        if os.path.exists(generated):
            with open(generated, encoding="utf-8", errors="replace") as f:
                if not f.read().startswith(sample.GENERATED):
                    raise Trouble(f"{generated} was not made by a relay like this one; give another --state")
        # Postfix and the daemons are not root: every directory above must let them through
        parent = self.state
        while parent != "/":
            parent = os.path.dirname(parent)
            if not os.stat(parent).st_mode & 0o001:
                raise Trouble(f"--state {self.state}: {parent} lets nobody but its owner through, so Postfix cannot "
                              "reach the sockets; choose a directory below /tmp or /srv")

    def take_lock(self):
        self.lock = open(self.path("lock"), "a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            self.lock = None
            raise Trouble(f"{self.state} is in use by a relay that runs; end that one first, or give another --state") \
                from None

    def end_leftovers(self):
        """What a relay that was killed without mercy left running here, known by its pid files and command lines."""
        if os.path.exists(self.path("env")):
            os.unlink(self.path("env"))
        PrivatePostfix(self.state, {}, 0, {}).stop()
        dovecot.end_leftover(self.state)
        for name in os.listdir(self.state):
            if not name.startswith("run"):
                continue
            for entry in os.listdir(self.path(name)):
                pid = process.read_pid(self.path(name, entry)) if entry.endswith(".pid") else 0
                if pid and any(self.state + "/" in word for word in process.command_line(pid)):
                    process.end(pid)

    def write_key(self, group):
        path = self.path("keys", "token")
        if os.path.exists(path):
            return
        line = subprocess.run([self.program("gatepostctl"), "token", "new-key"], stdout=subprocess.PIPE, check=True,
                              text=True).stdout
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as f:
            f.write(line)
        os.chown(path, 0, group)

    def write_auth_key(self, group):
        path = self.path("keys", "auth")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as f:
                f.write(secrets.token_hex(16) + "\n")
            os.chown(path, 0, group)
        with open(path) as f:
            self.auth_key = f.read().strip()

    def signing(self, domain):
        """The domain's keys, made where they are missing."""
        dkim_keys.make([self.program("gatepostctl"), "-c", self.config()], self.path("keys"), domain, self.selectors)
        return dkim_keys.entries(self.path("keys"), domain, self.selectors)

    def write_agencies(self, text):
        """The one agencies file, with the keys that it asks for; reload makes it the running one."""
        text = dkim_keys.WANTED.sub(lambda m: sample.quoted(self.signing(m[1])), text)
        with open(self.path("agencies.d", "agencies.conf"), "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)

    def copy_dictionaries(self):
        """The daemons' user reads them, and a clone in somebody's home lets only its owner through."""
        os.makedirs(self.path("dictionary"), mode=0o755, exist_ok=True)
        source = os.path.join(sample.ROOT, "feedback", "dictionary")
        for name in os.listdir(source):
            shutil.copyfile(os.path.join(source, name), self.path("dictionary", name))
            os.chmod(self.path("dictionary", name), 0o644)

    def write_configuration(self):
        self.copy_dictionaries()
        settings = {"dictionaries": [self.path("dictionary")], "dkim": self.signing(self.dkim_domain),
                    "mail_log": self.path("log", "mail.log"), **self.changes}
        if self.auth_port:
            settings = {"notices": f"inet:127.0.0.1:{self.own_port}", "auth_listen": f"127.0.0.1:{self.auth_port}",
                        "auth_key": self.path("keys", "auth"), **settings}
        for instance in self.instances:
            with open(self.config(instance), "w") as f:
                f.write(sample.configuration(self.state, instance, **settings))
        path = self.path("agencies.d", "agencies.conf")
        if self.agencies_text is not None or not os.path.exists(path):
            self.write_agencies(self.agencies_text if self.agencies_text is not None else sample.SAMPLE)

    def check_configuration(self):
        done = self.ctl("check")
        if done.returncode != 0:
            raise Trouble(f"the configuration has faults:\n{done.stdout}{done.stderr}")

    def raise_all(self):
        ports = process.free_ports(self.milter_count + 6)
        sink_port, self.return_port, self.ports = ports[0], ports[1], ports[6:]
        self.auth_port, self.login_port, self.both_port, self.own_port = ports[2:6]
        self.port = self.ports[0]
        self.write_configuration()
        self.daemons = []
        if self.with_memcached:
            self.say("memcached on a UNIX socket")
            self.memcached = self.add("memcached", ["memcached", "-u", "nobody", "-s", self.path("run", "memcached.sock"),
                                                    "-a", "0660", "-P", self.path("run", "memcached.pid"), "-m", "64",
                                                    "-c", "1024"], self.path("run", "memcached.pid"))
            self.memcached.ready(lambda: process.unix_answers(self.path("run", "memcached.sock")))
        self.say("a sink that catches all outgoing mail")
        self.sink = self.add("sink", [sys.executable, os.path.join(HERE, "sink.py"), "--dir", self.path("sink"), "--port",
                                      str(sink_port)])
        self.sink.ready(lambda: process.tcp_greets(sink_port))
        self.say("gatepost-policyd")
        self.policyd = self.add_gatepost("policyd")
        self.say("gatepost-milter")
        self.milters = [self.add_gatepost("milter", instance) for instance in self.instances]
        self.milter = self.milters[0]
        self.say("a private Postfix")
        self.raise_postfix(sink_port)
        self.say("gatepost-feedback")
        self.feedback = self.add_gatepost("feedback")  # what it has to send leaves at its first look
        self.say("a private Dovecot, for logins")
        self.raise_dovecot()
        self.say("every listener")
        for port in [*self.ports, self.return_port, self.login_port, self.both_port, self.own_port]:
            process.wait_for(f"Postfix to answer on port {port}", lambda: process.tcp_greets(port))

    def add(self, name, argv, pid_file=None):
        daemon = Daemon(name, argv, self.path("log", f"{name}.log"), pid_file)
        self.daemons.append(daemon)
        return daemon.start()

    def add_gatepost(self, name, instance=""):
        argv = [*self.wrap, self.program(f"gatepost-{name}"), "-c", self.config(instance)]
        socket = self.path("spool", "gatepost", ("policy" if name == "policyd" else name) + f"{instance}.sock")
        daemon = self.add(name + instance, argv, self.path(f"run{instance}", f"{name}.pid"))
        daemon.ready(lambda: process.daemon_answers(socket))
        return daemon

    def raise_postfix(self, sink_port):
        submission = []
        for port, instance in zip(self.ports, self.instances):
            extra = []
            if instance:
                extra = [f"smtpd_milters = {{ unix:gatepost/milter{instance}.sock, default_action=tempfail, "
                         "command_timeout=30s }"]
            submission += [(f"127.0.0.1:{port}", extra), (f"[::1]:{port}", extra)]
        places = {"gatepost-address": submission, "gatepost-return": [(f"127.0.0.1:{self.return_port}", [])],
                  "gatepost-login": [(f"127.0.0.1:{self.login_port}", [])],
                  "gatepost-both": [(f"127.0.0.1:{self.both_port}", [])],
                  "gatepost-own": [(f"127.0.0.1:{self.own_port}", [])]}
        self.postfix = PrivatePostfix(self.state, places, sink_port,
                                      {"myhostname": sample.RELAY_NAME, "gatepost_return_path": sample.RETURN_PATH,
                                       "smtpd_tls_cert_file": self.path("tls", "relay.pem"),
                                       "smtpd_tls_key_file": self.path("tls", "relay.key"),
                                       **self.postfix_settings})
        self.postfix.write()
        self.postfix.start()

    def raise_dovecot(self):
        """Every login that an agency lists gets the one password of this state directory."""
        agencies = json.loads(self.ctl("agencies", "--json").stdout)["agencies"]
        self.logins = [login for a in agencies for login in a["logins"]]
        self.login_password = hashlib.sha256(self.auth_key.encode()).hexdigest()[:16]
        self.dovecot = dovecot.Dovecot(self.state, self.auth_url or f"http://127.0.0.1:{self.auth_port}/auth/",
                                       self.auth_key, {name: self.login_password for name in self.logins})
        self.dovecot.write()
        daemon = self.add("dovecot", self.dovecot.argv, self.path("dovecot", "run", "master.pid"))
        daemon.ready(lambda: process.unix_answers(self.dovecot.socket))

    # --- the env file -----------------------------------------------------------------------------------------------

    def environment(self):
        run = shlex.join
        words = {
            "SUBMISSION_PORT": self.port, "RETURN_PORT": self.return_port, "SINK_DIR": self.path("sink"),
            "CONFIG": self.config(), "AGENCIES": self.path("agencies.d", "agencies.conf"),
            "MEMCACHED_SOCKET": self.path("run", "memcached.sock"),
            "POLICY_SOCKET": self.path("spool", "gatepost", "policy.sock"),
            "MILTER_SOCKET": self.path("spool", "gatepost", "milter.sock"),
            "POSTFIX_CONFIG": self.postfix.config, "MAIL_LOG": self.postfix.log,
            "PID_POLICYD": self.policyd.pid, "PID_MILTER": self.milter.pid,
            "PID_MEMCACHED": self.memcached.pid if self.with_memcached else "", "PID_POSTFIX": self.postfix.pid,
            "CTL": run([self.program("gatepostctl"), "--config", self.config()]),
            "START_POLICYD": run(self.policyd.argv), "START_MILTER": run(self.milter.argv),
            "START_MEMCACHED": run(self.memcached.argv) if self.with_memcached else "",
            "POLICYD_LOG": self.policyd.log, "MILTER_LOG": self.milter.log,
            "FEEDBACK_SOCKET": self.path("spool", "gatepost", "feedback.sock"), "PID_FEEDBACK": self.feedback.pid,
            "START_FEEDBACK": run(self.feedback.argv), "FEEDBACK_LOG": self.feedback.log,
            "ARCHIVE": self.path("db", "archive"), "RETURN_MAILDIR": self.path("returned"),
            "DATABASE": self.path("db", "gatepost.db"), "OWN_PORT": self.own_port,
            "STATE": self.state, "LOGIN_PORT": self.login_port, "BOTH_PORT": self.both_port,
            "LOGIN_USER": self.logins[0] if self.logins else "", "LOGIN_PASSWORD": self.login_password,
            "LOGIN_CA": self.path("tls", "ca.pem"),
        }
        return words

    def write_env(self):
        with open(self.path("env.new"), "w") as f:
            f.writelines(f"{name}='{value}'\n" for name, value in self.environment().items())
        os.rename(self.path("env.new"), self.path("env"))

    # --- ending -----------------------------------------------------------------------------------------------------

    def end_all(self):
        if self.postfix:
            self.postfix.stop()
            self.postfix = None
        for daemon in reversed(self.daemons):
            daemon.stop()
        self.daemons = []

    def stop(self):
        self.end_all()
        if self.lock is None:
            return
        if os.path.exists(self.path("env")):
            os.unlink(self.path("env"))
        self.lock.close()
        self.lock = None
        if not self.keep and not os.environ.get("GATEPOST_KEEP"):
            shutil.rmtree(self.state, ignore_errors=True)

    # --- using it ---------------------------------------------------------------------------------------------------

    def ctl(self, *words, **options):
        return subprocess.run([self.program("gatepostctl"), "--config", self.config(), *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    @property
    def dkim_domain(self):
        return sample.RELAY_NAME

    def rotate_dkim(self, selector):
        """New keys of both types sign from the next reload on; the former ones stay listed behind them."""
        self.selectors = [selector, f"{selector}e", *self.selectors]
        self.write_configuration()

    def dkim_records(self):
        """What the DNS would hold: {owner: text} of every key of the configuration."""
        read = json.loads(self.ctl("check", "--json").stdout)
        keys = read["dkim"] + [key for agency in read["agencies"] for key in agency["dkim"]]
        return {f"{key['selector']}._domainkey.{key['domain']}": key["record"] for key in keys}

    def login(self, source="127.0.0.10", user=None, password=None, port=None, how="PLAIN"):
        """A client after STARTTLS and, unless user is "", AUTH; its last reply is client.auth."""
        client = smtp.Client(port or self.login_port, source)
        client.hello()
        client.starttls(self.path("tls", "ca.pem"), sample.RELAY_NAME)
        user = self.logins[0] if user is None else user
        client.auth = client.login(user, password or self.login_password, how) if user else None
        return client

    def client(self, source="127.0.0.10", port=None, **options):
        return smtp.Client(port or self.port, source, **options)

    def delivered(self):
        """What the sink has: [(envelope, bytes)] in the order of arrival."""
        found = []
        for name in sorted(os.listdir(self.path("sink"))):
            if name.endswith(".json"):
                with open(self.path("sink", name)) as f, open(self.path("sink", name[:-5] + ".eml"), "rb") as m:
                    found.append((json.load(f), m.read()))
        return found

    def wait_delivered(self, recipient, count=1, seconds=30.0):
        """The messages to this recipient, once there are that many."""
        def look():
            found = [d for d in self.delivered() if recipient in d[0]["rcpt_to"]]
            return found if len(found) >= count else None
        return process.wait_for(f"{count} message(s) to {recipient} at the sink", look, seconds)

    def queue_empty(self):
        for queue in ("maildrop", "incoming", "active", "deferred"):
            for _, _, files in os.walk(self.path("spool", queue)):
                if files:
                    return False
        return True

    def settled(self, seconds=60.0):
        """Wait until nothing is queued any more; what the sink has then."""
        process.wait_for("the queue to empty", self.queue_empty, seconds, 0.1)
        return self.delivered()

    def sink_says(self, recipient, reply):
        """What the sink answers when it hears RCPT TO this recipient, from now on; "" makes it good again."""
        with open(self.path("sink", "replies"), "a") as f:
            f.write(f"{recipient}\t{reply}\n")

    def returned(self):
        """Messages that came back, from the archive; what stands there may still be unread."""
        found = []
        for directory, _, names in os.walk(self.path("db", "archive")):
            for name in names:
                if name.endswith(".eml"):
                    with open(os.path.join(directory, name), "rb") as f:
                        found.append(f.read())
        return found

    def log(self, name="milter"):
        with open(self.path("log", f"{name}.log"), encoding="utf-8", errors="replace") as f:
            return f.read()
