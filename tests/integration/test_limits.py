# SPDX-License-Identifier: MIT
"""The limits of a CA are kept to before it refuses (limits)."""

import json
import os
import sqlite3
import time

import pytest

NAMES = ["one.example.test", "two.example.test", "three.example.test"]


def set_up(a, limits, names=NAMES):
    a.accounts["lab"]["limits"] = limits
    for name in names:
        a.cert(name)


def held(a):
    """The certificates that wait: NAME -> the object of the API."""
    return {c["name"]: c["held"] for c in map(a.cert_status, NAMES)
            if c["held"]}


def test_third_waits(acmed, ca_proxy):
    """Three at once, and two are allowed: shown, kept by a crash, forced."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    set_up(acmed, ["orders 2 per 10m"])
    acmed.start()
    acmed.wait("two of them", lambda: sum(
        acmed.cert_status(n)["state"] == "valid" for n in NAMES) == 2, 60)
    (name, why), = held(acmed).items()
    words = "waits for the CA's limit of 2 orders per account in 10m until "
    assert why["msg"].startswith(words) and why["since"] is None
    assert 200 < why["until"] - time.time() < 310
    assert acmed.cert_status(name)["next"]["at"] == why["until"]
    assert words in " ".join(acmed.ctl("status", name).stdout.split())
    assert words in " ".join(acmed.ctl("plan").stdout.split())
    plan = json.loads(acmed.ctl("plan", "--json").stdout)
    assert [c["held"]["until"] for c in plan if c["name"] == name] == \
        [why["until"]]
    acmed.kill()
    acmed.start()
    assert held(acmed) == {name: dict(why, msg=held(acmed)[name]["msg"])}
    got = acmed.ctl("renew-now", name)
    assert got.returncode != 0
    assert words in " ".join(got.stdout.split())
    assert ca_proxy.count("newOrder") == 2
    assert acmed.ctl("renew-now", "--force", name).returncode == 0
    acmed.wait_valid(name)
    assert ca_proxy.count("newOrder") == 3


@pytest.mark.current_pebble
def test_ari_passes(make, lab):
    """A renewal that names what it replaces does not wait."""
    pebble = lab.pebble(nonce_reject=0)
    a = make(nonce_reject=0)
    set_up(a, ["orders 1 per 1d", "duplicates 1 per 7d"], NAMES[:1])
    a.start()
    a.wait_valid(NAMES[0])
    a.stop()
    db = sqlite3.connect(os.path.join(a.state_dir, "state.db"))
    with db:
        rows = db.execute("SELECT kind, full_at_ms FROM budget").fetchall()
        db.execute("UPDATE cert SET ari_poll_at = 0")
    db.close()
    assert sorted(kind for kind, _ in rows) == ["duplicates", "orders"]
    assert all(at > time.time() * 1000 for _, at in rows)
    a.start()
    a.wait("the CA's suggestion",
           lambda: a.cert_status(NAMES[0])["ari"], 30)
    before = pebble.proc.log().count("is a replacement of")
    serial = a.serial(NAMES[0])
    assert a.ctl("renew-now", NAMES[0]).returncode == 0
    assert a.serial(NAMES[0]) != serial
    assert pebble.proc.log().count("is a replacement of") == before + 1
