# SPDX-License-Identifier: MIT
"""What one sees of the DNS from where: views, IPv6, TCP, lame servers."""

import json
import os
import subprocess

import dns.flags
import dns.message
import dns.query
import pytest

from conftest import BIND, INSIDE, KNOT, RESOLVER, SIX
from lab import daemon, names, proc


def said(acmed, name):
    return " | ".join(s["msg"] for s in acmed.get(
        "/v1/certificates/" + name)[1]["steps"])


@pytest.fixture
def inside(lab):
    """The resolver of those inside, where BIND has split.test."""
    r = names.Resolver(os.path.join(lab.folder, "inside"), INSIDE,
                       {"split.test": {"ns1": BIND}}, {})
    yield r
    r.stop()


def test_split_horizon(acmed, inside, txt):
    """Seen from inside the zone has another server, where no update shows;
    the certificate's own resolvers are those that the CA would ask."""
    acmed.options["resolvers"] = [INSIDE]
    acmed.providers["dns"] = daemon.rfc2136(KNOT)
    acmed.cert("in.split.test", propagation_timeout="2s")
    acmed.cert("out.split.test", ["out.split.test", "*.out.split.test"],
               resolvers=[RESOLVER])
    acmed.start()
    acmed.wait_valid("out.split.test")
    error = acmed.wait_error("in.split.test", 30)
    assert "ns1.split.test (%s)" % BIND in error["msg"], error
    acmed.wait_clean(30)
    assert txt("split.test") == {} == txt("split.test", server=BIND)


def test_name_servers_without_ipv4(acmed, lab, txt):
    """Updates and questions by IPv6 alone."""
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    six = names.Knot(os.path.join(lab.folder, "six"), SIX, {
        "six.test": names.zone_text("six.test", {"ns1": SIX})})
    try:
        acmed.providers["dns"] = daemon.rfc2136("[%s]" % SIX)
        acmed.cert("six.test", ["six.test", "*.six.test"])
        acmed.start()
        acmed.wait_valid("six.test", 30)
        acmed.wait_clean()
        assert txt("six.test") == {}
    finally:
        six.stop()


@pytest.mark.current_pebble
def test_truncated(acmed, txt):
    """Forty values of somebody else at the name: UDP cannot hold them."""
    name = "_acme-challenge.fat.example.test"
    reply = dns.query.udp(dns.message.make_query(
        name, "TXT", use_edns=0, payload=1232), BIND, timeout=5)
    assert reply.flags & dns.flags.TC
    before = txt("example.test")[name]
    assert len(before) == 40
    acmed.cert("fat.example.test", ["fat.example.test", "*.fat.example.test"])
    acmed.cert("fat-r", ["fat.example.test"], propagation="both")
    acmed.start()
    acmed.wait_valid("fat.example.test")
    acmed.wait_valid("fat-r")
    acmed.wait_clean()
    assert txt("example.test")[name] == before


def test_lame_server(acmed, txt):
    """One of two knows nothing of the zone: it is named, and passed over."""
    name = "www.lame.test"
    acmed.cert(name, propagation_timeout="4s")
    acmed.start()

    def waiting():
        run = (acmed.cert_status(name) or {}).get("run")
        return run and "ns2.lame.test" in (run["msg"] or "")
    acmed.wait("the lame server to be named", waiting, 5)
    acmed.wait_valid(name, 30)
    assert "ns2.lame.test (%s)" % KNOT in said(acmed, name)
    assert "REFUSED" in said(acmed, name)
    # It takes half a minute more to give up asking it whether it is gone.
    acmed.wait("the value to be removed", lambda: txt("lame.test") == {}, 10)


def test_nobody_knows_the_zone(acmed, txt):
    """No server at all: the run fails, and says whom it asked."""
    acmed.cert("www.nowhere.test", propagation_timeout="2s")
    acmed.start()
    error = acmed.wait_error("www.nowhere.test", 30)
    assert "nowhere.test" in error["msg"], error


RFC2136 = {"BIND": ("example.test", BIND), "Knot": ("knot.test", KNOT)}


@pytest.mark.parametrize("server", RFC2136)
def test_rfc2136_life(server, txt, tmp_path):
    """Add, again, a second, remove, again, beside somebody else's value."""
    zone, address = RFC2136[server]
    name = "_acme-challenge.life." + zone
    a, b, foreign = "A" * 43, "B" * 43, "somebody else's"

    def run(what, *values, **options):
        conf = tmp_path / "acmed.conf"
        conf.write_text(
            'state_dir = "/nonexistent"\nresolvers = { "%s" }\n' % RESOLVER
            + daemon.section("provider", "dns1", daemon.rfc2136(
                address, **options)))
        conf.chmod(0o600)
        p = subprocess.run(
            [daemon.program("PROVIDER_TOOL", "tests/provider-tool"),
             str(conf), "dns1", what, name, *values], capture_output=True,
            text=True, timeout=60, env=dict(os.environ,
                                            ACMED_TEST_FAST="1"))
        assert names.KEY_SECRET not in p.stdout + p.stderr
        return json.loads(p.stdout)

    def expect(*values):
        assert txt(zone, name) == ({name: sorted(values)} if values else {})

    for others in ((), (foreign,)):
        if others:
            proc.run(["nsupdate", "-y", "hmac-sha256:%s:%s" % (
                names.KEY_NAME, names.KEY_SECRET)], stdin=None,
                input="server %s\nupdate add %s. 300 TXT \"%s\"\nsend\n"
                % (address, name, foreign))
        for what, values, left in (
                ("add", [a], [a]), ("add", [a], [a]), ("add", [b], [a, b]),
                ("remove", [a], [b]), ("remove", [a], [b]),
                ("remove", [b], []), ("remove", [b], []),
                ("add", [a, b], [a, b]), ("remove", [b, a], [])):
            got = run(what, *values)
            assert got["ok"], got
            expect(*left, *others)
    proc.run(["nsupdate", "-y", "hmac-sha256:%s:%s" % (
        names.KEY_NAME, names.KEY_SECRET)], stdin=None,
        input="server %s\nupdate delete %s. TXT\nsend\n" % (address, name))
    for wrong in ({"key_secret": "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3I="},
                  {"key_name": "nobody"}):
        got = run("add", a, **wrong)
        assert not got["ok"] and got["kind"] == "config", got
    expect()
