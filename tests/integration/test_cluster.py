# SPDX-License-Identifier: MIT
"""cluster { }: who renews which certificate, with real members of etcd: the
members' leases, locks, what is asked of another member, etcd away."""

import base64
import itertools
import json
import os
import signal
import time
import urllib.request

import pytest

from lab import daemon, etcd as lab_etcd, fleet as lab_fleet, proc

serials = itertools.count(1)
pid = os.getpid()


def cluster(lab, name, **opts):
    try:
        return lab_etcd.Etcd(os.path.join(lab.folder, name), **opts)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise


@pytest.fixture(scope="module")
def etcd(lab):
    c = cluster(lab, "etcd-cluster", base=24490)
    yield c
    c.stop()


@pytest.fixture
def fleet(make, etcd):
    return lab_fleet.Fleet(make, etcd, "/core%d" % next(serials),
                           nonce_reject=0)


def names(n):
    k = next(serials)
    return ["c%d-%d-%d.example.test" % (k, i, pid) for i in range(n)]


def keys(fleet, kind):
    """What there is of members, locks or wishes in etcd."""
    prefix = "%s/run/%s/" % (fleet.prefix, kind)
    return [k[len(prefix):] for k in fleet.etcd.keys() if k.startswith(prefix)]


def orders(fleet, name):
    """Which members have ordered it, and how often: one that Pebble refuses,
    as it has forgotten what is replaced, is none."""
    found = {}
    for m, a in fleet.members.items():
        lines = [x for x in a.log().split("\n") if name in x]
        n = sum("ordering a certificate" in x for x in lines) - \
            sum('without "replaces"' in x for x in lines)
        if n:
            found[m] = n
    return found


def test_spread(fleet):
    """Three members spread twelve certificates, each is ordered once; locks are
    given back, and nothing of etcd's can be read.  One that stops hands its own
    to the others at once; what dies does when its lease has ended; neither
    costs an order."""
    certs = [fleet.cert(n) for n in names(12)]
    members = [fleet.member("r%d" % i) for i in (1, 2, 3)]
    for m in members:
        m.start()
    for n in certs:
        fleet.everywhere(n, timeout=60)
    by = [orders(fleet, n) for n in certs]
    assert all(list(b.values()) == [1] for b in by), by
    proc.wait_until("free locks", lambda: not keys(fleet, "lock"))
    assert sorted(keys(fleet, "member")) == ["r1", "r2", "r3"]
    shown = fleet.etcd.ctl("get", "--prefix", fleet.prefix + "/run/")
    assert "both" not in shown and "SEAL1" in shown


def status(member):
    p = member.ctl("cluster", "status", "--json")
    return json.loads(p.stdout)


def owner(fleet, name, but=None):
    """Who is to renew it: the one that does not take it from the cluster."""
    def check():
        found = [m for m, a in fleet.members.items() if m != but and
                 a.proc.alive() and
                 (a.cert_status(name) or {}).get("published") is None]
        return len(found) == 1 and fleet.is_settled(found[0], name) and \
            found[0]
    return proc.wait_until(lambda: "one owner of %s: %s" % (name, {
        m: (a.cert_status(name) or {}).get("published")
        for m, a in fleet.members.items() if m != but}), check, timeout=20)


