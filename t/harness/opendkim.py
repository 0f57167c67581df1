# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenDKIM as the receiver: verifies messages as they left, with records that are given instead of a DNS.

    signatures(data, {"gp1._domainkey.dol.gov": "v=DKIM1; k=rsa; p=..."}) -> [Signature(domain="dol.gov", ...)]
"""
import collections
import os
import re
import subprocess
import tempfile

Signature = collections.namedtuple("Signature", "domain selector algorithm result")
RESULT = re.compile(r"dkim=(\w+)(?P<rest>[^;']*)")


END = re.compile(r"^opendkim: \S*?(\d+)\.eml: (?:verification|message not signed)", re.M)
AT_ONCE = 200


def results(said):
    """The signatures in one message's Authentication-Results"""
    found = []
    for match in RESULT.finditer(re.sub(r"\s+", " ", said[said.find("Authentication-Results"):])):
        field = dict(re.findall(r"header\.(\w+)=(\S+)", match["rest"]))
        found.append(Signature(field.get("d", ""), field.get("s", ""), field.get("a", ""), match[1]))
    return found


def signatures_of_all(messages, records):
    """For each message what OpenDKIM says of each of its DKIM-Signatures, in their order."""
    found = []
    for start in range(0, len(messages), AT_ONCE):
        found += verify(messages[start:start + AT_ONCE], records)
    return found


def verify(messages, records):
    with tempfile.TemporaryDirectory(prefix="gatepost-opendkim-", dir="/tmp") as folder:
        os.chmod(folder, 0o700)
        keys, configuration = (os.path.join(folder, n) for n in ("keys", "conf"))
        with open(keys, "w") as f:
            f.writelines(f"{name} {text}\n" for name, text in records.items())
        with open(configuration, "w") as f:
            f.write(f"Mode v\nSocket local:{folder}/socket\nTestPublicKeys {keys}\nMaximumSignaturesToVerify 16\n")
        names = [os.path.join(folder, f"{number}.eml") for number in range(len(messages))]
        for name, data in zip(names, messages):
            with open(name, "wb") as f:
                f.write(data)
        done = subprocess.run(["opendkim", "-x", configuration, "-t", ",".join(names), "-vv"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
    said, at, found = done.stdout.decode("utf-8", "replace"), 0, []
    for end in END.finditer(said):
        found.append(results(said[at:end.start()]))
        at = end.end()
    if len(found) != len(messages):
        raise AssertionError(f"OpenDKIM speaks of {len(found)} of {len(messages)} messages: {done.stderr[-500:]}")
    return found


def signatures(data, records):
    """What OpenDKIM says of each DKIM-Signature of a message, in their order."""
    return verify([data], records)[0]
