# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which the wiring can be broken: one rule each, with what is wrong and the one thing that mends it.

A rule is a generator of (where, wrong, mend); its id is its name. Rules are told what each service's processes see
(main.cf with the service's own -o laid over), so it does not matter how the wiring was made: by enable or by hand.
"""
from . import settings as conf, template
from . import checks_daemons, checks_listener, checks_main, checks_own  # noqa: F401 (they fill ALL)
from .checks_base import ALL, Finding, Listener
from .view import View


class Wiring:
    """What the rules look at. listeners: Gatepost's; smtpds: all others"""

    def __init__(self, directory, settings, gatepost_file):
        self.directory, self.settings, self.gatepost_file = directory, settings, gatepost_file
        self.view = View(directory)
        self.template = template.Template()
        self.queue = self.view.values["queue_directory"]
        self.owner = self.view.values["mail_owner"]
        self.policy_place = conf.place(settings.policy_listen, self.queue)
        self.milter_place = conf.place(settings.milter_listen, self.queue)
        self.feedback_place = conf.place(settings.feedback_listen, self.queue)
        every = [Listener(self, s) for s in self.view.smtpds]
        self.listeners = [x for x in every if x.ours]
        self.others = [x for x in every if not x.ours]

    @property
    def submissions(self):
        return [x for x in self.listeners if not x.is_return and not x.is_own]

    @property
    def returns(self):
        return [x for x in self.listeners if x.is_return]

    @property
    def owns(self):
        return [x for x in self.listeners if x.is_own]

    @property
    def crowded(self):
        """where strangers or agencies connect"""
        return [x for x in self.listeners if not x.is_own]

    @property
    def logins(self):
        return [x for x in self.listeners if x.is_login]

    def main(self, name, value):
        """the command that sets a parameter of main.cf"""
        return f"postconf -c {self.directory} -e '{name} = {value}'"


def run(directory, settings, gatepost_file):
    wiring = Wiring(directory, settings, gatepost_file)
    found = []
    for name, test in ALL.items():
        found += [Finding(name, *said) for said in test(wiring)]
    return found
