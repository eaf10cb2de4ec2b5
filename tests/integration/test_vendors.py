# SPDX-License-Identifier: MIT
"""Whole renewals through the vendors' APIs.

A fake of the vendor, which recomputes every signature, feeds the name servers
of example.com, BIND a second after a change and Knot up to three; acmed is the
real one, and Pebble asks Knot.
"""

import os
import re

import pytest

from conftest import BIND, KNOT
from lab import daemon, feed, vendors
from test_issue import check_files, names_of

ZONE = "example.com"
NAME = "_acme-challenge." + ZONE
FOREIGN = "somebody-else_s"
SERVERS = {BIND: (1, 1.2), KNOT: (1.5, 3)}
MUST = ("alidns", "tencentcloud", "huaweicloud", "cloudflare", "route53")


def at_example_com(cls):
    """The vendor, hosting example.com."""
    return type(cls.__name__, (cls,), {
        "ZONE": ZONE, "OTHER_ZONE": "not" + ZONE})


# acme-dns keeps its values at a name of its own: test_delegation.py.
ALL = [pytest.param(at_example_com(c), id=c.label(), marks=()
                    if c.label() in MUST else pytest.mark.long)
       for c in vendors.all_vendors() if c.NAME != "acme-dns"]


class Hosted:
    """A vendor, its name servers, and how the zone was at the beginning."""

    def __init__(self, cls, txt):
        self.v, self.txt = cls(), txt
        if self.v.MAX_VALUES is None:
            self.v.put_foreign(NAME, FOREIGN)
            self.v.put_foreign("www." + ZONE, "a neighbour")
        self.feed = feed.Feed(self.v, ZONE, SERVERS, [NAME])
        self.before = self.state()
        assert self.before[1] == self.before[2]

    def state(self):
        # Blank values are what another tool left at GoDaddy; they may go.
        return [sorted(str(r.key()) for r in self.v.records
                       if r.value.strip()),
                self.txt(ZONE, server=BIND), self.txt(ZONE, server=KNOT)]

    def stop(self):
        self.feed.stop()
        self.v.stop()


@pytest.fixture
def host(txt):
    made = []

    def build(cls):
        made.append(Hosted(cls, txt))
        return made[0]
    yield build
    for h in made:
        h.stop()
        print("\n".join(map(repr, h.v.log[-40:])))
        assert not h.v.problems, h.v.problems
        assert txt(ZONE, server=BIND) == txt(ZONE, server=KNOT) == {}


@pytest.mark.parametrize("cls", ALL)
def test_renewal(acmed, lab, host, cls):
    """Both values at the name that somebody else uses as well."""
    hosted = host(cls)
    acmed.providers["vendor"] = dict(hosted.v.options(), type=cls.NAME)
    acmed.cert(ZONE, [ZONE, "*." + ZONE], provider="vendor")
    acmed.start()
    acmed.wait_valid(ZONE, 60)
    acmed.wait_clean(60)
    check_files(acmed, ZONE, lab.pebble().root())
    assert names_of(acmed, ZONE) == ["*." + ZONE, ZONE]
    if hosted.v.CAN_REMOVE:
        assert hosted.state() == hosted.before
    for secret in hosted.v.secrets():
        assert secret not in acmed.log()
    acmed.stop()


@pytest.mark.parametrize("name,type", [
    ("tencentcloud", "tencentcloud"), ("alidns", "aliyun")])
def test_credentials(acmed, host, name, type):
    """The keys are in a section of their own, the secret in a file."""
    hosted = host(at_example_com([c for c in vendors.all_vendors()
                                  if c.label() == name][0]))
    opts = hosted.v.options()
    keys = {k: opts.pop(k) for k in list(opts)
            if re.match("secret_|access_", k)}
    secret = [k for k in keys if not k.endswith("_id")][0]
    path = os.path.join(acmed.folder, "vendor-secret")
    with open(path, "w") as f:
        f.write("wrong\n")
    os.chmod(path, 0o600)
    right = keys.pop(secret)
    acmed.credentials["keys"] = dict(keys, type=type,
                                     **{secret + "_file": path})
    acmed.providers["vendor"] = dict(opts, type=name, credentials="keys")
    acmed.cert(ZONE, [ZONE], provider="vendor")
    acmed.start()
    acmed.wait("refused", lambda: acmed.cert_status(ZONE)["error"],
               timeout=30)
    hosted.v.problems.clear()
    with open(path, "w") as f:
        f.write(right + "\n")
    acmed.ctl("renew-now", ZONE)
    acmed.wait_valid(ZONE, 60)
    acmed.wait_clean(60)
    assert hosted.state() == hosted.before


