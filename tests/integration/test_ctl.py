# SPDX-License-Identifier: MIT
"""acmectl, and the control API under bad treatment."""

import json
import os
import pty
import re
import socket
import subprocess
import threading
import time

import pytest

from conftest import SECONDARY
from lab import daemon


def test_status(acmed):
    acmed.cert("a.example.test", ["a.example.test", "*.a.example.test"])
    acmed.cert("b.example.test")
    acmed.start()
    acmed.wait_valid("a.example.test")
    acmed.wait_valid("b.example.test")
    p = acmed.ctl("status")
    assert p.returncode == 0
    for word in ("a.example.test", "b.example.test", "valid", "renew"):
        assert word in p.stdout, p.stdout
    p = acmed.ctl("status", "a.example.test")
    assert p.returncode == 0
    for word in ("*.a.example.test", "dns", "lab", "ec256"):
        assert word in p.stdout, p.stdout


def test_json(acmed):
    acmed.cert("a.example.test")
    acmed.start()
    acmed.wait_valid("a.example.test")
    p = acmed.ctl("status", "--json")
    status = json.loads(p.stdout)
    assert status["pid"] == acmed.proc.pid
    assert [c["name"] for c in status["certificates"]] == ["a.example.test"]
    one = json.loads(acmed.ctl("status", "a.example.test", "--json").stdout)
    assert one["account"] == "lab" and one["provider"] == "dns"
    assert one["live_dir"] == os.path.dirname(acmed.live("a.example.test"))
    steps = [s["step"] for s in one["steps"]]
    assert "order" in steps and "install" in steps
    # Every step is told in the order in which it happens.
    order = ["account", "order", "authorize", "finalize", "download",
             "install", "deploy"]
    ranks = [order.index(s) for s in steps if s in order]
    assert ranks == sorted(ranks), steps
    p = acmed.ctl("renew-now", "a.example.test", "--json")
    events = [json.loads(line) for line in p.stdout.splitlines() if line]
    assert events[-1]["end"] is True and events[-1]["ok"] is True


def test_providers(acmed):
    """The types and their options; the daemon's program says the same."""
    acmed.start()
    types = acmed.ctl("providers").stdout
    assert "rfc2136 " in types and "cloudflare " in types
    one = acmed.ctl("providers", "rfc2136")
    assert one.returncode == 0 and "key_secret_file" in one.stdout
    assert json.loads(acmed.ctl("providers", "rfc2136", "--json").stdout)[
        "name"] == "rfc2136"
    p = acmed.ctl("providers", "rfc2137")
    assert p.returncode == 5 and 'mean "rfc2136"' in p.stdout
    program = daemon.program("ACMED", "acmed")
    for args, text in ((["--list-providers"], types),
                       (["--list-providers", "rfc2136"], one.stdout)):
        assert subprocess.run([program] + args, check=True, text=True,
                              stdout=subprocess.PIPE).stdout == text


def test_names_beyond_ascii(acmed):
    """Shown as they are written, and found so; on the wire in --json."""
    wire, name = "xn--bcher-kva.example.test", "bücher.example.test"
    acmed.cert(wire)
    acmed.start()
    acmed.wait_valid(wire)

    def ctl(locale, *args):
        return subprocess.run(
            [daemon.program("ACMECTL", "acmectl"), "--socket", acmed.socket,
             *args], env=dict(os.environ, LC_ALL=locale), timeout=20,
            capture_output=True).stdout.decode()
    assert name in ctl("C.UTF-8", "status")
    assert name not in ctl("C", "status") and wire in ctl("C", "status")
    for locale in "C", "C.UTF-8":
        assert wire in ctl(locale, "--json", "status", name)
    assert "%s (%s)" % (name, wire) in ctl("C.UTF-8", "status", name)


def test_80_columns(acmed):
    """On a terminal of 80 columns no line is longer."""
    name = "a-rather-long-label-that-fills-the-line.example.test"
    acmed.cert(name)
    acmed.cert("broken.example.test", provider="bad")
    acmed.providers["bad"] = daemon.rfc2136(key_name="nobody")
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_error("broken.example.test")
    master, slave = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    out = b""

    def read():
        nonlocal out
        try:
            while True:
                data = os.read(master, 4096)
                if not data:
                    break
                out += data
        except OSError:
            pass
    reader = threading.Thread(target=read)
    reader.start()
    p = subprocess.run([daemon.program("ACMECTL", "acmectl"), "--socket",
                        acmed.socket, "status"], stdin=slave, stdout=slave,
                       stderr=slave, env=dict(os.environ, TERM="xterm",
                                              LC_ALL="C.UTF-8"), timeout=20)
    os.close(slave)
    reader.join(5)
    os.close(master)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", out.decode())
    assert p.returncode == 0 and name[:20] in text
    assert max(len(line.rstrip("\r")) for line in text.split("\n")) <= 80


def test_renew_now(acmed):
    acmed.cert("r.example.test")
    acmed.start()
    acmed.wait_valid("r.example.test")
    serial = acmed.serial("r.example.test")
    p = acmed.ctl("renew-now", "r.example.test")
    assert p.returncode == 0
    assert len(p.stdout.splitlines()) >= 3, p.stdout
    assert acmed.serial("r.example.test") != serial
    serial = acmed.serial("r.example.test")
    p = acmed.ctl("renew-now", "--no-wait", "r.example.test")
    assert p.returncode == 0
    acmed.wait("a renewal", lambda: acmed.serial("r.example.test") != serial)


