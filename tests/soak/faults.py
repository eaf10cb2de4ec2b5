# SPDX-License-Identifier: MIT
"""What goes wrong in the simulated year: when, for how long, and how."""

import socket
import struct
import threading

HOUR, DAY = 3600, 86400

# kind: (how often in a year, shortest, longest); length 0: a moment.
KINDS = {
    "CA down": (8, 6 * HOUR, 3 * DAY),
    "CA down for a week": (1, 6 * DAY, 7 * DAY),
    "CA: page with 503": (4, 2 * HOUR, 36 * HOUR),
    "CA: 429": (10, HOUR, 20 * HOUR),
    "CA: internal error": (6, HOUR, 20 * HOUR),
    "CA: lost replies": (30, 0, 0),
    "provider refuses": (6, HOUR, 36 * HOUR),
    "provider silent": (3, HOUR, 8 * HOUR),
    "provider: lost replies": (6, HOUR, 10 * HOUR),
    "disk full": (6, HOUR, 36 * HOUR),
    "kill -9": (60, 0, 0),
    "a name dies": (20, 4 * DAY, 50 * DAY),
}
# While these last nothing can be renewed.
BARS = {"CA down", "CA down for a week", "CA: page with 503", "CA: 429",
        "CA: internal error", "provider refuses", "provider silent",
        "provider: lost replies", "disk full", "a name dies"}


class Fault:
    def __init__(self, kind, start, end):
        self.kind, self.start, self.end = kind, start, end
        self.name = None        # of "a name dies"
        self.ca = None          # its number


def draw(dice, days, names, kills_until, n_cas):
    """The year's faults by their start, seconds from its begin.  Each kind
    at least once, but what would take more than a fifth of it."""
    found = []
    for kind, (often, short, long) in KINDS.items():
        n = max(1, round(often * days / 365))
        long = min(long, days * DAY // 5)
        if short > long:
            continue
        for _ in range(n):
            length = dice.randint(short, long)
            last = kills_until if kind == "kill -9" else days - 3
            # The end of the year is quiet: all has to be well then.
            last = last * DAY - length
            if last <= 2 * DAY:
                continue
            start = dice.randint(2 * DAY, last)
            f = Fault(kind, start, start + length)
            if kind == "a name dies":
                f.name = dice.choice(names)
            if kind.startswith("CA"):
                f.ca = dice.randrange(n_cas)
            found.append(f)
    return sorted(found, key=lambda f: f.start)


class Relay:
    """The provider's server: passes DNS updates on to the zone's, or not.

    mode: None, "refused", "silent", or "lost" (done, but not answered).
    """

    def __init__(self, address, server):
        self.server, self.mode, self.n = server, None, 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        self.tcp = socket.create_server((address, 53), backlog=64)
        for f in self.serve_udp, self.serve_tcp:
            threading.Thread(target=f, daemon=True).start()

    def stop(self):
        for s in self.udp, self.tcp:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def answer(self, wire):
        """The reply, or None."""
        self.n += 1
        mode = self.mode if wire[2] >> 3 & 15 == 5 else None
        if mode == "refused":
            return wire[:2] + bytes([wire[2] | 0x80, wire[3] | 5]) \
                + bytes(8)
        if mode == "silent":
            return None
        reply = self.ask(wire)
        return None if mode == "lost" else reply

    def ask(self, wire):
        try:
            with socket.create_connection((self.server, 53), 5) as s:
                s.sendall(struct.pack(">H", len(wire)) + wire)
                return self.message(s)
        except OSError:
            return None

    @staticmethod
    def message(s):
        data = b""
        while len(data) < 2 or len(data) < 2 + struct.unpack(
                ">H", data[:2])[0]:
            more = s.recv(65536)
            if not more:
                return None
            data += more
        return data[2:]

    def serve_udp(self):
        while True:
            try:
                wire, peer = self.udp.recvfrom(65536)
            except OSError:
                return
            if len(wire) < 12:
                return          # shut down
            reply = self.answer(wire)
            if reply:
                self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            try:
                conn = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.one, args=(conn,),
                             daemon=True).start()

    def one(self, conn):
        with conn:
            conn.settimeout(30)
            try:
                while True:
                    wire = self.message(conn)
                    if wire is None:
                        return
                    reply = self.answer(wire)
                    if reply:
                        conn.sendall(struct.pack(">H", len(reply)) + reply)
            except OSError:
                return
