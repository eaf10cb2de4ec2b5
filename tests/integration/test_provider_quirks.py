# SPDX-License-Identifier: MIT
"""What the shared suite (test_providers.py) cannot ask of all vendors: the
traps that some of them set, and others who write at the same time."""

import json
import time

import pytest

from lab.vendors.base import reply
from lab.vendors.alidns import Alidns
from lab.vendors.azuredns import Azuredns
from lab.vendors.baiducloud import Baiducloud
from lab.vendors.bunny import Bunny
from lab.vendors.cloudflare import Cloudflare
from lab.vendors.desec import Desec
from lab.vendors.gandiv5 import Gandi
from lab.vendors.godaddy import Godaddy
from lab.vendors.hetzner import Hetzner
from lab.vendors.huaweicloud import Huaweicloud
from lab.vendors.jdcloud import Jdcloud
from lab.vendors.linode import Linode
from lab.vendors.namecheap import Namecheap
from lab.vendors.namesilo import Namesilo
from lab.vendors.netcup import Netcup, NetcupCloud
from lab.vendors.ovh import Ovh
from lab.vendors.pdns import Pdns
from lab.vendors.porkbun import Porkbun
from lab.vendors.route53 import Route53
from lab.vendors.tencentcloud import Tencentcloud
from lab.vendors.vultr import Vultr

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
     text[text.rindex(" />") + 3:], "rejected", "lists no records"),
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
    assert "all of them are there" in got["msg"]


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


def test_cloudflare_internal_zone_of_that_name(make):
    """Of Internal DNS: another view of the same name."""
    def handle(self, req):
        status, headers, body = Cloudflare.handle(self, req)
        j = json.loads(body) if body else {}
        if req.path.endswith("/zones") and j.get("result"):
            j["result"].insert(0, dict(j["result"][0], id="1" * 32,
                                       type="internal"))
        return status, headers, json.dumps(j).encode()

    b = make(Cloudflare, handle=handle)
    b.ok("add", A)
    b.expect(A)


PAGE = ("<!DOCTYPE html><html><title>Just a moment...</title><style>p{}"
        "</style><script>if(a<2){}</script><!-- <p>x --><p>Wait</html>")


def test_page_of_a_firewall(make):
    got = make(Vultr, handle=lambda self, req: reply(403, PAGE)).run("add", A)
    assert got["code"] == "provider:refused"
    assert got["msg"].rstrip().endswith("HTTP 403: Just a moment... Wait")


@pytest.mark.parametrize("cls", [Vultr, Namesilo, Godaddy])
def test_redirected(make, cls):
    b = make(cls, handle=lambda self, req: reply(
        301, "", {"Location": "https://api.example.invalid/v9/"}))
    got = b.refused("config", "add", A)
    assert got["code"] == "provider:redirect" and b.n == 1
    assert "https://api.example.invalid/v9/" in got["msg"]


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


def test_godaddy_account_that_may_only_write(make):
    b = make(Godaddy, set_get=lambda self, *_: self.error(
        403, "ACCESS_DENIED", "not allowed access"))
    b.ok("add", A, B)
    assert {A, B} <= set(b.v.values(NAME))
    b.options = b.v.options()
    got = b.refused("config", "add", A, name="_acme-challenge.else.invalid")
    assert "no zone for" in got["msg"]
    got = b.refused("config", "remove", A)
    assert got["code"] == "provider:credentials"
    assert "ACCESS_DENIED" in got["msg"]


def test_godaddy_domain_protection(make):
    def append(self, zone, body):
        return Godaddy.append(self, zone, [dict(r, data=" ") for r in body])

    got = make(Godaddy, append=append).refused("config", "add", A)
    assert "domain protection" in got["msg"]


def test_vultr_ttl_of_the_set(make):
    def create(self, body, zone):
        name = body["name"] + "." + zone
        if any(r.ttl != body["ttl"] for r in self.find(name)):
            return self.error(400, "TTL mismatch")
        return Vultr.create(self, body, zone)

    b = make(Vultr, create=create)
    b.ok("add", A, B)
    b.expect(A, B)
    assert {r.ttl for r in b.v.find(NAME)} == {Vultr.TTL}


@pytest.mark.parametrize("status", ["FREEZE", "ILLEGAL", "POLICE", "DISABLE"])
def test_huawei_zone_that_is_not_served(make, status):
    def handle(self, req):
        code, headers, body = Huaweicloud.handle(self, req)
        return code, headers, body.replace(b"ACTIVE", status.encode()) \
            if req.path == "/v2/zones" else body

    got = make(Huaweicloud, handle=handle).refused("config", "add", A)
    assert status in got["msg"]


