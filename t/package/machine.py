# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian of its own: debootstrap's minimal system in memory, booted with systemd in namespaces, no network but loopback.

With what the package needs, and nothing else, it is made once and kept in the build directory: then no network is used.
"""
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

SUITE = "bookworm"
PROGRAMS = ("debootstrap", "systemd-nspawn", "unshare", "nsenter", "cpack", "dpkg-deb")


ANSWERS = "'postfix postfix/main_mailer_type select Internet Site' 'postfix postfix/mailname string relay.example.gov'"


class Trouble(Exception):
    pass


def missing():
    """Why this computer cannot do it, or None"""
    lacking = [p for p in PROGRAMS if not shutil.which(p)]
    if os.geteuid() != 0:
        return "only root can boot a system in namespaces"
    if lacking:
        return f"not installed: {' '.join(lacking)} (packages debootstrap, systemd-container)"
    if subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True).returncode:
        return "the kernel makes no namespaces here"
    return None


def alone():
    """Go on in a mount namespace of our own: every mount goes with the process, however it ends."""
    if os.environ.get("GATEPOST_MOUNTS") != "own":
        os.environ["GATEPOST_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--", sys.executable, *sys.argv])


def run(*words, seconds=600, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, **more)
    if done.returncode:
        raise Trouble(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def mirror():
    """This computer's own for the suite: whatever its apt uses"""
    for line in run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages").splitlines():
        address, release = line.split()
        if release == SUITE:
            return address
    raise Trouble(f"apt has no source for {SUITE} here")


def apt_files():
    """Of /etc/apt what names sources and how to get there"""
    found = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*"), *glob.glob("/etc/apt/apt.conf.d/*"),
             *glob.glob("/etc/apt/trusted.gpg.d/*")]
    return [f for f in found if os.path.isfile(f)]


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


def base(cache, depends):
    """The tar file of a minimal system with what depends names and needs, and no more; made when it is not there"""
    sources = "".join(read(f) for f in apt_files() if f.endswith((".list", ".sources")))
    name = hashlib.sha256(f"3 {SUITE} {sorted(depends)} {sources}".encode()).hexdigest()[:16]
    path = os.path.join(cache, f"base-{name}.tar")
    if os.path.exists(path):
        return path
    os.makedirs(cache, exist_ok=True)
    root = os.path.join(cache, "making")
    os.makedirs(root, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=3G,mode=755", "base", root)
    try:
        run("debootstrap", "--variant=minbase", "--include=systemd-sysv", SUITE, root, mirror(), seconds=1500)
        if os.path.exists(f"{root}/etc/apt/sources.list"):
            os.unlink(f"{root}/etc/apt/sources.list")
        for file in apt_files():
            os.makedirs(root + os.path.dirname(file), exist_ok=True)
            shutil.copy(file, root + file)
        shutil.copy("/etc/resolv.conf", f"{root}/etc/resolv.conf")
        run("mount", "-t", "proc", "proc", f"{root}/proc")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        run("chroot", root, "sh", "-ec", f"printf '%s\\n' {ANSWERS} | debconf-set-selections", env=environment)
        apt = ("chroot", root, "apt-get", "-y", "-q", "-o", "DPkg::Options::=--force-unsafe-io", "--no-install-recommends")
        run(*apt, "update", env=environment)
        run(*apt, "install", *sorted(depends), env=environment, seconds=900)
        run("chroot", root, "apt-get", "clean")
        run("umount", f"{root}/proc")
        run("tar", "-C", root, "-cf", path + ".new", ".")
        os.rename(path + ".new", path)
    finally:
        subprocess.run(["umount", "-R", root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


class Machine:
    """with Machine(base, directory) as m: m.do("apt-get", ...) -> its output; directory is made"""

    def __init__(self, image, directory):
        self.image, self.directory = image, directory
        self.root = os.path.join(directory, "root")
        self.child, self.leader = None, 0

    def __enter__(self):
        os.makedirs(self.directory, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "size=3G,mode=755", "machine", self.directory)
        os.mkdir(self.root)
        run("tar", "-C", self.root, "-xf", self.image)
        with open(f"{self.root}/etc/resolv.conf", "w") as f:
            f.write("nameserver 127.0.0.1\n")
        with open(f"{self.root}/etc/apt/apt.conf.d/00gatepost-test", "w") as f:
            f.write('DPkg::Options { "--force-unsafe-io"; "--force-confdef"; "--force-confold"; };\n')
        with open(f"{self.root}/etc/hostname", "w") as f:
            f.write("relay\n")
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def boot(self):
        words = ["systemd-nspawn", "--register=no", "--private-network", "--boot", f"--directory={self.root}",
                 "--machine=gatepost-package", "--console=read-only", "--quiet", "--resolv-conf=off", "--timezone=off",
                 "--link-journal=no"]
        if not os.path.isdir("/run/systemd/system"):  # nobody here to ask for a unit, or to tidy /run
            run("mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run")
            words.append("--keep-unit")
        self.log = open(os.path.join(self.directory, "console"), "wb")
        self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.wait("the system to be up", self.up, 120)

    def up(self):
        if self.child.poll() is not None:
            raise Trouble(f"it does not boot: {read(self.log.name)[-2000:]}")
        self.leader = self.leader or self.find_leader()
        return self.leader and self.try_("systemctl", "is-active", "-q", "multi-user.target").returncode == 0

    def find_leader(self):
        """The process with which that system begins: systemd, a child of systemd-nspawn or of its helper"""
        pids = [self.child.pid]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as f:
                    pids += [int(word) for word in f.read().split()]
                with open(f"/proc/{pid}/status") as f:
                    inner = next(line for line in f if line.startswith("NSpid:")).split()[-1]
                with open(f"/proc/{pid}/comm") as f:
                    if inner == "1" and f.read() == "systemd\n":
                        return pid
            except (FileNotFoundError, ProcessLookupError):
                pass
        return 0

    def try_(self, *words, seconds=600, **more):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
                       "HOME": "/root"}
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(["nsenter", f"--target={self.leader}", "--all", "--root", "--wd=/", "--", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
                              timeout=seconds, **more)

    def do(self, *words, **more):
        done = self.try_(*words, **more)
        if done.returncode:
            raise Trouble(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-4000:]}")
        return done.stdout

    def shell(self, text, **more):
        return self.do("sh", "-ec", text, **more)

    def read(self, path):
        return read(self.root + path)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w") as f:
            f.write(text)
        os.chmod(self.root + path, mode)

    @staticmethod
    def wait(what, test, seconds=60):
        end = time.monotonic() + seconds
        while not (got := test()):
            if time.monotonic() > end:
                raise Trouble(f"waited {seconds} s in vain for {what}")
            time.sleep(0.1)
        return got

    def __exit__(self, *unused):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.child:
            self.log.close()
        subprocess.run(["umount", "-R", self.directory], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)
