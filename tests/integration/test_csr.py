# SPDX-License-Identifier: MIT
"""csr = PATH: the key never is on this machine."""

import os
import signal
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lab import proc

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
RSA = ["-newkey", "rsa:2048"]


@pytest.fixture
def elsewhere(acmed):
    """Another machine: it makes keys, and sends requests."""
    class Elsewhere:
        folder = os.path.join(acmed.folder, "elsewhere")
        path = os.path.join(acmed.folder, "web.csr")

        def key(self, name):
            return os.path.join(self.folder, name + ".key")

        def make(self, name, names, kind=EC, cn=None, form="PEM"):
            """Put in place as scp would not: by one rename."""
            san = ",".join("DNS:" + n for n in names)
            new = self.path + ".new"
            proc.run(["openssl", "req", "-new", "-nodes", *kind, "-keyout",
                      self.key(name), "-subj", "/CN=" + cn if cn else "/",
                      "-outform", form, "-out", new]
                     + (["-addext", "subjectAltName=" + san]
                        if names else []))
            os.rename(new, self.path)

    os.makedirs(Elsewhere.folder)
    return Elsewhere()


def leaf(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def spki(public):
    return public.public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def is_for(acmed, elsewhere, name, key):
    """Is the installed certificate made for that key?"""
    with open(elsewhere.key(key), "rb") as f:
        made = serialization.load_pem_private_key(f.read(), None).public_key()
    try:
        return spki(leaf(acmed.live(name, "cert.pem")).public_key()) == \
            spki(made)
    except OSError:
        return False


def home(acmed, name):
    return os.path.dirname(acmed.live(name))


def keys_here(acmed):
    return [os.path.join(d, f) for d, _, files in os.walk(acmed.state_dir)
            for f in files if f == "privkey.pem" or "pending" in d]


def test_web_server_elsewhere(acmed, elsewhere, nginx, lab):
    """nginx has its own key; acmed renews with the request, deploys,
    verifies, takes another request at once, and never has a key."""
    name = "csr.example.test"
    out = os.path.join(elsewhere.folder, "chain.pem")
    elsewhere.make("first", [name, "www." + name], cn=name)
    web = nginx(out, elsewhere.key("first"))
    flag = os.path.join(acmed.folder, "second")
    acmed.cert(name, csr=elsewhere.path, names=None, poll="1s", deploy={
        "web": {"install": {out: {"format": "fullchain"}},
                "exec": ["/bin/sh", "-c", "env >%s.env; [ -e %s ] || exit 0; "
                         "%s" % (flag, flag, " ".join(web.reload_argv))],
                "verify": ["127.0.0.1:443"], "verify_timeout": "20s"}})
    acmed.start()
    acmed.wait("its files", lambda: os.path.exists(out))
    web.start()
    acmed.wait("the deploy", lambda: [
        d["state"] for d in acmed.cert_status(name)["deploy"]] == ["done"],
        timeout=40)
    assert is_for(acmed, elsewhere, name, "first")
    c = acmed.cert_status(name)
    assert sorted(c["names"]) == [name, "www." + name]
    assert sorted(os.listdir(home(acmed, name))) == [
        "ca.json", "cert.pem", "chain.pem", "csr.pem", "fullchain.pem"]
    assert keys_here(acmed) == []
    with open(flag + ".env") as f:
        text = f.read()
    assert "ACMED_CERT=" in text and "ACMED_PRIVKEY" not in text
    detail = acmed.get("/v1/certificates/" + name)[1]
    assert detail["csr"] == elsewhere.path and detail["key"] == "ec256"
    assert elsewhere.path in acmed.ctl("status", name).stdout
    assert "BEGIN CERT" in acmed.ctl("show", name, "--pem").stdout

    # Renewed with the same; a start believes what is there.
    first = c["serial"]
    open(flag, "w").close()
    assert acmed.ctl("renew-now", name).returncode == 0
    second = acmed.cert_status(name)["serial"]
    assert second != first and is_for(acmed, elsewhere, name, "first")
    acmed.end()
    acmed.start()
    time.sleep(1)
    assert acmed.cert_status(name)["serial"] == second

    # Rolled back and forth, exported, revoked without a key.
    assert acmed.ctl("rollback", name).returncode == 0
    acmed.wait("the rollback", lambda: acmed.cert_status(name)["serial"] ==
               first)
    assert acmed.ctl("renew-now", name).returncode == 0
    p = acmed.ctl("export", name, acmed.folder + "/out")
    assert p.returncode == 0, p.stdout
    assert sorted(os.listdir(acmed.folder + "/out")) == [
        "cert.pem", "chain.pem", "csr.pem", "fullchain.pem"]
    p = acmed.ctl("export", name, acmed.folder + "/out2", "--format",
                  "certbot")
    assert p.returncode != 0 and "certbot renews no such" in p.stdout

    # The key is to be thrown away: only another request does that.
    p = acmed.ctl("revoke", name, "--yes")
    assert p.returncode != 0 and elsewhere.path in p.stdout, p.stdout
    old = acmed.cert_status(name)["serial"]
    elsewhere.make("second", [name, "www." + name], RSA)
    acmed.wait("the second request", lambda: is_for(
        acmed, elsewhere, name, "second"), timeout=40)
    assert acmed.get("/v1/certificates/" + name)[1]["key"] is not None
    p = acmed.ctl("revoke", name, "--serial", old, "--yes")
    assert p.returncode == 0 or "may still be served" in p.stdout, p.stdout
    assert keys_here(acmed) == []


def test_other_names(acmed, elsewhere):
    """A request for other names: taken where the configuration has none,
    refused where it has others."""
    name = "dir.example.test"
    elsewhere.make("a", ["a.example.test"], RSA, form="DER")
    acmed.cert(name, csr=elsewhere.path, names=None, poll="1s")
    acmed.start()
    acmed.wait_valid(name)
    assert acmed.get("/v1/certificates/" + name)[1]["key"] == "rsa2048"
    elsewhere.make("b", ["a.example.test", "b.example.test"])
    acmed.wait("the other names", lambda: is_for(acmed, elsewhere, name, "b"),
               timeout=40)
    assert sorted(acmed.cert_status(name)["names"]) == ["a.example.test",
                                                        "b.example.test"]
    # With names of its own it stays as it is, and says so.
    acmed.certs[name]["names"] = ["a.example.test", "b.example.test"]
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    serial = acmed.cert_status(name)["serial"]
    elsewhere.make("c", ["c.example.test", "a.example.test"])
    acmed.wait("the word", lambda: "it asks for c.example.test, and it does "
               "not ask for b.example.test" in acmed.log())
    p = acmed.ctl("renew-now", name)
    assert p.returncode != 0
    error = acmed.cert_status(name)["error"]
    assert error["code"] == "csr:names" and elsewhere.path in error["msg"]
    p = acmed.ctl("reload")
    assert p.returncode != 0 and "c.example.test" in p.stdout
    assert acmed.cert_status(name)["serial"] == serial
    # Half of a file is told, and the whole taken.
    with open(elsewhere.path, "w") as f:
        f.write("-----BEGIN CERTIFICATE REQUEST-----\nMIIB")
    acmed.wait("the half", lambda: "is no certificate request" in acmed.log())
    elsewhere.make("d", ["a.example.test", "b.example.test"])
    acmed.wait("the whole", lambda: is_for(acmed, elsewhere, name, "d"),
               timeout=40)
    # A key of our own again, and files that are lost.
    acmed.certs[name]["csr"] = acmed.certs[name]["poll"] = None
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    acmed.wait("a key", lambda: os.path.exists(
        acmed.live(name, "privkey.pem")), timeout=40)
    assert not os.path.exists(acmed.live(name, "csr.pem"))


def test_damage(acmed, elsewhere):
    """A lost file is made again of the others, a lost link found, and a
    state.db that is gone made anew: without an order."""
    name = "dmg.example.test"
    elsewhere.make("a", [name])
    acmed.cert(name, csr=elsewhere.path)
    acmed.start()
    acmed.wait_valid(name)
    serial = acmed.cert_status(name)["serial"]
    acmed.end()
    os.unlink(acmed.live(name, "cert.pem"))
    acmed.start()
    acmed.wait("the file", lambda: os.path.exists(
        acmed.live(name, "cert.pem")))
    acmed.end()
    os.unlink(home(acmed, name))
    for f in os.listdir(acmed.state_dir):
        if f.startswith("state.db"):
            os.unlink(os.path.join(acmed.state_dir, f))
    acmed.start()
    acmed.wait_valid(name)
    time.sleep(1)
    c = acmed.cert_status(name)
    assert c["serial"] == serial and c["next"]["reason"] in ("lifetime",
                                                             "ari")
    assert os.path.exists(acmed.live(name, "csr.pem"))
    assert keys_here(acmed) == []
    assert acmed.log().count("ordering a certificate") == 1


@pytest.mark.parametrize("changes", [False, True])
def test_crash(acmed, ca_proxy, elsewhere, changes):
    """Killed when the CA has just issued: the certificate is fetched, unless
    there is another request now."""
    name = "crash-%d.example.test" % changes
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    elsewhere.make("a", [name])
    acmed.cert(name, csr=elsewhere.path)
    killed = []

    def after(request):
        if request.kind == "finalize" and not killed:
            killed.append(request.number)
            acmed.proc.kill(signal.SIGKILL)
            return "drop"
        return None
    ca_proxy.after = after
    acmed.write_conf()
    acmed.launch()
    acmed.proc.wait(30)
    acmed.end()
    assert killed
    if changes:
        elsewhere.make("b", [name])
    acmed.start()
    acmed.wait_valid(name, 40)
    assert is_for(acmed, elsewhere, name, "b" if changes else "a")
    assert ca_proxy.count("newOrder") == ca_proxy.count("finalize") == \
        1 + changes
    assert os.listdir(os.path.join(acmed.state_dir, "pending")) == []


def test_rename(acmed, elsewhere):
    """acmectl add --csr writes it, rename takes it over."""
    elsewhere.make("a", ["ren.example.test"])
    acmed.cert("other.example.test")
    os.makedirs(os.path.join(acmed.folder, "conf.d"))
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    acmed.wait_valid("other.example.test")
    p = acmed.ctl("add", "--csr", elsewhere.path)
    assert p.returncode == 0, p.stdout
    acmed.wait_valid("web", 40)
    serial = acmed.cert_status("web")["serial"]
    assert acmed.get("/v1/certificates/web")[1]["csr"] == elsewhere.path
    p = acmed.ctl("rename", "web", "shop")
    assert p.returncode == 0, p.stdout
    c = acmed.wait_valid("shop")
    assert c["serial"] == serial and c["names"] == ["ren.example.test"]
    assert is_for(acmed, elsewhere, "shop", "a") and keys_here(acmed) == [
        os.path.join(acmed.state_dir, "archive", "other.example.test",
                     acmed.cert_status("other.example.test")["serial"],
                     "privkey.pem")]
