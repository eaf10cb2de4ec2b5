# SPDX-License-Identifier: MIT
"""acmectl add: from a configuration without an account to a certificate."""

import json
import os

import pytest

from conftest import HTTP_OWN
from lab import daemon, names
from lab.ca import HTTP_PORT, TLS_PORT
from lab.person import Person


@pytest.fixture
def fresh(acmed):
    """As a package leaves it: no account, and an empty conf.d."""
    acmed.directory = acmed.accounts["lab"]["directory"]
    acmed.ca_file = acmed.accounts["lab"]["ca_file"]
    acmed.accounts, acmed.providers = {}, {}
    acmed.conf_d = os.path.join(acmed.folder, "conf.d")
    acmed.secrets = os.path.join(acmed.folder, "secrets")
    os.makedirs(acmed.conf_d, exist_ok=True)
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    return acmed


def add(acmed, *args, secret=names.KEY_SECRET, **kw):
    """acmectl add, with a line on its standard input."""
    path = os.path.join(acmed.folder, "stdin")
    with open(path, "w") as f:
        f.write(secret + "\n")
    with open(path) as f:
        return acmed.ctl("add", *args, stdin=f, **kw)


def ca(acmed):
    return ["--directory", acmed.directory, "--ca-file", acmed.ca_file,
            "--email", "admin@example.test", "--agree-tos"]


RFC2136 = ["--provider", "rfc2136", "--option", "server=127.0.1.5:53",
           "--option", "key_name=" + names.KEY_NAME,
           "--option", "key_secret_file=-"]


def mode(path):
    return os.stat(path).st_mode & 0o777


def test_add_on_a_fresh_machine(fresh):
    """One command: account, provider with its secret, certificate, issued;
    the second one needs no more than a name."""
    p = add(fresh, "new.example.test", "*.new.example.test",
            *ca(fresh), *RFC2136, "--key", "ec384",
            "--verify", "localhost:1", "--reload", "none@x", "--no-wait")
    # That deploy targets would fail keeps nobody from a certificate.
    assert p.returncode == 0 and "FAIL" in p.stdout, p.stdout
    assert names.KEY_SECRET not in p.stdout
    fresh.wait("the certificate", lambda: fresh.serial("new.example.test"))
    assert fresh.cert_status("new.example.test")["deploy"][0]["name"] == \
        "none-x"
    with open(os.path.join(fresh.conf_d, "new.example.test.conf")) as f:
        assert 'reload = { "none@x.service" }' in f.read()
    files = sorted(os.listdir(fresh.conf_d))
    host = "localhost"
    assert files == ["account-%s.conf" % host, "new.example.test.conf",
                     "provider-rfc2136.conf"]
    for f in files:
        path = os.path.join(fresh.conf_d, f)
        assert mode(path) == 0o640
        with open(path) as text:
            text = text.read()
        assert text.startswith("# Written by acmectl add on 20")
        assert names.KEY_SECRET not in text
    assert os.listdir(fresh.secrets) == ["rfc2136-key_secret"]
    assert mode(os.path.join(fresh.secrets, "rfc2136-key_secret")) == 0o600
    p = add(fresh, "second.example.test", "--profile", "default")
    assert p.returncode == 0, p.stdout
    with open(os.path.join(fresh.conf_d, "second.example.test.conf")) as f:
        assert 'profile = "default"' in f.read()
    assert "live/second.example.test/fullchain.pem" in p.stdout
    fresh.wait_valid("second.example.test")
    assert len(os.listdir(fresh.conf_d)) == 4
    # What is there is not touched.
    p = add(fresh, "second.example.test")
    assert p.returncode == 5
    assert "second.example.test.conf:3" in p.stdout
    _, conf = fresh.get("/v1/configuration")
    assert [a["name"] for a in conf["accounts"]] == [host]
    assert conf["providers"] == [{"name": "rfc2136", "type": "rfc2136"}]


def test_add_leaves_nothing(fresh):
    """Whatever is wrong, it is said, and not a file stays."""
    def nothing(code, *words, args=(), name="bad.example.test", **kw):
        p = add(fresh, name, *args, **kw)
        assert p.returncode == code, p.stdout
        for word in words:
            assert word in p.stdout, p.stdout
        assert names.KEY_SECRET not in p.stdout
        assert os.listdir(fresh.conf_d) == []
        assert not os.path.exists(fresh.secrets) or \
            os.listdir(fresh.secrets) == []
        assert fresh.status()["config"]["error"] is None
        assert fresh.status()["certificates"] == []
    nothing(2, "--agree-tos", args=RFC2136)
    nothing(2, "--webroot", args=ca(fresh))
    nothing(2, "wildcard", name="*.example.test",
            args=ca(fresh) + ["--webroot", "/tmp"])
    nothing(2, 'mean "rfc2136"', args=ca(fresh) + ["--provider", "rfc213"])
    nothing(2, "has no option severs", args=ca(fresh) + [
        "--provider", "rfc2136", "--option", "severs=x"])
    nothing(2, "key_secret_file=-", args=ca(fresh) + [
        "--provider", "rfc2136", "--option",
        "key_secret=" + names.KEY_SECRET])
    # A mistake of the configuration that would be, with its line.
    nothing(5, "provider-rfc2136.conf:3: provider", "server",
            "nothing was written", args=ca(fresh) + ["--provider", "rfc2136"])
    nothing(5, "profile = \"two words\"", args=ca(fresh) + RFC2136 +
            ["--profile", "two words"])
    nothing(5, "key = \"ec25\"", args=ca(fresh) + RFC2136 +
            ["--key", "ec25"])
    # The check adds a value, which is removed though nothing comes of it.
    nothing(6, "FAIL", "probe", "nothing was written", args=ca(fresh)[:-1] +
            RFC2136)
    fresh.wait_clean()
    # The check finds that the key is a wrong one.
    nothing(6, "FAIL", "nothing was written", args=ca(fresh) + RFC2136,
            secret="b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI=")
    fresh.wait_clean()


