# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages and samples: what is made from the program's tables is up to date, and every page is sound."""
import glob
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("GATEPOST_BUILD") or os.path.join(ROOT, "build"))
PAGES = sorted(glob.glob(os.path.join(ROOT, "*", "*.[1578]")))
ELSEWHERE = ("referenced manual not found", "outdated mandoc.db")  # about the pages that this machine has installed


def text(path):
    with open(path) as f:
        return f.read()


class Generated(unittest.TestCase):
    def test_files_are_what_the_tables_give(self):
        templates = glob.glob(os.path.join(ROOT, "shared", "manual", "*.in"))
        self.assertEqual(len(templates), 4)
        with tempfile.TemporaryDirectory(prefix="gatepost-manuals-") as directory:
            for template in templates:
                name = os.path.basename(template)[:-len(".in")]
                kept = [path for place in ("shared", "postfix-conf", "postfix-conf/agencies.d")
                        for path in [os.path.join(ROOT, place, name)] if os.path.exists(path)]
                made = os.path.join(directory, name)
                with self.subTest(name):
                    subprocess.run([os.path.join(BUILD, "shared", "manual", "manual_text"), template, made], check=True)
                    self.assertEqual(len(kept), 1, "ninja -C build manuals makes it")
                    self.assertEqual(text(kept[0]), text(made), f"{name} is not up to date: ninja -C build manuals")


class Pages(unittest.TestCase):
    def test_lint_is_clean(self):
        for page in PAGES:
            with self.subTest(os.path.basename(page)):
                lint = subprocess.run(["mandoc", "-Tlint", "-Wstyle", page], capture_output=True, text=True, check=False)
                said = [line for line in (lint.stdout + lint.stderr).splitlines()
                        if not any(words in line for words in ELSEWHERE)]
                self.assertEqual(said, [])

    def test_titles_are_the_names_of_the_files(self):
        for page in PAGES:
            name, section = os.path.basename(page).rsplit(".", 1)
            self.assertIn(f"\n.Dt {name.upper()} {section}\n", text(page))
            self.assertIn(f"\n.Nm {name}\n", text(page))

    def test_references_among_the_pages_lead_somewhere(self):
        names = {os.path.basename(page) for page in PAGES}
        for page in PAGES:
            own = os.path.basename(page)
            for name, section in re.findall(r"^\.Xr (gatepost\S*) (\d)", text(page), re.M):
                with self.subTest(page=own, reference=f"{name}({section})"):
                    self.assertIn(f"{name}.{section}", names)
                    self.assertNotEqual(f"{name}.{section}", own)

    def test_every_program_has_a_page(self):
        programs = os.listdir(os.path.join(BUILD, "bin")) + ["gatepost-postfix"]
        self.assertGreaterEqual(len(programs), 5)
        for program in programs:
            self.assertIn(f"{program}.8", [os.path.basename(page) for page in PAGES])

    def test_the_readme_names_every_page(self):
        readme = text(os.path.join(ROOT, "README.md"))
        for page in PAGES:
            name, section = os.path.basename(page).rsplit(".", 1)
            self.assertTrue(f"`{name}({section})`" in readme, f"README.md does not name {name}({section})")


class Named(unittest.TestCase):
    def test_every_test_that_a_text_names_is_there(self):
        there = set()
        for pattern, name in (("unit/*.c", r"unit_\1"), ("wire/test_*.py", r"wire_\1"), ("e2e/test_*.py", r"e2e_\1"),
                              ("fuzz/fuzz_*.c", r"fuzz_\1")):
            before = pattern.partition("/")[2].partition("*")[0]
            there |= {re.sub(rf"^{before}(.*)\.\w+$", name, os.path.basename(path))
                      for path in glob.glob(os.path.join(ROOT, "t", pattern))}
        for page in ("README.md", "doc/security.md", "t/bench/README.md", "t/fuzz/README.md"):
            named = set(re.findall(r"`((?:unit|wire|e2e|fuzz)_[a-z0-9_]+)`", text(os.path.join(ROOT, page))))
            self.assertEqual(sorted(named - there), [], page)


if __name__ == "__main__":
    unittest.main()
