# SPDX-License-Identifier: MIT
"""The CA is away, refuses, or speaks nonsense."""

import json
import os
import shutil
import socket
import sqlite3
import time

import pytest

from conftest import SECONDARY
from lab import ca, daemon, proc, proxy

def test_ca_down_and_back(make, lab):
    """No CA at first; the retry a minute later succeeds by itself."""
    port = next(lab.ports)
    acmed = make("https://localhost:%d/dir" % port)
    acmed.cert("down.example.test")
    jump = acmed.fake_clock()
    acmed.start()
    error = acmed.wait_error("down.example.test")
    assert error["kind"] == "transient"
    c = acmed.cert_status("down.example.test")
    assert c["state"] == "missing" and c["failures"] == 1
    assert c["next"]["action"] == "retry"
    assert 45 <= c["next"]["at"] - error["at"] <= 75
    relay = proxy.CaProxy(lab.pebble(nonce_reject=0), port)
    try:
        if jump is None:
            acmed.ctl("renew-now", "down.example.test")
        else:
            jump(90)
        acmed.wait_valid("down.example.test", 20)
    finally:
        relay.stop()


def test_ca_silent(make, lab):
    """A CA that accepts connections and says nothing fails the run, and
    the daemon answers meanwhile."""
    s = socket.create_server(("127.0.0.1", next(lab.ports)))
    acmed = make("https://localhost:%d/dir" % s.getsockname()[1])
    acmed.cert("silent.example.test")
    acmed.start()
    acmed.wait("the run to begin",
               lambda: acmed.cert_status("silent.example.test")["run"])
    assert acmed.ctl("status").returncode == 0
    acmed.stop()
    s.close()


def test_ca_with_unknown_certificate(acmed, lab):
    """TLS is always verified."""
    acmed.accounts["lab"]["ca_file"] = None
    acmed.cert("tls.example.test")
    acmed.start()
    error = acmed.wait_error("tls.example.test")
    assert "certificate" in error["msg"].lower()
    assert not os.path.exists(acmed.live("tls.example.test"))


def test_ca_file_is_mended(acmed, tmp_path):
    """The next try uses it: nobody waits until curl forgets the old one."""
    name = "mended.example.test"
    right = acmed.accounts["lab"]["ca_file"]
    mended = str(tmp_path / "mended.pem")
    shutil.copy(ca.Tls(str(tmp_path / "other")).ca, mended)
    tmp_path.chmod(0o755)
    acmed.accounts["lab"]["ca_file"] = mended
    acmed.cert(name)
    acmed.start()
    assert "certificate" in acmed.wait_error(name)["msg"].lower()
    shutil.copy(right, mended + ".new")
    os.rename(mended + ".new", mended)
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    acmed.wait_valid(name)


def test_validation_refused(make, txt):
    """Pebble sees another DNS: its words reach the user, zone is empty."""
    acmed = make(dns=SECONDARY, nonce_reject=0)
    name = "refused.example.test"
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    error = acmed.wait_error(name)
    assert error["code"].startswith("acme:"), error
    assert name in error["msg"], error
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1 and "acme" in p.stdout + error["code"]
    acmed.wait_clean()
    assert txt("example.test", name) == {}
    assert not os.path.exists(acmed.live(name))


def test_rejected_identifier(make, lab):
    """The CA's policy refuses a name: tried again daily, not each minute."""
    acmed = make(blocked=["blocked.example.test"])
    acmed.cert("blocked.example.test")
    acmed.cert("fine.example.test")
    acmed.start()
    error = acmed.wait_error("blocked.example.test")
    assert error["kind"] == "rejected"
    assert error["code"] == "acme:rejectedIdentifier"
    assert "blocked.example.test" in error["msg"]
    c = acmed.cert_status("blocked.example.test")
    assert c["next"]["at"] - error["at"] > 12 * 3600
    acmed.wait_valid("fine.example.test")


def problem(status, kind, detail, **headers):
    body = json.dumps({"type": "urn:ietf:params:acme:error:" + kind,
                       "detail": detail, "status": status}).encode()
    return (status, [("Content-Type", "application/problem+json")]
            + [(k.replace("_", "-"), v) for k, v in headers.items()], body)


