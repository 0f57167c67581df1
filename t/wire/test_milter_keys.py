# SPDX-License-Identifier: GPL-3.0-or-later
"""A milter does not start, and does not reload, with a DKIM key that is doubtful; it goes on with those that it has."""
import os
import unittest

from milter_daemon import Milter


class Keys(unittest.TestCase):
    def setUp(self):
        self.relay = Milter()
        self.addCleanup(self.relay.close)
        self.key = self.relay.changes["dkim"][0]["key"]

    def spoiled(self):
        """Each way in which the key's file becomes one that must not be taken, and what is said of it"""
        with open(self.key) as f:
            good = f.read()
        for text, mode, why in (("", 0o640, "empty"), (good + good, 0o640, "more than one key"),
                                (good.replace("M", "N", 1), 0o640, "broken"), (good, 0o644, "open to every user")):
            with open(self.key, "w") as f:
                f.write(text)
            os.chmod(self.key, mode)
            yield why
        with open(self.key, "w") as f:
            f.write(good)
        os.chmod(self.key, 0o640)

    def test_start(self):
        for why in self.spoiled():
            child = self.relay.spawn()
            self.assertNotEqual(child.wait(30), 0, why)
            self.assertRegex(self.relay.log(), r"gatepost\.conf:\d+: dkim\.key: ")
            self.assertIn(f"dkim.key: {self.key}: key: {why}", self.relay.log())
        self.relay.start()

    def test_reload(self):
        self.relay.start()
        for why in self.spoiled():
            self.relay.reload(good=False)
            self.relay.wait_log(f"dkim.key: {self.key}: key: {why}")
        os.rename(self.key, self.key + ".away")
        self.relay.reload(good=False)
        os.rename(self.key + ".away", self.key)
        self.relay.reload()


if __name__ == "__main__":
    unittest.main()
