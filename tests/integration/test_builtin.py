# SPDX-License-Identifier: MIT
"""acmed as the name server of its own challenges."""

import contextlib
import json
import os
import signal
import socket
import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from conftest import BUILTIN, TWIN

DELEGATED = "_acme-challenge.bi.example.test"


def builtin(**extra):
    opts = {"type": "builtin", "listen": [BUILTIN + ":53"],
            "zones": [DELEGATED], "ns_name": "ns-bi.example.test"}
    opts.update(extra)
    return opts


def ask(name, kind, how=dns.query.udp, at=BUILTIN):
    return how(dns.message.make_query(name, kind, use_edns=0), at,
               timeout=5)


def test_delegated_by_ns(acmed):
    """Two values at the delegated name itself."""
    acmed.providers["dns"] = builtin()
    acmed.cert("bi", ["bi.example.test", "*.bi.example.test"])
    acmed.start()
    acmed.wait_valid("bi", 60)
    acmed.wait_clean(10)
    for how in dns.query.udp, dns.query.tcp:
        reply = ask(DELEGATED, "TXT", how)
        assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
        assert reply.flags & dns.flags.AA
        assert ask(DELEGATED, "SOA", how).answer
        assert ask("example.test", "SOA",
                   how).rcode() == dns.rcode.REFUSED


def test_cname_into_a_zone(acmed):
    """A CNAME into a delegated zone, whose server is named within it."""
    acmed.providers["dns"] = builtin(
        zones=["self.example.test"], ns_name="ns.self.example.test",
        ns_addresses=[BUILTIN])
    acmed.cert("bic.example.test")
    acmed.start()
    acmed.wait_valid("bic.example.test", 60)
    acmed.wait_clean(10)
    assert ask("bic.self.example.test",
               "TXT").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("kind", ["challenge", "finalize"])
def test_killed(acmed, ca_proxy, kind):
    """The values die with acmed; the resumed run adds them again."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.providers["dns"] = builtin()
    acmed.cert("bi", ["bi.example.test"])
    killed = []

    def before(request):
        if request.kind == kind and not killed:
            killed.append(request.number)
            acmed.proc.kill(signal.SIGKILL)
            return "drop"
        return None
    ca_proxy.before = before
    acmed.write_conf()
    acmed.launch()
    try:
        acmed.proc.wait(30)
    finally:
        acmed.end()
    assert killed
    acmed.start()
    acmed.wait_valid("bi", 60)
    acmed.wait_clean(40)
    assert ca_proxy.count("newOrder") == 1


def test_port_is_taken(acmed):
    """Said at start and no reason to die; mended by a reload."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind((BUILTIN, 53))
    acmed.providers["dns"] = builtin()
    acmed.start()
    assert "cannot listen on %s:53 (UDP)" % BUILTIN in acmed.log()
    taken.close()
    acmed.cert("bi", ["bi.example.test"])
    acmed.write_conf()
    acmed.reload()
    acmed.wait_valid("bi", 60)


def checked(acmed, kind):
    """What acmectl check says of it: (result, msg, fix)."""
    lines = [json.loads(line) for line in
             acmed.ctl("--json", "check", "--no-probe",
                       "bi").stdout.splitlines()]
    found = [(c["result"], c["msg"], c.get("fix") or "") for c in lines
             if c.get("check") == kind]
    assert found, lines
    return found


@contextlib.contextmanager
def no_datagrams():
    """None comes to our socket, as behind a packet filter."""
    def rule(*args):
        subprocess.run(["ip", "rule", *args], check=True)
    udp = ["pref", "1", "to", BUILTIN, "ipproto", "udp", "dport", "53",
           "blackhole"]
    rule("add", "pref", "2", "lookup", "local")
    rule("del", "pref", "0")
    rule("add", *udp)
    yield
    rule("add", "pref", "0", "lookup", "local")
    rule("del", *udp)
    rule("del", "pref", "2")


def test_check_asks_our_sockets(acmed):
    """acmectl check: all is well; nothing gets through; no delegation."""
    acmed.providers["dns"] = builtin()
    acmed.cert("bi", ["bi.example.test"])
    acmed.start()
    acmed.wait_valid("bi", 60)
    assert checked(acmed, "responder") == [
        ("ok", "acmed itself answers for %s at %s, over UDP and TCP"
         % (DELEGATED, BUILTIN), "")]
    acmed.providers["dns"] = builtin(zones=["_acme-challenge.example.test"])
    acmed.certs["bi"]["names"] = ["example.test"]
    acmed.write_conf()
    acmed.reload()
    (ours, _, _), (led, msg, fix) = checked(acmed, "responder")
    assert (ours, led) == ("ok", "fail")
    assert "_acme-challenge.example.test is in zone example.test" in msg
    assert "_acme-challenge.example.test. NS " in fix
    acmed.certs["bi"]["names"] = ["bi.example.test"]
    acmed.write_conf()
    acmed.reload()
    (result, msg, _), = checked(acmed, "responder")
    assert result == "fail" and "in none of the zones" in msg
    acmed.providers["dns"] = builtin()
    acmed.write_conf()
    acmed.reload()
    with no_datagrams():
        result, msg, fix = checked(acmed, "responder")[0]
    assert result == "fail", msg
    assert msg.startswith("asked for %s where it listens, acmed itself: "
                          "%s " % (DELEGATED, BUILTIN)), msg
    assert msg.endswith("over UDP") and "packet filter" in fix, (msg, fix)


