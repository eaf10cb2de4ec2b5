# SPDX-License-Identifier: MIT
"""acmectl renew-now --dry-run: all of a renewal, at another CA, and nothing
has changed."""

import json
import os
import signal

import pytest

from conftest import HTTP_OWN
from lab import ca, daemon

A, B, C = "a.example.test", "b.other.test", "c.l.example.test"


@pytest.fixture
def tried(acmed, ca_proxy):
    """Two certificates; renewals of them are tried at the proxy's CA."""
    acmed.accounts["lab"]["staging_directory"] = ca_proxy.directory
    acmed.out = os.path.join(acmed.folder, "hooks.out")
    hooks = os.path.join(acmed.folder, "hooks")
    for when in "pre.d", "post.d", "deploy.d":
        os.makedirs(os.path.join(hooks, when))
        path = os.path.join(hooks, when, "say")
        with open(path, "w") as f:
            f.write('#!/bin/sh\necho "%s $ACMED_NAME $ACMED_DRY_RUN" >> %s\n'
                    % (when, acmed.out))
        os.chmod(path, 0o755)
    acmed.options["hooks_dir"] = hooks
    acmed.cert(A, [A, "*." + A], reuse_key=True)
    acmed.start()
    acmed.wait_valid(A)
    acmed.wait_clean()
    acmed.wait("the hooks", lambda: "post.d" in read(acmed.out))
    os.unlink(acmed.out)
    return acmed


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def kept(acmed):
    """All that is known of the certificate."""
    c = acmed.get("/v1/certificates/" + A)[1]
    c.pop("ari")            # asked for meanwhile
    c["steps"] = [s for s in c["steps"] if "suggests" not in s["msg"]]
    return c


def test_nothing_changes(tried, ca_proxy, txt):
    before = kept(tried)
    p = tried.ctl("renew-now", A, "--dry-run")
    assert p.returncode == 0, p.stdout
    assert "a renewal works" in p.stdout
    assert ca_proxy.count("newOrder") == ca_proxy.count("cert") == 1
    assert kept(tried) == before
    tried.wait_clean()
    assert txt("example.test", A) == {}
    assert os.listdir(os.path.join(tried.state_dir, "pending")) == []
    assert os.listdir(os.path.join(tried.state_dir, "archive")) == [A]
    assert os.listdir(os.path.join(tried.state_dir, "live")) == [A]
    # Seen in the log; hooks before and after, but nothing is deployed.
    assert "cert=dry-run:" + A in tried.log()
    assert read(tried.out) == "pre.d %s 1\npost.d %s 1\n" % (A, A)
    # The second one has the account of the first, which is not the real one.
    before = ca_proxy.count("newAccount")
    events = [json.loads(line) for line in tried.ctl(
        "renew-now", A, "--dry-run", "--json").stdout.splitlines()]
    assert events[-1]["end"] and events[-1]["ok"]
    assert {e["cert"] for e in events} == {"dry-run:" + A}
    assert ca_proxy.count("newAccount") == before
    names = sorted(os.listdir(os.path.join(tried.state_dir, "accounts")))
    assert [n.rsplit("-", 1)[0] for n in names] == ["dry-run:lab", "lab"]
    assert tried.serial(A) == "serial=%s" % kept(tried)["serial"].upper()


def test_what_would_fail(tried):
    """The error is shown; no failure is counted, nothing is held."""
    before = kept(tried)
    tried.providers["dns"]["key_name"] = "nobody"
    tried.write_conf()
    assert tried.ctl("reload").returncode == 0
    p = tried.ctl("renew-now", A, "--dry-run")
    assert p.returncode == 1 and "nothing has changed" in p.stdout, p.stdout
    assert "authorize" in p.stdout
    after = kept(tried)
    for key in "failures", "error", "held", "next", "condition", "steps":
        assert after[key] == before[key], key


