# SPDX-License-Identifier: MIT
"""The deploy step `recipe`: every recipe that is shipped, before a stand-in for
its product; what the language does; acmed and the CA are the real ones."""

import os
import re
import shutil

import pytest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12

from lab import ca, daemon, proc, products
from lab.clouds.base import sha256
from lab.documents import blocks
from lab.documents import read as read_document

ALL = [pytest.param(c, id=c.label()) for c in products.all_products()]
RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                       "recipes")


def read(path):
    with open(path) as f:
        return f.read()


@pytest.fixture
def product(lab):
    made = []

    def build(cls, **kw):
        made.append(cls(lab.tls, **kw))
        return made[-1]
    yield build
    for v in made:
        v.stop()
        assert not v.problems, v.problems


def test_every_recipe():
    """Each has its stand-in, and is installed."""
    names = sorted(os.path.splitext(n)[0] for n in os.listdir(RECIPES)
                   if n.endswith(".conf"))
    assert names == [p.values[0].RECIPE for p in ALL if p.values[0].RECIPE]
    assert re.findall(r"recipes/(.*)\.conf", read(
        os.path.join(RECIPES, "Makefile.inc"))) == names


def ship(acmed, recipe):
    """As the package has it, beside acmed.conf."""
    folder = os.path.join(acmed.folder, "recipes")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(RECIPES, recipe + ".conf"), folder)


def options_of(acmed, lab, v, **more):
    opts = dict(v.options(), ca_file=lab.tls.ca, **more)
    for name, secret in v.SECRETS.items():
        path = os.path.join(acmed.folder, "secret-" + name)
        with open(path, "w") as f:
            f.write(secret + "\n")
        os.chmod(path, 0o600)
        opts[name + "_file"] = path
    return opts


def configure(acmed, lab, v, name, **more):
    ship(acmed, v.RECIPE)
    acmed.cert(name, [name, "*." + name], deploy={
        "t": {"recipe": {v.RECIPE: options_of(acmed, lab, v, **more)}}})


def settled(acmed, name, state, serial=None):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] not in (None, serial) and c["run"] is None and \
            c["deploy"] and c["deploy"][0]["state"] == state and c
    return acmed.wait("deploy %s" % state, check, timeout=30)


def secrets_of(v, acmed, name):
    key = read(acmed.live(name, "privkey.pem")).splitlines()
    return list(v.SECRETS.values()) + list(v.sessions) + v.ended + key[1:-1]


def lose(acmed, v, name, n):
    """Deploy again; the answer to the nth request is lost."""
    seen = len(v.log)
    v.faults = [None] * n + ["lost"]
    acmed.ctl("deploy", name)

    def ended():
        d = acmed.cert_status(name)["deploy"][0]
        return len(v.log) > seen and not d.get("running") and \
            d["state"] in ("done", "failed")
    acmed.wait("the end", ended)
    v.faults = []


@pytest.mark.parametrize("cls", ALL)
def test_life(acmed, lab, product, cls):
    """First deployment and a renewal; requests whose answers are lost make no
    second object; no secret is in the log."""
    v = product(cls)
    name = "life.example.test"
    configure(acmed, lab, v, name)
    acmed.start()
    first = settled(acmed, name, "done")["serial"]
    assert sha256(v.cert) == sha256(read(acmed.live(name)))
    if hasattr(v, "check"):
        v.check(True)
    for n in range(len(v.log)) if v.MAKES else ():
        lose(acmed, v, name, n)
    acmed.ctl("renew-now", name)
    settled(acmed, name, "done", first)
    assert sha256(v.cert) == sha256(read(acmed.live(name)))
    if hasattr(v, "check"):
        v.check(False)
    if v.LOGS_OUT:
        assert v.ended and not v.sessions
    log = acmed.log()
    for secret in secrets_of(v, acmed, name):
        assert secret not in log, secret


