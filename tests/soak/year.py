# SPDX-License-Identifier: MIT
"""One acmed, its certificates, and the time that passes over them.

The clock jumps from one thing to do to the next: acmed says when that is.
While something is under way only the seconds pass that it waits for.
"""

import calendar
import collections
import http.client
import json
import os
import signal
import sqlite3
import sys
import time

import disk
import faults
import judge
import ca
from ca import DAY, HOUR, LIVES, SoakCA
from clock import Clock
from cryptography import x509
from lab import daemon, names, proc

NS, PROVIDER = "127.0.1.5", "127.0.1.9"
FOREIGN = ('_acme-challenge TXT "somebody else\'s"\n'
           '_acme-challenge.kept TXT "as well"')
STEP_S, COARSE_S = 6 * HOUR, 2 * HOUR
# When nothing has moved for so long, acmed is asked; then it waits for time.
LOOKS_S, STALL_S = [0.01, 0.03], 0.04
MIX = ["shortlived", "classic", "middle", "tlsserver", "classic", "middle",
       "tlsserver", "tlsserver"]
# Of some weeks, in which few others are due.
SHORT_MIX = ["shortlived", "tlsserver", "shortlived", "classic",
             "shortlived", "middle"]


class Bind(names.Bind):
    """With the clock of the year, which TSIG wants."""

    def __init__(self, folder, zones, clock):
        self.wrap = clock.wrap_wall
        super().__init__(folder, NS, zones)


class Cert:
    def __init__(self, name, names_, wanted, profile, cas, shrinks):
        self.name, self.names, self.profile = name, names_, profile
        self.wanted = sorted(wanted)
        # It is issued without a name that is dead.
        self.shrinks = shrinks
        self.cas = cas          # the numbers of those it may be ordered from
        self.link = None        # where live/NAME leads
        self.begin = self.end = 0
        self.ends = []          # (expired at, from when it could be renewed)
        self.left = []          # seconds left at each renewal
        self.is_expired = False


