# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, round by round, as medians, as ratios to an anchor, and as a table with a bar picture."""
import statistics

BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉"


class Rows:
    """Figures of each (case, service), one dict for each round in which that pair was measured.

    rows[case, service] are its medians; both keys must have been measured, or it is a KeyError.
    """

    def __init__(self):
        self.rounds = {}  # {(case, service): {round: {key: number}}}

    def add(self, number, case, service, figures):
        self.rounds.setdefault((case, service), {})[number] = figures

    def __contains__(self, pair):
        return pair in self.rounds

    def __getitem__(self, pair):
        rounds = list(self.rounds[pair].values())
        return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}

    def ratios(self, case, service, other, key):
        """(least, median, most) of what the service has for each one of the other, each within one round."""
        one, two = self.rounds[case, service], self.rounds[case, other]
        found = [one[n][key] / two[n][key] for n in one if n in two and two[n][key]]
        if not found:
            raise KeyError((case, service, other, key))
        return min(found), statistics.median(found), max(found)

    def ratio(self, case, service, other, key):
        """The median of these: the figure to state."""
        return self.ratios(case, service, other, key)[1]


def number(value):
    """Three digits that count, without an exponent."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def bar(value, most):
    """A bar as long as the value is of the most, to an eighth of a character."""
    eighths = round(BAR * 8 * value / most) if most > 0 else 0
    text = "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
    return text or EIGHTHS[1]


def aligned(lines):
    """Columns of text: the first to the left, the last (a picture) as it is, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        middle = [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1])]
        yield "  ".join([line[0].ljust(widths[0]), *middle, line[-1]]).rstrip()


def table(suite, rows):
    """The suite's rows, case by case. The ratio and the bar are of the first figure."""
    first = suite.figures[0][0]
    lines = [["", *(unit for _, unit in suite.figures), f"x {suite.anchor}, by round", ""]]
    for case in suite.cases:
        services = [s for s in suite.services if (case, s) in rows]
        if not services:
            continue
        medians = {s: rows[case, s] for s in services}
        most = max(m.get(first, 0) for m in medians.values())
        lines.append([case] + [""] * (len(suite.figures) + 2))
        for service in services:
            try:
                spread = "..".join(number(r) for r in rows.ratios(case, service, suite.anchor, first))
            except KeyError:
                spread = "-"
            lines.append([f"  {service}", *(number(medians[service].get(key)) for key, _ in suite.figures), spread,
                          bar(medians[service].get(first, 0), most)])
    return list(aligned(lines))


def goals(suite, rows):
    """[(sentence, reached, target, was it hit?)]; reached and hit are None when it was not measured."""
    found = []
    for sentence, judge in getattr(suite, "goals", list)():
        try:
            found.append((sentence, *judge(rows)))
        except KeyError:
            found.append((sentence, None, None, None))
    return found


def told(goal):
    sentence, reached, target, hit = goal
    if hit is None:
        return f"goal not measured  {sentence}"
    return f"goal {'reached' if hit else 'MISSED ':<12} {number(reached):>6} (wanted {number(target)})  {sentence}"


def as_json(suite, rows):
    """The same for machines."""
    first, found = suite.figures[0][0], []
    for (case, service), rounds in rows.rounds.items():
        try:
            ratio = rows.ratios(case, service, suite.anchor, first)
        except KeyError:
            ratio = None
        found.append({"case": case, "service": service, "rounds": list(rounds.values()),
                      "medians": rows[case, service], "ratio": ratio})
    return {"anchor": suite.anchor, "figures": suite.figures, "rows": found,
            "goals": [dict(zip(("goal", "reached", "target", "hit"), goal)) for goal in goals(suite, rows)]}
