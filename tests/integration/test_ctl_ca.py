# SPDX-License-Identifier: MIT
"""acmectl revoke and account, against Pebble."""

import json
import os
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest


def status_of(lab, pebble, serial):
    """What Pebble's management port says of a certificate."""
    url = "https://localhost:%d/cert-status-by-serial/%s" % (
        pebble.manage_port, serial.lstrip("0") or "0")
    with urllib.request.urlopen(url, timeout=10, context=ssl.
                                create_default_context(
                                    cafile=lab.tls.ca)) as f:
        return json.load(f)


@pytest.fixture
def issued(lab, acmed):
    acmed.pebble = lab.pebble()
    acmed.cert("r.example.test", reuse_key=True)
    acmed.start()
    acmed.wait_valid("r.example.test")
    return acmed


@pytest.fixture
def proxied(acmed, ca_proxy):
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert("r.example.test", reuse_key=True)
    acmed.start()
    acmed.wait_valid("r.example.test")
    return acmed


def public_key(acmed):
    return acmed.x509("r.example.test", "-pubkey")


def test_revoke(lab, issued):
    """The replacement is in use, with another key, before the old one goes."""
    old = issued.cert_status("r.example.test")["serial"]
    key = public_key(issued)
    assert status_of(lab, issued.pebble, old)["Status"] == "Valid"
    # Never without a yes, nor for a reason that there is not.
    assert issued.ctl("revoke", "r.example.test").returncode == 2
    p = issued.ctl("revoke", "r.example.test", "--yes", "--reason", "lost")
    assert p.returncode == 2 and "keycompromise" in p.stdout
    p = issued.ctl("revoke", "r.example.test", "--yes", "--reason",
                   "keyCompromise")
    assert p.returncode == 0, p.stdout
    assert "certificate %s of r.example.test is revoked" % old in p.stdout
    new = issued.cert_status("r.example.test")["serial"]
    assert new != old and public_key(issued) != key
    reply = status_of(lab, issued.pebble, old)
    assert reply["Status"] == "Revoked" and reply["Reason"] == 1
    assert status_of(lab, issued.pebble, new)["Status"] == "Valid"
    steps = issued.get("/v1/certificates/r.example.test")[1]["steps"]
    assert "certificate %s is revoked, reason: keycompromise" % old in [
        s["msg"] for s in steps if s["step"] == "command"]
    # Again is as good; with the colons that openssl prints.
    p = issued.ctl("revoke", "r.example.test", "--yes", "--serial", ":".join(
        old[i:i + 2] for i in range(0, len(old), 2)).upper())
    assert p.returncode == 0, p.stdout
    assert issued.cert_status("r.example.test")["serial"] == new
    p = issued.ctl("revoke", "r.example.test", "--yes", "--serial", "1234")
    assert p.returncode == 1 and "the archive has no" in p.stdout


def test_revoke_only_and_by_the_key(lab, issued):
    """Without a replacement; signed with the certificate's own key."""
    old = issued.cert_status("r.example.test")["serial"]
    # The server itself keeps a certificate in use from being revoked.
    code, reply = issued.get("/v1/revoke", "POST", json.dumps(
        {"name": "r.example.test"}))
    assert code == 409 and reply["error"]["code"] == "manage:in-use"
    p = issued.ctl("revoke", "r.example.test", "--only", "--yes", "--by",
                   "certificate", "--json", "--reason", "superseded")
    assert p.returncode == 0, p.stdout
    assert json.loads(p.stdout) == {"certificate": "r.example.test",
                                    "serial": old, "reason": "superseded"}
    reply = status_of(lab, issued.pebble, old)
    assert reply["Status"] == "Revoked" and reply["Reason"] == 4
    assert issued.cert_status("r.example.test")["serial"] == old


def test_a_key_in_use_is_not_revoked(issued):
    """Nor a certificate whose key servers still have."""
    old = issued.cert_status("r.example.test")["serial"]
    assert issued.ctl("renew-now", "r.example.test").returncode == 0
    code, reply = issued.get("/v1/revoke", "POST", json.dumps(
        {"name": "r.example.test", "serial": old}))
    assert code == 409 and "still has the key" in reply["error"]["msg"]