@pytest.mark.parametrize("cls", ALL)
def test_refused(acmed, lab, product, cls):
    """A wrong secret is told in the product's words, and without itself; when
    it is mended in its file, no reload is needed."""
    v = product(cls)
    name = "refused.example.test"
    configure(acmed, lab, v, name)
    wrong, = (k for k in list(v.SECRETS)[:1])
    path = os.path.join(acmed.folder, "secret-" + wrong)
    good = read(path)
    with open(path, "w") as f:
        f.write("WrongWrongWrong")
    acmed.start()
    error = settled(acmed, name, "failed")["deploy"][0]["error"]
    for word in cls.REFUSED:
        assert word in error, error
    assert "WrongWrongWrong" not in acmed.log()
    with open(path, "w") as f:
        f.write(good)
    acmed.ctl("deploy", name)
    settled(acmed, name, "done")
    if v.LOGS_OUT:
        assert len(v.ended) == 1


# --- the language ---

JOB = """
title = "A job"
base = "https://${host}:${port}"
option "host" { help = "host" type = "host" required = true }
option "port" { help = "port" type = "int" default = 443 }
option "password" { help = "password" secret = true required = true }
option "tags" { help = "tags" type = "list" }
option "note" { help = "note" }
option "big" { help = "big?" type = "bool" }
value "signed" { of = "${time}${password|md5}" filter = "md5" }
headers {
    X-Time = "${time}"
    X-Sign = "${signed}"
    Cookie = "SID=${sid}"
    X-CSRF = "${csrf}"
}
request "sign in" {
    method = "POST"
    path = "/login"
    status = { 204 }
    capture "sid" { cookie = "SID" secret = true }
    capture "csrf" { header = "X-CSRF" secret = true }
}
request "begin" {
    path = "/jobs/${domain}"
    query { note = "${note}" name = "${names}" }
    json {
        pem = "${fullchain}"
        key = "${key_traditional}"
        p12 { data = "${pkcs12}" password = "${passphrase}" }
        tags = "${tags}"
        all = { "first", "${names}", 7 }
        port = "${port}"
        text = "port ${port}, $${port}"
        big = "${big}"
        note = "${note}"
        list[] { a = 1 }
        list[] { b = true c = null d = "true" }
    }
    capture "job" { json = "job" }
}
request "wait" {
    path = "/jobs/${job}"
    until { state = { "DONE", "OK" } }
    fail { state = "FAILED" }
    interval = 1s
    timeout = 20s
}
request "never" {
    only_if = { "note" }
    path = "/never"
}
finish "sign out" {
    only_if = "sid"
    method = "DELETE"
    path = "/login"
}
"""


class Job(products.Product):
    """What no shipped recipe needs at once."""
    SECRETS = {"password": "pass word \u00e9&\"\\"}

    def __init__(self, *args, **kw):
        self.states = ["RUNNING", "DONE"]
        super().__init__(*args, **kw)

    def handle(self, r):
        md5 = products.hashlib.md5
        t = r.headers["X-Time"]
        assert r.headers["X-Sign"] == md5(
            (t + md5(self.SECRETS["password"].encode()).hexdigest()).encode()
        ).hexdigest()
        if (r.method, r.path) == ("POST", "/login"):
            assert not r.headers.get("Cookie") and not r.body
            sid = self.session("sid")
            return 204, b"", {"Set-Cookie": ["other=1", "SID=%s; Path=/" % sid],
                              "x-csrf": "csrf-of-" + sid}
        sid = r.headers["Cookie"][4:]
        assert sid in self.sessions and r.headers["X-CSRF"] == "csrf-of-" + sid
        if (r.method, r.path) == ("DELETE", "/login"):
            del self.sessions[sid]
            self.ended.append(sid)
            return 200, {}
        if r.path == "/jobs/17":
            return 200, {"state": self.states.pop(0), "words": "no disk"}
        self.begun = r
        return 202, {"job": 17}


def write_recipe(acmed, name, text):
    folder = os.path.join(acmed.folder, "recipes")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".conf"), "w") as f:
        f.write(text)