def test_clean_stop_and_kill(fleet):
    """The owner stops: another one owns at once, and what is asked for then is
    ordered there; it is killed: after its lease; started again, it does not
    wait for its former lease."""
    name = fleet.cert(names(1)[0])
    for m in "r1", "r2":
        fleet.member(m, lease="20s").start()
    first, _ = fleet.everywhere(name)
    one = owner(fleet, name)
    two = "r2" if one == "r1" else "r1"
    fleet.members[one].stop()
    start = time.monotonic()
    fleet.members[two].wait("the other to own", lambda: fleet.members[
        two].cert_status(name)["published"] is None, timeout=10)
    assert time.monotonic() - start < 8     # its lease was 20 s
    assert fleet.members[two].ctl("renew-now", name).returncode == 0
    second = fleet.members[two].serial(name)
    assert second != first
    fleet.members[one].start()
    assert fleet.everywhere(name, first)[0] == second
    proc.wait_until("the first to own it again",
                    lambda: owner(fleet, name) == one, timeout=20)
    fleet.members[one].kill()
    start = time.monotonic()
    fleet.members[one].start()
    fleet.members[one].wait("joined", lambda: status(
        fleet.members[one])["joined"])
    assert time.monotonic() - start < 10
    assert orders(fleet, name) in ({one: 1, two: 1}, {two: 2}), \
        orders(fleet, name)


def test_asked_elsewhere(fleet):
    """renew-now on a member that does not renew: it says who does, waits for
    the new certificate, and there is one order."""
    name = fleet.cert(names(1)[0])
    for m in "r1", "r2":
        fleet.member(m).start()
    web = fleet.member("w", "serve").start()
    first, _ = fleet.everywhere(name)
    one = owner(fleet, name)
    before = orders(fleet, name)
    # All is well, and each says who renews it.
    for m, a in fleet.members.items():
        p = a.ctl("cluster", "status")
        assert p.returncode == 0, p.stdout
        p = a.ctl("status", name)
        assert "renewed by  %s%s\n" % (one, ", this member" if m == one
                                       else "") in p.stdout, p.stdout
    p = web.ctl("revoke", "--yes", name)
    assert 'member "%s" of the cluster renews' % one in p.stdout, p.stdout
    time.sleep(1.1)         # newer, by its dates
    p = web.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    assert 'member "%s" of the cluster renews it' % one in p.stdout
    second = web.serial(name)
    assert second != first
    assert fleet.everywhere(name, first)[0] == second
    before[one] = before.get(one, 0) + 1
    assert orders(fleet, name) == before and sum(before.values()) == 2
    proc.wait_until("no wish", lambda: not keys(fleet, "wish"))


def test_paused_holder(fleet):
    """A holder is stopped (SIGSTOP) in the middle of its run for longer than its
    lease.  The other one goes on with its order; when the first comes back it
    has lost the lock, ends its run without a failure, and takes the other's."""
    name = fleet.cert(names(1)[0], propagation_delay="4s")
    for m in "r1", "r2":
        fleet.member(m).start()
    waiting = proc.wait_until("a run that waits", lambda: next((
        m for m, a in fleet.members.items() if "waiting" in a.log() and
        name in a.log() and "TXT value" in a.log()), None), timeout=30)
    a = fleet.members[waiting]
    other = "r2" if waiting == "r1" else "r1"
    a.proc.kill(signal.SIGSTOP)
    try:
        fleet.members[other].wait("the other one's", lambda: fleet.members[
            other].serial(name), timeout=40)
    finally:
        a.proc.kill(signal.SIGCONT)
    fleet.everywhere(name, timeout=30)
    a.wait("what has happened", lambda: "the run ends, whoever renews it now "
           "goes on" in a.log())
    for m in fleet.members.values():
        c = m.wait_valid(name, timeout=30)
        assert c["failures"] == 0
        m.wait_clean()
    # One order, which both have worked on.
    assert sum(orders(fleet, name).values()) == 1, orders(fleet, name)


