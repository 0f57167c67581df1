# SPDX-License-Identifier: GPL-3.0-or-later
"""main.cf and master.cf as text.

Whatever is ours stands in one block at the end; whatever of the administrator's it replaces stays where it is, as a
comment behind MARK. So a file can be brought back byte for byte from itself alone, whatever else was edited since.
Pure: text in, text out.
"""
import re

MARK = "#gatepost# "
BEGIN = "# --- BEGIN Gatepost: written by gatepost-postfix(8) enable, taken away by disable ---"
UNENDED = " (the line above had no end)"
END = "# --- END Gatepost ---"


def physical(text):
    """Lines with their ends, as bytes they were: only LF ends a line."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def is_comment(line):
    return not line.strip() or line.lstrip().startswith("#")


class Entry:
    """One logical line: the numbers of its physical lines, and its raw text without the comments between them"""

    def __init__(self, number, line):
        self.numbers, self.raw = [number], line

    def add(self, number, line):
        self.numbers.append(number)
        self.raw += line

    @property
    def line(self):
        """on one line"""
        return " ".join(self.raw.split())

    @property
    def parameter(self):
        """(name, value) of a line of main.cf, the value as it stands"""
        name, _, value = self.raw.partition("=")
        return name.strip(), value.strip()


def entries(lines):
    found = []
    for number, line in enumerate(lines):
        if is_comment(line):
            continue
        if line[0].isspace() and found:
            found[-1].add(number, line)
        else:
            found.append(Entry(number, line))
    return found


def parameters(text):
    """{name: [entry, ...]} of main.cf; more than one entry is a duplicate"""
    found = {}
    for entry in entries(physical(text)):
        found.setdefault(entry.parameter[0], []).append(entry)
    return found


# --- master.cf --------------------------------------------------------------------------------------------------------

def words(text, between=" \t\n"):
    """Words as Postfix takes them: blanks separate, braces hold together, white space within them is one blank"""
    found, depth, word = [], 0, ""
    for c in text:
        if c in between and depth == 0:
            found.append(word)
            word = ""
            continue
        depth += (c == "{") - (c == "}" and depth > 0)
        word += " " if c.isspace() else c
    return [w for w in found + [word] if w]


def listed(value):
    """The elements of a list parameter: commas separate too"""
    return words(value, " \t\n,")


def unbraced(word):
    """("unix:x", {"default_action": "DUNNO"}) of "{ unix:x, default_action=DUNNO }" """
    if not word.startswith("{"):
        return word, {}
    first, *rest = listed(word[1:-1])
    return first, dict(option_of(one) for one in rest)


def option_of(word):
    """(name, value) of what follows -o"""
    if word.startswith("{"):
        word = word[1:-1]
    name, _, value = word.partition("=")
    return name.strip(), " ".join(value.split())


class Service:
    """One service of master.cf. fields: name type private unpriv chroot wakeup maxproc command"""

    def __init__(self, fields, arguments=(), options=()):
        self.fields, self.arguments, self.options = list(fields), list(arguments), dict(options)

    @classmethod
    def parse(cls, raw):
        parts = words(raw)
        service, rest = cls(parts[:8]), parts[8:]
        while rest:
            word = rest.pop(0)
            if word == "-o" and rest:
                word = rest.pop(0)
            elif word.startswith("-o") and len(word) > 2:
                word = word[2:]
            else:
                service.arguments.append(word)
                continue
            name, value = option_of(word)
            service.options[name] = value
        return service

    name = property(lambda self: self.fields[0])
    type = property(lambda self: self.fields[1])
    command = property(lambda self: self.fields[7])

    @property
    def key(self):
        return f"{self.name}/{self.type}"

    @property
    def chroot(self):
        """Debian's Postfix, as every one since 3.0, takes '-' for n"""
        return self.fields[4] == "y"

    def copy(self):
        return Service(self.fields, self.arguments, self.options)

    @property
    def raw(self):
        head = "{:<16} {:<5} {:<7} {:<6} {:<6} {:<6} {:<7} {}".format(*self.fields)
        head += "".join(" " + a for a in self.arguments)
        return head + "".join("\n    -o " + written(n, v) for n, v in self.options.items()) + "\n"


def written(name, value):
    return f"{{ {name} = {value} }}" if re.search(r"[\s{}]", value) else f"{name}={value}"


def services(text):
    """{key: [(entry, service), ...]} of master.cf"""
    found = {}
    for entry in entries(physical(text)):
        if len(words(entry.raw)) >= 8:
            service = Service.parse(entry.raw)
            found.setdefault(service.key, []).append((entry, service))
    return found


# --- our block --------------------------------------------------------------------------------------------------------

def strip(text):
    """(the text without us, the text inside our block or None)"""
    lines = physical(text)
    begin = next((i for i, line in enumerate(lines) if line.startswith(BEGIN)), None)
    inside = None
    if begin is not None:
        end = next((i for i in range(begin, len(lines)) if lines[i].startswith(END)), len(lines) - 1)
        inside = "".join(line for line in lines[begin + 1:end] if not line.startswith(END))
        if UNENDED in lines[begin] and begin > 0 and end == len(lines) - 1:
            lines[begin - 1] = lines[begin - 1][:-1]
        lines[begin:end + 1] = []
    return "".join(line[len(MARK):] if line.startswith(MARK) else line for line in lines), inside


def wrap(text, inside, replaced):
    """The text with the entries `replaced` turned into comments, and `inside` in our block at the end"""
    lines = physical(text)
    for entry in replaced:
        for number in entry.numbers:
            lines[number] = MARK + lines[number]
    unended = lines and not lines[-1].endswith("\n")
    return "".join(lines) + ("\n" if unended else "") + BEGIN + (UNENDED if unended else "") + "\n" + inside + END + "\n"


def put(text, olds, raw):
    """`raw` in the place of the entries `olds` (the first of them), or at the end"""
    lines = physical(text)
    if olds:
        numbers = [n for entry in olds for n in entry.numbers]
        for number in numbers[1:]:
            lines[number] = ""
        lines[numbers[0]] = raw
        return "".join(lines)
    return text + ("" if not text or text.endswith("\n") else "\n") + raw
