# SPDX-License-Identifier: MIT
"""CAs that are slow, forgetful or odd: what they issue is used, or kept, and
never ordered twice.  From public reports; each names where."""

import json
import os
import shutil
import socket
import subprocess
import threading

import pytest

from lab import proc, script_ca


@pytest.fixture
def odd(scripted, make):
    """odd(NAME) -> (ca, acmed) with one certificate of that name."""
    def build(name, **cert):
        ca = scripted()
        a = make(ca.directory, ca_file=ca.ca_file)
        a.cert(name, [name], **cert)
        return ca, a
    return build


def issued_once(ca, a, name, timeout=60):
    a.start()
    c = a.wait_valid(name, timeout)
    n = ca.count()
    assert (n["newOrder"], n["finalize"]) == (1, 1), n
    return c


@pytest.mark.parametrize("kind", ["order", "authz", "challenge", "cert"])
def test_replica_lags(odd, kind):
    """Let's Encrypt's replicas: a 404 for a moment after it was made.
    cert-manager/cert-manager#8939, #9020; go-acme/lego#674."""
    name = "lag-%s.example.test" % kind
    ca, a = odd(name)
    misses = [2]

    def hook(ca, h, payload):
        if misses[0] > 0:
            misses[0] -= 1
            return ca.problem(404, "malformed", "Not found")
    ca.before[kind] = hook
    issued_once(ca, a, name)
    assert misses == [0]


@pytest.mark.parametrize("state", ["ready", "pending", "valid"])
def test_order_goes_back(odd, state):
    """After finalize the order is ready or pending once more, or valid before
    it has a certificate.  acmesh-official/acme.sh#6402."""
    name = "back-%s.example.test" % state
    ca, a = odd(name)
    ca.polls_order = 3
    begun = []

    def back(ca, status, headers, o):
        if begun and o.get("status") == "processing":
            o["status"] = state
        return status, headers, o

    def finalize(ca, status, headers, o):
        begun.append(1)
        return back(ca, status, headers, o)
    ca.after["finalize"], ca.after["order"] = finalize, back
    issued_once(ca, a, name)


@pytest.mark.parametrize("answer", ["page", "status", "url", "302", "403"])
def test_finalize_cannot_be_read(odd, answer):
    """Neither a page of a proxy's, nor an order that cannot be read, is a
    refusal: the same order is gone on with."""
    name = "unread-%s.example.test" % answer
    ca, a = odd(name)
    bad = [2]       # also the order, as it is asked for after finalize

    def odd_answer(ca, status, headers, o):
        if bad[0] == 0 or o["status"] != "valid":
            return status, headers, o
        bad[0] -= 1
        if answer == "status":
            o["status"] = "issued"
        elif answer == "url":
            o["certificate"] = o["certificate"].replace("https:", "http:")
        else:
            return 200, [("Content-Type", "text/html")], b"<p>Wait.</p>"
        return status, headers, o

    def refuse(ca, h, payload):
        if bad[0] > 0:
            bad[0] = 0
            return int(answer), [("Location", "/x")], b"<p>Wait.</p>"
    if answer in ("302", "403"):
        ca.before["finalize"] = refuse
    else:
        ca.after["finalize"] = ca.after["order"] = odd_answer
    a.start()
    a.wait_error(name)
    assert a.ctl("renew-now", name).returncode == 0
    a.wait_valid(name)
    assert bad == [0]
    assert ca.count()["newOrder"] == 1
    assert ca.count()["finalize"] == (2 if answer in ("302", "403") else 1)


@pytest.mark.parametrize("absent", [None, "missing"])
def test_no_authorizations(odd, absent):
    """Past pending the list is null, or not there.  az-acme/az-acme-cli#50."""
    name = "noauthz-%s.example.test" % str(absent).lower()
    ca, a = odd(name)

    def order(ca, status, headers, o):
        if o.get("status") in ("ready", "processing", "valid"):
            for member in "authorizations", "identifiers":
                if absent is None:
                    o[member] = None
                else:
                    del o[member]
        return status, headers, o
    ca.after["order"] = ca.after["finalize"] = order
    issued_once(ca, a, name)


