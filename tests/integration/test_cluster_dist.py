# SPDX-License-Identifier: MIT
"""cluster { }: certificates come from whoever renews them to every host,
through a real etcd of three members."""

import itertools
import json
import os
import shutil
import signal
import time

import pytest

from lab import etcd as lab_etcd, fleet as lab_fleet, proc

serials = itertools.count(1)


@pytest.fixture(scope="module")
def etcd(lab):
    try:
        c = lab_etcd.Etcd(os.path.join(lab.folder, "etcd-dist"), base=24290)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise
    yield c
    c.stop()


@pytest.fixture
def fleet(make, etcd, request):
    n = next(serials)
    f = lab_fleet.Fleet(make, etcd, "/dist%d" % n, nonce_reject=0)
    f.name = "dist%d-%d.example.test" % (n, os.getpid())
    return f


def version(member, name):
    try:
        return os.readlink(os.path.join(member.state_dir, "live", name))
    except OSError:
        return None


def owner(fleet, name):
    """The member whose own it is to renew."""
    own = [m for m, a in fleet.members.items() if a.proc.alive()
           and a.cert_status(name)["published"] is None
           and a.cert_status(name)["serial"]]
    return own[0] if len(own) == 1 and fleet.is_settled(own[0], name) \
        else None


def missing_secret(member):
    """Its provider's secret is in a file that only renewers have."""
    dns = dict(member.providers["dns"], key_secret_file="/nonexistent/tsig")
    del dns["key_secret"]
    member.providers = {"dns": dns}


def test_one_configuration(fleet, nginx, etcd):
    """One renews, two serve: one with nginx, which is reloaded with what has
    come, one that was away.  Those have no credentials of the DNS, order
    nothing, and what lies in etcd can be read by nobody."""
    name = fleet.cert(fleet.name, deploy={"web": {"exec": [
        "/bin/sh", "-c", "f=$ACMED_LIVE_DIR/../../../reload; "
        "test ! -e $f || sh $f"]}})
    r = fleet.member("r1", "renew")
    webs = [fleet.member("w%d" % i, "serve") for i in (1, 2)]
    for w in webs:
        missing_secret(w)
        w.start()
    # Nobody has had it issued yet: nothing is wrong.
    webs[0].wait("a watch", lambda: "watching for changes" in webs[0].log())
    c = webs[0].cert_status(name)
    assert c["state"] == "missing" and c["error"] is None, c
    r.start()
    first, _ = fleet.everywhere(name)
    for w in webs:
        c = w.wait_valid(name)
        assert c["published"]["repository"] == "cluster"
        assert [d["name"] for d in c["deploy"]] == ["web"]
        assert not os.listdir(os.path.join(w.state_dir, "accounts"))
    # A member that only renews serves nothing.
    assert r.wait_valid(name)["deploy"] == []
    assert "PRIVATE KEY" not in etcd.ctl("get", "--prefix", fleet.prefix)
    n = nginx(webs[0].live(name), webs[0].live(name, "privkey.pem"), 24443)
    n.start()
    with open(os.path.join(webs[0].state_dir, "reload"), "w") as f:
        f.write(" ".join(n.reload_argv))
    webs[1].stop()
    time.sleep(1.1)
    assert r.ctl("renew-now", name).returncode == 0
    second, took = fleet.everywhere(name, first, ["r1", "w1"])
    assert took < 5
    webs[0].wait("nginx to serve it", lambda: n.served(name) in open(
        webs[0].live(name)).read())
    webs[1].start()
    assert fleet.everywhere(name, first)[0] == second
    # And nobody else has ordered any.
    for w in webs:
        assert "newOrder" not in w.log() and "new order" not in w.log()


def test_etcd_away_while_it_is_published(fleet, ca_proxy, etcd):
    """etcd stops answering when the CA has issued: what was staged by then is
    not taken for lost; its order is gone on with, and it is published."""
    fleet.opt = {"directory": ca_proxy.directory}
    r = fleet.member("r1", "renew")
    r.start()
    fleet.member("w1", "serve").start()
    stopped = []

    def after(request):
        if request.kind == "cert" and not stopped:
            stopped.append(time.monotonic())
            for m in etcd.members:
                os.kill(m.pid, signal.SIGSTOP)
        return None
    ca_proxy.after = after
    name = fleet.cert(fleet.name)
    for m in fleet.members.values():
        m.write_conf()
        m.reload()
    try:
        r.wait("the end of the run", lambda: stopped and "etcd" in (
            r.cert_status(name)["error"] or {}).get("msg", "") or
            stopped and "the run ends" in r.log(), timeout=30)
    finally:
        for m in etcd.members:
            os.kill(m.pid, signal.SIGCONT)
    serial, _ = fleet.everywhere(name)
    r.wait_valid(name, 30)
    assert "was lost" not in r.log()
    assert r.serial(name) == serial
    assert ca_proxy.count("newOrder") == ca_proxy.count("finalize") == 1


