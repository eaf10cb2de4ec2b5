# SPDX-License-Identifier: MIT
"""Hosts with keys of their own: each opens what the publisher names it for."""

import base64
import glob
import hashlib
import hmac
import json
import os
import threading
import time

import pytest

from lab import daemon, etcd as lab_etcd, fleet as lab_fleet, proc, proxy

INCLUDE = 'include("conf.d/*.conf")\n'


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def start(a):
    """With a conf.d that acmectl writes to."""
    os.makedirs(os.path.join(a.folder, "conf.d"), exist_ok=True)
    a.write_conf(a.text() + INCLUDE)
    a.start(write=False)


class Fleet:
    """A publisher of one certificate for web-*, and its subscribers."""

    def __init__(self, make, name, **repository):
        self.make, self.name, self.repository = make, name, repository
        self.publisher = make()
        self.publisher.repositories["fleet"] = dict(repository,
                                                    encrypt_to="hosts")
        self.publisher.cert(name, hosts=["web-*"],
                            deploy={"fleet": {"publish": "fleet",
                                              "timeout": "20s"}})
        start(self.publisher)

    def ctl(self, *args):
        p = self.publisher.ctl(*args, cwd=self.publisher.folder)
        assert p.returncode == 0, p.stdout
        return p.stdout

    def subscriber(self):
        a = self.make()
        a.accounts, a.providers = {}, {}
        a.certs[self.name] = {"source": "fleet", "poll": "60s",
                              "names": [self.name],
                              "deploy": {"log": {"exec": ["/bin/true"]}}}
        return a

    def host(self, name):
        """`acmectl host add` makes its key, which is carried there."""
        said = self.ctl("host", "add", name)
        assert "nowhere else" in said
        key = os.path.join(self.publisher.folder, name + ".key")
        assert os.stat(key).st_mode & 0o777 == 0o600
        a = self.subscriber()
        os.rename(key, os.path.join(a.folder, "key"))
        a.repositories["fleet"] = dict(
            self.repository, host_key_file=os.path.join(a.folder, "key"))
        return a

    def published(self, than=None):
        def check():
            c = self.publisher.cert_status(self.name)
            return c["serial"] not in (None, than) and c["run"] is None and \
                c["deploy"][0]["state"] == "done" and c["serial"]
        return self.publisher.wait("publication", check, timeout=30)

    def renew(self, than):
        time.sleep(1.1)     # newer, by its dates
        self.ctl("renew-now", self.name)
        return self.published(than)

    def installed(self, a, serial):
        def check():
            c = a.cert_status(self.name)
            return c["serial"] == serial and c["run"] is None
        a.wait("certificate %s" % serial, check, timeout=30)
        live = os.path.join(a.state_dir, "live", self.name, "privkey.pem")
        return read(live) == read(os.path.join(
            self.publisher.state_dir, "live", self.name, "privkey.pem"))

    def refused(self, a, code):
        def check():
            c = a.cert_status(self.name)
            return c["error"] and c["error"]["code"] == code and c
        return a.wait(code, check, timeout=30)


def hkdf(secret, info):
    """RFC 5869 without salt, one block."""
    prk = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\1", hashlib.sha256).digest()


def sign_as(key_file, manifest):
    """What somebody can do who has taken over that host."""
    ed25519 = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.ed25519")
    secret = json.loads(read(key_file))["private_key"]
    secret = base64.urlsafe_b64decode(secret + "=")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(
        hkdf(secret, b"acmed key: sign"))
    manifest = {k: v for k, v in manifest.items() if k != "signature"}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return dict(manifest, signature=key.sign(text.encode()).hex())