def test_language(acmed, lab, product):
    """Types, escapes, what has no value, captures, a poll, the end."""
    v = product(Job)
    name = "job.example.test"
    write_recipe(acmed, "job", JOB)
    acmed.cert(name, [name, "*." + name], deploy={"t": {"recipe": {
        "job": options_of(acmed, lab, v, tags=["a\"b", "c"])}}})
    acmed.start()
    settled(acmed, name, "done")
    r = v.begun
    assert r.path == "/jobs/" + name and not r.arg("note")
    assert sorted(r.arg("name").split(",")) == ["*." + name, name]
    j = r.json()
    assert j["pem"] == read(acmed.live(name))
    assert products.is_pair(j["pem"], j["key"]) and \
        "EC PRIVATE KEY" in j["key"]
    key, cert, chain = pkcs12.load_key_and_certificates(
        products.base64.b64decode(j["p12"]["data"]),
        j["p12"]["password"].encode())
    assert key and chain and cert.fingerprint(hashes.SHA256()).hex() == \
        sha256(j["pem"])
    assert j["tags"] == ["a\"b", "c"] and "note" not in j
    assert j["all"][0] == "first" and j["all"][-1] == 7 and name in j["all"]
    assert j["port"] == v.port and j["big"] is False
    assert j["text"] == "port %d, ${port}" % v.port
    assert j["list"] == [{"a": 1}, {"b": True, "c": None, "d": "true"}]
    assert len(v.ended) == 1 and not v.states
    assert "/never" not in [q.path for q in v.log]
    # A job that fails: the reason is told, and the session still ends.
    v.states = ["RUNNING", "FAILED"]
    acmed.ctl("deploy", name)
    error = settled(acmed, name, "failed")["deploy"][0]["error"]
    assert "wait: it answers state = FAILED" in error, error
    acmed.wait("the end", lambda: len(v.ended) == 2)
    log = acmed.log()
    for secret in secrets_of(v, acmed, name) + [j["p12"]["password"]]:
        assert secret not in log


class Appliance(products.Product):
    """That of doc/writing-a-recipe.md."""

    def __init__(self, *args, **kw):
        self.certificates, self.states = [{"id": 3, "name": "other"}], []
        super().__init__(*args, **kw)

    def handle(self, r):
        assert r.path.startswith("/api/")
        call = r.method, r.path[4:]
        if call == ("POST", "/session"):
            assert r.form() == {"user": "acmed", "password": "s3cret & more"}
            return 200, {"data": {"token": self.session("t")}}
        token = r.headers["Authorization"][7:]
        assert token in self.sessions
        if call == ("DELETE", "/session"):
            self.ended.append(token)
            return 204, b""
        if call == ("GET", "/certificates"):
            return 200, {"data": {"certificates": self.certificates}}
        if call == ("POST", "/certificates"):
            self.certificates.append(dict(r.json(), id=44))
            return 201, {"data": {"id": 44}}
        if call == ("GET", "/jobs/j1"):
            return 200, {"state": self.states.pop(0)}
        assert call == ("PUT", "/certificates/44")
        self.pair(r.json()["chain"], r.json()["key"])
        assert r.json()["options"] == {"restart": True}
        self.states = ["queued", "done"]
        return 200, {"job": "j1"}


