# SPDX-License-Identifier: GPL-3.0-or-later
"""gatepost-postfix: Gatepost put into an existing Postfix, shown first, checked afterwards, and taken out again.

text      main.cf and master.cf as text: logical lines, services, the one block that is ours
template  postfix-conf/relay: what goes in, and why
view      what Postfix itself reads out of a configuration directory, by postconf(1)
settings  what gatepost.conf says
plan      (view, template, settings, options) -> parameters and services
store     files written whole, what was there before remembered
checks    every way in which the wiring can be broken
probe     sockets: there, reachable, answering
"""


class Trouble(Exception):
    """One line for the administrator: what is wrong and what would be right."""