def test_rights(make, lab):
    """Those that are named open it, also when they come later; others can
    neither open it nor publish; who is removed gets no later one."""
    folder = os.path.join(lab.folder, "rights%d" % next(lab.serial))
    os.makedirs(folder)
    fleet = Fleet(make, "rights.example.test", type="directory", path=folder)
    web1, mail = fleet.host("web-1"), fleet.host("mail")
    first = fleet.published()
    start(web1)
    start(mail)
    assert fleet.installed(web1, first)
    c = fleet.refused(mail, "identity:not-for-us")
    assert c["serial"] is None and "hosts = { } does not name" in \
        c["error"]["msg"]
    shown = json.loads(fleet.ctl("host", "show", "web-1", "--json"))
    assert shown["certificates"] == [fleet.name]
    shown = fleet.ctl("host", "show", "mail")
    assert "none is published for it" in shown
    stored = glob.glob(folder + "/**/*", recursive=True)
    assert not any(b"PRIVATE KEY" in read(f, "rb") for f in stored
                   if os.path.isfile(f))
    secret = json.loads(read(os.path.join(web1.folder, "key")))
    assert secret["private_key"] not in fleet.publisher.log()

    # A host makes its key itself, and comes late: no renewal is needed.
    web2 = fleet.subscriber()
    certs, web2.certs = web2.certs, {}
    start(web2)
    p = web2.ctl("host", "key", "web-2")
    assert p.returncode == 0, p.stdout
    command = p.stdout.strip().splitlines()[-1].split()
    assert command[:4] == ["acmectl", "host", "add", "web-2"]
    key = os.path.join(web2.folder, "secrets", "web-2.key")
    assert os.stat(key).st_mode & 0o777 == 0o600
    fleet.ctl(*command[1:])
    listed = dict(line.split() for line in
                  fleet.ctl("host", "list").splitlines())
    assert sorted(listed) == ["mail", "publisher_key", "web-1", "web-2"]
    web2.stop()
    web2.certs = certs
    web2.repositories["fleet"] = dict(
        type="directory", path=folder, host_key_file=key,
        publisher_key=listed["publisher_key"])
    fleet.published()
    start(web2)
    assert fleet.installed(web2, first)
    assert fleet.published() == first

    # Who has taken over a host, and can write there, cannot publish.
    path = os.path.join(folder, fleet.name, "manifest.json")
    good = read(path)
    forged = sign_as(os.path.join(web1.folder, "key"), dict(
        json.loads(good), serial="0badcafe", not_before=int(time.time())))
    with open(path, "w") as f:
        json.dump(forged, f)
    web2.ctl("renew-now", fleet.name)
    c = fleet.refused(web2, "manifest:mac")
    assert c["serial"] == first
    # ... nor replace a key for a host by one of his own.
    with open(path, "w") as f:
        f.write(good)
    wraps = os.path.join(folder, fleet.name, json.loads(good)["files"][
        "keys"]["path"])
    was = read(wraps, "rb")
    with open(wraps, "wb") as f:
        f.write(was[:-1] + bytes([was[-1] ^ 1]))
    web3 = fleet.host("web-3")
    fleet.published()
    start(web3)     # it is published again, with new files
    assert fleet.installed(web3, first)
    web2.ctl("renew-now", fleet.name)
    fleet.installed(web2, first)

    # Who is removed cannot open the next one, and keeps what it has.
    # Nobody waits for it.
    def reported():
        return {h["host"] for h in fleet.publisher.get(
            "/v1/receipts")[1]["hosts"]}
    fleet.publisher.wait("their receipts", lambda: {"web-1", "web-2"} <=
                         reported())
    fleet.ctl("host", "remove", "web-1")
    assert "web-1" not in reported() and "web-2" in reported()
    second = fleet.renew(first)
    web2.ctl("renew-now", fleet.name)
    assert fleet.installed(web2, second)
    web1.ctl("renew-now", fleet.name)
    assert fleet.refused(web1, "identity:not-for-us")["serial"] == first
    assert web1.ctl("status", fleet.name).returncode == 0
    assert "web-1" not in reported()
    p = fleet.publisher.ctl("host", "show", "web-1")
    assert p.returncode == 5 and "no host" in p.stdout, p.stdout
    p = fleet.publisher.ctl("host", "add", "web-2", daemon.HOST_KEY)
    assert p.returncode == 5 and "acmectl host remove web-2, then" in \
        p.stdout, p.stdout
    p = fleet.publisher.ctl("host", "add", "web-9", "abc")
    assert p.returncode == 5 and "public_key" in p.stdout, p.stdout
    assert not glob.glob(fleet.publisher.folder + "/conf.d/*web-9*")


@pytest.fixture(scope="module")
def etcd(lab):
    try:
        c = lab_etcd.Etcd(os.path.join(lab.folder, "etcd-hosts"), n=1,
                          base=24690)
    except proc.LabError as e:
        pytest.skip(str(e))
    yield c
    c.stop()


def test_etcd(make, etcd):
    """The same through etcd, pushed; one that comes late, too."""
    fleet = Fleet(make, "etcdkeys.example.test", type="etcd", etcd=etcd.urls)
    web1 = fleet.host("web-1")
    first = fleet.published()
    web1.certs[fleet.name]["poll"] = "1d"
    start(web1)
    assert fleet.installed(web1, first)
    second = fleet.renew(first)
    assert fleet.installed(web1, second)
    web2 = fleet.host("web-2")
    fleet.published()
    start(web2)
    assert fleet.installed(web2, second)


