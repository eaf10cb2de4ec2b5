# SPDX-License-Identifier: MIT
"""One renewal with deploy that meets one fault, and what becomes of it; or the
first issuance, with the account's registration before it.

The laboratory (Pebble, BIND) is shared; each worker has a zone, a proxy before
the CA and a state directory of its own, which is put back for each run.
"""

import http.client
import os
import re
import shutil
import sqlite3
import time

import disk
import judge
from lab import ca, daemon, names, proc, proxy

ADDRESS = "127.0.1.5"
FOREIGN = ('_acme-challenge TXT "somebody else\'s"\n'
           '_acme-challenge.kept TXT "as well"')
# A row of the table each.
CALLS = ["fsync", "fdatasync", "renameat", "symlinkat", "unlinkat", "unlink",
         "mkdirat", "fchmod", "ftruncate", "openat", "write", "pwrite64",
         "sendto", "sendmsg"]
WAIT_S = 60
# Killed just before the call, and what no sync before it has made durable is
# lost: all that was sent since has been.
POWER = "power+KILL"
INJECTED = {POWER: "signal=KILL"}
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT")
# The pipe by which libevent tells itself of a signal: it never fails so.
PIPE = re.compile(r"write\(\d+<(UNIX|socket|pipe|anon)")


def stays(call, fault):
    """Does acmed go on after it, with a clock of its own, instead of being
    started again?  The clock's library opens files, more or less often."""
    return fault.startswith("error=") and call != "openat"


class Lab:
    """What all workers share."""

    def __init__(self, folder, workers, pebble):
        self.folder = folder
        self.short = disk.short_library(folder)
        self.why_no_power = disk.why_no_power(folder)
        self.tls = ca.Tls(os.path.join(folder, "tls"))
        self.bind = names.Bind(os.path.join(folder, "bind"), ADDRESS, {
            z: names.zone_text(z, {"ns1": ADDRESS}, FOREIGN)
            for z in map(self.zone, range(workers))})
        # One thread of Pebble's: see ca.Pebble on its lock cycle.
        self.pebble = ca.Pebble(pebble, self.tls, os.path.join(
            folder, "pebble"), 14000, ADDRESS + ":53", nonce_reject=0,
            procs=1)

    @staticmethod
    def zone(i):
        return "f%d.test" % i

    def stop(self):
        self.pebble.stop()
        self.bind.stop()


class Result:
    def __init__(self, what, call, fault, n):
        # "renewal" or "first"
        self.what, self.call, self.fault, self.n = what, call, fault, n
        self.where = ""         # the call that met it, as strace shows it
        self.is_met = False
        self.orders = 0
        self.seconds = 0.0
        self.looks = 0
        self.problems = []
        self.log = ""


