# SPDX-License-Identifier: MIT
"""The deploy step `cloud`: what every product must do, each before a fake that
recomputes its signatures, and acmed, state.db and the CA are the real ones."""

import datetime
import os
import re
import socket
import ssl
import textwrap
import threading

import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import BIND
from lab import clouds, daemon, names, proc
from lab.clouds.aliyun import Cas
from lab.clouds.azure import Keyvault
from lab.clouds.base import leaf, sha256
from lab.clouds.qiniu import Kodo

KEY = {"keyring": dns.tsigkeyring.from_text(
    {names.KEY_NAME: names.KEY_SECRET}), "keyalgorithm": "hmac-sha256"}
ALL = [pytest.param(c, id=c.label()) for c in clouds.all_clouds()]
BINDING = [p for p in ALL if p.values[0].BINDS]
NEW_IDS = [p for p in ALL if not p.values[0].IN_PLACE]


def read(path):
    with open(path) as f:
        return f.read()


@pytest.fixture
def cloud():
    made = []

    def build(cls):
        made.append(cls())
        return made[-1]
    yield build
    for v in made:
        v.stop()
        print("\n".join("%s %s" % (r.method, r.target) for r in v.log[-40:]))
        assert not v.problems, v.problems


def configure(acmed, v, name, targets=1, verify="none", timeout=None, **more):
    """A certificate with targets of that product."""
    opts = dict(v.keys())
    for k in list(opts):
        if k in v.SECRETS:
            path = os.path.join(acmed.folder, "cloud-" + k)
            with open(path, "w") as f:
                f.write(opts.pop(k) + "\n")
            os.chmod(path, 0o600)
            opts[k + "_file"] = path
    acmed.credentials["keys"] = dict(opts, type=v.CREDENTIALS)
    acmed.cert(name, [name, "*." + name], deploy_order="parallel", deploy={
        "t%d" % i: {"cloud": {v.PRODUCT: dict(v.target(i), credentials="keys")},
                    **({"verify": verify} if verify else {}),
                    **({"verify_timeout": timeout} if timeout else {})}
        for i in range(targets)}, **more)


def settled(acmed, name, serial=None, state="done", timeout=40):
    """All targets have that state, with another certificate than serial."""
    def check():
        c = acmed.cert_status(name)
        assert state == "failed" or not any(
            d["state"] == "failed" for d in c["deploy"]), c["deploy"]
        return c["serial"] not in (None, serial) and c["run"] is None and \
            c["deploy"] and all(d["state"] == state and not d.get("running")
                                for d in c["deploy"]) and c
    return acmed.wait("deploy " + state, check, timeout)


def live(acmed, name):
    return sha256(read(acmed.live(name)))


def theirs_of(name):
    """A certificate for the same names that is not ours."""
    key = ec.generate_private_key(ec.SECP256R1())
    at = datetime.datetime.utcnow()
    cert = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(
        x509.Name([])).public_key(key.public_key()).serial_number(
        4711).not_valid_before(at).not_valid_after(
        at + datetime.timedelta(90)).add_extension(
        x509.SubjectAlternativeName([
            x509.DNSName(name), x509.DNSName("*." + name)]), True).sign(
        key, hashes.SHA256())
    return (cert.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()).decode())


@pytest.mark.parametrize("cls", ALL)
def test_life(acmed, cloud, cls):
    """First upload, the same again, a renewal; somebody else's stays, and
    nothing is found by a common name, for there is none."""
    v = cloud(cls)
    name = "life.example.test"
    theirs = [v.put_theirs(*theirs_of(name)) for _ in range(3)] \
        if cls.SHARED else []
    configure(acmed, v, name)
    acmed.start()
    first = settled(acmed, name)["serial"]
    old = live(acmed, name)
    assert not leaf(read(acmed.live(name))).subject.rfc4514_string()
    assert sha256(v.served()) == old and v.ours() == [old]

    before = len(v.writes())
    assert acmed.ctl("deploy", name).returncode == 0
    settled(acmed, name)
    assert len(v.writes()) == before, v.writes()[before:]

    v.delay = 1
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, first)
    new = live(acmed, name)
    assert new != old
    assert sha256(v.served()) == new and v.ours() == [new]
    assert all(t in v.uploads for t in theirs)
    for k in v.SECRETS:
        assert v.keys()[k] not in acmed.log()
    assert "PRIVATE KEY" not in acmed.log()
    assert all("PRIVATE" not in r.target for r in v.log)