def test_away(fleet, lab):
    """etcd is away: nothing is renewed, which is told, what is there stays; it
    goes on by itself."""
    c = cluster(lab, "etcd-away", n=1, base=24590)
    fleet.etcd = c
    try:
        name = fleet.cert(names(1)[0])
        a = fleet.member("r1")
        a.options["status_listen"] = ["127.0.0.1:24599"]
        a.start()
        first, _ = fleet.everywhere(name)
        c.stop()
        a.wait("a word of it", lambda: a.status()["cluster"]["error"],
               timeout=20)
        e = a.status()["cluster"]["error"]
        assert e["code"] == "cluster:away", e
        p = a.ctl("cluster", "status")
        assert p.returncode == 1 and "nothing is renewed" in p.stdout and \
            "24590" in p.stdout, p.stdout
        assert "cluster: nothing is renewed here" in a.ctl("status").stdout
        assert a.ctl("check-status").returncode == 1
        p = proc.run(["curl", "-s", "http://127.0.0.1:24599/healthz"])
        assert "cluster: " in p.stdout, p.stdout
        assert "\nacmed_cluster_away 1\n" in a.get("/metrics")[1]
        assert a.serial(name) == first
        p = a.ctl("renew-now", name)
        assert p.returncode != 0 and "etcd" in p.stdout, p.stdout
        c.start(0)
        c.wait()
        a.wait("its return", lambda: a.status()["cluster"]["error"] is None,
               timeout=30)
        assert 'cluster: member "r1" is back' in a.log()
        a.wait("a renewal", lambda: a.ctl("renew-now", name).returncode == 0,
               timeout=30)
        assert a.serial(name) != first
    finally:
        c.stop()


def test_refused(fleet, etcd):
    """Another secret, a name that is taken, a file of another CA: told with
    what to do; and mended without a restart."""
    fleet.cert(names(1)[0])
    fleet.member("r1").start()
    other = fleet.member("r2")
    proc.wait_until("a member", lambda: keys(fleet, "member") == ["r1"])
    right = other.cluster["encrypt_key_file"]
    wrong = os.path.join(other.folder, "wrong")
    with open(wrong, "w") as f:
        f.write("f" * 64)
    os.chmod(wrong, 0o600)
    other.cluster["encrypt_key_file"] = wrong
    other.start()

    def told(code):
        other.wait(code, lambda: (other.status()["cluster"]["error"] or {})
                   .get("code") == code, timeout=20)
    told("cluster:secret")
    assert keys(fleet, "member") == ["r1"]
    assert "cluster: nothing is renewed: encrypt_key_file" in other.log()
    shown = other.ctl("cluster", "status").stdout
    line = [x.split() for x in shown.splitlines() if x.startswith("r1 ")][0]
    assert line[:4] == ["r1", "?", "unreadable", "?"], shown
    other.cluster.update(encrypt_key_file=right, name="r1")
    other.write_conf()
    other.reload()
    told("cluster:name")
    assert "give each its own name" in other.ctl("cluster", "status").stdout
    other.cluster["name"] = "r2"
    other.write_conf()
    other.reload()
    other.wait("joined", lambda: status(other)["joined"], timeout=20)
    for a, name in (fleet.members["r1"], "r1"), (other, "r2"):
        assert 'cluster: member "%s" has joined' % name in a.log()
        assert " is back" not in a.log()
    c = status(other)
    assert [(m["name"], m["role"]) for m in c["members"]] == [
        ("r1", "both"), ("r2", "both")], c
    assert sum(m["owned"] for m in c["members"]) == 1
    assert [e["error"] for e in c["etcd"]] == [None] * 3
    assert sum(e["leader"] for e in c["etcd"]) == 1


