# SPDX-License-Identifier: MIT
"""key = { "ec256", "rsa2048" }: two certificates under one name."""

import base64
import os
import signal
import sqlite3
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lab import daemon, proc

KEYS = ["ec256", "rsa2048"]
FILES = ("privkey", "cert", "chain", "fullchain")


def leaf(pem):
    if isinstance(pem, str) and not pem.startswith("-----"):
        with open(pem) as f:
            pem = f.read()
    return x509.load_pem_x509_certificate(pem.encode())


def serial(pem):
    return "%x" % leaf(pem).serial_number


def shorter(text):
    return text.lstrip("0")


def both(acmed, name):
    """The serials in live/NAME, with the keys that they are to have."""
    home = os.path.realpath(os.path.dirname(acmed.live(name))) + "/"
    first, second = leaf(home + "fullchain.pem"), leaf(
        home + "rsa/fullchain.pem")
    assert isinstance(first.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(second.public_key(), rsa.RSAPublicKey)
    for x, folder in (first, ""), (second, "rsa/"):
        key = proc.run(["openssl", "pkey", "-pubout", "-in",
                        home + folder + "privkey.pem"]).stdout
        pub = proc.run(["openssl", "x509", "-pubkey", "-noout", "-in",
                        home + folder + "cert.pem"]).stdout
        assert key == pub
    return "%x" % first.serial_number, "%x" % second.serial_number


def served(name, kind):
    """The serial that a client gets which knows only this kind of key."""
    p = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername",
         name, "-tls1_2", "-cipher", kind], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False)
    begin = p.stdout.find("-----BEGIN CERTIFICATE-----")
    end = p.stdout.find("-----END CERTIFICATE-----")
    if begin < 0 or end < 0:
        return None
    return serial(p.stdout[begin:end] + "-----END CERTIFICATE-----\n")


def pair_nginx(nginx, acmed, name, n=2):
    cert, key = acmed.live(name), acmed.live(name, "privkey.pem")
    if n == 2:
        cert += ";\n\tssl_certificate " + acmed.live(
            name, "rsa/fullchain.pem")
        key += ";\n\tssl_certificate_key " + acmed.live(
            name, "rsa/privkey.pem")
    return nginx(cert, key)


def detail(acmed, name):
    return acmed.get("/v1/certificates/" + name)[1]


def deployed(acmed, name):
    def check():
        c = detail(acmed, name)
        return c["serial"] and c["run"] is None and all(
            d["state"] == "done" for d in c["deploy"]) and c
    return acmed.wait("the deploy", check, timeout=60)


def test_served(acmed, lab, nginx):
    """nginx serves both, from the placeholder on; a renewal switches both, a
    step sees both, a target may name one; both are revoked."""
    name = "pair.example.test"
    out = os.path.join(acmed.folder, "out")
    os.mkdir(out)
    web = pair_nginx(nginx, acmed, name)
    acmed.cert(name, [name, "*." + name], key=KEYS, placeholder=True, deploy={
        "web": {"exec": ["/bin/sh", "-c", "echo $ACMED_SECOND_DIR "
                         "$ACMED_SERIAL >%s/env; %s" % (
                             out, " ".join(web.reload_argv))],
                "verify": ["127.0.0.1:443"], "verify_timeout": "20s"},
        "files": {"install": {
            out + "/a.pem": {"format": "combined"},
            out + "/b.pem": {"format": "combined", "key": "rsa2048"}}},
        "second": {"key": "rsa2048",
                   "install": {out + "/c.pem": {"format": "cert"}},
                   "exec": ["/bin/sh", "-c", "echo $ACMED_LIVE_DIR "
                            "$ACMED_SERIAL >%s/env2" % out]}})
    ca = acmed.accounts["lab"]["directory"]
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"
    acmed.start()
    web.start()
    acmed.wait_error(name)
    acmed.accounts["lab"]["directory"] = ca
    acmed.write_conf()
    acmed.ctl("reload")
    acmed.ctl("renew-now", name)
    c = deployed(acmed, name)
    first, second = both(acmed, name)
    assert served(name, "ECDSA") == first
    assert served(name, "aRSA") == second
    assert shorter(c["serial"]) == first
    assert c["key"] == "ec256"
    assert c["second"]["key"] == "rsa2048"
    assert shorter(c["second"]["serial"]) == second
    assert c["second"]["folder"] == "rsa"
    shown = acmed.ctl("status", name).stdout
    assert "rsa2048" in shown and c["second"]["serial"] in shown
    with open(out + "/env") as f:
        assert f.read().split() == [
            os.path.dirname(acmed.live(name)) + "/rsa", c["serial"]]
    with open(out + "/env2") as f:
        assert f.read().split() == [
            os.path.dirname(acmed.live(name)) + "/rsa",
            c["second"]["serial"]]
    assert serial(out + "/a.pem") == first
    assert serial(out + "/b.pem") == serial(out + "/c.pem") == second
    assert "key rsa2048" in acmed.log()
    # What is renewed is both; what was before is revoked, both.
    p = acmed.ctl("revoke", name, "--yes", timeout=120)
    assert p.returncode == 0, p.stdout + p.stderr
    new = deployed(acmed, name)
    assert not {first, second} & set(both(acmed, name))
    acmed.wait("the revocation", lambda: all(
        "certificate %s is revoked" % s in acmed.log()
        for s in (c["serial"], c["second"]["serial"])), timeout=60)
    assert served(name, "aRSA") == both(acmed, name)[1]
    # Back, and both.
    p = acmed.ctl("rollback", name)
    assert p.returncode == 0, p.stdout
    assert both(acmed, name) == (first, second)
    assert new["serial"] != acmed.cert_status(name)["serial"]


