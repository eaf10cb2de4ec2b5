# SPDX-License-Identifier: MIT
"""Hosts take a new version in waves; one that fails stops the roll-out."""

import json
import os
import shutil
import sqlite3
import time

import pytest

from test_receipts import (fleet, hosts, published, renew,  # noqa: F401
                           serve, store)

NAMES = ["canary-1", "eu-1", "us-1"]


def rollout(publisher, name):
    return publisher.cert_status(name)["rollout"]


def opened(publisher, name, wave, state):
    """Wait until so many waves may take it."""
    def check():
        r = rollout(publisher, name)
        return r and (r["wave"], r["state"]) == (wave, state) and r
    return publisher.wait("wave %d, %s" % (wave, state), check, timeout=30)


def fetch(web, name):
    return web.ctl("renew-now", name)


def test_waves(fleet):
    publisher, webs, name, folder = fleet(3)
    canary, eu, us = webs
    told = os.path.join(publisher.folder, "told")
    publisher.repositories["fleet"].update({
        "waves": ["canary-*", "eu-*", "*"], "wave_pause": "0s"})
    publisher.options["alarm_gather"] = "0s"
    publisher.notifies["ops"] = {
        "exec": ["/bin/sh", "-c", "cat >>%s; echo >>%s" % (told, told)],
        "events": ["fleet"]}
    for web, host in zip(webs, NAMES):
        web.options["host_name"] = host
        web.certs[name]["poll"] = "1h"      # only when it is asked
    publisher.start()
    first = published(publisher, name)
    # Who has none takes the first at once, whatever its wave is.
    for web in webs:
        web.start()
        fetch(web, name)
    serve(publisher, first, NAMES)
    opened(publisher, name, 3, "done")

    # The second: each wave when the one before serves it.
    publisher.repositories["fleet"]["wave_pause"] = "1h"
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    second = renew(publisher, name, first)
    opened(publisher, name, 1, "running")
    manifest = json.load(open(os.path.join(folder, name, "manifest.json")))
    assert manifest["waves"] == ["canary-*"]
    p = fetch(us, name)
    assert p.returncode == 0 and "other hosts take it first" in p.stdout
    assert us.cert_status(name)["serial"] == first
    # What no host has written is shown, and waited for by nobody.
    odd = os.path.join(folder, "hosts", "canary-odd")
    os.makedirs(odd)
    with open(os.path.join(odd, name + ".json"), "w") as f:
        f.write("garbage")
    publisher.wait("the odd one", lambda: "canary-odd" in hosts(publisher))
    fetch(canary, name)
    serve(publisher, second, ["canary-1"])
    r = publisher.wait("the pause", lambda: rollout(publisher, name)[
        "next_at"] and rollout(publisher, name))
    assert r["wave"] == 1 and r["waves"] == 3
    shutil.rmtree(odd)
    c = publisher.wait("its end", lambda: "canary-odd" not in hosts(
        publisher) and publisher.cert_status(name)["hosts"])
    assert c["known"] == 3 and c["behind"] == 0     # the others wait
    # It died when the next wave was decided, and before it was told: it is
    # told then.
    publisher.stop()
    with sqlite3.connect(os.path.join(publisher.state_dir,
                                      "state.db")) as db:
        assert db.execute("UPDATE wave SET opened = 2, opened_at = ?, "
                          "served_at = -1", (int(time.time()),)).rowcount == 1
    publisher.start()
    publisher.wait("the manifest", lambda: json.load(open(os.path.join(
        folder, name, "manifest.json"))).get("waves") == ["canary-*", "eu-*"])
    opened(publisher, name, 2, "running")
    fetch(us, name)
    assert us.cert_status(name)["serial"] == first
    # One that cannot deploy it stops the roll-out, and that is told.
    eu.certs[name]["deploy"]["log"]["exec"] = [
        "/bin/sh", "-c", "echo no nginx here; exit 3"]
    eu.write_conf()
    assert eu.ctl("reload").returncode == 0
    fetch(eu, name)
    r = opened(publisher, name, 2, "stopped")
    assert "eu-1" in r["why"] and "no nginx here" in r["why"]
    publisher.wait("the message", lambda: os.path.exists(told) and
                   "publish:stopped" in open(told).read())
    assert "rollout %s rollback" % name in json.loads(
        open(told).read().strip().split("\n")[0])["text"]
    shown = " ".join(publisher.ctl("status", name).stdout.split())
    assert "stopped, wave 2 of 3" in shown, shown

    # A person goes on all the same.
    assert publisher.ctl("rollout", name, "continue").returncode == 0
    opened(publisher, name, 3, "done")
    publisher.wait("the manifest", lambda: "waves" not in json.load(open(
        os.path.join(folder, name, "manifest.json"))))
    with open(os.path.join(folder, name, "manifest.json")) as f:
        bad = f.read()
    fetch(us, name)
    serve(publisher, second, ["canary-1", "us-1"])

    # Back: who has it takes the one before.
    assert publisher.ctl("rollout", name, "rollback").returncode == 0
    publisher.wait("the manifest", lambda: json.load(open(os.path.join(
        folder, name, "manifest.json"))).get("withdrawn") == second)
    eu.certs[name]["deploy"]["log"]["exec"] = ["/bin/true"]
    eu.write_conf()
    assert eu.ctl("reload").returncode == 0
    for web in webs:
        fetch(web, name)
    serve(publisher, first, NAMES)
    assert rollout(publisher, name)["state"] == "rolled back"
    assert publisher.cert_status(name)["hosts"]["behind"] == 0
    assert publisher.cert_status(name)["serial"] == first
    assert publisher.ctl("rollout", name, "stop").returncode == 5
    assert set(hosts(publisher)) == set(NAMES)

    # Who can write there, and has no key, does not bring it back: the old
    # manifest is refused, after a restart as well, ...
    with open(os.path.join(folder, name, "manifest.json"), "w") as f:
        f.write(bad)
    assert json.loads(bad)["serial"] == second
    us.stop()
    us.start()
    for web in (canary, us):
        p = fetch(web, name)
        assert p.returncode != 0
        c = web.cert_status(name)
        assert c["serial"] == first and c["error"]["code"] == "fetch:older"
        assert "which the publisher withdrew" in c["error"]["msg"], c
    # ... and one that was published after the withdrawal is taken.
    us.stop()
    with sqlite3.connect(os.path.join(us.state_dir, "state.db")) as db:
        assert db.execute("UPDATE withdrawn SET published_at = ? WHERE "
                          "serial = ?", (json.loads(bad)["published_at"] - 1,
                                         second)).rowcount == 1
    us.start()
    fetch(us, name)
    assert us.cert_status(name)["serial"] == second


