# SPDX-License-Identifier: MIT
"""Publish and subscribe through OpenStack Swift, whose S3 API checks every
signature; a proxy before it counts, changes and breaks."""

import itertools
import json
import os
import threading
import time

import pytest

from lab import proc, rgw as lab_rgw, s3, swift as lab_swift

from test_host_keys import Fleet as HostFleet, keeps_key, wants_another

BUCKET = "certs"


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def secret_file(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


@pytest.fixture(scope="session")
def swift(lab):
    try:
        lab_swift.path()
    except proc.LabError as e:
        pytest.skip("no OpenStack Swift, see tests/lab/swift.sh: %s" % e)
    s = lab_swift.Swift(os.path.join(lab.folder, "swift"), 8080)
    s.client().make_bucket(BUCKET)
    yield s
    s.end()


@pytest.fixture
def front(lab, swift):
    """A proxy before Swift, with TLS."""
    p = s3.Proxy(swift.port, tls=lab.tls)
    yield p
    p.stop()


def options(acmed, swift, url, ca=None, **more):
    """Of a repository section; None takes one away."""
    opts = {"type": "s3", "endpoint": url, "bucket": BUCKET,
            "region": swift.region, "access_key_id": swift.key_id,
            "secret_access_key_file": secret_file(
                acmed.folder, "s3-secret", swift.secret),
            "encrypt_key_file": secret_file(
                acmed.folder, "fleet-secret", "0123456789abcdef" * 4),
            "ca_file": ca}
    opts.update(more)
    return opts


serials = itertools.count(1)


@pytest.fixture
def fleet(make, lab, swift, front):
    """fleet(): a publisher, a subscriber, and their certificate's name."""
    def build(**opts):
        name = "s%d-%d.example.test" % (next(serials), os.getpid())
        publisher, web = make(), make()
        for a in publisher, web:
            a.repositories["fleet"] = options(
                a, swift, front.url, lab.tls.ca, **opts)
        publisher.cert(name, deploy={"fleet": {"publish": "fleet"}})
        web.accounts, web.providers = {}, {}
        web.certs[name] = {
            "source": "fleet", "poll": "60s", "names": [name],
            "deploy": {"log": {"exec": [
                "/bin/sh", "-c",
                "echo $ACMED_SERIAL >>%s/ran" % web.folder]}}}
        return publisher, web, name
    return build


def published(acmed, name, than=None, timeout=30):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] not in (None, than) and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c["serial"]
    return acmed.wait("publication", check, timeout)


def deploy_error(acmed, name):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] and c["run"] is None and c["deploy"] and \
            c["deploy"][0]["state"] == "failed" and c["deploy"][0]
    return acmed.wait("a failed deploy", check, timeout=30)


def installed(web, name, serial):
    def check():
        c = web.cert_status(name)
        return c["serial"] == serial and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c
    return web.wait("certificate %s" % serial, check, timeout=30)


def manifest_of(swift, name, prefix=""):
    text = swift.client().get(BUCKET, "%s%s/manifest.json" % (prefix, name))
    return json.loads(text) if text else None


def test_life(fleet, swift, front, lab):
    """TLS with our own CA, a prefix; then a second version."""
    publisher, web, name = fleet(prefix="web/certs")
    publisher.start()
    first = published(publisher, name)
    assert manifest_of(swift, name, "web/certs/")["serial"] == first
    # Files first, the manifest last; bodies and key are signed for.
    puts = [r for r in front.seen if r.method == "PUT"]
    assert [r.path.rsplit("/", 1)[1] for r in puts[:2]] == [
        "fullchain.pem", "privkey.pem"]
    assert all(r.path.endswith("/manifest.json") for r in puts[2:])
    assert all(b"PRIVATE KEY" not in r.body for r in puts)
    # Swift knows no conditions and says so; then it goes without.
    assert [r.status for r in puts[2:]] == [501, 200]
    assert puts[2].headers["if-none-match"] == "*"
    web.start()
    installed(web, name, first)
    for file in "privkey.pem", "fullchain.pem":
        assert read(web.live(name, file)) == read(publisher.live(name, file))
    time.sleep(1.1)         # the second one is newer, by its dates
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    assert web.ctl("renew-now", name).returncode == 0
    installed(web, name, second)
    assert read(os.path.join(web.folder, "ran")).split() == [first, second]
    # Rolled back from, it is not fetched again at the next look.
    assert web.ctl("rollback", name).returncode == 0
    c = installed(web, name, first)
    assert c["next"]["action"] == "retry"
    assert c["next"]["at"] > time.time() + 3600
    p = publisher.ctl("rollback", name)
    assert p.returncode == 0 and "subscribers take no older one" in p.stdout
    assert manifest_of(swift, name, "web/certs/")["serial"] == second
    for a in publisher, web:
        assert swift.secret + "\n" not in a.log()
        assert "0123456789abcdef" * 4 not in a.log()
        assert "Signature=" not in a.log()