@pytest.mark.parametrize("cls", ALL)
def test_lost(acmed, cloud, cls):
    """The reply to the upload is lost, and that to the binding."""
    v = cloud(cls)
    name = "lost.example.test"
    configure(acmed, v, name)
    # What is bound in place is bound once.
    binds_once = cls.BINDS and cls.IN_PLACE
    v.fail("lost", n=2 if binds_once else 1, writes=True)
    acmed.start()
    first = settled(acmed, name)["serial"]
    assert v.heal() == (2 if binds_once else 1)
    assert v.ours() == [live(acmed, name)]
    if not cls.IN_PLACE:
        assert len(v.writes()) == (2 if cls.BINDS else 1) + cls.MORE_BINDS
    v.fail("lost", skip=1 if cls.BINDS and not binds_once else 0,
           writes=True)
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, first)
    assert v.heal() == 1
    assert v.ours() == [live(acmed, name)]
    assert sha256(v.served()) == live(acmed, name)


@pytest.mark.parametrize("cls", ALL)
def test_check_before(acmed, cloud, cls):
    """`acmectl check` before there is a certificate: what is read is not
    denied."""
    v = cloud(cls)
    name = "before.example.test"
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"
    configure(acmed, v, name)
    acmed.start()
    out = acmed.ctl("check", name, "--no-probe").stdout
    assert 'target "t0" could be run' in out, out
    assert v.log and not v.ours()
    v.denied = True
    assert v.DENIED in acmed.ctl("check", name, "--no-probe").stdout


def test_key_comes_back(acmed, cloud):
    """A vendor that repeats the key that it refuses."""
    v = cloud(Cas)
    name = "back.example.test"
    configure(acmed, v, name)
    v.cas_UploadUserCertificate = lambda a: v.fail_with(
        400, "InvalidParameter", "Value " + a["Key"].strip() + "is no good")
    acmed.start()
    c = settled(acmed, name, state="failed")
    assert "***is no good" in c["deploy"][0]["error"]
    for line in read(acmed.live(name, "privkey.pem")).splitlines()[1:-1]:
        assert line[:16] not in acmed.log()


def test_kodo(acmed, cloud):
    """What cannot be read is bound each time, and the one before removed."""
    v = cloud(Kodo)
    name = "kodo.example.test"
    configure(acmed, v, name)
    acmed.start()
    serial = settled(acmed, name)["serial"]
    assert acmed.ctl("deploy", name).returncode == 0
    settled(acmed, name)
    assert [r.path for r in v.writes()] == ["/sslcert"] + ["/cert/bind"] * 4
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, serial)
    assert v.ours() == [live(acmed, name)]
    assert sha256(v.served()) == live(acmed, name)


def test_removal_has_a_turn(acmed, cloud):
    """Who would upload waits until another target has removed what was before:
    nobody finds what is about to go."""
    v = cloud([c for c in clouds.all_clouds() if c.PRODUCT == "aliyun-cdn"][0])
    name = "turn.example.test"
    removing, looked, found = [threading.Event() for _ in range(3)]
    remove, find = v.cas_DeleteUserCertificate, v.cas_ListUserCertificateOrder
    look = v.cdn_DescribeDomainCertificateInfo

    def without_lock(wait):
        v.lock.release()
        try:
            return wait()
        finally:
            v.lock.acquire()

    def slow_look(a):
        if a["DomainName"] == v.domains(1)[1] and not looked.is_set():
            v.check(without_lock(lambda: removing.wait(20)), "no removal")
            v.cas_ListUserCertificateOrder = finds
            looked.set()
        return look(a)

    def slow_remove(a):
        v.cas_DeleteUserCertificate = remove
        removing.set()
        v.check(without_lock(lambda: looked.wait(20)), "no second target")
        v.check(not without_lock(lambda: found.wait(0.5)), "found meanwhile")
        return remove(a)

    def finds(a):
        found.set()
        return find(a)
    configure(acmed, v, name, targets=2)
    acmed.start()
    serial = settled(acmed, name)["serial"]
    v.held.add(str(v.uploads[0].id))
    assert acmed.ctl("renew-now", name).returncode == 0
    serial = settled(acmed, name, serial)["serial"]
    v.held.clear()
    v.cas_DeleteUserCertificate = slow_remove
    v.cdn_DescribeDomainCertificateInfo = slow_look
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, serial)
    assert removing.is_set() and found.is_set()
    assert v.ours() == [live(acmed, name)]