def test_document(acmed, lab, product):
    """doc/writing-a-recipe.md: its example, and each key and name."""
    v = product(Appliance)
    recipe, conf = blocks("doc/writing-a-recipe.md", "An example")
    write_recipe(acmed, "appliance", recipe)
    secret = os.path.join(acmed.folder, "password")
    with open(secret, "w") as f:
        f.write("s3cret & more\n")
    os.chmod(secret, 0o600)
    name = "document.example.test"
    for old, new in (('host = "appliance.example.com"',
                      'host = "localhost" port = %d' % v.port),
                     ('verify = "appliance.example.com:443"', ""),
                     ("/etc/acmed/secrets/appliance", secret),
                     ("/etc/acmed/appliance-ca.pem", lab.tls.ca),
                     ('certificate "www.example.com" {',
                      'certificate "%s" { names = { "%s" } provider = dns' %
                      (name, name))):
        assert old in conf
        conf = conf.replace(old, new)
    acmed.write_conf(acmed.text() + conf)
    p = proc.run([daemon.program("ACMED", "acmed"), "-c", acmed.conf,
                  "--list-recipes=appliance"])
    assert "password, password_file (text, secret, required)" in p.stdout
    acmed.start(write=False)
    first = settled(acmed, name, "done")["serial"]
    acmed.ctl("renew-now", name)
    settled(acmed, name, "done", first)
    assert [c["name"] for c in v.certificates] == ["other", name]
    assert sha256(v.cert) == sha256(read(acmed.live(name)))
    assert len(v.ended) == 2
    text = read_document("doc/writing-a-recipe.md")
    words = re.findall(r'^\t\{ "([a-z_]+)(?:\[\])?", SHAPE', re.search(
        r"/\* --- recipes --- \*/(.*?)^static size_t",
        read_document("daemon/config/schema.c"), re.M | re.S).group(1), re.M)
    words += re.findall(r'\.name = "([a-z0-9_]+)"', re.search(
        r"recipe_words_deploy\[\] = \{(.*?)^\}",
        read_document("daemon/config/recipe.c"), re.M | re.S).group(1))
    assert len(words) > 50
    assert [w for w in words if not re.search(r"\b%s\b" % w, text)] == []


def test_fingerprint(acmed, lab, product):
    """An appliance with a certificate of its own making is trusted by its
    fingerprint, and no other one is."""
    own = os.path.join(acmed.folder, "own")
    proc.run(["openssl", "req", "-x509"] + ca.NEW_EC + [
        "-keyout", own + ".key", "-out", own + ".pem", "-days", "2",
        "-subj", "/CN=appliance"])
    v = product(products.Kong, cert=own + ".pem", key=own + ".key")
    name = "pinned.example.test"
    configure(acmed, lab, v, name, fingerprint="ab" * 32)
    acmed.start()
    error = settled(acmed, name, "failed")["deploy"][0]["error"]
    options = acmed.certs[name]["deploy"]["t"]["recipe"]["kong"]
    options["fingerprint"] = proc.run([
        "openssl", "x509", "-in", own + ".pem", "-noout", "-fingerprint",
        "-sha256"]).stdout.strip().split("=")[1]
    # It is told which one it has.
    assert "certificate" in error and options["fingerprint"].replace(
        ":", "").lower() in error and not v.log, error
    acmed.write_conf()
    acmed.reload()
    acmed.ctl("deploy", name)
    settled(acmed, name, "done")
    # Another one whose issuer is trusted is taken as well.
    v.stop()
    other = product(products.Kong)
    options["url"] = other.options()["url"]
    acmed.write_conf()
    acmed.reload()
    acmed.ctl("deploy", name)
    settled(acmed, name, "done")
    assert other.cert
    # ... but not under another name.
    other.log.clear()
    options["url"] = "https://127.0.0.2:%d" % other.port
    acmed.write_conf()
    acmed.reload()
    acmed.ctl("deploy", name)
    assert "certificate" in settled(acmed, name, "failed")["deploy"][0]["error"]
    assert not other.log


def test_mistaken_recipe(acmed, lab, product):
    """A recipe with mistakes is one of who uses it: told with both places,
    and a start goes on with the rest."""
    v = product(products.Kong)
    configure(acmed, lab, v, "bad.example.test")
    acmed.cert("good.example.test")
    acmed.start()
    settled(acmed, "bad.example.test", "done")
    acmed.wait_valid("good.example.test")
    acmed.stop()
    path = os.path.join(acmed.folder, "recipes", "kong.conf")
    text = read(path)
    with open(path, "w") as f:
        f.write(text.replace("${fullchain}", "${fulchain}"))
    p = proc.run([daemon.program("ACMED", "acmed"), "-t", "-c", acmed.conf],
                 check=False)
    assert p.returncode == 1
    assert '%s:33: request "make or replace it": json: cert: nothing is ' \
        'named "fulchain"; allowed: name,' % path in p.stdout, p.stdout
    assert '%s:' % acmed.conf in p.stdout
    acmed.start(write=False)
    assert "good.example.test" in acmed.log()
    assert acmed.cert_status("good.example.test")["serial"]
