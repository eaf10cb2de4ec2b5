# SPDX-License-Identifier: MIT
"""The traps of route53, gcloud, azuredns, ns1 and of the records' vendors,
beyond the suite for all (test_providers.py)."""

import pytest

from lab.vendors.base import reply
from lab.vendors.azuredns import Azuredns
from lab.vendors.digitalocean import Digitalocean
from lab.vendors.dnsimple import Dnsimple
from lab.vendors.dnsmadeeasy import Dnsmadeeasy
from lab.vendors.gcloud import Gcloud
from lab.vendors.ns1 import Ns1
from lab.vendors.route53 import Route53

from test_providers import A, B, NAME, Bench

pytestmark = pytest.mark.no_lab

ALONE = "_acme-challenge.alone.example.test"
ODD = "k=rsa; p=a&b<c>d 'e' " + "x" * 60


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


def once_before(cls, name, do):
    """Somebody else is faster than the first write."""
    write = getattr(cls, name)

    def raced(self, *args):
        is_write = name != "handle" or self.is_write(args[0])
        if is_write and not getattr(self, "raced", False):
            self.raced = True
            do(self)
        return write(self, *args)
    return {name: raced}


RRSETS = [(Route53, "change"), (Gcloud, "change"), (Azuredns, "set_put"),
          (Ns1, "handle")]


@pytest.mark.parametrize("cls,method", RRSETS)
def test_set_made_in_between(make, cls, method):
    """There was none when it was read: it is not overwritten."""
    b = make(cls, **once_before(cls, method, lambda v: v.put_foreign(
        ALONE, "just now")))
    b.ok("add", A, B, name=ALONE)
    assert b.v.values(ALONE) == sorted([A, B, "just now"])
    assert {r.ttl for r in b.v.find(ALONE)} == {b.v.TTL}
    b.ok("remove", A, B, name=ALONE)
    assert b.v.values(ALONE) == ["just now"]


@pytest.mark.parametrize("cls,method", RRSETS[:3])
def test_value_added_in_between(make, cls, method):
    b = make(cls, **once_before(cls, method, lambda v: v.put_foreign(
        NAME, "just now")))
    b.ok("add", A)
    assert "just now" in b.v.values(NAME) and A in b.v.values(NAME)


@pytest.mark.parametrize("cls,method", [
    (Route53, "change"), (Gcloud, "change"), (Azuredns, "set_delete")])
def test_value_added_before_the_last_goes(make, cls, method):
    b = make(cls)
    b.ok("add", A, name=ALONE)
    for name, f in once_before(cls, method, lambda v: v.records.append(
            type(v.records[0])(ALONE, "TXT", v.stored("just now"),
                               v.find(ALONE)[0].ttl, None, v.ZONE))).items():
        setattr(type(b.v), name, f)
    b.ok("remove", A, name=ALONE)
    assert b.v.values(ALONE) == ["just now"]


@pytest.mark.parametrize("cls,method", RRSETS)
def test_odd_values_come_back_as_they_were(make, cls, method):
    b = make(cls)
    b.v.put_foreign(ALONE, ODD)
    before = [r.key() for r in b.v.find(ALONE)]
    b.ok("add", A, name=ALONE)
    b.ok("remove", A, name=ALONE)
    assert [r.key() for r in b.v.find(ALONE)] == before


def test_route53_without_getchange(make):
    b = make(Route53, get_change=lambda self, id: self.error(
        403, "AccessDenied", "User is not authorized to perform "
        "route53:GetChange"))
    b.ok("add", A)
    b.expect(A)


def test_route53_wants_simple_records(make):
    def list_sets(self, req, zone):
        status, headers, body = Route53.list_sets(self, req, zone)
        return status, headers, body.replace(
            b"<TTL>", b"<SetIdentifier>eu</SetIdentifier><Weight>1</Weight>"
            b"<TTL>")
    got = make(Route53, list_sets=list_sets).refused("config", "add", A)
    assert "routing policy" in got["msg"]