def test_only_one_served(acmed, nginx):
    """A server that has the first only is told from one that has both."""
    name = "half.example.test"
    acmed.cert(name, key=KEYS, placeholder=True, deploy={
        "web": {"verify": ["127.0.0.1:443"], "verify_timeout": "1s"}})
    acmed.start()
    acmed.wait_valid(name, timeout=60)
    web = pair_nginx(nginx, acmed, name, 1)
    web.start()
    acmed.ctl("deploy", name)
    c = acmed.cert_status(name)
    error = c["deploy"][0]["error"]
    assert "not that with rsa2048" in error, error
    assert acmed.live(name, "rsa") in error


def test_renamed(acmed):
    """Both go on under the new name, without an order."""
    old, new = "old.example.test", "new"
    acmed.cert(old, key=KEYS)
    conf_d = os.path.join(acmed.folder, "conf.d")
    os.makedirs(conf_d, exist_ok=True)
    with open(os.path.join(conf_d, old + ".conf"), "w") as f:
        f.write("# Written by acmectl add on 2026-11-29: a certificate.\n" +
                daemon.section("certificate", old, acmed.certs.pop(old)))
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    acmed.wait_valid(old, timeout=60)
    serials = both(acmed, old)
    p = acmed.ctl("rename", old, new)
    assert p.returncode == 0, p.stdout
    assert both(acmed, new) == serials
    c = detail(acmed, new)
    assert c["run"] is None and c["next"]["reason"] in ("lifetime", "ari")
    assert shorter(c["second"]["serial"]) == serials[1]


def test_resumed(scripted, make):
    """The second order fails, and acmed is killed: the first certificate is not
    ordered again, nothing is installed before both are there."""
    name = "crash.example.test"
    ca = scripted()
    ca.auto_authz = True
    orders = []

    def refuse(ca, h, payload):
        orders.append(payload)
        if len(orders) > 1:
            return ca.problem(500, "serverInternal", "not now")
        return None
    ca.before["newOrder"] = refuse
    acmed = make(directory=ca.directory, ca_file=ca.ca_file)
    acmed.cert(name, key=KEYS)
    acmed.start()
    acmed.wait_error(name, timeout=60)
    assert not os.path.lexists(os.path.dirname(acmed.live(name)))
    assert acmed.cert_status(name)["serial"] is None
    acmed.kill()
    ca.before = {}
    acmed.start()
    acmed.ctl("renew-now", name, timeout=90)
    acmed.wait_valid(name, timeout=60)
    first, second = both(acmed, name)
    assert sorted("%x" % x.serial_number for x in ca.certs.values()) == \
        sorted([first, second])
    assert ca.count()["finalize"] == 2
    assert os.listdir(os.path.join(acmed.state_dir, "pending")) == []
    # The second is lost: both are renewed, as one.
    acmed.stop()
    folder = os.path.dirname(acmed.live(name, "rsa/cert.pem"))
    for file in FILES:
        os.unlink(os.path.join(folder, file + ".pem"))
    os.rmdir(folder)
    acmed.start()
    acmed.wait("a new pair", lambda: os.path.exists(folder) and
               both(acmed, name)[0] != first, timeout=60)