@pytest.mark.parametrize("form", ["text", "reversed", "shuffled", "html"])
def test_chain_form(odd, form):
    """Text around the certificates (RFC 7468), the leaf not first, a content
    type that is none.  certbot/certbot#6321; ietf-wg-acme/acme#446."""
    name = "chain-%s.example.test" % form
    ca, a = odd(name)
    pem = script_ca.pem

    def chain(leaf):
        leaf, inter, root = pem(leaf), pem(ca.inter), pem(ca.root)
        if form == "text":
            return "subject=CN = x\nissuer=CN = y\n\n" + leaf + \
                "\nsubject=CN = y\nissuer=CN = z\n\n" + inter
        if form == "reversed":
            return root + inter + leaf
        if form == "shuffled":
            return inter + leaf + leaf + root
        return leaf + inter
    ca.chain = chain
    if form == "html":
        ca.after["cert"] = lambda ca, s, h, b: (
            s, [("Content-Type", "text/html")], b)
    issued_once(ca, a, name)
    # Whatever came, servers get the leaf first and its issuers after it.
    text = open(a.live(name)).read()
    certs = text.split("-----END CERTIFICATE-----")[:-1]
    assert len(certs) == (3 if form in ("reversed", "shuffled") else 2)
    out = subprocess.run(
        ["openssl", "verify", "-CAfile", ca.ca_file, "-untrusted",
         a.live(name, "chain.pem"), a.live(name, "cert.pem")],
        capture_output=True, text=True)
    assert out.returncode == 0, out
    assert "subject=" not in text


def test_ca_adds_names(odd):
    """Commercial CAs add www.NAME: a notice, also after a restart without
    state.db, and no second order."""
    name = "shop.example.test"
    ca, a = odd(name)
    ca.add_sans = lambda names: names + ["www." + n for n in names]
    issued_once(ca, a, name)
    assert "were not asked for: www.shop.example.test" in a.log()
    a.stop()
    for f in os.listdir(a.state_dir):
        if f.startswith("state.db"):
            os.unlink(os.path.join(a.state_dir, f))
    a.start()
    a.wait_valid(name)
    assert ca.count()["newOrder"] == 1


def test_fewer_names(scripted, make):
    """A name is missing: kept and told, neither installed nor ordered again
    by a restart; a person may order another."""
    ca = scripted()
    a = make(ca.directory, ca_file=ca.ca_file)
    a.cert("few.example.test", ["few.example.test", "more.example.test"])
    ca.add_sans = lambda names: names[:1]
    a.start()
    e = a.wait_error("few.example.test")
    assert e["code"] == "cert:names"
    for word in ("more.example.test is not in it", "kept", "renew-now"):
        assert word in e["msg"], e
    a.stop()
    a.start()
    assert a.cert_status("few.example.test")["state"] != "valid"
    assert os.path.exists(a.state_dir + "/pending/few.example.test.pem")
    assert ca.count()["newOrder"] == 1
    ca.add_sans = lambda names: names
    r = a.ctl("renew-now", "few.example.test")
    assert r.returncode == 0, r.stdout
    a.wait_valid("few.example.test")
    assert ca.count()["newOrder"] == 2
    assert os.listdir(a.state_dir + "/pending") == []


def test_not_valid_yet(odd):
    """Valid in half an hour only: installed then, and ordered once."""
    name = "yet.example.test"
    ca, a = odd(name)
    jump = a.fake_clock()
    if jump is None:
        pytest.skip("no libfaketime, or the daemon is wrapped")
    ca.backdate = -1800
    a.start()
    e = a.wait_error(name)
    assert e["code"] == "cert:not-yet" and "kept" in e["msg"], e
    assert a.serial(name) is None
    jump(1900)
    a.wait_valid(name, 45)
    assert ca.count()["newOrder"] == 1


def test_new_nonce_by_get_only(odd):
    """HEAD is refused.  go-acme/lego#2512."""
    name = "nonce.example.test"
    ca, a = odd(name)
    heads = []

    def nonce(ca, h, payload):
        if h.command == "HEAD":
            heads.append(1)
            return 405, [("Replay-Nonce", "")], b""
    ca.before["nonce"] = nonce
    ca.after["directory"] = lambda ca, s, h, o: (
        s, h + [("Replay-Nonce", "")], o)
    issued_once(ca, a, name)
    assert len(heads) == 1      # then it is known