def test_rolled_back(fleet):
    """What its publisher went back from opens no further wave."""
    publisher, webs, name, folder = fleet(1)
    us, = webs
    us.options["host_name"] = "us-1"
    publisher.repositories["fleet"].update({
        "waves": ["canary-*", "*"], "wave_pause": "0s"})
    publisher.start()
    first = published(publisher, name)
    us.start()
    serve(publisher, first, ["us-1"])
    opened(publisher, name, 2, "done")
    # Nobody takes it, and the first wave would last for an hour.
    publisher.repositories["fleet"]["wave_pause"] = "1h"
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    second = renew(publisher, name, first)
    opened(publisher, name, 1, "running")
    assert publisher.ctl("rollback", name).returncode == 0
    r = opened(publisher, name, 1, "stopped")
    assert "rolled back from certificate %s" % second in r["why"]
    publisher.repositories["fleet"]["wave_pause"] = "0s"
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    fetch(us, name)
    assert us.cert_status(name)["serial"] == first
    with open(os.path.join(folder, name, "manifest.json")) as f:
        assert json.load(f)["waves"] == ["canary-*"]
    # Neither by a person, nor as there are no waves any more.
    assert publisher.ctl("rollout", name, "continue").returncode == 5
    without_waves(publisher)
    assert publisher.ctl("rollout", name, "continue").returncode == 5
    time.sleep(2)
    fetch(us, name)
    assert us.cert_status(name)["serial"] == first
    with open(os.path.join(folder, name, "manifest.json")) as f:
        assert json.load(f)["waves"] == ["canary-*"]
    assert rollout(publisher, name)["state"] == "stopped"


def without_waves(publisher):
    del publisher.repositories["fleet"]["waves"]
    del publisher.repositories["fleet"]["wave_pause"]
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0


