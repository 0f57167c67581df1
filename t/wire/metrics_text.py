# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' exposition format 0.0.4, read strictly: what is not to the letter is an error."""
import http.client
import re
import socket

SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z]+="[^"\\\n]*",?)+)\} (\d+(?:\.\d+)?)')


class Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(connection, path="/metrics", method="GET"):
    """(status, headers, text)"""
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("ascii")
    finally:
        connection.close()


def parse(text):
    """{(name, frozenset of (label, value)): number}"""
    assert text.endswith("\n") and "\n\n" not in text, text
    samples, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in types, f"{family} twice"
            types[family] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and types[family] is None and kind in ("counter", "gauge", "histogram"), line
            types[family] = kind
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            base = re.sub("_(bucket|sum|count)$", "", name) if types[family] == "histogram" else name
            assert base == family and types[family], line
            assert types[family] != "counter" or name.endswith("_total"), line
            labels = re.findall(r'([a-z]+)="([^"]*)"', labels)
            key = (name, frozenset(labels))
            assert len(labels) == len({k for k, _ in labels}) and key not in samples, line
            samples[key] = float(value) if "." in value else int(value)
    check_histograms(samples)
    return samples


def check_histograms(samples):
    """Cumulative, closed by +Inf, which is the count."""
    last = {}
    for (name, labels), n in samples.items():
        if name.endswith("_bucket"):
            le = float(dict(labels)["le"])
            series = (name[:-len("_bucket")], frozenset(x for x in labels if x[0] != "le"))
            before, count = last.get(series, (-1.0, 0))
            assert le > before and n >= count, (name, labels)
            last[series] = (le, n)
    for (name, labels), (le, n) in last.items():
        assert le == float("inf") and samples[name + "_count", labels] == n, (name, labels)
        assert (name + "_sum", labels) in samples


def value(samples, name, **labels):
    """The sum of all series of a name that bear these labels; there must be one."""
    found = [n for (k, have), n in samples.items() if k == name and labels.items() <= dict(have).items()]
    assert found, (name, labels)
    return sum(found)
