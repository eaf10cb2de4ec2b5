# SPDX-License-Identifier: MIT
"""Certificates that somebody else has made: from files, and handed over."""

import json
import os
import shutil
import time

import pytest

from lab import private_ca, proc

DAY = 86400


@pytest.fixture
def issuer(acmed):
    return private_ca.Issuer(os.path.join(acmed.folder, "issuer"))


@pytest.fixture
def shop(acmed, issuer):
    """A certificate with files, whose target copies it; no account at all."""
    bought = os.path.join(acmed.folder, "bought")
    os.makedirs(bought)
    out = os.path.join(acmed.folder, "out.pem")
    acmed.accounts, acmed.providers = {}, {}
    acmed.certs["shop"] = {
        "poll": "5s", "files": {None: {
            "fullchain": os.path.join(bought, "chain.pem"),
            "privkey": os.path.join(bought, "key.pem")}},
        "deploy": {"web": {"install": {out: {"format": "combined"}},
                           "exec": ["/bin/sh", "-c",
                                    "echo $ACMED_NAMES >%s.names" % out]}}}
    acmed.out = out

    def lay(pair, files=("chain.pem", "key.pem")):
        for name, path in zip(("chain.pem", "key.pem"), pair):
            if name in files:
                shutil.copy(path, os.path.join(bought, name + ".new"))
                os.chmod(os.path.join(bought, name + ".new"), 0o600)
                os.rename(os.path.join(bought, name + ".new"),
                          os.path.join(bought, name))
    return lay


def read(path):
    with open(path) as f:
        return f.read()


def same(acmed, pair, name="shop"):
    try:
        return read(acmed.live(name, "cert.pem")).split() == \
            read(pair[0]).split()
    except OSError:
        return False


def test_files(acmed, issuer, shop):
    """Taken in, deployed; half of a new pair is waited for, and told; then
    the other half comes."""
    first = issuer.sign("first", "shop.example.test")
    time.sleep(1.1)             # notBefore is in seconds
    second = issuer.sign("second", "shop.example.test")
    shop(first)
    acmed.start()
    c = acmed.wait_valid("shop")
    assert same(acmed, first) and c["names"] == ["shop.example.test"]
    assert read(acmed.out + ".names") == "shop.example.test\n"
    assert read(acmed.out).count("BEGIN") == 2
    assert c["next"]["action"] == "poll"
    detail = acmed.get("/v1/certificates/shop")[1]
    assert detail["account"] is None and detail["key"] == "rsa2048"
    assert detail["files"]["privkey"].endswith("/key.pem")
    p = acmed.ctl("check", "shop")
    assert p.returncode == 0 and "has certificate" in p.stdout, p.stdout

    shop(second, ["chain.pem"])
    error = acmed.wait_error("shop")
    assert error["code"] == "given:key" and error["kind"] == "transient"
    assert same(acmed, first)
    shop(second, ["key.pem"])
    acmed.wait("the second", lambda: same(acmed, second))
    acmed.wait_valid("shop")
    assert acmed.cert_status("shop")["failures"] == 0
    # An older one does not come back, nor does a restart take anything.
    shop(first)
    installs = acmed.log().count("installed certificate")
    acmed.wait("a look", lambda: "is older than the installed one" in
               acmed.log())
    acmed.stop()
    acmed.start()
    p = acmed.ctl("renew-now", "shop")
    assert p.returncode == 0, p.stdout
    assert same(acmed, second)
    assert acmed.log().count("installed certificate") == installs
    for command in (["revoke", "shop", "--yes"], ["persist", "shop"],
                    ["renew-now", "shop", "--dry-run"]):
        p = acmed.ctl(*command)
        assert p.returncode != 0, (command, p.stdout)
    p = acmed.ctl("revoke", "shop", "--only", "--yes")
    assert p.returncode != 0 and "revoke it where it was" in p.stdout, p.stdout
    acmed.stop()


