# SPDX-License-Identifier: MIT
"""acmectl status with filters, renew-now of many, plan, history, show,
cleanup."""

import json
import os
import re
import sqlite3
import time

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
    assert p.returncode == 0 and "no certificate matches" in p.stdout


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


def test_plan_says_why(acmed):
    """Why, what holds it, when targets are deployed to, and what is paused."""
    a, b, p, w = ["%s.example.test" % c for c in "abpw"]
    acmed.cert(a)
    acmed.cert(b)
    acmed.cert(p)
    hour = (time.localtime().tm_hour + 6) % 24
    acmed.cert(w, deploy={"web": {
        "exec": ["/bin/true"],
        "deploy_window": "%02d:00-%02d:00" % (hour, (hour + 1) % 24)}})
    acmed.accounts["lab"]["ari"] = False
    acmed.start()
    for name in a, b, p, w:
        acmed.wait_valid(name)
    assert acmed.ctl("pause", p).returncode == 0
    text = acmed.ctl("plan", "--days", "100").stdout
    assert re.search(r"%s: renew in \d+d, it expires \d{4}-" % a, text), text
    assert "paused, until acmectl resume: " + p in text
    assert re.search(r"deploy web: \S+ %02d:" % hour, text), text
    assert "Let's Encrypt" not in text
    # Let's Encrypt's default becomes shorter; its certificates are named.
    acmed.stop()
    db = sqlite3.connect(os.path.join(acmed.state_dir, "state.db"))
    db.execute("UPDATE cert SET ari_directory = 'https://acme-v02.api."
               "letsencrypt.org/directory' WHERE name IN (?, ?)", (a, b))
    db.execute("UPDATE cert SET profile = 'tlsserver' WHERE name = ?", (b,))
    db.commit()
    db.close()
    acmed.accounts["le"] = {"agree_tos": True, "ari": False}
    acmed.cert(a, account="le")
    acmed.cert(b, account="le", profile="tlsserver")
    acmed.start()
    text = acmed.ctl("plan").stdout
    assert "1 certificate (%s), renewed every 60 days now:" % a in text
    assert "from 10 February 2027 for 64 days, renewed every 42 days" in text
    assert "from 16 February 2028 for 45 days, renewed every 30 days" in text
    rows = {r["name"]: r for r in json.loads(acmed.ctl(
        "plan", "--days", "100", "--json").stdout)}
    assert [(s["days"], s["renewed_every"]) for s in rows[a]["shorter"]] == [
        (64, 42), (45, 30)]
    assert "shorter" not in rows[b] and "shorter" not in rows[w]
    assert rows[a]["next"]["reason"] == "lifetime"


def day(days):
    return time.strftime("%Y-%m-%d", time.localtime(time.time() +
                                                    days * 86400))


def test_plan_shows_freezes(acmed):
    """One that is holds other names, not who asks; one to come is prepared;
    a certificate that lives less long is told."""
    now, later, short = ["%s.example.test" % c for c in
                         ("now", "later", "short")]
    frozen = "%s - %s" % (day(-1), day(20))
    acmed.options["freeze"] = [frozen]
    acmed.accounts["lab"]["ari"] = False
    acmed.cert(now, deploy={"web": {"exec": ["/bin/true"]}})
    acmed.cert(later, freeze=["%s - %s" % (day(50), day(65))])
    acmed.cert(short, freeze=["%s - %s" % (day(20), day(220))])
    acmed.start()
    for name in now, later, short:
        acmed.wait_valid(name)      # the first one does not wait
    before = acmed.cert_status(now)
    assert before["freeze"]["days"] == frozen
    assert not before["freeze"]["ends_first"]
    acmed.certs[now]["names"] = [now, "www." + now]
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    status = acmed.cert_status(now)
    assert status["next"]["reason"] == "names", status
    assert status["next"]["at"] == status["freeze"]["until"]
    text = acmed.ctl("plan", "--days", "100").stdout
    assert "its names have changed\n    held: freeze " + frozen in text
    assert "%s: nothing is renewed or deployed" % frozen in text
    assert re.search("%s: renew in 4[0-9]d.*, before the freeze %s" % (
        later, day(50)), text), text
    assert "freeze %s - %s is longer than it lives" % (day(20),
                                                       day(220)) in text
    text = acmed.ctl("status", short).stdout
    assert re.search("freeze +.*longer than it lives", text), text
    p = acmed.ctl("renew-now", now)
    assert p.returncode == 0, p.stdout
    after = acmed.cert_status(now)
    assert after["serial"] != before["serial"]
    assert after["deploy"][0]["state"] == "done"
    assert after["deploy"][0]["serial"] == after["serial"]


def test_cleanup_says_what_is_left(three):
    """A value whose provider is gone stays in the journal, and is shown."""
    three.wait_clean()
    assert "nothing is left" in three.ctl("cleanup").stdout
    p = json.loads(three.ctl("cleanup", "--json").stdout)
    assert p == {"cleanup": [], "http_files": []}