def test_differs(fleet):
    """A renewer that lacks a certificate, which nobody may renew then: told on
    both, with what to do, and over when it has the same file."""
    common, lacking = names(2)
    fleet.cert(common)
    one, two = (fleet.member(m).start() for m in ("r1", "r2"))
    fleet.everywhere(common)
    for m in one, two:
        m.wait("a full view", lambda: len(status(m)["members"]) == 2)
        assert not [x for x in status(m)["members"] if x["differs"]]
    one.certs = dict(fleet.certs)
    one.certs[lacking] = dict(one.certs[common], names=[lacking])
    one.write_conf()
    one.reload()
    for m, other, n, its in (one, "r2", 2, 1), (two, "r1", 1, 2):
        m.wait("a word of it", lambda: m.status()["cluster"]["differs"])
        e = m.status()["cluster"]["differs"]
        assert e["code"] == "cluster:differs" and m.status()["cluster"][
            "error"] is None, e
        assert '(%d): "%s" (%d)' % (n, other, its) in e["msg"], e
        shown = {x["name"]: x for x in status(m)["members"]}
        assert [x for x in shown if shown[x]["differs"]] == [other], shown
        assert shown[other]["certificates"] == its
        p = m.ctl("cluster", "status")
        assert p.returncode == 1 and "give all members" in p.stdout and \
            p.stdout.count("  differs\n") == 1, p.stdout
        assert "give all members" in m.ctl("status").stdout
        assert "cluster: members with other" in m.log()
    two.certs = one.certs
    two.write_conf()
    two.reload()
    for m in one, two:
        m.wait("the end of it", lambda: m.status()["cluster"]["differs"] is
               None)
    fleet.everywhere(lacking)
    # The same certificate with other keys: each would renew it its own way.
    two.certs = {n: dict(c) for n, c in one.certs.items()}
    two.certs[common]["key"] = ["ec256", "rsa2048"]
    two.write_conf()
    two.reload()
    one.wait("a word of it", lambda: one.status()["cluster"]["differs"])
    p = one.ctl("cluster", "status")
    assert "names or keys" in p.stdout and p.returncode == 1
    two.certs = one.certs
    two.write_conf()
    two.reload()
    one.wait("the end of it", lambda: one.status()["cluster"]["differs"] is
             None)


def put(etcd, key, value):
    """etcdctl sends 2 MB at most."""
    def text(data):
        return base64.b64encode(data).decode()
    with urllib.request.urlopen(urllib.request.Request(
            etcd.urls[0] + "/v3/kv/put", json.dumps(
                {"key": text(key.encode()), "value": text(value)}).encode()),
            timeout=20) as reply:
        assert reply.status == 200


def test_large(fleet, lab):
    """Much lies below the prefix, more than one answer may have, and values
    that are too large by themselves, which none of us has written: they are
    left out, and all else goes on."""
    c = cluster(lab, "etcd-large", n=1, base=24790,
                options=["--max-request-bytes", "10485760"])
    fleet.etcd = c
    try:
        for i in range(12):
            put(c, "%s/run/lock/big/%02d" % (fleet.prefix, i),
                os.urandom(1000000))
        put(c, fleet.prefix + "/run/lock/big/05a", os.urandom(7000000))
        put(c, fleet.prefix + "/state/big", os.urandom(7000000))
        name = fleet.cert(names(1)[0])
        for m in "r1", "r2":
            fleet.member(m).start()
        first, _ = fleet.everywhere(name, timeout=90)
        # While they watch: it is listed again, without that.
        put(c, fleet.prefix + "/run/lock/big/later", os.urandom(7000000))
        put(c, fleet.prefix + "/state/later", os.urandom(7000000))
        assert fleet.members["r1"].ctl("renew-now", name).returncode == 0
        fleet.everywhere(name, first, timeout=90)
        for a in fleet.members.values():
            a.wait("the mirror", lambda: a.status()["cluster"]["error"] is
                   None and json.loads(a.ctl("cluster", "status", "--json")
                                       .stdout)["current"], 60)
    finally:
        c.stop()