def test_rate_limit(acmed, ca_proxy):
    """Retry-After is kept."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    ca_proxy.before = lambda r: problem(
        429, "rateLimited", "too many certificates", Retry_After="7200") \
        if r.kind == "newOrder" else None
    acmed.cert("limit.example.test")
    acmed.start()
    error = acmed.wait_error("limit.example.test")
    assert error["kind"] == "rate-limited"
    assert error["code"] == "acme:rateLimited"
    assert "too many certificates" in error["msg"]
    at = acmed.cert_status("limit.example.test")["next"]["at"]
    assert 7190 <= at - error["at"] <= 7200 * 1.25


@pytest.mark.parametrize("kind", ["directory", "newOrder", "order",
                                  "finalize", "cert"])
@pytest.mark.parametrize("answer", [
    (200, [("Content-Type", "application/json")], b"{"),
    (200, [], b""),
    (200, [("Content-Type", "application/json")], b"[" * 100000),
    (500, [("Content-Type", "text/html")], b"<html>\x1b[2Jout of order"),
    "drop"], ids=["cut", "empty", "deep", "html", "closed"])
def test_nonsense(acmed, ca_proxy, txt, kind, answer):
    """Whatever a CA says: the daemon lives, and tries again."""
    name = "nonsense.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    hits = []

    def hook(request):
        if request.kind == kind:
            hits.append(1)
            return answer
        return None
    ca_proxy.before = hook
    acmed.cert(name)
    acmed.start()
    acmed.wait_error(name, 60)
    assert hits and "\x1b" not in acmed.log()
    ca_proxy.reset()
    assert acmed.ctl("renew-now", name).returncode == 0
    acmed.wait_clean()
    assert txt("example.test", name) == {}


def test_invalid_order_is_replaced(acmed, ca_proxy):
    """An order that the CA no longer knows is given up for a new one."""
    name = "lost.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    ca_proxy.before = lambda r: "drop" if r.kind == "finalize" else None
    acmed.cert(name)
    acmed.start()
    acmed.wait_error(name, 60)
    acmed.stop()
    ca_proxy.reset()
    ca_proxy.before = lambda r: problem(404, "malformed", "no such order") \
        if r.kind == "order" and ca_proxy.count("newOrder") == 0 else None
    acmed.start()
    acmed.ctl("renew-now", name)
    acmed.wait("a certificate", lambda: acmed.serial(name) or (
        acmed.cert_status(name)["run"] is None
        and acmed.ctl("renew-now", name).returncode == 0), 60)
    assert ca_proxy.count("newOrder") == 1


def test_ca_that_lost_its_accounts(lab, make):
    """Pebble forgets everything at a restart: acmed registers again."""
    pebble = lab.pebble(always_valid=True)
    acmed = make(always_valid=True)
    acmed.cert("forgot.example.test")
    acmed.start()
    acmed.wait_valid("forgot.example.test")
    serial = acmed.serial("forgot.example.test")
    pebble.stop()
    begin = time.monotonic()
    assert acmed.ctl("renew-now", "forgot.example.test").returncode == 1
    assert time.monotonic() - begin < 60
    pebble.start()
    acmed.wait("a renewal", lambda: acmed.ctl(
        "renew-now", "forgot.example.test").returncode == 0, 60)
    assert acmed.serial("forgot.example.test") != serial


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nMIGH"],
                         ids=["empty", "cut"])
def test_pending_key_damaged(acmed, ca_proxy, text):
    """A key for which nothing was issued yet is made anew."""
    name = "pending.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    ca_proxy.before = lambda r: problem(
        503, "serverInternal", "closed", Retry_After="600") \
        if r.kind == "finalize" else None
    acmed.cert(name)
    acmed.start()
    acmed.wait_error(name)
    acmed.stop()
    with open(os.path.join(acmed.state_dir, "pending", name + ".key"),
              "w") as f:
        f.write(text)
    ca_proxy.before = lambda r: None
    acmed.start()
    # The account is held for the ten minutes that the CA has named.
    p = acmed.ctl("renew-now", "--force", name)
    assert p.returncode == 0 and "making a new key" in p.stdout, p.stdout
    assert ca_proxy.count("newOrder") == 1


def test_clock_was_wrong(acmed, ca_proxy):
    """What was planned for 2036 by a clock that went wrong is done now."""
    name = "clock.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    ca_proxy.before = lambda r: problem(400, "malformed", "no") \
        if r.kind == "newOrder" else None
    acmed.cert(name)
    acmed.start()
    acmed.wait_error(name)
    acmed.stop()
    ca_proxy.reset()
    with sqlite3.connect(os.path.join(acmed.state_dir, "state.db")) as db:
        db.execute("UPDATE cert SET retry_at = retry_at + 315360000")
    db.close()
    acmed.start()
    acmed.wait_valid(name)


@pytest.mark.parametrize("lost", ["removed", "damaged"])
def test_account_key(acmed, ca_proxy, lost):
    """A lost account key makes a new account; a damaged one is left alone
    and the message says what can be done."""
    name = "key-%s.example.test" % lost
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    acmed.stop()
    folder = os.path.join(acmed.state_dir, "accounts")
    path = os.path.join(folder, os.listdir(folder)[0])
    os.unlink(path)
    if lost == "damaged":
        open(path, "w").close()
    acmed.start()
    p = acmed.ctl("renew-now", name)
    if lost == "damaged":
        assert p.returncode == 1 and path.split("/")[-1] in p.stdout
        assert "remove it and a new account" in p.stdout
        assert os.path.getsize(path) == 0
        os.unlink(path)
        p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    assert ca_proxy.count("account") == 2


def test_step_is_told(acmed, ca_proxy):
    """The last event of a run names the step that failed, and so does the
    message, once."""
    name = "step.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name)
    for kind, step in ("account", "account: "), ("newOrder", "order: new"):
        ca_proxy.before = lambda r: problem(
            400, "malformed", "no") if r.kind == kind else None
        if acmed.proc is None:
            acmed.start()
            acmed.wait_error(name)
        p = acmed.ctl("renew-now", name)
        assert p.returncode == 1
        last = [x for x in p.stdout.splitlines() if "next try" in x][-1]
        assert last.split()[1] == step.split(":")[0], last
        msg = acmed.cert_status(name)["error"]["msg"]
        assert msg.startswith(step), msg
        assert "account: account:" not in msg