def test_route53_two_zones_of_a_name(make):
    def list_zones(self, req):
        status, headers, body = Route53.list_zones(self, req)
        one = body[body.index(b"<HostedZone>"):]
        one = one[:one.index(b"</HostedZone>") + 13]
        return status, headers, body.replace(b"<HostedZones>",
                                             b"<HostedZones>" + one * 2)
    b = make(Route53, list_zones=list_zones)
    b.options = dict(b.v.options(), zone=b.v.OTHER_ZONE)
    got = b.refused("config", "add", A,
                    name="_acme-challenge.notexample.test")
    assert "hosted_zone_id" in got["msg"]


def test_route53_clock(make):
    b = make(Route53, handle=lambda self, req: self.error(
        403, "RequestExpired", "Request has expired."))
    got = b.refused("config", "add", A)
    assert b.n == 1 and "RequestExpired: Request has" in got["msg"]


def test_gcloud_token_revoked_early(make):
    """The token of an earlier try is refused: a new one is fetched."""
    def handle(self, req):
        if req.path != "/token" and len(self.tokens) == 1:
            self.tokens.append("ya29.once-good")
            return self.server_error()
        return Gcloud.handle(self, req)

    b = make(Gcloud, handle=handle)
    b.ok("add", A)
    b.expect(A)
    assert [r.path for r in b.v.log].count("/token") == 2


def test_gcloud_fresh_token_refused(make):
    """It is the account then, and no matter of trying again."""
    b = make(Gcloud, list_zones=lambda self, req: self.error(
        401, "authError", "Invalid Credentials"))
    got = b.refused("config", "add", A)
    assert b.n == 2 and "Invalid Credentials (authError)" in got["msg"]


def test_gcloud_key_is_no_json(make, tmp_path):
    path = tmp_path / "key.json"
    path.write_text('{"client_email": "s3cret-mail"}')
    path.chmod(0o600)
    b = make(Gcloud)
    b.options = dict(b.v.options(), service_account_file=str(path))
    with pytest.raises(AssertionError) as e:
        b.run("add", A)
    assert "JSON key of a service account" in str(e.value)
    assert "s3cret-mail" not in str(e.value)


def test_azuredns_next_page_elsewhere(make):
    """The token goes to base_url only, whatever nextLink says."""
    def list_zones(self, req):
        return reply(200, {"value": [], "nextLink":
                           "https://evil.invalid/x?token=please"})
    b = make(Azuredns, list_zones=list_zones)
    got = b.refused("transient", "add", A)
    assert "goes on in a way not understood" in got["msg"]


@pytest.mark.parametrize("option,value,words", [
    ("resource_group", "other", "ResourceGroupNotFound"),
    ("subscription_id", "none", "SubscriptionNotFound")])
def test_azuredns_wrong_place(make, option, value, words):
    def list_zones(self, req):
        self.problems.clear()
        return self.error(404, "SubscriptionNotFound", "The subscription "
                          "'none' could not be found.")
    b = make(Azuredns, list_zones=list_zones)
    b.options = dict(b.v.options(), **{option: value})
    got = b.refused("config", "add", A)
    assert words in got["msg"]


def test_dnsimple_user_token(make):
    b = make(Dnsimple, whoami=lambda self: {"user": {"id": 1},
                                            "account": None})
    got = b.refused("config", "add", A)
    assert b.n == 1 and "account_id" in got["msg"]


def test_dnsimple_validation_words(make):
    b = make(Dnsimple, create=lambda self, req, zone: reply(
        400, {"message": "Validation failed",
              "errors": {"ttl": ["is odd"]}}))
    got = b.refused("rejected", "add", A)
    assert "Validation failed: ttl is odd" in got["msg"]


def test_dnsmadeeasy_clock(make):
    b = make(Dnsmadeeasy, handle=lambda self, req: self.error(
        400, "Request sent with an invalid date"))
    got = b.refused("config", "add", A)
    assert b.n == 1 and "invalid date" in got["msg"]


def test_digitalocean_another_record_at_the_id(make):
    """A kept id of nothing: only our value goes."""
    b = make(Digitalocean)
    b.ok("add", A, B)
    b.ok("remove", A, handles=["1"])
    b.expect(B)