class Cluster(lab_fleet.Fleet):
    """Two renewers that publish one certificate for web-*."""

    def __init__(self, make, etcd, lab, label, directory=None):
        super().__init__(make, etcd, "/hosts-" + label, nonce_reject=0)
        self.folder = os.path.join(lab.folder, label)
        self.name = label + ".example.test"
        os.makedirs(self.folder)
        self.directory = directory
        for m in "r1", "r2":
            self.add(m)

    def add(self, name, **more):
        a = self.member(name, **more)
        a.repositories["fleet"] = {"type": "directory", "path": self.folder,
                                   "encrypt_to": "hosts"}
        if self.directory:
            a.accounts["lab"]["directory"] = self.directory
        return a

    def publish(self, **more):
        """The certificate comes into the file that all have."""
        self.cert(self.name, deploy={"fleet": {"publish": "fleet"}}, **more)
        for a in self.members.values():
            if a.proc and a.proc.alive():
                a.write_conf(a.text() + INCLUDE)
                assert a.ctl("reload").returncode == 0

    def key(self, member):
        path = os.path.join(self.members[member].state_dir, "publisher.key")
        return json.loads(read(path)) if os.path.exists(path) else None

    def shared_key(self):
        return proc.wait_until("one publisher.key", lambda: self.key("r1") and
                               self.key("r1") == self.key("r2") and
                               self.key("r1"), timeout=20)

    def host(self, name, member="r1"):
        """Made by one member; the others have the same file."""
        a = self.members[member]
        p = a.ctl("host", "add", name, cwd=a.folder)
        assert p.returncode == 0, p.stdout
        for m, other in self.members.items():
            if m == member:
                continue
            for part in os.listdir(os.path.join(a.folder, "conf.d")):
                with open(os.path.join(other.folder, "conf.d", part),
                          "w") as f:
                    f.write(read(os.path.join(a.folder, "conf.d", part)))
            assert other.ctl("reload").returncode == 0
        web = self.make()
        web.accounts, web.providers = {}, {}
        web.certs[self.name] = {"source": "fleet", "poll": "5s",
                                "names": [self.name]}
        key = os.path.join(web.folder, "key")
        os.rename(os.path.join(a.folder, name + ".key"), key)
        web.repositories["fleet"] = {"type": "directory",
                                     "path": self.folder,
                                     "host_key_file": key}
        return web

    def serial(self, web, than=None):
        def check():
            c = web.cert_status(self.name)
            return c["serial"] not in (None, than) and c["run"] is None and \
                c["error"] is None and c["serial"]
        return web.wait("a certificate", check, timeout=60)


def test_cluster(make, etcd, lab):
    """Renewers of a cluster sign with one key, whoever made it; it is sealed
    in etcd, and goes with nobody: the other one publishes when the first is
    killed.  One that comes with another key publishes nothing, and keeps it."""
    fleet = Cluster(make, etcd, lab, "together")
    fleet.publish(hosts=["web-*"])
    for m in fleet.members.values():
        start(m)
    shared = fleet.shared_key()
    for m in fleet.members.values():
        path = os.path.join(m.state_dir, "publisher.key")
        assert os.stat(path).st_mode & 0o777 == 0o600
    stored = etcd.ctl("get", "--prefix", fleet.prefix + "/state/publisher")
    assert "SEAL1" in stored and shared["public_key"] not in stored
    web = fleet.host("web-1")
    start(web)
    serial = fleet.serial(web)
    for m in "r1", "r2":
        # Also where the same one has it twice.
        a = fleet.members[m]
        a.kill()
        other = fleet.members["r2" if m == "r1" else "r1"]
        time.sleep(1.1)
        other.wait("its lease to end", lambda: other.cert_status(
            fleet.name)["published"] is None, timeout=30)
        assert other.ctl("renew-now", fleet.name).returncode == 0
        serial = fleet.serial(web, than=serial)
        start(a)
    assert fleet.shared_key() == shared

    # A third that was alone before.
    third = fleet.add("r3")
    third.cluster, cluster = None, third.cluster
    start(third)
    assert third.ctl("host", "key", "x", cwd=third.folder).returncode == 0
    assert third.ctl("host", "list").returncode == 0
    own = fleet.key("r3")
    assert own and own != shared
    third.stop()
    third.cluster = cluster
    start(third)
    third.wait("the warning", lambda: "is another key than the cluster "
               "shares" in third.log())
    p = third.ctl("host", "list")
    assert p.returncode == 5 and "move the file away" in p.stdout, p.stdout
    assert fleet.key("r3") == own
    os.rename(os.path.join(third.state_dir, "publisher.key"),
              os.path.join(third.folder, "old"))
    assert third.ctl("reload").returncode == 0
    third.wait("that of the cluster", lambda: fleet.key("r3") == shared)
    assert third.ctl("host", "list").returncode == 0