def test_put(acmed, issuer, shop):
    """By hand: what is of no use is refused at once and changes nothing; kill
    -9 after it was handed over loses nothing."""
    acmed.certs["shop"].update(files={None: {}},
                               names=["shop.example.test"])
    first = issuer.sign("first", "shop.example.test")
    other = issuer.sign("other", "other.example.test")
    acmed.start()
    assert acmed.cert_status("shop")["next"]["action"] == "put"
    p = acmed.ctl("put", "shop", first[0], other[1])
    assert p.returncode == 5 and "do not belong together" in p.stdout
    p = acmed.ctl("put", "shop", *other)
    assert "does not have the name shop.example.test" in p.stdout
    p = acmed.ctl("put", "shop", first[0], os.path.join(acmed.folder, "no"))
    assert p.returncode == 1 and "No such file" in p.stdout
    assert acmed.cert_status("shop")["state"] == "missing"
    p = acmed.ctl("--json", "put", "shop", *first)
    assert p.returncode == 0, p.stdout
    assert "installed certificate" in p.stdout
    assert same(acmed, first)
    assert "BEGIN" not in acmed.log()
    time.sleep(1.1)
    second = issuer.sign("second", "shop.example.test")
    # Nobody is to install it before the daemon ends.
    body = json.dumps({"name": "shop", "chain": read(second[0]),
                       "key": read(second[1])})
    code, reply = acmed.get("/v1/put", "POST", body)
    acmed.kill()
    assert code == 202, reply
    acmed.start()
    acmed.wait("the second", lambda: same(acmed, second))
    acmed.wait_valid("shop")
    p = acmed.ctl("put", "shop", *first)
    assert "is older than the installed one" in p.stdout
    p = acmed.ctl("rollback", "shop")
    assert p.returncode == 0 and same(acmed, first), p.stdout
    # One that acmed renews is not for this.
    p = acmed.ctl("put", "nothing", *first)
    assert p.returncode == 5, p.stdout
    acmed.stop()


def test_put_hides_no_files(acmed, issuer, shop):
    """The certificate that is installed, put once more, is not kept: what comes
    into the files later is taken."""
    first = issuer.sign("first", "shop.example.test")
    shop(first)
    acmed.start()
    acmed.wait_valid("shop")
    p = acmed.ctl("put", "shop", *first)
    assert p.returncode == 0 and "is installed already" in p.stdout, p.stdout
    assert not os.path.exists(os.path.join(acmed.state_dir, "pending/shop.key"))
    time.sleep(1.1)
    second = issuer.sign("second", "shop.example.test")
    shop(second)
    acmed.wait("the second", lambda: same(acmed, second))
    acmed.wait_valid("shop")
    # What is live is believed: its names are its own, for the target as well.
    p = acmed.ctl("rollback", "shop")
    assert p.returncode == 0 and same(acmed, first), p.stdout
    assert acmed.cert_status("shop")["names"] == ["shop.example.test"]
    assert read(acmed.out + ".names") == "shop.example.test\n"
    acmed.stop()


def test_put_is_tried_again(acmed, issuer, shop):
    """What was handed over and cannot be installed is kept, and tried again."""
    acmed.certs["shop"].update(files={None: {}})
    first = issuer.sign("first", "shop.example.test")
    acmed.start()
    in_the_way = os.path.join(acmed.state_dir, "live/.shop.new")
    os.mkdir(in_the_way)
    p = acmed.ctl("put", "shop", *first)
    assert p.returncode != 0, p.stdout
    following = acmed.cert_status("shop")["next"]
    assert following["action"] == "take" and following["at"], following
    os.rmdir(in_the_way)
    p = acmed.ctl("renew-now", "shop")
    assert p.returncode == 0 and same(acmed, first), p.stdout
    assert acmed.cert_status("shop")["next"]["action"] == "put"
    acmed.stop()


def test_same_serial(acmed, issuer, shop):
    """A CA that gives all certificates one serial number is not passed over in
    silence: whoever has renewed it learns why it is not taken."""
    first = issuer.sign("first", "shop.example.test", serial=1)
    time.sleep(1.1)
    second = issuer.sign("second", "shop.example.test", serial=1)
    shop(first)
    acmed.start()
    acmed.wait_valid("shop")
    p = acmed.ctl("put", "shop", *second)
    assert p.returncode != 0 and "same serial number" in p.stdout, p.stdout
    acmed.stop()
    shop(second)                # nobody was there to see it change
    acmed.start()
    assert acmed.wait_error("shop")["code"] == "given:serial"
    assert same(acmed, first)
    acmed.stop()


def test_told_before_it_ends(acmed, issuer, shop):
    """Nobody renews it: people are told so, in words that fit."""
    out = os.path.join(acmed.folder, "told")
    acmed.options["alarm_gather"] = "0s"
    acmed.notifies["run"] = {"exec": [
        "/bin/sh", "-c", "cat >%s.new; mv %s.new %s" % (out, out, out)]}
    shop(issuer.sign("first", "shop.example.test", days=365))
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("no libfaketime")
    acmed.start()
    acmed.wait_valid("shop")
    jump(280 * DAY)
    proc.wait_until("a message", lambda: os.path.exists(out))
    told = json.loads(read(out))
    assert told["event"] == "expiring" and told["level"] == "warning"
    assert "ends, nobody renews it here" in told["subject"]
    text = " ".join(told["text"].split())
    assert "no one renews this" in text
    assert "acmectl put shop CHAIN KEY" in text
    acmed.wait("the log", lambda: "acmed does not renew it" in acmed.log())
