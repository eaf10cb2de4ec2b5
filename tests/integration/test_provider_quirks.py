# SPDX-License-Identifier: MIT
"""What the shared suite (test_providers.py) cannot ask of all vendors: the
traps that some of them set, and others who write at the same time."""

import time

import pytest

from lab.vendors.base import reply
from lab.vendors.azuredns import Azuredns
from lab.vendors.cloudflare import Cloudflare
from lab.vendors.desec import Desec
from lab.vendors.gandiv5 import Gandi
from lab.vendors.hetzner import Hetzner
from lab.vendors.linode import Linode
from lab.vendors.namecheap import Namecheap
from lab.vendors.namesilo import Namesilo
from lab.vendors.ovh import Ovh
from lab.vendors.porkbun import Porkbun

from test_providers import A, B, NAME, Bench

pytestmark = pytest.mark.no_lab


@pytest.fixture
def make(tmp_path):
    benches = []

    def start(cls, **members):
        """A bench on that vendor; members replace or add methods."""
        b = Bench(type(cls.__name__, (cls,), members), str(tmp_path))
        b.populate()
        benches.append(b)
        return b

    yield start
    for b in benches:
        b.v.stop()
        print("\n".join(map(repr, b.v.log[-30:])))
        assert not b.v.problems, b.v.problems


def overwritten_once(cls, name):
    """The first write is undone by somebody with an older copy."""
    write = getattr(cls, name)

    def undone(self, *args):
        before = list(self.records)
        got = write(self, *args)
        if not getattr(self, "undone", False):
            self.undone = True
            self.records = before
        return got
    return {name: undone}


@pytest.mark.parametrize("cls,method", [
    (Gandi, "set_put"), (Desec, "bulk"), (Namecheap, "set_hosts")])
def test_lost_update(make, cls, method):
    b = make(cls, **overwritten_once(cls, method))
    b.ok("add", A, B)
    b.expect(A, B)
    b.v.undone = False
    b.ok("remove", A)
    b.expect(B)


def test_gandi_set_made_in_between(make):
    """POST creates only: 409, read again, PUT."""
    name = "_acme-challenge.example.test"

    def set_post(self, req, zone, at):
        if not self.find(at):
            self.put_foreign(at, "just now")
        return Gandi.set_post(self, req, zone, at)

    b = make(Gandi, set_post=set_post)
    b.v.records = [r for r in b.v.records if r.name != name]
    b.ok("add", A, name=name)
    assert b.v.values(name) == sorted([A, "just now"])
    assert {r.ttl for r in b.v.find(name)} == {b.v.TTL}
    b.ok("remove", A, name=name)
    assert b.v.values(name) == ["just now"]


def test_gandi_validation_words(make):
    def set_put(self, req, zone, name):
        return self.invalid("rrset_values", "too odd")

    got = make(Gandi, set_put=set_put).refused("rejected", "add", A)
    assert "rrset_values: too odd" in got["msg"]


def test_desec_words_and_ttl(make):
    b = make(Desec)
    b.ok("add", A)
    assert b.v.find(NAME)[0].ttl == Desec.TTL       # the set's own is kept
    name = "_acme-challenge.new.example.test"
    b.ok("add", A, name=name)
    assert b.v.find(name)[0].ttl == 3600            # raised from 60
    b.ok("remove", A, name=name)
    b = make(Desec, wrong=lambda self, s: {"records": ["No good."]})
    got = b.refused("rejected", "add", A)
    assert "records: No good." in got["msg"]


def test_desec_throttled_for_half_a_minute(make):
    b = make(Desec, throttle=lambda self: reply(
        429, {"detail": "Request was throttled. Expected available in 35 "
              "seconds."}, {"Retry-After": "35"}))
    b.v.fail("throttle", 0)
    got = b.refused("rate-limited", "add", A)
    assert b.n == 1 and 30 <= got["retry_in"] <= 35
    assert "Expected available in 35 seconds" in got["msg"]


def test_hetzner_zone_is_locked(make):
    def add_records(self, *args):
        self.tries = getattr(self, "tries", 0) + 1
        if self.tries == 1:
            return self.error(423, "locked", "zone is locked")
        return Hetzner.add_records(self, *args)

    b = make(Hetzner, add_records=add_records)
    b.ok("add", A)
    b.expect(A)


def test_hetzner_action_fails(make):
    b = make(Hetzner, action=lambda self, id: reply(200, {"action": {
        "id": int(id), "status": "error", "error": {
            "code": "action_failed", "message": "server said no"}}}))
    b.v.add_records = lambda *args: reply(201, {"action": b.v.begun()})
    got = b.refused("transient", "add", A)
    assert "action_failed: server said no" in got["msg"]


def test_hetzner_secondary_zone(make):
    def handle(self, req):
        status, headers, body = Hetzner.handle(self, req)
        return status, headers, body.replace(b'"primary"', b'"secondary"')

    got = make(Hetzner, handle=handle).refused("config", "add", A)
    assert "secondary" in got["msg"]


@pytest.mark.parametrize("cls,refusal,words", [
    (Linode, lambda v, *a: v.error(400, "Name is odd", "name"),
     "name: Name is odd"),
    (Porkbun, lambda v, *a: v.error("Create error: We were unable to create "
                                    "the DNS record."), "unable to create"),
])
def test_refused_for_another_reason(make, cls, refusal, words):
    """"Exists already" is looked into, and found to be not so."""
    b = make(cls, create=refusal)
    got = b.refused("rejected", "add", A)
    assert words in got["msg"]
    b.expect()


