# SPDX-License-Identifier: MIT
"""What several renewers share through a real etcd: whoever takes over goes on
where the other was."""

import itertools
import os
import signal
import threading
import time

import pytest

from lab import clock as lab_clock, etcd as lab_etcd, proc, proxy

serials = itertools.count(1)


@pytest.fixture(scope="module")
def etcd(lab):
    try:
        c = lab_etcd.Etcd(os.path.join(lab.folder, "etcd%d"
                                       % next(lab.serial)), base=24790)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise
    yield c
    c.stop()


class Pair:
    """Two renewers of one certificate, and a proxy before their CA."""

    def __init__(self, lab, make, etcd, label, pebble):
        n = next(serials)
        self.name = "%s-%d.example.test" % (label, n)
        self.etcd = etcd
        self.proxy = proxy.CaProxy(pebble, next(lab.ports))
        self.lock = threading.Lock()
        self.members = [make(), make()]
        for i, a in enumerate(self.members):
            secret = os.path.join(a.folder, "cluster-key")
            with open(secret, "w") as f:
                f.write("0123456789abcdef" * 4 + "\n")
            os.chmod(secret, 0o600)
            a.accounts["lab"]["directory"] = self.proxy.directory
            a.cluster = {"etcd": etcd.urls, "encrypt_key_file": secret,
                         "prefix": "/state%d" % n, "name": "r%d" % i,
                         "lease": "5s"}
            a.cert(self.name, [self.name, "*." + self.name])

    def start(self):
        for a in self.members:
            a.write_conf()
            a.launch()
        for a in self.members:
            a.proc.ready(a.answers)

    def holder(self):
        """Who has a run of the certificate."""
        for a in self.members:
            if a.proc.alive() and a.cert_status(self.name)["run"]:
                return a
        return None

    def owner(self):
        """Who renews it, when both know that, and nobody has its lock: who came
        first may have renewed it for the other."""
        prefix = self.members[0].cluster["prefix"] + "/run/lock/"
        owners = []

        def agree():
            free = self.etcd.ctl("get", "--prefix", prefix) == ""
            told = [a.cert_status(self.name)["renewer"] for a in self.members]
            owners[:] = [a for a, r in zip(self.members, told)
                         if r and r["self"]]
            return free and all(told) and len(owners) == 1
        proc.wait_until("an owner", agree, 20)
        return owners[0]

    def other(self, a):
        return self.members[1 - self.members.index(a)]

    def count(self, kind):
        return self.proxy.count(kind)


@pytest.fixture
def pair(lab, make, etcd):
    made = []

    def build(label, **opt):
        made.append(Pair(lab, make, etcd, label,
                         lab.pebble(nonce_reject=0, **opt)))
        return made[-1]
    yield build
    for p in made:
        p.proxy.stop()


STEPS = {"order": ("before", "authz"), "added": ("before", "challenge"),
         "finalized": ("after", "finalize"), "issued": ("after", "cert")}


def test_takeover(pair, txt):
    """The holder dies by kill -9, in several steps: the other one goes on with
    its order, installs the certificate, and removes the records."""
    pairs = {}
    for step, (when, kind) in STEPS.items():
        p = pairs[step] = pair(step)
        p.killed = None

        def hook(request, p=p, kind=kind):
            if request.kind != kind:
                return None
            with p.lock:        # two may ask at the same time
                if p.killed:
                    return None
                p.killed = p.holder()
                p.killed.kill()
            return "drop"
        setattr(p.proxy, when, hook)
        p.start()
    for step, p in pairs.items():
        proc.wait_until(step, lambda p=p: p.killed, 30)
    for step, p in pairs.items():
        left = p.other(p.killed)
        left.wait_valid(p.name, 40)
        left.wait_clean(30)
        assert txt("example.test", p.name) == {}, step
        assert p.count("newOrder") == 1, step
        assert p.count("finalize") == 1, step
        assert os.listdir(os.path.join(left.state_dir, "pending")) == []
    # Back again they take nothing up, and order nothing.
    for p in pairs.values():
        p.killed.start(write=False)
    for step, p in pairs.items():
        p.killed.wait("its journal to be empty", lambda p=p:
                      p.killed.status()["cleanup"] == [] and
                      p.killed.cert_status(p.name)["run"] is None, 20)
        assert p.count("newOrder") == 1, step
        assert txt("example.test", p.name) == {}, step