@pytest.mark.parametrize("answer", [
    (404, [("Content-Type", "application/problem+json")],
     b'{"type":"urn:ietf:params:acme:error:malformed",'
     b'"detail":"Page not found","status":404}'),
    (200, [("Content-Type", "text/html")],
     b"<!DOCTYPE html><html><title>Welcome</title></html>"),
    (200, [], {"newNonce": "https://localhost/nonce"}),
], ids=["404", "html", "other"])
def test_not_a_directory(odd, answer):
    """The CA's home page, or a page that it does not have: both the error and
    the advice ask for the URL.  win-acme/win-acme#2635."""
    name = "dir.example.test"
    ca, a = odd(name)
    ca.before["directory"] = lambda ca, h, payload: answer
    a.start()
    e = a.wait_error(name)
    assert e["code"] == "acme:directory", e
    assert "is this the URL of a CA's directory?" in e["msg"]
    out = a.ctl("check", "--no-probe", name, timeout=90).stdout
    assert "set directory in the account" in out, out
    assert "letsencrypt-staging" in out and "reaches the CA" not in out


class Relay:
    """TCP, to another port; a connection can be made silent."""

    def __init__(self, port, to):
        self.to, self.silent, self.n = to, set(), 0
        self.sock = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                here = self.sock.accept()[0]
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.to))
            for a, b in (here, there), (there, here):
                threading.Thread(target=self.pump, args=(self.n, a, b),
                                 daemon=True).start()
            self.n += 1

    def pump(self, number, a, b):
        try:
            while data := a.recv(65536):
                if number not in self.silent:
                    b.sendall(data)
            b.close()
        except OSError:
            pass


@pytest.mark.long
def test_silent_http2_connection(odd, lab):
    """A server stops answering on one HTTP/2 connection and serves new ones:
    the retry leaves it.  (Long, for the request's time limit is 30 s.)"""
    name = "h2.example.test"
    ca, a = odd(name)
    front, port = next(lab.ports), next(lab.ports)
    conf = os.path.join(a.folder, "nginx.conf")
    with open(conf, "w") as f:
        f.write("""daemon off; error_log %(d)s/n-log; pid %(d)s/n-pid;
events {} http { access_log off; client_body_temp_path %(d)s/n-b;
proxy_temp_path %(d)s/n-t; fastcgi_temp_path %(d)s/n-f;
uwsgi_temp_path %(d)s/n-u; scgi_temp_path %(d)s/n-s;
server { listen 127.0.0.1:%(port)d ssl http2; ssl_certificate %(cert)s;
ssl_certificate_key %(key)s; location / { proxy_ssl_verify off;
proxy_pass https://127.0.0.1:%(ca)d; } } }
""" % {"d": a.folder, "port": port, "cert": ca.tls_cert, "key": ca.tls_key,
            "ca": ca.port})
    nginx = subprocess.Popen(["nginx", "-c", conf, "-p", a.folder])
    relay = Relay(front, port)
    try:
        ca.base = "https://localhost:%d" % front
        a.accounts["lab"]["directory"] = ca.base + "/dir"
        a.start()
        a.wait_valid(name, 90)
        before, used = a.serial(name), relay.n
        relay.silent.update(range(used))
        a.get("/v1/renew", "POST", json.dumps({"names": [name]}))
        a.wait("a renewal by another connection",
               lambda: a.serial(name) != before, 90)
        assert a.log().count("no complete answer") == 1
    finally:
        relay.sock.close()
        nginx.terminate()
        nginx.wait()


def refused_early(a, name, words):
    """renew-now fails before anything is asked for."""
    a.get("/v1/renew", "POST", json.dumps({"names": [name]}))
    return a.wait("the refusal", lambda: (
        lambda e: e and words in e["msg"] and e)(
            a.cert_status(name)["error"]))


def renews(ca, a, name):
    """... and when it is mended, one order is enough."""
    before = a.serial(name)
    a.get("/v1/renew", "POST", json.dumps({"names": [name]}))
    a.wait("a renewal", lambda: a.serial(name) != before, 30)
    n = ca.count()
    assert (n["newOrder"], n["finalize"]) == (2, 2), n


def test_live_is_a_directory(odd):
    """What cannot be installed is not ordered."""
    name = "dir.example.test"
    ca, a = odd(name)
    issued_once(ca, a, name)
    live = os.path.join(a.state_dir, "live", name)
    version = os.path.realpath(live)
    os.unlink(live)
    shutil.copytree(version, live)
    err = refused_early(a, name, "mv ")
    assert err["kind"] == "config" and "live/" + name in err["msg"], err
    assert ca.count()["newOrder"] == 1
    shutil.move(live, os.path.join(a.state_dir, "moved"))
    os.symlink(os.path.relpath(version, os.path.dirname(live)), live)
    renews(ca, a, name)