def pair(a, name):
    """The public keys of the installed key and certificate."""
    live = os.path.join(a.state_dir, "live", name)
    return [proc.run(["openssl", *args]).stdout for args in (
        ["pkey", "-pubout", "-in", live + "/privkey.pem"],
        ["x509", "-pubkey", "-noout", "-in", live + "/cert.pem"])]


def other_serial(web, name, than):
    def check():
        serial = web.cert_status(name)["serial"]
        return serial not in (None, than) and serial
    return web.wait("another than %s" % than, check, timeout=60)


def keeps_key(fleet, name, host_poll="5s"):
    """A host asks for a certificate for a key of its own, and gets it; the
    publisher renews it for the same.  The host, the serial and its key."""
    publisher, web = fleet.publisher, fleet.host("web-1")
    publisher.cert(name, hosts=["web-1"], key_source="host", poll="1s",
                   deploy={"fleet": {"publish": "fleet"}})
    publisher.write_conf(publisher.text() + INCLUDE)
    fleet.ctl("reload")
    fleet.name = name
    c = fleet.refused(publisher, "request:none")
    assert "web-1" in c["error"]["msg"]
    web.certs = {name: {"source": "fleet", "poll": host_poll, "names": [name],
                        "key_source": "host", "key": "ec384"}}
    start(web)
    first = other_serial(web, name, None)
    key, cert = pair(web, name)
    assert key == cert and web.cert_status(name)["error"] is None
    # Nowhere else is it.
    assert not os.path.exists(os.path.join(
        publisher.state_dir, "live", name, "privkey.pem"))
    assert publisher.cert_status(name)["serial"] == first
    web.wait("the request to be over", lambda: not os.path.exists(
        os.path.join(web.state_dir, "requests", name + ".key")))

    # The publisher renews as it does: the same key.
    time.sleep(1.1)
    assert publisher.ctl("renew-now", name).returncode == 0
    second = other_serial(web, name, first)
    assert pair(web, name) == [key, key]
    return web, second, key


def wants_another(web, name, serial, key):
    """A person on the host wants another key."""
    time.sleep(1.1)
    web.ctl("renew-now", name)
    other_serial(web, name, serial)
    now = pair(web, name)
    assert now[0] == now[1] != key


def test_key_stays(make, lab):
    """key_source = host: the host's key never leaves it; it asks, and gets a
    chain; renew-now there is for another key; what was asked before, or by
    another host, is not used."""
    folder = os.path.join(lab.folder, "stays%d" % next(lab.serial))
    os.makedirs(folder)
    fleet = Fleet(make, "other.example.test", type="directory", path=folder)
    publisher, name = fleet.publisher, "stays.example.test"
    web, second, key = keeps_key(fleet, name)
    assert not glob.glob(os.path.join(folder, name, "*", "privkey*"))

    path = os.path.join(folder, name, "csr", "web-1")
    before = read(path, "rb")
    wants_another(web, name, second, key)

    # Somebody who can write there puts back what was asked before, or asks
    # himself: neither is used.
    serial = publisher.cert_status(name)["serial"]
    with open(path, "wb") as f:
        f.write(before)
    publisher.wait("the refusal", lambda: "older than the last" in
                   publisher.log())
    with open(path, "wb") as f:
        f.write(before[:-1] + bytes([before[-1] ^ 1]))
    publisher.wait("the refusal", lambda: "not signed by the key" in
                   publisher.log())
    assert publisher.cert_status(name)["serial"] == serial


