# SPDX-License-Identifier: GPL-3.0-or-later
"""What gatepost.conf says, as gatepostctl(8) reads it: the daemons and this program cannot disagree."""
import json
import os
import shutil
import subprocess

from . import Trouble

DEFAULT_FILE = "/etc/gatepost/gatepost.conf"
HEADROOM = 1 << 20  # Postfix's limit is on the queue file, a little larger than the message


class Settings:
    def __init__(self, return_path, policy="unix:/var/spool/postfix/gatepost/policy.sock",
                 milter="unix:/var/spool/postfix/gatepost/milter.sock",
                 feedback="unix:/var/spool/postfix/gatepost/feedback.sock", notices="", ceiling=64 << 20):
        self.return_path, self.policy_listen, self.milter_listen = return_path, policy, milter
        self.feedback_listen, self.notices, self.ceiling = feedback, notices, ceiling

    @property
    def size_limit(self):
        return self.ceiling + HEADROOM


def gatepostctl():
    beside = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "build", "bin", "gatepostctl")
    found = os.environ.get("GATEPOSTCTL") or shutil.which("gatepostctl", path=os.environ.get("PATH", "") + ":/usr/sbin") \
        or (beside if os.access(beside, os.X_OK) else None)
    if not found:
        raise Trouble("gatepostctl is not in PATH: install it, or name it in GATEPOSTCTL")
    return found


def load(path):
    """Trouble with every fault when the file is wrong"""
    done = subprocess.run([gatepostctl(), "-c", path, "check", "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise Trouble(f"gatepostctl -c {path} check: {done.stderr.strip() or 'no answer'}") from None
    if not said.get("good"):
        raise Trouble(f"{path} has faults, mend them first:\n" + "\n".join(said.get("errors", [])))
    values = said["settings"]
    return Settings(values["return_path"], values["policy_listen"], values["milter_listen"], values["feedback_listen"],
                    values["notices"] or "", int(values["message_size_ceiling"]))


def place(listen, queue_directory):
    """How Postfix names a daemon's socket: relative to the queue directory when it stands below it"""
    if listen.startswith("unix:/"):
        relative = os.path.relpath(os.path.realpath(listen[5:]), os.path.realpath(queue_directory))
        return listen if relative.startswith("..") else "unix:" + relative
    return listen
