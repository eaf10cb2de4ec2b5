# SPDX-License-Identifier: MIT
"""acmectl remove, edit, pause, resume, delete."""

import json
import os

import pytest

from lab import daemon

MARK = "# Written by acmectl add on 2026-11-29: a certificate.\n"


@pytest.fixture
def split(acmed):
    """One certificate in conf.d, as acmectl wrote it, another by hand."""
    acmed.cert("hand.example.test")
    conf_d = os.path.join(acmed.folder, "conf.d")
    os.makedirs(conf_d, exist_ok=True)
    acmed.mine = os.path.join(conf_d, "own.example.test.conf")
    with open(acmed.mine, "w") as f:
        f.write(MARK + daemon.section("certificate", "own.example.test", {
            "account": "lab", "provider": "dns", "profile": "default"}))
    os.chmod(acmed.mine, 0o640)
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    acmed.wait_valid("own.example.test")
    acmed.wait_valid("hand.example.test")
    return acmed


def test_remove_and_delete(split):
    """Out of the configuration, then gone; what is by hand stays."""
    p = split.ctl("delete", "own.example.test", "--yes")
    assert p.returncode == 5
    assert "own.example.test.conf:2" in p.stdout, p.stdout
    p = split.ctl("remove", "hand.example.test")
    assert p.returncode == 5
    with open(split.conf) as f:
        lines = f.read().split("\n")
    at = lines.index('certificate "hand.example.test" {')
    end = lines.index("}", at)
    assert "lines %d to %d of %s" % (at + 1, end + 1, split.conf) in p.stdout
    p = split.ctl("remove", "own.example.test")
    assert p.returncode == 0, p.stdout
    assert "acmectl delete own.example.test" in p.stdout
    assert not os.path.exists(split.mine)
    assert split.cert_status("own.example.test") is None
    assert os.path.exists(split.live("own.example.test"))
    # Never without a yes.
    assert split.ctl("delete", "own.example.test").returncode == 2
    p = split.ctl("delete", "own.example.test", "--yes")
    assert p.returncode == 0, p.stdout
    for folder in "live", "archive":
        assert os.listdir(os.path.join(split.state_dir, folder)) == [
            "hand.example.test"]
    for name in "own.example.test", "none.example.test", "../live":
        assert split.ctl("delete", name, "--yes").returncode == 5, name
    # Nothing is left of it after a restart either.
    split.stop()
    split.start(write=False)
    assert [c["name"] for c in split.status()["certificates"]] == [
        "hand.example.test"]
    assert split.ctl("delete", "own.example.test", "--yes").returncode == 5


def test_remove_what_was_imported(split):
    """Import's files are acmectl's as well."""
    with open(split.mine, "w") as f:
        f.write("# Imported from certbot: own.example.test.\n"
                + daemon.section("certificate", "own.example.test", {
                    "account": "lab", "provider": "dns"}))
    p = split.ctl("remove", "own.example.test")
    assert p.returncode == 0 and not os.path.exists(split.mine), p.stdout


def test_remove_takes_no_more_than_its_section(split):
    """A file that has become more than one certificate is not removed."""
    with open(split.mine, "a") as f:
        f.write(daemon.section("provider", "more", daemon.rfc2136()))
    p = split.ctl("remove", "own.example.test")
    assert p.returncode == 5 and "lines 2 to 6" in p.stdout, p.stdout
    assert os.path.exists(split.mine)


def test_rename(split):
    """The same certificate under another name; nothing is issued, and its
    servers still find what they read."""
    serial = split.serial("own.example.test")
    p = split.ctl("rename", "hand.example.test", "new")
    assert p.returncode == 5 and "by hand" in p.stdout
    assert split.ctl("rename", "own.example.test", "../x").returncode == 2
    p = split.ctl("rename", "own.example.test", "hand.example.test")
    assert p.returncode == 5, p.stdout
    assert os.path.exists(split.mine)
    p = split.ctl("rename", "own.example.test", "new")
    assert p.returncode == 0, p.stdout
    assert "acmectl delete own.example.test" in p.stdout
    c = split.wait_valid("new")
    assert c["names"] == ["own.example.test"]
    assert c["next"]["action"] == "renew"
    assert split.serial("new") == serial == split.serial("own.example.test")
    assert split.cert_status("own.example.test") is None
    assert os.listdir(os.path.dirname(split.mine)) == ["new.conf"]
    assert split.ctl("renew-now", "new").returncode == 0
    assert split.ctl("delete", "own.example.test", "--yes").returncode == 0
    assert split.serial("new") != serial