@pytest.mark.parametrize("kind, nth, when", [
    ("cert", 1, "after"), ("newOrder", 2, "before"),
    ("finalize", 2, "after"), ("cert", 2, "after")])
def test_kill(acmed, ca_proxy, kind, nth, when):
    """Dies between the two: neither is ordered or issued a third time, and
    live/ has both or none."""
    name = "%s-%d.example.test" % (kind.lower(), nth)
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name, key=KEYS)
    seen, killed = [], []

    def hook(request):
        if request.kind != kind or killed:
            return None
        seen.append(request.number)
        if len(set(seen)) < nth:
            return None
        killed.append(request.number)
        acmed.proc.kill(signal.SIGKILL)
        return "drop"
    setattr(ca_proxy, when, hook)
    acmed.write_conf()
    acmed.launch()
    try:
        acmed.proc.wait(60)
    finally:
        acmed.end()
    assert killed
    assert not os.path.lexists(os.path.dirname(acmed.live(name)))
    acmed.start()
    acmed.wait_valid(name, 60)
    acmed.wait_clean(30)
    both(acmed, name)
    assert len(os.listdir(os.path.join(acmed.state_dir, "archive",
                                       name))) == 1
    acmed.wait("nothing pending", lambda: not os.listdir(
        os.path.join(acmed.state_dir, "pending")))
    assert ca_proxy.count("newOrder") == 2
    assert ca_proxy.count("finalize") == 2


def ask_soon(acmed):
    """The CA is asked at once, and may call for a renewal at once."""
    acmed.stop()
    db = sqlite3.connect(os.path.join(acmed.state_dir, "state.db"))
    with db:
        db.execute("UPDATE cert SET ari_poll_at = 0,"
                   " installed_at = installed_at - 7200")
    db.close()
    acmed.start()


def test_ari(scripted, make):
    """The CA is asked about both; it calls for the second, and both are
    renewed, each order naming the one that it replaces."""
    name = "ari.example.test"
    ca = scripted()
    ca.auto_authz = True
    asked, called, orders = set(), set(), []

    def window(ca, certid):
        asked.add(certid)
        return {"suggestedWindow": dict(zip(("start", "end"), (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
                ca.now() + 86400 * d)) for d in (
                    (-3, -2) if certid in called else (40, 50)))))}

    def order(ca, h, payload):
        orders.append(payload.get("replaces"))
    ca.ari = window
    ca.before["newOrder"] = order
    acmed = make(directory=ca.directory, ca_file=ca.ca_file)
    acmed.cert(name, key=KEYS)
    acmed.start()
    acmed.wait_valid(name, timeout=60)
    assert orders == [None, None]
    old = both(acmed, name)
    ask_soon(acmed)
    c = acmed.wait("both windows", lambda: (
        lambda c: c["ari"] and c["second"]["ari"] and c)(
            detail(acmed, name)), 30)
    assert len(asked) == 2
    assert c["next"]["at"] == min(c["ari"]["drawn"],
                                  c["second"]["ari"]["drawn"])

    def number(certid):
        raw = certid.split(".")[1]
        return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).hex()
    ids = {number(i).lstrip("0"): i for i in asked}
    called.add(ids[old[1]])
    ask_soon(acmed)
    acmed.wait("the renewal", lambda: both(acmed, name)[1] != old[1], 60)
    assert not set(both(acmed, name)) & set(old)
    assert orders[2:] == [ids[old[0]], ids[old[1]]]