def test_no_right(fleet, lab):
    """A user that loses the right to write: its lease stays alive, but nothing
    is renewed, which is told, and is over when it has the right again."""
    cert, key = lab_etcd.nobody(lab.tls)
    c = cluster(lab, "etcd-right", n=1, tls=lab.tls, base=24890)
    fleet.etcd = c
    root = {"user": "root:r"}

    def grant(right, **kw):
        c.ctl("role", "grant-permission", "acmed", right, "--prefix=true",
              fleet.prefix + "/", **kw)
    try:
        c.ctl("user", "add", "root", "--new-user-password=r")
        c.ctl("user", "grant-role", "root", "root", check=False)
        c.ctl("role", "add", "acmed")
        grant("readwrite")
        c.ctl("user", "add", "acmed", "--new-user-password=one")
        c.ctl("user", "grant-role", "acmed", "acmed")
        c.ctl("auth", "enable")
        name = fleet.cert(names(1)[0])
        a = fleet.member("r1", ca_file=lab.tls.ca, cert_file=cert,
                         key_file=key, user="acmed")
        a.cluster["password_file"] = os.path.join(a.folder, "pw")
        with open(a.cluster["password_file"], "w") as f:
            f.write("one\n")
        os.chmod(a.cluster["password_file"], 0o600)
        a.cluster["key_file"] = lab.tls.key     # that of another
        a.write_conf()
        p = proc.run([daemon.program("ACMED", "acmed"), "-t", "-c", a.conf],
                     check=False)
        assert "do not belong together" in p.stdout, p.stdout
        a.cluster["key_file"] = key
        a.start()
        first, _ = fleet.everywhere(name)
        a.wait("a free lock", lambda: not status(a)["locks"])
        for word, is_wrong in ("two", True), ("one", False):
            with open(a.cluster["password_file"], "w") as f:
                f.write(word + "\n")
            a.reload()
            a.wait("a word of the password", lambda: is_wrong == (
                "authentication failed" in (a.status()["cluster"]["error"] or
                                            {"msg": ""})["msg"]), timeout=30)
        a.wait("to be back", lambda: status(a)["joined"] and
               a.cert_status(name)["published"] is None, timeout=30)
        grant("read", **root)
        assert a.ctl("renew-now", "--no-wait", name).returncode == 0
        e = a.wait("a word of it", lambda: a.status()["cluster"]["error"],
                   timeout=30)
        assert "role grant-permission" in e["msg"], e
        p = a.ctl("check", name)
        assert p.returncode == 6 and "nothing is renewed here" in p.stdout, \
            p.stdout
        assert a.serial(name) == first
        a.ctl("renew-now", "--no-wait", name)       # who waits hears why
        a.wait("why", lambda: "has not begun yet: the lock in etcd: etcd" in
               a.ctl("history", name).stdout)
        grant("readwrite", **root)
        fleet.everywhere(name, first)
        a.wait("its end", lambda: a.status()["cluster"]["error"] is None,
               timeout=30)
        assert "this member of the cluster renews it" in a.ctl(
            "check", name).stdout
    finally:
        c.stop()


def test_fails_here(fleet):
    """A host that cannot install what comes is failing, and tries again, also
    when who renews it has nothing to complain of."""
    name = fleet.cert(names(1)[0])
    r = fleet.member("r1", "renew").start()
    w = fleet.member("w1", "serve").start()
    first, _ = fleet.everywhere(name)
    archive = os.path.join(w.state_dir, "archive", name)
    os.rename(archive, archive + ".away")
    with open(archive, "w"):
        pass
    time.sleep(1.1)             # newer, by its dates
    assert r.ctl("renew-now", name).returncode == 0
    w.wait("the failure", lambda: w.cert_status(name)["error"])
    r.wait("its end", lambda: r.cert_status(name)["run"] is None)
    time.sleep(2)               # what r1 says has come
    c = w.cert_status(name)
    assert c["error"] and c["failures"] == 1, c
    assert c["next"]["at"] - c["error"]["at"] <= 600, c
    os.unlink(archive)
    os.rename(archive + ".away", archive)
    assert w.ctl("renew-now", name).returncode == 0
    fleet.everywhere(name, first)
    assert w.wait_valid(name)["failures"] == 0


