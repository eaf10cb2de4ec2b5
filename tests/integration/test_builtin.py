# SPDX-License-Identifier: MIT
"""acmed as the name server of its own challenges."""

import contextlib
import json
import signal
import socket
import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import BUILTIN

DELEGATED = "_acme-challenge.bi.example.test"


def builtin(**extra):
    opts = {"type": "builtin", "listen": [BUILTIN + ":53"],
            "zones": [DELEGATED], "ns_name": "ns-bi.example.test"}
    opts.update(extra)
    return opts


def ask(name, kind, how=dns.query.udp):
    return how(dns.message.make_query(name, kind, use_edns=0), BUILTIN,
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