@pytest.mark.parametrize("path", ["pending/%s.key", "archive/%s"])
def test_something_else_is_there(odd, path):
    """A directory for a file, a file for a directory: no order either."""
    name = "else-%s.example.test" % path[:7]
    ca, a = odd(name)
    issued_once(ca, a, name)
    there = os.path.join(a.state_dir, path % name)
    if path.startswith("pending"):
        os.mkdir(there)
    else:
        os.rename(there, there + ".old")
        os.close(os.open(there, os.O_CREAT))
    err = refused_early(a, name, "mv " + there)
    assert err["kind"] == "config", err
    assert ca.count()["newOrder"] == 1


@pytest.mark.parametrize("lost", ["cert.pem", "chain.pem", "fullchain.pem"])
def test_file_of_live_is_lost(odd, lost):
    """It is made again from the others at the next start, not ordered."""
    name = "lost-%s.example.test" % lost.split(".", 1)[0]
    ca, a = odd(name)
    issued_once(ca, a, name)
    with open(a.live(name, lost)) as f:
        text = f.read()
    a.stop()
    if lost == "fullchain.pem":
        os.truncate(a.live(name, lost), 100)
    else:
        os.unlink(a.live(name, lost))
    a.start()
    a.wait_valid(name)
    with open(a.live(name, lost)) as f:
        assert f.read() == text
    assert "made whole from its other files" in a.log()
    assert ca.count()["newOrder"] == 1


def test_expired_on_arrival(odd):
    """The CA's clock agrees, yet what it issues has expired: another one is
    ordered, but not within the hour."""
    name = "dead.example.test"
    ca, a = odd(name)
    jump = a.fake_clock()
    if jump is None:
        pytest.skip("no libfaketime, or the daemon is wrapped")
    ca.lifetime, ca.backdate = 3600, 7200
    a.start()
    assert a.wait_error(name)["code"] == "cert:expired"
    ca.backdate = 0
    jump(1800)
    a.wait("another look", lambda: "to order another: acmectl renew-now" in
           (a.cert_status(name)["error"] or {}).get("msg", ""))
    assert ca.count()["newOrder"] == 1
    ca.backdate, ca.clock_off = -4 * 3600, 4 * 3600
    jump(4 * 3600)
    a.wait_valid(name, 45)
    assert ca.count()["newOrder"] == 2


def test_no_room_for_it(odd):
    """A full disk, and no inodes: no order is made that could not be kept."""
    name = "full.example.test"
    ca, a = odd(name)
    os.mkdir(a.state_dir, 0o700)
    proc.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700,nr_inodes=99",
              "tmpfs", a.state_dir])
    try:
        issued_once(ca, a, name)
        many = os.path.join(a.state_dir, "many")
        os.mkdir(many)
        with pytest.raises(OSError):
            for i in range(99):
                open(os.path.join(many, str(i)), "w").close()
        assert refused_early(a, name, "no inodes")["kind"] == "transient"
        shutil.rmtree(many)
        filler = os.path.join(a.state_dir, "filler")
        with open(filler, "wb", 0) as f:
            room = os.statvfs(a.state_dir)
            f.write(b"x" * (room.f_bavail * room.f_frsize - 200_000))
        assert refused_early(a, name, "is full")["kind"] == "transient"
        assert ca.count()["newOrder"] == 1
        os.unlink(filler)
        renews(ca, a, name)
    finally:
        a.end()
        proc.run(["umount", "-l", a.state_dir], check=False)


def test_access_stays(odd):
    """chgrp, chmod and setfacl on live/NAME are kept at a renewal, for the
    key as for the directory; nobody gets more.  certbot/certbot#1473."""
    name = "group.example.test"
    ca, a = odd(name)
    a.start()
    a.wait_valid(name)
    version = os.path.realpath(os.path.dirname(a.live(name)))
    os.chown(version, -1, 33)
    os.chmod(version, 0o750)
    for f, mode in ("privkey.pem", 0o640), ("cert.pem", 0o640), \
            ("chain.pem", 0o600):
        os.chown(os.path.join(version, f), -1, 33)
        os.chmod(os.path.join(version, f), mode)
    acl = shutil.which("setfacl") is not None and subprocess.run(
        ["setfacl", "-m", "u:34:r", a.live(name)]).returncode == 0
    assert a.ctl("renew-now", name).returncode == 0
    new = os.path.realpath(os.path.dirname(a.live(name)))
    assert new != version

    def access(path):
        st = os.stat(path)
        return st.st_gid, oct(st.st_mode & 0o7777)
    assert access(new) == (33, "0o750")
    assert access(new + "/privkey.pem") == (33, "0o640")
    assert access(new + "/cert.pem") == (33, "0o640")
    assert access(new + "/chain.pem") == (33, "0o600")
    assert access(new + "/fullchain.pem") == access(version + "/fullchain.pem")
    if acl:
        lists = [subprocess.run(["getfacl", "-cE", d + "/fullchain.pem"],
                                capture_output=True, text=True).stdout
                 for d in (version, new)]
        assert lists[0] == lists[1] and "user:" in lists[1], lists