def test_rolled_back(fleet):
    """Who renews it has rolled back, and others have the newer one: what they
    are asked for is renewed all the same."""
    name = fleet.cert(names(1)[0])
    members = [fleet.member(m).start() for m in ("r1", "r2")]
    first, _ = fleet.everywhere(name)
    time.sleep(1.1)             # newer, by its dates
    assert members[0].ctl("renew-now", name).returncode == 0
    second, _ = fleet.everywhere(name, first)
    p = [m.ctl("rollback", name) for m in members
         if not m.cert_status(name)["published"]]
    assert [x.returncode for x in p] == [0], p
    time.sleep(1.1)
    for m in members:
        if m.cert_status(name)["published"]:
            assert m.serial(name) == second
            assert m.cert_status(name)["state"] == "valid"
            p = m.ctl("renew-now", name)
            assert p.returncode == 0, p.stdout
    third, _ = fleet.everywhere(name, second)
    assert third != first


def test_who_serves(fleet):
    """What a member that only serves is asked for: it needs neither account
    nor provider, says who has them, and exports what it has."""
    name = fleet.cert(names(1)[0], deploy={
        "web": {"exec": ["/bin/true"]},
        "far": {"exec": ["/bin/true"], "run_on": "holder"}})
    r = fleet.member("r1", "renew").start()
    w = fleet.member("w1", "serve").start()
    fleet.everywhere(name)
    p = w.ctl("check", name)
    assert p.returncode == 0 and 'member "r1" of the cluster renews it' in \
        p.stdout and "account" not in p.stdout, p.stdout
    # Each looks at the targets that it may have to run.
    for shown, here, there, where in (
            (p.stdout, "web", "far", "renewed"),
            (r.ctl("check", name).stdout, "far", "web", "served")):
        assert 'target "%s" could be run' % here in shown, shown
        assert 'target "%s" runs where the certificate is %s' % (
            there, where) in shown, shown
        assert "deploy.d" not in shown      # there are no hooks
    p = w.ctl("check", name, "--write-caa", "--yes")
    assert p.returncode == 6 and "at a member that renews" in p.stdout, \
        p.stdout
    assert w.ctl("export", name, w.folder + "/out").returncode == 0
    assert os.path.exists(w.folder + "/out/privkey.pem")
    p = w.ctl("status", "--all-hosts")
    assert p.returncode == 0 and "a member that renews" in p.stdout, p.stdout
    for action in "show", "register":
        p = w.ctl("account", action, "lab")
        assert p.returncode == 5 and "only serves" in p.stdout, p.stdout
    assert not os.listdir(os.path.join(w.state_dir, "accounts"))


def test_no_room(fleet, lab):
    """etcd has no room (NOSPACE): leases stay alive, but nothing is renewed,
    which is told with what to do; it goes on when there is room."""
    c = cluster(lab, "etcd-full", n=1, base=24690,
                options=["--quota-backend-bytes", "2097152"])
    fleet.etcd = c
    try:
        name = fleet.cert(names(1)[0])
        a = fleet.member("r1").start()
        first, _ = fleet.everywhere(name)
        for i in range(20):
            if "exceeded" in proc.run(
                    ["sh", "-c", "head -c 400000 /dev/zero | tr '\\0' x | "
                     "etcdctl --endpoints %s put /junk 2>&1" % c.urls[0]],
                    check=False, env=dict(os.environ, ETCDCTL_API="3")).stdout:
                break
        else:
            pytest.fail("etcd has room for everything")
        assert a.ctl("renew-now", "--no-wait", name).returncode == 0
        a.wait("a word of it", lambda: (a.status()["cluster"]["error"] or {})
               .get("code") == "etcd:space", timeout=20)
        p = a.ctl("cluster", "status")
        assert "etcdctl alarm disarm" in p.stdout, p.stdout
        assert a.status()["cluster"] and a.serial(name) == first
        revision = c.ctl("get", "x", "-w", "fields").split(
            '"Revision" : ')[1].split()[0]
        c.ctl("compact", revision)
        c.ctl("defrag")
        c.ctl("alarm", "disarm")
        fleet.everywhere(name, first)
        a.wait("its end", lambda: a.status()["cluster"]["error"] is None,
               timeout=20)
    finally:
        c.stop()