class Worker:
    def __init__(self, lab, i):
        self.lab, self.zone = lab, lab.zone(i)
        folder = os.path.join(lab.folder, "w%d" % i)
        self.proxy = proxy.CaProxy(lab.pebble, 15100 + i)
        a = self.acmed = daemon.Acmed(folder, self.proxy.directory,
                                      lab.tls.ca, ADDRESS)
        a.options["log_level"] = "info"
        self.runs = os.path.join(folder, "runs")
        self.trace = os.path.join(folder, "strace")
        self.template = os.path.join(folder, "template")
        self.image = os.path.join(folder, "disk.img")
        # A file of its own for each write of the deploy.
        a.cert(self.zone, deploy={"x": {"exec": [
            "/bin/sh", "-c", "echo $ACMED_SERIAL >>" + self.runs]}})
        a.start()
        a.wait_valid(self.zone, WAIT_S)
        a.wait_clean(WAIT_S)
        a.stop()
        os.rename(a.state_dir, self.template)
        self.records = judge.zone_records(ADDRESS, self.zone)
        self.names = sorted([self.zone, "*." + self.zone])
        # The renewal: one more name, so it is due when acmed starts.
        a.certs[self.zone]["names"] = self.names
        a.write_conf()

    def restore(self, what):
        a = self.acmed
        shutil.rmtree(a.state_dir, ignore_errors=True)
        os.makedirs(a.state_dir, 0o700, exist_ok=True)
        if what == "renewal":
            proc.run(["cp", "-a", self.template + "/.", a.state_dir])
        for path in self.runs, self.trace, a.log_path, a.socket:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
        self.proxy.reset()
        self.old = judge.live_set(a.live(self.zone, "")).serial \
            if what == "renewal" else ""

    # --- the first daemon ---

    def has_ended(self):
        """Is the run over, for good or bad, and the clean-up quiet?"""
        a = self.acmed
        if not a.proc.alive():
            return True
        log = a.log()
        if "done; next renewal" in log and "removed and seen gone" in log:
            return True
        if time.monotonic() < self.ask_at:
            return False
        # Rarely, as the answers are calls as well: a line of the log may be
        # what was lost.
        self.ask_at = time.monotonic() + 1
        try:
            return self.is_over()
        except (OSError, http.client.HTTPException, proc.LabError):
            return False

    def is_over(self):
        """Has the run ended?  Also where there is none, as acmed could not
        read its configuration and goes on with the last good one."""
        status = self.acmed.status()
        c = status["certificates"][0]
        return c["run"] is None and bool(
            c["error"] or status["config"]["error"]
            or (c["serial"] or "").lower().lstrip("0") != self.old)

    def strace(self, call, what, follow=True):
        # -D: acmed stays the child of this process.
        return ["strace", "-D"] + ["-f"] * follow + ["-qq", "-y", "-o", self.trace, "-e",
                "trace=" + call] + what

    def first(self, result, wrap, stays=False):
        """Until the run is over, or the daemon; one that stays has a clock of
        its own, and goes on."""
        a = self.acmed
        if stays:
            self.new_clock()
            wrap = wrap + a.wrap
        a.wrap = wrap
        # A sanitizer looks for leaks with ptrace, which strace has.
        a.env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:"
                     "verify_asan_link_order=0")
        a.launch()
        a.env = None
        self.ask_at = time.monotonic() + 2
        over = judge.wait_for(self.has_ended, WAIT_S)
        if not over:
            result.problems.append("it neither went on nor failed in %d s"
                                   % WAIT_S)
        if stays and a.proc.alive():
            return
        status = a.proc.stop()
        if "KILL" not in result.fault and status < 0:
            result.problems.append("killed by signal %d" % -status)

    def lines(self):
        try:
            with open(self.trace, errors="replace") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def met(self, result):
        if "KILL" in result.fault:
            lines = self.lines()
            dead = [i for i, line in enumerate(lines)
                    if "killed by SIGKILL" in line]
            if dead:
                calls = [x for x in lines[:dead[0]] if "(" in x]
                result.where = calls[-1] if calls else ""
            return bool(dead)
        hit = [x for x in self.lines() if "(INJECTED" in x]
        result.where = hit[0] if hit else ""
        return bool(hit)

    def count(self, what, stays):
        """Of one without a fault: {call: [line, ...]} of acmed's."""
        self.restore(what)
        result = Result(what, "", "KILL", 0)
        self.first(result, self.strace(",".join(CALLS), []), stays)
        self.acmed.proc.stop()
        lines = [x.split(None, 1) for x in self.lines() if "(" in x]
        main = lines[0][0]
        found = {c: [] for c in CALLS}
        for pid, text in lines:
            call = text.split("(")[0]
            if pid == main and call in found:
                found[call].append(text)
        return found

    # --- the second ---

    def new_clock(self):
        """For the daemon that is started next: later(seconds)."""
        jump = self.acmed.fake_clock()
        self.jumped = 0

        def later(seconds):
            self.jumped += seconds
            jump(self.jumped)
        self.later = later

    def start_again(self):
        """Started again without a fault."""
        a = self.acmed
        self.new_clock()
        a.launch().ready(a.answers, WAIT_S)

    def is_settled(self):
        """Is it renewed and deployed?  Of a failed run the pause passes."""
        c = self.acmed.cert_status(self.zone)
        has_failed = c["error"] or "failed" in [d["state"]
                                                for d in c["deploy"]]
        if c["run"] is None and has_failed and c["next"]["at"]:
            wait = c["next"]["at"] - time.time() - self.jumped
            if wait > 0:
                self.later(int(wait) + 2)
            return False
        return c["state"] == "valid" and c["run"] is None \
            and [d["state"] for d in c["deploy"]] == ["done"]

    def settle(self):
        """Left alone until all is done; only time passes."""
        a = self.acmed
        a.wait("the renewal", self.is_settled, WAIT_S)
        # A late answer to an update is waited for: 20 seconds.
        end = time.monotonic() + WAIT_S
        while a.status()["cleanup"]:
            if time.monotonic() > end:
                raise proc.LabError("the journal is not empty: "
                                    + a.describe())
            time.sleep(0.1)
            if a.status()["cleanup"]:
                self.later(25)
        a.stop()

    def orders_allowed(self):
        """A second order only where the first one's URL was never saved."""
        # What it sent last may only be coming in.
        time.sleep(0.05)
        judge.wait_for(self.proxy.is_idle, 5)
        done = self.proxy.count("finalize") > 0
        if done or judge.saved_order(self.acmed.state_dir):
            return 1
        return 1 + self.proxy.count("newOrder")

    def judge_final(self, result, allowed):
        a = self.acmed
        problems = result.problems
        now = judge.live_set(a.live(self.zone, ""))
        if now.problem:
            problems.append("live: " + now.problem)
        if now.serial == self.old or now.names != self.names:
            problems.append("live is not the new certificate")
        if judge.last_run(self.runs) != now.serial:
            problems.append("the deploy did not run for the new one")
        records = judge.zone_records(ADDRESS, self.zone)
        if records != self.records:
            problems.append("zone: left %s, lost %s" % (
                sorted(records - self.records),
                sorted(self.records - records)))
        result.orders = self.proxy.count("newOrder")
        if result.orders > allowed:
            problems.append("%d orders, and %d allowed"
                            % (result.orders, allowed))
        if self.proxy.count("finalize") != 1:
            problems.append("finalized %d times"
                            % self.proxy.count("finalize"))
        problems += judge.files_are(a.state_dir, self.zone,
                                    2 if self.old else 1)
        if not self.old:
            problems += self.judge_account()
        problems += judge.keys_are_private(a.state_dir)
        if "PRIVATE KEY" in a.log():
            problems.append("a key is in the log")

    def judge_account(self):
        """One key, and the CA knows one account, though told twice."""
        made = [r.status for r in self.proxy.seen if r.kind == "account"]
        keys = [f for _, _, files in os.walk(os.path.join(
            self.acmed.state_dir, "accounts")) for f in files]
        if made.count(201) != 1 or len(keys) != 1:
            return ["accounts: the CA made %s, kept %s" % (made, keys)]
        return []

    def meet(self, result):
        """The first daemon, and its fault, and the next; how many orders may
        be made."""
        a = self.acmed
        if result.fault == "short":
            disk.short(self, result)
        else:
            # Each new process counts anew: the error is acmed's alone, or
            # the deploy command would meet it for ever.
            self.first(result, self.strace(result.call, [
                "-e", "inject=%s:%s:when=%d" % (
                    result.call, INJECTED.get(result.fault, result.fault),
                    result.n)],
                "KILL" in result.fault), stays(result.call, result.fault))
        if result.fault == POWER:
            self.cut(result)
        result.problems += judge.keys_are_private(a.state_dir)
        allowed = self.orders_allowed()
        if a.proc.alive():
            self.settle()
        # What a crash, or an unlink that failed, leaves goes at the start.
        self.start_again()
        return allowed

    def cut(self, result):
        """Killed just before the call: with the power."""
        result.problems += self.watch.stop()
        result.looks += self.watch.looks
        disk.cut(self.image, self.acmed.state_dir)
        self.look(result)

    def look(self, result):
        """One set or none: the first may not be durable yet."""
        self.watch = judge.Watch(self.acmed.live(self.zone, "").rstrip("/"),
                                 result.what == "renewal")

    def run(self, what, call, fault, n):
        """The Nth such call meets the fault: a Result."""
        result = Result(what, call, fault, n)
        begin = time.monotonic()
        a = self.acmed
        if call == "disk":
            disk.mount(a.state_dir)
        elif fault == POWER:
            os.makedirs(a.state_dir, 0o700, exist_ok=True)
            disk.make_image(self.image, a.state_dir)
        self.restore(what)
        if fault == POWER:
            proc.run(["sync", "-f", a.state_dir])
        self.look(result)
        try:
            if call == "disk":
                allowed = disk.full(self, result, disk.MOMENTS[n - 1],
                                    fault == "full+KILL")
            else:
                allowed = self.meet(result)
            self.settle()
            self.judge_final(result, allowed)
        except (OSError, sqlite3.Error, ValueError, AssertionError,
                proc.LabError, http.client.HTTPException) as e:
            result.problems.append("%s: %s" % (type(e).__name__,
                                               str(e)[-3000:]))
        finally:
            a.end()
            result.problems += self.watch.stop()
            if call == "disk" or fault == POWER:
                disk.unmount(a.state_dir)
            result.looks += self.watch.looks
        if fault.startswith(("signal", "error")) or fault == POWER:
            result.is_met = self.met(result)
            if "KILL" not in fault and PIPE.search(result.where):
                result.is_met, result.problems = False, []
        result.seconds = time.monotonic() - begin
        if result.problems:
            result.log = a.log()[-6000:] if os.path.exists(
                a.log_path) else ""
        return result

    def stop(self):
        self.acmed.end()
        self.proxy.stop()
