# SPDX-License-Identifier: MIT
"""make check-fault: a renewal meets every fault once.

sweep.py [--sample N] [--what renewal|first] [--only CALL] [--fault FAULT]
         [--at N] [--workers N] [--seed N]

Each row of the table is a system call and a fault; each of its runs lets the
Nth such call of acmed's meet the fault, leaves acmed alone (one that is dead is
started again), and judges what became of it (renewal.py, judge.py).  --sample takes that many
runs of each row, chosen by the seed, which is printed.  Exit status 1 if
anything was wrong; 77, with the reason, where strace cannot trace.
"""

import argparse
import multiprocessing
import os
import queue
import random
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import disk         # noqa: E402
import renewal      # noqa: E402
from lab import ca, names, proc     # noqa: E402

DISK = ["fsync", "fdatasync", "renameat", "symlinkat", "unlinkat", "unlink",
        "mkdirat", "openat", "write", "pwrite64"]
WHAT = ["renewal", "first"]
FAULTS = {
    "signal=KILL": renewal.CALLS,
    "error=EIO": DISK + ["ftruncate", "sendto"],
    "error=ENOSPC": ["fsync", "fdatasync", "renameat", "symlinkat",
                     "mkdirat", "openat", "write", "pwrite64"],
    "error=EMFILE": ["openat"],
    # Every call of a renewal, at half.
    "short": ["write"],
    # disk.py: no room at each of its moments.
    "full": ["disk"],
    "full+KILL": ["disk"],
    renewal.POWER: ["fsync", "fdatasync", "renameat", "sendto", "sendmsg"],
    "error=EINTR": ["fsync", "fdatasync", "openat", "write", "pwrite64",
                    "sendto"],
}


def numbers(counted, what, call, fault):
    """Which of acmed's calls are to meet the fault: 1 is the first."""
    if call == "disk":
        return range(1, len(disk.MOMENTS) + 1)
    if fault == "short":
        return [1]
    lines = counted[what, renewal.stays(call, fault)][call]
    at = range(1, len(lines) + 1)
    if call == "openat" and fault == "error=EMFILE":
        return [n for n in at if n > first_own(lines)]
    if call == "openat":
        return [n for n in at if renewal.WRITES.search(lines[n - 1])]
    if call == "write" and fault != "signal=KILL":
        return [n for n in at if not renewal.PIPE.search(lines[n - 1])]
    return at


def rows(args, lab):
    """[(what, call, fault)] of what is asked for, and can be here."""
    return [(what, call, fault) for what in WHAT
            for fault, calls in FAULTS.items() for call in calls
            if args.only in (None, call) and args.what in (None, what)
            and args.fault in (None, fault.split("=")[-1])
            and not (fault == renewal.POWER and lab.why_no_power)]


def jobs(counted, args, lab):
    """[(what, call, fault, n)] of these."""
    dice = random.Random(args.seed)
    found = []
    for row in rows(args, lab):
        at = [args.at] if args.at else numbers(counted, *row)
        if args.sample and len(at) > args.sample:
            at = sorted(dice.sample(at, args.sample))
        found += [row + (n,) for n in at]
    dice.shuffle(found)
    return found


def first_own(lines):
    """The number of the first file that acmed itself opens: the dynamic
    linker's are before it."""
    for n, line in enumerate(lines, 1):
        if "acmed.conf" in line:
            return n - 1
    return 0


def work(lab, i, todo, done):
    try:
        worker = renewal.Worker(lab, i)
        while True:
            job = todo.get()
            if job is None:
                break
            done.put(worker.run(*job))
        worker.stop()
    except BaseException:
        traceback.print_exc()
        done.put(None)


def table(results):
    """One line for each call and fault."""
    print("%-8s %-10s %-10s %5s %5s %7s %8s %8s %7s" % (
        "what", "call", "fault", "runs", "met", "orders2", "mean s", "worst s",
        "failed"))
    rows = {}
    for r in results:
        rows.setdefault((r.what, r.fault, r.call), []).append(r)
    for (what, fault, call), some in rows.items():
        print("%-8s %-10s %-10s %5d %5d %7d %8.1f %8.1f %7d" % (
            what, call, fault.split("=")[-1], len(some),
            sum(r.is_met for r in some), sum(r.orders > 1 for r in some),
            sum(r.seconds for r in some) / len(some),
            max(r.seconds for r in some),
            sum(bool(r.problems) for r in some)))
    print("all: %d runs, %d met their fault, %d looks at live/, %d failed"
          % (len(results), sum(r.is_met for r in results),
             sum(r.looks for r in results),
             sum(bool(r.problems) for r in results)))


def one_result(done, crew):
    """The next Result; None if a worker is lost."""
    while True:
        try:
            return done.get(timeout=2)
        except queue.Empty:
            lost = [c.exitcode for c in crew if c.exitcode]
            if lost:
                print("FAILED: a worker ended with %d" % lost[0])
                return None


def sweep(args, folder, pebble):
    lab = renewal.Lab(folder, args.workers, pebble)
    try:
        first = renewal.Worker(lab, 0)
        counted = {(what, stays): first.count(what, stays)
                   for what in WHAT for stays in (False, True)}
        first.stop()
        shutil.rmtree(first.acmed.folder)
        wanted = jobs(counted, args, lab)
        if lab.why_no_power:
            print("no power cuts: " + lab.why_no_power)
            if not wanted:
                return None
        todo, done = multiprocessing.Queue(), multiprocessing.Queue()
        for job in wanted + [None] * args.workers:
            todo.put(job)
        crew = [multiprocessing.Process(target=work, args=(lab, i, todo,
                                                           done))
                for i in range(args.workers)]
        for c in crew:
            c.start()
        results = []
        for _ in wanted:
            r = one_result(done, crew)
            if r is None:
                break
            results.append(r)
            if len(results) % 50 == 0:
                print("%d of %d" % (len(results), len(wanted)), flush=True)
            if r.problems:
                print("FAILED %s %s %s call %d: %s\n  at %s\n%s" % (
                    r.what, r.call, r.fault, r.n, "; ".join(r.problems), r.where,
                    r.log), flush=True)
        for c in crew:
            if len(results) < len(wanted):
                c.terminate()
            c.join()
        order = {row: i for i, row in enumerate(rows(args, lab))}
        results.sort(key=lambda r: (order[r.what, r.call, r.fault], r.n))
        table(results)
        return len(results) == len(wanted) and not any(
            r.problems for r in results)
    finally:
        lab.stop()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sample", type=int)
    p.add_argument("--what", choices=WHAT)
    p.add_argument("--only")
    p.add_argument("--fault")
    p.add_argument("--at", type=int)
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--seed", type=int, default=int(time.time()))
    args = p.parse_args()
    why = pebble = None
    if not shutil.which("strace"):
        why = "strace is not installed"
    elif names.missing():
        why = "not installed: " + ", ".join(names.missing())
    elif proc.run(["strace", "-qq", "-o", "/dev/null", "true"],
                  check=False).returncode != 0:
        why = "strace may not trace here (ptrace)"
    else:
        try:
            # May need the real network.
            pebble = os.environ.get("LAB_PEBBLE") or ca.pebble_path()
            proc.enter_namespaces()
        except proc.LabError as e:
            why = str(e)
    if why:
        print("skipped: " + why)
        return 77
    print("seed %d" % args.seed)
    folder = tempfile.mkdtemp(prefix="acmed-fault.")
    os.chmod(folder, 0o755)
    try:
        return {None: 77, True: 0, False: 1}[sweep(args, folder, pebble)]
    finally:
        if not os.environ.get("LAB_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
