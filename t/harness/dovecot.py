# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Dovecot that does nothing but check passwords for Postfix, and the certificate of the STARTTLS listeners."""
import os
import subprocess

import process
from process import Trouble

TEMPLATE = """# Generated; see postfix-conf/relay/login/dovecot.conf for the reasons.
base_dir = {state}/dovecot/run
state_dir = {state}/dovecot/state
log_path = {state}/log/dovecot-auth.log
instance_name = gatepost-private
protocols =
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_verbose = yes
auth_failure_delay = 0
auth_policy_server_url = {url}
auth_policy_server_api_header = X-Gatepost-Key: {key}
auth_policy_server_timeout_msecs = 2000
auth_policy_hash_nonce = {key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {state}/dovecot/passwd
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
# Dovecot would slow an address down after each failure; here every answer comes at once.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  user = root
  unix_listener {state}/spool/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


class Dovecot:
    """directories below `state`; url: where it asks about logins, key: what it shows there"""

    def __init__(self, state, url, key, users):
        self.state, self.url, self.key, self.users = state, url, key, dict(users)
        self.config = os.path.join(state, "dovecot", "dovecot.conf")
        self.socket = os.path.join(state, "spool", "private", "auth")

    def write(self):
        os.makedirs(os.path.join(self.state, "dovecot"), mode=0o755, exist_ok=True)
        with open(self.config, "w") as f:
            f.write(TEMPLATE.format(state=self.state, url=self.url, key=self.key))
        self.write_users()

    def write_users(self):
        """Dovecot looks at the file again with each login."""
        path = os.path.join(self.state, "dovecot", "passwd")
        with open(path, "w") as f:
            f.writelines(f"{name}:{password}\n" for name, password in self.users.items())
        os.chmod(path, 0o640)

    @property
    def argv(self):
        return ["dovecot", "-F", "-c", self.config]


def certificate(directory):
    """ca.pem, relay.pem and relay.key of a certification authority made for the occasion"""
    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=directory, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Trouble(f"openssl {' '.join(words)}:\n{done.stdout}")

    os.makedirs(directory, mode=0o755, exist_ok=True)
    if os.path.exists(os.path.join(directory, "relay.pem")):
        return
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj",
            "/CN=Gatepost private CA", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign")
    openssl("req", *new_key, "-keyout", "relay.key", "-out", "relay.csr", "-subj", "/CN=relay.example.gov")
    with open(os.path.join(directory, "names"), "w") as f:
        f.write("subjectAltName=DNS:relay.example.gov,DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "relay.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
            "-extfile", "names", "-out", "relay.new")
    os.rename(os.path.join(directory, "relay.new"), os.path.join(directory, "relay.pem"))


def end_leftover(state):
    """A Dovecot that a killed relay left here, known by its pid file and its configuration."""
    pid = process.read_pid(os.path.join(state, "dovecot", "run", "master.pid"))
    if pid and any(state + "/" in word for word in process.command_line(pid)):
        process.end(pid)