@pytest.mark.parametrize("code,kind", [
    ("InvalidParameter.InvalidSignature", "config"),
    ("InvalidParameter.RequestIpLimited", "config"),
    ("OperationDenied.IPInBlacklistNotAllowed", "config"),
    ("FailedOperation.FrequencyLimit", "rate-limited"),
    ("InvalidParameter.OperationIsTooFrequent", "rate-limited"),
    ("FailedOperation.TemporaryError", "transient"),
    ("InvalidParameter.OperateFailed", "transient"),
    ("FailedOperation.DomainIsLocked", "rejected")])
def test_tencent_codes(make, code, kind):
    b = make(Tencentcloud, handle=lambda self, req: reply(
        200, {"Response": {"Error": {"Code": code, "Message": "words"},
                           "RequestId": "x"}}))
    got = b.refused(kind, "add", A)
    assert code in got["msg"]
    assert (got["code"] == "provider:credentials") == (kind == "config")


def ali(code):
    return {"Code": code, "Message": "words", "RequestId": "x"}


def huawei(code):
    return {"code": code, "message": "words"}


def huawei_gateway(code):
    return {"error_code": code, "error_msg": "words", "request_id": "x"}


def jd(code, status):
    return {"requestId": "x", "error": {"code": code, "status": status,
                                        "message": "words"}}


def baidu(code):
    return {"code": code, "message": "words", "requestId": "x"}


def flare(code):
    return {"success": False, "errors": [{"code": code, "message": "words"}],
            "messages": [], "result": None}


def aws(code):
    return ("<ErrorResponse xmlns='https://route53.amazonaws.com/doc/"
            "2013-04-01/'><Error><Type>Sender</Type><Code>%s</Code><Message>"
            "words</Message></Error></ErrorResponse>" % code)


CODES = [
    (Alidns, 404, ali("InvalidAccessKeyId.NotFound"), "provider:credentials"),
    (Alidns, 400, ali("InvalidAccessKeyId.Inactive"), "provider:credentials"),
    (Alidns, 400, ali("IllegalTimestamp"), "provider:credentials"),
    (Alidns, 400, ali("Forbedden.NotSupportRAM"), "provider:credentials"),
    (Alidns, 400, ali("InvalidSecurityToken.MismatchWithAccessKey"),
     "provider:credentials"),
    (Alidns, 400, ali("Throttling.User"), "provider:throttled"),
    (Alidns, 400, ali("ServerBusy"), "provider:unavailable"),
    (Alidns, 400, ali("QuotaExceeded.Record"), "provider:refused"),
    (Huaweicloud, 400, huawei("DNS.0013"), "provider:credentials"),
    (Huaweicloud, 400, huawei("DNS.0040"), "provider:credentials"),
    (Huaweicloud, 400, huawei_gateway("APIG.0301"), "provider:credentials"),
    (Huaweicloud, 405, huawei_gateway("APIGW.0501"), "provider:throttled"),
    (Huaweicloud, 403, huawei("DNS.0403"), "provider:quota"),
    (Huaweicloud, 403, huawei("DNS.2003"), "huaweicloud:status"),
    (Huaweicloud, 400, huawei("DNS.0015"), "provider:unavailable"),
    (Jdcloud, 400, jd(401, ""), "provider:credentials"),
    (Jdcloud, 400, jd(400, "HTTP_UNAUTHORIZED"), "provider:credentials"),
    (Jdcloud, 400, jd(429, "LIMITED"), "provider:throttled"),
    (Jdcloud, 400, jd(504, "DEADLINE_EXCEEDED"), "provider:unavailable"),
    (Jdcloud, 200, jd(400, "INVALID_ARGUMENT"), "provider:refused"),
    (Baiducloud, 403, baidu("IdempotentParameterMismatch"),
     "provider:refused"),
    (Baiducloud, 400, baidu("RequestExpired"), "provider:credentials"),
    (Baiducloud, 400, baidu("InvalidHTTPAuthHeader"), "provider:credentials"),
    (Baiducloud, 403, baidu("OptInRequired"), "provider:credentials"),
    (Cloudflare, 400, flare(9106), "provider:credentials"),
    (Cloudflare, 400, flare(971), "provider:throttled"),
    (Route53, 400, aws("RequestTimeout"), "provider:unavailable"),
    (Route53, 400, aws("BandwidthLimitExceeded"), "provider:throttled"),
    (Route53, 400, aws("InvalidToken"), "provider:credentials"),
    (Route53, 400, aws("IncompleteSignature"), "provider:credentials"),
]


@pytest.mark.parametrize("cls,status,body,code", CODES)
def test_codes(make, cls, status, body, code):
    """Of the vendors' lists, with statuses that do not tell."""
    got = make(cls, handle=lambda self, req: reply(status, body)).run(
        "add", A)
    assert got["code"] == code and "words" in got["msg"], got