def test_namesilo_refused_for_another_reason(make):
    b = make(Namesilo, dnsAddRecord=lambda v, *a: v.xml(280, "zone is odd"),
             dnsDeleteRecord=lambda v, *a: v.xml(280, "zone is <odd>"))
    got = b.refused("rejected", "add", A)
    assert "code 280: zone is odd" in got["msg"]
    b.v.put_foreign(NAME, A)
    got = b.refused("rejected", "remove", A)
    assert "code 280: zone is <odd>" in got["msg"]


def test_porkbun_not_opted_in(make):
    b = make(Porkbun, handle=lambda self, req: self.error(
        "Domain is not opted in to API access."))
    got = b.refused("config", "add", A)
    assert b.n == 1 and "opted in" in got["msg"]


def test_ovh_their_clock_is_set(make):
    """QUERY_TIME_OUT: the time is asked for again."""
    def record_post(self, req, zone, rest):
        got = Ovh.record_post(self, req, zone, rest)
        self.skew += 7200
        return got

    b = make(Ovh, record_post=record_post)
    b.ok("add", A, B)
    b.expect(A, B)
    times = [r for r in b.v.log if r.path.endswith("/auth/time")]
    assert len(times) == 3


def test_ovh_refreshes_once(make):
    b = make(Ovh)
    b.ok("add", A, B)
    assert [r.path[-8:] for r in b.v.log].count("/refresh") == 1
    handles = b.ok("add", A, B)
    n = len(b.v.log)
    b.ok("remove", A, B, handles=handles)
    reads = [r for r in b.v.log[n:] if r.method == "GET"
             and "/record/" in r.path]
    assert not reads            # the kept ids spare them


def test_ovh_key_for_nothing(make):
    b = make(Ovh, record_get=lambda self, *a: self.error(
        403, "Forbidden", "This call has not been granted",
        "NOT_GRANTED_CALL"))
    got = b.refused("config", "add", A)
    assert "consumer key without the right" in got["msg"]


@pytest.mark.parametrize("change,kind,words", [
    (lambda text: text.replace('EmailType="MXE" ', ""), "rejected",
     "no EmailType"),
    (lambda text: text.replace('OurDNS="true"', 'OurDNS="false"'), "config",
     "does not use Namecheap"),
    (lambda text: text[:text.index("<host ")] +
     text[text.rindex(" />") + 3:], "rejected", "no records at all"),
    (lambda text: text.replace('Address="192.0.2.1"', ""), "rejected",
     "left alone"),
    (lambda text: text[:text.rindex("<host ")], "transient", "HTTP 200"),
])
def test_namecheap_odd_zone_is_not_written(make, change, kind, words):
    def get_hosts(self, zone):
        status, headers, body = Namecheap.get_hosts(self, zone)
        return status, headers, change(body.decode()).encode()

    b = make(Namecheap, get_hosts=get_hosts)
    got = b.refused(kind, "add", A)
    assert words in got["msg"]
    assert not any(b.v.is_write(r) for r in b.v.log)
    b.expect()


def test_namecheap_hosts_are_counted(make):
    """A record that got lost in a write is not kept quiet."""
    def set_hosts(self, zone, form):
        got = Namecheap.set_hosts(self, zone, form)
        self.records.remove(self.find("www.example.test", "URL301")[0])
        return got

    got = make(Namecheap, set_hosts=set_hosts).refused("config", "add", A)
    assert "please look" in got["msg"]


def test_porkbun_throttles_without_a_time(make):
    b = make(Porkbun, throttle=lambda self: reply(202, "<html></html>"))
    b.v.fail("throttle", 1)
    begin = time.monotonic()
    b.ok("add", A)
    assert 9 <= time.monotonic() - begin < 20
    b.expect(A)


@pytest.mark.parametrize("number,kind,tries", [
    (1011150, "config", 1), (2030166, "config", 3), (500000, "rate-limited",
                                                     3)])
def test_namecheap_errors(make, number, kind, tries):
    b = make(Namecheap, handle=lambda self, req: self.error(
        number, "Words &amp; so"))
    got = b.refused(kind, "add", A)
    assert "error %d: Words & so" % number in got["msg"]
    assert b.n <= tries


def test_cloudflare_zone_not_active(make):
    """A zone that is not delegated to them does not hide one that is."""
    def all_zones(self):
        return [(z, "0" * 32, s) for s in ("moved", "pending")
                for z in ("www.example.test", "example.test")] + \
            Cloudflare.all_zones(self)

    b = make(Cloudflare, all_zones=all_zones)
    b.ok("add", A)
    b.expect(A)
    b.ok("remove", A)
    b.expect()
    b = make(Cloudflare, all_zones=lambda self: [
        (z, i, "pending") for z, i in self.ids.items()])
    assert "must be active" in b.refused("config", "add", A)["msg"]


def test_azuredns_zone_in_two_groups(make):
    """Wherever in the list the second one is: which is delegated to?"""
    def show_zone(self, zone):
        z = Azuredns.show_zone(self, zone)
        if zone == "sub.example.test":
            z["name"] = "example.test"
            z["id"] = self.zone_id("example.test").replace(
                "resourceGroups/", "resourceGroups/other-")
        return z

    b = make(Azuredns, show_zone=show_zone)
    got = b.refused("config", "add", A)
    assert "resource_group" in got["msg"]
    b.expect()