def test_subscriber(make, lab, tmp_path):
    """Both are published, and fetched; a subscriber's target may name one."""
    name = "fleet.example.test"
    folder = str(tmp_path / "fleet")
    os.mkdir(folder)
    secret = str(tmp_path / "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4 + "\n")
    os.chmod(secret, 0o600)
    publisher, web = make(), make()
    for a in publisher, web:
        a.repositories["fleet"] = {"type": "directory", "path": folder,
                                   "encrypt_key_file": secret}
    publisher.cert(name, key=KEYS, deploy={"fleet": {"publish": "fleet"}})
    web.accounts, web.providers = {}, {}
    web.certs[name] = {"source": "fleet", "poll": "60s", "names": [name],
                       "deploy": {"one": {"key": "rsa2048", "install": {
                           web.folder + "/one.pem": {"format": "cert"}}}}}
    publisher.start()
    deployed(publisher, name)
    web.start()
    c = deployed(web, name)
    assert both(web, name) == both(publisher, name)
    for folder in "", "rsa/":
        for file in FILES:
            with open(web.live(name, folder + file + ".pem")) as a, \
                    open(publisher.live(name, folder + file + ".pem")) as b:
                assert a.read() == b.read()
    assert serial(web.folder + "/one.pem") == shorter(c["second"]["serial"])

    # What it says that it serves is both; the publisher keeps that.
    def said():
        hosts = publisher.get("/v1/receipts")[1]["hosts"]
        return hosts and hosts[0]["second"]
    publisher.wait("the receipt", said, timeout=30)
    assert said() == c["second"]["serial"]
    publisher.stop()
    publisher.start()
    assert said() == c["second"]["serial"]


def test_exported(acmed, tmp_path):
    """Both are copied, as PEM and PKCS#12; what certbot cannot take is told.
    A rollback to one certificate is refused while servers read two."""
    name = "exported.example.test"
    acmed.cert(name, key="ec256")
    acmed.start()
    acmed.wait_valid(name, timeout=60)
    acmed.certs[name]["key"] = KEYS
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    acmed.wait("the pair", lambda: os.path.exists(acmed.live(
        name, "rsa/cert.pem")), timeout=60)
    acmed.wait_valid(name, timeout=60)
    out = tmp_path / "pem"
    assert acmed.ctl("export", name, str(out)).returncode == 0
    for folder in "", "rsa/":
        for what in FILES:
            with open(acmed.live(name, folder + what + ".pem")) as f:
                assert (out / (folder + what + ".pem")).read_text() == \
                    f.read()
        assert (out / (folder + "privkey.pem")).stat().st_mode & 0o77 == 0
    p = acmed.ctl("export", name, str(out))
    assert p.returncode == 1 and "File exists" in p.stdout, p.stdout
    # ... nor is anything of it removed for another one's sake.
    single = "single." + name
    acmed.cert(single)
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    acmed.wait_valid(single, timeout=60)
    p = acmed.ctl("export", single, str(out))
    assert p.returncode == 1 and "File exists" in p.stdout, p.stdout
    assert len(os.listdir(out / "rsa")) == 4
    os.unlink(out / "cert.pem")         # none of the second is left over
    os.rename(out / "rsa", tmp_path / "rsa")
    p = acmed.ctl("export", name, str(out))
    assert p.returncode == 1 and os.listdir(out / "rsa") == [], p.stdout
    password = tmp_path / "password"
    password.write_text("hunter22\n")
    password.chmod(0o600)
    p = acmed.ctl("export", name, str(out), "--format", "pkcs12",
                  "--password-file", str(password))
    assert p.returncode == 0, p.stdout
    for suffix, folder in ("", ""), ("-rsa", "rsa/"):
        p = proc.run(["openssl", "pkcs12", "-in", str(out / (
            name + suffix + ".p12")), "-passin", "file:%s" % password,
            "-nokeys", "-clcerts"]).stdout
        assert serial(p[p.index("-----BEGIN"):]) == "%x" % leaf(acmed.live(
            name, folder + "cert.pem")).serial_number
    p = acmed.ctl("export", name, str(tmp_path / "certbot"), "--format",
                  "certbot")
    assert p.returncode == 0 and "rsa/, is left out" in p.stdout, p.stdout

    p = acmed.ctl("rollback", name)
    assert p.returncode == 5 and "has no rsa/fullchain.pem" in p.stdout
    both(acmed, name)
    p = acmed.ctl("rollback", name, "--force")
    assert p.returncode == 0, p.stdout
    assert not os.path.exists(acmed.live(name, "rsa/cert.pem"))