def test_contact_reaches_ca(odd):
    """RFC 8555 section 7.3.2: a changed contact is sent at a reload, once,
    also over restarts; another key type is told.  NixOS/nixpkgs#190493."""
    name = "contact.example.test"
    ca, a = odd(name)
    a.start()
    a.wait_valid(name)

    def updates():
        return [p for _, k, p in ca.seen if k == "account"][1:]
    a.accounts["lab"].update(contact=["mailto:new@example.test"],
                             key="rsa2048")
    a.write_conf()
    assert a.ctl("reload").returncode == 0
    a.wait("the contact to be told", lambda: "the CA has the contact" in
           a.log())
    assert updates() == [{"contact": ["mailto:new@example.test"]}]
    assert "its key stays as it is" in a.log()
    a.stop()
    a.start(write=False)
    assert a.ctl("renew-now", name).returncode == 0
    assert len(updates()) == 1


def test_account_key_lost(odd):
    """A new account is registered, and that is told."""
    name = "lost-key.example.test"
    ca, a = odd(name)
    a.start()
    a.wait_valid(name)
    a.stop()
    folder = a.state_dir + "/accounts"
    for f in os.listdir(folder):
        os.unlink(os.path.join(folder, f))
    a.start()
    out = a.ctl("check", "--no-probe", name, timeout=90).stdout
    assert "but its key is lost" in " ".join(out.split()), out
    assert a.ctl("renew-now", name).returncode == 0
    assert "is registered as https://" in a.log()
    assert "registering a new account" in a.log()
    # Also where one looks later.
    shown = " ".join(a.ctl("status", name).stdout.split())
    assert "is registered anew, as https://" in shown, shown
    assert shown.count("registered anew") == 1


@pytest.mark.parametrize("eab,answer,words,step", [
    (True, (401, "unauthorized", "key kid-1 has been used already"),
     "has been used already", "ask the CA for a new eab_kid and key"),
    (True, (400, "malformed", "the external account is bound elsewhere"),
     "is bound elsewhere", "ask the CA for a new eab_kid and key"),
    (False, (403, "unauthorized", "account has been deactivated"),
     "account has been deactivated", "an account of another name"),
    (False, None, "says that it is deactivated", "an account of another name"),
])
def test_account_is_refused(odd, eab, answer, words, step):
    """A used EAB key, a deactivated account: in the CA's words, and what to
    do about it; it is not asked again and again."""
    name = "refused.example.test"
    ca, a = odd(name)
    if answer is not None:
        ca.before["account"] = lambda ca, h, p: ca.problem(*answer)
    else:
        ca.after["account"] = lambda ca, status, headers, o: (
            200, headers, dict(o, status="deactivated"))
    if eab:
        key = os.path.join(a.folder, "eab")
        with open(key, "w") as f:
            f.write("cnmMK5UbnEKdd8OD1Ofq_8HL7r7Rh2BWJHtqZ9CpKuE\n")
        os.chmod(key, 0o600)
        a.accounts["lab"].update(eab_kid="kid-1", eab_hmac_key_file=key)
    a.start()
    msg = a.wait_error(name)["msg"]
    assert words in msg and step in msg, msg
    shown = " ".join(a.ctl("status", name).stdout.split())
    assert words in shown and step in shown, shown
    n = ca.count()
    assert n["account"] == 1 and "newOrder" not in n, n


def test_account_is_refused_later(odd):
    """The account is deactivated after acmed has registered it, in Boulder's
    words: the next step is told then as well."""
    name = "later.example.test"
    ca, a = odd(name)
    issued_once(ca, a, name)
    ca.before["newOrder"] = lambda ca, h, p: ca.problem(
        403, "unauthorized", 'Account is not valid, has status "deactivated"')
    p = a.ctl("renew-now", name)
    said = " ".join(p.stdout.split())
    assert p.returncode == 1, said
    for text in said, a.wait_error(name)["msg"], a.log(), " ".join(
            a.ctl("status", name).stdout.split()):
        assert 'has status "deactivated"' in text, text
        assert "ask the CA why; an account of another name" in text, text
    # With "replaces", and once without it, for that might be refused as well.
    assert ca.count()["newOrder"] == 3
