# SPDX-License-Identifier: MIT
"""Certificates are obtained, in every way a configuration can ask for."""

import base64
import json
import os
import stat

import pytest

import conftest
from conftest import KNOT
from lab import ca, daemon, proc


def names_of(acmed, name):
    text = acmed.x509(name, "-ext", "subjectAltName")
    return sorted(part.strip().removeprefix("DNS:")
                  for part in text.splitlines()[-1].split(","))


def check_files(acmed, name, root=None):
    """Key and chain belong together, and nobody else can read the key."""
    live = os.path.join(acmed.state_dir, "live", name)
    assert os.path.islink(live)
    for file in ("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"):
        assert os.path.getsize(os.path.join(live, file)) > 0
    key = os.stat(os.path.join(live, "privkey.pem"))
    assert stat.S_IMODE(key.st_mode) == 0o600
    for folder in (acmed.state_dir, os.path.realpath(live)):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    public = proc.run(["openssl", "pkey", "-pubout", "-in",
                       acmed.live(name, "privkey.pem")]).stdout
    assert acmed.x509(name, "-pubkey") == public
    with open(acmed.live(name, "cert.pem")) as c, \
            open(acmed.live(name, "chain.pem")) as h, \
            open(acmed.live(name)) as f:
        assert c.read() + h.read() == f.read()
    if root:
        path = os.path.join(acmed.folder, "root.pem")
        with open(path, "w") as f:
            f.write(root)
        proc.run(["openssl", "verify", "-CAfile", path, "-untrusted",
                  acmed.live(name, "chain.pem"),
                  acmed.live(name, "cert.pem")])


def test_first_issue(acmed, lab, txt):
    acmed.cert("first.example.test")
    acmed.start()
    c = acmed.wait_valid("first.example.test")
    acmed.wait_clean()
    check_files(acmed, "first.example.test", lab.pebble().root())
    assert names_of(acmed, "first.example.test") == ["first.example.test"]
    if ca.is_current(conftest.pebble_binary):
        # Debian's puts one there, whatever it is asked for.
        assert "CN" not in acmed.x509("first.example.test", "-subject")
    assert c["serial"].lower() in acmed.serial("first.example.test").lower()
    assert c["not_after"] - c["not_before"] >= 90 * 86400 - 2
    # 30 days before the end, give or take 2 %.
    early = c["not_after"] - c["next"]["at"]
    assert c["next"]["action"] == "renew"
    assert abs(early - 30 * 86400) <= 30 * 86400 * 0.021
    assert txt("example.test", "first.example.test") == {}
    acmed.stop()


def test_apex_and_wildcard(acmed, lab, txt):
    acmed.cert("example.test", ["example.test", "*.example.test"])
    acmed.start()
    acmed.wait_valid("example.test")
    acmed.wait_clean()
    assert names_of(acmed, "example.test") == ["*.example.test",
                                               "example.test"]
    assert "_acme-challenge.example.test" not in txt("example.test")


def test_ten_at_once(acmed, txt):
    all_names = ["ten%d.example.test" % i for i in range(10)]
    for n in all_names:
        acmed.cert(n, [n, "*." + n])
    acmed.start()
    for n in all_names:
        acmed.wait_valid(n, 30)
    acmed.wait_clean()
    assert len({acmed.serial(n) for n in all_names}) == 10
    assert not [n for n in txt("example.test") if "ten" in n]


def test_restart_renews_nothing(acmed, lab):
    acmed.cert("again.example.test")
    acmed.start()
    acmed.wait_valid("again.example.test")
    serial, orders = acmed.serial("again.example.test"), lab.pebble().orders()
    acmed.stop()
    acmed.start()
    c = acmed.cert_status("again.example.test")
    assert c["state"] == "valid" and c["run"] is None
    assert acmed.serial("again.example.test") == serial
    assert lab.pebble().orders() == orders


def test_renewal_when_due(make):
    """A certificate is renewed by itself when half of its life is over."""
    acmed = make(validity_s=240)
    acmed.cert("short.example.test")
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("no libfaketime")
    acmed.start()
    first = acmed.wait_valid("short.example.test")
    half = (first["not_after"] + first["not_before"]) / 2
    assert abs(first["next"]["at"] - half) <= 3
    serial = acmed.serial("short.example.test")
    jump(122)
    acmed.wait("a renewal", lambda: acmed.serial(
        "short.example.test") != serial, 45)
    archive = os.path.join(acmed.state_dir, "archive", "short.example.test")
    assert len(os.listdir(archive)) == 2