def editor(acmed, script):
    """An editor that runs sed on the file."""
    path = os.path.join(acmed.folder, "editor")
    with open(path, "w") as f:
        f.write("#!/bin/sh\nsed -i '%s' \"$1\"\n" % script)
    os.chmod(path, 0o755)
    return dict(os.environ, EDITOR=path, VISUAL="")


def test_edit(split):
    """What has mistakes does not come into force, nor onto the disk."""
    with open(split.mine) as f:
        before = f.read()
    p = split.ctl("edit", "own.example.test",
                  env=editor(split, "s/provider/provder/"))
    assert p.returncode == 5
    assert "own.example.test.conf:4" in p.stdout, p.stdout
    assert 'did you mean "provider"' in p.stdout
    with open(split.mine) as f:
        assert f.read() == before
    assert split.status()["config"]["error"] is None
    p = split.ctl("edit", "own.example.test", env=editor(split, "s/x/x/"))
    assert p.returncode == 0 and "nothing has changed" in p.stdout
    p = split.ctl("edit", "own.example.test", env=editor(
        split, "/account/i names = { own.example.test, b.example.test }"))
    assert p.returncode == 0, p.stdout
    assert os.stat(split.mine).st_mode & 0o777 == 0o640
    assert os.listdir(os.path.dirname(split.mine)) == [
        "own.example.test.conf"]
    split.wait("the second name", lambda: "b.example.test" in split.x509(
        "own.example.test", "-ext", "subjectAltName"))


def test_edit_a_long_file(split):
    """Longer than a request used to be."""
    with open(split.mine, "a") as f:
        f.write("# %s\n" % ("long " * 14) * 3000)
    assert os.path.getsize(split.mine) > 200000
    p = split.ctl("edit", "own.example.test", env=editor(
        split, "/account/i names = { own.example.test, b.example.test }"))
    assert p.returncode == 0 and "in force" in p.stdout, p.stdout
    assert len(split.cert_status("own.example.test")["names"]) == 2


def test_pause(acmed):
    """Nothing is begun, until resume; also after a restart.  A person may
    still renew."""
    acmed.cert("p.example.test")
    acmed.start()
    acmed.wait_valid("p.example.test")
    p = acmed.ctl("pause", "p.example.test")
    assert p.returncode == 0 and "acmectl resume" in p.stdout
    assert acmed.cert_status("p.example.test")["paused"] == {"until": None}
    acmed.stop()
    # Names that were not there before make it due.
    acmed.cert("p.example.test", ["p.example.test", "q.example.test"])
    acmed.start()
    c = acmed.cert_status("p.example.test")
    assert c["next"] == {"action": "paused", "at": None, "reason": None}
    assert c["run"] is None and c["condition"] == "valid"
    assert "paused" in acmed.ctl("status").stdout
    assert "paused until acmectl resume" in acmed.ctl(
        "status", "p.example.test").stdout
    serial = acmed.serial("p.example.test")
    assert acmed.ctl("pause", "p.example.test", "--until",
                     "2000-01-01").returncode == 2
    assert acmed.ctl("pause", "p.example.test", "--until",
                     "30d").returncode == 0
    c = acmed.cert_status("p.example.test")
    assert c["paused"]["until"] == c["next"]["at"] > 0
    assert acmed.serial("p.example.test") == serial
    assert acmed.ctl("renew-now", "p.example.test").returncode == 0
    assert acmed.serial("p.example.test") != serial
    assert acmed.cert_status("p.example.test")["paused"] is not None
    assert acmed.ctl("resume", "p.example.test").returncode == 0
    c = json.loads(acmed.ctl("resume", "p.example.test", "--json").stdout)
    assert c["paused"] is None and c["next"]["action"] == "renew"
    assert acmed.ctl("pause", "none.example.test").returncode == 5
    steps = acmed.get("/v1/certificates/p.example.test")[1]["steps"]
    assert "renewals are resumed" in [s["msg"] for s in steps
                                      if s["step"] == "command"]


def test_pause_ends(lab, make):
    """When its time has come, what was due begins."""
    acmed = make(lab.pebble(validity_s=6 * 86400).directory)
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("libfaketime is not installed, or cannot be used here")
    acmed.cert("e.example.test")
    acmed.start()
    acmed.wait_valid("e.example.test")
    serial = acmed.serial("e.example.test")
    assert acmed.ctl("pause", "e.example.test", "--until",
                     "5d").returncode == 0
    jump(4 * 86400)
    acmed.wait("the clock", lambda: acmed.cert_status(
        "e.example.test")["next"]["action"] == "paused")
    assert acmed.serial("e.example.test") == serial
    jump(5 * 86400 + 60)
    acmed.wait("the renewal", lambda: acmed.serial("e.example.test")
               != serial, 40)