def test_add_where_conf_d_is_not_read(acmed):
    """Files that acmed would never read are not written."""
    acmed.start()
    p = acmed.ctl("add", "x.example.test")
    assert p.returncode == 5
    assert "no include leads to" in p.stdout
    assert 'include("conf.d/*.conf")' in p.stdout
    assert not os.path.exists(os.path.join(acmed.folder, "conf.d"))


def test_drafts_are_for_root(acmed):
    """Who may use the socket may not have acmed run what it likes."""
    acmed.start()
    body = json.dumps({"files": [{"path": "/x", "text": ""}]})
    code, reply = acmed.get("/v1/configuration", "POST", body)
    assert code == 409 and "no include leads to /x" in reply["lines"][0]
    for bad in ({}, {"files": []}, {"files": [{"path": "x", "text": ""}]},
                {"files": [{"path": "/x"}]}, {"files": {}}):
        code, reply = acmed.get("/v1/configuration", "POST", json.dumps(bad))
        assert code == 400, bad


def test_add_asks(fresh):
    """On a terminal it asks for what it was not told."""
    p = Person([daemon.program("ACMECTL", "acmectl"), "--socket",
                fresh.socket, "add", "--directory", fresh.directory,
                "--ca-file", fresh.ca_file])
    p.answer("Names of the certificate", "asked.example.test")
    p.answer("E-mail address", "admin@example.test")
    p.answer("Do you agree", "y")
    p.answer("1 or 2", "2")
    p.answer("DNS provider", "?")
    p.answer("cloudflare", "rfc213")
    p.answer('mean "rfc2136"', "rfc2136")
    p.answer("server - ", "127.0.1.5:53")
    p.answer("key - ", 'key "%s" { algorithm hmac-sha256; secret "%s"; };'
             % (names.KEY_NAME, names.KEY_SECRET))
    p.answer("Service to reload", "")
    assert p.end() == 0, p.seen
    assert names.KEY_SECRET not in p.seen
    fresh.wait_valid("asked.example.test")


def test_add_challenge(fresh, txt):
    """http-01 and tls-alpn-01 by acmed's own listeners, without a provider; what
    does not go together is refused before anything is asked or written."""
    own = "c.l.example.test"
    for args, words in (
            (["--challenge", "dns"], "http-01, tls-alpn-01 or dns-01"),
            (["--challenge", "http-01", "--provider", "x"], "for --challenge "
             "dns-01"),
            (["--challenge", "tls-alpn-01", "--webroot", "/x"],
             "for --challenge http-01"),
            (["--challenge", "dns-01", "--listen", "systemd"], "--listen is"),
            (["--challenge", "tls-alpn-01", "*." + own], "through the DNS"),
            (["--challenge", "http-01"], "acmed-http.socket"),
            (["--challenge", "tls-alpn-01"], "acmed-alpn.socket")):
        p = add(fresh, own, *ca(fresh), *args)
        assert p.returncode == 2 and words in p.stdout, (args, p.stdout)
    assert os.listdir(fresh.conf_d) == []
    listen = "%s:%d" % (HTTP_OWN, TLS_PORT)
    p = add(fresh, own, *ca(fresh), "--challenge", "tls-alpn-01", "--listen",
            listen)
    assert p.returncode == 0, p.stdout
    assert "once this configuration is in force" in p.stdout
    fresh.wait_valid(own)
    with open(os.path.join(fresh.conf_d, own + ".conf")) as f:
        assert 'challenge = "tls-alpn-01"' in f.read()
    assert "tls-alpn-listen.conf" in os.listdir(fresh.conf_d)
    # The listener is there now; another one is the file's to say.
    p = add(fresh, "d.l.example.test", "--challenge", "tls-alpn-01",
            "--listen", listen)
    assert p.returncode == 2 and "has tls_alpn_listen already" in p.stdout
    p = add(fresh, "d.l.example.test", "--challenge", "tls-alpn-01")
    assert p.returncode == 0, p.stdout
    p = add(fresh, "e.l.example.test", "--challenge", "http-01", "--listen",
            "%s:%d" % (HTTP_OWN, HTTP_PORT))
    assert p.returncode == 0, p.stdout
    fresh.wait_valid("e.l.example.test")
    assert txt("example.test", "l.example.test") == {}
