# SPDX-License-Identifier: MIT
"""Certificates for addresses (RFC 8738), by http-01 before Pebble."""

import pytest

from conftest import HTTP_NGINX, HTTP_OWN
from lab import ca, proc

PORT = 8443


def test_issue_and_serve(acmed, nginx):
    """Two addresses and a name in one certificate: installed, seen served at
    an address, and good for all that compares it with what is wanted."""
    names = ["127.0.0.1", "::1", "a.l.example.test"]
    acmed.providers = {}
    acmed.options["http_listen"] = [
        "%s:%d" % (a, ca.HTTP_PORT) for a in ("127.0.0.1", "[::1]", HTTP_OWN)]
    entry = acmed.cert("web", names, challenge="http-01")
    del entry["provider"]
    acmed.start()
    before = acmed.wait_valid("web", 30)
    assert before["names"] == names
    text = proc.run(["openssl", "x509", "-noout", "-subject", "-ext",
                     "subjectAltName", "-in", acmed.live("web", "cert.pem")])
    assert "IP Address:127.0.0.1" in text.stdout
    assert "IP Address:0:0:0:0:0:0:0:1" in text.stdout
    assert "DNS:a.l.example.test" in text.stdout
    server = nginx(acmed.live("web", "fullchain.pem"),
                   acmed.live("web", "privkey.pem"), PORT)
    server.start()
    # What the server shows is what is for this address, and no other.
    acmed.certs["web"]["deploy"] = {"web": {
        "exec": ["true"], "verify": ["127.0.0.1:%d" % PORT]}}
    acmed.write_conf()
    acmed.reload()
    acmed.wait("what is served to be seen", lambda: [
        d for d in acmed.cert_status("web")["deploy"]
        if d["name"] == "web" and d["state"] == "done"
        and d["served_not_after"]])
    acmed.stop()
    acmed.start()
    assert acmed.wait_valid("web")["serial"] == before["serial"]
    # The same by another spelling is the same; check finds nothing amiss.
    acmed.certs["web"]["names"] = ["127.0.0.1", "0:0::1", "a.l.example.test"]
    acmed.write_conf()
    p = acmed.ctl("reload")
    assert p.returncode == 0 and "renew" not in p.stdout, p.stdout
    assert acmed.cert_status("web")["serial"] == before["serial"]
    p = acmed.ctl("check", "--no-probe", "web")
    assert "127.0.0.1" in p.stdout and "CAA" not in p.stdout.split(
        "a.l.example.test")[0], p.stdout
    server.stop()


def test_not_served(acmed):
    """Nobody answers at the address: the CA's words, and the address."""
    acmed.providers = {}
    acmed.options["http_listen"] = "%s:%d" % (HTTP_OWN, ca.HTTP_PORT)
    entry = acmed.cert("web", [HTTP_NGINX], challenge="http-01")
    del entry["provider"]
    acmed.start()
    assert HTTP_NGINX in acmed.wait_error("web", 30)["msg"]
