# SPDX-License-Identifier: MIT
"""cluster { waves = ... }: members that serve take a new version one wave after
the other, through a real etcd of three members."""

import itertools
import os
import time

import pytest

from lab import etcd as lab_etcd, fleet as lab_fleet, proc

serials = itertools.count(1)
WAVES = ["canary-*", "eu-*", "*"]
WEBS = ["canary-1", "eu-1", "us-1"]
DEPLOY = {"web": {"exec": [
    "/bin/sh", "-c", "f=$ACMED_LIVE_DIR/../../../deploy; "
    "test ! -e $f || . $f"]}}


@pytest.fixture(scope="module")
def etcd(lab):
    try:
        c = lab_etcd.Etcd(os.path.join(lab.folder, "etcd-waves"), base=24790)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise
    yield c
    c.stop()


@pytest.fixture
def fleet(make, etcd):
    """fleet(renewers, role): so many that renew, and three that serve; all have
    the first version, and waves are for what comes."""
    def build(renewers=1, role="renew", wait="1h", more_deploy=None):
        n = next(serials)
        f = lab_fleet.Fleet(make, etcd, "/waves%d" % n, nonce_reject=0)
        f.name = f.cert("waves%d-%d.example.test" % (n, os.getpid()),
                        deploy=dict(DEPLOY, **more_deploy or {}))
        f.renewers = ["r%d" % (i + 1) for i in range(renewers)]
        for m in f.renewers:
            f.member(m, role, waves=WAVES, wave_pause="0s").start()
        for m in WEBS:
            f.member(m, "serve", waves=WAVES, wave_pause="0s").start()
        f.everywhere(f.name)
        f.first = serial(f, f.members["us-1"])
        rollout(f, "done", 3)
        pause(f, wait)
        return f
    return build


def pause(fleet, text):
    for m, a in fleet.members.items():
        if a.proc.alive():
            a.cluster["wave_pause"] = text
            a.write_conf()
            a.reload()


def rollout(fleet, state, wave, members=None):
    """Wait until all these show it so; what one of them shows."""
    members = members or [m for m in fleet.members
                          if fleet.members[m].proc.alive()]

    def shown():
        return {m: fleet.members[m].cert_status(fleet.name)["rollout"]
                for m in members}

    def check():
        found = shown()
        return all(r and (r["state"], r["wave"]) == (state, wave)
                   for r in found.values()) and found[members[0]]
    return proc.wait_until(lambda: "%s, wave %d: %s" % (state, wave, shown()),
                           check, 40)


def serial(fleet, member):
    return member.cert_status(fleet.name)["serial"]


def owner(fleet):
    """Who renews it, if that is known."""
    def check():
        found = [m for m in fleet.renewers if fleet.members[m].proc.alive() and
                 fleet.members[m].cert_status(fleet.name)["published"] is None]
        return len(found) == 1 and found[0]
    return proc.wait_until("an owner", check, 30)


def renew(fleet):
    """Another version; its serial, when its holder has it."""
    time.sleep(1.1)         # newer, by its dates
    a = fleet.members[owner(fleet)]
    old = serial(fleet, a)
    assert a.ctl("renew-now", fleet.name).returncode == 0
    return a.wait("a new one", lambda: serial(fleet, a) != old and
                  serial(fleet, a))


def serve(fleet, wanted, members):
    """Wait until these have it, deployed; the others that serve have not."""
    have = serve_up(fleet, wanted, members, WEBS)
    for m in WEBS:
        if m not in members:
            assert have()[m] != (wanted, "done"), (m, have())


def serve_up(fleet, wanted, members, asked=None):
    """Wait until these have it, deployed."""
    def have():
        found = {}
        for m in asked or members:
            c = fleet.members[m].cert_status(fleet.name)
            found[m] = c["serial"], c["deploy"][0]["state"]
        return found

    def check():
        found = have()
        return all(found[m] == (wanted, "done") for m in members)
    proc.wait_until(lambda: "%s to serve %s: %s" % (members, wanted, have()),
                    check, 40)
    return have


def test_one_after_the_other(fleet):
    """Each wave takes it when the one before serves it; who opens them dies in
    between, and the other one goes on where it was; so does it after etcd was
    away."""
    f = fleet(2)
    second = renew(f)
    serve(f, second, ["canary-1"])
    r = rollout(f, "running", 1)
    assert r["repository"] == "cluster" and r["serial"] == second
    proc.wait_until("the pause", lambda: all(
        f.members[m].cert_status(f.name)["rollout"]["next_at"]
        for m in f.renewers), 20)
    for m in f.members:
        shown = " ".join(f.members[m].ctl("status", f.name).stdout.split())
        assert "running, wave 1 of 3 in the cluster" in shown, (m, shown)
        assert ("cluster, the next in" in shown) == (m in f.renewers), shown
    one = owner(f)
    f.members[one].kill()
    f.renewers.remove(one)
    proc.wait_until("the other one to own it", lambda: owner(f), 40)
    r = rollout(f, "running", 1)
    assert r["serial"] == second and r["next_at"]
    serve(f, second, ["canary-1"])
    for m in f.etcd.members:
        m.kill()
    for i, m in enumerate(f.etcd.members):
        m.wait()
    pause(f, "0s")
    time.sleep(3)
    assert serial(f, f.members["eu-1"]) == f.first
    for i in range(3):
        f.etcd.start(i)
    f.etcd.wait()
    serve(f, second, WEBS)
    rollout(f, "done", 3)
    # Nobody has ordered another.
    assert {serial(f, f.members[m]) for m in WEBS + f.renewers} == {second}