def test_no_replacement_no_revocation(lab, proxied, ca_proxy):
    """What cannot be replaced stays."""
    old = proxied.cert_status("r.example.test")["serial"]
    key = proxied.providers["dns"].pop("key_secret")
    ca_proxy.before = lambda request: (
        403, [("Content-Type", "application/problem+json")],
        b'{"type": "urn:ietf:params:acme:error:rejectedIdentifier"}'
    ) if request.kind == "newOrder" else None
    p = proxied.ctl("revoke", "r.example.test", "--yes", "--reason",
                   "superseded")
    assert p.returncode == 1 and "nothing was revoked yet" in p.stdout
    assert status_of(lab, ca_proxy.pebble, old)["Status"] == "Valid"
    v = proxied.cert_status("r.example.test")
    assert v["serial"] == v["revocation"]["serial"] == old
    assert v["revocation"]["state"] == "replacing"
    # It would be left behind, with the old name.
    p = proxied.ctl("rename", "r.example.test", "other")
    assert p.returncode == 5, p.stdout
    assert "acmectl revoke --cancel r.example.test" in " ".join(
        p.stdout.split()), p.stdout
    assert "when its replacement is in use" in proxied.ctl(
        "status", "r.example.test").stdout
    # It can be given up; asked for again, it is done when it can be.
    assert proxied.ctl("revoke", "--cancel", "--only",
                      "r.example.test").returncode == 2
    assert proxied.ctl("revoke", "--cancel", "r.example.test").returncode == 0
    assert proxied.cert_status("r.example.test")["revocation"] is None
    assert proxied.ctl("revoke", "--cancel", "r.example.test").returncode == 5
    assert proxied.ctl("revoke", "r.example.test", "--yes", "--reason",
                      "superseded").returncode == 1
    proxied.stop()
    ca_proxy.reset()
    proxied.start()
    key = public_key(proxied)
    assert proxied.ctl("renew-now", "r.example.test").returncode == 0
    assert public_key(proxied) != key
    proxied.wait("the revocation", lambda: status_of(
        lab, ca_proxy.pebble, old)["Status"] == "Revoked", 40)
    proxied.wait("its end", lambda: proxied.cert_status(
        "r.example.test")["revocation"] is None)
    assert proxied.cert_status("r.example.test")["serial"] != old


@pytest.mark.parametrize("kind", ["newOrder", "cert", "revoke"])
def test_killed_between_replacement_and_revocation(lab, proxied, ca_proxy,
                                                   kind):
    """kill -9 of acmed, and of acmectl with it: the next start renews with a
    new key, and revokes."""
    old = proxied.cert_status("r.example.test")["serial"]
    key = public_key(proxied)
    before = ca_proxy.count("newOrder")
    killed = []

    def is_it(request):
        return request.kind == kind or (kind == "revoke" and
                                        "revoke" in request.path)

    def kill(request):
        if is_it(request) and not killed:
            killed.append(request)
            proxied.proc.kill()
            return "drop"
        return None
    ca_proxy.before = kill
    p = proxied.ctl("revoke", "r.example.test", "--yes", "--reason",
                   "keycompromise")
    assert p.returncode == 3 and killed, p.stdout
    assert status_of(lab, ca_proxy.pebble, old)["Status"] == "Valid"
    proxied.end()
    proxied.start()
    proxied.wait("the revocation", lambda: status_of(
        lab, ca_proxy.pebble, old)["Status"] == "Revoked", 40)
    proxied.wait("its end", lambda: proxied.cert_status(
        "r.example.test")["revocation"] is None)
    assert status_of(lab, ca_proxy.pebble, old)["Reason"] == 1
    assert proxied.cert_status("r.example.test")["serial"] != old
    assert public_key(proxied) != key
    # One replacement, and one word of it.
    assert ca_proxy.count("newOrder") - before <= (2 if kind == "newOrder"
                                                   else 1)
    steps = proxied.get("/v1/certificates/r.example.test")[1]["steps"]
    assert len([s for s in steps if "is revoked, reason" in s["msg"]]) == 1


