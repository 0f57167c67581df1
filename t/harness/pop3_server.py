# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Dovecot with one POP3 mailbox, on loopback, with TLS by a certificate made for the occasion; needs root."""
import os
import pwd

import dovecot
import process

TEMPLATE = """# Generated.
base_dir = {state}/run
state_dir = {state}/state
log_path = {state}/log
instance_name = gatepost-pop3
protocols = pop3
ssl = yes
ssl_cert = <{state}/tls/relay.pem
ssl_key = <{state}/tls/relay.key
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
disable_plaintext_auth = no
auth_mechanisms = plain
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:{state}/mail
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {state}/passwd
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={state}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
"""
USER, PASSWORD = "fbl", "a pass word"


class Pop3Server:
    """state: a directory of its own. port: POP3 with STLS; tls_port: POP3S; ca: who signed its certificate"""

    def __init__(self, state):
        self.state = state
        self.port, self.tls_port = process.free_ports(2)
        self.ca = os.path.join(state, "tls", "ca.pem")
        self.count = 0

    def start(self):
        owner = pwd.getpwnam("nobody")
        for name in ("", "mail", "mail/new", "mail/cur", "mail/tmp"):
            os.makedirs(os.path.join(self.state, name), mode=0o755, exist_ok=True)
            os.chown(os.path.join(self.state, name), owner.pw_uid, owner.pw_gid)
        dovecot.certificate(os.path.join(self.state, "tls"))
        config = os.path.join(self.state, "dovecot.conf")
        with open(config, "w") as f:
            f.write(TEMPLATE.format(state=self.state, port=self.port, tls_port=self.tls_port))
        with open(os.path.join(self.state, "passwd"), "w") as f:
            f.write(f"{USER}:{PASSWORD}\n")
        self.daemon = process.Daemon("dovecot", ["dovecot", "-F", "-c", config], os.path.join(self.state, "output"))
        self.daemon.start().ready(lambda: process.tcp_greets(self.port))
        return self

    def stop(self):
        self.daemon.stop()

    def put(self, octets):
        """One more message in the mailbox"""
        self.count += 1
        name = f"{self.count:06}.gatepost"
        aside = os.path.join(self.state, "mail", "tmp", name)
        with open(aside, "wb") as f:
            f.write(octets)
        os.chown(aside, 65534, 65534)
        os.rename(aside, os.path.join(self.state, "mail", "new", name))

    def left(self):
        """How many messages are in the mailbox"""
        return sum(len(os.listdir(os.path.join(self.state, "mail", name))) for name in ("new", "cur"))
