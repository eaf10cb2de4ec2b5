# SPDX-License-Identifier: MIT
"""The clock of the year, which acmed and named share."""

import time

from lab.clock import Offsets


class Clock:
    """.wrap and .wrap_wall go before a program: all clocks, or one."""

    def __init__(self, folder):
        self.offsets = Offsets(folder)
        # ASan wants to be first, and allows no other before it.
        self.wrap = ["env", "LD_PRELOAD=" + self.offsets.library,
                     self.offsets.env,
                     "ASAN_OPTIONS=verify_asan_link_order=0"]
        self.wrap_wall = self.wrap + ["LAB_CLOCK_WALL=1"]
        self.ahead = 0

    def jump(self, seconds):
        self.ahead += max(1, int(seconds))
        self.offsets.set(self.ahead, self.ahead, self.ahead)

    def now(self):
        return time.time() + self.ahead
