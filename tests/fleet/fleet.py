# SPDX-License-Identifier: MIT
"""make check-fleet: a fleet of real daemons, and all that happens to it.

fleet.py [--hosts N] [--nginx N] [--certs N] [--renewers N] [--only WORD,...]
         [--away SECONDS] [--points before-newOrder,...] [--debug]
         [--scratch DIR]

Three members of etcd, Pebble, BIND, three acmeds that renew and fifty that
serve, some of them with nginx; every renewer reaches each etcd through a link
that can be cut.  What is measured is printed; exit status 1 if a certificate
was ordered twice, a TXT value was left, or a host is behind; 77, with the
reason, where it cannot run.
"""

import argparse
import collections
import itertools
import json
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

from lab import (ca, etcd as lab_etcd, fleet as lab_fleet, link,  # noqa: E402
                 daemon, names, proc, proxy, web)

ZONE, ADDRESS = "example.test", "127.0.1.5"
LEASE_S = 5
# The CA's requests at which a renewer dies, is stopped, or loses the cluster:
# before it has the request, and when its answer is not yet passed on.
POINTS = [(when, kind) for kind in (
    "newOrder", "authz", "challenge", "finalize", "cert")
    for when in ("before", "after")]


def say(text):
    print("[%7.1f] %s" % (time.monotonic() - say.start, text), flush=True)


say.start = time.monotonic()


