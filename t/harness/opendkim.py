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


def signatures(data, records):
    """What OpenDKIM says of each DKIM-Signature of a message, in their order."""
    with tempfile.TemporaryDirectory(prefix="gatepost-opendkim-", dir="/tmp") as folder:
        os.chmod(folder, 0o700)
        keys, configuration, message = (os.path.join(folder, n) for n in ("keys", "conf", "message.eml"))
        with open(keys, "w") as f:
            f.writelines(f"{name} {text}\n" for name, text in records.items())
        with open(configuration, "w") as f:
            f.write(f"Mode v\nSocket local:{folder}/socket\nTestPublicKeys {keys}\nMaximumSignaturesToVerify 16\n")
        with open(message, "wb") as f:
            f.write(data)
        done = subprocess.run(["opendkim", "-x", configuration, "-t", message, "-vv"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
    said = done.stdout.decode("utf-8", "replace")
    start = said.find("Authentication-Results")
    found = []
    for match in RESULT.finditer(re.sub(r"\s+", " ", said[start:])):
        field = dict(re.findall(r"header\.(\w+)=(\S+)", match["rest"]))
        found.append(Signature(field.get("d", ""), field.get("s", ""), field.get("a", ""), match[1]))
    return found
