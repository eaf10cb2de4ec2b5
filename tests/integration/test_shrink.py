# SPDX-License-Identifier: MIT
"""on_name_failure = shrink: a name that the CA cannot validate."""

import os
import sqlite3

import pytest

from conftest import HTTP_NGINX
from lab import ca, web

GOOD, BAD = "shrink.example.test", "dead.h.example.test"


def names_of(acmed, name):
    text = acmed.x509(name, "-ext", "subjectAltName")
    return {w.strip()[4:] for w in text.split("\n")[1].split(",")}


def omitted(acmed):
    """The names that the next order is to be without."""
    db = sqlite3.connect("file:%s/state.db?mode=ro" % acmed.state_dir,
                         uri=True)
    try:
        return db.execute("SELECT name FROM missing WHERE omitted_at > 0") \
            .fetchall()
    finally:
        db.close()


def test_shrinks_and_comes_back(make, lab):
    """Nobody serves the one name: after the second failure there is a
    certificate without it, whatever is killed in between; targets are given
    what is in it; and it comes back."""
    n = web.Plain(os.path.join(lab.folder, "www%d" % next(lab.serial)),
                  HTTP_NGINX, ca.HTTP_PORT)
    acmed = make()
    told = os.path.join(acmed.folder, "names")
    # BAD is the first name, and would be the common name.
    cert = acmed.cert("web", [BAD, GOOD], on_name_failure="shrink", deploy={
        "a": {"exec": ["/bin/sh", "-c", "echo $ACMED_NAMES >>" + told]}})
    cert["name"] = {BAD: {"challenge": "http-01", "webroot": n.root}}
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    acmed.start()
    acmed.wait_error("web", 30)
    jump(80)
    acmed.wait("the second failure, on disk", lambda: omitted(acmed), 30)
    assert acmed.cert_status("web")["failures"] == 2
    assert acmed.cert_status("web")["serial"] is None
    acmed.kill()
    acmed.start()
    jump(160)
    acmed.wait("the certificate", lambda:
               acmed.cert_status("web")["condition"] == "names missing", 30)
    assert names_of(acmed, "web") == {GOOD}
    c = acmed.cert_status("web")
    assert not c["ok"] and c["error"] is None and c["failures"] == 0
    assert [m["name"] for m in c["missing_names"]] == [BAD]
    assert BAD in c["missing_names"][0]["error"]["msg"] or \
        c["missing_names"][0]["error"]["code"].startswith("acme:")
    assert c["next"]["reason"] == "missing-names"
    assert 3000 < c["next"]["at"] - c["missing_names"][0]["since"] < 4000
    p = acmed.ctl("status", "web")
    assert "lacks       " + BAD in p.stdout, \
        p.stdout
    assert "acmed_certificates_names_missing 1" in acmed.get("/metrics")[1]
    acmed.wait("the target", lambda: os.path.exists(told))
    assert open(told).read().split() == [GOOD]
    # A reload and a restart find nothing that has changed.
    serial = acmed.serial("web")
    acmed.reload()
    acmed.stop()
    acmed.start()
    assert acmed.serial("web") == serial
    assert acmed.cert_status("web")["condition"] == "names missing"
    n.start()
    try:
        assert acmed.ctl("renew-now", "web").returncode == 0
    finally:
        n.stop()
    acmed.wait("all names", lambda:
               acmed.cert_status("web")["condition"] == "valid", 30)
    assert names_of(acmed, "web") == {GOOD, BAD}
    assert acmed.cert_status("web")["missing_names"] == []
    assert open(told).read().split() == [GOOD, BAD + "," + GOOD]
