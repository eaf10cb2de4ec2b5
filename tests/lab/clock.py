# SPDX-License-Identifier: MIT
"""The clock of the machine that an acmed is on: set, or suspended."""

import os
import shutil
import struct
import time

from . import daemon, proc

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")


class Clock:
    """Of an Acmed that is not started yet.  Of acmectl as well, by ctl()."""

    def __init__(self, acmed):
        self.acmed = acmed
        self.path = os.path.join(acmed.folder, "clock")
        self.wall = self.boot = 0
        self.write()
        library = os.path.join(acmed.folder, "clock.so")
        proc.run(["cc", "-O", "-shared", "-fPIC", "-o", library, SOURCE])
        libs = daemon.sanitizer_libraries() + [library]
        self.wrap = ["env", "LD_PRELOAD=" + ":".join(libs),
                     "LAB_CLOCK=" + self.path]
        acmed.wrap = self.wrap

    @staticmethod
    def missing():
        """Why there can be none, or None."""
        if not shutil.which("cc"):
            return "no compiler"
        if os.environ.get("LAB_WRAP"):
            return "the daemon is wrapped"
        return None

    def write(self):
        with open(self.path, "r+b" if os.path.exists(self.path)
                  else "wb") as f:
            f.write(struct.pack("=2q", self.wall, self.boot))

    def now(self):
        return time.time() + self.wall

    def set(self, seconds):
        """So far from the right time.  acmed looks at it twice a minute, and
        now, as its configuration is read again."""
        self.wall = seconds
        self.write()
        self.look()

    def suspend(self, seconds):
        """As long as that."""
        self.wall += seconds
        self.boot += seconds
        self.write()
        self.look()

    def look(self):
        if self.acmed.proc and self.acmed.proc.alive():
            self.acmed.reload()

    def ctl(self, *args, **kw):
        """acmectl of this machine."""
        argv = self.wrap + [daemon.program("ACMECTL", "acmectl"), "--socket",
                            self.acmed.socket] + list(args)
        return proc.run(argv, check=False, **kw)
