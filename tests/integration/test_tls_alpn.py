# SPDX-License-Identifier: MIT
"""tls-alpn-01 (RFC 8737): answers of acmed's own before Pebble, directly and
behind nginx and HAProxy, which keep the port; and what strangers are told."""

import json
import os
import shlex
import shutil
import socket
import ssl

import pytest

from conftest import HTTP_NGINX, HTTP_OWN
from lab import ca, documents, proc, web

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
DOC = "doc/tls-alpn-01.md"


def alpn_cert(acmed, names, listen):
    acmed.providers = {}
    acmed.options["tls_alpn_listen"] = listen
    entry = acmed.cert("web", names, challenge="tls-alpn-01")
    del entry["provider"]


def client(address, port, sni, protocols):
    """What a handshake ends with: the protocol, or the error's text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    try:
        with socket.create_connection((address, port), 5) as s, \
                context.wrap_socket(s, server_hostname=sni) as t:
            return t.selected_alpn_protocol()
    except (ssl.SSLError, OSError) as e:
        return str(e)


def test_names_and_addresses(acmed):
    """All in one order, over both families; strangers get an alert."""
    alpn_cert(acmed, ["a.l.example.test", "b.l.example.test", HTTP_OWN, "::1"],
              ["%s:%d" % (HTTP_OWN, ca.TLS_PORT), "[::1]:%d" % ca.TLS_PORT])
    acmed.start()
    acmed.wait_valid("web", 30)
    for sni, protocols, words in (
            ("a.l.example.test", [], "no_application_protocol|no application"),
            ("a.l.example.test", ["http/1.1"], "no_application_protocol|no "
             "application"),
            ("a.l.example.test", ["acme-tls/1", "h2"],
             "no_application_protocol|no application"),
            ("a.l.example.test", ["acme-tls/1"], "unrecognized"),
            (None, ["acme-tls/1"], "unrecognized|HANDSHAKE_FAILURE")):
        got = client(HTTP_OWN, ca.TLS_PORT, sni, protocols)
        assert any(w.lower() in str(got).lower().replace(" ", "_") or
                   w.lower() in str(got).lower() for w in words.split("|")), \
            (sni, protocols, got)


def test_slow_and_many(acmed):
    """Two hundred connections that say nothing: the next renewal goes on."""
    alpn_cert(acmed, ["a.l.example.test"], "%s:%d" % (HTTP_OWN, ca.TLS_PORT))
    acmed.start()
    acmed.wait_valid("web", 30)
    socks = [socket.create_connection((HTTP_OWN, ca.TLS_PORT), 5)
             for _ in range(200)]
    for s in socks[:50]:
        try:
            s.send(b"\x16\x03\x01\x02")
        except OSError:
            pass
    assert acmed.ctl("renew-now", "web").returncode == 0
    # The oldest had to make room.
    socks[0].settimeout(5)
    try:
        assert socks[0].recv(1) == b""
    except ConnectionError:
        pass
    for s in socks:
        s.close()


def test_killed(acmed, ca_proxy):
    """Killed while the CA looks, the next start publishes again."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    alpn_cert(acmed, ["k.l.example.test"], "%s:%d" % (HTTP_OWN, ca.TLS_PORT))
    acmed.options["log_level"] = "info"
    acmed.start()
    acmed.wait("the names to be published",
               lambda: "can be proved over TLS" in acmed.log())
    acmed.kill()
    acmed.start()
    acmed.wait_valid("web", 60)


def test_not_reached(acmed):
    """The CA's words where nobody answers at the name."""
    alpn_cert(acmed, ["n.h.example.test"], "%s:%d" % (HTTP_OWN, ca.TLS_PORT))
    acmed.start()
    assert "n.h.example.test" in acmed.wait_error("web", 30)["msg"]