def test_renamed(acmed, cloud):
    """What was uploaded under the old name is removed under the new one."""
    v = cloud([c for c in clouds.all_clouds() if c.PRODUCT == "tencent-ssl"][0])
    old, new = "old.example.test", "new"
    configure(acmed, v, old, profile="default")
    conf_d = os.path.join(acmed.folder, "conf.d")
    os.makedirs(conf_d, exist_ok=True)
    with open(os.path.join(conf_d, old + ".conf"), "w") as f:
        f.write("# Written by acmectl add on 2026-11-29: a certificate.\n" +
                daemon.section("certificate", old, acmed.certs.pop(old)))
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    acmed.start(write=False)
    serial = settled(acmed, old)["serial"]
    p = acmed.ctl("rename", old, new)
    assert p.returncode == 0, p.stdout
    assert settled(acmed, new)["serial"] == serial
    assert len(v.uploads) == 1
    assert acmed.ctl("renew-now", new).returncode == 0
    settled(acmed, new, serial)
    assert v.ours() == [live(acmed, new)] == [sha256(v.served())]


@pytest.mark.parametrize("cls", [p for p in ALL if p.values[0].TARGETS > 1])
def test_two_targets(acmed, cloud, cls):
    """Two targets of one certificate at the same time share its upload, whose
    name fits where the certificate's is too long."""
    v = cloud(cls)
    name = "two-%s.example.test" % ("x" * 40)
    configure(acmed, v, name, targets=2)
    acmed.start()
    first = settled(acmed, name)["serial"]
    assert v.ours() == [live(acmed, name)]
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, first)
    for i in range(2):
        assert sha256(v.served(i)) == live(acmed, name)
    assert v.ours() == [live(acmed, name)]


@pytest.mark.parametrize("cls", NEW_IDS)
def test_in_use_and_full(acmed, cloud, cls):
    """What is in use elsewhere stays; when it is not, and the store is full,
    it makes room; a store that is full of others' is told."""
    v = cloud(cls)
    name = "full.example.test"
    configure(acmed, v, name)
    acmed.start()
    serial = settled(acmed, name)["serial"]
    v.held.add(str(v.uploads[0].id))
    assert acmed.ctl("renew-now", name).returncode == 0
    serial = settled(acmed, name, serial)["serial"]
    assert len(v.uploads) == 2
    assert "is used by something else" in acmed.log()
    v.held.clear()
    v.quota = 2
    assert acmed.ctl("renew-now", name).returncode == 0
    serial = settled(acmed, name, serial)["serial"]
    assert v.ours() == [live(acmed, name)]
    assert "the store is full: removing" in acmed.log()
    v.quota = 1
    bound = v.served()
    assert acmed.ctl("renew-now", name).returncode != 0
    c = settled(acmed, name, serial, "failed")
    assert "quota" in c["deploy"][0]["error"].lower()
    assert v.served() == bound


@pytest.mark.parametrize("cls", ALL)
def test_refused(acmed, cloud, cls):
    """Throttled for a moment; then without the right, which `acmectl check`
    finds beforehand."""
    v = cloud(cls)
    name = "refused.example.test"
    configure(acmed, v, name)
    # The pauses in between grow: twice with one of them.
    n = 2 if cls is Cas else 1
    v.fail("throttle", n=n)
    acmed.start()
    serial = settled(acmed, name)["serial"]
    assert v.heal() == n
    v.denied = True
    out = acmed.ctl("check", name, "--no-probe")
    assert out.returncode != 0 and v.DENIED in out.stdout, out.stdout
    assert acmed.ctl("renew-now", name).returncode != 0
    c = settled(acmed, name, serial, "failed")
    assert v.DENIED in c["deploy"][0]["error"]
    v.denied = False
    assert acmed.ctl("deploy", name).returncode == 0
    settled(acmed, name)
    assert sha256(v.served()) == live(acmed, name)


def test_secret_is_repeated(acmed, cloud):
    """A token service that shows what it refuses: not in errors, nor in the
    log."""
    v = cloud(Keyvault)
    v.is_login_refused = True
    name = "repeated.example.test"
    configure(acmed, v, name)
    acmed.start()
    error = settled(acmed, name, state="failed")["deploy"][0]["error"]
    assert "AADSTS7000215: ***" in error, error
    assert v.keys()["client_secret"] not in error + acmed.log()