def test_many(tried, ca_proxy):
    """All of them, by HTTP, too; one that fails does not stop the rest."""
    tried.options["http_listen"] = "%s:%d" % (HTTP_OWN, ca.HTTP_PORT)
    tried.providers["bad"] = daemon.rfc2136(key_name="nobody")
    tried.accounts["mute"] = dict(tried.accounts["lab"])
    tried.accounts["mute"].pop("staging_directory")
    tried.cert(B, provider="bad")
    tried.cert(C, challenge="http-01", provider=None)
    tried.cert("d.example.test", account="mute")
    tried.write_conf()
    assert tried.ctl("reload").returncode == 0
    for name in C, "d.example.test":
        tried.wait_valid(name)
    tried.wait_error(B)
    p = tried.ctl("renew-now", "--all", "--dry-run", timeout=90)
    assert p.returncode == 1, p.stdout
    assert "2 would be renewed, 2 failed" in p.stdout
    assert "no staging CA is known" in p.stdout
    # One alone is refused, with what to do, which then works.
    p = tried.ctl("renew-now", "d.example.test", "--dry-run")
    assert p.returncode == 5 and "--directory URL" in p.stdout
    p = tried.ctl("renew-now", "d.example.test", "--dry-run", "--directory",
                  ca_proxy.directory)
    assert p.returncode == 0, p.stdout
    p = tried.ctl("renew-now", "d.example.test", "--dry-run", "--directory",
                  tried.accounts["lab"]["directory"])
    assert p.returncode == 5 and "not a staging CA" in p.stdout
    for args, code in ((["--directory", ca_proxy.directory], 2),
                       (["--dry-run", "--directory", "http://x"], 5)):
        assert tried.ctl("renew-now", A, *args).returncode == code
    assert tried.ctl("renew-now", "none.example.test",
                     "--dry-run").returncode == 5


def test_killed(tried, ca_proxy, txt):
    """A kill in the middle leaves no record, no key and no order."""
    def hook(request):
        if request.kind == "finalize":
            tried.proc.kill(signal.SIGKILL)
            return "drop"
        return None
    before = kept(tried)
    ca_proxy.before = hook
    p = tried.ctl("renew-now", A, "--dry-run")
    assert p.returncode == 3 and "is resumed" not in p.stdout, p.stdout
    tried.end()
    ca_proxy.reset()
    tried.start()
    tried.wait_clean(40)
    assert txt("example.test", A) == {}
    assert os.listdir(os.path.join(tried.state_dir, "pending")) == []
    after = kept(tried)
    assert after["next"] == before["next"]
    assert after["steps"] == before["steps"]
    assert ca_proxy.count("newOrder") == 0


def test_pair(acmed, ca_proxy):
    """Of a pair both are tried: what the CA refuses of the second is told."""
    name = "dry-pair.example.test"
    acmed.accounts["lab"]["staging_directory"] = ca_proxy.directory
    acmed.cert(name, key=["ec256", "rsa2048"])
    acmed.start()
    acmed.wait_valid(name, 60)
    before = acmed.cert_status(name)["serial"]
    p = acmed.ctl("renew-now", name, "--dry-run")
    assert p.returncode == 0 and "with the key ec256 a renewal works" in \
        p.stdout and p.stdout.count("nothing has changed") == 1, p.stdout
    assert ca_proxy.count("newOrder") == ca_proxy.count("cert") == 2
    requests = []

    def refuse(request):
        if request.kind == "finalize":
            requests.append(request.number)
            if len(set(requests)) == 2:
                return 400, [("Content-Type", "application/problem+json")], \
                    json.dumps({"type": "urn:ietf:params:acme:error:badCSR",
                                "detail": "no RSA here"}).encode()
        return None
    ca_proxy.before = refuse
    p = acmed.ctl("renew-now", name, "--dry-run")
    assert p.returncode == 1 and "with the key rsa2048" in p.stdout and \
        "no RSA here" in p.stdout, p.stdout
    assert acmed.cert_status(name)["serial"] == before
    acmed.wait_clean()