def test_deployed_before_it_is_revoked(lab, issued):
    """The old one stays good until every target has the new one."""
    gate = os.path.join(issued.folder, "gate")
    issued.certs["r.example.test"]["deploy"] = {
        "slow": {"exec": ["/usr/bin/test", "-e", gate]}}
    issued.write_conf()
    open(gate, "w").close()
    assert issued.ctl("reload").returncode == 0
    issued.wait("the target", lambda: [
        d["state"] for d in issued.cert_status("r.example.test")["deploy"]]
        == ["done"])
    os.unlink(gate)
    old = issued.cert_status("r.example.test")["serial"]
    assert issued.ctl("revoke", "r.example.test", "--yes").returncode == 1
    v = issued.cert_status("r.example.test")
    assert v["serial"] != old
    assert v["revocation"]["state"] == "deploying"
    assert status_of(lab, issued.pebble, old)["Status"] == "Valid"
    open(gate, "w").close()
    assert issued.ctl("deploy", "r.example.test").returncode == 0
    issued.wait("the revocation", lambda: status_of(
        lab, issued.pebble, old)["Status"] == "Revoked")


def test_revocation_waits_for_a_window(lab, issued):
    """Nor is it revoked while a target waits for its time of day."""
    hour = time.localtime().tm_hour
    issued.certs["r.example.test"]["deploy"] = {"later": {
        "exec": ["/usr/bin/true"], "deploy_window": "%02d:00-%02d:00" % (
            (hour + 6) % 24, (hour + 7) % 24)}}
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0
    assert issued.ctl("deploy", "r.example.test").returncode == 0
    old = issued.cert_status("r.example.test")["serial"]
    p = issued.ctl("revoke", "r.example.test", "--yes")
    assert p.returncode == 1 and "may still be served" in p.stdout, p.stdout
    v = issued.cert_status("r.example.test")
    assert v["serial"] != old
    assert v["revocation"]["state"] == "deploying"
    p = issued.ctl("revoke", "r.example.test", "--serial", old, "--yes")
    assert p.returncode == 1 and "may still be served" in p.stdout, p.stdout
    assert status_of(lab, issued.pebble, old)["Status"] == "Valid"
    assert issued.ctl("deploy", "r.example.test").returncode == 0
    issued.wait("the revocation", lambda: status_of(
        lab, issued.pebble, old)["Status"] == "Revoked")


def test_nothing_issued_yet(acmed):
    """What there is not can be neither revoked nor exported."""
    acmed.cert("r.example.test")
    acmed.accounts["lab"]["directory"] = "https://127.0.0.1:1/dir"
    acmed.start()
    for argv in (["export", "r.example.test", acmed.folder + "/out"],
                 ["revoke", "r.example.test", "--only", "--yes"],
                 ["revoke", "r.example.test", "--serial", "01", "--yes"]):
        p = acmed.ctl(*argv)
        assert p.returncode not in (0, 3), p.stdout
    code, body = acmed.get("/v1/revoke", "POST",
                           body=json.dumps({"name": "r.example.test"}))
    assert code >= 400 and "r.example.test" in str(body), body
    assert acmed.cert_status("r.example.test")["serial"] is None


def test_accounts(issued):
    """What the CA says of one, and its end."""
    issued.accounts["spare"] = dict(issued.accounts["lab"])
    issued.cert("s.example.test", account="spare")
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0
    issued.wait_valid("s.example.test")
    p = issued.ctl("account", "list")
    assert p.returncode == 0 and p.stdout.count("admin@example.test") == 2
    a = json.loads(issued.ctl("account", "show", "lab", "--json").stdout)
    assert a["status"] == "valid" and a["url"].startswith("https://")
    assert a["contact"] == ["mailto:admin@example.test"]
    # Changed contacts reach the CA with the reload, or when asked.
    issued.accounts["lab"]["contact"] = ["mailto:other@example.test"]
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0

    def contact():
        return json.loads(issued.ctl("account", "show", "lab",
                                     "--json").stdout)["contact"]
    issued.wait("the contact at the CA",
                lambda: contact() == ["mailto:other@example.test"])
    assert issued.ctl("account", "update", "lab").returncode == 0
    p = issued.ctl("account", "deactivate", "spare", "--yes")
    assert p.returncode == 5 and "1 certificate has" in p.stdout
    del issued.certs["s.example.test"]
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0
    assert issued.ctl("account", "deactivate", "spare").returncode == 2
    p = issued.ctl("account", "deactivate", "spare", "--yes")
    assert p.returncode == 0 and "deactivated" in p.stdout, p.stdout
    p = issued.ctl("account", "show", "spare")
    assert p.returncode == 5 and "unauthorized" in p.stdout, p.stdout
    for args, code in ((["show", "none"], 5), (["show"], 2), (["shwo"], 2)):
        assert issued.ctl("account", *args).returncode == code


