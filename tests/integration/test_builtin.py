# SPDX-License-Identifier: MIT
"""acmed as the name server of its own challenges."""

import signal
import socket

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
