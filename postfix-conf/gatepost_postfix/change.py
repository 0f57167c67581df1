# SPDX-License-Identifier: GPL-3.0-or-later
"""enable, disable and diff: a plan turned into texts, shown or written."""
import difflib
import os
import textwrap

from . import Trouble, plan as planning, store, text
from .view import Scratch, read


class Draft:
    """What enable would write. texts: {file: content}; blocks, replaced, pieces: for the state file"""

    def __init__(self, clean, plan):
        main, master = clean.texts["main.cf"], clean.texts["master.cf"]
        parameters, services = text.parameters(main), text.services(master)
        for new in plan.services:
            extras = clean.extras.get(new.service.key, {})
            new.service.options.update({n: v for n, v in extras.items() if n not in new.service.options})
        taken = [new.taken for new in plan.services if new.taken] + plan.removed
        self.blocks = {"main.cf": main_block(plan), "master.cf": master_block(plan)}
        self.pieces = {c.name: c.piece for c in plan.changes if c.piece}
        olds = {"main.cf": [(c.name, e) for c in plan.changes for e in parameters.get(c.name, [])],
                "master.cf": [(key, e) for key in taken for e, _ in services[key]]}
        self.replaced, self.texts = {}, {}
        for name in store.FILES:
            self.replaced[name] = {}
            for key, entry in olds[name]:
                self.replaced[name].setdefault(key, []).append(entry.raw)
            self.texts[name] = text.wrap(clean.texts[name], self.blocks[name], [e for _, e in olds[name]])


def comment(reason):
    return "".join(line + "\n" for line in textwrap.wrap(reason, 118, initial_indent="# ", subsequent_indent="# "))


def main_block(plan):
    block, last = "", None
    for change in plan.changes:
        block += (comment(change.reason) if change.reason != last else "") + f"{change.name} = {change.value}\n"
        last = change.reason
    return block


def master_block(plan):
    block = comment("The reason for each option stands in main.cf of Gatepost's postfix-conf/relay.")
    for new in plan.services:
        block += comment(new.reason) + new.service.raw
    return block


class Work:
    """One configuration directory as it is, as it would be without us, and as it shall be."""

    def __init__(self, directory):
        self.directory = directory
        for name in store.FILES:
            if not os.path.isfile(os.path.join(directory, name)):
                raise Trouble(f"{directory} has no {name}: \"dpkg-reconfigure postfix\" makes one; or name Postfix's "
                              "configuration directory with -c DIR")
        self.state = store.State(directory)
        self.clean = store.Clean(directory, self.state)

    def draft(self, template, settings, options):
        """Trouble when Postfix cannot read what is there, or what would be there."""
        texts = self.clean.texts
        with Scratch(self.directory, texts["main.cf"], texts["master.cf"]) as view:
            self.view = view
            plan = planning.make(view, template, settings, options)
        draft = Draft(self.clean, plan)
        with Scratch(self.directory, draft.texts["main.cf"], draft.texts["master.cf"]):
            pass
        self.plan = plan
        return draft

    def unchanged(self, draft, template):
        filter_path = os.path.join(self.state.directory, "command_filter")
        return draft.texts == self.clean.current and os.path.exists(filter_path) and \
            read(filter_path) == read(template.command_filter)

    def enable(self, draft, template, options):
        """False when there was nothing to do"""
        data = self.state.data
        if self.unchanged(draft, template) and data["options"] == options:
            return False
        if not self.clean.enabled:
            self.state.keep_before(self.clean.current)
        filter_path = os.path.join(self.state.directory, "command_filter")
        store.write(filter_path, read(template.command_filter))
        os.chmod(filter_path, 0o644)
        # while the files change, lines of the old block and of the new one are known as ours
        data.update(options=options, pieces=draft.pieces, extras=self.clean.extras, replaced=draft.replaced,
                    blocks={f: [draft.blocks[f], *data["blocks"][f][:1]] for f in store.FILES},
                    clean={f: store.digest(self.clean.texts[f]) for f in store.FILES},
                    written={f: store.digest(draft.texts[f]) for f in store.FILES})
        self.state.save()
        for name in store.FILES:
            if draft.texts[name] != self.clean.current[name]:
                store.write(os.path.join(self.directory, name), draft.texts[name])
        data["blocks"] = {f: [draft.blocks[f]] for f in store.FILES}
        self.state.save()
        return True

    def disable(self):
        """False when there was nothing to do"""
        if not self.clean.enabled and not os.path.exists(self.state.path):
            return False
        for name in store.FILES:
            if self.state["written"].get(name) == store.digest(self.clean.current[name]) and \
                    self.state["clean"].get(name) != store.digest(self.clean.texts[name]):
                raise Trouble(f"{name} would not come back as it was; nothing was changed. The file as it was is "
                              f"{self.state.directory}/{name}.before")
        for name in store.FILES:
            if self.clean.texts[name] != self.clean.current[name]:
                store.write(os.path.join(self.directory, name), self.clean.texts[name])
        self.state.forget()
        return True

    def show(self, draft):
        """Lines: parameters old -> new with the reason, then master.cf as a unified diff"""
        have = self.view.set
        shown = []
        for change in self.plan.changes:
            old = have.get(change.name)
            was = old if old is not None else f"{self.view.raw.get(change.name, '')} (default)".lstrip() \
                if change.name in self.view.raw else "(not there)"
            shown.append(f"  {change.name}: {was or '(empty)'} -> {' '.join(change.value.split()) or '(empty)'}")
            shown += textwrap.wrap(change.reason, 110, initial_indent="      ", subsequent_indent="      ")
        shown = ["main.cf"] + shown if shown else []
        for name in store.FILES:
            old, new = ([line.rstrip("\n") for line in text.physical(t)] for t in
                        (self.clean.current[name], draft.texts[name]))
            found = list(difflib.unified_diff(old, new, name, name + " after enable", lineterm="", n=1))
            shown += ([""] if shown and found else []) + found
        return shown