def test_contact_changed_while_it_was_down(issued):
    """The CA is told at the start, not with the next renewal."""
    issued.stop()
    issued.accounts["lab"]["contact"] = ["mailto:new@example.test"]
    issued.start()
    issued.wait("the CA to be told", lambda: 'the CA has the contact '
                '["mailto:new@example.test"] now' in issued.log())
    issued.stop()
    issued.start()
    assert issued.log().count("the CA has the contact") == 1


def test_register_export_import(acmed):
    """An account comes into being, leaves as a file, and comes back, whatever
    program's file its key is in."""
    acmed.cert("r.example.test")
    acmed.accounts["spare"] = dict(acmed.accounts["lab"])
    acmed.accounts["third"] = dict(acmed.accounts["lab"])
    acmed.start()
    p = acmed.ctl("account", "register", "spare", "--json")
    assert p.returncode == 0, p.stdout
    spare = json.loads(p.stdout)
    assert spare["new"] and spare["status"] == "valid" and spare["url"]
    p = acmed.ctl("account", "register", "spare")
    assert p.returncode == 0 and spare["url"] in p.stdout, p.stdout
    assert "registered already" in p.stdout
    assert acmed.ctl("account", "register", "none").returncode == 5

    copy = os.path.join(acmed.folder, "spare.json")
    p = acmed.ctl("account", "export", "spare", copy)
    assert p.returncode == 0 and "acmectl account import" in p.stdout
    assert os.stat(copy).st_mode & 0o777 == 0o600
    with open(copy) as f:
        j = json.load(f)
    assert j["url"] == spare["url"] and j["key"]["kty"] == "EC"
    assert j["directory"] == spare["directory"]
    assert acmed.ctl("account", "export", "spare", copy).returncode == 5
    assert acmed.ctl("account", "export", "third",
                     copy + "3").returncode == 5       # no key yet

    # The same key: nothing to lose.  Another one only with --force.
    assert acmed.ctl("account", "import", "spare", copy).returncode == 0
    folder = os.path.join(acmed.state_dir, "accounts")
    pem, = [f for f in os.listdir(folder) if f.startswith("spare-")]
    pem = os.path.join(folder, pem)
    sec1 = os.path.join(acmed.folder, "account.key")    # acme.sh, lego
    subprocess.run(["openssl", "ec", "-in", pem, "-out", sec1], check=True,
                   stderr=subprocess.DEVNULL)
    jwk = os.path.join(acmed.folder, "private_key.json")    # certbot
    with open(jwk, "w") as f:
        json.dump(j["key"], f)
    for path in copy, pem, sec1, jwk:
        p = acmed.ctl("account", "import", "third", path, "--json")
        assert p.returncode == 0, (path, p.stdout)
        assert json.loads(p.stdout)["url"] == spare["url"]
    lab = json.loads(acmed.ctl("account", "show", "lab", "--json").stdout)
    p = acmed.ctl("account", "import", "lab", copy)
    assert p.returncode == 5 and "would be lost" in p.stdout
    assert json.loads(acmed.ctl("account", "show", "lab", "--json").stdout)[
        "url"] == lab["url"]
    acmed.wait_valid("r.example.test")
    p = acmed.ctl("account", "import", "--force", "lab", copy)
    assert p.returncode == 0, p.stdout
    assert acmed.ctl("renew-now", "r.example.test").returncode == 0
    assert json.loads(acmed.ctl("account", "show", "lab", "--json").stdout)[
        "url"] == spare["url"]

    # A key that the CA does not know, another CA's, and no key.
    for args in ("ecparam", "-name", "prime256v1", "-genkey", "-noout"),:
        subprocess.run(["openssl", *args, "-out", sec1], check=True)
    p = acmed.ctl("account", "import", "third", "--force", sec1)
    assert p.returncode == 5 and "knows no account" in p.stdout, p.stdout
    j["directory"] = "https://acme.invalid/dir"
    with open(copy, "w") as f:
        json.dump(j, f)
    p = acmed.ctl("account", "import", "third", copy)
    assert p.returncode == 5 and "acme.invalid" in p.stdout
    for text in "{}", "no key", '{"key": 1}':
        with open(copy, "w") as f:
            f.write(text)
        assert acmed.ctl("account", "import", "third", copy).returncode == 1
    assert acmed.ctl("account", "import", "third").returncode == 2
    assert acmed.ctl("account", "list", "third").returncode == 2
    key = j["key"]["d"]
    assert key not in acmed.log()