def test_virtual_hosted(fleet, swift, front):
    """BUCKET.HOST, over plain HTTP: what is sent is encrypted."""
    publisher, web, name = fleet(path_style="false", ca_file=None)
    front.stop()
    plain = s3.Proxy(swift.port)
    try:
        for a in publisher, web:
            a.repositories["fleet"]["endpoint"] = plain.url
        publisher.start()
        serial = published(publisher, name)
        web.start()
        installed(web, name, serial)
        # The web says what it serves, the publisher looks for it.
        publisher.wait("what the web serves", lambda: [
            h for h in publisher.get("/v1/receipts")[1]["hosts"]
            if h["serial"] == serial and h["ok"]], timeout=30)
        seen = list(plain.seen)
        assert all(r.headers["host"].startswith(BUCKET + ".localhost:")
                   for r in seen)
        files, receipts, lists = (
            [r for r in seen if r.path.startswith(p)]
            for p in ("/%s/" % name, "/hosts/", "/?list-type=2&"))
        assert files and lists
        assert all(r.path.endswith("/%s.json" % name) for r in receipts)
        assert {r.method for r in receipts} == {"PUT", "GET"}
        assert len(files) + len(receipts) + len(lists) == len(seen)
    finally:
        plain.stop()


@pytest.mark.parametrize("wrong", ["secret", "key", "region", "bucket",
                                   "ca", "style"])
def test_refused(make, lab, swift, front, wrong):
    """Nothing but a person can help; the server's words say what to do."""
    a = make()
    name = "no-%s.example.test" % wrong
    opts = options(a, swift, front.url, lab.tls.ca)
    if wrong == "secret":
        opts["secret_access_key_file"] = secret_file(a.folder, "bad", "x")
    elif wrong == "key":
        opts["access_key_id"] = "test:nobody"
    elif wrong == "region":
        opts["region"] = "eu-north-1"
    elif wrong == "bucket":
        opts["bucket"] = "no-such-bucket"
    elif wrong == "ca":
        opts["ca_file"] = None
    a.repositories["fleet"] = opts
    if wrong == "style":
        opts.update(path_style="false", ca_file=lab.tls.ca)
    a.cert(name, deploy={"fleet": {"publish": "fleet"}})
    a.start()
    error = deploy_error(a, name)["error"]
    assert 'repository "fleet"' in error or "fleet" in error
    assert {"secret": "403 SignatureDoesNotMatch",
            "key": "403 SignatureDoesNotMatch",
            "region": "400 AuthorizationHeaderMalformed",
            "bucket": "404 NoSuchBucket", "ca": "ertificate",
            "style": "ertificate"}[wrong] in error
    if wrong == "region":
        assert "us-east-1" in error
    assert "testing" not in error


def test_skew(make, lab, swift, front):
    """Our clock is an hour fast: the store says so, and we ask again."""
    a = make()
    name = "skew.example.test"
    a.repositories["fleet"] = options(a, swift, front.url, lab.tls.ca)
    a.cert(name, deploy={"fleet": {"publish": "fleet"}})
    jump = a.fake_clock()
    if jump is None:
        pytest.skip("there is no way to have a wrong clock")
    front.before = lambda r: (503, [], b"")
    a.start()
    deploy_error(a, name)
    front.reset()
    jump(3600)
    error = a.wait("its words", lambda: (lambda e: "Skewed" in e and e)(
        a.cert_status(name)["deploy"][0]["error"] or ""))
    assert "403 RequestTimeTooSkewed" in error
    assert "is this machine's clock right?" in error


def test_away_and_back(fleet, swift, front):
    """A store that is down is asked again; nothing is lost."""
    publisher, web, name = fleet()
    jump = publisher.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    front.before = lambda r: (503, [("Retry-After", "1")], b"busy")
    p = web.ctl("renew-now", name)
    assert p.returncode != 0 and "503" in p.stdout
    publisher.ctl("renew-now", name)
    assert "503" in deploy_error(publisher, name)["error"]
    assert web.cert_status(name)["serial"] == first
    front.reset()
    jump(80)
    second = published(publisher, name, first)      # by itself
    web.ctl("renew-now", name)
    installed(web, name, second)


