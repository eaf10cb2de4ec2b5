# SPDX-License-Identifier: MIT
"""http-01: files that nginx serves, and answers of acmed's own."""

import http.client
import os
import shutil
import signal
import socket

import pytest

from conftest import HTTP_NGINX, HTTP_OWN
from lab import ca, web

FILES = ".well-known/acme-challenge"


@pytest.fixture
def served(lab):
    """nginx on the address that *.h.example.test has; its directory."""
    n = web.Plain(os.path.join(lab.folder, "www%d" % next(lab.serial)),
                  HTTP_NGINX, ca.HTTP_PORT)
    n.start()
    yield n.root
    n.stop()


def left(root):
    try:
        return os.listdir(os.path.join(root, FILES))
    except FileNotFoundError:
        return []


def wait_no_files(acmed, root):
    acmed.wait("the files to be removed", lambda: not left(root) and
               acmed.status()["http_files"] == [], 15)


def http_cert(acmed, names, root=None, **opts):
    if root:
        opts["webroot"] = root
    entry = acmed.cert("web", names, challenge="http-01", **opts)
    if "provider" not in opts:
        del entry["provider"]
    return entry


def test_webroot(acmed, served, txt):
    acmed.providers = {}
    http_cert(acmed, ["a.h.example.test", "b.h.example.test"], served)
    acmed.start()
    acmed.wait_valid("web", 30)
    wait_no_files(acmed, served)
    assert txt("example.test", "h.example.test") == {}
    acmed.stop()


def test_mixed(acmed, served, txt):
    """A name by HTTP, its wildcard by DNS, in one order."""
    entry = http_cert(acmed, ["m.h.example.test", "*.m.h.example.test"],
                      served, provider="dns")
    entry["name"] = {"*.m.h.example.test": {"challenge": "dns-01"}}
    acmed.start()
    acmed.wait_valid("web", 30)
    wait_no_files(acmed, served)
    acmed.wait_clean(15)
    assert txt("example.test", "m.h.example.test") == {}
    status = acmed.get("/v1/certificates/web")[1]
    assert status["challenges"] == ["dns-01", "http-01"]


def ask(path, method="GET"):
    c = http.client.HTTPConnection(HTTP_OWN, ca.HTTP_PORT, timeout=5)
    try:
        c.request(method, path)
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def own(acmed, count=1):
    names = ["n%d.l.example.test" % i for i in range(count)]
    acmed.providers = {}
    acmed.options["http_listen"] = "%s:%d" % (HTTP_OWN, ca.HTTP_PORT)
    http_cert(acmed, names)


def test_own_server(acmed):
    own(acmed)
    acmed.start()
    acmed.wait_valid("web", 30)
    assert ask("/" + FILES + "/abc")[0] == 404
    assert ask("/", "POST")[0] == 501


def test_many_names(acmed, served):
    """Fifty names by each of both ways, in one order each."""
    own(acmed, 50)
    acmed.certs["files"] = dict(
        acmed.certs["web"], webroot=served,
        names=["n%d.h.example.test" % i for i in range(50)])
    acmed.start()
    acmed.wait_valid("web", 60)
    acmed.wait_valid("files", 60)
    wait_no_files(acmed, served)


def test_passed_socket(acmed):
    """As acmed-http.socket does; to connect starts it."""
    if not shutil.which("systemd-socket-activate"):
        pytest.skip("no systemd-socket-activate")
    own(acmed)
    acmed.options["http_listen"] = "systemd"
    acmed.wrap = ["systemd-socket-activate", "--fdname=acmed-http",
                  "-l", "%s:%d" % (HTTP_OWN, ca.HTTP_PORT)]
    acmed.write_conf()

    def poke():
        try:
            return ask("/")[0] == 404
        except OSError:
            return False
    acmed.launch().ready(poke)
    acmed.wait_valid("web", 30)
    acmed.stop()


def test_port_is_taken(acmed):
    """Said at start and in the run's error; mended by itself."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((HTTP_OWN, ca.HTTP_PORT))
    taken.listen()
    own(acmed)
    acmed.start()
    assert "another web server?" in acmed.log()
    assert acmed.wait_error("web", 30)["code"] == "http:listen"
    taken.close()
    acmed.ctl("renew-now", "web")
    acmed.wait_valid("web", 30)


def test_refused(acmed, served):
    """The CA's own words, and no file."""
    os.makedirs(os.path.join(served, FILES))
    wrong = os.path.join(os.path.dirname(served), "wrong")
    os.makedirs(wrong)
    http_cert(acmed, ["r.h.example.test"], wrong, provider="dns")
    acmed.start()
    err = acmed.wait_error("web", 30)
    assert err["kind"] == "rejected" and err["code"] == "acme:unauthorized"
    assert "r.h.example.test: " in err["msg"] and "404" in err["msg"]
    wait_no_files(acmed, wrong)


def test_no_permission(acmed, served):
    """Which directory, whose, and what mends it."""
    acmed.user = 65534
    os.chown(acmed.folder, 65534, -1)
    http_cert(acmed, ["p.h.example.test"], served, provider="dns")
    acmed.start()
    err = acmed.wait_error("web", 30)
    assert err["code"] == "http01:webroot" and err["kind"] == "config"
    assert "install -d -o nobody -m 755 %s/%s" % (served, FILES) \
        in err["msg"]
    folder = os.path.join(served, FILES)
    os.makedirs(folder)
    os.chown(folder, 65534, -1)
    acmed.ctl("renew-now", "web")
    acmed.wait_valid("web", 30)
    wait_no_files(acmed, served)


@pytest.mark.parametrize("kind", ["challenge", "finalize", "order"])
def test_killed(acmed, ca_proxy, served, kind):
    """Dies when the files are there: the next start removes them."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    http_cert(acmed, ["k.h.example.test", "k2.h.example.test"], served,
              provider="dns")
    seen = []

    def before(request):
        if request.kind == kind and not seen:
            seen.append(len(left(served)))
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
    assert seen and (kind != "challenge" or seen[0] == 2)
    acmed.start()
    acmed.wait_valid("web", 40)
    wait_no_files(acmed, served)
    assert ca_proxy.count("newOrder") == 1


def test_stopped(acmed, ca_proxy, served):
    """SIGTERM in the middle removes the files before the end."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    http_cert(acmed, ["s.h.example.test"], served, provider="dns")
    seen = []

    def before(request):
        if request.kind == "challenge" and not seen:
            seen.append(len(left(served)))
            acmed.proc.kill(signal.SIGTERM)
            return "drop"
        return None
    ca_proxy.before = before
    acmed.write_conf()
    acmed.launch()
    assert acmed.proc.wait(30) == 0
    assert seen == [1] and left(served) == []
