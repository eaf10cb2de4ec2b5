# SPDX-License-Identifier: MIT
"""cluster { }: certificates come from whoever renews them to every host,
through a real etcd of three members."""

import itertools
import os
import time

import pytest

from lab import etcd as lab_etcd, fleet as lab_fleet, proc

serials = itertools.count(1)


@pytest.fixture(scope="module")
def etcd(lab):
    try:
        c = lab_etcd.Etcd(os.path.join(lab.folder, "etcd-dist"), base=24290)
    except proc.LabError as e:
        if "not installed" in str(e):
            pytest.skip(str(e))
        raise
    yield c
    c.stop()


@pytest.fixture
def fleet(make, etcd, request):
    n = next(serials)
    f = lab_fleet.Fleet(make, etcd, "/dist%d" % n, nonce_reject=0)
    f.name = "dist%d-%d.example.test" % (n, os.getpid())
    return f


def missing_secret(member):
    """Its provider's secret is in a file that only renewers have."""
    dns = dict(member.providers["dns"], key_secret_file="/nonexistent/tsig")
    del dns["key_secret"]
    member.providers = {"dns": dns}


def test_one_configuration(fleet, nginx, etcd):
    """One renews, two serve: one with nginx, which is reloaded with what has
    come, one that was away.  Those have no credentials of the DNS, order
    nothing, and what lies in etcd can be read by nobody."""
    name = fleet.cert(fleet.name, deploy={"web": {"exec": [
        "/bin/sh", "-c", "f=$ACMED_LIVE_DIR/../../../reload; "
        "test ! -e $f || sh $f"]}})
    r = fleet.member("r1", "renew")
    webs = [fleet.member("w%d" % i, "serve") for i in (1, 2)]
    for w in webs:
        missing_secret(w)
        w.start()
    # Nobody has had it issued yet: nothing is wrong.
    webs[0].wait("a watch", lambda: "watching for changes" in webs[0].log())
    c = webs[0].cert_status(name)
    assert c["state"] == "missing" and c["error"] is None, c
    r.start()
    first, _ = fleet.everywhere(name)
    for w in webs:
        c = w.wait_valid(name)
        assert c["published"]["repository"] == "cluster"
        assert [d["name"] for d in c["deploy"]] == ["web"]
        assert not os.listdir(os.path.join(w.state_dir, "accounts"))
    # A member that only renews serves nothing.
    assert r.wait_valid(name)["deploy"] == []
    assert "PRIVATE KEY" not in etcd.ctl("get", "--prefix", fleet.prefix)
    n = nginx(webs[0].live(name), webs[0].live(name, "privkey.pem"), 24443)
    n.start()
    with open(os.path.join(webs[0].state_dir, "reload"), "w") as f:
        f.write(" ".join(n.reload_argv))
    webs[1].stop()
    time.sleep(1.1)
    assert r.ctl("renew-now", name).returncode == 0
    second, took = fleet.everywhere(name, first, ["r1", "w1"])
    assert took < 5
    webs[0].wait("nginx to serve it", lambda: n.served(name) in open(
        webs[0].live(name)).read())
    webs[1].start()
    assert fleet.everywhere(name, first)[0] == second
    # And nobody else has ordered any.
    for w in webs:
        assert "newOrder" not in w.log() and "new order" not in w.log()