def test_poll_costs_one_request(fleet, front):
    publisher, web, name = fleet()
    publisher.start()
    first = published(publisher, name)
    jump = web.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    web.start()
    installed(web, name, first)
    front.reset()

    def polls():        # what it says it serves, and who asks for that, is
                        # another matter
        return [r for r in list(front.seen)
                if r.path.startswith("/%s/%s/" % (BUCKET, name))]
    # Less than what the store takes for a wrong clock.
    for n in 1, 2, 3:
        jump(70 * n)
        proc.wait_until("poll %d" % n, lambda: len(polls()) >= n)
        time.sleep(0.2)
        assert len(polls()) == n
    for r in polls():
        assert r.method == "GET" and r.path.endswith("/manifest.json")
        assert r.status == 304 and r.reply == b""
        assert r.headers["if-none-match"]
    assert web.cert_status(name)["next"]["action"] == "poll"


def test_publisher_is_killed(fleet, swift, front):
    """Between the files and the manifest: readers keep what they have."""
    publisher, web, name = fleet()
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    killed = threading.Event()

    def before(r):
        if r.method == "PUT" and r.path.endswith("/manifest.json"):
            publisher.kill()
            killed.set()
            return "drop"
        return None
    front.before = before
    publisher.ctl("renew-now", name)
    assert killed.wait(20)
    front.reset()
    assert manifest_of(swift, name)["serial"] == first
    assert web.ctl("renew-now", name).returncode == 0
    assert web.cert_status(name)["serial"] == first
    assert read(os.path.join(web.folder, "ran")).split() == [first]
    publisher.start()
    second = published(publisher, name, first)
    web.ctl("renew-now", name)
    installed(web, name, second)


@pytest.mark.parametrize("when", ["downloaded", "installed"])
def test_subscriber_is_killed(fleet, front, when):
    """It goes on where it was; what is served is never half of it."""
    publisher, web, name = fleet()
    publisher.start()
    first = published(publisher, name)
    marker = os.path.join(web.folder, "go")
    web.certs[name]["deploy"]["log"]["exec"][2] = (
        "[ -e %s ] || { : >%s; kill -9 %s; exit; }; %s" % (
            marker, marker, "$PPID", web.certs[name]["deploy"]["log"]["exec"]
            [2]) if when == "installed" else
        web.certs[name]["deploy"]["log"]["exec"][2])
    killed = threading.Event()

    def after(r):
        if when == "downloaded" and r.path.endswith("/privkey.pem"):
            web.kill()
            killed.set()
            return "drop"
        return None
    front.after = after
    web.start()
    if when == "downloaded":
        assert killed.wait(20)
        assert not os.path.exists(web.live(name))
    else:
        web.proc.wait(20)
        assert os.path.exists(web.live(name))
    front.reset()
    web.start()
    installed(web, name, first)
    assert read(web.live(name, "privkey.pem")) == read(
        publisher.live(name, "privkey.pem"))
    assert read(os.path.join(web.folder, "ran")).split() == [first]
    scratch = os.path.join(web.state_dir, "scratch")
    assert not os.path.exists(scratch) or os.listdir(scratch) == []


HOSTILE = {
    "huge manifest": (200, [("ETag", '"x"')], b"{" + b" " * 900000 + b"}"),
    "huge error": (403, [], b"<Error><Code>" + b"A" * 700000),
    "no end of headers": (200, [("X-%d" % i, "y" * 900) for i in
                                range(90)], b"{}"),
    "deep": (200, [], b'{"a":' + b"[" * 16000 + b"]" * 16000 + b"}"),
    "not JSON": (200, [("ETag", "\x1b[2J")], b"<html>hello</html>"),
    "escapes": (403, [], b"<Error><Code>X\x1b]0;y\x07</Code><Message>"
                b"&#27;[31mred\n\nmore</Message></Error>"),
    "cut": (200, [("Content-Length", "5000")], b'{"format":'),
    "empty": (200, [], b""),
    "odd status": (206, [], b"{}"),
    "redirect": (302, [("Location", "http://127.0.0.1:1/x")], b""),
    "nothing": "drop",
}


