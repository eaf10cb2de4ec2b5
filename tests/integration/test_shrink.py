# SPDX-License-Identifier: MIT
"""on_name_failure = shrink: a name that the CA cannot validate."""

import os
import socket
import sqlite3
import ssl
import threading

import pytest

from conftest import HTTP_NGINX
from lab import ca, web

GOOD, BAD = "shrink.example.test", "dead.h.example.test"


def names_of(acmed, name):
    text = acmed.x509(name, "-ext", "subjectAltName")
    return {w.strip()[4:] for w in text.split("\n")[1].split(",")}


class LiveTLS:
    """A server that shows what is in live/web."""

    def __init__(self, acmed):
        self.acmed, self.asked, self.socket = acmed, 0, None
        self.port = ca.TLS_PORT

    def start(self):
        self.socket = socket.create_server((HTTP_NGINX, self.port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn = self.socket.accept()[0]
            except OSError:
                return
            self.asked += 1
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.acmed.live("web"), self.acmed.live(
                "web", "privkey.pem"))
            try:
                context.wrap_socket(conn, server_side=True).close()
            except OSError:
                pass            # it has seen enough

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def omitted(acmed):
    """The names that the next order is to be without."""
    db = sqlite3.connect("file:%s/state.db?mode=ro" % acmed.state_dir,
                         uri=True)
    try:
        return db.execute("SELECT name FROM missing WHERE omitted_at > 0") \
            .fetchall()
    finally:
        db.close()


def test_shrinks_and_comes_back(make, lab):
    """Nobody serves the one name: after the second failure there is a
    certificate without it, whatever is killed in between; targets are given
    what is in it; and it comes back."""
    n = web.Plain(os.path.join(lab.folder, "www%d" % next(lab.serial)),
                  HTTP_NGINX, ca.HTTP_PORT)
    acmed = make()
    told = os.path.join(acmed.folder, "names")
    # BAD is the first name, and would be the common name.
    cert = acmed.cert("web", [BAD, GOOD], on_name_failure="shrink", deploy={
        "a": {"exec": ["/bin/sh", "-c", "echo $ACMED_NAMES >>" + told]}})
    cert["name"] = {BAD: {"challenge": "http-01", "webroot": n.root}}
    # Nobody serves that name for now: that is no failure of the target.
    tls = LiveTLS(acmed)
    cert["deploy"]["b"] = {"verify": ["%s:%d" % (BAD, tls.port)]}
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    acmed.start()
    acmed.wait_error("web", 30)
    jump(80)
    acmed.wait("the second failure, on disk", lambda: omitted(acmed), 30)
    assert acmed.cert_status("web")["failures"] == 2
    assert acmed.cert_status("web")["serial"] is None
    acmed.kill()
    acmed.start()
    jump(160)
    acmed.wait("the certificate", lambda:
               acmed.cert_status("web")["condition"] == "names missing", 30)
    assert names_of(acmed, "web") == {GOOD}
    c = acmed.cert_status("web")
    assert not c["ok"] and c["error"] is None and c["failures"] == 0
    assert [m["name"] for m in c["missing_names"]] == [BAD]
    assert BAD in c["missing_names"][0]["error"]["msg"] or \
        c["missing_names"][0]["error"]["code"].startswith("acme:")
    assert c["next"]["reason"] == "missing-names"
    assert 3000 < c["next"]["at"] - c["missing_names"][0]["since"] < 4000
    p = acmed.ctl("status", "web")
    assert "lacks       " + BAD in p.stdout, \
        p.stdout
    assert "acmed_certificates_names_missing 1" in acmed.get("/metrics")[1]
    acmed.wait("the target", lambda: os.path.exists(told))
    assert open(told).read().split() == [GOOD]
    acmed.wait("the other target", lambda: [
        t["state"] for t in acmed.cert_status("web")["deploy"]] == [
            "done", "done"], 20)
    assert "%s:%d is not asked: the certificate lacks %s" % (
        BAD, tls.port, BAD) in acmed.log()
    # A reload and a restart find nothing that has changed.
    serial = acmed.serial("web")
    acmed.reload()
    acmed.stop()
    acmed.start()
    assert acmed.serial("web") == serial
    assert acmed.cert_status("web")["condition"] == "names missing"
    n.start()
    tls.start()
    try:
        assert acmed.ctl("renew-now", "web").returncode == 0
    finally:
        n.stop()
        tls.stop()
    assert tls.asked > 0
    acmed.wait("all names", lambda:
               acmed.cert_status("web")["condition"] == "valid", 30)
    assert names_of(acmed, "web") == {GOOD, BAD}
    assert acmed.cert_status("web")["missing_names"] == []
    assert open(told).read().split() == [GOOD, BAD + "," + GOOD]


def test_shrunk_is_published(make, lab):
    """A subscriber takes a certificate without the name that fails, where it is
    configured so as well: that is better than one that ends. What comes back is
    taken, too."""
    n = web.Plain(os.path.join(lab.folder, "www%d" % next(lab.serial)),
                  HTTP_NGINX, ca.HTTP_PORT)
    folder = os.path.join(lab.folder, "fleet%d" % next(lab.serial))
    os.makedirs(folder)
    secret = os.path.join(folder, "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4 + "\n")
    os.chmod(secret, 0o600)
    publisher, host = make(), make()
    for a in publisher, host:
        a.repositories["fleet"] = {"type": "directory", "path": folder,
                                   "encrypt_key_file": secret}
    cert = publisher.cert("web", [BAD, GOOD], on_name_failure="shrink",
                          deploy={"fleet": {"publish": "fleet"}})
    cert["name"] = {BAD: {"challenge": "http-01", "webroot": n.root}}
    host.accounts, host.providers = {}, {}
    host.certs["web"] = {"source": "fleet", "poll": "60s", "names": [BAD, GOOD]}
    jump = publisher.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    publisher.start()
    publisher.wait_error("web", 30)
    jump(80)
    publisher.wait("the second failure, on disk", lambda: omitted(publisher),
                   30)
    jump(160)
    publisher.wait("the certificate", lambda:
                   [t["state"] for t in publisher.cert_status("web")["deploy"]]
                   == ["done"]
                   and publisher.cert_status("web")["serial"], 30)
    host.start()
    error = host.wait_error("web", 30)
    assert error["code"] == "fetch:names" and "on_name_failure" in \
        error["msg"], error
    host.certs["web"]["on_name_failure"] = "shrink"
    host.write_conf()
    assert host.ctl("reload").returncode == 0
    assert host.ctl("renew-now", "web").returncode == 0
    c = host.cert_status("web")
    assert names_of(host, "web") == {GOOD}
    assert c["condition"] == "names missing", c
    assert [m["name"] for m in c["missing_names"]] == [BAD]
    # It waits for the publisher, and asks no CA itself.
    assert c["next"]["action"] == "poll", c["next"]
    n.start()
    try:
        assert publisher.ctl("renew-now", "web").returncode == 0
    finally:
        n.stop()
    assert host.ctl("renew-now", "web").returncode == 0
    assert names_of(host, "web") == {GOOD, BAD}
    c = host.cert_status("web")
    assert c["condition"] == "valid" and c["missing_names"] == [], c