@pytest.mark.parametrize("cls", [p for p in ALL if p.values[0].WRONG_REGION])
def test_wrong_region(acmed, cloud, cls):
    """It is told in the vendor's words, and nothing is written."""
    v = cloud(cls)
    name = "region.example.test"
    configure(acmed, v, name)
    options, words = cls.WRONG_REGION
    acmed.certs[name]["deploy"]["t0"]["cloud"][cls.PRODUCT].update(options)
    acmed.start()
    c = settled(acmed, name, state="failed")
    assert words in c["deploy"][0]["error"]
    assert not v.writes()


class Edge:
    """Port 443 of the domains, which serves what is bound, a while later."""

    def __init__(self, v, folder):
        self.v, self.file = v, os.path.join(folder, "edge.pem")
        self.looks, self.is_old, self.old = 0, False, None
        self.sock = socket.create_server(("127.0.0.1", 443))
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def serve(self):
        while True:
            try:
                conn = self.sock.accept()[0]
            except OSError:
                return
            try:
                ids = set(self.v.bound.values()) - {None}
                u = self.v.upload(ids.pop())
                self.old = u = self.old if self.is_old else u
                self.looks += 1
                if self.looks < 3:
                    raise OSError
                with open(self.file, "w") as f:
                    f.write(u.cert + u.key)
                ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                ctx.load_cert_chain(self.file)
                ctx.wrap_socket(conn, server_side=True).close()
            except (OSError, KeyError):
                conn.close()


def test_verified(acmed, cloud):
    """The domains are looked at without a word of verify, and what is not a
    name of its own is not; what was before is removed only after that."""
    v = cloud([c for c in clouds.all_clouds() if c.PRODUCT == "aliyun-cdn"][0])
    name, domain = "edge.example.test", v.domains(0)[0]
    update = dns.update.Update("example.test", **KEY)
    update.replace(domain.split(".")[0], 5, "A", "127.0.0.1")
    assert dns.query.tcp(update, BIND, timeout=5).rcode() == 0
    edge = Edge(v, acmed.folder)
    try:
        configure(acmed, v, name, verify=None, timeout="20s")
        acmed.start()
        serial = settled(acmed, name)["serial"]
        assert edge.looks >= 3
        assert re.search(domain + r".* serves the new certificate",
                         acmed.log())
        assert ".w0" not in acmed.log().split("serves the new")[1]
        # Not seen served: what was before stays, for whoever serves it.
        edge.is_old = True
        acmed.certs[name]["deploy"]["t0"]["verify_timeout"] = "1s"
        acmed.write_conf()
        assert acmed.ctl("reload").returncode == 0
        assert acmed.ctl("renew-now", name).returncode != 0
        settled(acmed, name, serial, "failed")
        assert len(v.uploads) == 2 and sha256(v.served()) == live(acmed, name)
        edge.is_old = False
        assert acmed.ctl("deploy", name).returncode == 0
        settled(acmed, name)
        assert v.ours() == [live(acmed, name)]
    finally:
        edge.stop()
        update = dns.update.Update("example.test", **KEY)
        update.delete(domain.split(".")[0])
        dns.query.tcp(update, BIND, timeout=5)


@pytest.mark.parametrize("cls", ALL)
def test_example(acmed, cls, tmp_path):
    """What --list-clouds prints is a configuration, and acmectl has it."""
    p = proc.run([daemon.program("ACMED", "acmed"),
                  "--list-clouds=" + cls.PRODUCT])
    example = textwrap.dedent(p.stdout.split("In acmed.conf:\n")[1])
    assert "Least privilege:\n  " in p.stdout
    for path in re.findall(r'_file = "([^"]+)"', example):
        mine = str(tmp_path / "secret")
        with open(mine, "w") as f:
            f.write("s3cret-0123456789\n")
        os.chmod(mine, 0o600)
        example = example.replace(path, mine)
    if cls.CREDENTIALS == "vault":
        example = example.replace('address = "..."',
                                  'address = "https://vault.test"\n'
                                  'token = "hvs.s3cret"')
    acmed.write_conf(acmed.text() + example)
    p2 = proc.run([daemon.program("ACMED", "acmed"), "--check-config", "-c",
                   acmed.conf], check=False)
    assert p2.returncode == 0, p2.stdout
    acmed.write_conf()
    acmed.start(write=False)
    assert acmed.ctl("clouds", cls.PRODUCT).stdout == p.stdout
    assert acmed.ctl("clouds", cls.PRODUCT, "--json").returncode == 0
    assert cls.PRODUCT in acmed.ctl("clouds").stdout
    out = acmed.ctl("clouds", cls.PRODUCT + "x")
    assert out.returncode != 0 and cls.PRODUCT in out.stdout
