# SPDX-License-Identifier: MIT
"""make check-soak: a simulated year, in which everything goes wrong.

soak.py [--certs N] [--days N] [--seed N] [--verbose]

A real acmed, a CA that keeps Let's Encrypt's limits (ca.py), a zone in BIND, a
state directory on a small disk; the clock jumps from event to event (year.py),
and the seed draws what fails when (faults.py).  The seed is printed: the same
one draws the same year, though not the same milliseconds.  Exit status 1 if
anything was wrong; 77, with the reason, where it cannot run.
"""

import argparse
import collections
import http.client
import os
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(
    os.path.dirname(HERE), "fault")]

import faults       # noqa: E402
import judge        # noqa: E402
from ca import DAY, HOUR, LIVES     # noqa: E402
from lab import daemon, names, proc     # noqa: E402
from year import Year       # noqa: E402

KEPT = 132          # events of a certificate, before the oldest go
VERSIONS = 5        # in archive/


def rows(path):
    """{table: rows} of state.db."""
    db = sqlite3.connect(path)
    try:
        tables = [r[0] for r in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite%'")]
        return {t: db.execute("SELECT count(*) FROM " + t).fetchone()[0]
                for t in tables}
    finally:
        db.close()


def judge_end(y):
    """What must hold after the year: adds to y.problems."""
    p, a = y.problems, y.acmed
    for zone, want in y.records.items():
        now = judge.zone_records("127.0.1.5", zone)
        if now != want:
            p.append("zone %s: left %s, lost %s" % (
                zone, sorted(now - want), sorted(want - now)))
    for c in y.certs:
        try:
            found = judge.live_set(a.live(c.name, ""))
        except OSError as e:
            p.append("%s: no certificate: %s" % (c.name, e))
            continue
        if found.problem:
            p.append("%s: %s" % (c.name, found.problem))
        if found.names != c.wanted:
            p.append("%s has the names %s" % (c.name, found.names))
        if c.end < y.now():
            p.append("%s has expired" % c.name)
        kept = os.listdir(os.path.join(a.state_dir, "archive", c.name))
        if len(kept) > VERSIONS:
            p.append("%s: %d versions kept" % (c.name, len(kept)))
    for folder in "pending", "scratch":
        left = os.listdir(os.path.join(a.state_dir, folder))
        if left:
            p.append("left in %s/: %s" % (folder, sorted(left)[:5]))
    p += judge.keys_are_private(a.state_dir)
    for c in y.last["certificates"]:
        if not c["ok"] or c["failures"]:
            p.append("%s at the end: %s %s" % (c["name"], c["condition"],
                                               c["error"]))
    judge_limits(y)
    judge_growth(y)


def judge_limits(y):
    for ca in y.cas:
        for which, n in ca.over.items():
            if n:
                y.problems.append("%s: the limit \"%s\" was met %d times"
                                  % (ca.base, which, n))
        if ca.early:
            y.problems.append("%s: %d orders before its Retry-After"
                              % (ca.base, ca.early))


def judge_growth(y):
    y.rows = rows(os.path.join(y.acmed.state_dir, "state.db"))
    n = len(y.certs)
    most = {"cert": n, "event": KEPT * n, "txt": 0, "account": len(y.cas),
            "http": 0,
            "deploy": sum("deploy" in c for c in y.acmed.certs.values()),
            # Only of what is not full again.
            "budget": len(y.cas) * (1 + 4 * n),
            "hold": len(y.cas), "notice": 0, "revocation": 0, "alarm": n}
    for table, count in y.rows.items():
        if count > most.get(table, 1):
            y.problems.append("state.db: %d rows in %s" % (count, table))
    # A sanitizer's build keeps what is freed for a while.
    if y.rss["month 12"] > y.rss["month 7"] * 1.1 + 1024 and \
            not daemon.is_sanitized():
        y.problems.append("memory grew: %s kB" % y.rss)


def span(s):
    return "%.1f d" % (s / DAY) if s > 2 * DAY else "%.1f h" % (s / HOUR)


def table(y, seconds):
    n, asked = len(y.certs), collections.Counter()
    for ca in y.cas:
        asked.update(ca.requests)
    issued = sum(ca.issued for ca in y.cas)
    with_ari = sum(0 in c.cas for c in y.certs)
    print("\n%-12s %6s %9s %10s %10s" % (
        "life", "certs", "renewals", "least left", "usual"))
    for profile, life in sorted(LIVES.items(), key=lambda x: -x[1]):
        some = [c for c in y.certs if c.profile == profile]
        left = [s for c in some for s in c.left]
        if left:
            print("%-12s %6d %9d %10s %10s" % (
                span(life), len(some), len(left), span(min(left)),
                span(statistics.median(left))))
    lines = [
        ("certificates issued", issued),
        ("orders", asked["newOrder"]),
        ("runs that failed", y.counts["failed runs"]),
        ("failed validations", sum(ca.failures for ca in y.cas)),
        ("requests per issuance", "%.1f" % (
            (sum(asked.values()) - asked["renewalInfo"]) / issued)),
        ("renewalInfo per certificate and day", "%.2f" % (
            asked["renewalInfo"] / with_ari / y.days)),
        ("limits met", sum(sum(ca.over.values()) for ca in y.cas)),
        ("orders before Retry-After", sum(ca.early for ca in y.cas)),
    ] + [(k, y.counts[k]) for k in faults.KINDS] + [
        ("replies lost", sum(ca.lost for ca in y.cas)),
        ("could not start on a full disk", y.counts["did not start"]),
        ("expired, the CA was away", y.counts["expired, the CA was away"]),
        ("expired, a name was dead", y.counts["expired, a name was dead"]),
        ("CPU s per certificate and year", "%.2f" % (
            y.cpu / n / y.days * 365)),
    ] + [("memory, %s" % k, "%d kB" % v) for k, v in y.rss.items()] + [
        ("state.db, %s" % k, "%d kB" % (v >> 10))
        for k, v in y.size.items()] + [
        ("jumps of the clock", y.counts["steps"]),
        ("of a second, for what waits", y.counts["nudges"]),
        ("real time", "%d s" % seconds)]
    for what, value in lines:
        print("%-38s %12s" % (what, value))


def why_not():
    if names.missing():
        return "not installed: " + ", ".join(names.missing())
    if not shutil.which("cc"):
        return "no C compiler"
    try:
        proc.enter_namespaces()
    except proc.LabError as e:
        return str(e)
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--certs", type=int, default=300)
    p.add_argument("--days", type=int, default=365)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    why = why_not()
    if why:
        print("skipped: " + why)
        return 77
    print("seed %d, %d certificates, %d days" % (args.seed, args.certs,
                                                 args.days), flush=True)
    folder = tempfile.mkdtemp(prefix="acmed-soak.")
    os.chmod(folder, 0o755)
    begin = time.monotonic()
    y = None
    try:
        y = Year(folder, args, random.Random(args.seed))
        try:
            y.run()
            judge_end(y)
            table(y, time.monotonic() - begin)
        except (OSError, proc.LabError, sqlite3.Error, ValueError,
                http.client.HTTPException) as e:
            y.problems.append("%s: %s" % (type(e).__name__, e))
        for text in y.problems:
            print("FAILED: " + text)
        if y.problems and args.verbose:
            print(y.acmed.log()[-20000:])
        print("%s: seed %d" % ("FAILED" if y.problems else "passed",
                               args.seed))
        return 1 if y.problems else 0
    finally:
        if y is not None:
            y.stop()
        if os.environ.get("LAB_KEEP"):
            print("kept in " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    sys.exit(main())
