# SPDX-License-Identifier: MIT
"""Publish and subscribe through etcd, a real one of three members."""

import itertools
import os
import signal
import time

import pytest

from lab import etcd as lab_etcd, proc

serials = itertools.count(1)


def secret(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def cluster(lab, **opts):
    try:
        return lab_etcd.Etcd(os.path.join(
            lab.folder, "etcd%d" % next(lab.serial)), **opts)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise


@pytest.fixture(scope="module")
def etcd(lab):
    c = cluster(lab)
    yield c
    c.stop()


@pytest.fixture
def fleet(make):
    """fleet(etcd): a publisher, a subscriber that would look once a day, and
    their certificate's name."""
    def build(etcd, **more):
        name = "e%d-%d.example.test" % (next(serials), os.getpid())
        publisher, web = make(), make()
        for a in publisher, web:
            a.repositories["fleet"] = dict({
                "type": "etcd", "etcd": etcd.urls, "encrypt_key_file": secret(
                    a.folder, "fleet", "0123456789abcdef" * 4)}, **{
                        k: secret(a.folder, "pw", v) if k == "password_file"
                        else v for k, v in more.items()})
        publisher.cert(name, deploy={"fleet": {
            "publish": "fleet", "timeout": "20s"}})
        web.accounts, web.providers = {}, {}
        web.certs[name] = {"source": "fleet", "poll": "1d", "names": [name],
                           "deploy": {"log": {"exec": ["/bin/true"]}}}
        return publisher, web, name
    return build


def published(publisher, name, than=None):
    def check():
        c = publisher.cert_status(name)
        return c["serial"] not in (None, than) and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c["serial"]
    return publisher.wait("publication", check, timeout=30)


def installed(web, name, serial, timeout=30):
    def check():
        c = web.cert_status(name)
        return c["serial"] == serial and c["run"] is None and c
    return web.wait("certificate %s" % serial, check, timeout)


def renew(publisher, name, than):
    time.sleep(1.1)         # newer, by its dates
    assert publisher.ctl("renew-now", name).returncode == 0
    return published(publisher, name, than)


def test_push(fleet, etcd):
    """What is published is served a moment later, though the subscriber would
    look once a day; also after the member that pushed has died, after
    compaction, and after all members were away."""
    publisher, web, name = fleet(etcd)
    publisher.start()
    first = published(publisher, name)
    keys = etcd.keys()
    assert sorted(k for k in keys if name in k) == [
        "/acmed/%s/%s" % (name, f) for f in (
            "%s/fullchain.pem" % first, "%s/privkey.pem" % first,
            "manifest.json")]
    assert "PRIVATE KEY" not in etcd.ctl("get", "--prefix", "/acmed/" + name)
    # Files go when the certificate is long over, the manifest stays.
    ids = etcd.ctl("lease", "list").split()[-1:]
    shown = etcd.ctl("lease", "timetolive", "--keys", ids[0])
    assert name in shown and "manifest.json" not in shown, shown
    web.start()
    installed(web, name, first)
    web.wait("the watch", lambda: "watching for changes" in web.log())
    second = renew(publisher, name, first)
    start = time.monotonic()
    installed(web, name, second)
    took = time.monotonic() - start
    print("published to installed: %.2f s" % took)
    assert took < 10
    # The member that pushes dies, and what is published then comes too.
    third = second
    for dead in [etcd.ports.index(p) for p in members(web)]:
        etcd.members[dead].kill()
        third = renew(publisher, name, third)
        installed(web, name, third)
        etcd.start(dead)
        etcd.wait()
    # All are away: nothing breaks, and then all is as before.
    for m in etcd.members:
        m.kill()
    for m in etcd.members:
        m.wait()
    web.wait("a word of it", lambda: "cannot watch for changes" in web.log(),
             timeout=30)
    assert web.cert_status(name)["state"] == "valid"
    p = web.ctl("check", name)
    assert p.returncode != 0 and "127.0.0.1" in p.stdout
    for i in range(3):
        etcd.start(i)
    etcd.wait()
    fourth = renew(publisher, name, third)
    installed(web, name, fourth, timeout=90)
    web.wait("a word of it", lambda: "watching for changes again" in web.log())


def members(web):
    """The ports of those that it is connected to."""
    shown = proc.run(["ss", "-Htnp", "state", "established"]).stdout
    return {int(p) for p in (
        x.split()[-2].rsplit(":", 1)[1] for x in shown.split("\n")
        if "pid=%d," % web.proc.pid in x) if p.isdigit()
        and 23790 <= int(p) < 23900}


def test_compacted(fleet, etcd):
    """A subscriber whose process stood still finds what etcd forgot."""
    publisher, web, name = fleet(etcd)
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    web.wait("the watch", lambda: "watching for changes" in web.log())
    os.kill(web.proc.pid, signal.SIGSTOP)
    # Its connections are gone, and so is the history.
    for port in members(web):
        i = etcd.ports.index(port)
        etcd.members[i].kill()
        etcd.members[i].wait()
        etcd.start(i)
        etcd.wait()
    second = renew(publisher, name, first)
    revision = etcd.ctl("get", "x", "-w", "fields").split('"Revision" : ')[1]
    etcd.ctl("compact", revision.split()[0])
    os.kill(web.proc.pid, signal.SIGCONT)
    installed(web, name, second, timeout=60)


def test_two_publishers(fleet, etcd, make):
    """Neither replaces what is newer: writes have conditions."""
    publisher, web, name = fleet(etcd)
    publisher.start()
    first = published(publisher, name)
    other = make()
    other.repositories = publisher.repositories
    time.sleep(1.1)
    other.cert(name, deploy={"fleet": {"publish": "fleet"}})
    other.start()
    second = published(other, name)
    assert second != first
    p = publisher.ctl("deploy", name)
    assert "newer" in p.stdout, p.stdout
    web.start()
    installed(web, name, second)


def forget_tokens(c):
    """As when their time is up.  Not by a restart: etcd's log has them."""
    c.ctl("auth", "disable", user="root:r")
    c.ctl("auth", "enable")


def test_users(fleet, lab):
    """TLS with client certificates, a user with a right to the prefix only, a
    token that ends, a wrong password, a lost right: told, or mended."""
    c = cluster(lab, n=1, tls=lab.tls, base=23990)
    cert, key = lab_etcd.nobody(lab.tls)
    try:
        c.ctl("user", "add", "root", "--new-user-password=r")
        c.ctl("user", "grant-role", "root", "root", check=False)
        c.ctl("role", "add", "pub", check=False)
        c.ctl("role", "grant-permission", "pub", "readwrite", "--prefix=true",
              "/acmed/")
        c.ctl("user", "add", "acmed", "--new-user-password=one")
        c.ctl("user", "grant-role", "acmed", "pub")
        c.ctl("auth", "enable")
        publisher, web, name = fleet(
            c, ca_file=lab.tls.ca, cert_file=lab.tls.cert,
            key_file=lab.tls.key, user="acmed", password_file="one")
        publisher.start()
        publisher.wait("what to do", lambda: "subject has no CN" in
                       publisher.log())
        for a in publisher, web:
            a.repositories["fleet"].update(cert_file=cert, key_file=key)
        publisher.write_conf()
        publisher.reload()
        first = published(publisher, name)
        web.start()
        installed(web, name, first)
        forget_tokens(c)
        second = renew(publisher, name, first)
        installed(web, name, second, timeout=60)
        secret(publisher.folder, "pw", "two")
        forget_tokens(c)
        p = publisher.ctl("deploy", name)
        assert p.returncode != 0 and "authentication failed" in p.stdout, \
            p.stdout
        assert "two" not in publisher.log()
        secret(publisher.folder, "pw", "one")
        c.ctl("role", "revoke-permission", "pub", "--prefix=true", "/acmed/",
              user="root:r")
        p = publisher.ctl("deploy", name)
        assert p.returncode != 0 and "role grant-permission" in p.stdout, \
            p.stdout
    finally:
        c.stop()


def test_two_repositories(fleet, lab):
    """News of two repositories is pushed over HTTP/2 by one member."""
    c = cluster(lab, n=1, tls=lab.tls, base=24090)
    try:
        web = fleet(c)[1]
        key = secret(web.folder, "fleet", "0123456789abcdef" * 4)
        for r in "one", "two":
            web.repositories[r] = {
                "type": "etcd", "etcd": c.urls, "prefix": r,
                "ca_file": lab.tls.ca, "cert_file": lab.tls.cert,
                "key_file": lab.tls.key, "encrypt_key_file": key}
            web.certs[r] = {"source": r, "poll": "1d",
                            "names": [r + ".example.test"]}
        web.certs = {r: web.certs[r] for r in ("one", "two")}
        del web.repositories["fleet"]
        web.start()
        for r in "one", "two":
            web.wait("the watch", lambda: 'repository "%s": watching for '
                     'changes' % r in web.log(), timeout=30)
    finally:
        c.stop()
