# SPDX-License-Identifier: MIT
"""cluster { }: who renews which certificate, with real members of etcd: the
members' leases, locks, what is asked of another member, etcd away."""

import itertools
import os

import pytest

from lab import etcd as lab_etcd, fleet as lab_fleet, proc

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
    """Which members have ordered it, and how often."""
    found = {}
    for m, a in fleet.members.items():
        n = sum(name in line and "ordering a certificate" in line
                for line in a.log().split("\n"))
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
