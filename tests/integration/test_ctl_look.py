# SPDX-License-Identifier: MIT
"""acmectl status with filters, renew-now of many, plan, history, show,
cleanup."""

import json

import pytest

from lab import daemon


@pytest.fixture
def three(acmed):
    """Two that are well, and one that fails."""
    for name in "a.example.test", "b.example.test":
        acmed.cert(name)
    acmed.cert("c.other.test", provider="bad")
    acmed.providers["bad"] = daemon.rfc2136(key_name="nobody")
    acmed.start()
    for name in "a.example.test", "b.example.test":
        acmed.wait_valid(name)
    acmed.wait_error("c.other.test")
    return acmed


def names(acmed, *args):
    p = acmed.ctl("status", "--json", *args)
    assert p.returncode == 0, p.stdout
    return [c["name"] for c in json.loads(p.stdout)["certificates"]]


def test_status_filters(three):
    a, b, c = "a.example.test", "b.example.test", "c.other.test"
    assert names(three) == [a, b, c]
    assert names(three, "--failing") == [c]
    assert names(three, "*.example.test") == [a, b]
    assert names(three, "--failing", "*.example.test") == []
    assert names(three, "--expires-within", "20d") == [c]
    assert names(three, "--expires-within", "365d") == [a, b, c]
    text = three.ctl("status", "*.other.test").stdout
    assert c in text and a not in text
    assert three.ctl("status", "--expires-within", "soon").returncode == 2
    assert three.ctl("status", "--check", "--failing").returncode == 1
    assert three.ctl("status", "--check", "*.example.test").returncode == 0


def test_renew_many(three):
    serials = {n: three.serial(n) for n in ("a.example.test",
                                            "b.example.test")}
    for args in ([], ["--all", "a.example.test"], ["--due-within", "x"]):
        assert three.ctl("renew-now", *args).returncode == 2, args
    p = three.ctl("renew-now", "--due-within", "1h")
    assert p.returncode == 1 and "c.other.test" in p.stdout
    assert {n: three.serial(n) for n in serials} == serials
    p = three.ctl("renew-now", "--failed")
    assert p.returncode == 1 and "c.other.test" in p.stdout
    assert {n: three.serial(n) for n in serials} == serials
    p = three.ctl("renew-now", "--all", timeout=120)
    assert p.returncode == 1 and "2 renewed, 1 failed" in p.stdout
    for name, serial in serials.items():
        assert three.serial(name) != serial
    three.certs.pop("c.other.test")
    three.write_conf()
    assert three.ctl("reload").returncode == 0
    p = three.ctl("renew-now", "--failed")
    assert p.returncode == 0 and "none of these" in p.stdout


def test_renew_more_than_a_request_has_room_for(acmed):
    """--all means all: in several requests."""
    acmed.accounts["lab"]["directory"] = "https://127.0.0.1:1/dir"
    for i in range(2100):
        acmed.cert("n%d.example.test" % i)
    acmed.start()
    p = acmed.ctl("renew-now", "--all", "--force", "--no-wait", "--json",
                  timeout=60)
    assert p.returncode == 0, p.stdout
    started = [json.loads(line)["started"] for line in p.stdout.splitlines()]
    assert [len(s) for s in started] == [2000, 100]
    assert len({name for s in started for name in s}) == 2100


def test_what_was_and_will_be(three):
    p = three.ctl("plan", "--days", "100", "--json")
    assert p.returncode == 0
    plan = json.loads(p.stdout)
    assert [r["name"] for r in plan][0] == "c.other.test"
    assert sorted(r["name"] for r in plan[1:]) == ["a.example.test",
                                                   "b.example.test"]
    assert [r["next"]["at"] for r in plan] == sorted(
        r["next"]["at"] for r in plan)
    text = three.ctl("plan").stdout
    assert "c.other.test: retry" in text and "a.example.test" not in text
    assert three.ctl("plan", "--days", "-1").returncode == 2
    p = three.ctl("history", "a.example.test")
    assert p.returncode == 0 and "installed certificate" in p.stdout
    steps = json.loads(three.ctl("history", "a.example.test",
                                 "--json").stdout)
    assert steps[0]["step"] == "order"
    with open(three.live("a.example.test")) as f:
        assert three.ctl("show", "--pem", "a.example.test").stdout == f.read()
    assert "a.example.test" in three.ctl("show", "a.example.test").stdout
    for command in "history", "show":
        assert three.ctl(command, "none.example.test").returncode == 5


def test_cleanup_says_what_is_left(three):
    """A value whose provider is gone stays in the journal, and is shown."""
    three.wait_clean()
    assert "nothing is left" in three.ctl("cleanup").stdout
    p = json.loads(three.ctl("cleanup", "--json").stdout)
    assert p == {"cleanup": [], "http_files": []}