class Year:
    def __init__(self, folder, args, dice):
        self.args, self.dice = args, dice
        self.days = args.days
        # More in each than a registered domain may have in a week.
        n_zones = max(2, args.certs // 75)
        self.zones = ["z%d.test" % i for i in range(n_zones)]
        # The first one says when to renew (ARI), the second does not.
        self.is_short = args.certs < 100
        limits = ca.SHORT_LIMITS if self.is_short else ca.LIMITS
        self.cas = [SoakCA(os.path.join(folder, "ca%d" % i), 14000 + i, NS,
                           limits, i == 0) for i in range(2)]
        a = self.acmed = daemon.Acmed(os.path.join(folder, "a"), "", "", NS)
        a.accounts = {"ca%d" % i: {
            "directory": c.directory, "ca_file": c.ca_file,
            "contact": ["mailto:admin@example.test"], "agree_tos": True,
            "limits": [ca.words(limits, k, ca.WORDS) for k in limits]
            if self.is_short else "letsencrypt"}
            for i, c in enumerate(self.cas)}
        for c in self.cas:
            c.on_request = self.kill_now
        self.clock = Clock(folder)
        a.wrap = self.clock.wrap
        self.bind = Bind(os.path.join(folder, "bind"), {
            z: names.zone_text(z, {"ns1": NS}, FOREIGN)
            for z in self.zones}, self.clock)
        self.records = self.zone_records()
        self.relay = faults.Relay(PROVIDER, NS)
        self.certs = [self.make_cert(i) for i in range(args.certs)]
        a.options["log_level"] = "notice"
        a.providers = {"dns": daemon.rfc2136(PROVIDER)}
        self.begin = time.time()
        # No deaths after that: memory is that of one process.
        self.kills_until = self.days // 2
        self.todo = faults.draw(dice, self.days, sorted(
            n for c in self.certs for n in c.names), self.kills_until,
            len(self.cas))
        self.freeze()
        self.now_on = []            # faults
        self.past = []
        self.cpu = 0.0
        self.rss, self.size = {}, {}
        self.kill_in = 0
        self.counts = collections.Counter()
        self.failed_at = {}
        self.problems = []
        disk.SIZE = (16 << 20) + args.certs * (256 << 10)
        disk.mount(a.state_dir)

    def make_cert(self, i):
        zone = self.zones[i % len(self.zones)]
        own = ["c%d.%s" % (i, zone)]
        for k in range(self.dice.choice([0, 0, 0, 1, 3])):
            own.append("n%d.c%d.%s" % (k, i, zone))
        mix = SHORT_MIX if self.is_short else MIX
        profile = mix[i % len(mix)]
        wild = ["*." + own[0]] if i % 7 == 0 and len(own) == 1 else []
        extra = {}
        if i % 10 == 0:
            extra["deploy"] = {"x": {"exec": [
                "/bin/sh", "-c", "echo $ACMED_SERIAL >%s/run.%d" % (
                    self.acmed.folder, i)]}}
        # A quarter at the first: each is asked about daily.
        cas = [[0, 1], [1], [1, 0], [1]][i // len(mix) % 4]
        if len(own) > 1 and i % 2:
            extra["on_name_failure"] = "shrink"
        self.acmed.cert("cert%d" % i, own + wild, profile=profile,
                        account=["ca%d" % n for n in cas], **extra)
        return Cert("cert%d" % i, own, own + wild, profile, cas,
                    "on_name_failure" in extra)

    def freeze(self):
        first = int(self.days * self.dice.uniform(0.6, 0.8))
        last = first + min(14, self.days // 8)
        self.acmed.options["freeze"] = ["%s - %s" % tuple(
            time.strftime("%Y-%m-%d", time.gmtime(self.begin + d * DAY))
            for d in (first, last))]

    # --- time ---

    def now(self):
        return self.clock.now()

    def jump(self, seconds):
        self.clock.jump(seconds)
        for c in self.cas:
            c.ahead = self.clock.ahead
        for s in signal.SIGSTOP, signal.SIGCONT:
            self.acmed.proc.kill(s)         # wakes epoll_wait

    # --- acmed ---

    def launch(self):
        self.acmed.write_conf()
        self.acmed.launch()
        end = time.monotonic() + 20
        while not self.acmed.answers():
            if not self.acmed.proc.alive():
                return False
            if time.monotonic() > end:
                raise proc.LabError("acmed does not come up: "
                                    + self.acmed.log()[-3000:])
            time.sleep(0.01)
        return True

    def note_cpu(self):
        """Of a process that lives, or whose end nobody has waited for."""
        try:
            with open("/proc/%d/stat" % self.acmed.proc.pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def kill_now(self, kind):
        """From the CA's threads: when a request comes."""
        if self.kill_in > 0:
            self.kill_in -= 1
            if self.kill_in == 0:
                self.cpu += self.note_cpu()
                self.counts["kill -9"] += 1
                os.kill(self.acmed.proc.pid, signal.SIGKILL)

    def revive(self):
        """As systemd does."""
        self.acmed.proc.wait()
        if self.acmed.proc.popen.returncode != -signal.SIGKILL:
            self.counts["did not start"] += 1
            if not any(f.kind == "disk full" for f in self.now_on):
                raise proc.LabError("acmed ended: "
                                    + self.acmed.log()[-3000:])
            self.jump(HOUR)
        self.turn_faults()
        self.launch()

    def status(self):
        """Not compared with openapi.json as get() does: it is asked often."""
        conn = daemon.UnixConnection(self.acmed.socket, 20)
        try:
            conn.request("GET", "/v1/status")
            return json.loads(conn.getresponse().read())
        finally:
            conn.close()

    # --- waiting for what is under way ---

    def activity(self):
        return sum(sum(c.requests.values()) for c in self.cas), \
            self.relay.n

    def is_busy(self, s):
        now = self.now()
        return any(c["run"] or c["next"]["action"] == "running"
                   or (c["next"]["at"] is not None and c["next"]["at"] <= now
                       and c["next"]["action"] != "paused")
                   for c in s["certificates"]) or any(
                       r["next_at"] is None or r["next_at"] <= now
                       for r in s["cleanup"]) or any(
                           d["state"] == "running" for c in s["certificates"]
                           for d in c["deploy"])

    def settle(self):
        """Until nothing is under way; the last status."""
        for c in self.cas:
            if c.errors:
                raise proc.LabError(c.errors[0])
        nudges, seen, looks, s = 0, None, 0, None
        while True:
            if not self.acmed.proc.alive():
                self.revive()
                nudges, seen = 0, None
            now = self.activity()
            if now != seen:
                seen, moved, looks = now, time.monotonic(), 0
            quiet = time.monotonic() - moved
            if looks < len(LOOKS_S) and quiet > LOOKS_S[looks] \
                    and all(c.in_flight <= 0 for c in self.cas):
                looks += 1
                try:
                    s = self.status()
                except (OSError, ValueError, http.client.HTTPException):
                    # Just killed?  Its end may only be coming.
                    if not judge.wait_for(
                            lambda: not self.acmed.proc.alive(), 2):
                        raise
                    continue
                if not self.is_busy(s) and self.activity() == seen:
                    return s
            elif quiet > STALL_S:
                # One that gets no answer asks again and again, for minutes.
                self.jump(10 if self.relay.mode in ("silent", "lost") else 3)
                nudges += 1
                # Each look costs as much as a request.
                moved, looks = time.monotonic(), 1 if nudges % 3 else 0
                self.counts["nudges"] += 1
            if nudges > 600:
                raise proc.LabError("it never ends: " + self.busy_text(s))
            time.sleep(0.003)

    def busy_text(self, s):
        return json.dumps([c for c in s["certificates"] if c["run"]][:3]
                          + s["cleanup"][:3])

    # --- faults ---

    def turn_faults(self):
        at = self.now() - self.begin
        for f in [f for f in self.now_on if f.end <= at]:
            self.now_on.remove(f)
            f.end = at
            self.past.append(f)
            self.switch(f, False)
        while self.todo and self.todo[0].start <= at:
            f = self.todo.pop(0)
            if self.begins(f):
                f.start = at
                self.now_on.append(f)
                self.counts[f.kind] += f.kind != "kill -9"
                self.switch(f, True)

    def begins(self, f):
        """Not two at once that use the same switch."""
        def switch(f):
            return f.kind.split(":")[0].split()[0], f.ca, f.name
        return f.start == f.end or not any(
            switch(g) == switch(f) for g in self.now_on)

    def switch(self, f, on):
        kind, end = f.kind, self.begin + f.end
        to = None if f.ca is None else self.cas[f.ca]
        if kind.startswith("CA down"):
            to.stop() if on else to.start()
        elif kind in ("CA: page with 503", "CA: 429", "CA: internal error"):
            to.away = {"p": "page", "4": "busy", "i": "internal"}[
                kind[4]] if on else None
            to.until, to.was_told = end, False
        elif kind == "CA: lost replies" and on:
            to.losing = self.dice.randint(1, 5)
        elif kind.startswith("provider"):
            self.relay.mode = {"refuses": "refused", "silent": "silent"}.get(
                kind.split()[1], "lost") if on else None
        elif kind == "disk full":
            filler = os.path.join(self.acmed.state_dir, "filler")
            if on:
                disk.fill(filler)
            else:
                os.unlink(filler)
        elif kind == "kill -9" and on:
            self.kill_in = self.dice.randint(1, 40)
        elif kind == "a name dies":
            for c in self.cas:
                (c.dead.add if on else c.dead.discard)(f.name)

    # --- what is looked at all the time ---

    def look(self, s):
        now = self.now()
        for c in self.certs:
            try:
                link = os.readlink(self.acmed.live(c.name, "")[:-1])
            except FileNotFoundError:
                continue
            if link != c.link:
                with open(self.acmed.live(c.name, "cert.pem"), "rb") as f:
                    leaf = x509.load_pem_x509_certificate(f.read())
                begin = calendar.timegm(leaf.not_valid_before.timetuple())
                if c.link is not None:
                    c.left.append(c.end - begin - SoakCA.backdate)
                c.link, c.begin, c.end = link, begin, begin + LIVES[c.profile]
                c.is_expired = False
            elif now > c.end and not c.is_expired:
                c.is_expired = True
                self.expired(c)
        for c in s["certificates"]:
            if c["failures"] > self.failed_at.get(c["name"], 0):
                self.counts["failed runs"] += 1
            self.failed_at[c["name"]] = c["failures"]

    def is_barred(self, c, at):
        """Could it not be renewed then?"""
        bars = [f for f in self.past + self.now_on
                if f.kind in faults.BARS and f.start <= at < f.end]
        return any(f.ca is None and (f.name is None or (
            f.name in c.names and not c.shrinks)) for f in bars) or all(
                       any(f.ca == i for f in bars) for i in c.cas)

    def expired(self, c):
        """Was there time enough in which it could have been renewed?"""
        end, life = c.end - self.begin, c.end - c.begin
        at = end - (life / 2 if life < 10 * DAY else life / 3)
        times = [at] + sorted(t for f in self.past + self.now_on
                              for t in (f.start, f.end) if at < t < end)
        free = None
        for t, until in zip(times, times[1:] + [end]):
            if self.is_barred(c, t):
                free = None
                continue
            free = t if free is None else free
            # A peer's Retry-After holds at most half of what is left.
            if until - free > (end - free) / 2 + 2 * HOUR:
                self.problems.append(
                    "%s (%s) expired on day %.1f, and could have been renewed"
                    " from day %.1f to %.1f" % (
                        c.name, c.profile, end / DAY, free / DAY,
                        until / DAY))
                return
        dead = any(f.name in c.names for f in self.now_on + self.past
                   if f.end > end - life / 8)
        self.counts["expired, a name was dead" if dead
                    else "expired, the CA was away"] += 1

    def measure(self, key):
        with open("/proc/%d/status" % self.acmed.proc.pid) as f:
            self.rss[key] = next(int(x.split()[1]) for x in f
                                 if x.startswith("VmRSS"))
        # With what is in its journal still, which is cut at 4 MB.
        db = sqlite3.connect("file:%s/state.db?mode=ro"
                             % self.acmed.state_dir, uri=True)
        pages, each = (db.execute("PRAGMA " + what).fetchone()[0]
                       for what in ("page_count", "page_size"))
        self.size[key] = pages * each
        db.close()

    # --- the year ---

    def next_at(self, s):
        now = self.now()
        ahead = [c["next"]["at"] for c in s["certificates"]
                 if c["next"]["at"] is not None]
        ahead += [r["next_at"] for r in s["cleanup"]]
        ahead += [d["next_at"] for c in s["certificates"]
                  for d in c["deploy"] if d["next_at"]]
        # After a failure to the second, in peace by the hour.
        tense = any(c["failures"] for c in s["certificates"]) or s["cleanup"]
        at = min([a for a in ahead if a > now] + [now + STEP_S])
        if not tense:
            at = max(at, now + COARSE_S)
        times = [f.start for f in self.todo[:1]] + [
            f.end for f in self.now_on]
        return max(now, min([at] + [self.begin + t for t in times])) + 1

    def run(self):
        half = dict(list(self.acmed.certs.items())[:len(self.certs) // 2])
        all_, self.acmed.certs = self.acmed.certs, half
        self.launch()
        marks = {"month 2": 2 / 12, "month 7": 7 / 12}
        while self.now() - self.begin < self.days * DAY:
            s = self.settle()
            self.look(s)
            passed = (self.now() - self.begin) / DAY
            if half is not None and passed > 1:
                self.acmed.certs, half = all_, None
                self.acmed.write_conf()
                self.acmed.reload()
                self.acmed.wait("the reload", lambda: len(
                    self.status()["certificates"]) == len(all_))
                continue
            for key, share in list(marks.items()):
                if passed > share * self.days:
                    self.measure(key)
                    del marks[key]
            self.counts["steps"] += 1
            self.progress(passed)
            self.jump(self.next_at(s) - self.now())
            self.turn_faults()
        self.finish()

    def finish(self):
        """All faults are over; what is left to do is done."""
        for _ in range(12):
            s = self.settle()
            self.look(s)
            self.jump(max(self.next_at(s) - self.now(), 4 * HOUR))
            self.turn_faults()
        s = self.settle()
        self.measure("month 12")
        self.cpu += self.note_cpu()
        self.last = s
        self.acmed.stop()

    def progress(self, passed):
        at = int(passed * 12 / self.days)
        if at > self.counts["month"]:
            self.counts["month"] = at
            print("month %d, %d issued, %d kills, %d problems" % (
                at, sum(c.issued for c in self.cas), self.counts["kill -9"],
                len(self.problems)), file=sys.stderr, flush=True)

    def zone_records(self):
        return {z: judge.zone_records(NS, z) for z in self.zones}

    def stop(self):
        self.acmed.end()
        self.relay.stop()
        self.bind.stop()
        disk.unmount(self.acmed.state_dir)
