# SPDX-License-Identifier: MIT
"""make bench: acmed beside the floor, and beside lego where it is installed.

The same Pebble (no nonce refused, no validation sleep) and the same BIND; two
names a certificate; at most 20 orders at once.  Numbers are medians.  Give
the cases as arguments: bench.py [start 1 50 500 50+5 200+5].  start is one
certificate of a new account, from the start of the process; 50+5 is of
certificates whose propagation_delay is 5 seconds.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import ca, daemon, names, proc     # noqa: E402

ADDRESS = "127.0.1.5"
ZONE = "example.test"
IN_FLIGHT = 20
REPEATS = {1: 11, 50: 3}
STARTS = 21
TICK = os.sysconf("SC_CLK_TCK")


class Row:
    def __init__(self, wall, cpu, rss_kb, requests):
        self.wall, self.cpu = wall, cpu
        self.rss_kb, self.requests = rss_kb, requests


def median(rows):
    return Row(*(statistics.median(getattr(r, k) for r in rows)
                 for k in ("wall", "cpu", "rss_kb", "requests")))


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.tls = ca.Tls(os.path.join(folder, "tls"))
        self.bind = names.Bind(os.path.join(folder, "bind"), ADDRESS, {
            ZONE: names.zone_text(ZONE, {"ns1": ADDRESS})})
        self.pebble = ca.Pebble(PEBBLE, self.tls, os.path.join(
            folder, "pebble"), 14000, ADDRESS + ":53", nonce_reject=0, procs=1)

    def floor(self, n):
        p = proc.run([os.environ.get("FLOOR", "tests/bench/floor"),
                      self.pebble.directory, self.tls.ca, ADDRESS,
                      names.KEY_NAME, names.KEY_SECRET, ZONE, str(n),
                      str(IN_FLIGHT)], timeout=300)
        wall, cpu, rss, requests = p.stdout.split()
        return Row(float(wall), float(cpu), int(rss), int(requests))

    # --- acmed ---

    def start_acmed(self):
        a = daemon.Acmed(os.path.join(self.folder, "acmed"),
                         self.pebble.directory, self.tls.ca, ADDRESS)
        a.options["log_level"] = "notice"
        a.options["max_renewals"] = IN_FLIGHT
        a.cert("warm." + ZONE)
        a.start()
        a.wait_valid("warm." + ZONE, 30)
        a.wait_clean(60)
        self.acmed = a

    def cpu(self):
        with open("/proc/%d/stat" % self.acmed.proc.pid) as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / TICK

    def memory(self, key):
        with open("/proc/%d/status" % self.acmed.proc.pid) as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        return 0

    def delay(self, n, seconds):
        """Set the propagation_delay of the first n certificates."""
        for i in range(n):
            self.acmed.certs["c%d.%s" % (i, ZONE)]["propagation_delay"] = \
                "%ds" % seconds
        self.reload()

    def reload(self):
        self.acmed.write_conf()
        if self.acmed.get("/v1/reload", "POST", timeout=60)[0] != 200:
            raise proc.LabError("reload failed")

    def run_acmed(self, n):
        """Renew n certificates that are configured and known."""
        a = self.acmed
        want = ["c%d.%s" % (i, ZONE) for i in range(n)]
        conn = daemon.UnixConnection(a.socket, 300)
        cpu, requests = self.cpu(), self.pebble.requests()
        begin = time.monotonic()
        conn.request("POST", "/v1/renew", json.dumps(
            {"names": want, "follow": True}))
        reply = conn.getresponse()
        if reply.status != 200:
            raise proc.LabError("renew: %d %s" % (reply.status, reply.read()))
        left = n
        for line in reply:
            event = json.loads(line) if line.strip() else {}
            if event.get("end"):
                left -= 1
                if not event["ok"]:
                    raise proc.LabError("failed: %s" % event)
        wall = time.monotonic() - begin
        if left:
            raise proc.LabError("%d of %d never ended" % (left, n))
        conn.close()
        a.wait_clean(60)
        return Row(wall, self.cpu() - cpu, self.memory("VmHWM"),
                   self.pebble.requests() - requests)

    def start_floor(self):
        begin = time.monotonic()
        self.floor(1)
        return time.monotonic() - begin

    def start_acmed_new(self, i):
        """With no state at all; until the certificate is there."""
        name = "start%d.%s" % (i, ZONE)
        a = daemon.Acmed(os.path.join(self.folder, "start%d" % i),
                         self.pebble.directory, self.tls.ca, ADDRESS)
        a.options["log_level"] = "notice"
        a.cert(name, [name, "*." + name])
        a.write_conf()
        begin = time.monotonic()
        a.launch()
        proc.wait_until(lambda: "a certificate",
                        lambda: os.path.exists(a.live(name)), pause=0.001)
        wall = time.monotonic() - begin
        a.stop()
        return wall

    def starts(self):
        """Side by side: what else the machine does meets both."""
        both = [(self.start_floor(), self.start_acmed_new(i))
                for i in range(STARTS)]
        floor, acmed = (statistics.median(t) for t in zip(*both))
        for who, wall, ratio in (("floor", floor, "        -"), (
                "acmed", acmed, "%7.2f x" % (acmed / floor))):
            print("%-8s %5s  %9.1f ms %43s" % (who, "start", wall * 1000,
                                              ratio), flush=True)

    def add_certs(self, n):
        for i in range(n):
            name = "c%d.%s" % (i, ZONE)
            if name not in self.acmed.certs:
                self.acmed.cert(name, [name, "*." + name])
        self.reload()
        for i in range(n):
            self.acmed.wait_valid("c%d.%s" % (i, ZONE), 300)
        self.acmed.wait_clean(120)

    # --- lego ---

    def lego(self):
        requests = self.pebble.requests()
        path = os.path.join(self.folder, "lego")
        env = dict(os.environ, LEGO_CA_CERTIFICATES=self.tls.ca,
                   RFC2136_NAMESERVER=ADDRESS + ":53",
                   RFC2136_TSIG_KEY=names.KEY_NAME,
                   RFC2136_TSIG_SECRET=names.KEY_SECRET,
                   RFC2136_TSIG_ALGORITHM="hmac-sha256.",
                   RFC2136_POLLING_INTERVAL="1", RFC2136_TTL="5")
        begin = time.monotonic()
        proc.run(["/usr/bin/env", "lego", "--server", self.pebble.directory,
                  "--email", "a@example.test", "--accept-tos", "--path", path,
                  "--dns", "rfc2136", "--dns.resolvers", ADDRESS + ":53",
                  # The name of the zone's server is nowhere but here.
                  "--dns.disable-cp",
                  "--domains", "lego." + ZONE, "--domains",
                  "*.lego." + ZONE, "run"], env=env, timeout=300)
        shutil.rmtree(path, ignore_errors=True)
        return Row(time.monotonic() - begin, 0, 0,
                   self.pebble.requests() - requests)


def line(who, n, row, base=None):
    ratio = "%7.2f x" % (row.wall / base.wall) if base else "        -"
    print("%-8s %5d  %9.1f ms %8.1f ms %8.1f MB %9d %9.1f %s" % (
        who, n, row.wall * 1000, row.cpu * 1000, row.rss_kb / 1024,
        row.requests, row.requests / n, ratio), flush=True)


def main():
    cases = sys.argv[1:] or ["start", "1", "50", "500", "50+5", "200+5"]
    folder = tempfile.mkdtemp(prefix="acmed-bench.")
    os.chmod(folder, 0o755)
    try:
        b = Bench(folder)
        b.start_acmed()
        print("2 names a certificate, %d orders at once, CA and name server "
              "on the same %d cores" % (IN_FLIGHT, os.cpu_count()))
        print("%-8s %5s  %12s %11s %11s %9s %9s %9s" % (
            "", "certs", "wall", "cpu", "peak RSS", "requests", "each",
            "wall"))
        for case in cases:
            if case == "start":
                b.starts()
                continue
            n, seconds = (int(part) for part in (case + "+0").split("+")[:2])
            repeats = REPEATS.get(n, 1)
            b.add_certs(n)
            if seconds > 0:
                b.delay(n, seconds)
                line("+%d s" % seconds, n, b.run_acmed(n))
                b.delay(n, 0)
                continue
            floor = median([b.floor(n) for _ in range(repeats)])
            line("floor", n, floor)
            line("acmed", n, median([b.run_acmed(n) for _ in range(repeats)]),
                 floor)
            if n == 1 and shutil.which("lego"):
                line("lego", 1, b.lego(), floor)
        print("acmed now: %.1f MB resident, %.1f MB of it anonymous, "
              "%d certificates" % (b.memory("VmRSS") / 1024,
                                   b.memory("RssAnon") / 1024,
                                   len(b.acmed.certs)))
        if not shutil.which("lego"):
            print("lego is not installed: left out")
        b.acmed.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        PEBBLE = ca.pebble_path()
        proc.enter_namespaces()
        main()
    except proc.LabError as e:
        sys.exit("bench: %s" % e)
