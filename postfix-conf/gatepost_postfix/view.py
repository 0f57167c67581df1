# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix reads out of a configuration directory: postconf(1), and master.cf's services."""
import os
import re
import shutil
import subprocess
import tempfile

from . import Trouble, text


def read(path):
    """Bytes as text and back: nothing is lost."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
        return f.read()


def postconf(directory, *words):
    """(lines, complaints); Trouble when postconf cannot read the configuration"""
    try:
        done = subprocess.run(["postconf", "-c", directory, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise Trouble("postconf(1) is not in PATH: install Postfix, or run this as root") from None
    complaints = [re.sub(r"^\S*postconf: ", "", line) for line in done.stderr.splitlines() if line]
    if done.returncode != 0 or any(c.startswith(("fatal:", "panic:")) for c in complaints):
        raise Trouble(f"postconf -c {directory} {words[0] if words else ''}: {'; '.join(complaints) or 'failed'}")
    return done.stdout.splitlines(), complaints


def settings(lines):
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def whole(directory):
    """Trouble when a program of Postfix could not start with this main.cf: postconf does not look at numbers"""
    done = subprocess.run(["postmap", "-c", directory, "-q", "a", "inline:{a=b}"], stdin=subprocess.DEVNULL,
                          capture_output=True, encoding="utf-8", errors="surrogateescape")
    if done.returncode != 0:
        raise Trouble(f"{directory}: {re.sub(r'(?m)^postmap: ', '', done.stderr).strip()}")


class View:
    """directory: where main.cf and master.cf stand. Read once. Trouble when Postfix could not."""

    def __init__(self, directory):
        self.directory = directory
        self.main_text, self.master_text = (read(os.path.join(directory, n)) for n in ("main.cf", "master.cf"))
        lines, complaints = postconf(directory, "-n")
        whole(directory)
        self.set = settings(lines)
        self.complaints = complaints + postconf(directory, "-M")[1]
        self.raw = settings(postconf(directory)[0])
        self.values = settings(postconf(directory, "-x")[0])
        self.services = {key: found[-1][1] for key, found in text.services(self.master_text).items()}

    def effective(self, service):
        """Every parameter as this service's processes see it, $names expanded"""
        overrides = [word for name, value in service.options.items() for word in ("-o", f"{name}={value}")]
        return settings(postconf(self.directory, "-x", *overrides)[0]) if overrides else dict(self.values)

    def at_default(self, name):
        return name not in self.set

    @property
    def smtpds(self):
        return [s for s in self.services.values() if s.command == "smtpd" and s.type in ("inet", "pass")]


class Scratch:
    """A View on texts that stand in no file yet; the copy knows the real directory's dynamic maps."""

    def __init__(self, real, main_text, master_text):
        self.real, self.texts = real, {"main.cf": main_text, "master.cf": master_text}

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="gatepost-postfix-")
        try:
            for name, content in self.texts.items():
                path = os.path.join(self.directory, name)
                with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
                    f.write(content)
                os.utime(path, (0, 0))  # Postfix waits before it reads a file of the last two seconds
            for name in ("dynamicmaps.cf", "dynamicmaps.cf.d"):
                if os.path.exists(os.path.join(self.real, name)):
                    os.symlink(os.path.join(self.real, name), os.path.join(self.directory, name))
            return View(self.directory)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *unused):
        shutil.rmtree(self.directory)


def postconf_directory():
    """Where Postfix's own configuration stands when nobody says -c"""
    done = subprocess.run(["postconf", "-dh", "config_directory"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.strip() or "/etc/postfix"