def test_changes_hands(fleet, ca_proxy, make, etcd, txt):
    """Two renew and serve, one serves.  The one whose certificate it is dies
    when the CA has issued and nobody else has it: the other one goes on with
    that order, and all have the same.  It comes back, takes that, and orders
    nothing; what etcd has forgotten meanwhile is found."""
    fleet.opt = {"directory": ca_proxy.directory}
    name = fleet.cert(fleet.name, deploy={
        "cdn": {"exec": ["/bin/true"], "run_on": "holder"},
        "web": {"exec": ["/bin/true"]}})
    for m, role in (("r1", "both"), ("r2", "both"), ("w1", "serve")):
        fleet.member(m, role).start()
    first, _ = fleet.everywhere(name)
    proc.wait_until("an owner", lambda: owner(fleet, name), 20)
    holder = owner(fleet, name)
    other = {"r1": "r2", "r2": "r1"}[holder]
    w1 = fleet.members["w1"]
    # What reaches out runs once, what is local on each that serves.
    assert [d["name"] for d in fleet.members[holder].wait_valid(name)[
        "deploy"]] == ["cdn", "web"]
    assert [d["name"] for d in w1.wait_valid(name)["deploy"]] == ["web"]
    assert ca_proxy.count("newOrder") == 1
    dead = []

    def after(request):
        if request.kind == "cert" and not dead:
            dead.append(holder)
            fleet.members[holder].kill()
            return "drop"
        return None
    ca_proxy.after = after
    time.sleep(1.1)
    assert fleet.members[holder].get("/v1/renew", "POST", json.dumps(
        {"names": [name]}))[0] < 300
    second, _ = fleet.everywhere(name, first, [other, "w1"])
    assert dead and ca_proxy.count("newOrder") == 2
    assert ca_proxy.count("finalize") == 2
    proc.wait_until("the other one to run the target of the holder",
                    lambda: [d["state"] for d in fleet.members[
                        other].cert_status(name)["deploy"]] == ["done"] * 2,
                    20)
    revision = etcd.ctl("get", "x", "-w", "fields").split('"Revision" : ')[1]
    etcd.ctl("compact", revision.split()[0])
    back = fleet.members[holder].start(write=False)
    assert fleet.everywhere(name, first)[0] == second
    proc.wait_until("an owner", lambda: owner(fleet, name) == holder, 30)
    back.wait_valid(name)
    assert ca_proxy.count("newOrder") == 2
    assert txt("example.test", name) == {}


def test_serve(fleet, ca_proxy):
    """One that only serves: it asks for who is there, and for how a renewal
    fares that was asked for at it, when a person does."""
    fleet.opt = {"directory": ca_proxy.directory}
    name = fleet.cert(fleet.name)
    r = fleet.member("r1", "renew").start()
    w = fleet.member("w1", "serve").start()
    first, _ = fleet.everywhere(name, members=["w1"])
    shown = w.ctl("cluster", "status").stdout
    assert "r1" in shown and "w1" in shown, shown
    # What others do tells it nothing, but who renews.
    assert "member \"w1\" is here" not in r.log()
    keys = fleet.etcd.keys()
    assert fleet.prefix + "/host/w1" in keys
    assert fleet.prefix + "/run/member/w1" not in keys

    def before(request):
        return (403, [("Content-Type", "application/problem+json")],
                b'{"type": "urn:ietf:params:acme:error:rejectedIdentifier", '
                b'"detail": "not this one", "status": 403}') \
            if request.kind == "newOrder" and refuses else None
    refuses, ca_proxy.before = [True], before
    p = w.ctl("renew-now", name)
    assert p.returncode != 0 and "not this one" in p.stdout, p
    refuses.clear()
    time.sleep(1.1)         # newer than that failure
    assert w.ctl("renew-now", name).returncode == 0
    assert w.serial(name) != first
    r.stop()


OLD, NEW = lab_fleet.SECRET, "fedcba9876543210" * 4


