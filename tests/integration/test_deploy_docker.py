# SPDX-License-Identifier: MIT
"""The deploy step `docker`: against podman's Docker API where it runs, and a
fake engine for what no good one does."""

import os
import shutil
import time

import pytest

from lab import daemon, engine, proc
from lab.documents import blocks


def read(path):
    with open(path) as f:
        return f.read()


@pytest.fixture(scope="module")
def podman(lab, tmp_path_factory):
    why = engine.missing()
    if why:
        pytest.skip(why)
    try:
        p = engine.Podman(str(tmp_path_factory.mktemp("podman")))
    except proc.LabError as e:
        pytest.skip(str(e))
    yield p
    p.stop()


@pytest.fixture
def fake(acmed):
    e = engine.Fake(os.path.join(acmed.folder, "engine.sock"))
    e.path = os.path.join(acmed.folder, "engine.sock")
    yield e
    e.stop()


def run(podman, name, *options):
    try:
        podman.run(name, *options)
    except proc.LabError as e:
        pytest.skip(str(e))


def configure(acmed, socket, name, deploy=None, **options):
    acmed.cert(name, deploy={"box": dict(
        {"docker": {None: dict({"socket": socket}, **options)}},
        **(deploy or {}))})


def settled(acmed, name, state, serial=None, timeout=30):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] not in (None, serial) and c["run"] is None and \
            c["deploy"] and c["deploy"][0]["state"] == state and c
    return acmed.wait("deploy %s" % state, check, timeout=timeout)


COPY = {"/certs/site.pem": {"format": "fullchain", "owner": 7, "group": 8},
        "/certs/site.key": {"format": "privkey", "owner": 7, "mode": "0640"}}


def test_copy_and_signal(acmed, podman):
    """Key and chain are there, as they should be, when the signal comes; a
    renewal replaces them."""
    run(podman, "web")
    name = "docker.example.test"
    configure(acmed, podman.socket, name, container=["web"], copy=COPY,
              signal="HUP")
    acmed.start()
    first = settled(acmed, name, "done")["serial"]

    def seen():
        return podman.inside("web", "cat", "/seen") == \
            read(acmed.live(name, "privkey.pem")) + read(acmed.live(name))
    acmed.wait("the signal", seen)
    assert podman.inside("web", "stat", "-c", "%n %a %u:%g",
                         "/certs/site.key", "/certs/site.pem") == \
        "/certs/site.key 640 7:0\n/certs/site.pem 644 7:8\n"
    acmed.ctl("renew-now", name)
    settled(acmed, name, "done", first)
    acmed.wait("the second signal", seen)
    assert podman.inside("web", "cat", "/log") == "start\nhup\nhup\n"
    assert read(acmed.live(name, "privkey.pem")).splitlines()[1] not in \
        acmed.log()


def test_label(acmed, podman):
    """All that run and have the label; a command's output and status."""
    run(podman, "one", "--label=acmed=box")
    run(podman, "two", "--label=acmed=box")
    run(podman, "other", "--label=acmed=no")
    run(podman, "old", "--label=acmed=box")
    podman.cli("stop", "-t", "0", "old")
    name = "docker-label.example.test"
    configure(acmed, podman.socket, name, label="acmed=box", exec=[
        "/bin/sh", "-c", "echo said >>/log; cat /log; [ ! -e /bad ] || "
        "{ echo it is bad >&2; exit 3; }"], copy={
            "/made/a.pem": {"format": "cert"},
            "/certs/b.pem": {"format": "cert"}})
    podman.cli("exec", "one", "mkdir", "-p", "/made")
    podman.cli("exec", "two", "mkdir", "-p", "/made")
    acmed.start()
    settled(acmed, name, "done")
    for box in "one", "two":
        assert podman.inside(box, "cat", "/log") == "start\nsaid\n"
        assert podman.inside(box, "cat", "/made/a.pem", "/certs/b.pem") == \
            read(acmed.live(name, "cert.pem")) * 2
        assert "%s: said" % box in acmed.log()
    assert podman.inside("other", "cat", "/log") == "start\n"
    podman.cli("exec", "two", "/bin/sh", "-c", "echo >/bad")
    acmed.ctl("deploy", name)
    d = settled(acmed, name, "failed")["deploy"][0]
    assert 'exec: container "two": /bin/sh exited with status 3: it is bad' \
        in d["error"]
    podman.cli("exec", "two", "rm", "/bad")
    acmed.ctl("deploy", name)
    settled(acmed, name, "done")