def test_every_vendor_at_once(acmed, txt):
    """One acmed, a certificate from each vendor, all at the same time."""
    whole = "vendors.test"
    hosted, feeds, before = {}, [], {}
    try:
        for cls in vendors.all_vendors():
            if cls.NAME == "acme-dns":
                continue
            zone = "%s.%s" % (cls.label(), whole)
            v = hosted[zone] = type(cls.__name__, (cls,), {
                "ZONE": zone, "OTHER_ZONE": "not" + zone})()
            name = "_acme-challenge." + zone
            if v.MAX_VALUES is None:
                v.put_foreign(name, FOREIGN)
            before[zone] = v.values(name)
            feeds.append(feed.Feed(v, whole, {BIND: (0.5, 1)}, [name], 0.2))
            acmed.providers[v.label()] = dict(v.options(), type=v.NAME)
            acmed.cert(zone, [zone, "*." + zone], provider=v.label())
        at_first = txt(whole)
        assert len(at_first) > 40
        acmed.start()
        for zone in hosted:
            acmed.wait_valid(zone, 120)
        acmed.wait_clean(60)
        for zone, v in hosted.items():
            if v.CAN_REMOVE:
                assert v.values("_acme-challenge." + zone) == before[zone]
            assert not v.problems, (zone, v.problems)
        stay = ["_acme-challenge." + z for z, v in hosted.items()
                if not v.CAN_REMOVE]
        assert {n: t for n, t in txt(whole).items()
                if n not in stay} == at_first
    finally:
        for f in feeds:
            f.stop()
        for v in hosted.values():
            v.stop()


def test_across_providers(acmed, host, txt):
    """A chain of CNAMEs from BIND by DNS UPDATE to a vendor's API, and one
    the other way; each record goes to who has its zone."""
    cls = [c for c in vendors.all_vendors() if c.label() == "cloudflare"][0]
    hosted = host(at_example_com(cls))
    acmed.providers = {
        "vendor": dict(hosted.v.options(), type=cls.NAME),
        "bind": daemon.rfc2136(BIND, zone="example.test"),
        "knot": daemon.rfc2136(KNOT, zone="knot.test")}
    chain, away = "chain.example.test", "away." + ZONE
    acmed.cert("chain", [chain, "*." + chain, "stays.example.test"],
               provider="bind", alias_provider="vendor")
    acmed.cert("away", [away, "stays." + ZONE], provider="vendor",
               alias_provider="knot")
    acmed.start()
    for name, lines in (("chain", (
            "2 TXT values at chain.example.com through provider vendor",
            "1 TXT value at _acme-challenge.stays.example.test through "
            "provider bind")), ("away", (
            "1 TXT value at away.acme.knot.test through provider knot",
            "1 TXT value at _acme-challenge.stays.example.com through "
            "provider vendor"))):
        acmed.wait_valid(name, 60)
        said = [s["msg"] for s in acmed.get(
            "/v1/certificates/" + name)[1]["steps"]]
        for line in lines:
            assert any(line in s for s in said), said
    acmed.wait_clean(30)
    assert hosted.state() == hosted.before
    assert txt("knot.test") == {} == txt("other.test")
    assert not txt("example.test", "stays.example.test")


@pytest.mark.parametrize("name,rate", [
    ("cloudflare", 10), ("tencentcloud", 20),
    pytest.param("route53", 5, marks=pytest.mark.long),
    pytest.param("alidns", 10, marks=pytest.mark.long)])
def test_ten_at_once_throttled(acmed, host, name, rate):
    """Ten certificates, twenty values, and a vendor who takes few requests
    a second.  Some may need a second run, a minute later."""
    cls = [c for c in vendors.all_vendors() if c.label() == name][0]
    hosted = host(at_example_com(cls))
    throttle = feed.Throttle(hosted.v, rate)
    acmed.providers["vendor"] = dict(hosted.v.options(), type=cls.NAME)
    certs = ["c%d.%s" % (i, ZONE) for i in range(10)]
    for c in certs:
        acmed.cert(c, [c, "*." + c], provider="vendor")
    acmed.start()
    for c in certs:
        acmed.wait_valid(c, 120)
    acmed.wait_clean(120)
    assert throttle.refused > 0
    assert hosted.state() == hosted.before
