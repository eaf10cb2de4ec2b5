# SPDX-License-Identifier: MIT
"""Hosts say what they serve; the publisher knows who is behind, and why."""

import base64
import itertools
import json
import os
import time
import urllib.request

import pytest

from lab import etcd as lab_etcd, oss as lab_oss, proc, swift as lab_swift

serials = itertools.count(1)


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def secret(folder, name, text="0123456789abcdef" * 4):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


@pytest.fixture
def fleet(make, lab):
    """fleet(n, repository): a publisher, n subscribers web-1, ..., and their
    certificate's name."""
    def build(n, **repository):
        name = "r%d-%d.example.test" % (next(serials), os.getpid())
        publisher = make()
        webs = [make() for _ in range(n)]
        folder = os.path.join(publisher.folder, "fleet")
        os.makedirs(folder)
        repository = repository or {"type": "directory", "path": folder}
        for i, a in enumerate([publisher] + webs):
            a.repositories["fleet"] = dict(
                {"encrypt_key_file": secret(a.folder, "secret")},
                **{k: secret(a.folder, k, v) if k.startswith("secret_") or
                   k == "password_file" else v
                   for k, v in repository.items()})
            a.options["host_name"] = "web-%d" % i if i else "publisher"
        publisher.cert(name, deploy={"fleet": {"publish": "fleet"}})
        for web in webs:
            web.accounts, web.providers = {}, {}
            web.certs[name] = {"source": "fleet", "poll": "5s",
                               "names": [name], "deploy": {"log": {
                                   "exec": ["/bin/true"]}}}
        return publisher, webs, name, folder
    return build


def published(publisher, name, than=None):
    def check():
        c = publisher.cert_status(name)
        return c["serial"] not in (None, than) and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c["serial"]
    return publisher.wait("publication", check, timeout=30)


def renew(publisher, name, than):
    time.sleep(1.1)         # newer, by its dates
    assert publisher.ctl("renew-now", name).returncode == 0
    return published(publisher, name, than)


def hosts(publisher):
    return {h["host"]: h for h in publisher.get(
        "/v1/receipts")[1]["hosts"]}


def serve(publisher, serial, names, timeout=30):
    """Wait until these hosts say that they serve it."""
    def check():
        known = hosts(publisher)
        return all(n in known and known[n]["serial"] == serial and
                   known[n]["ok"] for n in names) and known
    return publisher.wait("%s to serve %s" % (names, serial), check, timeout)


def test_behind(fleet):
    """One cannot deploy, one reports garbage: the publisher tells who and why
    in status, metrics and a message; the others are not disturbed."""
    publisher, webs, name, folder = fleet(3)
    told = os.path.join(publisher.folder, "told")
    publisher.options["alarm_gather"] = "0s"
    publisher.repositories["fleet"]["behind_after"] = "60s"
    publisher.notifies["ops"] = {
        "exec": ["/bin/sh", "-c", "cat >>%s; echo >>%s" % (told, told)],
        "events": ["fleet", "recovered"]}
    jump = publisher.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    publisher.start()
    assert publisher.status()["certificates"][0]["hosts"] is None
    first = published(publisher, name)
    for web in webs:
        web.start()
    known = serve(publisher, first, ["web-1", "web-2", "web-3"])
    h = known["web-1"]
    assert h["certificate"] == name and h["repository"] == "fleet"
    assert not h["behind"] and h["since"] and h["at"] and h["why"] is None
    assert proc.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256",
                     "-in", webs[0].live(name, "cert.pem")]).stdout.strip(
    ).split("=")[1].replace(":", "").lower() == h["sha256"]
    # What lies there is sealed.
    sealed = os.path.join(folder, "hosts", "web-1", name + ".json")
    assert read(sealed, "rb").startswith(b"ACMEDSEAL1")
    # web-2 cannot deploy the next one, web-3 says nothing that can be read.
    webs[1].certs[name]["deploy"]["log"]["exec"] = [
        "/bin/sh", "-c", "echo no nginx here; exit 3"]
    webs[1].write_conf()
    assert webs[1].ctl("reload").returncode == 0
    webs[2].stop()
    with open(os.path.join(folder, "hosts", "web-3", name + ".json"),
              "wb") as f:
        f.write(b"ACMEDSEAL1\nwhatever")
    os.makedirs(os.path.join(folder, "hosts", "other"))
    os.symlink("/etc/passwd", os.path.join(folder, "hosts", "other",
                                           name + ".json"))
    second = renew(publisher, name, first)
    for web in webs[:2]:
        web.ctl("renew-now", name)
    serve(publisher, second, ["web-1"])

    def behind():
        c = publisher.cert_status(name)["hosts"]
        found = {h["host"]: h for h in c["list"]}
        return c["behind"] == 2 and "no nginx here" in \
            found["web-2"]["why"] and "cannot be read" in \
            found["web-3"]["why"] and c
    c = publisher.wait("two behind", behind)
    assert c["known"] == 3 and c["late"] == 0
    assert hosts(publisher)["web-2"]["code"] == "deploy:failed"
    assert "2 of 3 hosts behind" in publisher.ctl("status").stdout
    shown = " ".join(publisher.ctl("status", name).stdout.split())
    assert "2 of 3 hosts behind" in shown and "no nginx here" in shown
    table = publisher.ctl("status", "--all-hosts").stdout
    assert "web-1" in table and "2 of 3 behind" in table
    assert publisher.ctl("status", "--all-hosts", "--check").returncode == 1
    assert len(json.loads(publisher.ctl(
        "--json", "status", "--all-hosts", "--failing").stdout)["hosts"]) == 2
    metrics = publisher.get("/metrics")[1]
    assert 'acmed_hosts{name="%s"} 3' % name in metrics
    assert 'acmed_hosts_behind{name="%s"} 2' % name in metrics
    assert publisher.ctl("status", "--check").returncode == 0
    # Longer than behind_after: that is told, once, with what to do.
    jump(90)
    publisher.wait("the message", lambda: os.path.exists(told) and
                   read(told).strip())
    m = json.loads(read(told).strip().split("\n")[0])
    assert m["event"] == "fleet" and m["code"] == "publish:behind"
    assert "web-2" in m["text"] and "host forget" in m["text"], m["text"]
    assert publisher.ctl("status", "--check").returncode == 1
    # What is known outlives a restart; a host that is gone is forgotten.
    publisher.stop()
    publisher.start()
    assert publisher.cert_status(name)["hosts"]["behind"] == 2
    p = publisher.ctl("host", "forget", "web-3")
    assert p.returncode == 0 and "forgotten" in p.stdout
    assert publisher.ctl("host", "forget", "web-9").returncode == 5
    webs[1].certs[name]["deploy"]["log"]["exec"] = ["/bin/true"]
    webs[1].write_conf()
    assert webs[1].ctl("reload").returncode == 0
    serve(publisher, second, ["web-2"])
    assert set(hosts(publisher)) == {"web-1", "web-2"}
    publisher.wait("its end", lambda: len(
        read(told).strip().split("\n")) == 2)
    # It comes back, and is known again.
    webs[2].start()
    webs[2].ctl("renew-now", name)
    serve(publisher, second, ["web-1", "web-2", "web-3"])