def test_restart_and_check(acmed, podman):
    run(podman, "again")
    name = "docker-again.example.test"
    configure(acmed, podman.socket, name, container=["again"], restart=True)
    acmed.start()
    settled(acmed, name, "done")
    acmed.wait("the restart", lambda: podman.inside(
        "again", "cat", "/log") == "start\nstart\n")
    assert acmed.ctl("check", name).returncode == 0
    # A restart ends the program and is over at once.
    assert podman.inside("again", "cat", "/log") == "start\nstart\n"
    # What is wrong is seen beforehand, and nothing is done.
    configure(acmed, podman.socket, name, container=["gone"], restart=True)
    acmed.write_conf()
    acmed.ctl("reload")
    p = acmed.ctl("check", name)
    assert p.returncode == 6
    assert 'there is no container "gone"' in p.stdout
    run(podman, "stopped")
    podman.cli("stop", "-t", "0", "stopped")
    configure(acmed, podman.socket, name, container=["stopped"], signal="HUP")
    acmed.write_conf()
    acmed.ctl("reload")
    acmed.wait("the error", lambda: 'container "stopped" is not running '
               '(exited)' in acmed.ctl("check", name).stdout)


@pytest.mark.parametrize("api,spoken", [
    ("1.24", "1.24"), ("1.44", "1.44"), ("1.99", "1.56")])
def test_version(acmed, fake, api, spoken):
    fake.api = api
    name = "docker-v%s.example.test" % api.replace(".", "")
    configure(acmed, fake.path, name, container=["web"], signal="USR1")
    acmed.start()
    settled(acmed, name, "done")
    assert fake.seen[-1] == (
        "POST", "/v%s/containers/web/kill?signal=USR1" % spoken)
    assert all(p.startswith("/v%s/" % spoken) for m, p in fake.seen
               if p != "/_ping")


def ask(path, method, url):
    """The status of one request at a Unix socket."""
    conn = daemon.UnixConnection(path, 10)
    try:
        conn.request(method, url)
        return conn.getresponse().status
    finally:
        conn.close()


def test_recipe(acmed, podman):
    """doc/deploy-recipes.md, 6: acmed works through the proxy, and nothing
    else does."""
    conf, unit, text = blocks("doc/deploy-recipes.md",
                              "6. Containers, through the engine's socket")
    assert "docker-proxy.cfg" in unit
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed")
    run(podman, "web6")
    run(podman, "other6")
    name = "docker-recipe.example.test"
    socket = os.path.join(acmed.folder, "p.sock")
    path = os.path.join(acmed.folder, "proxy.cfg")
    for old, new in (("/run/acmed-docker/docker.sock", socket),
                     ("/run/docker.sock", podman.socket), ("(web)", "(web6)")):
        assert old in conf
        conf = conf.replace(old, new)
    with open(path, "w") as f:
        f.write(conf)
    for old, new in (("www.example.com", name), ("NAME", name),
                     ("/run/acmed-docker/docker.sock", socket),
                     ('"web" }', '"web6" }'), ("/etc/nginx/certs/", "/certs/"),
                     ('verify = { "%s:443" }' % name, "")):
        text = text.replace(old, new)
    proxy = proc.Proc(["haproxy", "-W", "-f", path], path + ".log")
    try:
        proc.wait_until("the proxy", lambda: os.path.exists(socket))
        for method, url in (
                ("GET", "/v1.41/info"), ("GET", "/v1.41/containers/web6/json"),
                ("POST", "/v1.41/containers/create"),
                ("GET", "/v1.41/containers/web6/archive?path=/"),
                ("POST", "/v1.41/containers/other6/kill?signal=HUP"),
                ("POST", "/v1.41/containers/web6/kill/../../other6/kill"),
                ("POST", "/v1.41/containers/web6%2f..%2fother6/kill"),
                ("DELETE", "/v1.41/containers/web6"),
                ("PUT", "/v1.41/containers/other6/archive?path=/certs"),
                ("POST", "/v1.41/containers/other6/exec"),
                ("POST", "/v1.41/containers/web6/update"),
                ("POST", "/v1.41/containers/json")):
            assert ask(socket, method, url) == 403, (method, url)
        assert ask(socket, "GET", "/_ping") == 200
        acmed.write_conf(acmed.text() + text)
        acmed.start(write=False)
        settled(acmed, name, "done")
        acmed.wait("the signal", lambda: podman.inside(
            "web6", "cat", "/log") == "start\nhup\n")
        assert podman.inside("web6", "cat", "/certs/site.key") == \
            read(acmed.live(name, "privkey.pem"))
        assert podman.inside("other6", "cat", "/log") == "start\n"
        # A command's three calls.
        acmed.write_conf(acmed.text() + text.replace(
            'signal    = "HUP"', 'exec = { "true" }'))
        acmed.ctl("reload")
        acmed.wait("the command", lambda: "running true" in acmed.log() and
                   acmed.cert_status(name)["deploy"][0]["state"] == "done")
    finally:
        proxy.stop()