def test_renew_now_joins_a_run(acmed, ca_proxy):
    """Two at once are one order."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert("join.example.test")
    results = []

    def renew():
        results.append(acmed.ctl("renew-now", "join.example.test"))
    threads = [threading.Thread(target=renew) for _ in range(3)]
    started = threading.Event()

    def hook(request):
        if request.kind == "newOrder" and not started.is_set():
            started.set()
            time.sleep(0.4)
    ca_proxy.before = hook
    acmed.start()
    assert started.wait(10)
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [p.returncode for p in results] == [0, 0, 0]
    assert ca_proxy.count("newOrder") == 1


def test_renew_now_failure(make):
    acmed = make(dns=SECONDARY, nonce_reject=0)
    acmed.cert("no.example.test")
    acmed.start()
    acmed.wait_error("no.example.test")
    assert acmed.ctl("status", "--check").returncode == 1
    p = acmed.ctl("renew-now", "no.example.test")
    assert p.returncode == 1
    error = acmed.cert_status("no.example.test")["error"]
    assert error["msg"].split(":")[-1].strip()[:30] in p.stdout


def test_exit_codes(acmed):
    """Those of acmectl(1)."""
    acmed.cert("known.example.test")
    acmed.start()
    p = acmed.ctl("renew-now", "knwon.example.test")
    assert p.returncode == 5 and "known.example.test" in p.stdout
    assert acmed.ctl("status", "nobody.example.test").returncode == 5
    p = acmed.ctl("frobnicate")
    assert p.returncode == 2 and "frobnicate" in p.stdout
    assert acmed.ctl("renew-now").returncode == 2
    for args, words in (
            (["rollout"], "which certificate? NAME is missing: acmectl "
             "rollout NAME ACTION; see: acmectl rollout --help"),
            (["rollout", "x"], "an argument is missing: acmectl rollout NAME "
             "ACTION"), (["host"], "an argument is missing: acmectl host "),
            (["rollout", "x", "go"],
             "allowed: rollout NAME continue, stop or rollback")):
        p = acmed.ctl(*args)
        assert p.returncode == 2 and words in p.stdout, (args, p.stdout)
    assert acmed.ctl("--help").returncode == 0
    acmed.wait_valid("known.example.test")
    assert acmed.ctl("status", "--check").returncode == 0
    acmed.stop()
    p = acmed.ctl("status")
    assert p.returncode == 3, p.stdout
    assert acmed.socket in p.stdout and "running" in p.stdout


def raw(acmed, data, wait=1.0):
    """Send bytes, return what comes back within a moment."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(wait)
    s.connect(acmed.socket)
    got = b""
    try:
        s.sendall(data)
        while True:
            part = s.recv(65536)
            if not part:
                break
            got += part
    except OSError:
        pass
    s.close()
    return got


@pytest.mark.parametrize("data,status", [
    (b"nonsense\r\n\r\n", 400),
    (b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{bad}",
     400),
    (b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
     400),
    (b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"
     + b" " * 1048577, 413),
    (b"GET /v1/status HTTP/1.1\r\nX: " + b"x" * 200000 + b"\r\n\r\n", 400),
    (b"DELETE /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /v1/certificates/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\n\r\n", 404),
], ids=["garbage", "bad json", "wrong type", "large body", "large header",
        "method", "path", "traversal"])
def test_api_bad_requests(acmed, data, status):
    acmed.start()
    reply = raw(acmed, data)
    assert reply == b"" or (b" %d " % status) in reply.split(b"\r\n")[0], \
        reply[:200]
    assert acmed.status()["pid"] == acmed.proc.pid


def test_api_slow_and_vanishing_clients(acmed):
    acmed.cert("x.example.test")
    acmed.start()
    slow = []
    for _ in range(20):
        s = socket.socket(socket.AF_UNIX)
        s.connect(acmed.socket)
        s.sendall(b"GET /v1/st")
        slow.append(s)
    for _ in range(5):
        s = socket.socket(socket.AF_UNIX)
        s.connect(acmed.socket)
        s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(100)
        s.close()
    acmed.wait_valid("x.example.test")
    assert acmed.ctl("renew-now", "x.example.test").returncode == 0
    for s in slow:
        s.close()
    acmed.stop()


def test_many(tmp_path):
    """Hundreds of certificates, in pieces; no CA has to answer for that."""
    many = daemon.Acmed(str(tmp_path), "https://127.0.0.1:1/", "/dev/null")
    many.accounts["lab"].pop("ca_file")
    names = sorted("c%d.example.test" % i for i in range(300))
    for name in names:
        many.cert(name)
    many.start()
    try:
        p = many.ctl("status", "--json")
        status = json.loads(p.stdout)
        assert [c["name"] for c in status["certificates"]] == names
        assert p.stdout == json.dumps(status, indent=2) + "\n"
        assert {k: type(v) for k, v in status.items()} == {
            k: type(v) for k, v in many.status().items()}
        assert many.ctl("list").stdout.split() == names
        rows = many.ctl("status").stdout.split("\n")
        assert sorted(r.split()[0] for r in rows[1:301]) == names
        assert rows[-2].startswith("300 certificates: ")
        assert many.ctl("status", "--check").returncode == 1
        page = many.get("/v1/status?limit=2&after=" + names[97])[1]
        assert [c["name"] for c in page["certificates"]] == names[98:100]
        text = many.get("/metrics")[1]
        assert text.count(
            "acmed_certificate_expiry_timestamp_seconds{") == 300
    finally:
        many.end()