def test_paused_holder(pair, txt):
    """The holder is stopped (SIGSTOP) and comes back while the other one is in
    the middle: it neither removes what that has in the DNS, nor installs
    anything, nor asks the CA."""
    p = pair("paused")
    paused, goes_on = [], threading.Event()

    def hook(request):
        if request.kind != "challenge":
            return None
        with p.lock:
            if not paused:
                paused.append(p.holder())
                paused[0].proc.kill(signal.SIGSTOP)
                return "drop"
        if p.other(paused[0]).cert_status(p.name)["run"]:
            goes_on.wait(60)
        return None
    p.proxy.before = hook
    p.start()
    proc.wait_until("a holder", lambda: paused, 30)
    old, new = paused[0], p.other(paused[0])
    try:
        new.wait("the takeover", lambda: new.cert_status(p.name)["run"] and
                 "asking the CA to look" in new.log(), 40)
        values = txt("example.test", p.name)
        assert values
        asked = len(p.proxy.seen)
        old.proc.kill(signal.SIGCONT)
        old.wait("its end", lambda: old.cert_status(p.name)["run"] is None and
                 old.status()["cleanup"] == [], 30)
        assert txt("example.test", p.name) == values
        assert old.serial(p.name) is None
        assert p.count("newOrder") == 1
        assert len(p.proxy.seen) - asked <= 1   # what was on its way
    finally:
        old.proc.kill(signal.SIGCONT)
        goes_on.set()
    new.wait_valid(p.name, 40)
    new.wait_clean(30)
    assert txt("example.test", p.name) == {}
    assert p.count("newOrder") == 1
    assert p.count("finalize") == 1
    # The failure of a paused holder is none of the certificate.
    assert old.cert_status(p.name)["error"] is None


EAB_KEY = "cnmMK5UbnEKdd8OD1Ofq_8HL7r7Rh2BWJHtqZ9CpKuE"


def test_one_account(pair, etcd):
    """Two that begin at the same moment, with nothing, have one account, by
    one external account binding; and one key after it was changed at one of
    them."""
    p = pair("account", eab={"kid-1": EAB_KEY})
    for a in p.members:
        key = os.path.join(a.folder, "eab")
        with open(key, "w") as f:
            f.write(EAB_KEY + "\n")
        os.chmod(key, 0o600)
        a.accounts["lab"].update(eab_kid="kid-1", eab_hmac_key_file=key)
        for k in range(3):
            a.cert("account%d-%s" % (k, p.name))
    p.start()
    for name in p.members[0].certs:
        proc.wait_until(name, lambda name=name: any(
            a.cert_status(name)["state"] == "valid" for a in p.members), 60)
    created = [r for r in p.proxy.seen if r.kind == "account"
               and r.status == 201]
    assert len(created) == 1

    def keys():
        found = []
        for a in p.members:
            folder = os.path.join(a.state_dir, "accounts")
            files = [f for f in os.listdir(folder) if f.endswith(".key")]
            assert len(files) == 1
            with open(os.path.join(folder, files[0])) as f:
                found.append(f.read())
        return found
    first = keys()
    assert first[0] == first[1]
    done = p.members[0].ctl("account", "rollover", "lab")
    assert done.returncode == 0, done.stdout
    proc.wait_until("the new key everywhere", lambda:
                    keys()[0] == keys()[1] != first[0], 20)
    stored = etcd.ctl("get", "--prefix", p.members[0].cluster["prefix"])
    assert "PRIVATE KEY" not in stored and p.proxy.directory not in stored


REFUSED = (b'{"type": "urn:ietf:params:acme:error:rejectedIdentifier", '
           b'"detail": "not this one", "status": 403}')


def test_shown_everywhere(pair, etcd):
    """What the one who renews is told every member shows, and keeps."""
    p = pair("shown")
    refuses, asked = [True], []

    def hook(request):
        if request.kind != "newOrder":
            return None
        asked.append(request)
        return (403, [("Content-Type", "application/problem+json")],
                REFUSED) if refuses[0] else None
    p.proxy.before = hook
    p.start()
    shown = [a.wait_error(p.name, 30) for a in p.members]
    assert [e["code"] for e in shown] == ["acme:rejectedIdentifier"] * 2
    owner = [a for a in p.members if "ordering a certificate" in a.log()]
    assert len(owner) == 1
    other = p.other(owner[0])
    # A person pauses it where they are, and resumes it elsewhere, when nobody
    # holds it.
    lock = owner[0].cluster["prefix"] + "/run/lock/"
    other.wait("the lock to be free", lambda: lock not in etcd.ctl(
        "get", "--prefix", lock, "--keys-only"))
    for at, shown_at, command in ((other, owner[0], "pause"),
                                  (owner[0], other, "resume")):
        assert at.ctl(command, p.name).returncode == 0
        shown_at.wait(command, lambda: (shown_at.cert_status(p.name)[
            "paused"] is not None) == (command == "pause"), 20)
    # It dies: its failure does not make the other one try at once.
    assert len(asked) == 1
    owner[0].kill()
    other.wait("the failure to be its own", lambda: "is gone" in other.log()
               and other.cert_status(p.name)["next"]["action"] == "retry", 20)
    assert len(asked) == 1
    refuses[0] = False
    assert other.ctl("renew-now", p.name).returncode == 0
    other.wait_valid(p.name, 30)