def test_only_five_versions_stay(acmed):
    acmed.cert("five.example.test")
    acmed.start()
    acmed.wait_valid("five.example.test")
    for _ in range(6):
        assert acmed.ctl("renew-now", "five.example.test").returncode == 0
    archive = os.path.join(acmed.state_dir, "archive", "five.example.test")
    assert len(os.listdir(archive)) == 5
    check_files(acmed, "five.example.test")


@pytest.mark.parametrize("kind,text", [
    ("ec256", "prime256v1"), ("ec384", "secp384r1"),
    ("rsa2048", "(2048 bit"), ("rsa3072", "(3072 bit")])
def test_key_types(acmed, kind, text):
    name = "%s.example.test" % kind
    acmed.cert(name, key=kind)
    acmed.accounts["lab"]["key"] = kind
    acmed.start()
    acmed.wait_valid(name, 40)
    assert text in acmed.x509(name, "-text")


@pytest.mark.parametrize("reuse", [False, True])
def test_reuse_key(acmed, reuse):
    name = "reuse%d.example.test" % reuse
    acmed.cert(name, reuse_key=reuse)
    acmed.start()
    acmed.wait_valid(name)
    before = acmed.x509(name, "-pubkey")
    assert acmed.ctl("renew-now", name).returncode == 0
    assert (acmed.x509(name, "-pubkey") == before) == reuse


def test_changed_names_renew(acmed):
    entry = acmed.cert("more.example.test")
    acmed.start()
    acmed.wait_valid("more.example.test")
    entry["names"] = ["more.example.test", "extra.more.example.test"]
    acmed.write_conf()
    acmed.reload()
    acmed.wait("both names", lambda: len(names_of(
        acmed, "more.example.test")) == 2)
    entry["key"] = "ec384"
    acmed.write_conf()
    acmed.reload()
    acmed.wait("the other key", lambda: "secp384r1" in acmed.x509(
        "more.example.test", "-text"))


def test_removed_certificate_keeps_its_files(acmed):
    acmed.cert("gone.example.test")
    acmed.cert("stays.example.test")
    acmed.start()
    acmed.wait_valid("gone.example.test")
    acmed.wait_valid("stays.example.test")
    del acmed.certs["gone.example.test"]
    acmed.write_conf()
    acmed.reload()
    acmed.wait("its end", lambda: acmed.cert_status(
        "gone.example.test") is None)
    assert os.path.exists(acmed.live("gone.example.test"))
    assert acmed.cert_status("stays.example.test")["state"] == "valid"


def test_two_providers(acmed, txt):
    """A name may choose a provider of its own: here BIND and Knot."""
    acmed.providers["knot"] = daemon.rfc2136(KNOT)
    acmed.cert("k.knot.test", ["k.knot.test", "*.k.knot.test"],
               provider="knot")
    acmed.start()
    acmed.wait_valid("k.knot.test", 30)
    acmed.wait_clean(30)
    assert txt("knot.test") == {}


def test_cname_delegation(acmed, txt):
    """_acme-challenge.www is a CNAME into a zone that we may change."""
    acmed.cert("www.example.test")
    acmed.start()
    acmed.wait_valid("www.example.test")
    acmed.wait_clean()
    assert txt("other.test") == {}


def test_cname_loop_is_named(acmed):
    acmed.cert("loop.example.test")
    acmed.start()
    error = acmed.wait_error("loop.example.test")
    assert "CNAME" in error["msg"]


def test_values_of_others_stay(acmed, txt):
    name = "kept.example.test"
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    assert txt("example.test", name) == {
        "_acme-challenge." + name: ["somebody else's"]}


EAB_KEY = base64.urlsafe_b64encode(b"k" * 48).decode().rstrip("=")


def test_eab(make):
    acmed = make(eab={"kid-1": EAB_KEY})
    key_file = os.path.join(acmed.folder, "eab")
    with open(key_file, "w") as f:
        f.write(EAB_KEY + "\n")
    os.chmod(key_file, 0o600)
    acmed.accounts["lab"].update(eab_kid="kid-1", eab_hmac_key_file=key_file)
    acmed.cert("eab.example.test")
    acmed.start()
    acmed.wait_valid("eab.example.test")
    assert EAB_KEY not in acmed.log()


def test_eab_missing_is_told(make):
    acmed = make(eab={"kid-1": EAB_KEY})
    acmed.cert("noeab.example.test")
    acmed.start()
    error = acmed.wait_error("noeab.example.test")
    assert "externalAccountRequired" in error["code"] + error["msg"] \
        or "eab" in error["msg"].lower()


def issuer_of_last(acmed, name):
    """Issuer's common name of the last certificate of the chain."""
    with open(acmed.live(name, "chain.pem")) as f:
        last = "-----BEGIN" + f.read().split("-----BEGIN")[-1]
    p = proc.run(["openssl", "x509", "-noout", "-issuer", "-nameopt",
                  "multiline"], input=last, stdin=None)
    return p.stdout.split("commonName")[1].split("=")[1].strip()


