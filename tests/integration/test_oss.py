# SPDX-License-Identifier: MIT
"""Publish and subscribe through a stand-in for Aliyun OSS that checks the V4
signature (lab/oss.py), and subscribe from a plain HTTPS server."""

import itertools
import json
import os
import shutil

import pytest

from lab import oss as lab_oss, web as lab_web
from test_s3 import deploy_error, installed, published, read, secret_file

serials = itertools.count(1)


@pytest.fixture
def oss():
    o = lab_oss.Oss()
    yield o
    o.stop()


def options(acmed, oss, **more):
    return dict({"type": "oss", "endpoint": oss.url, "bucket": oss.bucket,
                 "region": oss.region, "access_key_id": oss.key_id,
                 "secret_access_key_file": secret_file(
                     acmed.folder, "oss-secret", oss.secret),
                 "encrypt_key_file": secret_file(
                     acmed.folder, "fleet-secret",
                     "0123456789abcdef" * 4)}, **more)


@pytest.fixture
def fleet(make, oss):
    def build(**more):
        name = "o%d-%d.example.test" % (next(serials), os.getpid())
        publisher, web = make(), make()
        for a in publisher, web:
            a.repositories["fleet"] = options(a, oss, **more)
        publisher.cert(name, deploy={"fleet": {"publish": "fleet"}})
        web.accounts, web.providers = {}, {}
        web.certs[name] = {
            "source": "fleet", "poll": "60s", "names": [name],
            "deploy": {"log": {"exec": ["/bin/true"]}}}
        return publisher, web, name
    return build


def test_life(fleet, oss):
    publisher, web, name = fleet(prefix="web", server_side_encryption="KMS",
                                 kms_key_id="9468da86-3509-4f8d")
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    web.ctl("renew-now", name)
    installed(web, name, second)
    assert read(web.live(name, "privkey.pem")) == read(
        publisher.live(name, "privkey.pem"))
    publisher.wait("what the web serves", lambda: [
        h for h in publisher.get("/v1/receipts")[1]["hosts"]
        if h["serial"] == second and h["ok"]], timeout=30)
    puts = [r for r in list(oss.seen) if r[0] == "PUT"]
    files = [p for p in puts if p[1].startswith("web/%s/" % name)]
    assert [p[1].split("/")[-1] for p in files] == [
        "fullchain.pem", "privkey.pem", "manifest.json"] * 2
    # The others are what the web says it serves.
    assert all(p in files or (p[1].startswith("web/hosts/") and
                              p[1].endswith("/%s.json" % name))
               for p in puts)
    for method, key, headers, body, status in puts:
        assert status == 200 and b"PRIVATE KEY" not in body
        assert headers["x-oss-server-side-encryption"] == "KMS"
        assert headers["x-oss-server-side-encryption-key-id"] == \
            "9468da86-3509-4f8d"
    # Only the first manifest must not meet another one.
    assert [p[2].get("x-oss-forbid-overwrite") for p in files
            if p[1].endswith("manifest.json")] == ["true", None]
    assert oss.secret not in publisher.log() + web.log()


@pytest.mark.parametrize("wrong", ["secret", "key", "region", "bucket",
                                   "style", "encryption", "skew"])
def test_refused(fleet, oss, wrong):
    more = {"secret": {}, "key": {"access_key_id": "LTAInobody"},
            "region": {"region": "cn-beijing"},
            "bucket": {"bucket": "other"}, "style": {"path_style": "true"},
            "encryption": {"server_side_encryption": "ROT13"},
            "skew": {}}[wrong]
    publisher, _, name = fleet(**more)
    if wrong == "secret":
        oss.secret += "x"
    if wrong == "skew":
        oss.skew = 3600
    publisher.start()
    error = deploy_error(publisher, name)["error"]
    assert {"secret": "403 SignatureDoesNotMatch: The request signature we "
                      "calculated does not match",
            "key": "403 InvalidAccessKeyId",
            "region": "400 InvalidArgument: Invalid signing region",
            "bucket": "404 NoSuchBucket",
            "style": "403 SecondLevelDomainForbidden",
            "encryption": "400 InvalidEncryptionAlgorithmError",
            "skew": "403 RequestTimeTooSkewed"}[wrong] in error
    assert ("clock" in error) == (wrong == "skew")


def test_first_publishers_race(fleet, oss, make):
    """Both have seen no manifest; the second one sees the first one's."""
    one, _, name = fleet()
    two = make()
    two.repositories["fleet"] = options(two, oss)
    two.cert(name, deploy={"fleet": {"publish": "fleet"}})
    one.start()
    first = published(one, name)
    key = name + "/manifest.json"
    asked = []

    def before(method, k):
        """The second one comes just before the first one's manifest."""
        if (method, k) == ("GET", key) and not asked:
            asked.append(k)
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        return None
    oss.before = before
    two.start()
    second = published(two, name)
    assert [r[4] for r in oss.seen if r[:2] == ("PUT", key)] == [
        200, 409, 200]
    assert json.loads(oss.objects[key])["serial"] == second != first


# --- type https ---

@pytest.fixture
def site(lab, oss):
    """nginx with a folder of files, over TLS, for those with the token."""
    made = []

    def build(files):
        n = lab_web.Static(os.path.join(
            lab.folder, "static%d" % next(lab.serial)), "127.0.0.1",
            next(lab.ports), lab.tls.cert, lab.tls.key, files, "s3same")
        n.start()
        made.append(n)
        return n
    yield build
    for n in made:
        n.stop()


def test_https(make, lab, site):
    """What one host publishes into a directory, a web server hands out."""
    name = "https.example.test"
    publisher, web = make(), make()
    folder = os.path.join(publisher.folder, "fleet")
    os.makedirs(folder)
    for a in publisher.folder, folder:
        os.chmod(a, 0o755)
    secret = "0123456789abcdef" * 4
    publisher.repositories["fleet"] = {
        "type": "directory", "path": folder, "prefix": "certs",
        "encrypt_key_file": secret_file(publisher.folder, "k", secret)}
    publisher.cert(name, deploy={"fleet": {"publish": "fleet"}})
    publisher.start()
    first = published(publisher, name)
    s = site(folder)
    web.accounts, web.providers = {}, {}
    web.repositories["fleet"] = {
        "type": "https", "url": s.url, "prefix": "certs",
        "ca_file": lab.tls.ca,
        "token_file": secret_file(web.folder, "token", "s3same"),
        "encrypt_key_file": secret_file(web.folder, "k", secret)}
    web.certs[name] = {"source": "fleet", "names": [name], "poll": "60s",
                       "deploy": {"log": {"exec": ["/bin/true"]}}}
    jump = web.fake_clock()
    web.start()
    installed(web, name, first)
    if jump:
        before = len(s.requests())
        jump(80)
        web.wait("a poll", lambda: len(s.requests()) > before)
        assert s.requests()[before:] == [
            "GET /certs/%s/manifest.json 304 0" % name]
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    web.ctl("renew-now", name)
    installed(web, name, second)
    # A wrong token, then no such folder: a clear word, the old one stays.
    secret_file(web.folder, "token", "wr0ng")
    p = web.ctl("renew-now", name)
    assert p.returncode != 0 and "it answers 403" in p.stdout
    secret_file(web.folder, "token", "s3same")
    shutil.rmtree(os.path.join(folder, "certs"))
    p = web.ctl("renew-now", name)
    assert p.returncode != 0 and "it answers 404" in p.stdout
    assert web.cert_status(name)["serial"] == second
    assert "s3same" not in web.log() and "wr0ng" not in web.log()