DOWN = (b'{"type": "urn:ietf:params:acme:error:serverInternal", '
        b'"detail": "come back later", "status": 500}')


def test_open_order(pair, etcd):
    """Between two tries of an order its holder keeps the lock: it is not given
    back and taken again all the time, for nothing.  The other one is asked to
    renew it, of which there is no certificate yet."""
    p = pair("open")
    p.fails = True
    p.proxy.before = lambda request: (
        500, [("Content-Type", "application/problem+json")], DOWN
        ) if request.kind == "finalize" and p.fails else None
    p.start()
    p.members[0].wait_error(p.name, 40)
    prefix = p.members[0].cluster["prefix"] + "/run/lock/"

    def made():
        text = etcd.ctl("get", "--prefix", prefix, "-w", "fields")
        return [line for line in text.split("\n")
                if "CreateRevision" in line]
    first = made()
    assert len(first) == 1
    for _ in range(25):
        time.sleep(0.1)
        assert made() == first
    p.fails = False
    holder = next(a for a in p.members if "ordering a certificate" in a.log())
    assert p.other(holder).ctl("renew-now", p.name).returncode == 0
    for a in p.members:
        a.wait_valid(p.name, 40)
    assert p.count("newOrder") == 1
    proc.wait_until("the lock to be free", lambda: etcd.ctl(
        "get", "--prefix", prefix) == "", 10)


def test_passed_on(pair, txt):
    """The DNS provider is out of reach for the one who renews it, in the middle
    of an order: after two tries the other one goes on, when it is due again,
    and removes what is left."""
    why = lab_clock.Clock.missing()
    if why:
        pytest.skip(why)
    p = pair("passed")
    clocks = [lab_clock.Clock(a) for a in p.members]

    def ahead(seconds):
        for c in clocks:
            c.set(c.wall + seconds)

    def failures(a):
        return a.cert_status(p.name)["failures"]
    p.start()
    first = [a.wait_valid(p.name, 30)["serial"] for a in p.members]
    assert first[0] == first[1]
    owner = p.owner()
    other = p.other(owner)
    owner.providers = {"dns": dict(owner.providers["dns"],
                                   server="127.0.1.99:53")}
    owner.write_conf()
    owner.reload()
    # It watches anew, and looks once whether others have published it.
    owner.wait("its look to be over", lambda: owner.log().count(
        'repository "cluster": watching for changes') == 2 and
        owner.cert_status(p.name)["next"]["action"] == "renew", 20)
    ordered = p.count("newOrder")
    assert owner.ctl("renew-now", p.name).returncode == 1
    other.wait("its failure", lambda: failures(other) == 1)
    # One may be an accident: it is tried again where it was.
    ahead(90)
    other.wait("the next one", lambda: failures(other) == 2, 30)
    assert "the next try is made here" not in owner.log()
    other.wait("its turn", lambda: other.cert_status(p.name)["renewer"] and
               other.cert_status(p.name)["renewer"]["self"], 20)
    # Not sooner than it was due.
    time.sleep(2)
    assert other.cert_status(p.name)["serial"] == first[0]
    assert failures(other) == 2
    ahead(900)
    for a in p.members:
        a.wait("a new one", lambda: a.cert_status(p.name)["serial"] not in
               (first[0], None), 60)
    assert "other members could not renew it" in other.log()
    assert p.count("newOrder") == ordered + 1
    proc.wait_until("no TXT value to be left", lambda: txt(
        "example.test", p.name) == {}, 30)
    # It fares well: it is the first one's again.
    owner.wait("its turn", lambda: owner.cert_status(
        p.name)["renewer"]["self"], 20)
