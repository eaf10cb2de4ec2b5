# SPDX-License-Identifier: MIT
"""Profiles (draft-ietf-acme-profiles): Pebble's, and those of odd CAs."""

import pytest

DAY = 86400
PROFILES = {"default": 90 * DAY, "shortlived": 6 * DAY}


def lifetime(c):
    return c["not_after"] - c["not_before"]


def orders(ca):
    """What each newOrder asked for."""
    with ca.lock:
        return [p.get("profile") for _, kind, p in ca.seen
                if kind == "newOrder"]


@pytest.mark.current_pebble
def test_issue_and_change(make):
    """An account's and a certificate's own; a change renews at once, the same
    again does not, nor does a restart."""
    acmed = make(profiles=PROFILES)
    acmed.accounts["lab"]["profile"] = "default"
    acmed.cert("long.example.test")
    acmed.cert("short.example.test", profile="shortlived",
               profile_required=True)
    acmed.start()
    long = acmed.wait_valid("long.example.test")
    short = acmed.wait_valid("short.example.test")
    assert 89 * DAY < lifetime(long) < 91 * DAY
    assert 5 * DAY < lifetime(short) < 7 * DAY
    acmed.certs["long.example.test"]["profile"] = "shortlived"
    acmed.write_conf()
    acmed.reload()
    acmed.wait("the other profile", lambda: lifetime(
        acmed.cert_status("long.example.test")) < 7 * DAY)
    acmed.wait_valid("long.example.test")
    acmed.stop()
    acmed.start()
    for name, was in (("short.example.test", short["serial"]),
                      ("long.example.test", None)):
        c = acmed.wait_valid(name)
        assert c["next"]["at"] > c["not_before"] + DAY
        assert was in (None, c["serial"])


def told(acmed, words):
    return [line for line in acmed.log().splitlines() if words in line]


def test_not_offered(scripted, make):
    """Without it, told once; with profile_required no order and what there
    is."""
    ca = scripted()
    ca.meta = {"profiles": {"classic": "the usual \x1b[31mone",
                            "two words": "no name", "x" * 70: "too long"}}
    acmed = make(directory=ca.directory, ca_file=ca.ca_file)
    acmed.options["log_level"] = "info"
    acmed.cert("a.example.test", profile="shortlived")
    acmed.cert("b.example.test", profile="shortlived", profile_required=True)
    acmed.start()
    acmed.wait_valid("a.example.test")
    status = " ".join(acmed.ctl("status", "a.example.test").stdout.split())
    assert "profile shortlived; the CA does not offer it" in status, status
    error = acmed.wait_error("b.example.test")
    # What there is, in the CA's words, without its escape sequence.
    shown = acmed.ctl("account", "show", "lab").stdout
    assert "classic: the usual  [31mone" in shown and "two words" not in shown
    checked = acmed.ctl("check", "--no-probe", "a.example.test",
                        "b.example.test").stdout
    checked = " ".join(checked.split())
    assert "\x1b" not in shown + checked
    for words in (': its default is ordered; it offers classic (the usual',
                  'nothing is ordered without it (profile_required)'):
        assert words in checked, checked
    assert error["code"] == "acme:invalidProfile"
    assert "\"shortlived\"" in error["msg"]
    assert error["msg"].endswith("it offers: classic"), error
    assert orders(ca) == [None]
    assert acmed.ctl("renew-now", "a.example.test").returncode == 0
    assert orders(ca) == [None, None]
    lines = told(acmed, "does not offer the profile \"shortlived\"; ordering")
    assert len([x for x in lines if "warning" in x]) == 1, lines
    # It offers the profile from now on: no renewal of its own for that.
    ca.meta["profiles"]["shortlived"] = "six days"
    acmed.stop()
    acmed.start()
    assert acmed.ctl("renew-now", "b.example.test").returncode == 0
    assert orders(ca) == [None, None, "shortlived"]


def test_directory_is_old(scripted, make):
    """The CA takes it no more, against the directory of a while ago."""
    ca = scripted()
    ca.meta = {"profiles": {"classic": "", "shortlived": ""}}

    def refuse(ca, h, payload):
        if payload.get("profile") == "shortlived":
            return ca.problem(400, "invalidProfile", "it is no more")
    ca.before["newOrder"] = refuse
    acmed = make(directory=ca.directory, ca_file=ca.ca_file)
    acmed.cert("a.example.test", profile="shortlived")
    acmed.start()
    acmed.wait_valid("a.example.test")
    assert orders(ca) == ["shortlived", None]
    acmed.certs["a.example.test"]["profile_required"] = True
    acmed.write_conf()
    acmed.reload()
    p = acmed.ctl("renew-now", "a.example.test")
    assert p.returncode != 0 and "it is no more" in p.stdout
    assert orders(ca) == ["shortlived", None, "shortlived"]