def test_check_without_udp(acmed):
    acmed.providers["dns"] = builtin()
    acmed.cert("bi", ["bi.example.test"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((BUILTIN, 53))
        acmed.start()
        result, msg, fix = checked(acmed, "responder")[0]
    assert result == "fail", msg
    assert "cannot listen on %s:53 (UDP)" % BUILTIN in msg
    assert "systemctl reload acmed" in fix
    # It has tried once more itself.
    assert checked(acmed, "responder")[0][0] == "ok"


SHARED = "_acme-challenge.peers.example.test"
SECRET = "cGVlcnMgb2YgdGhlIGxhYm9yYXRvcnksIGEgc2VjcmV0Lg=="


@pytest.fixture
def twins(make):
    """Two acmed with one zone, each the other's peer; only the first has a
    certificate."""
    both = make(), make()
    for i, a in enumerate(both):
        path = os.path.join(a.folder, "peers.key")
        with open(path, "w") as f:
            f.write('key "acmed-peers" {\n\talgorithm hmac-sha256;\n'
                    '\tsecret "%s";\n};\n' % SECRET)
        os.chmod(path, 0o600)
        names = ["ns-bi.example.test", "ns-bi2.example.test"]
        a.providers["dns"] = builtin(
            listen=[(BUILTIN, TWIN)[i] + ":53"], zones=[SHARED],
            ns_name=names[i], peers=[names[1 - i]], peer_key_file=path)
    both[0].cert("peers", ["peers.example.test", "*.peers.example.test"])
    both[1].accounts = {}
    return both


def values(at):
    return sorted(rr.to_text() for rrset in ask(
        SHARED, "TXT", at=at).answer for rr in rrset)


def test_peers(twins, ca_proxy):
    """Whoever is asked has the values of both, and both name both."""
    first, second = twins
    first.accounts["lab"]["directory"] = ca_proxy.directory
    seen = []

    def before(request):
        if request.kind == "challenge":
            seen.append((values(BUILTIN), values(TWIN)))
    ca_proxy.before = before
    second.start()
    first.start()
    first.wait_valid("peers", 60)
    first.wait_clean(10)
    assert seen and seen[0][0] == seen[0][1] and len(seen[0][0]) == 2, seen
    assert values(BUILTIN) == values(TWIN) == []
    for at in BUILTIN, TWIN:
        ns = ask(SHARED, "NS", at=at).answer[0]
        assert sorted(rr.to_text() for rr in ns) == [
            "ns-bi.example.test.", "ns-bi2.example.test."]


def test_peer_is_away(twins):
    """The other one proves the name alone."""
    first, second = twins
    first.start()
    first.wait_valid("peers", 90)
    assert "peer ns-bi2.example.test does not have the values" in first.log()
    # What may be there is removed when it is back.
    assert "_acme-challenge" in first.ctl("status").stdout
    second.start()
    first.reload()
    first.wait_clean(30)


def test_peer_with_another_key(twins):
    first, second = twins
    path = second.providers["dns"]["peer_key_file"]
    with open(path, "w") as f:
        f.write('key "acmed-peers" { algorithm hmac-sha256; secret "%s"; };\n'
                % SECRET.replace("c", "d"))
    second.start()
    first.start()
    first.wait("the error", lambda: "peer ns-bi2.example.test: " in
               first.log() and "BADSIG" in first.log(), timeout=30)
    assert values(TWIN) == []


def test_updates_of_others(twins):
    """Only what peers need, only with the key, and only now."""
    _, second = twins
    second.start()
    key = {"keyring": dns.tsigkeyring.from_text({"acmed-peers": SECRET}),
           "keyalgorithm": "hmac-sha256"}

    def update(what, at=SHARED, **how):
        u = dns.update.Update(at, **how)
        what(u)
        return dns.query.tcp(u, TWIN, timeout=5).rcode()

    def add(u):
        u.add(SHARED + ".", 60, "TXT", "x")
    assert update(add) == dns.rcode.REFUSED
    assert update(add, at="example.test", **key) == dns.rcode.NOTAUTH
    assert values(TWIN) == []
    assert update(add, **key) == dns.rcode.NOERROR
    assert values(TWIN) == ['"x"']
    for bad in (lambda u: u.add(SHARED + ".", 60, "A", "192.0.2.1"),
                lambda u: u.delete(SHARED + ".", "TXT"),
                lambda u: u.delete(SHARED + "."),
                lambda u: (u.present(SHARED + "."), add(u)),
                lambda u: None,
                lambda u: (u.add("a." + SHARED + ".", 60, "TXT", "y"),
                           u.add(SHARED + ".", 60, "TXT", '"y" "z"'))):
        assert update(bad, **key) == dns.rcode.REFUSED
    assert values(TWIN) == ['"x"']
    # One of an hour ago, as somebody may have kept it.
    now, dns.message.time.time = dns.message.time.time, \
        lambda: now() - 3600
    try:
        with pytest.raises(dns.tsig.PeerBadTime):
            update(lambda u: u.add(SHARED + ".", 60, "TXT", "old"), **key)
    finally:
        dns.message.time.time = now
    assert update(lambda u: u.delete(SHARED + ".", "TXT", "x"),
                  **key) == dns.rcode.NOERROR
    assert values(TWIN) == []