def test_preferred_chain(make, lab):
    pebble = lab.pebble(alternate_roots=2)

    def root_name(n):
        p = proc.run(["openssl", "x509", "-noout", "-subject", "-nameopt",
                      "multiline"], input=pebble.root(n), stdin=None)
        return p.stdout.split("commonName")[1].split("=")[1].strip()

    for n in (0, 2):
        acmed = make(alternate_roots=2)
        name = "chain%d.example.test" % n
        acmed.cert(name, preferred_chain=root_name(n))
        acmed.start()
        acmed.wait_valid(name)
        assert issuer_of_last(acmed, name) == root_name(n)
        acmed.stop()


def test_half_of_all_nonces_refused(make):
    acmed = make(nonce_reject=50)
    for i in range(3):
        acmed.cert("nonce%d.example.test" % i)
    acmed.start()
    for i in range(3):
        acmed.wait_valid("nonce%d.example.test" % i, 30)


def test_requests_of_a_warm_daemon(acmed, ca_proxy):
    """At most 9 requests for an order of two names (issue 2, section 7)."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    name = "count.example.test"
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    ca_proxy.reset()
    assert acmed.ctl("renew-now", name).returncode == 0
    kinds = [r.kind for r in ca_proxy.seen]
    assert ca_proxy.count("newOrder") == 1
    assert len(kinds) <= 9, kinds


def test_ca_that_needs_time(make):
    """Orders that stay in processing are polled as Retry-After says."""
    acmed = make(retry_order=2)
    acmed.cert("slowca.example.test")
    acmed.start()
    acmed.wait_valid("slowca.example.test", 30)


def test_account_of_another_ca_is_kept_apart(acmed, lab, make):
    """The same account name with another directory is another account."""
    acmed.cert("twoca.example.test")
    acmed.start()
    acmed.wait_valid("twoca.example.test")
    other = lab.pebble(nonce_reject=0)
    issued = other.issued()
    acmed.accounts["lab"]["directory"] = other.directory
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    # It is due by itself now; who asks follows that renewal, or gets his own.
    assert acmed.ctl("renew-now", "twoca.example.test").returncode == 0
    assert issued + 1 <= other.issued() <= issued + 2


def test_nginx_serves_it(acmed, nginx):
    """A deploy command reloads a real nginx, which then serves it."""
    name = "web.example.test"
    server = nginx(acmed.live(name), acmed.live(name, "privkey.pem"))
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    server.start()
    acmed.certs[name]["deploy"] = {"nginx": {"exec": server.reload_argv,
                                             "timeout": "20s"}}
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    before = server.served(name)
    assert acmed.ctl("renew-now", name).returncode == 0

    def new_one():
        now = server.served(name)
        with open(acmed.live(name, "cert.pem")) as f:
            return now and now != before and now.strip() == f.read().strip()
    acmed.wait("nginx to serve the new certificate", new_one)


def test_include_conf_d(acmed):
    folder = os.path.join(acmed.folder, "conf.d")
    os.mkdir(folder)
    for i in range(3):
        with open(os.path.join(folder, "c%d.conf" % i), "w") as f:
            f.write(daemon.section("certificate", "inc%d.example.test" % i, {
                "names": ["inc%d.example.test" % i], "account": "lab",
                "provider": "dns"}))
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    for i in range(3):
        acmed.wait_valid("inc%d.example.test" % i, 30)


def test_twins(acmed, ca_proxy):
    """An EC and an RSA certificate of the same names, before a CA that gives
    the same order for the same names while it is unused, as Boulder does."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert("twin-ec", ["twin.example.test"])
    acmed.cert("twin-rsa", ["twin.example.test"], key="rsa2048")
    order = []

    def before(request):
        if request.kind != "newOrder" or not order:
            return None
        location = order[0]["finalize"].replace("finalize-order", "my-order")
        return (201, [("Location", location)], json.dumps(order[0]).encode())

    def after(request):
        if request.kind == "newOrder" and request.status == 201:
            order.append(json.loads(request.reply))
        elif request.kind == "finalize" and request.status == 200:
            order.clear()
    ca_proxy.before, ca_proxy.after = before, after
    acmed.start()
    for name in "twin-ec", "twin-rsa":
        acmed.wait_valid(name)
        assert acmed.cert_status(name)["failures"] == 0
    assert acmed.ctl("renew-now", "twin-ec", "twin-rsa").returncode == 0
    assert ca_proxy.count("newOrder") == 4
    assert " made for another key" not in acmed.log()
