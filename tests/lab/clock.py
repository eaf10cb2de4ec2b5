# SPDX-License-Identifier: MIT
"""Clocks that say something else: see clock.c."""

import mmap
import os
import shutil
import struct
import time

from . import daemon, proc

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")


class Offsets:
    """What is added to the clocks of programs with .library and .env."""

    def __init__(self, folder):
        self.library = os.path.join(folder, "clock.so")
        path = os.path.join(folder, "clock")
        self.env = "LAB_CLOCK=" + path
        proc.run(["cc", "-O2", "-shared", "-fPIC", "-o", self.library,
                  SOURCE])
        with open(path, "w+b") as f:
            f.write(bytes(24))
            f.flush()
            self.map = mmap.mmap(f.fileno(), 24)

    def set(self, wall, boot, monotonic):
        self.map[:] = struct.pack("=3q", wall, boot, monotonic)


class Clock:
    """The clock of the machine that an Acmed is on, which is not started yet:
    set, or suspended.  Of acmectl as well, by ctl()."""

    def __init__(self, acmed):
        self.acmed = acmed
        self.offsets = Offsets(acmed.folder)
        self.wall = self.boot = 0
        fifo = os.path.join(acmed.folder, "clock.set")
        os.mkfifo(fifo)
        self.told = open(fifo, "r+b", 0)
        libs = daemon.sanitizer_libraries() + [self.offsets.library]
        self.wrap = ["env", "LD_PRELOAD=" + ":".join(libs), self.offsets.env,
                     "LAB_CLOCK_SET=" + fifo]
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
        """Not of CLOCK_MONOTONIC, which a suspended machine stops.  The
        kernel tells who watches."""
        self.offsets.set(self.wall, self.boot, 0)
        if self.acmed.proc and self.acmed.proc.alive():
            self.told.write(b"x")

    def now(self):
        return time.time() + self.wall

    def set(self, seconds):
        """So far from the right time."""
        self.wall = seconds
        self.write()

    def suspend(self, seconds):
        """As long as that."""
        self.wall += seconds
        self.boot += seconds
        self.write()

    def ctl(self, *args, **kw):
        """acmectl of this machine."""
        argv = self.wrap + [daemon.program("ACMECTL", "acmectl"), "--socket",
                            self.acmed.socket] + list(args)
        return proc.run(argv, check=False, **kw)
