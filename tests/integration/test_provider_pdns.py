# SPDX-License-Identifier: MIT
"""pdns against PowerDNS itself: of before 4.9.12, which replaces whole sets,
and newer, which changes single values (see lab/pdns.sh)."""

import json
import os
import subprocess
import threading

import pytest

from conftest import PDNS
from lab import daemon, pdns
from test_issue import check_files, names_of

ZONE, SUB, OTHER = "pdns.test", "sub.pdns.test", "notpdns.test"
NAME = "_acme-challenge.www." + ZONE
A, B = "A" * 43, "B" * 43
QA, QB = '"%s"' % A, '"%s"' % B
FOREIGN = ['"\\"quoted\\" and \\\\"', '"two" "strings"']


@pytest.fixture(params=["old", "new"])
def server(lab, request):
    """One of them, started at its first test and stopped for the other."""
    found = pdns.servers()
    if request.param not in found:
        have = ", ".join("%d.%d.%d" % v[2] for v in found.values())
        pytest.skip("no PowerDNS %s 4.9.12 (only: %s): its way of changing "
                    "records is tested with the fake alone" % (
                        "before" if request.param == "old" else "from",
                        have or "none at all"))
    program, schema, version = found[request.param]
    s = pdns.PowerDns(os.path.join(lab.folder, "pdns-" + request.param),
                      PDNS, program, schema, [ZONE, SUB, OTHER])
    s.version = version
    print("PowerDNS %d.%d.%d" % version)
    yield s
    s.stop()


@pytest.fixture
def tool(server, tmp_path):
    """tool(what, values..., name=, **options): the answer of one call."""
    def run(what, *values, name=NAME, **options):
        conf = tmp_path / "acmed.conf"
        conf.write_text('state_dir = "/nonexistent"\n' + daemon.section(
            "provider", "dns1", dict(server.options(), **options)))
        conf.chmod(0o600)
        p = subprocess.run(
            [daemon.program("PROVIDER_TOOL", "tests/provider-tool"),
             str(conf), "dns1", what, name, *values], capture_output=True,
            text=True, timeout=60, env=dict(os.environ,
                                            ACMED_TEST_FAST="1"))
        print("$ %s %s\n%s%s" % (what, values, p.stdout, p.stderr))
        assert pdns.KEY not in p.stdout + p.stderr
        return json.loads(p.stdout)
    return run


def test_life(server, tool):
    """Add, again, a second, remove, again; everybody else's stay."""
    def ok(*args, **more):
        got = tool(*args, **more)
        assert got["ok"], got

    server.put(ZONE, "x" + NAME, [QA])
    server.put(ZONE, "x." + NAME, [QA])
    server.put(OTHER, "_acme-challenge.www." + OTHER, [QA])
    bystanders = server.sets(ZONE)

    def expect(*contents):
        want = dict(bystanders)
        if contents:
            want[NAME] = sorted(contents)
        assert server.sets(ZONE) == want
    for foreign in ([], FOREIGN):
        server.put(ZONE, NAME, foreign, ttl=300)
        expect(*foreign)
        ok("add", A)
        expect(QA, *foreign)
        ok("add", A)
        expect(QA, *foreign)
        ok("add", B)
        expect(QA, QB, *foreign)
        ok("remove", A)
        expect(QB, *foreign)
        ok("remove", A)
        expect(QB, *foreign)
        ok("remove", B)
        expect(*foreign)
        ok("remove", B)
        ok("add", A, B)
        expect(QA, QB, *foreign)
        ok("remove", B, A)
        expect(*foreign)
    server.put(ZONE, NAME, [])

    # At the apex; two labels below it; in the longer of two zones.
    for zone, name in ((ZONE, "_acme-challenge." + ZONE),
                       (ZONE, "_acme-challenge.a.b." + ZONE),
                       (SUB, "_acme-challenge.www." + SUB)):
        ok("add", A, B, name=name)
        assert server.sets(zone)[name] == [QA, QB]
        ok("remove", A, B, name=name)
        assert name not in server.sets(zone)
    assert server.sets(ZONE) == bystanders
    assert server.sets(OTHER) == {"_acme-challenge.www." + OTHER: [QA]}


def test_refusals(server, tool):
    got = tool("add", A, api_key="wrong")
    assert not got["ok"] and got["kind"] == "config", got
    for name in "_acme-challenge.nowhere.invalid", "_acme-challenge.xpdns.test":
        got = tool("add", A, name=name)
        assert not got["ok"] and got["kind"] in ("config", "rejected"), got
        assert "zone" in got["msg"].lower(), got
    got = tool("add", A, base_url="http://%s:8082" % PDNS)
    assert not got["ok"] and got["kind"] == "transient", got
    assert server.sets(ZONE) == {}


def test_busy_zone(server, tool):
    """Somebody else writes all the time: ours come and go all the same, and
    none of theirs is lost.  Theirs are at the same name where single values
    can be added, else at another: who replaces sets can lose some."""
    is_new = server.version >= pdns.NEW
    name = NAME if is_new else "_acme-challenge.other." + ZONE
    over, theirs, problems = threading.Event(), [], []

    def write():
        while not over.wait(0.02) and not problems:
            content = '"theirs %d"' % len(theirs)
            try:
                server.put(ZONE, name, [content] if is_new else
                           theirs + [content], change="EXTEND" if is_new
                           else None)
            except Exception as e:
                # Its SQLite is locked now and then; acmed tries again, too.
                if " 500 " not in str(e):
                    problems.append(e)
                continue
            theirs.append(content)
    t = threading.Thread(target=write, daemon=True)
    t.start()
    try:
        for _ in range(5):
            assert tool("add", A, B)["ok"]
            assert {QA, QB} <= set(server.sets(ZONE)[NAME])
            assert tool("remove", A, B)["ok"]
            assert not {QA, QB} & set(server.sets(ZONE).get(NAME, []))
    finally:
        over.set()
        t.join()
    assert not problems, problems
    assert server.sets(ZONE) == {name: sorted(theirs)}


def test_renewal(acmed, lab, server):
    """Two values at one name, where a third is somebody else's, and one in
    a zone below."""
    # A name of its own each: resolvers remember for a second what is not.
    name, www = "_acme-challenge." + ZONE, next(lab.serial)
    www = "www%d.%s" % (www, SUB)
    server.put(ZONE, name, FOREIGN)
    before = server.sets(ZONE)
    acmed.providers["pdns"] = server.options()
    acmed.cert(ZONE, [ZONE, "*." + ZONE, www], provider="pdns")
    acmed.start()
    acmed.wait_valid(ZONE, 60)
    acmed.wait_clean(30)
    check_files(acmed, ZONE, lab.pebble().root())
    assert names_of(acmed, ZONE) == ["*." + ZONE, ZONE, www]
    assert server.sets(ZONE) == before
    assert server.sets(SUB) == {}
    assert pdns.KEY not in acmed.log()