def deploys(fleet, member, script):
    """What its target does from now on; None: nothing, and well."""
    path = os.path.join(fleet.members[member].state_dir, "deploy")
    if script is None:
        os.unlink(path)
    else:
        with open(path, "w") as f:
            f.write(script + "\n")


def test_one_fails(fleet):
    """One of an open wave cannot deploy it: no further wave is opened, which
    every member shows and the holder tells; a person goes on."""
    f = fleet(1)
    r1 = f.members["r1"]
    told = os.path.join(r1.folder, "told")
    r1.options["alarm_gather"] = "0s"
    r1.notifies["ops"] = {"exec": [
        "/bin/sh", "-c", "cat >>%s; echo >>%s" % (told, told)],
        "events": ["fleet"]}
    pause(f, "0s")
    deploys(f, "eu-1", "echo no nginx here; exit 3")
    second = renew(f)
    serve(f, second, ["canary-1"])
    r = rollout(f, "stopped", 2)
    assert "eu-1" in r["why"] and "no nginx here" in r["why"], r
    r1.wait("the message", lambda: os.path.exists(told) and
            "publish:stopped" in open(told).read())
    with open(told) as t:
        assert "the roll-out in the cluster is stopped after wave 2 of 3" in \
            t.read()
    assert serial(f, f.members["us-1"]) == f.first
    # It outlives a restart of who has stopped it.
    r1.stop()
    r1.start(write=False)
    assert owner(f) == "r1"
    rollout(f, "stopped", 2)
    deploys(f, "eu-1", None)
    assert r1.ctl("rollout", f.name, "continue").returncode == 0
    serve(f, second, ["canary-1", "us-1"])
    rollout(f, "done", 3)


def test_renews_and_serves(fleet):
    """Who renews and serves is a host like any other: its target waits for its
    wave.  What runs once waits for none."""
    f = fleet(1, "both", more_deploy={"cdn": {"exec": ["/bin/true"],
                                              "run_on": "holder"}})
    r1 = f.members["r1"]

    def states():
        return [(d["name"], d["state"], d["serial"]) for d in r1.cert_status(
            f.name)["deploy"]]
    second = renew(f)
    serve(f, second, ["canary-1"])
    r1.wait("its run to end", lambda: r1.cert_status(f.name)["run"] is None)
    assert states() == [("web", "pending", second), ("cdn", "done", second)]
    assert "other hosts take this version first" in r1.log()
    r1.wait("nobody to be behind", lambda: r1.cert_status(f.name)["hosts"][
        "behind"] == 0)
    pause(f, "0s")
    rollout(f, "done", 3)
    serve(f, second, WEBS)
    r1.wait("its target", lambda: states()[0][1] == "done")


def test_dead(fleet):
    """A member that is dead is waited for by nobody, as soon as its lease is
    over; it takes the new version when it is back."""
    f = fleet(1, wait="0s")
    f.members["canary-1"].kill()
    second = renew(f)
    serve_up(f, second, ["eu-1", "us-1"])
    rollout(f, "done", 3)
    f.members["canary-1"].start(write=False)
    serve_up(f, second, WEBS)


def test_decided_anywhere(fleet):
    """What a person decides at a member that serves is done by the one who
    renews: stop, continue, and back, after which nobody has it any more."""
    f = fleet(2, wait="1h")
    us = f.members["us-1"]
    second = renew(f)
    serve(f, second, ["canary-1"])
    rollout(f, "running", 1)
    p = us.ctl("rollout", f.name, "stop")
    assert p.returncode == 0, p.stdout
    r = rollout(f, "stopped", 1)
    assert r["why"] == "acmectl rollout"
    assert us.ctl("rollout", f.name, "continue").returncode == 0
    rollout(f, "running", 2)
    serve(f, second, ["canary-1", "eu-1"])
    assert us.ctl("rollout", f.name, "rollback").returncode == 0
    serve_up(f, f.first, WEBS)
    rollout(f, "rolled back", 2)
    for m in f.renewers:
        f.members[m].wait("the first", lambda: serial(f, f.members[m]) ==
                          f.first)
    proc.wait_until("no order", lambda: not [
        k for k in f.etcd.keys() if k.startswith(f.prefix + "/run/order/")])
    # It is taken back for good, and the next one is taken as any.
    third = renew(f)
    assert third not in (f.first, second)
    serve(f, third, ["canary-1"])
    pause(f, "0s")
    serve(f, third, WEBS)


def test_verification_fails(fleet, nginx):
    """A member of an open wave goes on serving the old one, and rolls back by
    itself: the roll-out is stopped, and who comes later keeps what it has."""
    f = fleet(1, wait="0s")
    eu = f.members["eu-1"]
    nginx(eu.live(f.name), eu.live(f.name, "privkey.pem"), 24446).start()
    eu.certs = {f.name: dict(f.certs[f.name], deploy={"web": {
        "exec": ["/bin/true"], "verify": ["127.0.0.1:24446"],
        "verify_timeout": "1s", "on_verify_failure": "rollback"}})}
    eu.write_conf()
    eu.reload()
    serve_up(f, f.first, ["eu-1"])
    second = renew(f)
    serve_up(f, second, ["canary-1"])
    r = rollout(f, "stopped", 2)
    assert "eu-1" in r["why"] and "rolled back" in r["why"], r
    serve_up(f, f.first, ["eu-1", "us-1"])