def test_tencent_domain_of_others(make):
    """Said of each candidate that is not in the account."""
    code = "OperationDenied.NoPermissionToOperateDomain"

    def handle(self, req):
        if req.json()["Domain"] not in self.zones():
            return reply(200, {"Response": {"Error": {
                "Code": code, "Message": "not yours"}, "RequestId": "x"}})
        return Tencentcloud.handle(self, req)

    b = make(Tencentcloud, handle=handle)
    b.ok("add", A)
    b.expect(A)
    got = b.refused("config", "add", A, name="_acme-challenge.x.invalid")
    assert "no zone for" in got["msg"] and code in got["msg"]


@pytest.mark.parametrize("region", ["eu-central-1", "aws-global"])
def test_route53_regions(make, region):
    """All of a partition are signed for the same: the fake checks it."""
    b = make(Route53)
    b.options = dict(b.v.options(), region=region)
    b.ok("add", A)
    b.expect(A)


@pytest.mark.parametrize("path", ["/api", "/api/v1/"])
def test_pdns_address_with_the_path(make, path):
    b = make(Pdns)
    b.options = dict(b.v.options(), base_url=b.v.url + path)
    b.ok("add", A)
    b.expect(A)


def test_netcup_cloud_waits_until_it_is_deployed(make):
    b = make(NetcupCloud)
    b.ok("add", A)
    r, = [r for r in b.v.find(NAME) if r.value == A]
    assert r.looks == 0
    assert [q.method for q in b.v.log[-4:]] == ["POST"] + 3 * ["GET"]
    b.ok("add", A)              # deployed already: no more looks
    assert b.v.log[-1].method == "POST"


def test_netcup_cloud_never_deployed(make):
    """Its word is not needed: acmed asks the DNS itself."""
    b = make(NetcupCloud, LOOKS=1000)
    b.ok("add", A)
    b.expect(A)


def test_netcup_cloud_other_names(make):
    b = make(NetcupCloud)
    got = b.refused("config", "add", A, name="proof.www.example.test")
    assert got["code"] == "netcup:name" and b.v.log == []
    assert "_acme-challenge" in got["msg"]


def test_netcup_cloud_domain_elsewhere(make):
    def domain(self, req):
        status, headers, body = NetcupCloud.domain(self, req)
        return status, headers, body.replace(b'"isDnsManaged": true',
                                             b'"isDnsManaged": false')

    b = make(NetcupCloud, domain=domain)
    got = b.refused("config", "add", A)
    assert "example.test is not in netcup's CloudDNS" in got["msg"]


@pytest.mark.parametrize("cls,change,words", [
    (Netcup, {"api_key": "n" * 64}, "for CloudDNS"),
    (Netcup, {"api_password": None}, "api_password is not set"),
    (NetcupCloud, {"api_key": "n" * 50}, "customer_number is not set"),
    (NetcupCloud, {"customer_number": "1"}, "remove them")])
def test_netcup_options_that_do_not_fit(make, cls, change, words):
    b = make(cls)
    b.options = {k: v for k, v in dict(b.v.options(), **change).items()
                 if v is not None}
    with pytest.raises(AssertionError, match=words):
        b.run("add", A)
    assert b.v.log == []


def test_netcup_says_no_records_of_a_domain_of_others(make):
    def handle(self, req):
        param = req.json()["param"]
        if req.json()["action"] == "infoDnsRecords" and \
                param["domainname"] == "www.example.test":
            self.fail_with(5029)
        return Netcup.handle(self, req)

    b = make(Netcup, handle=handle)
    b.ok("add", A)
    b.expect(A)
    b.ok("remove", A)
    b.expect()
    b.v.records = []            # our own without any: nothing to be done
    b.ok("remove", A)


def test_jdcloud_success_with_error_0(make):
    def handle(self, req):
        status, headers, body = Jdcloud.handle(self, req)
        if status == 200 and body:
            j = json.loads(body)
            j.setdefault("error", {"code": 0, "status": "", "message": ""})
            body = json.dumps(j).encode()
        return status, headers, body

    b = make(Jdcloud, handle=handle)
    b.ok("add", A)
    b.expect(A)
    b.ok("remove", A)
    b.expect()


def test_bunny_big_zone(make):
    """Each zone comes with all its records: these are 3 MiB."""
    b = make(Bunny)
    for i in range(6000):
        b.v.put_foreign("f%d.example.test" % i, "x" * 450)
    b.bystanders = b.others()
    b.ok("add", A)
    b.ok("add", A)              # it is found among them
    b.expect(A)
    b.ok("remove", A)
    b.expect()
