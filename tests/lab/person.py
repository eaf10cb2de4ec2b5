# SPDX-License-Identifier: MIT
"""Somebody at a terminal, who answers what a program asks."""

import os
import pty
import select
import subprocess


class Person:
    def __init__(self, argv, env=None):
        self.master, slave = pty.openpty()
        self.popen = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=env,
            start_new_session=True)
        os.close(slave)
        self.seen = ""

    def read(self, timeout=60):
        ready, _, _ = select.select([self.master], [], [], timeout)
        assert ready, self.seen
        try:
            data = os.read(self.master, 4096)
        except OSError:
            data = b""
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return data

    def answer(self, question, line):
        """Wait for the question, behind all that was seen before."""
        while question not in self.seen:
            assert self.read(), "%s: %s" % (question, self.seen)
        self.seen = self.seen[self.seen.index(question) + len(question):]
        os.write(self.master, (line + "\n").encode())

    def end(self):
        while self.read():
            pass
        return self.popen.wait(20)
