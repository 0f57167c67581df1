# SPDX-License-Identifier: GPL-3.0-or-later
"""Files written whole, and DIR/gatepost/: what enable did, so that disable can undo it and keep what came after."""
import hashlib
import json
import os
import shutil

from . import Trouble, text
from .view import read

FILES = ("main.cf", "master.cf")


def digest(content):
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def write(path, content):
    """Aside, synced, renamed in; mode and owner stay. A crash leaves the old file or the new one."""
    path = os.path.realpath(path)
    aside = f"{path}.gatepost-new"
    with open(aside, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
        if os.path.exists(path):
            shutil.copymode(path, aside)
            stat = os.stat(path)
            os.chown(aside, stat.st_uid, stat.st_gid)
        f.write(content)
        f.flush()
        os.fsync(f.fileno())
    os.rename(aside, path)
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)


class State:
    """enabled.json. blocks: {file: [what may stand in our block there]}; pieces: {parameter: our part of a list};
    extras: {service: options that the administrator added to a listener of ours}; replaced: {file: {key: raw text}}
    """

    def __init__(self, directory):
        self.directory = os.path.join(directory, "gatepost")
        self.path = os.path.join(self.directory, "enabled.json")
        self.data = {"format": 1, "options": None, "blocks": {f: [] for f in FILES}, "pieces": {}, "extras": {},
                     "replaced": {f: {} for f in FILES}, "clean": {}, "written": {}}
        if os.path.exists(self.path):
            try:
                self.data.update(json.loads(read(self.path)))
            except ValueError as e:
                raise Trouble(f"{self.path} is damaged ({e}): the files as they were before are {self.directory}/*.before")

    def __getitem__(self, name):
        return self.data[name]

    def save(self):
        write(self.path, json.dumps(self.data, indent=1) + "\n")

    def keep_before(self, contents):
        os.makedirs(self.directory, exist_ok=True)
        for name, content in contents.items():
            write(os.path.join(self.directory, name + ".before"), content)

    def forget(self):
        for name in ["enabled.json", "command_filter", *(f + ".before" for f in FILES)]:
            if os.path.exists(os.path.join(self.directory, name)):
                os.unlink(os.path.join(self.directory, name))
        try:
            os.rmdir(self.directory)
        except OSError:
            pass  # the administrator put something there


class Clean:
    """Both files without us: texts; with what the administrator edited inside our blocks carried out of them (kept)"""

    def __init__(self, directory, state):
        self.state, self.kept, self.extras = state, [], {k: dict(v) for k, v in state["extras"].items()}
        self.current = {name: read(os.path.join(directory, name)) for name in FILES}
        self.texts, self.inside = {}, {}
        for name in FILES:
            self.texts[name], self.inside[name] = text.strip(self.current[name])
            if self.inside[name] is not None and state["blocks"][name]:
                (self.carry_main if name == "main.cf" else self.carry_master)()

    @property
    def enabled(self):
        return any(inside is not None for inside in self.inside.values())

    def carry_main(self):
        ours = {e.raw for block in self.state["blocks"]["main.cf"] for e in text.entries(text.physical(block))}
        for entry in text.entries(text.physical(self.inside["main.cf"])):
            if entry.raw in ours:
                continue
            name, value = entry.parameter
            piece = self.state["pieces"].get(name)
            raw = f"{name} = {without(value, piece)}\n" if piece else entry.raw
            base = self.texts["main.cf"]
            self.texts["main.cf"] = text.put(base, text.parameters(base).get(name), raw)
            self.kept.append(f"main.cf: {' '.join(raw.split())}")

    def carry_master(self):
        recorded = {}
        for block in self.state["blocks"]["master.cf"]:
            recorded.update({k: v[-1] for k, v in text.services(block).items() if k not in recorded})
        for key, found in text.services(self.inside["master.cf"]).items():
            entry, now = found[-1]
            if key not in recorded:
                self.texts["master.cf"] = text.put(self.texts["master.cf"], None, entry.raw)
                self.kept.append(f"master.cf: {entry.line}")
            elif entry.raw != recorded[key][0].raw:
                self.carry_service(key, recorded[key][1], now)

    def carry_service(self, key, was, now):
        changed = {n: v for n, v in now.options.items() if was.options.get(n) != v}
        gone = [n for n in was.options if n not in now.options]
        base = self.texts["master.cf"]
        own = text.services(base).get(key)
        if not own or key not in self.state["replaced"]["master.cf"]:
            self.extras.setdefault(key, {}).update({n: v for n, v in changed.items() if n not in was.options})
            return
        entry, service = own[-1]
        for i in range(2, 8):
            if now.fields[i] != was.fields[i]:
                service.fields[i] = now.fields[i]
        service.options.update(changed)
        for name in gone:
            service.options.pop(name, None)
        if now.arguments != was.arguments:
            service.arguments = now.arguments
        self.texts["master.cf"] = text.put(base, [entry], service.raw)
        self.kept.append(f"master.cf, {key}: " + ", ".join([f"-o {n}={v}" for n, v in changed.items()] +
                                                           [f"no {n}" for n in gone] or ["its fields"]))


def without(value, piece):
    for ours in (f", {piece}", f"{piece}, ", f" {piece}", piece):
        if ours in value:
            return value.replace(ours, "", 1).strip()
    return value