def test_key_stays_etcd(make, etcd):
    """The same through etcd: the chain is pushed, and nothing there can be
    read, nor is it a key."""
    fleet = Fleet(make, "otheretcd.example.test", type="etcd", etcd=etcd.urls,
                  prefix="/stays/")
    name = "staysetcd.example.test"
    web, serial, key = keeps_key(fleet, name, host_poll="1d")
    wants_another(web, name, serial, key)
    stored = etcd.keys()
    assert "/stays/%s/csr/web-1" % name in stored
    assert not [k for k in stored if name in k and "privkey" in k]
    shown = etcd.ctl("get", "/stays/%s/csr/web-1" % name)
    assert "ACMEDBOX1" in shown and "CERTIFICATE REQUEST" not in shown


KILLED = {"order": ("before", "authz"), "finalized": ("after", "finalize"),
          "issued": ("after", "cert")}


@pytest.mark.parametrize("step", KILLED)
def test_key_stays_cluster(make, etcd, lab, step):
    """Renewers of a cluster order with what the host asks for; the one that
    does dies by kill -9: the other goes on with its order, for the same key.
    No member ever has it, and one that only serves asks and publishes nothing.
    When the first comes back it orders nothing; a new key is one order more."""
    front = proxy.CaProxy(lab.pebble(nonce_reject=0), next(lab.ports))
    fleet = Cluster(make, etcd, lab, "clusterstays-" + step, front.directory)
    fleet.add("s1", role="serve")
    name, members, killed = fleet.name, fleet.members, []
    lock = threading.Lock()

    def hook(request):
        if request.kind != KILLED[step][1]:
            return None
        with lock:
            if killed:
                return None
            killed.extend(m for m in members if members[m].cert_status(
                name)["run"])
            members[killed[0]].kill()
        return "drop"
    setattr(front, KILLED[step][0], hook)
    try:
        for a in members.values():
            start(a)
        fleet.shared_key()
        web = fleet.host("web-1")
        fleet.publish(hosts=["web-1"], key_source="host", poll="1s")
        web.certs[name].update(key_source="host", key="ec384")
        start(web)
        proc.wait_until("the step", lambda: killed, 60)
        left, = {"r1", "r2"} - set(killed)
        serial = fleet.serial(web)
        key, cert = pair(web, name)
        assert key == cert
        assert members[left].cert_status(name)["serial"] == serial
        assert front.count("newOrder") == 1
        assert front.count("finalize") == 1
        start(members[killed[0]])
        for m, a in members.items():
            a.wait("the certificate", lambda a=a: a.cert_status(name)[
                "serial"] == serial, timeout=40)
            live = os.path.join(a.state_dir, "live", name)
            assert os.path.exists(live + "/csr.pem"), m
            assert not os.path.exists(live + "/privkey.pem"), m
            assert a.cert_status(name)["error"] is None, m
        assert fleet.key("s1") is None
        wants_another(web, name, serial, key)
        serial = web.cert_status(name)["serial"]
        for a in members.values():
            a.wait("the next", lambda a=a: a.cert_status(name)[
                "serial"] == serial and a.cert_status(name)["run"] is None,
                timeout=40)
        assert front.count("newOrder") == 2
        assert front.count("finalize") == 2
    finally:
        front.stop()


def test_wave_and_host(make, lab):
    """A host comes and another goes in the same reload as the waves change:
    what is published then is for those that are named now."""
    folder = os.path.join(lab.folder, "waves%d" % next(lab.serial))
    os.makedirs(folder)
    fleet = Fleet(make, "waves.example.test", type="directory", path=folder)
    a = fleet.publisher
    web1, web2 = fleet.host("web-1"), fleet.host("web-2")
    parts = [os.path.join(a.folder, "conf.d", f)
             for f in os.listdir(os.path.join(a.folder, "conf.d"))]
    gone, = [f for f in parts if "web-1" in read(f)]
    later, = [f for f in parts if "web-2" in read(f)]
    path = os.path.join(folder, fleet.name, "manifest.json")

    def reload(*waves):
        a.repositories["fleet"]["waves"] = list(waves)
        a.write_conf(a.text() + INCLUDE)
        fleet.ctl("reload")
        a.wait("waves %s" % waves[0], lambda: json.loads(read(path)).get(
            "waves") == [waves[0]])
    section = read(later)
    os.unlink(later)
    reload("web-1", "*")
    serial = fleet.renew(fleet.published())
    os.unlink(gone)
    with open(later, "w") as f:
        f.write(section)
    reload("web-2", "*")
    for web in web1, web2:
        start(web)
    assert fleet.installed(web2, serial)
    assert fleet.refused(web1, "identity:not-for-us")["serial"] is None