class World:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.ports = itertools.count(16000)
        self.problems, self.figures = [], collections.OrderedDict()
        self.serial = itertools.count(1)
        self.procs, self.links = [], {}
        self.second = []        # where the CA made another order

    # --- life ---

    def start(self):
        a, s = self.args, self.scratch
        self.tls = ca.Tls(os.path.join(s, "tls"))
        self.bind = names.Bind(os.path.join(s, "bind"), ADDRESS, {
            ZONE: names.zone_text(ZONE, {"ns1": ADDRESS}, "")})
        binary = ca.pebble_path("--any")
        self.pebble = ca.Pebble(binary, self.tls, os.path.join(s, "pebble"),
                                14000, ADDRESS + ":53", nonce_reject=0)
        self.short = ca.Pebble(binary, self.tls, os.path.join(s, "pebble"),
                               14200, ADDRESS + ":53", nonce_reject=0,
                               validity_s=a.away * 4 // 3)
        self.ca = proxy.CaProxy(self.pebble, next(self.ports))
        self.brief = proxy.CaProxy(self.short, next(self.ports))
        self.etcd = lab_etcd.Etcd(os.path.join(s, "etcd"))
        self.fleet = lab_fleet.Fleet(self.make, self.etcd, "/acmed",
                                     lease="%ds" % LEASE_S)
        for i in range(a.renewers):
            self.renewer("renew%d" % (i + 1))
        for i in range(a.hosts):
            self.fleet.member("web%02d" % (i + 1), "serve")
        self.renewers = [m for m in self.fleet.members if m[0] == "r"]
        self.hosts = [m for m in self.fleet.members if m[0] == "w"]
        for m in self.fleet.members.values():
            m.options["log_level"] = "debug" if a.debug else "info"
        self.nginx = {}

    def make(self):
        a = daemon.Acmed(os.path.join(self.scratch, "a%d" % next(
            self.serial)), self.ca.directory, self.tls.ca, ADDRESS)
        a.accounts["short"] = dict(a.accounts["lab"],
                                   directory=self.brief.directory)
        a.notifies["log"] = {"exec": [
            "/bin/sh", "-c", 'echo "$ACMED_EVENT $ACMED_WHAT" >>"%s"'
            % os.path.join(a.folder, "told")]}
        return a

    def told(self, member):
        """The messages it has sent, of what and why."""
        try:
            with open(os.path.join(self.member(member).folder, "told")) as f:
                return f.read()
        except OSError:
            return ""

    def renewer(self, name):
        links = [link.Link(next(self.ports), p) for p in self.etcd.ports]
        self.links[name] = links
        a = self.fleet.member(name, "renew")
        a.cluster["etcd"] = ["http://127.0.0.1:%d" % k.port for k in links]

    def member(self, name):
        return self.fleet.members[name]

    def boot(self):
        t = time.monotonic()
        everybody = list(self.fleet.members.values())
        for m in everybody:
            m.write_conf()
            m.launch()
        for m in everybody:
            m.proc.ready(m.answers, 60)
        self.figure("daemons started", len(everybody))
        self.figure("start of all, s", time.monotonic() - t)

    def reload(self):
        for m in self.fleet.members.values():
            m.write_conf()
            m.reload()

    def stop(self):
        for m in self.fleet.members.values():
            m.end()
        for n in self.nginx.values():
            n.stop()
        for s in (self.ca, self.brief, self.pebble, self.short, self.bind,
                  self.etcd):
            s.stop()

    # --- what is seen ---

    def figure(self, what, value):
        self.figures[what] = value
        say("%-58s %s" % (what, "%.2f" % value if isinstance(value, float)
                          else value))

    def problem(self, text):
        self.problems.append(text)
        say("PROBLEM: " + text)

    def version(self, member, name):
        try:
            return os.readlink(os.path.join(
                self.member(member).state_dir, "live", name))
        except OSError:
            return None

    def deployed(self, member, name):
        """What its deploy target has taken."""
        try:
            with open(os.path.join(self.member(member).state_dir,
                                   "deployed", name)) as f:
                return f.read()
        except OSError:
            return None

    def txt(self):
        import dns.query
        import dns.rdatatype
        import dns.zone
        z = dns.zone.from_xfr(dns.query.xfr(ADDRESS, ZONE, lifetime=20))
        return sum(len(r) for node in z.nodes.values() for r in node.rdatasets
                   if r.rdtype == dns.rdatatype.TXT)

    def until(self, what, check, timeout):
        end = time.monotonic() + timeout
        while not check():
            if time.monotonic() > end:
                raise proc.LabError("not within %g s: %s" % (timeout, what))
            time.sleep(0.01)

    def everywhere(self, name, was, timeout=60):
        """Until every host has deployed another version than that."""
        left = set(self.hosts)

        def check():
            for h in list(left):
                if self.deployed(h, name) not in (None, was):
                    left.discard(h)
            return not left
        self.until("%s on %s" % (name, sorted(left)), check, timeout)
        found = {self.deployed(h, name) for h in self.hosts}
        if len(found) != 1:
            raise proc.LabError("%s: hosts differ: %s" % (name, found))
        return found.pop()

    def holder(self, name):
        """Who is at it now, or None."""
        for r in self.renewers:
            m = self.member(r)
            if not m.proc.alive() or r in self.stopped:
                continue
            try:
                c = m.cert_status(name)
            except (OSError, proc.LabError, ValueError):
                continue
            if c and c["run"]:
                return r
        return None

    stopped = frozenset()

    # --- certificates ---

    def cert(self, name, **more):
        """One that every host deploys: it copies what it has got, and has
        nginx read it where there is one."""
        self.fleet.cert(name, deploy={"web": {"exec": [
            "/bin/sh", "-c", 'd=$ACMED_LIVE_DIR/../../../deployed; '
            'mkdir -p "$d"; cat "$ACMED_LIVE_DIR/fullchain.pem" '
            '>"$d/%s.new"; mv "$d/%s.new" "$d/%s"; '
            'r=$ACMED_LIVE_DIR/../../../reload; test ! -e "$r" || sh "$r"'
            % (name, name, name)]}}, **more)
        return name

    def renew(self, name):
        """Asks some member; until then its version."""
        was = self.deployed(self.hosts[0], name)
        time.sleep(1.1)         # newer, by its dates
        code, reply = self.member(random.choice(self.renewers)).get(
            "/v1/renew", "POST", json.dumps({"names": [name]}))
        if code >= 300:
            raise proc.LabError("renew-now: %s" % reply)
        return was

    def counts(self):
        return self.ca.count("newOrder"), self.ca.count("finalize")

    def judge(self, what, before, orders=1, excused=0):
        """No order, and no certificate, more than that."""
        new, finals = (b - a for a, b in zip(before, self.counts()))
        if not orders <= new <= orders + excused or finals != orders:
            self.problem("%s: %d orders, %d certificates, not %d" % (
                what, new, finals, orders))
        if new > orders:
            self.second.append(what)


# --- what happens ---

def first(w):
    """The first certificate, nginx, and how long a renewal takes."""
    name = w.cert("first." + ZONE)
    t = time.monotonic()
    w.reload()
    w.everywhere(name, None)
    w.figure("a new name in the file to all hosts, s", time.monotonic() - t)
    for i, h in enumerate(w.hosts[:w.args.nginx]):
        m = w.member(h)
        n = web.Nginx(os.path.join(w.scratch, "nginx%d" % i), "127.0.0.1",
                      20443 + i, m.live(name), m.live(name, "privkey.pem"))
        n.start()
        with open(os.path.join(m.state_dir, "reload"), "w") as f:
            f.write(" ".join(n.reload_argv) + "\n")
        w.nginx[h] = n


def push(w):
    """From the CA's answer to every host."""
    name = "first." + ZONE
    lasts, firsts, known = [], [], Known(w)
    for _ in range(w.args.rounds):
        before, at = w.counts(), []

        def issued(request):
            if request.kind == "cert":
                at.append(time.monotonic())
        w.ca.after = issued
        was = w.renew(name)
        w.until("an answer", lambda: at, 60)
        w.until("the first host", lambda: any(
            w.deployed(h, name) != was for h in w.hosts), 60)
        firsts.append(time.monotonic() - at[0])
        w.everywhere(name, was)
        lasts.append(time.monotonic() - at[0])
        w.ca.after = lambda request: None
        w.judge("a renewal", before)
    known.end()
    w.figure("issued to the first host, median s", statistics.median(firsts))
    w.figure("issued to all hosts deployed, median s",
             statistics.median(lasts))
    w.figure("issued to all hosts deployed, longest s", max(lasts))
    for h, n in w.nginx.items():
        with open(w.member(h).live(name)) as f:
            chain = f.read()
        proc.wait_until("nginx of " + h, lambda: n.served(name) in chain, 20)
    w.figure("nginx that serve it", len(w.nginx))


def leader(w):
    """The leader of etcd dies in the middle of a renewal."""
    name = "first." + ZONE
    for when, kind in (("after", "challenge"), ("after", "cert")):
        before, dead = w.counts(), []

        def hook(request):
            if request.kind == kind and not dead:
                dead.append(w.etcd.leader())
                w.etcd.members[dead[0]].kill()
        setattr(w.ca, when, hook)
        was, t = w.renew(name), time.monotonic()
        w.everywhere(name, was, 90)
        w.figure("leader of etcd dies %s %s: to all hosts, s" % (when, kind),
                 time.monotonic() - t)
        setattr(w.ca, when, lambda request: None)
        w.etcd.members[dead[0]].wait()
        w.etcd.start(dead[0])
        w.etcd.wait()
        w.judge("leader killed " + kind, before)


def struck(w, what, strike, mend, is_sent=True):
    """At each point of a renewal something happens to who is at it; is_sent:
    its request reaches the CA all the same."""
    name, took = "first." + ZONE, []
    for when, kind in POINTS:
        if w.args.points and when + "-" + kind not in w.args.points:
            continue
        before, hit, at = w.counts(), [], []
        lock = threading.Lock()

        def hook(request):
            with lock:
                if request.kind != kind or hit:
                    return None
                hit.append(w.holder(name))
                if hit[0] is None:
                    hit.clear()
                    return None
                at.append(time.monotonic())
                return strike(w, hit[0])
        setattr(w.ca, when, hook)
        try:
            for _ in range(3):
                was = w.renew(name)
                w.everywhere(name, was, 90)
                if hit:
                    break
                # Pebble takes an earlier authorization now and then.
                say("%s %s %s: nobody was hit; again" % (what, when, kind))
                before = w.counts()
        except proc.LabError as e:
            w.problem("%s %s %s: %s" % (what, when, kind, e))
        setattr(w.ca, when, lambda request: None)
        if not hit:
            w.problem("%s %s %s: nobody was hit" % (what, when, kind))
            continue
        took.append(time.monotonic() - at[0])
        say("%s %s %s (%s): all hosts %.1f s later" % (
            what, when, kind, hit[0], took[-1]))
        mend(w, hit[0])
        # Whoever comes back changes nothing.
        now = w.deployed(w.hosts[0], name)
        time.sleep(2)
        if w.everywhere(name, None) != now:
            w.problem("%s %s %s: the certificate was changed again" % (
                what, when, kind))
        # An order that the CA made, whose URL nobody has got in time.
        lost = kind == "newOrder" and (when == "after" or is_sent)
        w.judge("%s %s %s" % (what, when, kind), before, excused=lost)
        settle(w, name)
    w.figure("%s in each step: to all hosts, median s" % what,
             statistics.median(took))
    w.figure("%s in each step: to all hosts, longest s" % what, max(took))


def answered(w):
    """kill -9 of who has got the CA's answer to newOrder, so long after it."""
    name = "first." + ZONE
    for ms in (0, 10, 20, 50, 100, 200):
        twice = 0
        for _ in range(w.args.rounds):
            before, hit = w.counts(), []
            lock = threading.Lock()

            def hook(request):
                with lock:
                    if request.kind != "newOrder" or hit:
                        return
                    hit.append(who[0])
                time.sleep(ms / 1000)
                w.member(hit[0]).kill()
            who = [r for r in w.renewers if w.member(r).cert_status(
                name)["published"] is None]
            w.ca.passed = hook
            was = w.renew(name)
            try:
                w.everywhere(name, was, 90)
            except proc.LabError as e:
                w.problem("%d ms after newOrder: %s" % (ms, e))
            w.ca.passed = lambda request: None
            if not hit:
                w.problem("%d ms after newOrder: nobody was hit" % ms)
                continue
            w.member(hit[0]).start(write=False)
            settle(w, name)
            twice += w.counts()[0] - before[0] - 1
            w.judge("%d ms after newOrder" % ms, before, excused=1)
        w.figure("killed %d ms after the answer to newOrder: second orders"
                 % ms, "%d of %d" % (twice, w.args.rounds))


class Known:
    """How long only its renewer knows of an order: from newOrder's answer
    until the certificate's document in etcd is written next."""

    def __init__(self, w):
        self.w, self.watch = w, w.etcd.watch("/acmed/state")
        with w.ca.lock:
            self.n = len(w.ca.seen)

    def end(self):
        w, spans = self.w, []
        self.watch.stop()
        with w.ca.lock:
            made = [r for r in w.ca.seen[self.n:] if r.kind == "newOrder"
                    and r.status == 201 and r.sent_at]
        written = collections.defaultdict(list)
        for at, key in self.watch.seen:
            written[key.rpartition("/cert/")[2]].append(at)
        for r in made:
            after = [x for x in written[r.names[0]] if x > r.sent_at]
            if after:
                spans.append(1000 * (min(after) - r.sent_at))
        if len(spans) != len(made) or not made:
            w.problem("%d of %d orders were written" % (len(spans),
                                                        len(made)))
            return
        w.figure("from newOrder's answer until etcd has it, median ms",
                 statistics.median(spans))
        w.figure("... and the longest of %d, ms" % len(spans), max(spans))


def settle(w, name=None):
    """Until no TXT value is there, and all renewers have the same again, one of
    them as its own."""
    def agree():
        return len({w.version(m, name) for m in w.renewers + w.hosts}) == 1 \
            and sum(w.member(r).cert_status(name)["published"] is None
                    for r in w.renewers) == 1
    try:
        w.until("no TXT value", lambda: w.txt() == 0, 60)
        if name is not None:
            w.until("the renewers to agree", agree, 60)
    except proc.LabError as e:
        w.problem(str(e))


def die(w, name):
    w.member(name).kill()
    return "drop"


def rise(w, name):
    w.member(name).start(write=False)


def stop(w, name):
    w.stopped = w.stopped | {name}
    w.member(name).proc.kill(signal.SIGSTOP)


def wake(w, name):
    w.member(name).proc.kill(signal.SIGCONT)
    w.stopped = frozenset()


def cut(w, name):
    for k in w.links[name]:
        k.cut()


def heal(w, name):
    for k in w.links[name]:
        k.heal()


def kill(w):
    """kill -9 at each step of a renewal."""
    struck(w, "kill -9", die, rise, False)


def pause(w):
    """SIGSTOP for longer than the lease; then it goes on as if nothing was."""
    struck(w, "paused", stop, wake)


def partition(w):
    """It sees the CA and the DNS, but not etcd."""
    struck(w, "cut off from etcd", cut, heal)


def etcd_down(w, name=None):
    for m in w.etcd.members:
        m.kill()
    for m in w.etcd.members:
        m.wait()


def etcd_up(w, name=None):
    for i in range(3):
        w.etcd.start(i)
    w.etcd.wait()


def outage(w):
    """All of etcd is away for --away seconds, while a renewal becomes due: of a
    certificate that is renewed in the middle of its 4/3 of that time."""
    name, away = w.cert("short." + ZONE, account="short"), w.args.away
    w.reload()
    was = w.everywhere(name, None)
    due = [w.member(r).cert_status(name)["next"]["at"] for r in w.renewers
           if w.member(r).cert_status(name)["published"] is None]
    t = time.monotonic()
    etcd_down(w)
    n = w.brief.count("newOrder"), w.ca.count("newOrder")
    say("etcd is away")
    w.until("a word of it", lambda: all(
        w.member(m).status()["cluster"]["error"] for m in w.fleet.members),
        60)
    w.figure("all members know it after, s", time.monotonic() - t)
    for h in w.hosts:
        os.unlink(os.path.join(w.member(h).state_dir, "deployed", name))
        p = w.member(h).ctl("deploy", name)
        if p.returncode != 0:
            w.problem("%s: acmectl deploy: %s" % (h, p.stdout))
    if {w.deployed(h, name) for h in w.hosts} != {was}:
        w.problem("not every host deploys what it has")
    w.figure("hosts that deploy without etcd", len(w.hosts))
    time.sleep(max(0, t + away - time.monotonic()))
    if (w.brief.count("newOrder"), w.ca.count("newOrder")) != n:
        w.problem("ordered without the cluster")
    told = [m for m in w.renewers + w.hosts if "cluster: nothing is renewed"
            in w.member(m).ctl("status").stdout]
    w.figure("members whose status tells of it", len(told))
    rung = [m for m in w.fleet.members if "cluster new" in w.told(m)]
    w.figure("members that sent a message of it", len(rung))
    if len(told) != len(w.fleet.members) or len(rung) != len(told):
        w.problem("not all tell of it: %s, %s" % (told, rung))
    for h in w.hosts:
        if w.deployed(h, name) != was:
            w.problem(h + " has another certificate, from where?")
    if len(due) != 1 or due[0] >= time.time():
        w.problem("it was not due: %s" % due)
    else:
        w.figure("it has been due for, s", time.time() - due[0])
    etcd_up(w)
    say("etcd is back after %.0f s" % (time.monotonic() - t))
    t = time.monotonic()
    w.everywhere(name, was, 110)
    w.figure("etcd was away over a due renewal: back to all hosts, s",
             time.monotonic() - t)
    w.until("the messages", lambda: all(
        "cluster recovered" in w.told(m) for m in w.fleet.members), 90)
    made = w.brief.count("newOrder") - n[0]
    if made != 1 or w.ca.count("newOrder") != n[1]:
        w.problem("%d orders after etcd was back" % made)
    del w.fleet.certs[name]
    w.reload()


def spread(w):
    """Many certificates over three renewers, then over two, then over three."""
    many = ["m%04d.%s" % (i, ZONE) for i in range(w.args.certs)]
    t, known = time.monotonic(), Known(w)
    for name in many:
        w.fleet.cert(name)
    w.reload()
    left, told = set(many), [0]

    def there():
        left.difference_update([n for n in left if all(
            w.version(h, n) for h in w.hosts[:3] + w.hosts[-1:])])
        if time.monotonic() > told[0] + 30:
            told[0] = time.monotonic()
            say("%d are not everywhere, %d were ordered" % (
                len(left), len(orders(w, many))))
        time.sleep(0.5)
        return not left
    try:
        w.until("%d certificates" % len(many), there, 120 + len(many))
    except proc.LabError as e:
        w.problem("%s: %s" % (e, " ".join(sorted(left)[:20])))
    took = time.monotonic() - t
    w.figure("%d certificates issued and everywhere, s" % len(many), took)
    once(w, "over three", many)
    known.end()
    share(w, "over %d renewers" % len(w.renewers), w.renewers)
    w.member(w.renewers[0]).kill()
    share(w, "after one has died", w.renewers[1:])
    once(w, "over two", many)
    w.member(w.renewers[0]).start(write=False)
    share(w, "after it came back", w.renewers)
    w.member(w.renewers[1]).stop()
    share(w, "after one was stopped", w.renewers[:1] + w.renewers[2:])
    w.member(w.renewers[1]).start(write=False)
    share(w, "after that came back", w.renewers)
    time.sleep(LEASE_S * 2)
    once(w, "in the end", many)
    for m in w.renewers + w.hosts[:1]:
        with open("/proc/%d/status" % w.member(m).proc.pid) as f:
            rss = [x for x in f if x.startswith("VmRSS")][0].split()[1]
        w.figure("RSS of %s, MB" % m, int(rss) / 1024)


def storm(w):
    """A renewer is struck in the middle of many renewals, and comes back."""
    for i, (what, strike, mend) in enumerate((
            ("kill -9", die, rise), ("paused", stop, wake),
            ("cut off from etcd", cut, heal),
            ("etcd away", etcd_down, etcd_up))):
        many = ["s%d-%04d.%s" % (i, k, ZONE)
                for k in range(max(1, w.args.certs // 5))]
        try:
            struck_many(w, what, strike, mend, many)
        except proc.LabError as e:
            w.problem("%s: %s" % (what, e))


def struck_many(w, what, strike, mend, many):
    before, t = w.counts(), time.monotonic()
    for name in many:
        w.fleet.cert(name)
    w.reload()
    left, who = set(many), w.renewers[0]

    def there(n):
        def check():
            left.difference_update([x for x in left if all(
                w.version(h, x) for h in w.hosts[:3])])
            time.sleep(0.2)
            return len(left) <= n
        return check
    w.until("a third of them", there(len(many) * 2 // 3), 120 + len(many))
    runs = {c["name"] for r in w.renewers for c in
            w.member(r).status()["certificates"]
            if c["run"] and (r == who or strike == etcd_down)}
    strike(w, who)
    w.figure(what + ": renewals under way there", len(runs))
    time.sleep(LEASE_S * 2)
    mend(w, who)
    w.until("all: %s" % sorted(left)[:20], there(0), 180 + len(many))
    w.figure("%s in the middle of %d: everywhere, s" % (what, len(many)),
             time.monotonic() - t)
    share(w, what, w.renewers)
    made = orders(w, many)
    twice = {n: made[n] for n in many if made[n] != 1}
    w.figure(what + ": second orders, as an answer was lost", len(twice))
    finals = w.counts()[1] - before[1]
    if finals != len(many) or set(twice.values()) - {2} or \
            len(twice) > len(runs):
        w.problem("%s: %d certificates of %d; ordered %s" % (
            what, finals, len(many), twice))
    settle(w)


def orders(w, names):
    """name -> how many orders the CA has made of it."""
    with w.ca.lock:
        taken = [r for r in w.ca.seen if r.kind == "newOrder"
                 and r.status == 201]
    return collections.Counter(n for r in taken for n in r.names) & \
        collections.Counter({n: 99 for n in names})


def once(w, what, names):
    """Each was ordered, and issued, once."""
    made = orders(w, names)
    odd = {n: made[n] for n in names if made[n] != 1}
    if odd:
        w.problem("%s: not ordered once: %s" % (what, odd))
    w.figure("ordered once, " + what, len(names) - len(odd))


def share(w, when, renewers):
    """Until each certificate is renewed by one of these, as they say, and by
    one only; how many each has."""
    owners, t = {}, time.monotonic()

    def settled():
        owners.clear()
        for r in renewers:
            for c in w.member(r).status()["certificates"]:
                if c["published"] is None:
                    owners.setdefault(c["name"], []).append(r)
        time.sleep(0.2)
        return set(owners) == set(w.fleet.certs) and all(
            len(x) == 1 for x in owners.values())
    try:
        w.until("shared " + when, settled, 60)
        w.figure("%s: shared again, s" % when, time.monotonic() - t)
    except proc.LabError as e:
        w.problem("%s: by nobody: %s, by several: %s" % (
            e, sorted(set(w.fleet.certs) - set(owners))[:20],
            [x for x in owners.items() if len(x[1]) > 1][:20]))
    shares = collections.Counter(r for x in owners.values() for r in x)
    w.figure("renewed by each, " + when, " ".join(
        "%s %d" % x for x in sorted(shares.items())))


def end(w):
    """Nobody is behind, and nothing is left."""
    settle(w)
    newest = {}
    for name in w.fleet.certs:
        found = {w.version(h, name) for h in w.hosts + w.renewers}
        if len(found) != 1 or None in found:
            w.problem("%s: hosts differ: %s" % (name, found))
        newest[name] = found
    # What was added as a renewer died is removed twice, 20 seconds apart.
    for name, m in w.fleet.members.items():
        try:
            w.until("journal", lambda: not m.status()["cleanup"], 60)
        except proc.LabError:
            w.problem("%s: TXT records to be removed: %s" % (
                name, m.status()["cleanup"]))
    w.figure("certificates on every host", len(newest))
    w.figure("orders whose answer was lost with its renewer", len(w.second))
    for what, n in collections.Counter(w.second).items():
        say("a second order: %s (%d)" % (what, n))


STEPS = (first, push, leader, kill, answered, pause, partition, outage, spread,
         storm, end)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--hosts", type=int, default=50)
    p.add_argument("--nginx", type=int, default=5)
    p.add_argument("--renewers", type=int, default=3)
    p.add_argument("--certs", type=int, default=1000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--away", type=int, default=120)
    p.add_argument("--only", default="")
    p.add_argument("--points", default="")
    p.add_argument("--debug", action="store_true")
    p.add_argument("--scratch")
    args = p.parse_args()
    only = [x for x in args.only.split(",") if x]
    scratch = args.scratch or tempfile.mkdtemp(prefix="acmed-fleet.")
    os.makedirs(scratch, exist_ok=True)
    os.chmod(scratch, 0o755)
    try:
        proc.enter_namespaces()
        w = World(args, scratch)
        w.start()
    except proc.LabError as e:
        print("skipped: %s" % e)
        sys.exit(77)
    try:
        w.boot()
        for step in STEPS:
            if not only or step.__name__ in only or step in (first, end):
                say("--- " + step.__doc__.split("\n\n")[0])
                try:
                    step(w)
                except proc.LabError as e:
                    w.problem("%s: %s" % (step.__name__, e))
    finally:
        w.stop()
    print()
    for what, value in w.figures.items():
        print("%-58s %s" % (what, "%.2f" % value if isinstance(value, float)
                            else value))
    for text in w.problems:
        print("PROBLEM: " + text)
    print("FAILED" if w.problems else "passed")
    if not w.problems and not args.scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(1 if w.problems else 0)


if __name__ == "__main__":
    main()
