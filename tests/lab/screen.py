# SPDX-License-Identifier: MIT
"""A program on a terminal: what it writes, and what a person sees of it.

Knows what acmectl uses (CR, LF, the cursor up, erasing lines and the screen,
colours), and keeps anything else in .strange, so that no text from elsewhere
reaches a terminal as a command.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b(.?)|([\x00-\x1f\x7f])|"
                   r"([^\x00-\x1f\x7f])")


def wide(c):
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


class Screen:
    def __init__(self, argv, columns=80, rows=24, env=()):
        self.raw = ""
        self._size = (columns, rows)
        self._sizes = [(0, columns, rows)]      # since that byte
        self._master, slave = pty.openpty()
        self._set(columns, rows)
        self.proc = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(
                0, termios.TIOCSCTTY, 0),
            env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"},
                 "TERM": "xterm", "LC_ALL": "C.UTF-8", **dict(env)})
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self._reader.join(5)
        os.close(self._master)

    def _set(self, columns, rows):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ,
                    struct.pack("4H", rows, columns, 0, 0))

    def _read(self):
        data = b""
        while True:
            try:
                part = os.read(self._master, 65536)
            except OSError:
                return
            if not part:
                return
            data += part
            self.raw = data.decode(errors="replace")

    def resize(self, columns, rows):
        self._sizes.append((len(self.raw), columns, rows))
        self._set(columns, rows)
        self.proc.send_signal(signal.SIGWINCH)

    def interrupt(self):
        """Ctrl-C, as the terminal's driver sees it."""
        os.write(self._master, b"\x03")

    def type(self, text):
        os.write(self._master, text.encode())

    def until(self, check, timeout=20):
        end = time.monotonic() + timeout
        while not check():
            assert time.monotonic() < end, self.raw[-2000:]
            time.sleep(0.05)

    def wait(self, timeout=30):
        self.proc.wait(timeout)
        self._reader.join(5)
        return self.proc.returncode

    def text(self):
        """The lines that are on the screen, and above it."""
        self._draw()
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def wait_for(self, pattern, timeout=20):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.text()):
            assert time.monotonic() < end, "no %r on:\n%s" % (pattern,
                                                              self.text())
            assert self.proc.poll() is None or self.wait() is not None
            time.sleep(0.05)

    def _draw(self):
        raw = self.raw
        self.lines, self.strange, self.column = [[]], [], 0
        self.row, top = 0, 0
        for m in TOKEN.finditer(raw):
            columns, rows = [s[1:] for s in self._sizes
                             if s[0] <= m.start()][-1]
            top = max(top, len(self.lines) - rows)
            args, command, other, control, char = m.groups()
            if command == "A":
                self.row = max(top, self.row - int(args or 1))
            elif command == "K":
                del self.lines[self.row][self.column:]
            elif command == "J" and args == "2":
                del self.lines[top:]
                self.lines += [[] for _ in range(self.row - top + 1)]
            elif command == "J":
                del self.lines[self.row][self.column:]
                del self.lines[self.row + 1:]
            elif command == "H" and not args:
                self.row, self.column = top, 0
            elif command == "m":
                pass
            elif command or other is not None:
                self.strange.append(m.group(0))
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self.row += 1
            elif control:
                self.strange.append(control)
            else:
                if self.column + wide(char) > columns:
                    self.row, self.column = self.row + 1, 0
                while len(self.lines) <= self.row:
                    self.lines.append([])
                line = self.lines[self.row]
                line += [" "] * (self.column - len(line))
                line[self.column:self.column + 1] = [char]
                self.column += 1        # a wide one counts once here
            while len(self.lines) <= self.row:
                self.lines.append([])
