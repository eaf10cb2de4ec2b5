# SPDX-License-Identifier: MIT
"""acmectl on a terminal: colours, status --watch, the block of several
renewals.  A terminal is what tests/lab/screen.py makes of the bytes."""

import json

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
