# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM keys for tests, made by gatepostctl: DOMAIN.SELECTOR.pem in a folder; a selector that ends in e is Ed25519's.

In the text of an agencies file "$DKIM(dol.example.gov)" stands for the list of that domain's keys: see filled().
"""
import os
import re
import subprocess

BOTH = ("gp1", "gp1e")
WANTED = re.compile(r"\$DKIM\(([\w.-]+)\)")


class Wanted(str):
    """A domain whose keys are to be listed, for sample.agency(dkim=...)."""


def path(folder, domain, selector):
    return os.path.join(folder, f"{domain}.{selector}.pem")


def make(gatepostctl, folder, domain, selectors=BOTH):
    """Those that are not there yet; gatepostctl: words of a command line."""
    for selector in selectors:
        key = path(folder, domain, selector)
        if not os.path.exists(key):
            subprocess.run([*gatepostctl, "dkim", "new", domain, "--selector", selector, "--type",
                            "ed25519" if selector.endswith("e") else "rsa", "--out", key],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def entries(folder, domain, selectors=BOTH):
    """As sample.quoted() writes them."""
    return [{"domain": domain, "selector": s, "key": path(folder, domain, s)} for s in selectors]


def record(printed):
    """The records in a text of zone file lines: {owner: text}."""
    found = {}
    for owner, texts in re.findall(r"(?m)^(\S+)\. IN TXT \((.*)\)$", printed):
        found[owner] = "".join(re.findall(r'"([^"]*)"', texts))
    return found