def test_new_secret(fleet, etcd):
    """The secret that all share is replaced: another one alone is refused, and
    does no harm; with both in the file on all, then the new one first, then
    alone, nothing stops, and who comes later with the new one alone reads what
    was published before."""
    name = fleet.cert(fleet.name)
    for m, role in (("r1", "both"), ("r2", "both"), ("w1", "serve")):
        fleet.member(m, role).start()

    def secret(member, *lines):
        a = fleet.members[member]
        with open(a.cluster["encrypt_key_file"], "w") as f:
            f.write("\n".join(lines) + "\n")
        a.reload()
        return a

    def joined(*members):
        for m in members or fleet.members:
            a = fleet.members[m]
            a.wait("to be in", lambda: json.loads(a.ctl(
                "cluster", "status", "--json").stdout)["joined"], 20)

    def published():
        """The manifest, which is not encrypted, but signed."""
        at = [k for k in fleet.etcd.keys() if k.startswith(fleet.prefix) and
              k.endswith("/%s/manifest.json" % name)]
        return etcd.ctl("get", "--print-value-only", at[0])
    first, _ = fleet.everywhere(name)
    by_old = published()
    r2 = secret("r2", NEW)
    r2.wait("a word of it", lambda: (r2.status()["cluster"]["error"] or {})
            .get("code") == "cluster:secret", 20)
    assert "second line" in r2.ctl("cluster", "status").stdout
    for lines in (OLD, NEW), (NEW, OLD):
        for m in fleet.members:
            secret(m, *lines)
            joined(m)
        assert fleet.serials(name) == dict.fromkeys(fleet.members, first)
    proc.wait_until("it to be published again", lambda: published() != by_old,
                    60)
    for m in fleet.members:
        secret(m, NEW)
    joined()
    late = fleet.member("w2", "serve")
    with open(late.cluster["encrypt_key_file"], "w") as f:
        f.write(NEW + "\n")
    late.start()
    late.wait("what was published", lambda: late.serial(name) == first, 60)
    assert fleet.members["r1"].ctl("renew-now", name).returncode == 0
    fleet.everywhere(name, first)
    for m in "r1", "r2":
        log = fleet.members[m].log()
        assert "cannot be decrypted" not in log.split(
            "configuration reloaded")[-1], log


def test_etcd_away(fleet, etcd):
    """What is there is served, nothing is lost, and what is published then is
    everywhere when etcd is back, without a restart."""
    name = fleet.cert(fleet.name)
    r, w = fleet.member("r1", "renew"), fleet.member("w1", "serve")
    r.start()
    w.start()
    first, _ = fleet.everywhere(name)
    for m in etcd.members:
        m.kill()
    for m in etcd.members:
        m.wait()
    w.wait("a word of it", lambda: "cannot watch" in w.log(), 30)
    c = w.cert_status(name)
    assert c["state"] == "valid" and c["error"] is None, c
    # A start meanwhile: it has what it has.
    w.stop()
    w.start(write=False)
    assert w.cert_status(name)["state"] == "valid"
    for i in range(3):
        etcd.start(i)
    etcd.wait()
    proc.wait_until("an owner", lambda: owner(fleet, name) == "r1", 60)
    # It has lost all: what the renewer has is there again.
    for m in etcd.members:
        m.kill()
    for i, m in enumerate(etcd.members):
        m.wait()
        shutil.rmtree(os.path.join(etcd.folder, "m%d" % i))
        etcd.start(i)
    etcd.wait()
    proc.wait_until("the certificate in etcd", lambda: [
        k for k in etcd.keys() if k.startswith(fleet.prefix)
        and k.endswith(name + "/manifest.json")], 90)
    assert r.serial(name) == first
    time.sleep(1.1)
    assert r.get("/v1/renew", "POST", json.dumps(
        {"names": [name]}))[0] < 300
    fleet.everywhere(name, first, timeout=60)


def test_two_who_had_one(fleet, ca_proxy):
    """Daemons that were alone become a cluster: what each had is kept, what is
    newest goes to the others, and nothing is ordered."""
    fleet.opt = {"directory": ca_proxy.directory}
    name = fleet.cert(fleet.name)
    r1, r2 = fleet.member("r1"), fleet.member("r2")
    clusters = r1.cluster, r2.cluster
    for m in r1, r2:
        m.cluster = None
        m.start()
        m.wait_valid(name)
        time.sleep(1.1)
    older, newest = r1.serial(name), r2.serial(name)
    assert older != newest
    for m, c in zip((r1, r2), clusters):
        m.cluster = c
        m.write_conf()
        m.reload()
    assert fleet.everywhere(name, older)[0] == newest
    assert ca_proxy.count("newOrder") == 2