def test_hostile_replies(fleet, front):
    """Whatever is answered: the old certificate stays, the daemon lives."""
    publisher, web, name = fleet()
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    said = {}
    for what, answer in HOSTILE.items():
        front.before = lambda r, answer=answer: answer
        p = web.ctl("renew-now", name)
        assert p.returncode != 0, what
        c = web.cert_status(name)
        assert c["serial"] == first and c["state"] == "valid", what
        said[what] = c["error"]["msg"]
        assert "fleet" in said[what], (what, said[what])
        assert "\x1b" not in p.stdout and "\n" not in said[what], what
        if what == "cut":
            assert c["error"]["kind"] == "transient", c["error"]
    # The same for the files: one byte more, or half of one.
    front.reset()
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    for change in (lambda b: b + b"x", lambda b: b[:len(b) // 2],
                   lambda b: b"", lambda b: b * 3000):
        front.after = lambda r, change=change: (
            200, [], change(r.reply)) if r.path.endswith(
                "/fullchain.pem") else None
        assert web.ctl("renew-now", name).returncode != 0
        assert web.cert_status(name)["serial"] == first
    front.reset()
    web.ctl("renew-now", name)
    installed(web, name, second)


def test_race(fleet, swift, front, make, lab):
    """Two publishers and a store with conditional writes: the second one
    sees what the first has written, and does not replace what is newer."""
    one, _, name = fleet()
    two = make()
    two.repositories["fleet"] = options(two, swift, front.url, lab.tls.ca)
    two.cert(name, deploy={"fleet": {"publish": "fleet"}})
    etags, lock = {}, threading.Lock()
    outcomes = []

    def before(r):
        """Conditions, which Swift has not."""
        if r.method != "PUT" or not r.path.endswith("/manifest.json"):
            return None
        with lock:
            have = etags.get(r.path)
            if ("if-none-match" in r.headers and have) or \
                    ("if-match" in r.headers and
                     r.headers["if-match"] != have):
                outcomes.append(412)
                return (412, [], b"<Error><Code>PreconditionFailed</Code>"
                        b"</Error>")
            outcomes.append(200)
            serial = json.loads(r.body)["serial"]
            etags[r.path] = '"%s-%d"' % (serial, len(outcomes))
            swift.client().put(BUCKET, r.path.split("/", 2)[2], r.body)
            return 200, [("ETag", etags[r.path])], b""

    def after(r):
        if r.method == "GET" and r.status == 200 and r.path in etags:
            return 200, [("ETag", etags[r.path])], r.reply
        return None
    front.before, front.after = before, after
    one.start()
    two.start()
    first = published(one, name)
    state = two.wait("an end", lambda: (
        lambda c: c["serial"] and c["run"] is None and c["deploy"] and
        c["deploy"][0]["state"] in ("done", "failed") and c["deploy"][0])(
            two.cert_status(name)), timeout=30)
    serial = manifest_of(swift, name)["serial"]
    assert serial in (first, two.cert_status(name)["serial"])
    if state["state"] == "failed":
        assert "has a newer certificate" in state["error"]
    assert outcomes.count(200) <= 3
    assert all("if-match" in r.headers or "if-none-match" in r.headers
               for r in front.seen if r.method == "PUT" and
               r.path.endswith("/manifest.json"))


def test_encryption_headers(fleet, front):
    """They are sent and signed for; a store that has none says so."""
    publisher, _, name = fleet(server_side_encryption="aws:kms",
                               kms_key_id="arn:aws:kms:x:1:key/2")
    publisher.start()
    assert "501 NotImplemented: Server-side encryption is not supported" \
        in deploy_error(publisher, name)["error"]
    put = [r for r in front.seen if r.method == "PUT"][0]
    assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert put.headers["x-amz-server-side-encryption-aws-kms-key-id"] == \
        "arn:aws:kms:x:1:key/2"
    assert "x-amz-server-side-encryption-aws-kms-key-id" in \
        put.headers["authorization"]


KINDS = [
    (400, b"AuthorizationHeaderMalformed", "config"),
    (400, b"RequestTimeout", "transient"),
    (301, b"PermanentRedirect", "config"),
    (403, b"AccessDenied", "config"),
    (403, b"RequestTimeTooSkewed", "transient"),
    (404, b"NoSuchBucket", "config"), (404, b"NoSuchKey", "rejected"),
    (429, b"SlowDown", "transient"), (500, b"", "transient"),
    (501, b"NotImplemented", "config"), (503, b"SlowDown", "transient"),
]


def test_kinds_of_errors(fleet, front):
    """Who has to do something is told rightly."""
    _, web, name = fleet()
    front.before = lambda r: (503, [], b"")
    web.start()
    web.wait_error(name)
    for status, code, kind in KINDS:
        front.before = lambda r: (
            status, [], b"<Error><Code>%s</Code></Error>" % code)
        assert web.ctl("renew-now", name).returncode != 0
        error = web.cert_status(name)["error"]
        assert error["kind"] == kind, (status, code, error)
        assert ("%d %s" % (status, code.decode())).strip() in error["msg"]
        assert ("s3:ListBucket" in error["msg"]) == (code == b"AccessDenied")


@pytest.mark.parametrize("wants", ["bare", "nothing"])
def test_odd_conditions(fleet, swift, front, wants):
    """radosgw knows If-Match only without quotes; others understand none."""
    publisher, _, name = fleet()
    publisher.start()
    first = published(publisher, name)
    tried = []

    def before(r):
        if r.method != "PUT" or not r.path.endswith("/manifest.json"):
            return None
        match = r.headers.get("if-match")
        tried.append(match)
        if match is None or (wants == "bare" and match[0] != '"'):
            swift.client().put(BUCKET, r.path.split("/", 2)[2], r.body)
            return 200, [], b""
        return 412, [], b""
    front.before = before
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    assert manifest_of(swift, name)["serial"] == second
    assert tried[0].strip('"') == tried[1] and tried[0] != tried[1]
    assert tried[2:] == ([None] if wants == "nothing" else [])


# --- radosgw, which knows conditional writes ---

def test_key_stays(make, lab, swift, front):
    """key_source = host through the store: the host puts its request there,
    and only the chain comes back."""
    a = make()
    opts = {k: v for k, v in options(a, swift, front.url,
                                     ca=lab.tls.ca).items()
            if k != "encrypt_key_file" and v is not None}
    fleet = HostFleet(make, "others3.example.test", prefix="stays/", **opts)
    name = "stayss3.example.test"
    web, serial, key = keeps_key(fleet, name)
    wants_another(web, name, serial, key)
    stored = [r.path for r in front.seen if r.method == "PUT" and
              name in r.path]
    assert "/%s/stays/%s/csr/web-1" % (BUCKET, name) in stored, stored
    assert not [p for p in stored if "privkey" in p]


@pytest.fixture(scope="module")
def rgw(lab):
    try:
        lab_rgw.path()
    except proc.LabError as e:
        pytest.skip("no radosgw, see tests/lab/rgw.sh: %s" % e)
    r = lab_rgw.Rgw(os.path.join(lab.folder, "rgw"), 7480)
    r.client().make_bucket(BUCKET)
    yield r
    r.end()


@pytest.mark.long
def test_radosgw(make, lab, rgw):
    """A life, refusals, and publishers that race, without a fake between."""
    front = s3.Proxy(rgw.port, tls=lab.tls)
    name = "rgw.example.test"
    hosts = [make() for _ in range(4)]
    for a in hosts:
        a.repositories["fleet"] = options(a, rgw, front.url, lab.tls.ca)
        a.cert(name, deploy={"fleet": {"publish": "fleet"}})
        a.start()
    for a in hosts:
        a.wait("an end", lambda: (
            lambda c: c["serial"] and c["run"] is None and c["deploy"] and
            c["deploy"][0]["state"] in ("done", "failed"))(
                a.cert_status(name)), timeout=60)
    puts = [r for r in front.seen if r.method == "PUT" and
            r.path.endswith("manifest.json")]
    created = [r for r in puts if "if-none-match" in r.headers]
    assert [r.status for r in created].count(200) == 1, [
        r.status for r in created]
    # 500 is what a radosgw says to some who race: they come again.
    assert {r.status for r in puts} <= {200, 412, 500}
    # Nobody had to do without a condition.
    assert all("if-none-match" in r.headers or "if-match" in r.headers
               for r in puts)
    last = manifest_of(rgw, name)
    assert last["serial"] in [a.cert_status(name)["serial"] for a in hosts]
    time.sleep(1.1)
    one = hosts[0]
    one.ctl("renew-now", name)
    one.wait("the next", lambda: manifest_of(rgw, name)["serial"] !=
             last["serial"], timeout=30)
    second = manifest_of(rgw, name)["serial"]
    # It wants If-Match without quotes, and gets it.
    asked = [(r.status, r.headers.get("if-match", "none")[0])
             for r in front.seen if r.method == "PUT" and
             r.path.endswith("manifest.json")]
    assert asked[-2] == (412, '"') and asked[-1][0] == 200
    assert asked[-1][1] not in '"n', asked
    web = make()
    web.accounts, web.providers = {}, {}
    web.repositories["fleet"] = options(web, rgw, front.url, lab.tls.ca)
    web.certs[name] = {"source": "fleet", "names": [name],
                       "deploy": {"log": {"exec": ["/bin/true"]}}}
    web.start()
    installed(web, name, second)
    secret_file(web.folder, "s3-secret", "wrong")
    p = web.ctl("renew-now", name)
    assert p.returncode != 0 and "403 SignatureDoesNotMatch" in p.stdout
    front.stop()
