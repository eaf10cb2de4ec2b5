# SPDX-License-Identifier: MIT
"""A clock that is set a year forth or back, at once or over a restart, and a
machine that was suspended: told as such, nothing is renewed in panic, nothing
that is in use goes."""

import json
import os
import re

import pytest

from lab import clock

NAME = "clock.example.test"
DAY = 86400
YEAR = 365 * DAY


@pytest.fixture
def machine(scripted, make):
    """(ca, acmed, its clock), with one certificate."""
    why = clock.Clock.missing()
    if why:
        pytest.skip(why)
    ca = scripted()
    a = make(ca.directory, ca_file=ca.ca_file)
    a.providers = {}
    webroot = os.path.join(a.folder, "www")
    os.mkdir(webroot)
    del a.cert(NAME, challenge="http-01", webroot=webroot)["provider"]
    c = clock.Clock(a)
    a.start()
    a.wait_valid(NAME)
    return ca, a, c


def versions(acmed):
    return sorted(os.listdir(os.path.join(acmed.state_dir, "archive", NAME)))


def set_to(acmed, clock, seconds, restarts):
    if restarts:
        acmed.stop()
        clock.set(seconds)
        acmed.start()
    else:
        clock.set(seconds)


@pytest.mark.parametrize("restarts", [False, True],
                         ids=["running", "restarted"])
def test_a_year_ahead(machine, restarts):
    """The certificate seems to have expired long ago: the CA's clock says
    that it is ours, and nothing is ordered.  Put right, all is well."""
    ca, a, clock = machine
    before = versions(a)
    set_to(a, clock, YEAR, restarts)
    error = a.wait_error(NAME)
    assert error["code"] == "engine:clock", error
    assert "this machine's clock is 365d ahead of the CA's" in error["msg"]
    shown = " ".join(clock.ctl("status", NAME).stdout.split())
    assert "365d ahead of the CA's" in shown, shown
    assert "timedatectl" in shown, shown
    assert versions(a) == before
    set_to(a, clock, 0, restarts)
    a.wait_valid(NAME)
    assert a.cert_status(NAME)["clock"] is None
    assert ca.count()["newOrder"] == 1
    assert versions(a) == before


@pytest.mark.parametrize("restarts", [False, True],
                         ids=["running", "restarted"])
def test_a_year_behind(machine, restarts):
    """The certificate is not valid yet: that is told, with the reason."""
    ca, a, clock = machine
    before = versions(a)
    set_to(a, clock, -YEAR, restarts)
    told = a.wait("the clock to be told", lambda: (
        lambda text: "clock" in text and text)(" ".join(clock.ctl(
            "status", NAME).stdout.split())))
    assert re.search("this machine's clock .*(behind|before)", told), told
    set_to(a, clock, 0, restarts)
    a.wait_valid(NAME)
    shown = " ".join(clock.ctl("status", NAME).stdout.split())
    assert "clock" not in shown.replace(NAME, ""), shown
    assert ca.count()["newOrder"] == 1
    assert versions(a) == before


def test_behind_a_new_certificate(machine):
    """Two hours slow: what the CA issues now is not valid yet here.  It is
    kept, told, not ordered again, and installed in time."""
    ca, a, clock = machine
    ca.backdate = 0
    clock.set(-2 * 3600)
    before = a.serial(NAME)
    p = a.ctl("renew-now", NAME)
    assert p.returncode == 1, p.stdout
    error = a.wait_error(NAME)
    assert error["code"] == "cert:not-yet", error
    assert "this machine's clock is 2h 0m behind the CA's" in error["msg"]
    assert ca.count()["newOrder"] == 2
    clock.set(0)
    a.wait("its time", lambda: a.serial(NAME) != before)
    assert ca.count()["newOrder"] == 2


def test_hold_of_another_year(machine):
    """What a CA asked for while the clock was ahead is over when it is put
    right."""
    ca, a, clock = machine
    clock.set(30 * DAY)
    ca.before["newOrder"] = lambda ca, h, p: (
        429, [("Retry-After", "3600")], {
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "slow"})
    a.ctl("renew-now", "--force", NAME)
    assert a.wait_error(NAME)["code"] == "acme:rateLimited"
    del ca.before["newOrder"]
    clock.set(0)
    before = a.serial(NAME)
    assert a.ctl("renew-now", NAME).returncode == 0
    assert a.serial(NAME) != before


def test_revocation_outlives_a_wrong_clock(machine):
    """A certificate that seems to have expired is revoked all the same."""
    ca, a, clock = machine
    revoked = []

    def revoke(ca, h, payload):
        if h.path.endswith("/revoke"):
            revoked.append(payload)
            return 200, [], b""
    ca.before["other"] = lambda ca, h, p: ca.problem(
        503, "serverInternal", "closed")
    p = a.ctl("revoke", "--yes", "--reason", "keyCompromise", NAME)
    a.wait("the replacement", lambda: len(versions(a)) == 2)
    a.wait("a refusal", lambda: ca.count().get("other", 0) > 0)
    a.stop()
    clock.set(YEAR)
    ca.before["other"] = revoke
    a.start()
    a.wait("the revocation", lambda: revoked, 40)
    assert "need not be revoked" not in a.log(), p.stdout


def test_suspended(machine):
    """For 62 days: what fell due meanwhile is renewed at once, once, though
    all connections and nonces are old.  For a week: nothing happens."""
    ca, a, clock = machine
    clock.suspend(7 * DAY)
    ca.clock_off = clock.wall
    a.wait("another look",
           lambda: "the machine was suspended for 7d" in a.log())
    assert a.cert_status(NAME)["clock"] is None
    assert ca.count()["newOrder"] == 1
    stale = []

    def old_nonce(ca, h, payload):
        if not stale:
            stale.append(1)
            return ca.problem(400, "badNonce", "old")
    ca.before["newOrder"] = old_nonce
    ca.clock_off = clock.wall + 62 * DAY
    before = a.serial(NAME)
    clock.suspend(62 * DAY)
    a.wait("a renewal", lambda: a.serial(NAME) != before)
    a.wait("its end", lambda: a.cert_status(NAME)["run"] is None)
    assert ca.count()["newOrder"] == 3 and stale


def test_suspended_in_the_middle(machine):
    """While the CA works on an order: the same order goes on."""
    ca, a, clock = machine
    ca.polls_order = 2
    ca.retry_after = 1
    begun = []

    def finalize(ca, h, payload):
        if not begun:
            begun.append(1)
            clock.suspend(7 * DAY)
            ca.clock_off = clock.wall
    ca.before["finalize"] = finalize
    before = a.serial(NAME)
    p = a.ctl("renew-now", NAME)
    assert p.returncode == 0 and a.serial(NAME) != before, p.stdout
    assert ca.count()["newOrder"] == 2
    assert json.loads(a.ctl("status", "--json", NAME).stdout)


def test_watches(machine):
    """What is looked at hourly is looked at as soon as an hour has passed."""
    _, a, clock = machine
    a.watches["bought"] = {"files": [a.live(NAME)]}
    a.write_conf()
    a.reload()

    def looked():
        watches = a.status()["watches"]     # none before the reload
        return watches and watches[0]["looked_at"]
    first = a.wait("the first look", looked, timeout=35)
    clock.suspend(2 * 3600)
    a.wait("another", lambda: looked() >= first + 3600)
