# SPDX-License-Identifier: MIT
"""acmectl on a terminal: colours, status --watch, the block of several
renewals.  A terminal is what tests/lab/screen.py makes of the bytes."""

import json
import re

from lab import daemon, screen


def acmectl(acmed, *args, **kw):
    return screen.Screen([daemon.program("ACMECTL", "acmectl"), "--socket",
                          acmed.socket, *args], **kw)


def test_colour(acmed):
    """Only on a terminal, or if asked for; each word says it as well."""
    acmed.cert("a.example.test")
    acmed.start()
    acmed.wait_valid("a.example.test")
    for args, env, colour in (([], {}, True),
                              ([], {"NO_COLOR": "1"}, False),
                              ([], {"TERM": "dumb"}, False),
                              (["--color=never"], {}, False),
                              (["--color=always"], {"NO_COLOR": "1"}, True)):
        with acmectl(acmed, "status", *args, env=env) as s:
            assert s.wait() == 0
            assert ("\x1b[32mvalid" in s.raw) == colour, (args, env)
            assert "1 certificate: 1 valid; next renewal" in s.text()
    assert "\x1b" not in acmed.ctl("status").stdout
    assert "\x1b[32mvalid" in acmed.ctl("status", "--color=always").stdout
    assert acmed.ctl("status", "--color=red").returncode == 2


def test_watch(acmed):
    """It follows events, what a person decides, a restart and the size of the
    terminal, in place; Ctrl-C leaves its last state and nothing else."""
    a, b = "a.example.test", "b.example.test"
    acmed.cert(a)
    acmed.start()
    acmed.wait_valid(a)
    assert acmed.ctl("status", "--watch").returncode == 2
    with acmectl(acmed, "status", "--watch") as s:
        s.wait_for("1 certificate: 1 valid")
        acmed.cert(b)
        acmed.write_conf()
        assert acmed.ctl("reload").returncode == 0
        s.wait_for("2 certificates: 2 valid", 60)
        assert s.text().count("certificate") == 1   # in place
        s.resize(44, 12)
        s.wait_for(r"expires in \d+d", 10)
        assert s.text().count("2 certificates:") == 1
        acmed.stop()
        s.wait_for("not running; waiting", 10)
        acmed.start()
        s.wait_for(r"2 certificates: 2 valid(?s:(?!waiting).)*\Z", 30)
        s.interrupt()
        assert s.wait() == 0
        assert s.text().count("2 certificates:") == 1
        assert s.column == 0 and not s.strange, s.strange


def test_json_is_plain(acmed):
    """--json has no colours, whatever is said, and no block."""
    acmed.cert("a.example.test")
    acmed.start()
    acmed.wait_valid("a.example.test")
    with acmectl(acmed, "status", "--json", "--color=always") as s:
        assert s.wait() == 0
        assert json.loads(s.raw)["certificates"][0]["condition"] == "valid"


def test_block(acmed):
    """Several renewals: a line each, in place, and then what failed; more of
    them than lines are counted.  A pipe has a line for each event."""
    names = ["r%d.example.test" % i for i in range(5)]
    for name in names:
        acmed.cert(name)
    acmed.cert("bad.other.test", provider="bad")
    acmed.providers["bad"] = daemon.rfc2136(key_name="nobody")
    acmed.start()
    for name in names:
        acmed.wait_valid(name)
    acmed.wait_error("bad.other.test")
    with acmectl(acmed, "renew-now", "--all") as s:
        assert s.wait(60) == 1
        text = s.text()
        for name in names:
            assert len(re.findall(r"^✓ %s +\d+s +\w+ " % name, text,
                                  re.M)) == 1, text
        assert len(re.findall(r"^✗ bad.other.test +\d+s ", text, re.M)) == 1
        assert "5 of 6 done, 1 failed, " in text
        # In whole words, with what is next.
        assert re.search(r"^bad.other.test\n  \S.*\n(  .*\n)*  next: retry",
                         text, re.M)
        assert text.rstrip().endswith("5 renewed, 1 failed: bad.other.test")
        assert not s.strange
    with acmectl(acmed, "renew-now", *names, columns=40, rows=5) as s:
        assert s.wait(60) == 0
        text = s.text()
        assert len(re.findall("^✓ r", text, re.M)) == 2
        assert "and 3 more: 3 done\n5 of 5 done, " in text
        assert max(map(len, text.split("\n"))) <= 40
    out = acmed.ctl("renew-now", *names).stdout
    assert "\x1b" not in out and len(re.findall("order", out)) >= 5


def test_hostile_words(acmed, ca_proxy):
    """What a CA says is no command to a terminal, in no view."""
    name, other = "a.example.test", "b.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory

    def refuse(request):
        if request.kind == "newOrder":
            return 403, [("Content-Type", "application/problem+json")], \
                json.dumps({
                    "type": "urn:ietf:params:acme:error:rejectedIdentifier",
                    "detail": "\x1b[2J\x1b]0;owned\x07\r\n\u202etxt"}).encode()
        return None
    ca_proxy.before = refuse
    acmed.cert(name)
    acmed.cert(other)
    acmed.start()
    acmed.wait_error(name)
    acmed.wait_error(other)
    for args in (["status"], ["status", name], ["history", name],
                 ["renew-now", "--force", name],
                 ["renew-now", "--force", name, other]):
        with acmectl(acmed, *args) as s:
            s.wait(60)
            assert "owned" in s.text(), args
            assert not s.strange and "\u202e" not in s.raw, args
    with acmectl(acmed, "status", "--watch") as s:
        s.wait_for("2 missing")
        s.wait_for("owned")
        s.interrupt()
        assert s.wait() == 0 and not s.strange
