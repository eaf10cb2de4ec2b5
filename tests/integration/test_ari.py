# SPDX-License-Identifier: MIT
"""The CA says when to renew (RFC 9773); Pebble has it since 2.5."""

import json
import os
import sqlite3
import time
import urllib.request

import pytest


NAME = "ari.example.test"
pytestmark = pytest.mark.current_pebble


@pytest.fixture
def pebble(lab):
    return lab.pebble(nonce_reject=0)


@pytest.fixture
def acmed(make, pebble):
    a = make(nonce_reject=0)
    a.cert(NAME)
    a.start()
    a.wait_valid(NAME)
    a.wait_clean()
    return a


def set_window(pebble, acmed, start_s, end_s, **more):
    """What Pebble answers for the installed certificate, from now on."""
    def at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(time.time() + seconds))
    with open(acmed.live(NAME, "cert.pem")) as f:
        pem = f.read()
    info = dict(more, suggestedWindow={"start": at(start_s),
                                       "end": at(end_s)})
    body = json.dumps({"Certificate": pem, "ARIResponse": json.dumps(info)})
    request = urllib.request.Request(
        "https://localhost:%d/set-renewal-info/" % pebble.manage_port,
        body.encode(), method="POST")
    urllib.request.urlopen(request, timeout=5,
                           context=pebble.tls.context()).close()


def change(acmed, sql, *values):
    """While acmed is down, change its state; None: look."""
    db = sqlite3.connect(os.path.join(acmed.state_dir, "state.db"))
    with db:
        rows = db.execute(sql, values).fetchall()
    db.close()
    return rows


def ask_soon(acmed):
    acmed.stop()
    # In the hour after it came no suggestion brings the next one.
    change(acmed, "UPDATE cert SET ari_poll_at = 0,"
           " installed_at = installed_at - 7200")
    acmed.start()


def replacements(pebble):
    return pebble.proc.log().count("is a replacement of")


def test_window_is_taken(acmed, pebble):
    ask_soon(acmed)
    c = acmed.wait("the CA's suggestion", lambda: (
        lambda c: c["ari"] and c)(acmed.cert_status(NAME)), 30)
    assert c["next"]["reason"] == "ari"
    assert c["ari"]["start"] <= c["next"]["at"] <= c["ari"]["end"]
    assert c["next"]["at"] == c["ari"]["drawn"]
    assert c["ari"]["next_at"] - time.time() > 5 * 3600
    shown = acmed.ctl("status", NAME).stdout
    assert "CA suggests" in shown
    # It is not asked again and not drawn again after a restart.
    asked = pebble.count("/draft-ietf-acme-ari-03/renewalInfo/")
    acmed.stop()
    acmed.start()
    assert acmed.cert_status(NAME)["ari"] == c["ari"]
    time.sleep(1.5)
    assert pebble.count("/draft-ietf-acme-ari-03/renewalInfo/") == asked


def test_pulled_forward(acmed, pebble):
    """A window in the past: renewed at once, and Pebble knows what for."""
    serial, before = acmed.serial(NAME), replacements(pebble)
    set_window(pebble, acmed, -7200, -3600,
               explanationURL="https://ca.example/why\x1b[31m")
    ask_soon(acmed)
    acmed.wait("a renewal", lambda: acmed.serial(NAME) != serial, 30)
    acmed.wait_valid(NAME)
    assert replacements(pebble) == before + 1
    shown = acmed.ctl("status", NAME).stdout
    assert "earlier renewal" in shown
    assert "https://ca.example/why" in shown and "\x1b[31m" not in shown


def test_nonsense(acmed, pebble):
    """What is no window changes nothing."""
    serial = acmed.serial(NAME)
    at = acmed.cert_status(NAME)["next"]["at"]
    set_window(pebble, acmed, -3600, -7200)
    ask_soon(acmed)
    acmed.wait("the refusal", lambda: "when to renew is not known" in
               acmed.log(), 30)
    c = acmed.cert_status(NAME)
    assert c["ari"] is None and c["error"] is None
    assert c["next"] == {"action": "renew", "at": at,
                         "reason": "lifetime"}
    assert acmed.serial(NAME) == serial


def test_replaced_already(acmed, pebble):
    """An order that claims to replace what was replaced is made again."""
    acmed.stop()
    first = change(acmed, "SELECT ari_id FROM cert")[0][0]
    acmed.start()
    before = replacements(pebble)
    assert acmed.ctl("renew-now", NAME).returncode == 0
    assert replacements(pebble) == before + 1
    acmed.stop()
    change(acmed, "UPDATE cert SET ari_id = ?", first)
    acmed.start()
    serial, orders = acmed.serial(NAME), pebble.count("/order-plz")
    assert acmed.ctl("renew-now", NAME).returncode == 0
    assert acmed.serial(NAME) != serial
    assert replacements(pebble) == before + 1
    assert pebble.count("/order-plz") == orders + 2
    assert "alreadyReplaced" in acmed.log()


def test_switched_off(acmed, pebble):
    acmed.accounts["lab"]["ari"] = False
    before = replacements(pebble)
    asked = pebble.count("/draft-ietf-acme-ari-03/renewalInfo/")
    ask_soon(acmed)
    assert acmed.ctl("renew-now", NAME).returncode == 0
    assert replacements(pebble) == before
    assert pebble.count("/draft-ietf-acme-ari-03/renewalInfo/") == asked
