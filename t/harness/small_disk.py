# SPDX-License-Identifier: GPL-3.0-or-later
"""A small file system of its own, to be filled."""
import os
import sqlite3
import subprocess
import unittest

from process import wait_for


class SmallDisk:
    """A tmpfs over a folder; a test that may not mount one is skipped."""

    def __init__(self, path, size, *more):
        self.path, self.names = path, 0
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", "mode=0755", *more)), "tmpfs", path],
                              capture_output=True)
        if done.returncode != 0:
            raise unittest.SkipTest("no tmpfs may be mounted here")

    def fill(self):
        """Also what SQLite's files have spare, which takes a while of writing"""
        with open(os.path.join(self.path, "filler"), "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError:
                    pass

    def fill_names(self):
        """No more files (nr_inodes)"""
        while True:
            try:
                open(os.path.join(self.path, f"filler-{self.names}"), "xb").close()
            except OSError:
                return
            self.names += 1

    def free(self):
        for name in os.listdir(self.path):
            if name.startswith("filler"):
                os.unlink(os.path.join(self.path, name))

    def close(self):
        subprocess.run(["umount", self.path], check=True)


def shrink_log(database):
    """What SQLite's write-ahead log once took it would write over without needing room."""
    db = sqlite3.connect(database, timeout=30)
    try:
        wait_for("the write-ahead log to shrink",
                 lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 30)
    finally:
        db.close()
