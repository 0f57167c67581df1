# SPDX-License-Identifier: GPL-3.0-or-later
"""How a tour is told: numbered steps, dialogues as they happen, each answer held against what is documented."""
import sys

import replies
import smtp


class TalkingClient(smtp.Client):
    """Prints its dialogue while it is spoken; name tells several apart."""

    def __init__(self, guide, name, port, source, **options):
        self.guide, self.name = guide, name
        super().__init__(port, source, **options)

    def note(self, who, text):
        super().note(who, text)
        self.guide.line(f"{self.name}{who}: {text}")


class Guide:
    def __init__(self, relay, out=None):
        self.relay, self.out = relay, out or sys.stdout
        self.steps = 0
        self.failures = []
        self.title = ""
        self.open = []

    def line(self, text=""):
        print(f"    {text}" if text else "", file=self.out, flush=True)

    def step(self, title, text=""):
        self.close()
        self.steps += 1
        self.title = f"{self.steps}. {title}"
        print(f"\n{self.title}", file=self.out, flush=True)
        for sentence in text.splitlines():
            print(f"   {sentence}", file=self.out, flush=True)

    def client(self, source, name="", port=None, greet=True):
        """A session from that address; name when a step has several"""
        shown = f"{name} " if name else ""
        self.line(f"{shown}--- from {source} to port {port or self.relay.port}")
        client = TalkingClient(self, shown, port or self.relay.port, source, greet=greet)
        self.open.append(client)
        return client

    def close(self):
        for client in self.open:
            client.close()
        self.open = []

    def ctl(self, *words):
        self.line("$ gatepostctl " + " ".join(f"'{w}'" if " " in w else w for w in words))
        done = self.relay.ctl(*words)
        for line in (done.stdout + done.stderr).splitlines():
            self.line(line)
        self.holds(done.returncode == 0, "gatepostctl did as told", f"exit status {done.returncode}", quiet=True)
        return done

    # --- answers --------------------------------------------------------------------------------------------------

    def milters(self, reply, reason, stage, why=""):
        """The milter's exact words."""
        self.judge(replies.is_milters(reply, reason, why), reply, reason, "milter", stage, why)

    def policyds(self, reply, reason, stage, why=""):
        """policyd's words as Postfix passes them on."""
        self.judge(replies.is_policyds(reply, reason, why), reply, reason, "policyd", stage, why)

    def judge(self, good, reply, reason, program, stage, why):
        self.line(f"-> reason id: {reason} ({program}, {stage})")
        if not good:
            self.failed(f"documented: {replies.exact(reason, why)}; answered: {reply}")

    def good(self, reply, what="accepted"):
        self.holds(reply is not None and reply.code // 100 == 2, what, f"answered: {reply}")

    def holds(self, condition, what, otherwise="", quiet=False):
        if not condition:
            self.failed(f"expected: {what}. {otherwise}")
        elif not quiet:
            self.line(f"-> {what}")

    def failed(self, text):
        self.failures.append(f"{self.title}: {text}")
        self.line(f"!! NOT AS DOCUMENTED: {text}")