def test_no_receipts(fleet):
    """A host that may not write says so once, and all else is well; no, and
    nobody is asked."""
    publisher, webs, name, folder = fleet(2)
    with open(os.path.join(folder, "hosts"), "w"):
        pass                # nothing can be made below it
    webs[1].repositories["fleet"]["receipts"] = "no"
    publisher.start()
    first = published(publisher, name)
    for web in webs:
        web.start()
        web.wait("certificate", lambda w=web: w.cert_status(name)[
            "serial"] == first)
    webs[0].wait("a word of it", lambda: "will not know what this host "
                 "serves" in webs[0].log())
    assert webs[0].ctl("renew-now", name).returncode == 0
    webs[0].ctl("deploy", name)
    time.sleep(1)
    assert webs[0].log().count("will not know") == 1
    assert "will not know" not in webs[1].log()
    c = webs[0].cert_status(name)
    assert c["ok"] and c["error"] is None
    assert publisher.cert_status(name)["hosts"] is None


def litter(url, folder):
    """A page of keys that are none of acmed's stands before all others: what
    hosts say is told by the watch, and the list ends."""
    for i in range(0, 1000, 100):
        puts = [{"request_put": {"key": base64.b64encode(
            b"%s\0%d" % (folder.encode(), k)).decode()}}
            for k in range(i, i + 100)]
        urllib.request.urlopen(url + "/v3/kv/txn", json.dumps(
            {"success": puts}).encode(), timeout=10).read()


def store(kind, lab):
    """A repository's options, and what ends it."""
    if kind == "s3":
        try:
            lab_swift.path()
        except proc.LabError as e:
            pytest.skip("no OpenStack Swift: %s" % e)
        swift = lab_swift.Swift(os.path.join(
            lab.folder, "swift-r%d" % next(serials)), 8081)
        swift.client().make_bucket("certs")
        return {"type": "s3", "endpoint": "http://127.0.0.1:%d" % swift.port,
                "bucket": "certs", "region": swift.region, "prefix": "x",
                "access_key_id": swift.key_id,
                "secret_access_key_file": swift.secret}, swift.end
    if kind == "oss":
        oss = lab_oss.Oss()
        oss.page = 1
        return {"type": "oss", "endpoint": oss.url, "bucket": oss.bucket,
                "region": oss.region, "access_key_id": oss.key_id,
                "secret_access_key_file": oss.secret}, oss.stop
    try:
        etcd = lab_etcd.Etcd(os.path.join(
            lab.folder, "etcd-r%d" % next(serials)), n=1, base=24190)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise
    litter(etcd.urls[0], "x/~hosts/")
    return {"type": "etcd", "etcd": etcd.urls, "prefix": "x"}, etcd.stop


@pytest.mark.parametrize("kind", ["s3", "oss", "etcd"])
def test_stores(fleet, lab, kind):
    """The same through real stores: lists in pages, or pushed."""
    options, end = store(kind, lab)
    try:
        publisher, webs, name, _ = fleet(2, **options)
        publisher.start()
        first = published(publisher, name)
        for web in webs:
            web.start()
        serve(publisher, first, ["web-1", "web-2"])
        second = renew(publisher, name, first)
        for web in webs:
            web.ctl("renew-now", name)
        start = time.monotonic()
        serve(publisher, second, ["web-1", "web-2"])
        print("%s: all known to serve it after %.1f s" % (
            kind, time.monotonic() - start))
        assert publisher.cert_status(name)["hosts"]["behind"] == 0
        if kind == "etcd":
            publisher.wait("the end of the list", lambda: "keys in a row are "
                           "none of acmed's" in publisher.log())
    finally:
        end()