def answer(path, *reply):
    return lambda m, p: reply if path in p else None


@pytest.mark.parametrize("wrong,want", [
    ("api", "ping: {s}: the answer has no Api-Version 1.N"),
    ("list", "find: {s}: the answer is no list of containers"),
    ("proxy", 'signal: {s}: container "web": the engine answers 403: no'),
    ("gone", 'copy: {s}: container "web": the engine answers 404: Could not '
             'find the file /certs in container web'),
    ("stopped", 'the engine answers 409: Container ab is not running'),
    ("status", 'exec: container "web": nginx exited with status 1: ok'),
    ("stream", "exec: {s}: the answer has no well-formed stream"),
    ("id", "exec: {s}: the answer has no Id of a command"),
    ("flood", "{s}: the reply is longer than 4194304 bytes"),
    ("silence", "{s}: no complete answer within 1 s"),
    ("nothing", "{s} is not there: does the engine run?"),
    ("file", "{s} (root:root, mode 0644) is no socket: let socket name"),
])
def test_refused(acmed, fake, wrong, want):
    name = "docker-%s.example.test" % wrong
    end = None
    options = {"container": ["web"], "signal": "HUP"}
    socket = fake.path
    if wrong in ("status", "stream", "id", "flood"):
        options = {"container": ["web"], "exec": ["nginx", "-s", "reload"]}
    if wrong == "api":
        fake.api = "1.x/../../"
    elif wrong == "list":
        fake.before = answer("/containers/json", 200, {},
                             b'[{"Id":"../..","Names":["/web"]}]')
    elif wrong == "proxy":
        fake.before = answer("/kill", 403, {}, b"no")
    elif wrong == "gone":
        options["copy"] = COPY
        fake.before = answer("/archive", 404, {},
                             b'{"message":"Could not find the file /certs '
                             b'in container web"}')
    elif wrong == "stopped":
        fake.before = answer("/kill", 409, {}, b'{"message":"Container ab is '
                             b'not running"}')
    elif wrong == "status":
        fake.code = 1
    elif wrong == "stream":
        fake.output = b"\1\0\0\0\xff\xff\xff\xff" + b"x" * 100
    elif wrong == "id":
        fake.before = answer("/web/exec", 201, {}, b'{"Id":"../../x"}')
    elif wrong == "flood":
        fake.output = b"\1\0\0\0\x01\0\0\0" + b"x" * (1 << 24)
    elif wrong == "silence":
        fake.before = lambda m, p: "/kill" in p and time.sleep(5)
        end = {"timeout": "1s"}
    elif wrong == "nothing":
        socket += ".not"
    elif wrong == "file":
        socket += ".txt"
        open(socket, "w").close()
        os.chmod(socket, 0o644)
    configure(acmed, socket, name, deploy=end, **options)
    acmed.start()
    d = settled(acmed, name, "failed")["deploy"][0]
    assert d["next_at"] and len(d["error"]) < 600
    assert want.format(s=socket) in d["error"]
    assert read(acmed.live(name, "privkey.pem")).splitlines()[1] not in \
        acmed.log()