def test_no_waves_any_more(fleet):
    """Where `waves` is removed, hosts of later waves take at once what they
    have waited for; what was stopped, when a person goes on."""
    publisher, webs, name, folder = fleet(1)
    us, = webs
    us.options["host_name"] = "us-1"
    us.certs[name]["poll"] = "1h"           # only when it is asked
    waves = {"waves": ["canary-*", "*"], "wave_pause": "1h"}

    def manifest():
        with open(os.path.join(folder, name, "manifest.json")) as f:
            return json.load(f)
    publisher.start()
    first = published(publisher, name)
    us.start()
    fetch(us, name)
    serve(publisher, first, ["us-1"])
    publisher.repositories["fleet"].update(waves)
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    second = renew(publisher, name, first)
    opened(publisher, name, 1, "running")
    fetch(us, name)
    assert us.cert_status(name)["serial"] == first
    assert manifest()["waves"] == ["canary-*"]
    without_waves(publisher)
    opened(publisher, name, 0, "done")
    publisher.wait("the manifest", lambda: "waves" not in manifest())
    assert manifest()["serial"] == second
    fetch(us, name)
    serve(publisher, second, ["us-1"])

    # What is done stays done where they are back.
    publisher.repositories["fleet"].update(waves)
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    assert publisher.ctl("rollout", name, "continue").returncode == 5
    assert publisher.ctl("deploy", name).returncode == 0
    published(publisher, name)
    assert "waves" not in manifest()
    third = renew(publisher, name, second)
    opened(publisher, name, 1, "running")
    assert publisher.ctl("rollout", name, "stop").returncode == 0
    without_waves(publisher)
    time.sleep(2)
    fetch(us, name)
    assert us.cert_status(name)["serial"] == second
    assert manifest()["waves"] == ["canary-*"]
    assert publisher.ctl("rollout", name, "continue").returncode == 0
    publisher.wait("the manifest", lambda: "waves" not in manifest())
    fetch(us, name)
    serve(publisher, third, ["us-1"])


@pytest.mark.parametrize("kind", ["s3", "etcd"])
def test_stores(fleet, lab, kind):
    """The same in real stores: one that is asked, one that tells.  A host that
    fails stops the roll-out, a person goes on, and takes it back."""
    options, end = store(kind, lab)
    try:
        in_store(fleet, options)
    finally:
        end()


def in_store(fleet, options):
    publisher, webs, name, _ = fleet(3, **options)
    canary, eu, us = webs
    repository = publisher.repositories["fleet"]
    repository.update({"waves": ["canary-*", "eu-*", "*"],
                       "wave_pause": "0s"})
    for web, host in zip(webs, NAMES):
        web.options["host_name"] = host
    publisher.start()
    first = published(publisher, name)
    for web in webs:
        web.start()
    serve(publisher, first, NAMES)
    opened(publisher, name, 3, "done")

    eu.certs[name]["deploy"]["log"]["exec"] = [
        "/bin/sh", "-c", "echo no nginx here; exit 3"]
    eu.write_conf()
    assert eu.ctl("reload").returncode == 0
    serve(publisher, first, ["canary-1", "us-1"])
    repository["wave_pause"] = "1h"
    publisher.write_conf()
    assert publisher.ctl("reload").returncode == 0
    second = renew(publisher, name, first)
    for web in webs:
        fetch(web, name)
    serve(publisher, second, ["canary-1"])
    publisher.wait("the pause", lambda: rollout(publisher, name)["next_at"])
    assert rollout(publisher, name)["wave"] == 1
    assert {eu.cert_status(name)["serial"], us.cert_status(name)["serial"]} \
        == {first}
    assert publisher.ctl("rollout", name, "continue").returncode == 0
    publisher.wait("the stop", lambda: fetch(eu, name) and rollout(
        publisher, name)["state"] == "stopped", timeout=40)
    r = rollout(publisher, name)
    assert r["wave"] == 2 and "eu-1" in r["why"], r
    fetch(us, name)
    assert us.cert_status(name)["serial"] == first

    eu.certs[name]["deploy"]["log"]["exec"] = ["/bin/true"]
    eu.write_conf()
    assert eu.ctl("reload").returncode == 0
    assert publisher.ctl("rollout", name, "continue").returncode == 0
    opened(publisher, name, 3, "done")
    publisher.wait("it everywhere", lambda: [
        fetch(web, name) for web in webs] and {
            web.cert_status(name)["serial"] for web in webs} == {second},
        timeout=40)
    serve(publisher, second, NAMES)
    assert publisher.ctl("rollout", name, "rollback").returncode == 0
    publisher.wait("the one before", lambda: [
        fetch(web, name) for web in webs] and {
            web.cert_status(name)["serial"] for web in webs} == {first},
        timeout=40)
    serve(publisher, first, NAMES)
    assert rollout(publisher, name)["state"] == "rolled back"