def test_rollover(issued):
    """Another key, which renewals use; and what a crash leaves is settled by
    asking the CA."""
    folder = os.path.join(issued.state_dir, "accounts")

    def keys():
        found = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as f:
                found[name] = f.read()
        return found
    before = keys()
    path, = before
    url = json.loads(issued.ctl("account", "show", "lab", "--json").stdout)[
        "url"]
    p = issued.ctl("account", "rollover", "lab", "--json")
    assert p.returncode == 0 and json.loads(p.stdout)["url"] == url, p.stdout
    after = keys()
    assert list(after) == [path] and after[path] != before[path]
    assert os.stat(os.path.join(folder, path)).st_mode & 0o777 == 0o600
    assert issued.ctl("renew-now", "r.example.test").returncode == 0
    # The CA was asked, and its answer was not seen: it has the new key ...
    issued.stop()
    with open(os.path.join(folder, path), "w") as f:
        f.write(before[path])
    with open(os.path.join(folder, path + ".next"), "w") as f:
        f.write(after[path])
    issued.start()
    assert issued.ctl("renew-now", "r.example.test").returncode == 0
    assert keys() == after
    # ... or it was not asked yet: it has the old one.
    issued.stop()
    with open(os.path.join(folder, path + ".next"), "w") as f:
        f.write(before[path])
    issued.start()
    assert issued.ctl("renew-now", "r.example.test").returncode == 0
    assert keys() == after
    assert json.loads(issued.ctl("account", "show", "lab", "--json").stdout)[
        "url"] == url
    assert "the CA has its new key already" in issued.log()
    assert "the CA has its old key still" in issued.log()


def test_rollover_waits_for_nobody(issued, ca_proxy):
    """Not while a renewal uses the account."""
    issued.accounts["lab"]["directory"] = ca_proxy.directory
    held = threading.Event()
    go_on = threading.Event()

    def hook(request):
        if request.kind == "newOrder":
            held.set()
            go_on.wait(20)
    ca_proxy.before = hook
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0
    try:
        assert held.wait(20)
        p = issued.ctl("account", "rollover", "lab")
        assert p.returncode == 5 and "is being used" in p.stdout, p.stdout
    finally:
        go_on.set()
    issued.wait_valid("r.example.test")
    assert issued.ctl("account", "rollover", "lab").returncode == 0


def test_rollover_answer_is_lost(issued, ca_proxy):
    """The CA has the new key, and refuses the second try, which the old one
    signed: the new key is kept."""
    issued.accounts["lab"]["directory"] = ca_proxy.directory
    issued.write_conf()
    assert issued.ctl("reload").returncode == 0
    issued.wait("the proxy's account", lambda: "Pebble" in str(
        issued.cert_status("r.example.test")["issuer"]) and
        ca_proxy.count("newOrder") > 0)
    issued.wait_valid("r.example.test")
    lost = []

    def cut(request):
        if "key" in request.path and request.status == 200 and not lost:
            lost.append(request)
            return "drop"
        return None
    ca_proxy.after = cut
    p = issued.ctl("account", "rollover", "lab")
    assert lost, p.stdout
    folder = os.path.join(issued.state_dir, "accounts")
    assert issued.ctl("renew-now", "r.example.test").returncode == 0
    assert [f for f in os.listdir(folder) if f.endswith(".next")] == []
    assert "the CA has its new key already" in issued.log()