class Before:
    """A server on the CA's port that passes acme-tls/1 on to acmed, and all
    else to a web server of its own."""

    def __init__(self, lab, kind):
        self.folder = os.path.join(lab.folder, "before%d" % next(lab.serial))
        os.makedirs(self.folder)
        self.pem = os.path.join(self.folder, "web.pem")
        with open(self.pem, "w") as f:
            for part in lab.tls.cert, lab.tls.key:
                f.write(open(part).read())
        conf = os.path.join(self.folder, "conf")
        with open(conf, "w") as f:
            f.write(getattr(self, kind)())
        self.proc = proc.Proc(
            ["nginx", "-p", self.folder, "-c", conf, "-g", "daemon off;"]
            if kind == "nginx" else ["haproxy", "-db", "-f", conf],
            os.path.join(self.folder, "log"))
        self.proc.ready(lambda: client(HTTP_NGINX, ca.TLS_PORT, "localhost",
                                       ["http/1.1"]) == "http/1.1", 10)

    def nginx(self):
        stream = documents.block(DOC, "nginx", "stream {")
        assert "listen [::]:443;" in stream
        stream = stream.replace("listen [::]:443;", "").replace(
            "listen 443;", "listen %s:%d; listen %s:443;" % (
                HTTP_NGINX, ca.TLS_PORT, HTTP_NGINX))
        return """load_module %s;
pid %s/pid;
error_log stderr;
events { }
%s
http {
    access_log off;
    server {
        listen 127.0.0.1:8443 ssl;
        ssl_certificate %s;
        ssl_certificate_key %s;
    }
}
""" % (NGINX_STREAM, self.folder, stream, self.pem, self.pem)

    def haproxy(self):
        text = documents.block(DOC, "HAProxy", "frontend tls")
        assert "bind :443,[::]:443\n" in text
        return """defaults
    timeout connect 5s
    timeout client 5s
    timeout server 5s
""" + text.replace(":443,[::]:443", "%s:%d,%s:443" % (
            HTTP_NGINX, ca.TLS_PORT, HTTP_NGINX)).replace(
            "/etc/haproxy/certs/", self.pem + " alpn http/1.1")

    def stop(self):
        self.proc.stop(10)


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_behind(acmed, lab, kind):
    """doc/tls-alpn-01.md's configuration: the port stays the web server's."""
    if shutil.which(kind) is None:
        pytest.skip("%s is not installed" % kind)
    if kind == "nginx" and not os.path.exists(NGINX_STREAM):
        pytest.skip("libnginx-mod-stream is not installed")
    text = documents.block(DOC, "acmed.conf", "tls_alpn_listen")
    text = text.replace("www.example.com", "a.h.example.test")
    acmed.providers = {}
    acmed.write_conf(acmed.text() + text.replace('reload = "nginx"',
                                                 'exec = "/bin/true"'))
    before = Before(lab, kind)
    try:
        acmed.start(write=False)
        acmed.wait_valid("a.h.example.test", 30)
        assert client(HTTP_NGINX, ca.TLS_PORT, "localhost",
                      ["http/1.1"]) == "http/1.1"
        command, = documents.commands(documents.block(DOC, "Try it",
                                                      "s_client"))
        p = proc.run(shlex.split(command.replace(
            "www.example.com:443", "%s:%d" % (HTTP_NGINX, ca.TLS_PORT))),
            check=False)
        assert "unrecognized name" in p.stdout, p.stdout
        for args in (), ("--no-probe",):
            line = port_check(acmed, "a.h.example.test", *args)
            assert line["result"] == "ok", line
            assert "acmed answers acme-tls/1" in line["msg"], line
    finally:
        before.stop()


def port_check(acmed, name, *args):
    p = acmed.ctl("--json", "check", name, *args)
    return next(line for line in map(json.loads, p.stdout.splitlines())
                if line.get("check") == "port")


def test_what_check_sees(acmed, lab):
    """acmectl check tells a port 443 that nobody listens on from a web server
    that keeps acme-tls/1 for itself, and from acmed; of addresses, too."""
    listen = "%s:%d" % (HTTP_OWN, ca.TLS_PORT)
    name = "a.l.example.test"
    alpn_cert(acmed, [name, HTTP_OWN], [listen])
    acmed.start()
    acmed.wait_valid("web", 30)
    line = port_check(acmed, "web")
    assert line["result"] == "warn" and "refused" in line["msg"], line
    nginx = web.Nginx(os.path.join(lab.folder, "w%d" % next(lab.serial)),
                      HTTP_OWN, 443, acmed.live("web"),
                      acmed.live("web", "privkey.pem"), owner="root")
    nginx.start()
    try:
        for args in (), ("--no-probe",):
            line = port_check(acmed, "web", *args)
            assert line["result"] == "fail", line
            assert "does not come to acmed" in line["msg"], line
            assert DOC in line["fix"], line
    finally:
        nginx.stop()
    acmed.options["tls_alpn_listen"] = [listen, HTTP_OWN + ":443"]
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    p = acmed.ctl("check", "web")
    assert p.returncode == 0, p.stdout
    for who in name, HTTP_OWN:
        assert "acmed answers acme-tls/1 on port 443 of " + who in p.stdout
