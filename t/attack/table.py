# SPDX-License-Identifier: GPL-3.0-or-later
"""table.py FILE: the rows that toll.row left, as text. Memory in KiB and files: before -> after (peak)."""
import json
import sys

COLUMNS = [("fault", "fault"), ("times", "times"), ("accepted", "accepted"), ("lost", "lost"), ("doubled", "doubled"),
           ("lock_out_s", "lock-out s"), ("overshoot", "overshoot"), ("p99_alone_ms", "p99 alone ms"),
           ("p99_ms", "p99 beside ms"), ("memory", "KiB/files")]


def vitals(value):
    """"12548/18", or of several daemons "policyd 12548/18, milter 13984/13\""""
    if isinstance(value, dict):
        return ", ".join(f"{name} {vitals(pair)}" for name, pair in value.items())
    return "/".join(map(str, value))


def memory(row):
    if "before" not in row:
        return ""
    peak = f" (peak {vitals(row['peak'])})" if "peak" in row else ""
    return f"{vitals(row['before'])} -> {vitals(row['after'])}{peak}"


def main():
    with open(sys.argv[1]) as f:
        rows = [json.loads(line) for line in f]
    cells = [[title for _, title in COLUMNS]]
    for row in rows:
        row["memory"] = memory(row)
        cells.append(["" if row.get(key) is None else str(row[key]) for key, _ in COLUMNS])
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


if __name__ == "__main__":
    main()
